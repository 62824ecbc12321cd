"""One Chromium for the tests of a module: a report starts its own, and a process drives one at a time.

Each role logs in once a module and opens a tab for each test, as a person does: the pages' code comes from the cache, and the first
page, which follows a log-in with all its charts, is not drawn again and again.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from core.settings import Settings
from reporting.browser import chromium, log_in
from tests.people import PASSWORD


@pytest.fixture(scope="module")
def browser(superset_settings: Settings) -> Iterator[Browser]:
    with chromium(superset_settings) as browser:
        yield browser


def logged_in(browser: Browser, settings: Settings, user: str, password: str) -> BrowserContext:
    """Return the context of a person who has logged in."""
    context = browser.new_context(locale="vi-VN")
    page = context.new_page()
    log_in(page, settings, user, password)
    page.close()
    return context


@pytest.fixture(scope="module")
def administrator(browser: Browser, superset_settings: Settings) -> Iterator[BrowserContext]:
    user, password = superset_settings.superset_admin_user, superset_settings.reveal("superset_admin_password")
    with logged_in(browser, superset_settings, user, password) as context:
        yield context


@pytest.fixture
def page(administrator: BrowserContext) -> Iterator[Page]:
    """A tab of the administrator."""
    with administrator.new_page() as page:
        yield page


@pytest.fixture(scope="module")
def leading(browser: Browser, people: Settings) -> Iterator[BrowserContext]:
    with logged_in(browser, people, "leader", PASSWORD) as context:
        yield context


@pytest.fixture
def leader(leading: BrowserContext) -> Iterator[Page]:
    """A tab of a leader."""
    with leading.new_page() as page:
        yield page
