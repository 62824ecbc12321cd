"""Open dashboards in Chromium and read what a person reads, for these tests and for manual tests of a running stack."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from playwright.sync_api import Browser, Page, sync_playwright

from cli.dashboards import dashboard_address
from core.settings import Settings

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
TIMEOUT_MILLISECONDS = 90_000
HOLDER = ".dashboard-component-chart-holder"
IS_DRAWN = f"""() => {{
    const holders = [...document.querySelectorAll("{HOLDER}")];
    return holders.length > 0 && holders.every(holder =>
        !holder.querySelector("[data-test='loading-indicator'], .loading")
        && (holder.querySelector(".slice_container canvas, .slice_container table, .ant-alert-error, [role='alert']")
            || (holder.querySelector(".slice_container") || {{innerText: ""}}).innerText.trim()));
}}"""
READ = f"""() => [...document.querySelectorAll("{HOLDER}")].map(holder => [
    (holder.querySelector("[data-test='editable-title'], .header-title") || {{innerText: ""}}).innerText.trim(),
    (holder.querySelector(".slice_container") || {{innerText: ""}}).innerText.trim(),
    [...holder.querySelectorAll(".ant-alert-error, [data-test='error-message'], [role='alert']")].map(e => e.innerText).join(" ").trim(),
    holder.querySelectorAll(".slice_container canvas, .slice_container table").length])"""


@dataclass(frozen=True)
class ShownChart:
    """A chart as shown on the page: its text, its error if any, and whether something is drawn in it."""

    text: str
    error: str
    has_drawing: bool


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Debian's Chromium, headless."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*ARGUMENTS])
        yield browser
        browser.close()


def log_in(page: Page, settings: Settings, user: str, password: str) -> None:
    """Log in as a person does."""
    page.goto(f"http://{settings.superset_host}:{settings.superset_port}/login/", timeout=TIMEOUT_MILLISECONDS)
    page.wait_for_selector("input[type=password]", timeout=TIMEOUT_MILLISECONDS)
    page.fill("#username, input[type=text]", user)
    page.fill("input[type=password]", password)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda address: "/login" not in address, timeout=TIMEOUT_MILLISECONDS)


def open_dashboard(page: Page, settings: Settings, slug: str) -> dict[str, ShownChart]:
    """Open a dashboard, wait until every chart is drawn or has failed, and return the charts by title."""
    page.set_viewport_size({"width": 1500, "height": 2400})  # Superset draws a chart when it comes into view
    page.goto(dashboard_address(settings, slug), timeout=TIMEOUT_MILLISECONDS)
    page.wait_for_function(IS_DRAWN, timeout=TIMEOUT_MILLISECONDS)
    shown = page.evaluate(READ)
    return {title: ShownChart(text, error, drawings > 0) for title, text, error, drawings in shown}
