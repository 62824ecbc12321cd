"""The rivers' day: every 15 minutes a small CSV with the newest level of each gauge, as the poller of a public service writes it.

A level is published 10 to 40 minutes after it was measured, so polls repeat what an earlier one reported, sometimes to the byte, and now
and then a gauge is left out. All of that is normal; the truth is every level that some poll reported correctly.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from math import pi, sin
from pathlib import Path

from core.contract import find_contract
from simulator.chance import chance
from simulator.entities import City, Gauge
from simulator.faults import RIVERS, FaultKind, FaultProfile, deal_faults
from simulator.local_time import FUTURE, in_utc, midnight
from simulator.truth import Books, Emission
from simulator.writer import Texts, cut_rows, write_table

STEP = timedelta(minutes=15)
STEPS = 96
BASE_LEVELS = (0.55, 0.85, 58.2)
STABLE = 0.004


@dataclass(frozen=True)
class Level:
    """One level of one gauge, metres above its zero."""

    gauge: Gauge
    measured_at: datetime
    published_at: datetime
    level: str
    trend_code: str

    @property
    def record(self) -> Texts:
        """The record of the file."""
        return {
            "gauge_id": self.gauge.gauge_id,
            "gauge_name": self.gauge.gauge_name,
            "river_name": self.gauge.river_name,
            "measured_at": f"{self.measured_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "level_m": self.level,
            "trend_code": self.trend_code,
        }


@dataclass(frozen=True)
class Poll:
    """One poll: when, and the newest level of each gauge that answered."""

    polled_at: datetime
    levels: tuple[Level, ...]


def emit_river_levels(city: City, day: date, seed: int, profile: FaultProfile, folder: Path) -> Emission:
    """Write the day's polls into a folder that the caller has made."""
    contract = find_contract(RIVERS)
    polls = _polls(city, day, seed)
    stream = chance(seed, "river_levels/faults")
    dealt = deal_faults(profile, RIVERS, polls, lambda _, __: True, stream)
    books = Books(RIVERS)
    told: dict[tuple[str, datetime], tuple[object, ...]] = {}
    for index, poll in enumerate(polls):
        name = f"river_levels_{poll.polled_at:%Y%m%d_%H%M%S}.csv"
        fault = dealt.get(index)
        if fault == FaultKind.MISSING_SLOT:
            books.note(fault, "poll", in_utc(poll.polled_at), name, outcome="missing", records=0)
            continue
        position = stream.randrange(len(poll.levels)) if fault else None
        sent = [_spoilt(level, fault) if place == position else level for place, level in enumerate(poll.levels)]
        content = write_table(contract, [level.record for level in sent])
        cut = [position] if fault == FaultKind.MALFORMED and position is not None else []
        (folder / name).write_bytes(cut_rows(content, cut, 2))
        books.deliver()
        for place, level in enumerate(poll.levels):
            key = (level.gauge.gauge_id, in_utc(level.measured_at))
            if fault and place == position:
                books.quarantine(fault)
                books.note(fault, level.gauge.gauge_id, key[1], name, outcome="quarantined")
            elif key in told:
                books.repeat()
            else:
                told[key] = (*key, float(level.level), level.trend_code)
                books.accept()
    return Emission(books, {"river_levels": list(told.values())})


def _spoilt(level: Level, fault: FaultKind | None) -> Level:
    match fault:
        case FaultKind.MISSING_VALUE:
            return replace(level, level="")
        case FaultKind.OUT_OF_RANGE:
            return replace(level, level="999")
        case FaultKind.FUTURE_TIME:
            return replace(level, measured_at=level.measured_at + FUTURE)
        case _:
            return level


def _polls(city: City, day: date, seed: int) -> list[Poll]:
    stream = chance(seed, "river_levels/polls")
    levels = {gauge: _levels(gauge, number, day, seed) for number, gauge in enumerate(city.gauges)}
    polls = []
    for step in range(1, STEPS):
        polled_at = midnight(day) + step * STEP + timedelta(seconds=stream.randint(20, 500))
        newest = []
        for gauge in city.gauges:
            published = [level for level in levels[gauge] if level.published_at <= polled_at]
            if published and stream.random() > 0.03:
                newest.append(max(published, key=lambda level: level.measured_at))
        if newest:
            polls.append(Poll(polled_at, tuple(newest)))
    return polls


def _levels(gauge: Gauge, number: int, day: date, seed: int) -> list[Level]:
    stream = chance(seed, f"river_levels/{gauge.gauge_id}")
    levels: list[Level] = []
    height = before = BASE_LEVELS[number % len(BASE_LEVELS)]
    for step in range(-2, STEPS):
        measured_at = midnight(day) + step * STEP
        height += 0.012 * sin(2 * pi * (step - 20 * number) / STEPS) + stream.gauss(0, 0.003)
        change = height - before
        trend = "stable" if abs(change) < STABLE else "rising" if change > 0 else "dropping"
        published_at = measured_at + timedelta(minutes=stream.randint(10, 40))
        levels.append(Level(gauge, measured_at, published_at, f"{height:.3f}", trend))
        before = height
    return levels
