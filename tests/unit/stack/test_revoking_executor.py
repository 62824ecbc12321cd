"""The executor that Airflow is configured with, in a process of its own."""

import subprocess
import sys
from pathlib import Path

import psutil

from core.settings import PROJECT, Settings
from stack.airflow import AirflowInstallation
from stack.secrets import ensure_secrets

REVOKE = """
from types import SimpleNamespace
from airflow.executors.executor_loader import ExecutorLoader
from airflow.models.taskinstancekey import TaskInstanceKey

executor = ExecutorLoader.import_default_executor_cls()[0](parallelism=1)
stuck, other = (SimpleNamespace(key=TaskInstanceKey("dag", name, "run", 1, -1), id=name) for name in ("stuck", "other"))
executor.running |= {stuck.key, other.key}
executor.queued_tasks |= {stuck.id: "a workload", other.id: "a workload"}
executor.revoke_task(ti=stuck)
executor.revoke_task(ti=stuck)
print([executor.has_task(stuck), executor.has_task(other), executor.event_buffer, executor.slots_available])
"""

END = """
import multiprocessing, subprocess, sys
from airflow.executors.executor_loader import ExecutorLoader

def work(tasks):
    task = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    tasks.put(task.pid)
    task.wait()

executor = ExecutorLoader.import_default_executor_cls()[0](parallelism=1)
executor.start()
tasks = multiprocessing.SimpleQueue()
worker = multiprocessing.Process(target=work, args=(tasks,))
worker.start()
executor.workers[worker.pid] = worker
pids = [worker.pid, tasks.get()]
executor.end()
print(*pids)
"""


def told_by(program: str, home: Path) -> str:
    """Run a program in Airflow's own environment; return its last line."""
    environment = dict(AirflowInstallation(ensure_secrets(Settings(home=home))).environment)
    environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = f"sqlite:///{home / 'unused.db'}"
    environment["PYTHONPATH"] = str(PROJECT)
    told = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return told.stdout.splitlines()[-1]


def test_the_executor_forgets_a_task_that_is_stuck_in_the_queue(tmp_path: Path) -> None:
    assert told_by(REVOKE, tmp_path) == "[False, True, {}, -1]"


def test_the_executor_ends_with_its_tasks_instead_of_waiting_for_them(tmp_path: Path) -> None:
    left = [int(pid) for pid in told_by(END, tmp_path).split()]
    assert len(left) == 2
    assert not any(psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE for pid in left)
