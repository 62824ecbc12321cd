"""One Superset over a small known city, and one Chromium, for the tests of this folder."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page

from ingestion.settings import Settings
from stack.control import down, up
from tests.browser.pages import chromium, log_in
from tests.browser.truth import CLOCK, publish_truth


@pytest.fixture(scope="session")
def superset_settings(new_settings: Callable[[], Settings]) -> Iterator[Settings]:
    """Start PostgreSQL, the object store and Superset, publish the known city, stop them at the end."""
    settings = new_settings().model_copy(update={"now": CLOCK})
    try:
        up(settings, {"postgres", "seaweedfs"})
        publish_truth(settings)
        up(settings, {"superset"})
        yield settings
    finally:
        down(settings)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser, superset_settings: Settings) -> Iterator[Page]:
    """Give a page of somebody who is logged in as administrator."""
    page = browser.new_page(locale="vi-VN")
    log_in(
        page,
        superset_settings,
        superset_settings.superset_admin_user,
        superset_settings.reveal("superset_admin_password"),
    )
    yield page
    page.close()
