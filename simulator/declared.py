"""The day of a feed without an emitter of its own: true records made from its contract, faults dealt to them, and the counts.

Each object of the contract's register has a record in each slot of the day, its values drawn within the declared limits, enums and
reference lists. So a new feed is simulated at no cost. Where behaviour is the point (vessels, claims) an emitter is written by hand.

A file holds one slot of all objects; a feed that is fetched over HTTP is one book, which the city's server serves.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from re import fullmatch
from urllib.parse import urlsplit

import polars as pl

from core.column_types import TYPES
from core.contract import ISO, TABLE, Column, Contract, c_pattern, read_contracts
from core.errors import ConfigurationError
from core.reference import Reference
from core.table_forms import Container
from simulator.chance import chance
from simulator.faults import DEMO_COUNTS, NO_FAULTS, FaultKind, FaultProfile, deal_faults
from simulator.local_time import in_utc, midnight
from simulator.truth import TIME, Books, Emission
from simulator.writer import write_table

Value = str | int | float | Decimal | date | datetime | bool | None

BOOK, ENTRY = "book.json", "record"
RECORDS_LIMIT = 2_000
"""A day with more records is made with fewer objects."""

PLACES = ("latitude", "longitude")
"""Drawn between the outermost centres of the city's communes, to five decimals, so that they lie on its maps."""

UNREGISTERED = 5
"""How many objects a feed without a register has."""

FAULTS: Mapping[FaultKind, int] = {
    FaultKind.MISSING_SLOT: 3,
    FaultKind.DUPLICATE: 3,
    FaultKind.MALFORMED: 2,
    FaultKind.MISSING_VALUE: 2,
    FaultKind.OUT_OF_RANGE: 2,
    FaultKind.UNKNOWN_CODE: 2,
}
"""The default faults of a day, as far as the feed can have them."""


@dataclass(frozen=True)
class Item:
    """One true record: its object and slot, and its values by column."""

    object_id: str
    slot: datetime
    values: Mapping[str, Value]


def declared_contracts(contracts: Mapping[str, Contract]) -> list[Contract]:
    """Return the contracts whose day is made from them alone: declared feeds without an emitter of their own."""
    return [contract for feed, contract in contracts.items() if contract.format == TABLE and feed not in DEMO_COUNTS]


def declared_urls(address: str) -> dict[str, str]:
    """Return where the city's server at this address, a URL of any of its paths, serves each declared feed that comes by HTTP, by table."""
    city = urlsplit(address)
    contracts = declared_contracts(read_contracts())
    return {each.table: f"{city.scheme}://{city.netloc}/{each.table}" for each in contracts if each.connector == "http"}


def emit_declared(contract: Contract, day: date, seed: int, profile: FaultProfile, folder: Path) -> Emission:
    """Write the day's files into a folder that the caller has made."""
    items = list(_items(contract, day, chance(seed, contract.feed)))
    stream = chance(seed, f"{contract.feed}/faults")
    faults = _faults(profile, contract, items)
    dealt = deal_faults(faults, contract.feed, items, lambda item, fault: _can_have(contract, item, fault), stream)
    books, accepted = Books(contract.feed), []
    slots: dict[datetime, list[bytes | Mapping[str, str | None]]] = {}
    for index, item in enumerate(items):
        fault = dealt.get(index)
        name = file_name(contract, item.slot)
        if fault == FaultKind.MISSING_SLOT:
            books.note(fault, item.object_id, in_utc(item.slot), name, outcome="missing", records=0)
            continue
        slot = slots.setdefault(item.slot, [])
        slot.append(_sent(contract, item, fault))
        if fault in (None, FaultKind.DUPLICATE):
            accepted.append(item)
            books.accept()
        if fault == FaultKind.DUPLICATE:
            slot.append(_sent(contract, item, None))
            books.repeat()
            books.note(fault, item.object_id, in_utc(item.slot), name, outcome="duplicate")
        elif fault is not None:
            books.quarantine(fault)
            books.note(fault, item.object_id, in_utc(item.slot), name, outcome="quarantined")
    if contract.connector == "http":
        _write_book(contract, slots, folder)
    else:
        for start, sent in slots.items():
            (folder / file_name(contract, start)).write_bytes(_file(contract, sent))
            books.deliver()
    return Emission(books, {}, {contract.table: _frame(contract, accepted)})


def _write_book(
    contract: Contract, slots: Mapping[datetime, Sequence[bytes | Mapping[str, str | None]]], folder: Path
) -> None:
    """Write the entries that the city's server serves for a feed, each with the time from which it is visible."""
    seen_after = contract.cadence / 4
    entries = [
        {"changed_at": (start + seen_after).isoformat(), "visible_at": (start + seen_after).isoformat(), ENTRY: record}
        for start, sent in slots.items()
        for record in sent
    ]
    (folder / BOOK).write_text(json.dumps(entries, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")


def file_name(contract: Contract, slot: datetime) -> str:
    """Return the name of the file of a slot."""
    return f"{contract.table}_{slot:%Y%m%d_%H%M%S}.{contract.forms[0].container}"


def _items(contract: Contract, day: date, stream: Random) -> Iterator[Item]:
    """Yield a record for each object and slot of the day, the slots in their order."""
    objects = _objects(contract)
    slots = max(int(timedelta(days=1) / contract.cadence), 1)
    kept = objects[: max(RECORDS_LIMIT // slots, 1)]
    draw = _Draw(contract, Reference(), stream)
    for number in range(slots):
        slot = midnight(day) + number * contract.cadence
        for place, object_id in enumerate(kept):
            item = Item(object_id, slot, {})
            yield replace(item, values=draw.values_of(item, number * len(kept) + place))


def _objects(contract: Contract) -> list[str]:
    if contract.expected_objects:
        return sorted(str(value) for value in Reference().values_of(contract.expected_objects) if value is not None)
    return [f"{contract.table.upper()}-{number:03}" for number in range(1, UNREGISTERED + 1)]


@dataclass(frozen=True)
class _Draw:
    """Draws values that a contract allows."""

    contract: Contract
    reference: Reference
    stream: Random

    def values_of(self, item: Item, count: int) -> dict[str, Value]:
        """Return the values of the record of an item; `count` numbers the records of the day."""
        return {column.name: self._value(column, item, count) for column in self.contract.columns}

    def _value(self, column: Column, item: Item, count: int) -> Value:
        if column.name in self.contract.forms[0].derived:
            self._require_no_sql(column)
            return None
        at = item.slot + self.contract.cadence / 4
        if column.timestamp_format not in (None, ISO) and "HH" not in str(column.timestamp_format):
            at = at.replace(hour=0, minute=0, second=0)
        fixed: dict[str, Value] = {"TIMESTAMPTZ": at.replace(microsecond=0), "DATE": at.date()}
        if column.name == self.contract.object_column:
            return item.object_id
        if column.physical_type in fixed:
            return fixed[column.physical_type]
        if column.physical_type == "BOOLEAN":
            return self.stream.random() < 0.5
        choices = column.allowed or (self._codes(column.reference) if column.reference else ())
        if choices:
            return self.stream.choice(choices)
        return _text(self.contract, column, count) if column.physical_type == "VARCHAR" else self._number(column)

    def _require_no_sql(self, column: Column) -> None:
        """Raise ConfigurationError for a column that the first form makes by SQL; one that it does not have is left out."""
        made = self.contract.forms[0].derived[column.name]
        if made != "null":
            raise ConfigurationError(
                f"{self.contract.feed}: expected {column.name} in a column of its own, got the SQL {made}; write an emitter for the feed"
            )

    def _codes(self, target: str) -> list[str]:
        return sorted(str(value) for value in self.reference.values_of(target) if value is not None)

    def _number(self, column: Column) -> int | float:
        if column.name in PLACES:
            centres = self.reference.values_of(f"communes.{column.name}").to_list()
            return round(self.stream.uniform(min(centres), max(centres)), 5)
        low = float(column.minimum) if column.minimum is not None else 0.0
        high = float(column.maximum) if column.maximum is not None else low + 100.0
        drawn = self.stream.uniform(low, min(high, low + 1_000))
        return int(drawn) if column.physical_type in ("INTEGER", "BIGINT") else round(drawn, 2)


def _text(contract: Contract, column: Column, count: int) -> str | None:
    text = f"{column.name.upper()}-{count:06}" if column.is_key else f"{column.label_vi} {count}"
    if column.pattern is None or fullmatch(column.pattern.removeprefix("^").removesuffix("$"), text):
        return text
    if column.is_required:
        raise ConfigurationError(
            f"{contract.feed}: expected a reference list or an enum for {column.name}, got the pattern {column.pattern} alone; "
            "write an emitter for the feed"
        )
    return None


def _faults(profile: FaultProfile, contract: Contract, items: Sequence[Item]) -> FaultProfile:
    """Choose the default faults, as far as the feed can have them, unless the day has none or names its own."""
    if profile == NO_FAULTS or profile.of(contract.feed):
        return profile
    wanted = {fault for _, fault, _ in profile.counts}
    able = [fault for fault in FAULTS if fault in wanted and any(_can_have(contract, item, fault) for item in items)]
    return FaultProfile(tuple((contract.feed, fault, min(FAULTS[fault], len(items) // 10)) for fault in able))


def _can_have(contract: Contract, item: Item, fault: FaultKind) -> bool:
    match fault:
        case FaultKind.MISSING_SLOT | FaultKind.DUPLICATE:
            return True
        case FaultKind.MALFORMED:
            return contract.forms[0].container is Container.CSV and contract.connector != "http"
        case FaultKind.MISSING_VALUE:
            return _to_empty(contract) is not None
        case FaultKind.OUT_OF_RANGE:
            return _limited(contract) is not None
        case FaultKind.UNKNOWN_CODE:
            return _coded(contract) is not None and item.values[str(_coded(contract))] is not None
        case _:
            return False


def _to_empty(contract: Contract) -> str | None:
    return next(
        (c.name for c in contract.columns if c.is_required and not c.is_key and c.name != contract.event_time), None
    )


def _limited(contract: Contract) -> str | None:
    return next((column.name for column in contract.columns if column.maximum is not None), None)


def _coded(contract: Contract) -> str | None:
    return next((column.name for column in contract.columns if column.reference and column.pattern is None), None)


def _sent(contract: Contract, item: Item, fault: FaultKind | None) -> bytes | Mapping[str, str | None]:
    """Return one record as the texts of its columns, or the line it became if it is malformed."""
    values = dict(item.values)
    if fault == FaultKind.MISSING_VALUE:
        values[str(_to_empty(contract))] = None
    elif fault == FaultKind.OUT_OF_RANGE:
        column = contract.column(str(_limited(contract)))
        values[column.name] = int(column.maximum or 0) + 1_000
    elif fault == FaultKind.UNKNOWN_CODE:
        values[str(_coded(contract))] = "???"
    texts = {column.name: _as_text(column, values[column.name]) for column in contract.columns}
    if fault == FaultKind.MALFORMED:
        return write_table(contract, [texts]).splitlines()[1].rpartition(b",")[0]
    return texts


def _as_text(column: Column, value: Value) -> str | None:
    if isinstance(value, datetime):
        return _time_text(column, value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


def _time_text(column: Column, moment: datetime) -> str:
    if column.timestamp_format in (None, ISO):
        return moment.isoformat()
    local = moment if column.timestamp_zone != "UTC" else in_utc(moment)
    return local.strftime(c_pattern(column.timestamp_format or ""))


def _file(contract: Contract, sent: Iterable[bytes | Mapping[str, str | None]]) -> bytes:
    """Write the records of a file, damaged lines at its end."""
    entries = list(sent)
    whole = [entry for entry in entries if not isinstance(entry, bytes)]
    lines = [entry + b"\r\n" for entry in entries if isinstance(entry, bytes)]
    return write_table(contract, whole) + b"".join(lines)


def _frame(contract: Contract, accepted: Sequence[Item]) -> pl.DataFrame:
    """Return the true rows in the contract's types."""
    schema = {column.name: TYPES[column.physical_type] for column in contract.columns}
    times = [name for name, kind in schema.items() if kind == TIME]
    rows = [
        replace(
            item,
            values={
                **item.values,
                **{name: in_utc(value) for name in times if isinstance(value := item.values[name], datetime)},
            },
        )
        for item in accepted
    ]
    return pl.DataFrame([tuple(item.values[name] for name in schema) for item in rows], schema=schema, orient="row")
