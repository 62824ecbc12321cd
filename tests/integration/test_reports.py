"""Reports of a stack: named after the release they show, written once, kept through maintenance. A press of the tests prints them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from minio.error import S3Error

from core.errors import ConfigurationError, ServiceError
from core.object_client import object_client
from core.settings import Settings
from lake.maintenance import tidy
from lake.releases import Release
from reporting.pages import Page, find_page
from reporting.printing import Caption
from reporting.report import TRIES, delete_expired, make_report, releases_shown
from reporting.report_store import BUCKET, PREFIX, ReportStore
from tests.publishing import publish_candidates

from .conftest import NOON, Lake

pytestmark = pytest.mark.stack

PAGE = "moi-truong"


@dataclass
class Press:
    """Prints the number of the print instead of a page; the first ones are interrupted by what the test does meanwhile."""

    meanwhile: list[Callable[[], Release]] = field(default_factory=list)
    captions: list[Caption] = field(default_factory=list)

    def __call__(self, settings: Settings, page: Page, caption: Caption) -> bytes:
        self.captions.append(caption)
        if len(self.captions) <= len(self.meanwhile):
            self.meanwhile[len(self.captions) - 1]()
        return f"print {len(self.captions)}".encode()


@pytest.fixture
def publish(lake: Lake) -> Iterator[Callable[[str], Release]]:
    """A function that publishes a domain; the reports of this test are deleted at its end."""
    yield lambda domain: publish_candidates(lake.connection, domain, NOON)
    client = object_client(lake.settings)
    for item in client.list_objects(BUCKET, prefix=PREFIX, recursive=True):
        client.remove_object(BUCKET, str(item.object_name))


def test_a_report_is_named_after_its_release_and_printed_once(lake: Lake, publish: Callable[[str], Release]) -> None:
    release, scores, press = publish("environment"), publish("quality"), Press()
    made = make_report(lake.settings, PAGE, press)
    assert made.name == f"{PAGE}.release-{release.release_id}.pdf"
    assert make_report(lake.settings, PAGE, press) == made
    assert ReportStore(lake.settings).read(made) == b"print 1"
    (caption,) = press.captions
    assert caption.releases == (
        f"Môi trường: bản phát hành số {release.release_id}, công bố lúc 12:00 20/11/2026",
        f"Chất lượng dữ liệu: bản phát hành số {scores.release_id}, công bố lúc 12:00 20/11/2026",
    )
    assert caption.footer == (
        f"Môi trường · Bản phát hành số {release.release_id}, công bố lúc 12:00 20/11/2026 · In lúc 12:00 20/11/2026"
    )


@pytest.mark.parametrize("domain", ["environment", "quality"])
def test_a_release_that_comes_while_the_page_is_printed_has_it_printed_again(
    lake: Lake, publish: Callable[[str], Release], domain: str
) -> None:
    publish("environment")
    press = Press([lambda: publish(domain)])
    made = make_report(lake.settings, PAGE, press)
    assert len(press.captions) == 2
    assert ReportStore(lake.settings).read(made) == b"print 2"
    newest = releases_shown(lake.connection, find_page(PAGE)).named
    assert made.release_id == newest.release_id


def test_a_release_of_a_domain_that_the_page_does_not_show_is_of_no_matter(
    lake: Lake, publish: Callable[[str], Release]
) -> None:
    publish("environment")
    press = Press([lambda: publish("feedback")])
    make_report(lake.settings, PAGE, press)
    assert len(press.captions) == 1


def test_nothing_is_stored_if_releases_keep_coming(lake: Lake, publish: Callable[[str], Release]) -> None:
    publish("environment")
    press = Press([lambda: publish("environment")] * TRIES)
    with pytest.raises(ServiceError, match=f"{PAGE}: expected no new release .* got one in each of {TRIES} tries"):
        make_report(lake.settings, PAGE, press)
    assert len(press.captions) == TRIES
    assert ReportStore(lake.settings).reports() == []


def test_a_page_over_all_domains_is_named_after_the_newest_release(
    lake: Lake, publish: Callable[[str], Release]
) -> None:
    publish("environment")
    newest = publish("feedback")
    shown = releases_shown(lake.connection, find_page("tong-quan"))
    assert shown.named == newest
    assert {"environment", "feedback"} <= set(shown.releases)


def test_a_page_without_a_release_says_what_to_run(lake: Lake) -> None:
    lake.connection.begin()
    lake.connection.execute("delete from marts.operations.releases where domain = 'fisheries'")
    with pytest.raises(ConfigurationError, match="tau-ca: expected a release of fisheries to print, got none"):
        releases_shown(lake.connection, find_page("tau-ca"))
    lake.connection.rollback()


def test_maintenance_leaves_reports_alone_and_retention_takes_the_old_ones(
    lake: Lake, publish: Callable[[str], Release]
) -> None:
    store = ReportStore(lake.settings)
    first, second = publish("environment"), publish("environment")
    old, new = (store.write(PAGE, release.release_id, b"a page") for release in (first, second))
    tidy(lake.settings, timedelta(0))
    assert store.reports() == [old, new]
    assert delete_expired(lake.settings) == []
    assert delete_expired(lake.settings.model_copy(update={"now": NOON + timedelta(days=4000)})) == [old.name]
    assert store.reports() == [new]


def test_readers_of_the_marts_can_read_reports_and_not_write_them(
    lake: Lake, publish: Callable[[str], Release]
) -> None:
    made = ReportStore(lake.settings).write(PAGE, publish("environment").release_id, b"a page")
    reader = {"s3_access_key": lake.settings.s3_reader_access_key, "s3_secret_key": lake.settings.s3_reader_secret_key}
    store = ReportStore(lake.settings.model_copy(update=reader))
    assert store.read(made) == b"a page"
    with pytest.raises(ServiceError, match="AccessDenied") as caught:
        store.write(PAGE, made.release_id, b"another page")
    assert isinstance(caught.value.__cause__, S3Error)
