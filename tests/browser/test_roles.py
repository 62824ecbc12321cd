"""Who may do what, tried on a running Superset: the three roles, and SQL that wants more than released marts."""

from collections.abc import Iterator

import httpx
import pytest

from cli.dashboards import chart_rows, dashboard_charts, superset_client
from ingestion.errors import ServiceError
from ingestion.settings import Settings

pytestmark = [pytest.mark.browser, pytest.mark.services, pytest.mark.timeout(600)]

PASSWORD = "only-for-this-test"

REFUSED = {
    "another view": "create or replace view environment.air_quality_hours as select 1",
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
    "what is not released": "select * from marts.environment.air_quality_hours",
    "the catalog's own tables": "select * from __ducklake_metadata_marts.ducklake_table",
    "SQL in a text": "select * from query('select 1')",
    "PostgreSQL": "select * from postgres_query('__ducklake_metadata_marts', 'select 1')",
    "PostgreSQL elsewhere": "select * from postgres_scan('host=127.0.0.1', 'public', 'ab_user')",
    "two statements": "select 1; drop view environment.air_quality_hours",
}


@pytest.fixture(scope="module")
def people(superset_settings: Settings) -> Settings:
    """Make a user for each role."""
    with superset_client(superset_settings) as client:
        roles = client.get("/api/v1/security/roles/?q=(page_size:100)").json()["result"]
        for role in ("leader", "analyst", "engineer"):
            user = {
                "username": role,
                "first_name": role,
                "last_name": role,
                "email": f"{role}@ioc.invalid",
                "active": True,
            }
            identifiers = [entry["id"] for entry in roles if entry["name"] == role]
            answer = client.post("/api/v1/security/users/", json={**user, "password": PASSWORD, "roles": identifiers})
            assert answer.status_code == 201, answer.text
    return superset_settings


@pytest.fixture
def analyst(people: Settings) -> Iterator[httpx.Client]:
    with superset_client(people, "analyst", PASSWORD) as client:
        yield client


def ask(client: httpx.Client, sql: str) -> httpx.Response:
    found = client.get("/api/v1/database/").json()["result"]
    return client.post("/api/v1/sqllab/execute/", json={"database_id": found[0]["id"], "sql": sql, "runAsync": False})


def test_an_analyst_asks_released_marts(analyst: httpx.Client) -> None:
    answer = ask(analyst, "select count(*) as cases from feedback.feedback_cases")
    assert answer.json()["data"] == [{"cases": 7}]


@pytest.mark.parametrize("wish", sorted(REFUSED))
def test_sql_lab_refuses_more_than_reading_released_marts(analyst: httpx.Client, wish: str) -> None:
    answer = ask(analyst, REFUSED[wish])
    assert answer.status_code >= 400, answer.text
    assert ask(analyst, "select count(*) as hours from environment.air_quality_hours").json()["data"] == [{"hours": 3}]


def test_even_the_administrator_cannot_change_what_a_view_shows(superset_settings: Settings) -> None:
    with superset_client(superset_settings) as client:
        for wish in ("another view", "a forgotten secret", "a lost catalog", "a file", "two statements"):
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
