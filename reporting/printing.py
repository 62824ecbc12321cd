"""Print a page as a leader sees it: log in, open it, wait until every chart is drawn, add the figures of the drawn ones, print on A4.

Superset's own reports need Celery, and their Playwright takes no browser but its own; this one prints with Debian's Chromium.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any  # Superset's answers
from urllib.parse import parse_qs, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from playwright.sync_api import Page as Tab
from playwright.sync_api import PdfMargins, Response

from core.errors import ServiceError
from core.local_time import ZONE
from core.settings import Settings
from reporting.appendix import Figures, figures_of
from reporting.browser import TIMEOUT_MILLISECONDS, ShownChart, answers, chromium, log_in, open_dashboard
from reporting.pages import Page

SHEETS = Path(__file__).parent / "sheets"
WIDTH, HEIGHT = 1396, 6000
"""The window in pixels: as wide as a sheet without its margins, at SCALE; higher than any page, since Superset draws what is in view."""
SCALE = 0.75
SHEET_HEIGHT = 930
"""The height of a sheet without its margins, in pixels at SCALE."""
MARGINS = PdfMargins(top="10mm", bottom="14mm", left="10mm", right="10mm")
QUERY = "?standalone=2&force=true"
"""Without menu and title; charts asked for anew, since Superset may keep answers from before the release for half a minute."""
SHARPNESS = 2
"""Pixels of a drawn chart per pixel of the page."""
STILL_MILLISECONDS = 1000
STANDS_STILL = """() => {
    const before = window.drawnBefore;
    window.drawnBefore = [...document.querySelectorAll(".slice_container canvas")].map(canvas => canvas.toDataURL()).join();
    return window.drawnBefore === before;
}"""
"""Whether the pictures are those of the last time it was asked: a chart grows into its picture for a second."""
DRAWN = """() => [...document.querySelectorAll(".dashboard-component-chart-holder")]
    .filter(holder => holder.querySelector(".slice_container canvas"))
    .map(holder => holder.querySelector("[data-test-chart-id]").dataset.testChartId)"""


@dataclass(frozen=True)
class Caption:
    """What a report says about itself: title, description, a line per release it shows, and the footer of each sheet."""

    title: str
    description: str
    releases: tuple[str, ...]
    footer: str


def print_page(settings: Settings, page: Page, caption: Caption) -> bytes:
    """Return a page as PDF.

    Raises ConfigurationError if there is no browser or Superset refuses the account, ServiceError if a chart cannot be drawn or may be old.
    """
    with chromium(settings) as browser:
        tab = browser.new_page(locale="vi-VN", timezone_id=ZONE, device_scale_factor=SHARPNESS)
        log_in(tab, settings, settings.superset_reporter_user, settings.reveal("superset_reporter_password"))
        heard: list[Response] = []
        tab.on("response", lambda answer: heard.append(answer))  # noqa: PLW0108  Playwright marks what it is given
        charts = open_dashboard(tab, settings, page.slug, width=WIDTH, height=HEIGHT, query=QUERY)
        require_drawn(page, charts)
        sheets = Environment(loader=FileSystemLoader(SHEETS), autoescape=True, undefined=StrictUndefined)
        with answers(settings, f"the page {page.slug}"):
            tab.wait_for_function(STANDS_STILL, polling=STILL_MILLISECONDS, timeout=TIMEOUT_MILLISECONDS)
            figures = _figures(tab, page, heard)
            heading = sheets.get_template("heading.html").render(caption=caption)
            below = sheets.get_template("figures.html").render(figures=figures)
            tab.evaluate(_text("print.js"), [heading, below, _text("print.css"), SHEET_HEIGHT])
            tab.emulate_media(media="screen")
            return tab.pdf(
                format="A4",
                landscape=True,
                scale=SCALE,
                margin=MARGINS,
                print_background=True,
                display_header_footer=True,
                header_template="<span></span>",
                footer_template=sheets.get_template("footer.html").render(caption=caption),
                tagged=True,
                outline=True,
            )


def require_drawn(page: Page, charts: Mapping[str, ShownChart]) -> None:
    """Raise ServiceError naming the charts that Superset could not draw."""
    failed = [f"{title}: {chart.error}" for title, chart in charts.items() if chart.error]
    if failed:
        raise ServiceError(
            f"{page.slug}: expected every chart to be drawn, got {'; '.join(failed)}; see Superset's log in `ioc status`",
            failed=failed,
        )


def require_new(page: Page, results: Iterable[Mapping[str, Any]]) -> None:
    """Raise ServiceError if Superset answered from its cache, which may be older than the release."""
    if cached := sum(bool(result["is_cached"]) for result in results):
        raise ServiceError(
            f"{page.slug}: expected every chart to be asked for anew, got {cached} from Superset's cache; run it again",
            cached=cached,
        )


def _figures(tab: Tab, page: Page, heard: Sequence[Response]) -> list[Figures]:
    """Return the figures of the charts that are drawn as pictures, in the order of the page."""
    results: dict[int, Mapping[str, Any]] = {}
    charts: dict[int, Mapping[str, Any]] = {}
    labels: dict[str, Mapping[str, str]] = {}
    for answer in heard:
        address = urlsplit(answer.url)
        if address.path == "/api/v1/chart/data":
            form = json.loads(parse_qs(address.query).get("form_data", ["{}"])[0])
            if "slice_id" in form:  # a filter asks for its values at the same address
                results[int(form["slice_id"])] = answer.json()["result"][0]
        elif address.path == f"/api/v1/dashboard/{page.slug}/charts":
            charts = {int(chart["id"]): chart for chart in answer.json()["result"]}
        elif address.path == f"/api/v1/dashboard/{page.slug}/datasets":
            labels = {str(dataset["uid"]): dataset["verbose_map"] for dataset in answer.json()["result"]}
    require_new(page, results.values())
    return [
        figures_of(
            str(charts[drawn]["slice_name"]),
            str(charts[drawn]["description"] or ""),
            results[drawn],
            labels[charts[drawn]["form_data"]["datasource"]],
            [column["column_name"] for column in charts[drawn]["form_data"].get("tooltip_contents", [])],
        )
        for drawn in map(int, tab.evaluate(DRAWN))
    ]


def _text(name: str) -> str:
    return (SHEETS / name).read_text(encoding="utf-8")
