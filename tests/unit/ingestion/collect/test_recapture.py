"""What recapture asks for: the oldest first, no more than the bound, and later and later, but never giving up."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from core.contract import find_contract
from ingestion.collect.recapture import Attempt, Outcome, Span, due_slots, summary
from lake.tables import LEDGER_RECAPTURES, RELEASES

NOW = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)
FIVE, HOUR = timedelta(minutes=5), timedelta(hours=1)
STATIONS = find_contract("environment.station_readings")


@pytest.fixture
def books() -> Iterator[duckdb.DuckDBPyConnection]:
    """The tables that recapture reads: three stations miss a slot each, one of them a slot of 400 days ago too."""
    with duckdb.connect() as connection:
        connection.execute("attach ':memory:' as marts; attach ':memory:' as lake")
        connection.execute("create schema marts.operations; create schema marts.quality; create schema lake.ledger")
        for table, columns in (("marts.operations.releases", RELEASES), ("lake.ledger.recaptures", LEDGER_RECAPTURES)):
            connection.execute(
                f"create table {table} ({', '.join(f'{name} {kind}' for name, kind in columns.items())})"
            )
        connection.execute("insert into marts.operations.releases by name select 'quality' as domain")
        connection.execute(
            "create table marts.quality.missing_slots (feed varchar, object_id varchar, slot_start_at timestamptz, slot_end_at timestamptz)"
        )
        for feed, station, start in (
            (STATIONS.feed, "c", NOW - 2 * HOUR),
            (STATIONS.feed, "b", NOW - 3 * HOUR),
            (STATIONS.feed, "a", NOW - 3 * HOUR),
            (STATIONS.feed, "c", NOW - timedelta(days=400)),
            ("feedback.requests", "feedback.requests", NOW - 5 * HOUR),
        ):
            connection.execute(
                "insert into marts.quality.missing_slots values (?, ?, ?, ?)", [feed, station, start, start + FIVE]
            )
        yield connection


def due(books: duckdb.DuckDBPyConnection, now: datetime = NOW, limit: int = 100) -> list[tuple[str, timedelta]]:
    """Return what is asked for, with its age at NOW."""
    return [(span.object_id, NOW - span.start) for span in due_slots(books, STATIONS, now, limit)]


def ask(books: duckdb.DuckDBPyConnection, station: str, start: datetime, end: datetime, asked_at: datetime) -> None:
    """Record an attempt in vain."""
    books.execute(
        "insert into lake.ledger.recaptures values (?, ?, ?, ?, ?, 'empty')",
        [STATIONS.feed, station, start, end, asked_at],
    )


OLDEST_FIRST = [("c", timedelta(days=400)), ("a", 3 * HOUR), ("b", 3 * HOUR), ("c", 2 * HOUR)]


@pytest.mark.parametrize("limit", [1, 2, 4, 100])
def test_the_oldest_are_asked_for_first_and_no_more_than_the_bound(
    books: duckdb.DuckDBPyConnection, limit: int
) -> None:
    assert due(books, limit=limit) == OLDEST_FIRST[:limit]


def test_before_the_first_release_of_the_scores_nothing_is_asked_for(books: duckdb.DuckDBPyConnection) -> None:
    books.execute("delete from marts.operations.releases")
    assert due(books) == []


def test_what_was_asked_for_waits_while_the_rest_goes_on(books: duckdb.DuckDBPyConnection) -> None:
    ask(books, "c", NOW - timedelta(days=400), NOW - timedelta(days=399), NOW)
    ask(books, "a", NOW - 2 * HOUR, NOW, NOW)
    assert due(books, limit=3) == OLDEST_FIRST[1:]


def test_each_attempt_in_vain_doubles_the_wait_up_to_a_week_and_none_is_the_last(
    books: duckdb.DuckDBPyConnection,
) -> None:
    books.execute("delete from marts.quality.missing_slots where object_id <> 'b'")
    asked_at, waits = NOW, []
    for _ in range(12):
        ask(books, "b", NOW - 3 * HOUR, NOW - 2 * HOUR, asked_at)
        wait = next(
            hours
            for hours in (1, 2, 4, 8, 16, 32, 64, 128, 168)
            if due(books, asked_at + hours * HOUR) and not due(books, asked_at + hours * HOUR - timedelta(seconds=1))
        )
        waits.append(wait)
        asked_at += wait * HOUR
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 168, 168, 168, 168]


def test_attempts_are_counted_by_outcome() -> None:
    attempts = [Attempt("e", Span("a", NOW, NOW + FIVE), NOW, outcome) for outcome in (Outcome.FOUND, Outcome.EMPTY)]
    assert summary([*attempts, attempts[0]]) == {"found": 2, "empty": 1, "failed": 0}
