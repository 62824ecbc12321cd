"""Recapture: fetch exactly the missing slots that can still be fetched, however old they are.

The last build of `missing_slots` says what is missing. For a feed whose file names carry object and time, only the files of the missing
slots are fetched, in one listing; for any other feed, one window per stretch of missing slots. What arrives is landed and loaded as
usual. A run asks for a bounded number of slots, the oldest first, and the next run for the rest. Every attempt is recorded: a slot that
was not found is asked for again after an hour, then after two, four and so on up to a week, and is never given up.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

import duckdb

from core.contract import Contract
from core.domains import QUALITY
from core.errors import SourceError
from core.settings import Settings
from core.slots import slot_start
from ingestion.collect.collect import collect
from ingestion.collect.connectors.base import Window
from ingestion.load.load import load_feed
from lake.connection import connected
from lake.lock import writing
from lake.transaction import transaction

FIRST_WAIT_MINUTES = 60
LONGEST_WAIT_MINUTES = 7 * 24 * 60


class Outcome(StrEnum):
    """The result of an attempt."""

    FOUND = "found"
    EMPTY = "empty"
    FAILED = "failed"


@dataclass(frozen=True)
class Span:
    """One or more slots of an object, without a gap; the end is excluded."""

    object_id: str
    start: datetime
    end: datetime


@dataclass(frozen=True)
class Attempt:
    """A row of `lake.ledger.recaptures`."""

    feed: str
    span: Span
    asked_at: datetime
    outcome: Outcome


def recapture(settings: Settings, contract: Contract, limit: int | None = None) -> list[Attempt]:
    """Ask a feed's source again for what is due, at most `limit` slots (`IOC_RECAPTURE_SLOTS` if it is None); return the attempts.

    Raises the first SourceError after everything else was asked for, landed, loaded and recorded.
    """
    if not contract.is_refetchable:
        return []
    bound = settings.recapture_slots if limit is None else limit
    with connected(settings) as connection:
        due = due_slots(connection, contract, settings.clock(), bound)
        if not due:
            return []
        fetch = _fetch_files if contract.slots.file else _fetch_windows
        attempts, error = fetch(settings, connection, contract, due)
        with writing(settings, f"recapture {contract.feed}"):
            _write_down(connection, attempts)
    if error is not None:
        raise error
    return attempts


def summary(attempts: Iterable[Attempt]) -> dict[str, int]:
    """Count attempts by outcome."""
    outcomes = [attempt.outcome for attempt in attempts]
    return {outcome.value: outcomes.count(outcome) for outcome in Outcome}


def due_slots(connection: duckdb.DuckDBPyConnection, contract: Contract, now: datetime, limit: int) -> list[Span]:
    """Return the missing slots of a feed to ask for now, one span each, oldest first; none before the scores' first release."""
    released = connection.execute(
        "select count(*) from marts.operations.releases where domain = ?", [QUALITY]
    ).fetchone()
    if released is None or not released[0]:
        return []
    rows = connection.execute(
        """
        select missing.object_id, missing.slot_start_at, missing.slot_end_at
        from marts.quality.missing_slots as missing
        left join lake.ledger.recaptures as asked
            on missing.feed = asked.feed and missing.object_id = asked.object_id
            and missing.slot_start_at >= asked.window_start_at and missing.slot_end_at <= asked.window_end_at
        where missing.feed = ?
        group by all
        having max(asked.asked_at) is null
            or max(asked.asked_at) + to_minutes(cast(least(?, ? * pow(2, count(asked.asked_at) - 1)) as bigint)) <= ?
        order by missing.slot_start_at, missing.object_id
        limit ?
        """,
        [contract.feed, LONGEST_WAIT_MINUTES, FIRST_WAIT_MINUTES, now, limit],
    ).fetchall()
    return [Span(*row) for row in rows]


def stretches(slots: Iterable[Span], longest: timedelta) -> Iterator[Span]:
    """Join consecutive slots without a gap, up to a length; slots come in the order of time."""
    last: Span | None = None
    for slot in slots:
        if last is not None and slot.start == last.end and slot.end - last.start <= longest:
            last = replace(last, end=slot.end)
            continue
        if last is not None:
            yield last
        last = slot
    if last is not None:
        yield last


def _fetch_files(
    settings: Settings, _: duckdb.DuckDBPyConnection, contract: Contract, due: list[Span]
) -> tuple[list[Attempt], SourceError | None]:
    """Fetch the files of single slots in one listing; a slot counts as found if its file is there, whatever the file holds.

    A source that breaks off says nothing about a single slot: no attempt is recorded, and the next run asks again.
    """
    asked_at = settings.clock()
    wanted = frozenset((slot.object_id, slot_start(slot.start, contract.cadence)) for slot in due)
    window = Window(min(slot.start for slot in due), max(slot.end for slot in due), wanted)
    try:
        deliveries = collect(settings, contract, window).deliveries
    except SourceError as error:
        load_feed(settings, contract)
        return [], error
    load_feed(settings, contract)
    told = [contract.slots.named_by(delivery.source_name) for delivery in deliveries]
    found = {(one[0], slot_start(one[1], contract.cadence)) for one in told if one is not None}
    return [
        Attempt(
            contract.feed,
            slot,
            asked_at,
            Outcome.FOUND if (slot.object_id, slot_start(slot.start, contract.cadence)) in found else Outcome.EMPTY,
        )
        for slot in due
    ], None


def _fetch_windows(
    settings: Settings, connection: duckdb.DuckDBPyConnection, contract: Contract, due: list[Span]
) -> tuple[list[Attempt], SourceError | None]:
    """Fetch stretches of slots, one window each; a window counts as found if its answer holds a record.

    After a source that does not answer no more windows are asked for; one that refuses a window may still serve the next.
    """
    attempts: list[Attempt] = []
    failure: SourceError | None = None
    longest = max(timedelta(days=int(contract.option("window_days", 1))), contract.cadence)
    for span in stretches(due, longest):
        asked_at = settings.clock()
        try:
            deliveries = collect(settings, contract, Window(span.start, span.end)).deliveries
        except SourceError as error:
            attempts.append(Attempt(contract.feed, span, asked_at, Outcome.FAILED))
            failure = failure or error
            if error.is_retryable:
                break
            continue
        load_feed(settings, contract)
        has_records = connection.execute(
            "select coalesce(sum(received), 0) > 0 from lake.ledger.deliveries where feed = ? and delivery_id in (select unnest(?))",
            [contract.feed, [delivery.delivery_id for delivery in deliveries]],
        ).fetchone() == (True,)
        attempts.append(Attempt(contract.feed, span, asked_at, Outcome.FOUND if has_records else Outcome.EMPTY))
    return attempts, failure


def _write_down(connection: duckdb.DuckDBPyConnection, attempts: list[Attempt]) -> None:
    if not attempts:
        return
    with transaction(connection, "lake", f"recapture {attempts[0].feed}", {"feed": attempts[0].feed}):
        connection.executemany(
            "insert into lake.ledger.recaptures values (?, ?, ?, ?, ?, ?)",
            [
                [one.feed, one.span.object_id, one.span.start, one.span.end, one.asked_at, one.outcome.value]
                for one in attempts
            ],
        )
