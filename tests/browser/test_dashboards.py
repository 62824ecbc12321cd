"""What a leader sees: every dashboard opens, every chart is drawn, and the numbers are those of the truth."""

import pytest
from playwright.sync_api import Page

from cli.dashboards import every_chart_answers
from ingestion.settings import Settings
from tests.browser.pages import open_dashboard
from tests.browser.truth import NUMBERS

pytestmark = [pytest.mark.browser, pytest.mark.services, pytest.mark.timeout(600)]


@pytest.mark.parametrize("slug", sorted(NUMBERS))
def test_a_dashboard_shows_the_numbers_of_the_truth(page: Page, superset_settings: Settings, slug: str) -> None:
    outside: list[str] = []
    ours = f"http://{superset_settings.superset_host}:{superset_settings.superset_port}/"
    page.on(
        "response",
        lambda answer: None if answer.url.startswith((ours, "data:", "blob:")) else outside.append(answer.url),
    )
    charts = open_dashboard(page, superset_settings, slug)
    assert {title: chart.error for title, chart in charts.items() if chart.error} == {}
    assert {title for title, chart in charts.items() if not chart.text and not chart.has_drawing} == set()
    assert {title: charts[title].text.splitlines()[0] for title in NUMBERS[slug]} == NUMBERS[slug]
    assert outside == []


def test_every_chart_of_every_dashboard_answers_with_rows(superset_settings: Settings) -> None:
    answers = every_chart_answers(superset_settings)
    assert {slug: len(charts) for slug, charts in answers.items()} == {
        "dich-benh": 13,
        "dich-vu-cong": 12,
        "dung-du-sach-song": 19,
        "kham-chua-benh": 15,
        "giao-duc": 14,
        "moi-truong": 13,
        "phan-anh": 12,
        "tau-ca": 19,
    }
    assert [(slug, title) for slug, charts in answers.items() for title, rows in charts.items() if not rows] == []
    assert {"agency_name", "received"} <= set(answers["phan-anh"]["Xếp hạng 85 cơ quan xử lý"][0])
    assert len(answers["phan-anh"]["Xếp hạng 85 cơ quan xử lý"]) == 2  # the agency without a case is listed
