"""The whole stack, Airflow and Superset too: it comes up, is repeated, keeps no person's value, heals and goes down. In this order."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import httpx
import psutil
import pytest
from psycopg import sql

from cli.airflow import Airflow
from cli.startup import prepare_tables
from core.contract import read_contracts
from core.domains import domain_names
from core.settings import PROJECT, Settings
from ingestion.collect.landing import Landing, land_file
from ingestion.load.load import load_feed
from lake.connection import connected
from lake.snapshots import newest_snapshot
from quality.levels import Step, level_of
from quality.verdicts import find_verdict
from stack.control import DATA_SERVICES, down, status, up
from stack.roles import connect
from transform.build import require_build

from .persons import BUILDERS, Seeded
from .test_stack import kill, with_children

pytestmark = [pytest.mark.services, pytest.mark.timeout(3600)]


DOMAIN = "environment"
PAUSED = [f"marts__{domain}" for domain in domain_names() if domain != DOMAIN]


@pytest.fixture(scope="module")
def seeded() -> tuple[Seeded, ...]:
    return tuple(build() for build in BUILDERS)


@pytest.fixture(scope="module")
def settings(new_settings: Callable[[], Settings], seeded: tuple[Seeded, ...]) -> Iterator[Settings]:
    """A stack that is up, in which only one domain is built, and sources that hold the seeded deliveries."""
    settings = new_settings()
    with _served(settings, seeded):
        _drop(settings, seeded)
        try:
            up(settings, DATA_SERVICES)
            prepare_tables(settings)
            up(settings)
            _pause_the_marts_of_others(settings)
            yield settings
        finally:
            down(settings)


def test_up_again_leaves_healthy_services_alone_and_strangers_stay_out(settings: Settings) -> None:
    first = _pids(settings)
    assert [(found.name, found.state) for found in status(settings)] == [(name, "healthy") for name in first]
    assert len(first) == 9
    began = time.monotonic()
    up(settings)
    assert _pids(settings) == first
    assert time.monotonic() - began < 10
    address = f"http://{settings.airflow_host}:{settings.airflow_port}/api/v2/dags"
    assert httpx.get(address).status_code == 401
    login = {
        "username": settings.superset_admin_user,
        "password": settings.reveal("superset_admin_password"),
        "provider": "db",
    }
    superset = f"{settings.superset_address}/api/v1/security/login"
    assert httpx.post(superset, json=login).status_code == 200
    assert httpx.post(superset, json={**login, "password": "guess"}).status_code == 401


def test_no_personal_value_is_in_a_log_in_airflow_or_in_superset(
    settings: Settings, seeded: tuple[Seeded, ...]
) -> None:
    tables = {one.feed: one.feed.replace(".", "__") for one in seeded}
    with Airflow(settings) as airflow:
        airflow.await_dags([f"ingest__{table}" for table in tables.values()], 600)
        started = [airflow.trigger(f"ingest__{table}") for table in tables.values()]
        assert [run.state for run in airflow.await_runs(started, 1200)] == ["success"] * len(tables)
    with connected(settings) as connection:
        doors = connection.execute(
            "select feed, sum(accepted) > 0, sum(quarantined) > 0 from lake.ledger.deliveries group by all order by all"
        ).fetchall()
    assert doors == [(feed, True, True) for feed in sorted(tables)]
    clear = [secret for one in seeded for secret in one.secrets]
    secrets = tuple(dict.fromkeys([*clear, *(json.dumps(secret)[1:-1] for secret in clear)]))
    assert _found_in_logs(settings, secrets) == []
    for database in ("airflow", "superset"):
        assert _found_in_database(settings, database, secrets) == []


def test_the_search_finds_what_airflow_keeps(settings: Settings) -> None:
    found = _found_in_database(settings, "airflow", ("ingest__health__claims", '"accepted"'))
    assert {"task_instance.dag_id", "xcom.dag_id", "xcom.value"} <= {place for place, _ in found}
    assert {secret for _, secret in _found_in_logs(settings, ("ingest__health__claims",))}


def test_what_was_loaded_by_hand_is_built_and_audited_by_the_next_turn_of_the_dags(settings: Settings) -> None:
    """No task of Airflow loaded it, so no Asset announces it: the DAG that reads the ledger has to find it. Awaits runs of Airflow."""
    contract = read_contracts()["environment.river_levels"]
    golden = PROJECT / "tests" / "golden" / "environment" / "river_levels"
    path = next(path for path in sorted(golden.iterdir()) if path.suffix == ".csv")
    with Airflow(settings) as airflow, connected(settings) as connection:
        airflow.await_quiet(1200, PAUSED)
        land_file(Landing(settings), contract, path, settings.clock())
        assert load_feed(settings, contract)
        assert level_of(connection, DOMAIN, settings.clock()).due is Step.BUILD
        loaded = newest_snapshot(connection)
        airflow.await_runs([airflow.trigger("levels")], 1200)
        deadline = time.monotonic() + 1200
        while level_of(connection, DOMAIN, settings.clock()).due is not None:
            assert time.monotonic() < deadline
            time.sleep(1)
        built = require_build(connection, DOMAIN)
        assert built.snapshot_id >= loaded
        assert find_verdict(connection, DOMAIN, built.snapshot_id) is not None
    assert psutil.Process(_pids(settings)["dbt"]).cpu_times().children_user > 1  # the build was a fork of it


def test_a_killed_scheduler_is_healed_alone_and_down_leaves_nothing(settings: Settings) -> None:
    first = _pids(settings)
    kill(settings, "airflow-scheduler")
    assert [found.name for found in status(settings) if found.state == "dead"] == ["airflow-scheduler"]
    up(settings)
    healed = {found.name: found.pid for found in status(settings) if found.state == "healthy"}
    assert {name for name in first if healed.get(name) != first[name]} == {"airflow-scheduler"}
    started = [process for pid in healed.values() for process in with_children(pid)]
    down(settings)
    assert [process for process in started if process.is_running() and process.status() != psutil.STATUS_ZOMBIE] == []


def _pids(settings: Settings) -> dict[str, int | None]:
    return {found.name: found.pid for found in status(settings)}


def _pause_the_marts_of_others(settings: Settings) -> None:
    """Keep Airflow from building each domain of a lake in which these tests ask of one: that takes as long as `make demo`."""
    with Airflow(settings) as airflow:
        airflow.await_dags(PAUSED, 600)
        for name in PAUSED:
            airflow._send("PATCH", f"/api/v2/dags/{name}", {"is_paused": True})


def _drop(settings: Settings, seeded: tuple[Seeded, ...]) -> None:
    """Make every folder that is collected from, so that no task waits for one, and put the deliveries into theirs."""
    folders = {
        feed: settings.drop / str(contract.option("folder"))
        for feed, contract in read_contracts().items()
        if contract.connector == "folder"
    }
    for folder in {*folders.values()}:
        folder.mkdir(parents=True)
    for one in seeded:
        if one.feed in folders:
            (folders[one.feed] / one.name).write_bytes(one.content)


@contextmanager
def _served(settings: Settings, seeded: tuple[Seeded, ...]) -> Iterator[None]:
    """Serve the seeded lists at the addresses of the HTTP sources: each on its first page, whatever window is asked for."""
    lists = {f"/{one.name.removesuffix('.json')}": one.content for one in seeded if one.name.endswith(".json")}

    class Source(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            path = asked.path.removesuffix(".json")
            content = next(content for name, content in lists.items() if path.endswith(name))
            if parse_qs(asked.query).get("page", ["1"]) != ["1"]:
                document = json.loads(content)
                content = json.dumps({**document, "data": []} if isinstance(document, dict) else []).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  the base class names it
            """Say nothing: a test's output is its own."""

    address = urlsplit(settings.source_urls["feedback"])
    server = ThreadingHTTPServer((str(address.hostname), int(address.port or 0)), Source)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def _found_in_logs(settings: Settings, secrets: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return file and value of what is found in any log below home; what an agency dropped is its own, whatever it is called."""
    home = settings.home_folder
    files = [path for path in home.rglob("*") if path.is_file() and not path.is_relative_to(settings.drop)]
    logs = [path for path in files if path.suffix == ".log" or "logs" in path.parts]
    assert len(logs) > 20
    texts = {path.relative_to(home).as_posix(): path.read_text(encoding="utf-8", errors="replace") for path in logs}
    return [(name, secret) for name, text in texts.items() for secret in secrets if secret in text]


def _found_in_database(settings: Settings, database: str, secrets: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return column and value of what is found in any table of a service's database, bytes read as text."""
    found = []
    with connect(settings, database) as connection:
        columns = connection.execute(
            """
            select table_name, column_name, data_type from information_schema.columns
            where table_schema = 'public' and data_type in ('text', 'character varying', 'json', 'jsonb', 'bytea')
            """
        ).fetchall()
        assert len(columns) > 100
        for table, column, kind in columns:
            text = "encode({}, 'escape')" if kind == "bytea" else "{}::text"
            query = sql.SQL("select 1 from {} where position(%s in " + text + ") > 0 limit 1").format(
                sql.Identifier(str(table)), sql.Identifier(str(column))
            )
            found += [
                (f"{table}.{column}", secret)
                for secret in secrets
                if connection.execute(query, [secret]).fetchone() is not None
            ]
    return found
