"""Readers in one process: hardened, following the releases, and never between two of them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Event

import duckdb
import pytest

from ingestion.settings import Settings
from lake import serving
from lake.connection import connected
from lake.releases import latest_snapshot, record_release
from lake.serving import CHECK_SECONDS, ReleasedMarts
from lake.tables import create_tables

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
    snapshot = latest_snapshot(connection)
    record_release(
        connection, "served", snapshot, action="publish", reason="", scores={}, last_event_at=None, published_at=NOON
    )


def add_one(connection: duckdb.DuckDBPyConnection) -> None:
    """Write a row into each of the two marts, in two commits: between them the marts contradict each other."""
    connection.execute("insert into marts.served.ones values (1)")
    connection.execute("insert into marts.served.twins values (1)")


@pytest.fixture
def writer(stack_settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a writer's connection to two marts of one domain, one row each, released."""
    with connected(stack_settings) as connection:
        create_tables(connection, {})
        connection.execute("create schema if not exists marts.served")
        for mart in ("ones", "twins"):
            connection.execute(f"create or replace table marts.served.{mart} (number integer)")
        add_one(connection)
        publish(connection)
        yield connection


def test_a_release_is_seen_after_the_next_check_and_nothing_before(
    stack_settings: Settings, writer: duckdb.DuckDBPyConnection
) -> None:
    clock = Clock()
    marts = ReleasedMarts(stack_settings, clock)
    assert marts.cursor().execute(COUNT).fetchall() == [(1, 1)]
    add_one(writer)
    clock.seconds += CHECK_SECONDS
    assert marts.cursor().execute(COUNT).fetchall() == [(1, 1)]  # built, not released
    publish(writer)
    assert marts.cursor().execute(COUNT).fetchall() == [(1, 1)]  # released, not yet looked
    before = marts.cursor()
    clock.seconds += CHECK_SECONDS
    assert marts.cursor().execute(COUNT).fetchall() == [(2, 2)]
    assert before.execute(COUNT).fetchall() == [(1, 1)]  # who began earlier finishes on what they began with


def test_many_threads_see_whole_releases_only(stack_settings: Settings, writer: duckdb.DuckDBPyConnection) -> None:
    marts = ReleasedMarts(stack_settings, Clock())
    marts.cursor()

    def read(number: int) -> tuple[int, int]:
        marts._checked_at = float("-inf")  # look at every turn
        row = marts.cursor().execute(COUNT).fetchone()
        assert row is not None
        return int(row[0]), int(row[1])

    with ThreadPoolExecutor(6) as pool:
        answers = []
        for _ in range(4):
            reading = pool.map(read, range(12))
            add_one(writer)
            publish(writer)
            answers += list(reading)
    assert {ones - twins for ones, twins in answers} == {0}
    assert read(0) == (5, 5)


def test_nobody_waits_while_another_thread_makes_the_new_instance(
    stack_settings: Settings, writer: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    marts = ReleasedMarts(stack_settings, clock)
    marts.cursor()
    add_one(writer)
    publish(writer)
    clock.seconds += CHECK_SECONDS
    has_begun, may_go_on = Event(), Event()

    def open_slowly(settings: Settings) -> tuple[duckdb.DuckDBPyConnection, dict[str, int]]:
        has_begun.set()
        assert may_go_on.wait(30)
        return open_at_once(settings)

    open_at_once = serving._open
    monkeypatch.setattr(serving, "_open", open_slowly)
    with ThreadPoolExecutor(1) as pool:
        renewing = pool.submit(lambda: marts.cursor().execute(COUNT).fetchall())
        assert has_begun.wait(30)
        assert marts.cursor().execute(COUNT).fetchall() == [(1, 1)]
        may_go_on.set()
        assert renewing.result() == [(2, 2)]


def test_a_release_takes_over_while_fifty_readers_are_in_the_middle_of_the_one_before(
    stack_settings: Settings, writer: duckdb.DuckDBPyConnection
) -> None:
    clock = Clock()
    processes = [ReleasedMarts(stack_settings, clock) for _ in range(5)]
    reading: list[duckdb.DuckDBPyConnection] = []
    for rows in (1, 2):
        for marts in processes * 10:
            reading.append(marts.cursor().begin())  # holds its line to the catalog until it ends
            assert reading[-1].execute(COUNT).fetchall() == [(rows, rows)]
        add_one(writer)
        publish(writer)
        clock.seconds += CHECK_SECONDS
    for cursor in reading:
        cursor.close()


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
