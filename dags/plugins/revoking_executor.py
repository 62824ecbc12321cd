"""Airflow's LocalExecutor, for a machine whose database may die.

When PostgreSQL dies at the wrong moment, Airflow loses the news that a task ended before it began: the task stays *queued*, and nothing
runs it. After `task_queued_timeout` the scheduler asks its executor to forget such a task and queues it again; LocalExecutor does not offer
that, so that the scheduler leaves the task where it is, for ever.

A scheduler that has lost its database ends, and LocalExecutor first waits for its tasks, which wait for the database too: measured, five
minutes in which no other scheduler can start. Any task of ours can be killed and repeated, so they end with their scheduler.

Each task is a fork of the scheduler, which therefore imports what takes seconds and is the same for all of them. Our own code is not in it:
a task runs it as it is when the task starts.
"""

import warnings
from importlib import import_module

import psutil
from airflow.executors.local_executor import LocalExecutor
from airflow.models.taskinstance import TaskInstance

IMPORTED_ONCE = (
    "pandas",
    "pyarrow.dataset",
    "great_expectations.expectations.row_conditions",
)
"""Libraries without threads that a fork would miss; DuckDB and Polars have such, and are quick to import."""


class RevokingLocalExecutor(LocalExecutor):  # type: ignore[misc]  # Airflow ships this module without types
    """A LocalExecutor that forgets a task when it is asked to, ends at once, and imports libraries for its tasks."""

    def start(self) -> None:
        """Import what tasks need before the first of them is forked."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for name in IMPORTED_ONCE:
                import_module(name)
        super().start()

    def revoke_task(self, *, ti: TaskInstance) -> None:
        """Forget a task. If its worker starts after all, the API server refuses whichever of the two starts comes second."""
        for key in (ti.key, ti.id):
            self.queued_tasks.pop(key, None)
            self.running.discard(key)

    def end(self) -> None:
        """End the workers and their tasks, then close the queues."""
        for worker in self.workers.values():
            if worker.is_alive():
                process = psutil.Process(worker.pid)
                for one in (*process.children(recursive=True), process):
                    one.kill()
        super().end()
