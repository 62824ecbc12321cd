"""One Chromium for the tests of this folder."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from core.settings import Settings
from tests.browser.pages import chromium, log_in


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser, superset_settings: Settings) -> Iterator[Page]:
    """A page logged in as the administrator."""
    page = browser.new_page(locale="vi-VN")
    log_in(
        page,
        superset_settings,
        superset_settings.superset_admin_user,
        superset_settings.reveal("superset_admin_password"),
    )
    yield page
    page.close()
