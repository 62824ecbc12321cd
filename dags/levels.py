"""Every five minutes: load what waits in landing, and trigger the marts that are behind.

An Asset event is lost with the task that should have sent it: a load that committed and died, a retry that found nothing left to do, a
load from the command line. This DAG looks at the ledger instead, so that a release follows whoever did the work and however it ended.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import AssetAlias, dag, task
from assets import due_asset
from retries import RETRIES, stops_unless_retryable


@dag(
    dag_id="levels",
    description="Load what waits in landing; trigger the marts that are behind their ledger",
    schedule=timedelta(minutes=5),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    tags=["ingest", "marts"],
    default_args=RETRIES,
)
def levels() -> None:
    """Compare landing, ledger, builds and releases."""

    @task
    @stops_unless_retryable
    def load_what_waits() -> dict[str, int]:
        from core.contract import read_contracts  # noqa: PLC0415
        from core.settings import Settings  # noqa: PLC0415
        from ingestion.load.load import load_feeds  # noqa: PLC0415  heavy

        return {feed: len(rows) for feed, rows in load_feeds(Settings(), read_contracts().values()).items() if rows}

    @task(
        outlets=[AssetAlias("due")], trigger_rule="all_done"
    )  # a feed that cannot be loaded does not hold up other domains
    @stops_unless_retryable
    def find_what_is_due(*, outlet_events: Any = None) -> dict[str, str]:
        from core.settings import Settings  # noqa: PLC0415
        from quality.steps import due_steps  # noqa: PLC0415  heavy

        due = due_steps(Settings())
        for domain in due:
            outlet_events[AssetAlias("due")].add(due_asset(domain))
        return due

    load_what_waits() >> find_what_is_due()


levels()
