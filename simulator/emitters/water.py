"""Rain, hour by hour, over a day and the four days before it, whose readings lie in the day's first file; reservoirs every half hour;
sensors in slopes over two days.

It is dry at first, then rains moderately for two days and heavily on the last one. Most stations tell the state of a counter, and some are
set back to zero in the morning; the others tell the rain of the hour. What follows is no fault: one station and one sensor fall silent, one
reservoir begins to spill, another one loses its level in the evening, one slope slides, and another one creeps.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random

from core.reference import Reference
from simulator.chance import chance
from simulator.emitters.file_records import write_records
from simulator.faults import RAIN, RESERVOIRS, SLOPES, FaultKind, FaultProfile
from simulator.local_time import FUTURE, in_utc, midnight
from simulator.truth import Emission
from simulator.writer import Texts

HOUR = timedelta(hours=1)
HOURS_BEFORE, HOURS = 96, 120
POLL, POLLS = timedelta(minutes=30), 48
COLUMNS = {
    RAIN: ("station_id", "measured_at", "reading_mm", "status_code"),
    RESERVOIRS: ("channel_id", None, "value", "channel_status"),
    SLOPES: ("sensor_id", "measured_at", "value", "status_code"),
}
"""Columns of the object, the time, the value and the status; the time of a poll is in its file's name."""

FILES = {
    RAIN: "MUA_{:%Y%m%d_%H%M%S}.csv",
    RESERVOIRS: "SCADA_{:%Y%m%d_%H%M%S}.json",
    SLOPES: "SAT_LO_{:%Y%m%d_%H%M%S}.csv",
}
GOOD = {RAIN: "00", RESERVOIRS: "1", SLOPES: "00"}
ERROR_SHARE = 0.004
LEVELS = {"46_HC01": (78, 1.8), "46_HC02": (57.2, 1.1), "46_HC03": (44.6, 0.9), "46_HC04": (19, 0.7)}
"""Metres above the dam at the beginning of the day, and how far they rise in it."""

LOST_CHANNEL, LOST_FROM_POLL = "29041", 36
MOVED_A_DAY = {"46_SL01": 35, "46_SL03": 8, "46_SL06": -0.6}
SENSOR_HOURS_BEFORE, SENSOR_HOURS = 26, 50
SILENT_SENSOR, SENSOR_SILENT_FROM_HOUR = "46_SL04", 40
DRY_HOURS, HOURLY_TENTHS = 48, (4, 16, 60)
"""How long it is dry, and the mean rain of a dry, a moderate and a heavy hour in tenths of a millimetre, at a station of wetness 1."""

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
        times = {} if time_name is None else {time_name: f"{measured_at:%Y-%m-%d %H:%M:%S}"}
        return times | {
            object_name: "46_XX99" if fault == FaultKind.UNKNOWN_CODE else self.object_id,
            value_name: spoilt.get(fault, f"{self.value:.2f}"),
            status_name: GOOD[self.feed] if fault else self.status_code,
        }

    def contradicted(self) -> "Reading":
        """Return the reading with another value."""
        return replace(self, value=self.value + 1)


def emit_rain(day: date, seed: int, profile: FaultProfile, folder: Path) -> Emission:
    """Write the day's files of rain into a folder that the caller has made."""
    readings = _in_order(_rain(day, chance(seed, RAIN)))
    books, accepted = write_records(RAIN, readings, profile, chance(seed, f"{RAIN}/faults"), folder)
    return Emission(books, {"rain_readings": _rows(accepted)})


def emit_reservoirs(day: date, seed: int, profile: FaultProfile, folder: Path) -> Emission:
    """Write the day's polls of the reservoirs into a folder that the caller has made."""
    readings = _in_order(_reservoirs(day, chance(seed, RESERVOIRS)))
    books, accepted = write_records(RESERVOIRS, readings, profile, chance(seed, f"{RESERVOIRS}/faults"), folder)
    return Emission(books, {"reservoir_readings": _rows(accepted)})


def emit_slopes(day: date, seed: int, profile: FaultProfile, folder: Path) -> Emission:
    """Write the day's files of sensors in slopes into a folder that the caller has made."""
    readings = _in_order(_slopes(day, chance(seed, SLOPES)))
    books, accepted = write_records(SLOPES, readings, profile, chance(seed, f"{SLOPES}/faults"), folder)
    return Emission(books, {"slope_readings": _rows(accepted)})


def _in_order(readings: Iterator[Reading]) -> list[Reading]:
    return sorted(readings, key=lambda reading: (reading.measured_at, reading.object_id))


def _rows(accepted: list[Reading]) -> list[tuple[object, ...]]:
    return [(one.object_id, in_utc(one.measured_at), round(one.value, 2), one.status_code) for one in accepted]


def _rain(day: date, stream: Random) -> Iterator[Reading]:
    """Yield the readings of each station; a counter is in tenths of a millimetre."""
    began_at = midnight(day) - HOURS_BEFORE * HOUR
    for place, station in enumerate(Reference().list_of("rain_stations").iter_rows(named=True)):
        wetness = stream.uniform(0.5, 1.9)
        counter = stream.randrange(500, 20_000)
        reset_hour = HOURS_BEFORE + 7 if place % 4 == 1 else None
        for hour in range(HOURS):
            rate = HOURLY_TENTHS[(hour >= DRY_HOURS) + (hour >= HOURS_BEFORE)]
            rain = int(wetness * stream.choice((0, 0, 0.5, 1, 1.5, 3)) * rate)
            counter = rain if hour == reset_hour else counter + rain
            if station["station_id"] == SILENT_STATION and hour >= SILENT_FROM_HOUR:
                continue
            is_counter = station["reading_kind"] == "counter"
            status = "02" if stream.random() < ERROR_SHARE else "00"
            told = (counter if is_counter else rain) / 10
            yield Reading(RAIN, station["station_id"], began_at + hour * HOUR, told, status, midnight(day))


def _reservoirs(day: date, stream: Random) -> Iterator[Reading]:
    """Yield what each channel tells in each poll."""
    for channel in Reference().list_of("reservoir_channels").iter_rows(named=True):
        number, quantity = channel["channel_id"], channel["quantity_code"]
        level, rise = LEVELS[channel["reservoir_id"]]
        starts = {"WL_TL": (level, rise), "WL_HL": (level / 3 + 5, rise / 2), "QDEN": (300, 400), "QXA": (150, 250)}
        start, growth = starts[quantity]
        for poll in range(POLLS):
            noise = stream.gauss(0, 0.01 if quantity.startswith("WL") else 5)
            is_lost = number == LOST_CHANNEL and poll >= LOST_FROM_POLL
            told = 0.0 if is_lost else start + growth * poll / POLLS + noise
            measured_at = midnight(day) + poll * POLL
            yield Reading(RESERVOIRS, number, measured_at, told, "0" if is_lost else "1", midnight(day))


def _slopes(day: date, stream: Random) -> Iterator[Reading]:
    """Yield the readings of each sensor, from its own zero."""
    began_at = midnight(day) - SENSOR_HOURS_BEFORE * HOUR
    for sensor in Reference().list_of("landslide_sensors")["sensor_id"]:
        start = stream.uniform(-20, 20)
        for hour in range(SENSOR_HOURS):
            if sensor == SILENT_SENSOR and hour >= SENSOR_SILENT_FROM_HOUR:
                continue
            told = start + MOVED_A_DAY.get(sensor, 0) * hour / 24 + stream.gauss(0, 0.05)
            yield Reading(SLOPES, sensor, began_at + hour * HOUR, told, "00", midnight(day))
