"""The DAGs, one per contract, one per domain, and those of the whole; parsed by Airflow in a process and home of its own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from core.contract import read_contracts
from core.settings import PROJECT, Settings

PARSE = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(dag_folder=sys.argv[1], load_op_links=False)
print("RESULT" + json.dumps({
    "errors": {path: str(error) for path, error in bag.import_errors.items()},
    "dags": {dag.dag_id: {
        "tasks": sorted(dag.task_ids),
        "edges": sorted([task.task_id, later] for task in dag.tasks for later in task.downstream_task_ids),
        "waits_for": sorted(asset.name for asset in getattr(dag.timetable, "asset_condition", None).objects)
        if getattr(dag.timetable, "asset_condition", None) else [],
        "retries": sorted({task.retries for task in dag.tasks}),
        "rules": {task.task_id: getattr(task.trigger_rule, "value", task.trigger_rule) for task in dag.tasks},
        "catchup": dag.catchup,
        "starts": [str(dag.start_date), getattr(dag.timetable, "run_immediately", None)],
        "max_active_runs": dag.max_active_runs,
        "max_active_tasks": dag.max_active_tasks,
        "schedule": [str(getattr(dag.timetable, name, None)) for name in ("expression", "timezone")],
    } for dag in bag.dags.values()},
}))
"""

FORK = """
import os, signal
from airflow.executors.local_executor import LocalExecutor
from revoking_executor import IMPORTED_ONCE, RevokingLocalExecutor
LocalExecutor.start = lambda executor: None
RevokingLocalExecutor.start(object.__new__(RevokingLocalExecutor))
import sys
assert {*IMPORTED_ONCE} <= {*sys.modules}
if os.fork():
    sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
signal.alarm(60)
import duckdb, numpy, pandas, polars, pyarrow
numpy.linalg.inv(numpy.random.rand(300, 300))
frame = pandas.DataFrame({"n": range(100_000)})
assert polars.from_pandas(frame).group_by(polars.col.n % 7).len().height == 7
assert pyarrow.Table.from_pandas(frame).group_by("n").aggregate([]).num_rows == len(frame)
assert duckdb.sql("select sum(n) from frame").fetchone() == (frame.n.sum(),)
"""
"""What a task does in its fork of the scheduler, which has imported libraries."""


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, object]]:
    """The facts of all DAGs, parsed once."""
    home = tmp_path_factory.mktemp("airflow")
    environment = Settings(home=home).child_environment(
        AIRFLOW_HOME=str(home),
        AIRFLOW__CORE__LOAD_EXAMPLES="False",
        AIRFLOW__CORE__UNIT_TEST_MODE="True",
        AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{home / 'unused.db'}",
        PYTHONPATH=f"{PROJECT}:{PROJECT / 'dags'}",
    )
    finished = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PARSE, str(PROJECT / "dags")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line for line in finished.stdout.splitlines() if line.startswith("RESULT")]
    assert len(lines) == 1, finished.stderr[-2000:]
    answer: dict[str, dict[str, object]] = json.loads(lines[0].removeprefix("RESULT"))
    return answer


def test_every_dag_is_there_and_imports(parsed: dict[str, dict[str, object]]) -> None:
    contracts = read_contracts().values()
    expected = {f"ingest__{contract.table}" for contract in contracts}
    expected |= {f"marts__{contract.domain}" for contract in contracts} | {"marts__quality"}
    expected |= {"levels", "maintenance", "recapture", "reports"}
    assert parsed["errors"] == {}
    assert set(parsed["dags"]) == expected
    assert len(expected) >= 13


def test_a_feed_is_collected_then_loaded_and_marts_pass_their_audit_before_release(
    parsed: dict[str, dict[str, object]],
) -> None:
    edges = {dag_id: facts["edges"] for dag_id, facts in parsed["dags"].items()}  # type: ignore[index]
    for dag_id, found in edges.items():
        if dag_id.startswith("ingest__"):
            assert found == [["collect", "load"]], dag_id
        elif dag_id.startswith("marts__"):
            assert found == [["audit", "publish"], ["build", "audit"]], dag_id
    assert edges["levels"] == [["load_what_waits", "find_what_is_due"]]
    assert parsed["dags"]["levels"]["rules"]["find_what_is_due"] == "all_done"  # type: ignore[index]


def test_the_marts_of_a_domain_wait_for_its_feeds_and_for_being_found_behind_and_the_scores_for_every_domain(
    parsed: dict[str, dict[str, object]],
) -> None:
    contracts = read_contracts().values()
    domains = {contract.domain for contract in contracts}
    expected = {
        f"marts__{domain}": {f"bronze.{contract.feed}" for contract in contracts if contract.domain == domain}
        | {f"due.{domain}"}
        for domain in domains
    }
    expected["marts__quality"] = {f"marts.{domain}" for domain in domains} | {"due.quality"}
    found = {dag_id: facts["waits_for"] for dag_id, facts in parsed["dags"].items()}  # type: ignore[index]
    assert {dag_id: set(assets) for dag_id, assets in found.items() if assets} == expected


def test_every_feed_that_can_be_fetched_again_is_asked_by_recapture(parsed: dict[str, dict[str, object]]) -> None:
    assert parsed["dags"]["recapture"]["tasks"] == [  # type: ignore[index]
        "environment__station_readings",
        "feedback__requests",
        "health__disease_cases",
        "public_services__dossiers",
    ]


def test_every_page_is_printed_at_the_end_of_the_day_alone_and_whatever_becomes_of_the_others(
    parsed: dict[str, dict[str, object]],
) -> None:
    reports = parsed["dags"]["reports"]
    pages = [path.stem for path in (PROJECT / "superset" / "dashboards").glob("*.yaml")]
    assert len(pages) >= 8
    assert reports["tasks"] == sorted([*pages, "delete_expired"])  # type: ignore[index]
    assert reports["edges"] == []  # type: ignore[index]
    assert reports["max_active_tasks"] == 1  # type: ignore[index]
    assert reports["schedule"] == ["0 17 * * *", "Asia/Ho_Chi_Minh"]  # type: ignore[index]


def test_no_dag_catches_up_or_runs_twice_at_once(parsed: dict[str, dict[str, object]]) -> None:
    for dag_id, facts in parsed["dags"].items():
        assert (facts["catchup"], facts["max_active_runs"], facts["retries"]) == (False, 1, [3]), dag_id  # type: ignore[index]


def test_what_runs_at_an_hour_does_not_run_when_a_stack_starts(parsed: dict[str, dict[str, object]]) -> None:
    for dag_id in ("maintenance", "reports"):
        assert parsed["dags"][dag_id]["starts"] == ["None", False]  # type: ignore[index]


RETRY = """
import sys
from retries import stops_unless_retryable
from airflow.sdk.exceptions import AirflowFailException
from core.errors import AuditError, SourceUnavailableError
for error in (SourceUnavailableError("x"), AuditError("x"), ValueError("x")):
    def task(): raise error
    try: stops_unless_retryable(task)()
    except AirflowFailException: print("stop", type(error).__name__)
    except Exception as other: print("retry", type(other).__name__)
"""


def test_only_errors_that_a_retry_helps_are_retried(tmp_path: Path) -> None:
    environment = Settings(home=tmp_path).child_environment(
        AIRFLOW_HOME=str(tmp_path), PYTHONPATH=f"{PROJECT}:{PROJECT / 'dags'}"
    )
    finished = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", RETRY], env=environment, capture_output=True, text=True, check=True
    )
    assert finished.stdout.splitlines()[-3:] == ["retry SourceUnavailableError", "stop AuditError", "stop ValueError"]


def test_what_is_imported_once_works_in_every_fork() -> None:
    environment = Settings().child_environment(PYTHONPATH=f"{PROJECT}:{PROJECT / 'dags' / 'plugins'}")
    finished = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORK], env=environment, capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stderr[-2000:]
