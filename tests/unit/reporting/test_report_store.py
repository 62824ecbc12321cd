"""How reports are named, and which of them are kept."""

from datetime import UTC, datetime, timedelta

from core.domains import domain_names
from lake.retention import Retention
from reporting.report_store import KEY, PREFIX, StoredReport, expired_reports

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
POLICY = Retention(each_days=7, hourly_days=90, daily_months=36)


def report(release_id: int, page: str = "moi-truong") -> StoredReport:
    return StoredReport(page, release_id, 1000)


def test_a_report_is_named_after_its_page_and_release_and_its_key_is_read_back() -> None:
    one = report(42)
    assert one.name == "moi-truong.release-42.pdf"
    found = KEY.fullmatch(one.key)
    assert found is not None
    assert (found["page"], int(found["release"])) == ("moi-truong", 42)


def test_no_domain_has_its_tables_where_the_reports_are() -> None:
    assert [name for name in domain_names() if PREFIX.startswith(f"{name}/") or "-" in name] == []


def test_reports_of_a_page_are_kept_like_its_releases_whatever_other_pages_have() -> None:
    days = {1: 3000, 2: 2000, 3: 200, 4: 199.99, 5: 3, 6: 2}
    published_at = {number: NOW - timedelta(days=age) for number, age in days.items()}
    reports = [report(number) for number in days] + [report(1, "tau-ca")]
    assert expired_reports(reports, published_at, NOW, POLICY) == [report(1), report(3)]


def test_a_report_whose_release_is_unknown_is_kept() -> None:
    assert expired_reports([report(1), report(9)], {9: NOW}, NOW, POLICY) == []
