"""Every day at 17:00: print each page from the release in force, and delete the reports that are no longer kept.

Each page is a task of its own, so that one that fails leaves the others alone and is named. They run one after the other, since each
opens a browser. A page whose release was printed already is not printed again (reporting/report.py). Without a start date the first run is
the next one: a stack that has just started would print the empty pages of yesterday.
"""

from airflow.sdk import CronTriggerTimetable, dag, task
from retries import RETRIES, stops_unless_retryable

from core.local_time import ZONE
from reporting.pages import page_slugs


@dag(
    dag_id="reports",
    description="Print the pages as PDF",
    schedule=CronTriggerTimetable("0 17 * * *", timezone=ZONE, run_immediately=False),
    catchup=False,
    max_active_runs=1,
    max_active_tasks=1,
    tags=["reports"],
    default_args=RETRIES,
)
def reports() -> None:
    """Print every page that contracts/domains.yaml lists."""

    def report(slug: str) -> None:
        @task(task_id=slug)
        @stops_unless_retryable
        def print_page() -> dict[str, str | int]:
            from core.settings import Settings  # noqa: PLC0415
            from reporting.report import make_report  # noqa: PLC0415  heavy

            made = make_report(Settings(), slug)
            return {"report": made.name, "bytes": made.bytes}

        print_page()

    for slug in page_slugs():
        report(slug)

    @task
    @stops_unless_retryable
    def delete_expired() -> list[str]:
        from core.settings import Settings  # noqa: PLC0415
        from reporting.report import delete_expired as delete_expired_reports  # noqa: PLC0415  heavy

        return delete_expired_reports(Settings())

    delete_expired()


reports()
