"""A running Superset: every dashboard shows the true numbers, follows the releases, and shows nobody more than their role allows.

One module, so that Superset is started once.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

import duckdb
import httpx
import pytest
import yaml
from playwright.sync_api import Page

from cli.dashboards import chart_rows, dashboard_charts, every_chart_answers, superset_client
from core.domains import OVERVIEW, domain_names
from core.errors import ServiceError
from core.settings import PROJECT, Settings
from lake.connection import connected
from quality.marts import keys_of
from reporting.browser import open_dashboard
from tests.browser.filters import watch_requests
from tests.browser.maps import MAPS, find_colours, find_map
from tests.browser.truth import NUMBERS, publish
from tests.people import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.services, pytest.mark.timeout(1800)]

PATIENCE_SECONDS = 30
BADGES = 3
"""Newest event, age and trust, which are not in the dashboard files."""
OVERVIEWS = ("tong-quan", "dien-thoai")
"""Pages over all domains, whose lines have an age and a trust each."""
REFUSED = {
    "a view in a mart's place": "create or replace view environment.air_quality_hours as select 1",
    "a table": "create table environment.mine as select 1",
    "a deletion": "delete from environment.air_quality_hours",
    "a forgotten secret": "drop secret object_store",
    "a lost catalog": "detach marts",
    "a setting": "set threads = 1",
    "a file": "select * from read_csv('/etc/passwd')",
    "a file by its name": "select * from '/etc/passwd'",
    "an export": "copy (select 1) to '/tmp/out.csv'",
    "another database": "attach '/tmp/other.db'",
    "an extension": "install excel",
    "a deletion by its whole name": "delete from marts.environment.air_quality_hours",
    "what is not released": "select * from lake.environment.air_quality_hours",
    "the list of releases": "select * from operations.releases",
    "the list of releases by its whole name": "select * from marts.operations.releases",
    "the catalog's own tables": "select * from __ducklake_metadata_marts.ducklake_table",
    "SQL in a text": "select * from query('select 1')",
    "PostgreSQL": "select * from postgres_query('__ducklake_metadata_marts', 'select 1')",
    "PostgreSQL elsewhere": "select * from postgres_scan('host=127.0.0.1', 'public', 'ab_user')",
    "two statements": "select 1; drop table environment.air_quality_hours",
}


def test_every_page_is_opened_and_so_is_every_map() -> None:
    pages = {path.stem: path.read_text(encoding="utf-8") for path in (PROJECT / "superset" / "dashboards").iterdir()}
    assert NUMBERS.keys() == pages.keys()
    assert MAPS.keys() == {slug for slug, page in pages.items() if "kind: map" in page} - {"tong-quan"}, (
        "whose map is another's"
    )


@pytest.mark.parametrize("slug", sorted(NUMBERS))
def test_a_page_shows_the_numbers_of_the_truth_and_draws_its_map(
    page: Page, superset_settings: Settings, slug: str
) -> None:
    outside = watch_requests(page, superset_settings)
    charts = open_dashboard(page, superset_settings, slug)
    assert {title: chart.error for title, chart in charts.items() if chart.error} == {}
    assert {title for title, chart in charts.items() if not chart.text and not chart.has_drawing} == set()
    assert {title: charts[title].text.splitlines()[0] for title in NUMBERS[slug]} == NUMBERS[slug]
    if slug in MAPS:
        title, colours = MAPS[slug]
        assert find_colours(page, find_map(page, title), *colours).keys() == colours
    assert [request.url for request in outside] == []


def lines_of(text: str) -> list[list[str]]:
    """Return the cells of a table's rows, as a reader sees them; its header has a line for each column."""
    return [[cell.strip() for cell in line.split("\t")] for line in text.splitlines() if line.strip() and "\t" in line]


def test_the_overview_tells_each_figure_with_level_trend_age_and_trust(page: Page, superset_settings: Settings) -> None:
    charts = open_dashboard(page, superset_settings, "tong-quan")
    told = lines_of(charts["Chỉ số chính của từng lĩnh vực"].text)
    assert told == [
        [
            "Môi trường",
            "VN_AQI cao nhất",
            "148",
            "● Đỏ",
            "▲ 69 so với cùng giờ hôm trước (79)",
            "xanh ≤ 50, đỏ > 100",
            "60 phút trước",
            "● 94 / 100",
        ],
        [
            "Môi trường",
            "Trạm thủy văn trên báo động",
            "không có số liệu mới",
            "",
            "",
            "xanh ≤ 0, đỏ > 0",
            "3 giờ trước",
            "● 94 / 100",
        ],
        ["Môi trường", "Trạm quan trắc hoạt động", "chưa rõ", "", "", "", "chưa rõ", "● 94 / 100"],
        [
            "Phản ánh hiện trường",
            "Phản ánh quá hạn chưa xử lý",
            "2 phản ánh",
            "● Vàng",
            "",
            "xanh ≤ 0",
            "60 phút trước",
            "● 94 / 100",
        ],
    ]
    attention = lines_of(charts["Cần chú ý ngay"].text)
    assert [line[:4] for line in attention] == [
        ["● Đỏ", "Môi trường", "VN_AQI cao nhất", "148 (xanh ≤ 50, đỏ > 100)"],
        ["● Vàng", "Phản ánh hiện trường", "Phản ánh quá hạn chưa xử lý", "2 phản ánh (xanh ≤ 0)"],
    ]
    page.get_by_role("link", name="Phản ánh hiện trường").first.click()
    page.wait_for_url("**/superset/dashboard/phan-anh/**")


def width_of_charts(page: Page) -> float:
    """Return how wide the charts of a page are together, in pixels."""
    return float(page.evaluate("document.querySelector('.grid-container').getBoundingClientRect().width"))


def test_the_charts_of_another_page_keep_their_width_on_a_phone(page: Page, superset_settings: Settings) -> None:
    charts = open_dashboard(page, superset_settings, "tong-dai", width=390)
    assert {title: chart.error for title, chart in charts.items() if chart.error} == {}
    assert width_of_charts(page) > 1000


def test_the_phone_page_shows_the_headlines_in_390_pixels(page: Page, superset_settings: Settings) -> None:
    charts = open_dashboard(page, superset_settings, "dien-thoai", width=390)
    assert width_of_charts(page) <= 390
    assert ["VN_AQI cao nhất", "148", "● Đỏ"] in lines_of(charts["Chỉ số chính"].text)
    is_cut = (
        "() => [...document.querySelectorAll('.slice_container')].some(each => each.scrollWidth > each.clientWidth + 1)"
    )
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    assert not page.evaluate(is_cut)


def read_page(path: Path) -> Any:
    """Read a dashboard file."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_every_chart_of_every_dashboard_answers_with_rows(superset_settings: Settings) -> None:
    answers = every_chart_answers(superset_settings)
    pages = {path.stem: read_page(path) for path in (PROJECT / "superset" / "dashboards").glob("*.yaml")}
    assert {slug: len(charts) for slug, charts in answers.items()} == {
        slug: (0 if slug in OVERVIEWS else BADGES) + sum(len(row["charts"]) for row in page["rows"])
        for slug, page in pages.items()
    }
    assert len(pages) >= 8
    assert [(slug, title) for slug, charts in answers.items() for title, rows in charts.items() if not rows] == []
    assert {"agency_name", "received"} <= set(answers["phan-anh"]["Xếp hạng 85 cơ quan xử lý"][0])
    assert len(answers["phan-anh"]["Xếp hạng 85 cơ quan xử lý"]) == 2  # the agency without a case is listed


def cases_by_day(client: httpx.Client, time_range: str) -> dict[str, int]:
    """Send the query of a chart with a daily time grain, within a time range."""
    (dataset,) = client.get("/api/v1/dataset/?q=(filters:!((col:table_name,opr:eq,value:feedback_cases)))").json()[
        "result"
    ]
    axis = {
        "columnType": "BASE_AXIS",
        "sqlExpression": "requested_at",
        "label": "requested_at",
        "expressionType": "SQL",
    }
    query = {
        "columns": [{**axis, "timeGrain": "P1D"}],
        "metrics": ["cases"],
        "filters": [{"col": "requested_at", "op": "TEMPORAL_RANGE", "val": time_range}],
        "row_limit": 100,
    }
    question = {"datasource": {"id": dataset["id"], "type": "table"}, "queries": [query], "force": True}
    rows = client.post("/api/v1/chart/data", json=question).raise_for_status().json()["result"][0]["data"]
    return {f"{datetime.fromtimestamp(row['requested_at'] / 1000, UTC):%d/%m}": row["cases"] for row in rows}


def test_a_day_begins_at_local_midnight_in_charts_and_in_filters(superset_settings: Settings) -> None:
    with superset_client(superset_settings) as client:
        assert cases_by_day(client, "No filter") == {"08/03": 1, "09/03": 3, "10/03": 3}
        assert cases_by_day(client, "2026-03-09 : 2026-03-10") == {"09/03": 3}
        (by_hour,) = [chart for chart in dashboard_charts(client, "phan-anh") if chart.title.endswith("theo giờ")]
        hours = {
            datetime.fromtimestamp(float(str(row["requested_at"])) / 1000, UTC) for row in chart_rows(client, by_hour)
        }
    assert sorted(f"{hour:%d %H}" for hour in hours) == ["08 23", "09 00", "09 06", "09 23", "10 00", "10 09"]


def count_vessels(settings: Settings) -> int:
    with superset_client(settings) as client:
        chart = next(chart for chart in dashboard_charts(client, "tau-ca") if chart.title == "Số tàu theo dõi")
        return int(str(chart_rows(client, chart)[0]["vessels"]))


def count_vessels_in_the_cache(settings: Settings) -> int:
    """Return the number that a page shows, which Superset takes from its cache where it can."""
    with superset_client(settings) as client:
        return int(str(answer_of_a_page(client, "Số tàu theo dõi")["data"][0]["vessels"]))


def answer_of_a_page(client: httpx.Client, title: str) -> dict[str, Any]:
    """Return the answer to a chart of the page of vessels, asked for as a page does."""
    chart = next(chart for chart in dashboard_charts(client, "tau-ca") if chart.title == title)
    answer = client.get(f"/api/v1/chart/{chart.identifier}/data/").raise_for_status().json()
    found: dict[str, Any] = answer["result"][0]
    return found


def wait_for_vessels(settings: Settings, expected: int, count: Callable[[Settings], int] = count_vessels) -> int:
    until = monotonic() + PATIENCE_SECONDS
    while (found := count(settings)) != expected and monotonic() < until:
        pass  # each check is a request, so this loop waits for Superset
    return found


@contextmanager
def one_vessel_more(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Write one more vessel to the candidates, without publishing it, and take it out again."""
    connection.execute(
        "insert into lake.fisheries.vessels_last_seen "
        "select * replace ('vms:T99' as vessel_key, 'T99' as vessel_code) from lake.fisheries.vessels_last_seen limit 1"
    )
    try:
        yield
    finally:
        connection.execute("delete from lake.fisheries.vessels_last_seen where vessel_key = 'vms:T99'")


def test_superset_shows_a_release_and_never_what_is_not_released(superset_settings: Settings) -> None:
    assert count_vessels(superset_settings) == 11
    with connected(superset_settings) as connection:
        with one_vessel_more(connection):
            assert count_vessels(superset_settings) == 11
            publish(connection, "fisheries")
            assert wait_for_vessels(superset_settings, 12) == 12
        assert count_vessels(superset_settings) == 12
        publish(connection, "fisheries")
        assert wait_for_vessels(superset_settings, 11) == 11


def test_an_answer_is_kept_until_the_next_release_and_an_age_for_half_a_minute(superset_settings: Settings) -> None:
    with superset_client(superset_settings) as client, connected(superset_settings) as connection:
        until = monotonic() + PATIENCE_SECONDS
        kept = answer_of_a_page(client, "Số tàu theo dõi")
        while not kept["is_cached"] and monotonic() < until:  # the release before may be taken up between two answers
            kept = answer_of_a_page(client, "Số tàu theo dõi")
        assert (kept["is_cached"], kept["cache_timeout"]) == (True, 300)  # longer than this test waits for a release
        assert answer_of_a_page(client, "Tuổi dữ liệu (giờ)")["cache_timeout"] == 30
        with one_vessel_more(connection):
            publish(connection, "fisheries")
            assert wait_for_vessels(superset_settings, 12, count_vessels_in_the_cache) == 12
        publish(connection, "fisheries")
        assert wait_for_vessels(superset_settings, 11, count_vessels_in_the_cache) == 11


def count_warnings(settings: Settings) -> object:
    with superset_client(settings) as client:
        chart = next(chart for chart in dashboard_charts(client, "canh-bao") if chart.title == "Cảnh báo đang hiệu lực")
        return chart_rows(client, chart)[0]["in_force"]


@pytest.fixture
def silent_warnings(superset_settings: Settings) -> Iterator[None]:
    """A release in which the last warning came longer ago than the feed may be silent, withdrawn by another one."""
    moved = "update lake.warnings.warnings_on_map set current_until_at = current_until_at {} interval 2 day"
    with connected(superset_settings) as connection:
        connection.execute(moved.format("-"))
        publish(connection, "warnings")
        yield
        connection.execute(moved.format("+"))
        publish(connection, "warnings")


@pytest.mark.usefixtures("silent_warnings")
def test_warnings_are_not_counted_while_nobody_knows_of_them(superset_settings: Settings) -> None:
    until = monotonic() + PATIENCE_SECONDS
    while (found := count_warnings(superset_settings)) is not None and monotonic() < until:
        pass  # each check is a request
    assert found is None


@pytest.fixture
def analyst(people: Settings) -> Iterator[httpx.Client]:
    with superset_client(people, "analyst", PASSWORD) as client:
        yield client


def ask(client: httpx.Client, sql: str) -> httpx.Response:
    found = client.get("/api/v1/database/").json()["result"]
    return client.post("/api/v1/sqllab/execute/", json={"database_id": found[0]["id"], "sql": sql, "runAsync": False})


@pytest.mark.parametrize("mart", ["feedback.feedback_cases", "marts.feedback.feedback_cases"])
def test_an_analyst_asks_released_marts(analyst: httpx.Client, mart: str) -> None:
    answer = ask(analyst, f"select count(*) as cases from {mart}")
    assert answer.json()["data"] == [{"cases": 7}]


def listed_schemas(client: httpx.Client) -> set[str]:
    """Return the schemas that SQL Lab offers."""
    (database,) = client.get("/api/v1/database/").json()["result"]
    return set(client.get(f"/api/v1/database/{database['id']}/schemas/").json()["result"])


def test_sql_lab_lists_the_schemas_of_the_domains(analyst: httpx.Client) -> None:
    assert listed_schemas(analyst) == {*domain_names(), OVERVIEW}


def test_sql_lab_lists_the_marts_of_a_schema(analyst: httpx.Client) -> None:
    (database,) = analyst.get("/api/v1/database/").json()["result"]
    asked = "/api/v1/database/{}/tables/?q=(force:!f,schema_name:feedback)".format(database["id"])
    assert {table["value"] for table in analyst.get(asked).json()["result"]} == {*keys_of("feedback")}


@pytest.mark.parametrize("wish", sorted(REFUSED))
def test_sql_lab_refuses_more_than_reading_released_marts(analyst: httpx.Client, wish: str) -> None:
    answer = ask(analyst, REFUSED[wish])
    assert answer.status_code >= 400, answer.text
    assert ask(analyst, "select count(*) as hours from environment.air_quality_hours").json()["data"] == [{"hours": 3}]


def test_even_the_administrator_cannot_change_what_a_mart_shows(superset_settings: Settings) -> None:
    with superset_client(superset_settings) as client:
        for wish in ("a view in a mart's place", "a forgotten secret", "a lost catalog", "a file", "two statements"):
            assert ask(client, REFUSED[wish]).status_code >= 400, wish
        assert ask(client, "select count(*) as hours from environment.air_quality_hours").json()["data"] == [
            {"hours": 3}
        ]


def test_a_leader_reads_dashboards_and_nothing_else(people: Settings) -> None:
    with superset_client(people, "leader", PASSWORD) as client:
        rows = {chart.title: chart_rows(client, chart) for chart in dashboard_charts(client, "phan-anh")}
        assert rows["Số phản ánh"] == [{"cases": 7}]
        assert client.post("/api/v1/sqllab/execute/", json={"database_id": 1, "sql": "select 1"}).status_code == 403
        assert client.get("/api/v1/dataset/").status_code == 403
        assert client.get("/api/v1/database/").status_code == 403
        assert client.get("/api/v1/security/users/").status_code == 403
        chart = dashboard_charts(client, "phan-anh")[0]
        assert client.delete(f"/api/v1/chart/{chart.identifier}").status_code in {403, 404}


def test_an_engineer_does_not_administer_users(people: Settings) -> None:
    with superset_client(people, "engineer", PASSWORD) as client:
        assert client.get("/api/v1/dataset/").status_code == 200
        assert client.get("/api/v1/security/users/").status_code == 403
        assert client.get("/api/v1/security/roles/").status_code == 403


def test_a_stranger_is_refused(superset_settings: Settings) -> None:
    with pytest.raises(ServiceError, match="401"), superset_client(superset_settings, "nobody", "nothing"):
        pass


def test_what_a_page_reports_before_the_log_in_does_not_undo_it(superset_settings: Settings) -> None:
    address = superset_settings.superset_address
    with httpx.Client(base_url=address, trust_env=False) as stranger:
        assert "session" in stranger.get("/login/").cookies
        report = stranger.post("/superset/log/?explode=events", data={"events": "[]"})
    assert report.status_code == 204
    assert "set-cookie" not in report.headers
