"""Superset opens only DuckDB on the released marts: every way to another data source is tried.

Roles without the permission are tested in test_roles.py; here the administrator asks, who may do everything, so that the drivers refuse.
"""

import io
import socket
from collections.abc import Iterator
from zipfile import ZipFile

import httpx
import psycopg
import pytest
import yaml

from core.settings import Settings
from tests.people import asking_as

pytestmark = [pytest.mark.services, pytest.mark.timeout(1800)]

ADDRESSES = (
    "shillelagh+safe://",
    "shillelagh://",
    "shillelagh+apsw://",
    "shillelagh+multicorn2://",
    "superset://",
    "sqlite://",
    "sqlite:////etc/passwd",
    "sqlite+pysqlite:////tmp/x.db",
    "gsheets://",
    "metricsapi://",
    "postgresql://ioc:x@127.0.0.1:5432/lake",
    "postgresql+psycopg2://ioc:x@127.0.0.1:5432/lake",
    "postgres://127.0.0.1/lake",
    "mysql://127.0.0.1/x",
    "mssql+pymssql://127.0.0.1/x",
    "oracle://127.0.0.1/x",
    "duckdb+x:///:memory:",
    "duckdb+duckdb_engine:///:memory:",
    "DuckDB:///:memory:",
    "http://127.0.0.1:8080/",
    "file:///etc/passwd",
)


@pytest.fixture(scope="module")
def administrator(people: Settings) -> Iterator[httpx.Client]:
    with asking_as(people, "admin") as client:
        yield client


def databases(client: httpx.Client) -> list[str]:
    return sorted(entry["database_name"] for entry in client.get("/api/v1/database/").json()["result"])


def bundle(kind: str, address: str) -> bytes:
    """Return a bundle like Superset's own export, with one database."""
    database = {
        "database_name": "other",
        "sqlalchemy_uri": address,
        "extra": {},
        "uuid": "b8a36d05-7f5c-4b0f-9d3f-0a1b2c3d4e5f",
        "version": "1.0.0",
        "allow_dml": True,
    }
    content = io.BytesIO()
    with ZipFile(content, "w") as archive:
        archive.writestr("x/metadata.yaml", yaml.safe_dump({"version": "1.0.0", "type": kind}))
        archive.writestr("x/databases/other.yaml", yaml.safe_dump(database))
    return content.getvalue()


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_way_leads_to_another_data_source(administrator: httpx.Client, address: str) -> None:
    """Superset answers a refused import with 500."""
    given = {"database_name": "other", "sqlalchemy_uri": address}
    (ours,) = administrator.get("/api/v1/database/").json()["result"]
    answers = {
        "add": administrator.post("/api/v1/database/", json=given),
        "test": administrator.post("/api/v1/database/test_connection/", json=given),
        "edit": administrator.put(f"/api/v1/database/{ours['id']}", json=given),
        "import": administrator.post(
            "/api/v1/database/import/", files={"formData": bundle("Database", address)}, data={"overwrite": "true"}
        ),
        "import all": administrator.post("/api/v1/assets/import/", files={"bundle": bundle("assets", address)}),
    }
    assert {way: answer.status_code for way, answer in answers.items() if answer.is_success} == {}
    assert databases(administrator) == ["marts"]


@pytest.mark.parametrize("engine", ["postgresql", "mysql", "gsheets", "bigquery", "snowflake", "clickhouse", "mssql"])
def test_a_form_for_another_engine_knocks_at_no_port(administrator: httpx.Client, engine: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.5)
        place = {"host": "127.0.0.1", "port": listener.getsockname()[1], "username": "x", "database": "x"}
        administrator.post(
            "/api/v1/database/validate_parameters/",
            json={"engine": engine, "parameters": place, "configuration_method": "dynamic_form"},
        )
        with pytest.raises(TimeoutError):
            listener.accept()


def test_the_only_engine_that_is_offered_is_duckdb(administrator: httpx.Client) -> None:
    offered = administrator.get("/api/v1/database/available/").json()["databases"]
    assert {entry["engine"] for entry in offered} == {"duckdb"}


def test_an_address_that_came_into_the_metadata_by_hand_is_not_opened(
    people: Settings, administrator: httpx.Client
) -> None:
    """Tests only the last check, for whatever the URI checks missed."""
    place = (
        f"host={people.postgres_host} port={people.postgres_port} dbname=superset "
        f"user={people.postgres_superset_user} password={people.reveal('postgres_superset_password')}"
    )
    with psycopg.connect(place) as connection:
        added = "insert into dbs (database_name, sqlalchemy_uri, expose_in_sqllab, created_on, changed_on) values"
        row = connection.execute(f"{added} ('by hand', 'sqlite://', true, now(), now()) returning id").fetchone()
    assert row is not None
    try:
        answer = administrator.post("/api/v1/sqllab/execute/", json={"database_id": row[0], "sql": "select 42 as x"})
        assert answer.status_code >= 400, answer.text
        assert "expected a duckdb:// URI" in answer.text
    finally:
        with psycopg.connect(place) as connection:
            connection.execute("delete from query where database_id = %s", row)
            connection.execute("delete from dbs where id = %s", row)


@pytest.mark.parametrize("role", ["leader", "analyst", "engineer", "nobody"])
def test_only_the_administrator_may_speak_of_data_sources(people: Settings, role: str) -> None:
    given = {"database_name": "other", "sqlalchemy_uri": "duckdb:///:memory:"}
    form = {"engine": "duckdb", "parameters": {}, "configuration_method": "sqlalchemy_form"}
    with asking_as(people, role) as client:
        answers = [
            client.post("/api/v1/database/", json=given),
            client.post("/api/v1/database/test_connection/", json=given),
            client.post("/api/v1/database/validate_parameters/", json=form),
            client.put("/api/v1/database/1", json=given),
            client.delete("/api/v1/database/1"),
            client.post("/api/v1/database/1/upload/", data={"type": "csv", "table_name": "x"}),
            client.post("/api/v1/database/upload_metadata/", data={"type": "csv"}),
            client.post("/api/v1/database/import/", files={"formData": bundle("Database", "duckdb://")}),
            client.post("/api/v1/assets/import/", files={"bundle": bundle("assets", "duckdb://")}),
        ]
    assert {answer.status_code for answer in answers} <= ({400, 401, 302} if role == "nobody" else {403, 404})
