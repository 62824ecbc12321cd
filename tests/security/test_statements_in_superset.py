"""The same attempts in Superset: in SQL Lab, and in the expression of a chart, requested through the API."""

from collections.abc import Iterator

import httpx
import pytest

from core.settings import Settings
from tests.people import asking_as
from tests.security.statements import SOURCES, statements

pytestmark = [pytest.mark.services, pytest.mark.timeout(3600)]

ONE_OF = 29
"""The quick run tries one attempt in this many; `make test-security` tries all."""

CUT_BY_SQL_LAB = {"select 1; select 2"}
"""SQL Lab runs statements one by one, and each of these is a valid query."""

EXPRESSIONS = (
    *(f"(select count(*) from {source})" for source in SOURCES.values()),
    "(select count(*) from quality.feed_scores)",
    "(select count(*) from operations.releases)",
    "max(sleep_ms(60000))",
    "max(pg_sleep(60))",
    "error('mine')",
    "max(current_setting('extension_directory'))",
    "count(*)) from feedback.feedback_cases; drop macro clock_now; --",
    "count(*) from operations.releases --",
    "1 union all select count(*) from operations.releases",
    "count(*), (select 1 from duckdb_secrets())",
)


@pytest.fixture(scope="module", params=["analyst", "engineer", "admin"])
def asker(request: pytest.FixtureRequest, people: Settings) -> Iterator[httpx.Client]:
    """A client for each role that has SQL Lab."""
    with asking_as(people, request.param) as client:
        yield client


def ask(client: httpx.Client, sql: str) -> httpx.Response:
    (database,) = client.get("/api/v1/database/").json()["result"]
    return client.post("/api/v1/sqllab/execute/", json={"database_id": database["id"], "sql": sql, "runAsync": False})


def test_an_attempt_in_sql_lab_is_refused(asker: httpx.Client, is_long: bool) -> None:
    """Takes minutes in the long run: each of nine hundred attempts in each of three roles."""
    attempts = [one for one in statements() if one not in CUT_BY_SQL_LAB][:: 1 if is_long else ONE_OF]
    honest = "select count(*) as hours from environment.air_quality_hours"
    before = ask(asker, honest).json()["data"]
    assert before == [{"hours": 3}]
    assert [attempt for attempt in attempts if ask(asker, attempt).status_code < 400] == []
    assert ask(asker, honest).json()["data"] == before


@pytest.mark.parametrize("role", ["leader", "analyst", "engineer"])
def test_the_expression_of_a_chart_asks_nothing_but_its_mart(people: Settings, role: str) -> None:
    with asking_as(people, "admin") as client:
        found = client.get("/api/v1/dataset/?q=(filters:!((col:table_name,opr:eq,value:feedback_cases)))").json()
        (dataset,) = [entry["id"] for entry in found["result"]]
    with asking_as(people, role) as client:
        assert chart(client, dataset, "count(*)").json()["result"][0]["data"] == [{"figure": 7}]
        told = {expression: chart(client, dataset, expression) for expression in EXPRESSIONS}
        assert [expression for expression, answer in told.items() if answer.status_code < 400] == []


def chart(client: httpx.Client, dataset: int, expression: str) -> httpx.Response:
    figure = {"expressionType": "SQL", "sqlExpression": expression, "label": "figure"}
    return client.post(
        "/api/v1/chart/data",
        json={
            "datasource": {"id": dataset, "type": "table"},
            "queries": [{"columns": [], "metrics": [figure], "row_limit": 1}],
            "result_format": "json",
            "result_type": "full",
            "force": True,
        },
    )
