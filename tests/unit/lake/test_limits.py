"""A query is stopped when its time is up: in any thread, no other query with it, and at any moment of its run."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import duckdb
import pytest

from lake.limits import Allowance, QueryTimeError, time_limit

SECONDS_OF_WORK = "select sum(a.range * b.range) from range(100000) a, range(20000) b"
ROWS_THAT_COME_SLOWLY = "select range from range(3000000000) where range % 1000000000 = 999999999"
LIMIT = 0.3
FAR_TOO_LONG = 10.0


@pytest.fixture
def instance() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 2}) as connection:
        yield connection


def refused_after(work: Callable[[], object]) -> float:
    """Run what must exceed its time limit; return the seconds it took."""
    began = time.monotonic()
    with pytest.raises(
        QueryTimeError, match=r"^work: expected an answer within 0\.3 s, got none; .*IOC_SQL_SECONDS"
    ) as refused:
        work()
    assert refused.value.values == {"seconds": LIMIT}
    return time.monotonic() - began


@pytest.mark.parametrize("query", [SECONDS_OF_WORK, ROWS_THAT_COME_SLOWLY])
def test_a_query_in_a_thread_is_ended_when_its_time_is_over(instance: duckdb.DuckDBPyConnection, query: str) -> None:
    cursor = instance.cursor()

    def work() -> None:
        with time_limit(cursor, "work", LIMIT):
            cursor.execute(query).fetchall()

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(refused_after, work).result() < FAR_TOO_LONG
    assert cursor.execute("select 1").fetchall() == [(1,)]


def test_other_cursors_of_the_instance_go_on(instance: duckdb.DuckDBPyConnection) -> None:
    ended, other = instance.cursor(), instance.cursor()
    may_end = Event()

    def wait_for_the_end(number: int) -> int:
        assert may_end.wait(30)
        return number

    other.create_function("wait_for_the_end", wait_for_the_end, [duckdb.sqltypes.BIGINT], duckdb.sqltypes.BIGINT)

    def work() -> None:
        with time_limit(ended, "work", LIMIT):
            ended.execute(SECONDS_OF_WORK).fetchall()

    with ThreadPoolExecutor(1) as pool:
        going_on = pool.submit(lambda: other.execute("select wait_for_the_end(range) from range(3)").fetchall())
        refused_after(work)
        may_end.set()
        assert going_on.result() == [(0,), (1,), (2,)]


def test_a_query_that_begins_after_the_time_is_over_is_ended_too(instance: duckdb.DuckDBPyConnection) -> None:
    def work() -> None:
        with time_limit(instance, "work", LIMIT):
            time.sleep(2 * LIMIT)  # an interrupt now hits no query
            instance.execute(SECONDS_OF_WORK).fetchall()

    assert refused_after(work) < FAR_TOO_LONG


def test_the_time_of_several_fetches_is_one(instance: duckdb.DuckDBPyConnection) -> None:
    allowance = Allowance("work", LIMIT)
    with allowance.spent_on(instance):
        time.sleep(2 * LIMIT)

    def work() -> None:
        with allowance.spent_on(instance):
            instance.execute("select sum(a.range * b.range) from range(100000) a, range(500) b").fetchall()

    refused_after(work)


def test_what_ends_in_time_is_left_alone_and_so_is_what_follows(instance: duckdb.DuckDBPyConnection) -> None:
    with time_limit(instance, "work", LIMIT):
        assert instance.execute("select 1").fetchall() == [(1,)]
    began = time.monotonic()
    while time.monotonic() - began < 2 * LIMIT:
        assert instance.execute("select sum(range) from range(100000)").fetchall() == [(4999950000,)]


def test_another_error_of_the_query_is_its_own(instance: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.CatalogException, match="nowhere"), time_limit(instance, "work", LIMIT):
        instance.execute("select * from nowhere")
