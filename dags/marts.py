"""One DAG per domain: build, audit, publish, whenever one of its feeds has new data, or the domain was found to be behind.

Each task takes its step if that is the domain's next one (quality/levels.py), and does nothing otherwise, so that a run that is repeated,
or finds the work of an earlier one half done, has the same result. Builds of different domains run in parallel, as many as there are
cores. The scores (domain `quality`) follow every domain, and also the clock: dags/levels.py triggers them when they are too old.
"""

from datetime import UTC, datetime

from airflow.sdk import DAG, Asset, AssetAny, dag, task
from assets import due_asset, feed_asset, marts_asset
from retries import RETRIES, stops_unless_retryable

from core.contract import read_contracts
from core.domains import QUALITY, domain_names


def marts(domain: str, assets: list[Asset]) -> DAG:
    """Return the DAG of one domain."""

    @dag(
        dag_id=f"marts__{domain}",
        description=f"Build, audit and publish the marts of {domain}",
        schedule=AssetAny(*assets, due_asset(domain)),
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=1,
        tags=["marts", domain],
        default_args=RETRIES,
    )
    def build_audit_publish() -> None:
        @task(pool="build")
        @stops_unless_retryable
        def build() -> bool:
            from core.settings import Settings  # noqa: PLC0415
            from quality.levels import Step  # noqa: PLC0415
            from quality.steps import take_step  # noqa: PLC0415  heavy

            return take_step(Settings(), domain, Step.BUILD)

        @task
        @stops_unless_retryable
        def audit() -> bool:
            from core.settings import Settings  # noqa: PLC0415
            from quality.levels import Step  # noqa: PLC0415
            from quality.steps import take_step  # noqa: PLC0415  heavy

            return take_step(Settings(), domain, Step.AUDIT)

        @task(outlets=[marts_asset(domain)])
        @stops_unless_retryable
        def publish() -> bool:
            from airflow.sdk.exceptions import AirflowSkipException  # noqa: PLC0415

            from core.settings import Settings  # noqa: PLC0415
            from quality.levels import Step  # noqa: PLC0415
            from quality.steps import take_step  # noqa: PLC0415  heavy

            if not take_step(Settings(), domain, Step.PUBLISH):
                raise AirflowSkipException(f"{domain}: nothing to publish")
            return True

        build() >> audit() >> publish()

    return build_audit_publish()


contracts = read_contracts().values()
for name in domain_names():
    feeds = [feed_asset(contract.feed) for contract in contracts if contract.domain == name]
    others = [marts_asset(domain) for domain in domain_names() if domain != QUALITY] if name == QUALITY else []
    globals()[f"marts__{name}"] = marts(name, feeds + others)
