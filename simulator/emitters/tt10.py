"""The stations' day: a TAB-separated file per station every five minutes (TT 10/2021/TT-BTNMT, annex 15, table 34).

Stations differ as loggers do, without being faulty: one ends its lines with LF, one begins its files with a byte order mark,
the symbols for PM2.5 and micro vary, one sends CO in mg/m3. Calibration and device errors have status 01 and 02.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from math import inf, pi, sin
from pathlib import Path
from random import Random

from simulator.chance import chance
from simulator.entities import City, Station
from simulator.faults import READINGS, FaultKind, FaultProfile, deal_faults
from simulator.local_time import FUTURE, in_utc, midnight
from simulator.truth import Books, Emission

SLOTS = 288
SLOT = timedelta(minutes=5)
STUCK_SLOTS = 14
MICRO_SIGN, GREEK_MU = "\u00b5g/m3", "\u03bcg/m3"

LEVELS: dict[str, dict[str, tuple[float, float, float, int, str]]] = {
    "air": {
        "PM10": (55, 25, 5, 1, "ug/m3"),
        "PM2.5": (32, 16, 4, 1, "ug/m3"),
        "NO2": (28, 12, 4, 1, "ug/m3"),
        "SO2": (14, 5, 2, 1, "ug/m3"),
        "CO": (850, 300, 60, 0, "ug/m3"),
        "O3": (60, 40, 6, 1, "ug/m3"),
        "Temp": (24, 4, 0.3, 1, "degC"),
        "RH": (78, 12, 1.5, 1, "%"),
    },
    "water": {
        "pH": (7.1, 0.2, 0.05, 2, "-"),
        "Temp": (23, 2, 0.2, 1, "degC"),
        "TSS": (38, 10, 3, 1, "mg/L"),
        "COD": (14, 4, 1, 1, "mg/L"),
        "NH4": (0.5, 0.2, 0.04, 2, "mg/L"),
        "TP": (0.3, 0.1, 0.02, 2, "mg/L"),
    },
}
"""Mean, daily swing, noise, decimals and unit of each parameter."""

SMALLEST = 0.01
LARGEST = {"RH": 98.5, "pH": 9.0}
SYMBOLS_OF_PM25 = ("PM2,5", "PM2,5", "PM2,5", "PM25", "PM2.5")

SLOT_FAULTS = frozenset(
    {FaultKind.MISSING_SLOT, FaultKind.EMPTY_FILE, FaultKind.LATE, FaultKind.DUPLICATE_FILE, FaultKind.UNKNOWN_CODE}
)
AIR_FAULTS = frozenset({FaultKind.WRONG_UNIT, FaultKind.UNKNOWN_UNIT, FaultKind.WRONG_ENCODING})


@dataclass(frozen=True)
class Line:
    """One reading as its logger writes it; `decimals` and `factor` belong to `unit` as sent."""

    parameter_code: str
    symbol: str
    value: float
    decimals: int
    unit: str
    factor: int
    measured_at: datetime
    status_code: str

    @property
    def text(self) -> str:
        """The line without its ending."""
        return f"{self.symbol}\t{self.value:.{self.decimals}f}\t{self.unit}\t{self.measured_at:%Y%m%d%H%M%S}\t{self.status_code}"


@dataclass(frozen=True)
class Slot:
    """What one station measured at one time."""

    station: Station
    number: int
    measured_at: datetime
    lines: tuple[Line, ...]


def emit_readings(city: City, day: date, seed: int, profile: FaultProfile, folder: Path) -> Emission:
    """Write the day's files into a folder that the caller has made."""
    slots = [slot for station in city.stations for slot in _slots(city, station, day, seed)]
    stream = chance(seed, "readings/faults")
    dealt = deal_faults(profile, READINGS, slots, _can_have, stream)
    books = Books(READINGS)
    rows: list[tuple[object, ...]] = []
    late: dict[int, Slot] = {}
    for index in sorted(index for index, fault in dealt.items() if fault == FaultKind.LATE):
        target = next(later for later in range(index + stream.randint(12, 60), len(slots)) if later not in dealt | late)
        late[target] = slots[index]
    writer = _Writer(folder, books, rows, stream)
    for index, slot in enumerate(slots):
        fault = dealt.get(index)
        if fault == FaultKind.STUCK_SENSOR:
            start = slot.lines[0]
            last = min(slot.number + STUCK_SLOTS, SLOTS) - slot.number
            for later in range(index, index + last):
                first = replace(slots[later].lines[0], value=start.value, status_code="00")
                slots[later] = replace(slots[later], lines=(first, *slots[later].lines[1:]))
            object_id, where = f"{slot.station.station_id}/{start.parameter_code}", in_utc(slot.measured_at)
            books.note(fault, object_id, where, _name(slot), outcome="accepted", records=last)
            fault = None
        writer.write(slots[index], fault, late.get(index))  # noqa: PLR1736  # the line above changed the slot

    return Emission(books, {"readings": rows})


@dataclass(frozen=True)
class _Writer:
    """Writes the file of a slot, with its fault, and counts what it wrote."""

    folder: Path
    books: Books
    rows: list[tuple[object, ...]]
    stream: Random

    def write(self, slot: Slot, fault: FaultKind | None, late: Slot | None) -> None:
        name, where = _name(slot), in_utc(slot.measured_at)
        if fault in SLOT_FAULTS:
            self._write_slot_fault(slot, fault)
            return
        lines = [*slot.lines, *(late.lines if late else ())]
        if late is not None:
            object_id, measured_at = late.station.station_id, in_utc(late.measured_at)
            self.books.note(FaultKind.LATE, object_id, measured_at, name, outcome="accepted", records=len(late.lines))
        texts = [line.text.encode() for line in lines]
        if fault is None:
            self._accept(slot.station, lines)
        else:
            position = self._position(slot, fault)
            texts = self._spoil(texts, slot, position, fault)
            outcome = "duplicate" if fault == FaultKind.DUPLICATE else "quarantined"
            is_added = fault in (FaultKind.DUPLICATE, FaultKind.CONFLICT)
            self._accept(slot.station, [line for place, line in enumerate(lines) if place != position or is_added])
            if fault == FaultKind.DUPLICATE:
                self.books.repeat()
            else:
                self.books.quarantine(fault)
            object_id = f"{slot.station.station_id}/{lines[position].parameter_code}"
            self.books.note(fault, object_id, where, name, outcome=outcome)
        self._save(name, slot.station, texts, is_cut=fault == FaultKind.TRUNCATED)

    def _write_slot_fault(self, slot: Slot, fault: FaultKind) -> None:
        name, where = _name(slot), in_utc(slot.measured_at)
        station, texts = slot.station, [line.text.encode() for line in slot.lines]
        if fault == FaultKind.LATE:
            return
        if fault in (FaultKind.MISSING_SLOT, FaultKind.EMPTY_FILE):
            if fault == FaultKind.EMPTY_FILE:
                self.books.deliver()
                (self.folder / name).write_bytes(b"")
            self.books.note(fault, station.station_id, where, name, outcome="missing", records=0)
        elif fault == FaultKind.UNKNOWN_CODE:
            stranger = replace(slot, station=replace(station, station_id=f"49{station.station_id[2:]}"))
            self._save(_name(stranger), station, texts)
            self.books.quarantine(fault, len(texts))
            object_id, name = stranger.station.station_id, _name(stranger)
            self.books.note(fault, object_id, where, name, outcome="quarantined", records=len(texts))
        else:
            again = _name(replace(slot, measured_at=slot.measured_at + timedelta(seconds=30)))
            self._save(name, station, texts)
            self._save(again, station, texts)
            self._accept(station, list(slot.lines))
            self.books.repeat(len(texts))
            self.books.note(fault, station.station_id, where, again, outcome="duplicate", records=len(texts))

    def _position(self, slot: Slot, fault: FaultKind) -> int:
        if fault == FaultKind.TRUNCATED:
            return len(slot.lines) - 1
        if fault in AIR_FAULTS:
            return next(place for place, line in enumerate(slot.lines) if line.parameter_code == "PM10")
        return self.stream.randrange(len(slot.lines))

    def _spoil(self, texts: list[bytes], slot: Slot, position: int, fault: FaultKind) -> list[bytes]:
        line, text = slot.lines[position], texts[position]
        match fault:
            case FaultKind.DUPLICATE:
                return [*texts, text]
            case FaultKind.CONFLICT:
                other = replace(line, value=line.value + 1)
                return [*texts, other.text.encode()]
            case FaultKind.MALFORMED:
                text = text.rsplit(b"\t", 1)[0]
            case FaultKind.TRUNCATED:
                text = b"\t".join(text.split(b"\t")[:2])
            case FaultKind.WRONG_ENCODING:
                text = replace(line, unit=MICRO_SIGN).text.encode("latin-1")
            case FaultKind.WRONG_UNIT:
                text = replace(line, unit="mg/m3").text.encode()
            case FaultKind.UNKNOWN_UNIT:
                text = replace(line, unit="ppb").text.encode()
            case FaultKind.OUT_OF_RANGE:
                text = replace(line, value=-line.value - 1).text.encode()
            case FaultKind.UNKNOWN_PARAMETER:
                text = replace(line, symbol="XX9").text.encode()
            case FaultKind.FUTURE_TIME:
                text = replace(line, measured_at=line.measured_at + FUTURE).text.encode()
        return [*texts[:position], text, *texts[position + 1 :]]

    def _accept(self, station: Station, lines: list[Line]) -> None:
        self.books.accept(len(lines))
        for line in lines:
            value = float(f"{line.value:.{line.decimals}f}")
            key = (station.station_id, line.parameter_code, in_utc(line.measured_at))
            self.rows.append((*key, value, line.unit, line.status_code, value * line.factor))

    def _save(self, name: str, station: Station, texts: list[bytes], *, is_cut: bool = False) -> None:
        ending = b"\n" if station.station_id == "46_KK04" else b"\r\n"
        mark = b"\xef\xbb\xbf" if station.station_id == "46_KK05" else b""
        content = mark + ending.join(texts) + (b"" if is_cut else ending)
        (self.folder / name).write_bytes(content)
        self.books.deliver()


def _can_have(slot: Slot, fault: FaultKind) -> bool:
    if fault in AIR_FAULTS:
        return slot.station.kind == "air" and slot.lines[0].value > 5 and slot.lines[0].unit != "mg/m3"
    if fault in (FaultKind.LATE, FaultKind.STUCK_SENSOR):
        return 12 < slot.number < SLOTS - 100
    if fault == FaultKind.DUPLICATE_FILE:
        return slot.number < SLOTS - 1
    return True


def _slots(city: City, station: Station, day: date, seed: int) -> Iterator[Slot]:
    stream = chance(seed, f"readings/{station.station_id}")
    order = city.stations.index(station)
    levels = LEVELS[station.kind]
    drift = dict.fromkeys(levels, 0.0)
    scale = stream.uniform(0.75, 1.35) if station.kind == "air" else stream.uniform(0.9, 1.1)
    calibration = stream.randrange(SLOTS)
    for number in range(SLOTS):
        measured_at = midnight(day) + number * SLOT
        status = "01" if calibration <= number < calibration + 3 else "02" if stream.random() < 0.003 else "00"
        lines = []
        for parameter, (mean, swing, noise, decimals, unit) in levels.items():
            drift[parameter] = 0.9 * drift[parameter] + stream.gauss(0, noise)
            level = mean + swing * sin(2 * pi * (number - 90 - 7 * order) / SLOTS)
            value = level * (scale if unit == "ug/m3" else 1) + drift[parameter]
            value = min(max(value, SMALLEST), LARGEST.get(parameter, inf))
            line = Line(parameter, parameter, value, decimals, unit, 1, measured_at, status)
            lines.append(_as_logged(line, order))
        yield Slot(station, number, measured_at, tuple(lines))


def _as_logged(line: Line, order: int) -> Line:
    """Return a line as the logger of the station with this index writes it."""
    if line.parameter_code == "PM2.5":
        line = replace(line, symbol=SYMBOLS_OF_PM25[order % len(SYMBOLS_OF_PM25)])
    if order == 6 and line.parameter_code == "CO":
        return replace(line, value=line.value / 1000, decimals=3, unit="mg/m3", factor=1000)
    if line.unit == "ug/m3" and order in (7, 8):
        return replace(line, unit=MICRO_SIGN if order == 7 else GREEK_MU)
    return line


def _name(slot: Slot) -> str:
    return f"{slot.station.station_id}_{slot.measured_at:%Y%m%d%H%M%S}.txt"
