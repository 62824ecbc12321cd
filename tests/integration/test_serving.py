"""Readers in one process: hardened, at the newest release with every query, and never between two of them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import duckdb
import pytest

from core.errors import ServiceError
from core.settings import Settings
from lake import serving
from lake.connection import CatalogName, connected
from lake.serving import CHECK_SECONDS, ReleasedMarts
from lake.snapshots import newest_snapshot
from lake.tables import create_tables
from stack.roles import connect
from tests.publishing import publish_candidates

pytestmark = pytest.mark.stack

NOON = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)
COUNT = "select (select count(*) from served.ones), (select count(*) from served.twins)"


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def publish(connection: duckdb.DuckDBPyConnection) -> None:
    """Publish the two candidates as they stand now."""
    publish_candidates(connection, "served", NOON, {"ones": ("number",), "twins": ("number",)})


def add_one(connection: duckdb.DuckDBPyConnection) -> None:
    """Write a row into each of the two candidates."""
    for mart in ("ones", "twins"):
        connection.execute(f"insert into lake.served.{mart} select count(*) from lake.served.{mart}")


@pytest.fixture
def writer(stack_settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """A writer's connection to two candidates of one domain, one row each, published."""
    with connected(stack_settings) as connection:
        create_tables(connection, {})
        connection.execute("create schema if not exists lake.served")
        for mart in ("ones", "twins"):
            connection.execute(f"create or replace table lake.served.{mart} (number bigint)")
        add_one(connection)
        publish(connection)
        yield connection


def test_a_release_is_seen_by_the_next_query_and_nothing_before(
    stack_settings: Settings, writer: duckdb.DuckDBPyConnection
) -> None:
    marts = ReleasedMarts(stack_settings, Clock())
    before = marts.cursor()
    assert before.execute(COUNT).fetchall() == [(1, 1)]
    add_one(writer)
    assert marts.cursor().execute(COUNT).fetchall() == [(1, 1)]  # built, not released
    publish(writer)
    assert marts.cursor().execute(COUNT).fetchall() == [(2, 2)]
    assert before.execute(COUNT).fetchall() == [(2, 2)]


def test_a_mart_is_listed_as_soon_as_it_is_released(
    stack_settings: Settings, writer: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    marts = ReleasedMarts(stack_settings, Clock())
    cursor = marts.cursor()
    before = marts.tables(cursor)
    assert ("served", "ones") in before
    assert ("served", "triplets") not in before
    writer.execute("create or replace table lake.served.triplets (number bigint)")
    try:
        assert marts.tables(cursor) == before  # built, not released
        publish_candidates(writer, "served", NOON, {"ones": ("number",), "twins": ("number",), "triplets": ("number",)})
        assert marts.tables(cursor) == before | {("served", "triplets")}
        with monkeypatch.context() as patched:
            patched.setattr(serving, "tables_in", None)  # listed once
            assert marts.tables(cursor) == before | {("served", "triplets")}
    finally:
        writer.execute("drop table lake.served.triplets")
        publish(writer)
    assert marts.tables(cursor) == before


def test_a_query_that_began_before_a_release_finishes_on_what_it_began_with(
    stack_settings: Settings, writer: duckdb.DuckDBPyConnection
) -> None:
    marts = ReleasedMarts(stack_settings, Clock())
    reading = marts.cursor().begin()  # an open query: it keeps its connection to the catalog until it ends
    assert reading.execute("select count(*) from served.ones").fetchall() == [(1,)]
    add_one(writer)
    publish(writer)
    assert reading.execute("select count(*) from served.twins").fetchall() == [(1,)]
    assert marts.cursor().execute(COUNT).fetchall() == [(2, 2)]
    reading.commit()
    assert reading.execute(COUNT).fetchall() == [(2, 2)]


def test_many_threads_see_whole_releases_only(stack_settings: Settings, writer: duckdb.DuckDBPyConnection) -> None:
    marts = ReleasedMarts(stack_settings, Clock())

    def read(_: int) -> tuple[int, int]:
        row = marts.cursor().execute(COUNT).fetchone()
        assert row is not None
        return int(row[0]), int(row[1])

    answers = [read(0)]
    with ThreadPoolExecutor(6) as pool:
        for _ in range(4):
            reading = pool.map(read, range(12))
            add_one(writer)
            publish(writer)
            answers += [*reading, read(0)]
    assert {ones - twins for ones, twins in answers} == {0}
    assert {(number, number) for number in range(1, 6)} <= set(answers)


def test_a_publication_goes_through_while_fifty_readers_are_in_the_middle_of_a_query(
    stack_settings: Settings, writer: duckdb.DuckDBPyConnection
) -> None:
    processes = [ReleasedMarts(stack_settings, Clock()) for _ in range(5)]
    reading: list[duckdb.DuckDBPyConnection] = []
    for rows in (1, 2):
        for marts in processes * 10:
            reading.append(marts.cursor().begin())
            assert reading[-1].execute(COUNT).fetchall() == [(rows, rows)]
        add_one(writer)
        publish(writer)
    assert {tuple(cursor.execute(COUNT).fetchall()[0]) for cursor in reading} == {(1, 1), (2, 2)}
    for cursor in reading:
        cursor.close()


def cut_lines(settings: Settings) -> None:
    """End every session that readers have at the catalog, as a restart of PostgreSQL does."""
    with connect(settings, "ioc_marts") as session:
        ended = session.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where usename = %s", [settings.postgres_reader_user]
        ).fetchall()
    assert ended


def test_lines_that_were_cut_are_made_anew_and_the_next_query_is_answered(
    stack_settings: Settings, writer: duckdb.DuckDBPyConnection
) -> None:
    clock = Clock()
    marts = ReleasedMarts(stack_settings, clock)
    assert marts.cursor().execute(COUNT).fetchall() == [(1, 1)]
    cut_lines(stack_settings)
    add_one(writer)
    publish(writer)
    clock.seconds += CHECK_SECONDS
    assert marts.cursor().execute(COUNT).fetchall() == [(2, 2)]


def test_an_instance_that_lost_the_catalog_is_replaced_once(
    stack_settings: Settings, writer: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    marts = ReleasedMarts(stack_settings, clock)
    marts.cursor()
    lost = marts._instance

    def look(instance: duckdb.DuckDBPyConnection, catalog: CatalogName) -> int:
        if instance is lost:
            raise duckdb.IOException("server closed the connection unexpectedly")
        return newest_snapshot(instance, catalog)

    monkeypatch.setattr(serving, "newest_snapshot", look)
    clock.seconds += CHECK_SECONDS
    assert marts.cursor().execute(COUNT).fetchall() == [(1, 1)]
    renewed = marts._instance
    assert renewed is not lost
    clock.seconds += CHECK_SECONDS
    assert marts.cursor().execute(COUNT).fetchall() == [(1, 1)]
    assert marts._instance is renewed


def test_a_line_is_looked_at_every_few_seconds_and_not_with_every_cursor(
    stack_settings: Settings, writer: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    marts = ReleasedMarts(stack_settings, clock)
    marts.cursor()
    looks: list[float] = []

    def look(instance: duckdb.DuckDBPyConnection, catalog: CatalogName) -> int:
        looks.append(clock.seconds)
        return 1

    monkeypatch.setattr(serving, "newest_snapshot", look)
    for _ in range(8):
        clock.seconds += CHECK_SECONDS / 4
        marts.cursor()
    assert looks == [CHECK_SECONDS, 2 * CHECK_SECONDS]


def test_a_reader_of_a_catalog_that_does_not_answer_is_told_so(stack_settings: Settings) -> None:
    nowhere = stack_settings.model_copy(update={"postgres_port": 1})
    with pytest.raises(ServiceError, match="PostgreSQL"):
        ReleasedMarts(nowhere).cursor()


@pytest.mark.parametrize(
    "wish",
    [
        "select * from read_csv('/etc/passwd')",
        "select * from read_text('s3://landing/x')",
        "select * from read_parquet('s3://lake/**')",
        "select * from read_csv('http://127.0.0.1:1/x')",
        "copy (select 1) to '/tmp/ioc_out.csv'",
        "attach '/tmp/ioc_other.db'",
        "install excel",
        "set threads = 1",
        "reset lock_configuration",
        "delete from marts.served.ones",
        "delete from served.ones",
        "delete from marts.operations.releases",
        "detach marts",
        "create table marts.served.mine (number integer)",
        "call postgres_execute('__ducklake_metadata_marts', 'delete from ducklake_snapshot')",
    ],
)
def test_a_reader_is_refused_files_urls_settings_and_writing(
    stack_settings: Settings, writer: duckdb.DuckDBPyConnection, wish: str
) -> None:
    with pytest.raises(duckdb.Error):
        ReleasedMarts(stack_settings).cursor().execute(wish).fetchall()
    assert writer.execute("select count(*) from marts.served.ones").fetchall() == [(1,)]


def test_ages_are_counted_against_the_stacks_clock(stack_settings: Settings, writer: duckdb.DuckDBPyConnection) -> None:
    fixed = ReleasedMarts(stack_settings.model_copy(update={"now": NOON}))
    assert fixed.cursor().execute("select clock_now() = ?::timestamptz", [NOON]).fetchall() == [(True,)]
    real = ReleasedMarts(stack_settings.model_copy(update={"now": None}))
    assert real.cursor().execute("select abs(epoch(clock_now()) - epoch(now())) < 60").fetchall() == [(True,)]
