"""Every night: merge small files and expire what no release needs; writers wait meanwhile, readers do not."""

from datetime import UTC, datetime

from airflow.sdk import CronTriggerTimetable, dag, task
from retries import RETRIES, stops_unless_retryable


@dag(
    dag_id="maintenance",
    description="Merge small files; expire snapshots that no release needs",
    schedule=CronTriggerTimetable("30 2 * * *", timezone="Asia/Ho_Chi_Minh"),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    tags=["maintenance"],
    default_args=RETRIES,
)
def maintenance() -> None:
    """Keep the catalogs small."""

    @task
    @stops_unless_retryable
    def tidy() -> dict[str, int]:
        from core.settings import Settings  # noqa: PLC0415
        from lake.maintenance import tidy as tidy_catalogs  # noqa: PLC0415  heavy

        return tidy_catalogs(Settings())

    tidy()


maintenance()
