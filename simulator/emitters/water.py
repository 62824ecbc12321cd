"""Rain, hour by hour, over a day and the four days before it, whose readings lie in the day's first file.

It rains moderately for four days and heavily on the last one. Most stations tell the state of a counter, and some are set back to zero in
the morning; the others tell the rain of the hour. One station falls silent in the afternoon, which is no fault.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random

from core.reference import Reference
from simulator.chance import chance
from simulator.emitters.file_records import write_records
from simulator.faults import RAIN, FaultKind, FaultProfile
from simulator.local_time import FUTURE, in_utc, midnight
from simulator.truth import Emission
from simulator.writer import Texts

HOUR = timedelta(hours=1)
HOURS_BEFORE, HOURS = 96, 120
COLUMNS = {RAIN: ("station_id", "measured_at", "reading_mm", "status_code")}
FILES = {RAIN: "MUA_{:%Y%m%d_%H%M%S}.csv"}
ERROR_SHARE = 0.004
SILENT_STATION, SILENT_FROM_HOUR = "46_MU07", HOURS_BEFORE + 15


@dataclass(frozen=True)
class Reading:
    """What one device told at one time; what was measured before the day is in its first file."""

    feed: str
    object_id: str
    measured_at: datetime
    value: float
    status_code: str
    first_file_at: datetime

    @property
    def happened_at(self) -> datetime:
        """When it was measured."""
        return self.measured_at

    @property
    def file_name(self) -> str:
        """The file of its hour."""
        return FILES[self.feed].format(max(self.measured_at, self.first_file_at))

    def record(self, fault: FaultKind | None) -> Texts:
        """Return the record of the file."""
        object_name, time_name, value_name, status_name = COLUMNS[self.feed]
        measured_at = self.measured_at + (FUTURE if fault == FaultKind.FUTURE_TIME else timedelta())
        spoilt: Mapping[FaultKind | None, str | None] = {
            FaultKind.MISSING_VALUE: None,
            FaultKind.MALFORMED: "hong",
            FaultKind.OUT_OF_RANGE: "123456",
        }
        return {
            object_name: "46_XX99" if fault == FaultKind.UNKNOWN_CODE else self.object_id,
            time_name: f"{measured_at:%Y-%m-%d %H:%M:%S}",
            value_name: spoilt.get(fault, f"{self.value:.1f}"),
            status_name: self.status_code,
        }

    def contradicted(self) -> "Reading":
        """Return the reading with another value."""
        return replace(self, value=self.value + 1)


def emit_rain(day: date, seed: int, profile: FaultProfile, folder: Path) -> Emission:
    """Write the day's files of rain into a folder that the caller has made."""
    readings = _in_order(_rain(day, chance(seed, RAIN)))
    books, accepted = write_records(RAIN, readings, profile, chance(seed, f"{RAIN}/faults"), folder)
    return Emission(books, {"rain_readings": _rows(accepted)})


def _in_order(readings: Iterator[Reading]) -> list[Reading]:
    return sorted(readings, key=lambda reading: (reading.measured_at, reading.object_id))


def _rows(accepted: list[Reading]) -> list[tuple[object, ...]]:
    return [(one.object_id, in_utc(one.measured_at), round(one.value, 1), one.status_code) for one in accepted]


def _rain(day: date, stream: Random) -> Iterator[Reading]:
    """Yield the readings of each station; a counter is in tenths of a millimetre."""
    began_at = midnight(day) - HOURS_BEFORE * HOUR
    for place, station in enumerate(Reference().list_of("rain_stations").iter_rows(named=True)):
        wetness = stream.uniform(0.5, 1.9)
        counter = stream.randrange(500, 20_000)
        reset_hour = HOURS_BEFORE + 7 if place % 4 == 1 else None
        for hour in range(HOURS):
            rate = 60 if hour >= HOURS_BEFORE else 16
            rain = int(wetness * stream.choice((0, 0, 0.5, 1, 1.5, 3)) * rate)
            counter = rain if hour == reset_hour else counter + rain
            if station["station_id"] == SILENT_STATION and hour >= SILENT_FROM_HOUR:
                continue
            is_counter = station["reading_kind"] == "counter"
            status = "02" if stream.random() < ERROR_SHARE else "00"
            told = (counter if is_counter else rain) / 10
            yield Reading(RAIN, station["station_id"], began_at + hour * HOUR, told, status, midnight(day))
