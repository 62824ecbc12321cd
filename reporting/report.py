"""Print a page from a release, and keep it under the name of that release.

Superset always shows the newest releases. So those in force are read before a page is printed and again after it: if another one came in
between, the page may mix two, and is printed again. A page is printed once from a release; asked again, the stored report is the answer.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import duckdb

from core.domains import QUALITY, read_domains
from core.errors import ConfigurationError, ServiceError
from core.local_time import LOCAL
from core.settings import Settings
from lake.connection import connected
from lake.maintenance import publications
from lake.releases import Release, releases_in_force
from reporting.pages import Page, find_page
from reporting.printing import Caption, print_page
from reporting.report_store import ReportStore, StoredReport

TRIES = 3
"""How often a page is printed until no release comes in between."""
TIME = "%H:%M %d/%m/%Y"

Print = Callable[[Settings, Page, Caption], bytes]


@dataclass(frozen=True)
class Shown:
    """The releases that a page shows, by domain, and the one that names its report."""

    releases: Mapping[str, Release]
    named: Release


def make_report(settings: Settings, slug: str, print_page: Print = print_page) -> StoredReport:
    """Print a page from the releases in force and store it, unless it is stored already.

    Raises UnknownNameError for a page that no domain lists, ConfigurationError before the first release, ServiceError if a service does not
    answer or new releases keep coming.
    """
    page, store = find_page(slug), ReportStore(settings)
    with connected(settings) as connection:
        shown = releases_shown(connection, page)
        for _ in range(TRIES):
            if stored := store.find(page.slug, shown.named.release_id):
                return stored
            content = print_page(settings, page, caption_of(settings, page, shown))
            before, shown = shown, releases_shown(connection, page)
            if before == shown:
                return store.write(page.slug, shown.named.release_id, content)
    raise ServiceError(
        f"{slug}: expected no new release while the page is printed, got one in each of {TRIES} tries; run it again",
        tries=TRIES,
    )


def delete_expired(settings: Settings) -> list[str]:
    """Delete the reports that the retention of releases no longer keeps; return their names."""
    with connected(settings) as connection:
        published_at = {release.release_id: release.published_at for release in publications(connection)}
    return ReportStore(settings).delete_expired(published_at)


def releases_shown(connection: duckdb.DuckDBPyConnection, page: Page) -> Shown:
    """Return the releases in force that a page shows: of its domain, of the scores beside it, or of all domains.

    The release of its domain names its report; if it shows all domains, the newest one. Raises ConfigurationError if there is none.
    """
    in_force = releases_in_force(connection)
    shown = (
        in_force if page.is_over_all else {name: in_force[name] for name in (page.domain, QUALITY) if name in in_force}
    )
    named = (
        max(shown.values(), key=lambda one: one.release_id, default=None)
        if page.is_over_all
        else shown.get(page.domain)
    )
    if named is None:
        raise ConfigurationError(
            f"{page.slug}: expected a release of {page.domain} to print, got none; run `ioc run {page.domain}`"
        )
    return Shown(shown, named)


def caption_of(settings: Settings, page: Page, shown: Shown) -> Caption:
    """Return what a report says about itself: title, releases with their times, and the time of printing; all times are local."""
    labels = {domain.id: domain.label_vi for domain in read_domains()}
    named = shown.named
    lines = [
        f"{labels.get(name, name)}: bản phát hành số {release.release_id}, công bố lúc {release.published_at.astimezone(LOCAL):{TIME}}"
        for name, release in shown.releases.items()
    ]
    return Caption(
        title=page.title,
        description=page.description,
        releases=tuple(lines),
        footer=(
            f"{page.title} · Bản phát hành số {named.release_id}, công bố lúc {named.published_at.astimezone(LOCAL):{TIME}}"
            f" · In lúc {settings.clock().astimezone(LOCAL):{TIME}}"
        ),
    )
