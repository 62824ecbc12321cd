"""What a reader does with the filters of a page, and what a page asks of other machines."""

from playwright.sync_api import Locator, Page, Request

from core.settings import Settings
from reporting.browser import HOLDER, TIMEOUT_MILLISECONDS


def watch_requests(page: Page, settings: Settings) -> list[Request]:
    """Return a list that grows by every request that the page makes to anywhere but Superset, even a blocked one."""
    ours = f"{settings.superset_address}/"
    outside: list[Request] = []
    page.on("request", lambda one: None if one.url.startswith((ours, "data:", "blob:")) else outside.append(one))
    return outside


def chart_named(page: Page, title: str) -> Locator:
    """Return the content of the chart with a title."""
    heading = page.locator("[data-test='editable-title'], .header-title").get_by_text(title, exact=True)
    return page.locator(HOLDER).filter(has=heading).locator(".slice_container")


def choose(page: Page, title: str, value: str) -> None:
    """Choose a value in the filter with a title, and apply it."""
    name = page.locator("[data-test='filter-control-name']").get_by_text(title, exact=True)
    key = str(name.get_attribute("id", timeout=TIMEOUT_MILLISECONDS)).removeprefix("filter-name-")
    page.click(f".ant-select[data-test='{key}']", timeout=TIMEOUT_MILLISECONDS)
    page.click(f".ant-select-item-option[title='{value}']", timeout=TIMEOUT_MILLISECONDS)
    page.keyboard.press("Escape")
    page.click("[data-test='filter-bar__apply-button']", timeout=TIMEOUT_MILLISECONDS)
