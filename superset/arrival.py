"""Where people land after the log-in, and their menu of pages: the leaders' order, that of contracts/domains.yaml.

Superset would show everybody its own welcome page, whose lists of recent work are empty for those who only read. Its pages are not made
for phones, so a phone is sent to the narrow page.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any  # the menu is Superset's own

from asset_files import read_pages, slug_in
from flask import Response, redirect, request, session  # type: ignore[import-not-found, unused-ignore]

from core.domains import read_shown_domains
from core.settings import PROJECT
from core.text import half

WELCOME = frozenset({"/", "/superset/welcome/"})
PHONE = "Mobi"
"""What browsers on phones name themselves by, and those on tablets do not."""


@dataclass(frozen=True)
class PageLink:
    """A page and its title; whether it is made for a phone."""

    slug: str
    title: str
    is_narrow: bool

    @property
    def address(self) -> str:
        return f"/superset/dashboard/{self.slug}/"


@cache
def page_links(language: str) -> tuple[PageLink, ...]:
    """Return all pages in a language, in the order in which leaders read them."""
    pages = read_pages(PROJECT)
    listed = [slug for domain in read_shown_domains() for slug in domain.dashboards]
    return tuple(
        PageLink(slug_in(language, slug), half(str(pages[slug]["title"]), language), bool(pages[slug].get("is_narrow")))
        for slug in listed
    )


def leave_welcome() -> Response | None:
    """Send everybody who has logged in from the welcome page to the first page, a phone to the first narrow one."""
    if request.path not in WELCOME or "_user_id" not in session:
        return None
    pages = page_links(str(session.get("locale", "vi")))
    narrow = [page for page in pages if page.is_narrow] if PHONE in request.headers.get("User-Agent", "") else []
    return redirect([*narrow, *pages][0].address)


def with_pages(menu: list[Any], language: str) -> list[Any]:
    """Return the menu with all pages in place of the entry that leads to Superset's list; those who make charts keep the list too."""
    lists = [entry for entry in menu if entry["name"] == "Dashboards"]
    others = [entry for entry in menu if entry["name"] != "Dashboards"]
    pages: list[Any] = [{"name": one.slug, "label": one.title, "url": one.address} for one in page_links(language)]
    if any(entry["name"] == "Charts" for entry in others):
        pages += ["-", *lists]
    return [{"name": "Pages", "label": "Pages", "childs": pages}, *others] if lists else menu
