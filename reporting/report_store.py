"""The only writer of reports: PDF files beside the tables of the releases that they show, in the bucket `marts`.

A key reads `page-reports/<page>/<page>.release-<id>.pdf`. The files of a table are below the name of its domain, which has no hyphen.
Reports are kept by the same policy as releases (lake/retention.py), applied to the reports of each page and the times of their releases:
each one for some days, then the last of an hour, then the last of a day. So a report can outlive its release.
"""

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.object_client import object_client, translated
from core.settings import Settings
from lake.retention import Publication, Retention, needed_versions, retention_of

BUCKET = "marts"
PREFIX = "page-reports/"
KEY = re.compile(rf"{PREFIX}(?P<page>[^/]+)/(?P=page)\.release-(?P<release>\d+)\.pdf")


@dataclass(frozen=True)
class StoredReport:
    """A report in the store: the page and the release that name it, and its size."""

    page: str
    release_id: int
    bytes: int

    @property
    def name(self) -> str:
        return f"{self.page}.release-{self.release_id}.pdf"

    @property
    def key(self) -> str:
        return f"{PREFIX}{self.page}/{self.name}"


class ReportStore:
    """The reports of one stack."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client = object_client(settings)

    def reports(self, page: str | None = None) -> list[StoredReport]:
        """Return the reports of a page, or of all pages, by page and release."""
        return sorted(self._listed(page), key=lambda one: (one.page, one.release_id))

    def find(self, page: str, release_id: int) -> StoredReport | None:
        """Return the report of a page from a release; None if there is none."""
        return next((one for one in self._listed(page) if one.release_id == release_id), None)

    def read(self, report: StoredReport) -> bytes:
        """Return a report's PDF."""
        with translated(report.key), self._client.get_object(BUCKET, report.key) as response:
            return response.read()

    def write(self, page: str, release_id: int, content: bytes) -> StoredReport:
        """Store a report."""
        report = StoredReport(page, release_id, len(content))
        with translated(report.key):
            self._client.put_object(
                BUCKET, report.key, io.BytesIO(content), len(content), content_type="application/pdf"
            )
        return report

    def delete_expired(self, published_at: Mapping[int, datetime]) -> list[str]:
        """Delete the reports that are no longer kept, and return their names; `published_at` is the time of each release, by id."""
        expired = expired_reports(self.reports(), published_at, self._settings.clock(), retention_of(self._settings))
        for report in expired:
            with translated(report.key):
                self._client.remove_object(BUCKET, report.key)
        return [report.name for report in expired]

    def _listed(self, page: str | None) -> Iterator[StoredReport]:
        prefix = f"{PREFIX}{page}/" if page else PREFIX
        with translated(prefix):
            for item in self._client.list_objects(BUCKET, prefix=prefix, recursive=True):
                if found := KEY.fullmatch(item.object_name or ""):
                    yield StoredReport(found["page"], int(found["release"]), item.size or 0)


def expired_reports(
    reports: Sequence[StoredReport], published_at: Mapping[int, datetime], now: datetime, policy: Retention
) -> list[StoredReport]:
    """Return the reports that the policy no longer keeps at `now`; one whose release has no known time is kept."""
    dated = [report for report in reports if report.release_id in published_at]
    needed = needed_versions(
        (
            Publication(report.page, report.release_id, place, published_at[report.release_id])
            for place, report in enumerate(dated)
        ),
        now,
        policy,
    )
    return [report for place, report in enumerate(dated) if place not in needed]
