"""Open dashboards in Debian's Chromium and read what a person reads: for reports, and for the tests of pages.

Playwright drives the browser. Its errors become ours: their first line only, because what follows repeats what was typed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Error, Page, Response, sync_playwright

from core.errors import ConfigurationError, ServiceError
from core.settings import Settings

ARGUMENTS = (
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
TIMEOUT_MILLISECONDS = 90_000
POLLING_MILLISECONDS = 250
"""Asking at each frame, as Playwright does unless told, lays the page out anew sixty times a second."""
HOLDER = ".dashboard-component-chart-holder:not(.dashboard-markdown *)"
"""Of a chart: the line at the top of a page and a legend have a holder too."""

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
def chromium(settings: Settings) -> Iterator[Browser]:
    """Start Debian's Chromium, headless; raises ConfigurationError if it is not installed."""
    if not settings.chromium.exists():
        raise ConfigurationError(
            f"report: expected {settings.chromium}, got none; apt install chromium fonts-noto-core, or set IOC_CHROMIUM"
        )
    secure = f"--unsafely-treat-insecure-origin-as-secure={settings.superset_address}"  # keeps its cookies if TLS is in front
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=settings.chromium, args=[*ARGUMENTS, secure])
        yield browser
        browser.close()


def log_in(page: Page, settings: Settings, user: str, password: str) -> None:
    """Log in as a person does; raises ConfigurationError if Superset refuses, ServiceError if it does not answer."""
    with answers(settings, "its log-in page"):
        page.goto(f"{settings.superset_address}/login/", timeout=TIMEOUT_MILLISECONDS)
        page.wait_for_selector("input[type=password]", timeout=TIMEOUT_MILLISECONDS)
        page.fill("#username, input[type=text]", user)
        page.focus("input[type=password]")
        page.keyboard.insert_text(password)  # `fill` would repeat it in its errors
        with page.expect_response(_is_log_in, timeout=TIMEOUT_MILLISECONDS) as sent:
            page.keyboard.press("Enter")
        answer = sent.value
        if answer.status >= 400 or urlsplit(answer.headers.get("location", "")).path.startswith("/login"):
            raise ConfigurationError(
                f"superset: expected the account {user} to be let in, got a refusal ({answer.status}); "
                "run `ioc up`, which sets the passwords of its own accounts"
            )
        page.wait_for_url(lambda address: "/login" not in address, timeout=TIMEOUT_MILLISECONDS)


def open_dashboard(
    page: Page, settings: Settings, slug: str, *, width: int = 1500, height: int = 2400, query: str = ""
) -> dict[str, ShownChart]:
    """Open a dashboard, wait until every chart is drawn or has failed, and return the charts by title.

    Superset draws a chart when it comes into view, so the window must be as high as the page.
    """
    page.set_viewport_size({"width": width, "height": height})
    with answers(settings, f"the page {slug}"):
        page.goto(f"{settings.superset_address}/superset/dashboard/{slug}/{query}", timeout=TIMEOUT_MILLISECONDS)
        page.wait_for_function(IS_DRAWN, polling=POLLING_MILLISECONDS, timeout=TIMEOUT_MILLISECONDS)
    shown = page.evaluate(READ)
    return {title: ShownChart(text, error, drawings > 0) for title, text, error, drawings in shown}


@contextmanager
def answers(settings: Settings, what: str) -> Iterator[None]:
    """Turn Playwright's errors into ServiceError; `what` is what was expected of Superset."""
    try:
        yield
    except Error as error:
        raise ServiceError(
            f"superset: expected {what} at {settings.superset_address}, got {error.message.splitlines()[0]}; see `ioc status`"
        ) from None  # it repeats what was typed


def _is_log_in(answer: Response) -> bool:
    return answer.request.method == "POST" and urlsplit(answer.url).path.startswith("/login")
