"""One DAG per contract, from one loop: collect, then load. A load that brought something new updates the feed's Asset.

The contract's cadence is the schedule. There is no catch-up: collection continues from its checkpoint, so that after an outage one run
collects everything that was missed.
"""

from datetime import UTC, datetime
from typing import Any

from airflow.sdk import DAG, dag, task
from airflow.sdk.exceptions import AirflowSkipException
from assets import feed_asset
from retries import RETRIES, stops_unless_retryable

from core.contract import Contract, read_contracts


def ingest(contract: Contract) -> DAG:
    """Return the DAG of one feed."""
    asset = feed_asset(contract.feed)

    @dag(
        dag_id=f"ingest__{contract.table}",
        dag_display_name=f"{contract.label_vi} ({contract.feed})",
        description=contract.name,
        schedule=contract.cadence,
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=1,
        tags=["ingest", contract.domain],
        default_args=RETRIES,
    )
    def ingest_feed() -> None:
        @task
        @stops_unless_retryable
        def collect() -> dict[str, int]:
            from core.settings import Settings  # noqa: PLC0415
            from ingestion.collect.collect import collect as collect_feed  # noqa: PLC0415  heavy

            collected = collect_feed(Settings(), contract)
            size = sum(delivery.bytes for delivery in collected.deliveries)
            return {"deliveries": len(collected.deliveries), "bytes": size, "refused": len(collected.refused)}

        @task(outlets=[asset])
        @stops_unless_retryable
        def load(*, outlet_events: Any = None) -> dict[str, int]:
            from core.settings import Settings  # noqa: PLC0415
            from ingestion.load.ledger import summary  # noqa: PLC0415
            from ingestion.load.load import load_feed  # noqa: PLC0415  heavy

            counts = summary(load_feed(Settings(), contract))
            if not counts["deliveries"]:
                raise AirflowSkipException(f"{contract.feed}: nothing new in landing")
            outlet_events[asset].extra = counts
            return counts

        collect() >> load()

    return ingest_feed()


for each in read_contracts().values():
    globals()[f"ingest__{each.table}"] = ingest(each)
