"""The axes on a real lake: a fault a day over seven feeds, loaded, built once, and each day compared with a clean one.

Then the guarantees of a history: building again changes nothing, a later build forgets nothing, and the ledger alone restores it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import duckdb
import pytest

from core.contract import Contract, read_contracts
from core.reference import Reference
from core.settings import Settings
from ingestion.collect.landing import Landing
from ingestion.load.load import Loader
from lake.connection import connected
from lake.tables import create_tables
from transform.build import build

from .conftest import Lake
from .fault_days import CLEAN_DAYS, COMPLETE, FAULTS, LATE, NIGHT, NOON, STATIONS, Fault, Sending, moment

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1800)]

AXES = ("correct", "complete", "clean", "live", "consistent")
READINGS = "environment.station_readings"
HISTORIES = ("feed_score_days", "object_score_days", "column_score_days")
REASON = "Cột định danh chưa đạt 100 %: station_id sai 1/"
"""How the reason of a red level begins; then the records that were judged."""
OF_MANY_OBJECTS = {"silence", "unknown_station", "file_name_without_station"}
"""Faults of the readings that are not of the first station alone, or name no station."""


DAYS = [date(2026, 9, 7) + timedelta(days=number) for number in range(max(map(len, FAULTS.values())) + 2)]
"""From a Monday of a school term."""

DUE_AFTER = {"education.attendance": timedelta(days=8), "health.claims": timedelta(days=1)}
"""How long after a day its slots fall due, if that is another day: the feeds may take that long."""


def days_of(feed: str) -> list[date]:
    """Return the days on which a feed sends."""
    return [day for day in DAYS if feed != "education.attendance" or day.weekday() < 5]


PLAN: dict[tuple[str, date], Fault | None] = {
    (feed, day): fault
    for feed, faults in FAULTS.items()
    for day, fault in zip(days_of(feed), [None, *faults, None], strict=False)
}
"""What goes wrong in each feed on each day; None is a clean day, the first and the last of every feed."""

MIDDLE, END = DAYS[9], moment(DAYS[-1] + timedelta(days=1), 12)


@dataclass(frozen=True)
class History:
    """A lake with a fault a day, and the scores built on it."""

    settings: Settings
    connection: duckdb.DuckDBPyConnection

    def build(self, clock: datetime, *, full_refresh: bool = False) -> None:
        """Build the quality marts and run every data test of them."""
        build(self.connection, self.settings.model_copy(update={"now": clock}), "quality", full_refresh=full_refresh)

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        """Return the rows of a query."""
        return self.connection.execute(sql).fetchall()

    def whole(self, columns: str = "*") -> dict[str, list[tuple[object, ...]]]:
        """Return every history, whole, in one order."""
        return {name: self.rows(f"select {columns} from lake.quality.{name} order by all") for name in HISTORIES}

    def axes(self, table: str = "feed_score_days", where: str = "true") -> dict[tuple[object, ...], dict[str, object]]:
        """Return the axes of each row of a history by its feed and day."""
        found = self.rows(f"select feed, local_date, {', '.join(AXES)} from lake.quality.{table} where {where}")
        return {row[:2]: dict(zip(AXES, row[2:], strict=True)) for row in found}


def load(
    settings: Settings, connection: duckdb.DuckDBPyConnection, contract: Contract, day: date, sendings: list[Sending]
) -> None:
    """Land and load a day's deliveries: those of noon, of the night and those that are late, each in a load of their own."""
    landing, reference = Landing(settings), Reference()
    for hour in (NOON, NIGHT, LATE):
        part = [one for one in sendings if (one.hour if one.hour in (NOON, LATE) else NIGHT) == hour]
        for one in part:
            landing.land(contract, one.name, one.content, moment(day, one.hour).astimezone(UTC))
        if part:
            clock = settings.model_copy(update={"now": moment(day, hour).astimezone(UTC)})
            Loader(clock, connection, landing, reference).load_new(contract)


@pytest.fixture(scope="module")
def history(stack_settings: Settings) -> Iterator[History]:
    """Load the plan into an empty lake, building once on the way and once at the end."""
    contracts = read_contracts()
    with connected(stack_settings) as connection:
        create_tables(connection, contracts)
        Lake(stack_settings, connection, Landing(stack_settings), contracts).empty()
        for schema in ("silver", "quality"):
            connection.execute(f"drop schema if exists lake.{schema} cascade")
        found = History(stack_settings, connection)
        for day in DAYS:
            for feed in FAULTS:
                if (feed, day) in PLAN:
                    fault = PLAN[feed, day]
                    load(
                        stack_settings,
                        connection,
                        contracts[feed],
                        day,
                        (fault.sendings if fault else CLEAN_DAYS[feed])(day),
                    )
            if day == MIDDLE:
                found.build(moment(day, 24))
        found.build(END)
        yield found


def test_a_clean_day_is_at_100_on_every_axis(history: History) -> None:
    axes = history.axes()
    clean = {(feed, day): axes[feed, day] for (feed, day), fault in PLAN.items() if fault is None}
    assert len(clean) == 2 * len(FAULTS)
    assert clean == dict.fromkeys(clean, dict.fromkeys(AXES, 100.0))


def test_each_fault_moves_its_own_axes_and_no_other(history: History) -> None:
    axes = history.axes()
    missing = set(history.rows("select feed, local_date from lake.quality.feed_score_days where missing_slots > 0"))
    moved = {
        (feed, fault.name): {axis for axis in AXES if axes[feed, day][axis] != axes[feed, DAYS[0]][axis]}
        | {COMPLETE for due in [day + DUE_AFTER.get(feed, timedelta())] if (feed, due) in missing}
        for (feed, day), fault in PLAN.items()
        if fault
    }
    assert moved == {(feed, fault.name): set(fault.moves) for feed, faults in FAULTS.items() for fault in faults}
    assert len(moved) >= 95


def test_a_fault_of_one_station_moves_no_other_station(history: History) -> None:
    others = history.rows(
        f"""
        select local_date, object_id, {", ".join(AXES)} from lake.quality.object_score_days
        where feed = '{READINGS}' and object_id <> '{STATIONS[0]}'
        """
    )
    days = [
        day for (feed, day), fault in PLAN.items() if feed == READINGS and not (fault and fault.name in OF_MANY_OBJECTS)
    ]
    assert {row for row in others if row[0] in days} == {
        (day, station, *[100.0] * len(AXES)) for day in days for station in STATIONS[1:]
    }


def test_the_station_of_a_fault_moves_as_its_feed_does(history: History) -> None:
    own = history.axes("object_score_days", f"object_id = '{STATIONS[0]}'")
    moved = {
        fault.name: {axis for axis in AXES if own[READINGS, day][axis] != 100.0}
        for (feed, day), fault in PLAN.items()
        if feed == READINGS
        and fault
        and fault.moves <= {"correct", "live", "consistent"}
        and fault.name not in OF_MANY_OBJECTS
    }
    assert moved == {
        fault.name: set(fault.moves)
        for fault in FAULTS[READINGS]
        if fault.moves <= {"correct", "live", "consistent"} and fault.name not in OF_MANY_OBJECTS
    }


def test_an_identifier_column_below_100_makes_the_day_red(history: History) -> None:
    days = {fault.name: day for (feed, day), fault in PLAN.items() if feed == READINGS and fault}
    found = history.rows(
        f"""
        select local_date, level, left(level_reason, {len(REASON)}), identifier_percent < 100, score > 99 from lake.quality.feed_score_days
        where feed = '{READINGS}' and local_date in ('{days["unknown_station"]}', '{days["unknown_unit"]}') order by all
        """
    )
    assert sorted(found) == sorted(
        [
            (days["unknown_station"], "red", REASON, True, True),
            (days["unknown_unit"], "green", None, False, True),
        ]
    )
    assert history.rows(
        f"""
        select column_name, rule, failed, level from lake.quality.column_score_days
        where feed = '{READINGS}' and local_date = '{days["unknown_station"]}' and failed > 0
        """
    ) == [("station_id", "station_id_reference", 1, "red")]


def test_a_feed_that_never_sent_is_unknown(history: History) -> None:
    silent = sorted(set(read_contracts()) - set(FAULTS))
    assert silent
    found = history.rows(
        f"""
        select distinct feed, {", ".join(AXES)}, score, level from lake.quality.feed_score_days
        where feed in ({", ".join(f"'{feed}'" for feed in silent)}) order by feed
        """
    )
    assert found == [(feed, *[None] * len(AXES), None, "unknown") for feed in silent]


def test_every_owner_stands_in_the_league_and_those_who_sent_nothing_without_a_rank(history: History) -> None:
    contracts = read_contracts().values()
    heard = {contract.owner for contract in contracts if contract.feed in FAULTS}
    september = {
        str(row[0]): row[1:]
        for row in history.rows(
            "select owner, league_rank, score is null, level = 'unknown' from lake.quality.agency_league_months "
            "where month_date = '2026-09-01'"
        )
    }
    assert set(september) == {contract.owner for contract in contracts}
    assert {owner for owner, row in september.items() if row != (None, True, True)} == heard
    assert {row[0] for row in september.values()} >= {1, None}


def test_a_history_is_neither_doubled_nor_forgotten_and_the_books_give_it_back(history: History) -> None:
    before = history.whole()
    history.build(END)
    assert history.whole() == before
    clocks = history.rows("select local_date, min(judged_at) from lake.quality.feed_score_days group by all")
    judged = {row[0]: row[1] for row in clocks}
    assert {judged[day] for day in DAYS if day < MIDDLE} == {moment(MIDDLE, 24)}
    assert {judged[day] for day in DAYS if day >= MIDDLE} == {END}
    told = history.whole("* exclude (judged_at)")
    history.build(END, full_refresh=True)
    assert history.whole("* exclude (judged_at)") == told
