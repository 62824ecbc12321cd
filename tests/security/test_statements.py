"""SQL written by people reads released marts and nothing else, and the instance behind the gate holds nothing else."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import psutil
import pytest

from cli.rows import rows_of_any_type
from core.settings import Settings
from lake.connection import connected
from lake.gate import Gate, RefusedQueryError, tables_in
from lake.limits import QueryTimeError, time_limit
from lake.serving import ReleasedMarts, begin_reading, end_reading
from lake.tables import create_tables
from tests.publishing import publish_candidates
from tests.security.statements import ENDLESS, HUNGRY, SECRET, SOURCES, STATEMENTS, statements

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1800)]

NOON = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)
LEAST = 300
MOST_BYTES = 3 * 1024**3
"""Memory of one query: DuckDB's own limit of 1 GB, and what that does not count."""


@pytest.fixture(scope="module")
def marts(stack_settings: Settings) -> Iterator[ReleasedMarts]:
    """Marts with one release, and a candidate that was never released."""
    with connected(stack_settings) as connection:
        create_tables(connection, {})
        connection.execute("create schema if not exists lake.asked")
        connection.execute("create or replace table lake.asked.ones as select 1 as number")
        publish_candidates(connection, "asked", NOON)
        connection.execute(f"create or replace table lake.asked.secrets as select '{SECRET}' as told")
        yield ReleasedMarts(stack_settings.model_copy(update={"now": NOON}))


def gate_of(cursor: duckdb.DuckDBPyConnection) -> Gate:
    return Gate("sql", tables_in(cursor))


def ask(cursor: duckdb.DuckDBPyConnection, query: str, seconds: float = 2) -> list[tuple[object, ...]]:
    """Run a query like `ioc sql`, but without the gate."""
    begin_reading(cursor)
    try:
        with time_limit(cursor, "sql", seconds):
            cursor.execute(query)
            return cursor.fetchall()
    finally:
        end_reading(cursor)


def state(cursor: duckdb.DuckDBPyConnection) -> list[object]:
    """Return what others see, and what an attempt may have left on disk."""
    asked = ("select epoch(clock_now())", "from asked.ones", "select count(*) from operations.releases")
    left = sorted(str(path) for path in Path("/tmp").glob("ioc_attempt*"))
    return [*(cursor.execute(question).fetchall() for question in asked), left]


def test_every_attempt_is_refused_at_the_gate(marts: ReleasedMarts) -> None:
    attempts = statements()
    assert len(attempts) == len(set(attempts)) >= LEAST
    gate = gate_of(marts.cursor())
    passed = [attempt for attempt in attempts if not is_refused(gate, attempt)]
    assert passed == []


def is_refused(gate: Gate, attempt: str) -> bool:
    try:
        gate.admit(attempt)
    except RefusedQueryError:
        return True
    return False


def test_behind_the_gate_others_see_no_change_and_nothing_unreleased_is_told(marts: ReleasedMarts) -> None:
    """If an attempt breaks its instance, the next reader gets a new one."""
    before = state(marts.cursor())
    told, changed = {}, []
    for attempt in [*(f"from {source}" for source in SOURCES.values()), *STATEMENTS]:
        if "sleep" not in attempt:
            with suppress(duckdb.Error, QueryTimeError, RuntimeError):
                told[attempt] = str(ask(marts.cursor(), attempt))
            try:
                is_as_before = state(marts.cursor()) == before
            except duckdb.Error:
                is_as_before = False
            if not is_as_before:
                changed.append(attempt)
    assert {attempt for attempt, answer in told.items() if SECRET in answer or "root:x:0" in answer} == set()
    assert changed == []


QUESTIONS = (
    "select * from asked.ones",
    "from marts.asked.ones",
    'select "number" from "ASKED".Ones',
    "describe asked.ones",
    "summarize asked.ones",
    "with mine as (select * from asked.ones) select * from mine join asked.ones using (number)",
    "with recursive n as (select 1 as x union all select x + 1 from n where x < 3) select count(*) from n",
    "select number, count(*), row_number() over (order by number) from asked.ones group by number order by all limit 3",
    "select * from (select number from asked.ones) where number in (select number from asked.ones)",
    "pivot asked.ones on number in (1, 2) using count(*)",
    "unpivot asked.ones on number into name what value figure",
    "values (1, 'a'), (2, 'b')",
    "select unnest([1, 2]), * from generate_series(1, 2) as g (n)",
    "select key, value from json_each('{\"a\": 1}')",
    "select {'a': number}.a, [number][1], map {'k': number}, list_transform([1], lambda x: x + number), lpad('1', 3, '0') from asked.ones",
    "select date_trunc('hour', now()), strftime(today(), '%d/%m/%Y'), clock_now() at time zone 'Asia/Ho_Chi_Minh'",
    "select quantile_cont(number, 0.5), string_agg(number::varchar, ', '), count(*) filter (where number > 0) from asked.ones",
    "select coalesce(try_cast('x' as integer), 0), 'a' ilike 'A', regexp_extract('ab', '(b)', 1), split_part('a/b', '/', 2)",
    "select domain, published_at from operations.releases order by release_id desc limit 5",
    "select * from asked.ones;",
)


@pytest.mark.parametrize("question", QUESTIONS)
def test_an_honest_question_is_answered(marts: ReleasedMarts, question: str) -> None:
    cursor = marts.cursor()
    gate_of(cursor).admit(question)
    begin_reading(cursor)
    rows = rows_of_any_type(cursor.sql(question), as_json=True)
    end_reading(cursor)
    assert rows


def test_a_reader_who_may_not_read_a_domain_does_not_see_it_under_any_name(marts: ReleasedMarts) -> None:
    gate = Gate("sql", tables_in(marts.cursor()), lambda schema: schema == "asked")
    gate.admit("from asked.ones")
    for hidden in ("from operations.releases", "with releases as (select 1) select * from operations.releases"):
        with pytest.raises(RefusedQueryError, match="released domains: asked"):
            gate.admit(hidden)


@pytest.mark.parametrize("query", ENDLESS)
def test_a_query_without_end_is_ended(marts: ReleasedMarts, query: str) -> None:
    cursor = marts.cursor()
    gate_of(cursor).admit(query)
    began = time.monotonic()
    with pytest.raises((QueryTimeError, duckdb.OutOfMemoryException)):
        ask(cursor, query)
    assert time.monotonic() - began < 15


@pytest.mark.parametrize("query", HUNGRY)
def test_a_query_that_takes_all_memory_is_ended(marts: ReleasedMarts, query: str) -> None:
    cursor = marts.cursor()
    gate_of(cursor).admit(query)
    process = psutil.Process()
    before = most = process.memory_info().rss
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask, cursor, query)
        while not wait([asked], timeout=0.02).done:
            most = max(most, process.memory_info().rss)
    assert isinstance(asked.exception(), duckdb.Error | QueryTimeError)
    assert most - before < MOST_BYTES
