"""One DAG per domain: build, audit, publish, whenever one of its feeds brought something new.

Builds take turns (quality/build.py), so they share a pool of one slot: a build that waits holds no slot of a load or an audit. The scores
(domain `quality`) follow every domain, and the clock too: a feed that fell silent must lose points while nothing arrives.
"""

from datetime import UTC, datetime

from airflow.sdk import DAG, Asset, AssetAny, AssetOrTimeSchedule, CronTriggerTimetable, dag, task
from assets import feed_asset, marts_asset
from retries import RETRIES, stops_unless_retryable

from ingestion.contract import read_contracts

QUALITY = "quality"


def marts(domain: str, schedule: AssetAny | AssetOrTimeSchedule) -> DAG:
    """Make the DAG of one domain."""

    @dag(
        dag_id=f"marts__{domain}",
        description=f"Build, audit and publish the marts of {domain}",
        schedule=schedule,
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=1,
        tags=["marts", domain],
        default_args=RETRIES,
    )
    def build_audit_publish() -> None:
        @task(pool="build")
        @stops_unless_retryable
        def build() -> int:
            from ingestion.settings import Settings  # noqa: PLC0415
            from quality.steps import build_domain  # noqa: PLC0415  heavy

            return build_domain(Settings(), domain).snapshot_id

        @task
        @stops_unless_retryable
        def audit(snapshot_id: int) -> int:
            from ingestion.settings import Settings  # noqa: PLC0415
            from quality.steps import require_pass  # noqa: PLC0415  heavy

            return require_pass(Settings(), domain, snapshot_id)

        @task(outlets=[marts_asset(domain)])
        @stops_unless_retryable
        def publish(snapshot_id: int) -> int:
            from ingestion.settings import Settings  # noqa: PLC0415
            from quality.steps import publish_domain  # noqa: PLC0415  heavy

            return publish_domain(Settings(), domain, snapshot_id).release_id

        publish(audit(build()))

    return build_audit_publish()


def any_of(assets: list[Asset]) -> AssetAny:
    """Wait for one of the assets, whichever comes."""
    return AssetAny(*assets)


domains: dict[str, list[Asset]] = {}
for contract in read_contracts().values():
    domains.setdefault(contract.domain, []).append(feed_asset(contract.feed))
for name, feeds in domains.items():
    globals()[f"marts__{name}"] = marts(name, any_of(feeds))
globals()[f"marts__{QUALITY}"] = marts(
    QUALITY,
    AssetOrTimeSchedule(
        timetable=CronTriggerTimetable("*/15 * * * *", timezone="UTC"),
        assets=any_of([marts_asset(name) for name in domains]),
    ),
)
