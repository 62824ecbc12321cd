"""Every night: merge small files and expire what no release needs; writers wait meanwhile, readers do not.

Without a start date the first run is the next one: a stack that has just started has nothing to merge, and its loads would wait.
"""

from airflow.sdk import CronTriggerTimetable, dag, task
from retries import RETRIES, stops_unless_retryable

from core.local_time import ZONE


@dag(
    dag_id="maintenance",
    description="Merge small files; expire snapshots that no release needs",
    schedule=CronTriggerTimetable("30 2 * * *", timezone=ZONE, run_immediately=False),
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
