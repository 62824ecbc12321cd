"""One DAG for missing data: every hour, request the missing slots of each feed whose source keeps history.

`ingestion/collect/recapture.py` decides what is missing and how often to ask, and records the outcome. A feed that received something
updates its Asset, so that its marts follow.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import dag, task
from airflow.sdk.exceptions import AirflowSkipException
from assets import feed_asset
from retries import RETRIES, stops_unless_retryable

from core.contract import Contract, read_contracts
from core.slots import SlotsBy


@dag(
    dag_id="recapture",
    description="Fetch again the missing slots that a source still has",
    schedule=timedelta(hours=1),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    tags=["ingest"],
    default_args=RETRIES,
)
def recapture() -> None:
    """Recapture each feed in a task of its own."""

    def ask(contract: Contract) -> None:
        asset = feed_asset(contract.feed)

        @task(task_id=contract.table, outlets=[asset])
        @stops_unless_retryable
        def fetch_again(*, outlet_events: Any = None) -> dict[str, int]:
            from core.settings import Settings  # noqa: PLC0415
            from ingestion.collect.recapture import recapture as recapture_feed  # noqa: PLC0415  heavy
            from ingestion.collect.recapture import summary  # noqa: PLC0415

            counts = summary(recapture_feed(Settings(), contract))
            if not counts["found"]:
                raise AirflowSkipException(f"{contract.feed}: no missing slot was found")
            outlet_events[asset].extra = counts
            return counts

        fetch_again()

    for contract in read_contracts().values():
        if contract.is_refetchable and contract.slots.by is not SlotsBy.UNKNOWN:
            ask(contract)


recapture()
