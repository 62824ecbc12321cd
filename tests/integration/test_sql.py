"""SQL that a person writes, in the command line and in Superset: every type is printed, and no query runs on for ever."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest

from core.settings import PROJECT, Settings
from lake.connection import connected
from lake.tables import create_tables
from tests.publishing import publish_candidates

pytestmark = pytest.mark.stack

NOON = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)
SECONDS_OF_WORK = "select sum(a.range * b.range) from range(1000000) a, range(1000000) b"

IN_A_THREAD = """
import importlib.util, json, sys
from concurrent.futures import ThreadPoolExecutor

path, query = sys.argv[1:]
found = importlib.util.spec_from_file_location("superset_config", path)
config = importlib.util.module_from_spec(found)
found.loader.exec_module(config)

class Address:
    drivername = "duckdb"

def ask(statement):
    cursor = config.DB_CONNECTION_MUTATOR(Address(), {})[1]["creator"]().cursor()
    try:
        cursor.execute(statement)
        return [list(row) for row in cursor.fetchall()]
    except Exception as error:
        return f"{type(error).__name__}: {error}"

with ThreadPoolExecutor(2) as pool:
    print(json.dumps(list(pool.map(ask, [query, "select 1"]))))
"""


@pytest.fixture
def environment(stack_settings: Settings) -> Mapping[str, str]:
    """The environment of a program on a stack with one release, where a query may run for a second."""
    with connected(stack_settings) as connection:
        create_tables(connection, {})
        connection.execute("create schema if not exists lake.asked")
        connection.execute("create or replace table lake.asked.ones as select 1 as number, ['a'] as names")
        publish_candidates(connection, "asked", NOON)
    return {**stack_settings.child_environment(), "IOC_SQL_SECONDS": "1"}


def ioc_sql(environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "ioc"), "sql", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_a_list_in_a_mart_is_printed(environment: Mapping[str, str]) -> None:
    asked = ioc_sql(environment, "select * from asked.ones", "--json")
    assert (asked.returncode, asked.stderr) == (0, "")
    assert json.loads(asked.stdout) == [{"number": 1, "names": ["a"]}]
    table = ioc_sql(environment, "select * from asked.ones")
    assert (table.returncode, table.stdout.splitlines()[-1].split()) == (0, ["1", "│", "[a]"])


EVERY_KIND = (
    "select 2026 as year, 0.1::double as ratio, null as nothing, 'a \"b\", c' as text, true as yes, 1 as year, "
    "timestamptz '2026-11-20 12:00:00+07' as at"
)


def test_a_number_is_printed_as_it_is(environment: Mapping[str, str]) -> None:
    asked = ioc_sql(environment, EVERY_KIND)
    assert asked.stdout.splitlines()[-1].split(" │ ") == [
        "2026", "0.1  ", "      -", 'a "b", c', "yes", "     1", "2026-11-20T05:00:00+00:00",
    ]  # fmt: skip


def test_a_spreadsheet_gets_csv(environment: Mapping[str, str]) -> None:
    asked = ioc_sql(environment, EVERY_KIND, "--csv")
    assert (asked.returncode, asked.stderr) == (0, "")
    assert asked.stdout.splitlines() == [
        "year,ratio,nothing,text,yes,year,at",
        '2026,0.1,,"a ""b"", c",true,1,2026-11-20T05:00:00+00:00',
    ]
    assert ioc_sql(environment, "select 1 as a where false", "--csv").stdout.splitlines() == ["a"]


def test_a_notebook_gets_parquet_with_its_types(environment: Mapping[str, str], tmp_path: Path) -> None:
    file = tmp_path / "asked.parquet"
    asked = ioc_sql(environment, "select *, date '2026-11-20' as day from asked.ones", "--parquet", str(file))
    assert (asked.returncode, asked.stderr) == (0, "")
    assert " ".join(asked.stdout.split()).startswith("1 rows in ")
    assert duckdb.sql(f"from '{file}'").fetchall() == [(1, ["a"], date(2026, 11, 20))]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--csv", "--json"), "sql: expected one of --json, --csv and --parquet, got 2; choose one"),
        (("--parquet", "/nowhere/a.parquet"), "a.parquet: expected a file to write, got No such file or directory"),
    ],
)
def test_what_cannot_be_written_is_told(environment: Mapping[str, str], arguments: tuple[str, ...], told: str) -> None:
    asked = ioc_sql(environment, "select 1 as a", *arguments)
    assert (asked.returncode, asked.stdout) == (1, "")
    assert told in " ".join(asked.stderr.split())


def test_a_statement_that_is_no_query_is_refused(environment: Mapping[str, str]) -> None:
    asked = ioc_sql(environment, "set threads = 1")
    assert (asked.returncode, asked.stdout) == (1, "")
    assert "expected a query (select, from, with, describe, summarize), got set" in " ".join(asked.stderr.split())


def test_a_query_that_is_wrong_is_told_with_the_domains_there_are(environment: Mapping[str, str]) -> None:
    asked = ioc_sql(environment, "select * from nowhere")
    assert (asked.returncode, asked.stdout) == (1, "")
    assert "nowhere" in asked.stderr
    _, released = " ".join(asked.stderr.split()).split("released domains: ")
    assert "asked" in released.split(", ")


def test_the_command_line_ends_a_query_when_its_time_is_over(environment: Mapping[str, str]) -> None:
    began = time.monotonic()
    asked = ioc_sql(environment, SECONDS_OF_WORK, "--json")
    assert time.monotonic() - began < 60
    assert (asked.returncode, asked.stdout) == (1, "")
    assert json.loads(asked.stderr) == {
        "error": "QueryTimeError",
        "message": "sql: expected an answer within 1 s, got none; ask for less at once, or set IOC_SQL_SECONDS higher",
    }


def test_superset_ends_a_query_in_a_thread_when_its_time_is_over(environment: Mapping[str, str]) -> None:
    programs = PROJECT / "superset" / ".venv" / "bin"
    config = PROJECT / "superset" / "superset_config.py"
    began = time.monotonic()
    asked = subprocess.run(
        [programs / "python", "-c", IN_A_THREAD, config, SECONDS_OF_WORK],
        env={**environment, "PATH": f"{programs}:{os.defpath}", "PYTHONPATH": f"{PROJECT}:{config.parent}"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert time.monotonic() - began < 60
    assert (asked.returncode, asked.stderr) == (0, "")
    assert json.loads(asked.stdout) == [
        "QueryTimeError: marts: expected an answer within 1 s, got none; ask for less at once, "
        "or set IOC_SQL_SECONDS higher",
        [[1]],
    ]
