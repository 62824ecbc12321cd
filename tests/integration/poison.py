"""The nastiest values that a contract accepts, worked out from the contract.

Each column of a feed takes each of its nasty values in turn, in a record that is otherwise a golden one. Rules across columns would refuse
many of them, so each value is tried in three surroundings: the golden record, the same without what shares a rule with the column,
and a record of nothing but what is required. Last, all columns of a type take their nasty values together. Which of these records a
contract accepts is not for this module to say: the contract's own checks do.
"""

import io
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import reduce
from zoneinfo import ZoneInfo

import polars as pl

from core.contract import Column, Contract, c_pattern
from core.reference import Reference
from ingestion.formats.base import Envelope, join_pieces
from ingestion.formats.registry import find_format, split_delivery
from tests.golden_samples import golden_sample

RECEIVED = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
"""When the records are received; no golden one is from later, and a clock may be five minutes ahead."""

OTHER_KINDS: dict[str, dict[str, str | None]] = {
    "health.disease_cases": {
        "record_kind": "count",
        "measure_code": "MAC",
        "onset_at": None,
        "reported_at": None,
        "event_at": "2026-11-15T17:00:00+00:00",
        "period": "2026W46",
        "period_kind": "week",
        "period_start": "2026-11-09",
        "period_end": "2026-11-15",
        "person_count": "7",
        "age_years": None,
        "sex_code": None,
        "classification_code": None,
        "outcome_code": None,
    }
}
"""What makes a record of another kind of a feed's first golden one, where the golden delivery has one kind only."""

TEXTS = (
    "   \u200b   ",
    "'",
    '"); drop table lake.bronze.health__claims; --',
    "' or 1=1 --",
    "first\r\nsecond\tthird",
    "\\0 \\u0000 \\x00 %00",
    "👩‍👩‍👧‍👦🏴‍☠️",
    "\u202eright to left\u202c \u200f",
    "e\u0301\u0302\ufffd\ufeff",
    "x" * 10_000,
    "{}",
    "[",
    '{"a": [1',
    "null",
    "nan",
    "-inf",
    "-0",
    "1e309",
    "99999999999999999999",
    "0001-01-01",
    "20261399000000",
    "a|b/c:d;e,f/",
    "{{ 1 / 0 }} {% raw %}",
)
"""A real NUL is not among them, though checks let it pass: DuckLake 1.0 writes it into the condition by which it chooses files, and its
catalog then refuses any query that joins by the column. No model can mend that; it has to be refused before bronze."""

INSTANTS = (
    "-262143-01-01T00:00:00Z",
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00Z",
    "1582-10-10T00:00:00Z",
    "1906-06-30T23:59:30Z",
    "1970-01-01T00:00:00Z",
    "1980-01-06T00:00:00Z",
    "2024-02-29T23:59:60Z",
    (RECEIVED + timedelta(minutes=5)).isoformat(),
    "9999-12-31T23:59:59-12:00",
    "+262142-12-31T23:59:59Z",
)
DATES = ("-99999-1-1", *(instant[:10] for instant in INSTANTS[1:-1]), "+99999-1-1")
LOCAL_TIMES = tuple(instant[:19] for instant in INSTANTS[1:-1])
NUMBERS = {
    "INTEGER": ("-2147483648", "-1", "-0", "0", "1", "2147483647"),
    "BIGINT": ("-9223372036854775808", "-1", "0", "1", "9223372036854775807"),
    "DOUBLE": (
        "-1.7976931348623157e308",
        "-5e-324",
        "-0.0",
        "0",
        "5e-324",
        "1e18",
        "1e300",
        "1.7976931348623157e308",
        "1e309",
        "nan",
    ),
    "DECIMAL(18,2)": ("-9999999999999999.99", "0", "0.01", "9999999999999999.99"),
    "BOOLEAN": ("true", "false"),
}
KINDS = (
    ("VARCHAR",),
    ("DATE", "TIMESTAMPTZ"),
    ("TIMESTAMPTZ",),
    ("INTEGER", "BIGINT"),
    ("DOUBLE",),
    ("DECIMAL(18,2)",),
    ("BOOLEAN",),
)
"""Types whose columns take their nasty values together."""

STRANGE_DIGITS = ("0", "9", "٩", "９")
"""What `\\d` of a pattern accepts as a digit and a cast may not."""


SPANS = {"traffic.flows": ("started_at", "ended_at", timedelta(minutes=5))}
"""Feeds whose records tell of a span of a fixed length, which begins at a multiple of it: its begin, its end, and the length."""


@dataclass(frozen=True)
class Poison:
    """Records as a format would return them, and the columns whose values each of them tries, by position."""

    records: pl.DataFrame
    tried: dict[int, tuple[str, ...]]


def poisoned(contract: Contract, reference: Reference) -> Poison:
    """Return the records that try every nasty value of a feed, each twice, so that sums of two overflow where one does not."""
    golden = _golden_records(contract)
    rows: list[dict[str, str | None]] = []
    tried: dict[int, tuple[str, ...]] = {}
    known = set()
    for number, (names, record) in enumerate(_records(contract, golden, reference)):
        if (identity := tuple(record.values())) in known:
            continue
        known.add(identity)
        for twin in range(2):
            rows.append(_told_apart(record, contract, reference, names, number, twin))
            tried[len(rows)] = names
    wire = pl.DataFrame(rows, schema=dict.fromkeys(contract.column_names, pl.String))
    return Poison(_as_read(wire), tried)


def whole_hours(contract: Contract, hours: Iterable[str]) -> pl.DataFrame:
    """Return readings of every five minutes of some local hours, each value the least or the greatest that is accepted."""
    limits = {"PM2.5": "1000", "PM10": "0", "CO": "150000", "O3": "5e-324"}
    rows = [
        {
            "station_id": "46_KK01",
            "parameter_code": parameter,
            "measured_at": f"{hour}:{5 * slot:02}:00".translate(str.maketrans("", "", "-T:")),
            "value": value,
            "unit": "ug/m3",
            "status_code": "00",
        }
        for hour in hours
        for slot in range(12)
        for parameter, value in limits.items()
    ]
    return _as_read(pl.DataFrame(rows, schema=dict.fromkeys(contract.column_names, pl.String)))


def nasty_values(column: Column, sample: str | None, reference: Reference) -> tuple[str, ...]:
    """Return the values worth trying in a column; not all of them need be accepted. `sample` is a good value of it."""
    if column.allowed:
        return column.allowed
    if column.reference is not None:
        values = sorted(reference.values_of(column.reference).cast(pl.String))
        return (values[0], values[-1])
    if column.physical_type == "VARCHAR":
        return TEXTS if column.pattern is None else tuple(_like(sample or ""))
    if column.physical_type == "DATE":
        return DATES
    if column.physical_type == "TIMESTAMPTZ":
        return (
            INSTANTS if column.timestamp_format in (None, "iso8601") else tuple(_cut(column, at) for at in LOCAL_TIMES)
        )
    bounds = (f"{bound:g}" for bound in (column.minimum, column.maximum) if bound is not None)
    return tuple(dict.fromkeys((*NUMBERS[column.physical_type], *bounds)))


def _like(sample: str) -> Iterator[str]:
    """Yield texts of the same form whose digits mean something else: no time, no month, a day that the year does not have."""
    for digit in STRANGE_DIGITS:
        yield re.sub(r"\d", digit, sample)
        yield re.sub(r"\d", digit, sample[:2]).join(("", re.sub(r"\d", digit, sample[2:])))
        yield re.sub(r"(?<=\d\d)\d", digit, sample)
    for instant in (
        "00000000000000",
        "00010101000000",
        "20260229000000",
        "20261399000000",
        "20261120246060",
        "99991231235959",
    ):
        yield re.sub(r"\d{14}", instant, sample)
        yield re.sub(r"\d{14}", instant, sample, count=1)
    yield sample.replace("-", "−")


def _as_read(wire: pl.DataFrame) -> pl.DataFrame:
    """Add to the columns of the wire those that a format adds to each record."""
    return wire.select(
        pl.lit(1, pl.UInt32).alias("_delivery"),
        pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("_position"),
        pl.lit("").alias("_raw"),
        pl.lit(1, pl.Int64).alias("_record_count"),
        *wire.columns,
    )


def _records(
    contract: Contract, golden: list[dict[str, str | None]], reference: Reference
) -> Iterator[tuple[tuple[str, ...], dict[str, str | None]]]:
    """Yield what is tried and the record that tries it, for each nasty value in each of its surroundings."""
    samples = {
        column.name: next((record[column.name] for record in golden if record[column.name]), None)
        for column in contract.columns
    }
    required = {column.name for column in contract.columns if column.is_required}
    values = {column.name: nasty_values(column, samples[column.name], reference) for column in contract.columns}
    for record in golden:
        for column in contract.columns:
            sharing = {
                other
                for rule in contract.rules
                if _names(column.name, rule.expression)
                for other in contract.column_names
                if other != column.name and other not in required and _names(other, rule.expression)
            }
            for value in values[column.name]:
                yield (column.name,), {**record, column.name: value}
                yield (column.name,), {**record, **dict.fromkeys(sharing), column.name: value}
                yield (
                    (column.name,),
                    {name: text if name in required else None for name, text in record.items()} | {column.name: value},
                )
        for kind in KINDS:
            alike = [column.name for column in contract.columns if column.physical_type in kind]
            if not alike:
                continue
            for turn in range(max(len(values[name]) for name in alike)):
                together = {name: values[name][turn % len(values[name])] for name in alike}
                yield tuple(alike), {**record, **together}


def _told_apart(
    record: dict[str, str | None],
    contract: Contract,
    reference: Reference,
    tried: tuple[str, ...],
    number: int,
    twin: int,
) -> dict[str, str | None]:
    """Let each record have a key and objects of its own; the value being tried stays."""
    looked_up = {lookup for rule in contract.rules for lookup in rule.lookups}
    free = {column.name for column in contract.columns if column.is_key and _is_free_text(column)}
    apart = dict(record)
    for column in contract.columns:
        sample = apart[column.name]
        if column.name in tried and not (column.name in free and len(tried) > 1):
            continue
        if column.name in free:
            apart[column.name] = f"{contract.domain} {number} {twin}"
        elif column.is_key and column.reference and column.reference.partition(".")[0] not in looked_up:
            values = sorted(reference.values_of(column.reference).cast(pl.String))
            apart[column.name] = values[number % len(values)]
        elif not free and column.name in (*contract.key, contract.version) and column.physical_type == "TIMESTAMPTZ":
            step = int(SPANS[contract.feed][2].total_seconds()) if contract.feed in SPANS else 1
            apart[column.name] = _shifted(sample or RECEIVED.isoformat(), column, step * (2 * number + twin))
        elif column.is_key and column.name == "school_year":
            apart[column.name] = f"20{number // 60 % 100:02}-20{number // 60 % 100 + 1:02}"
    if contract.feed in SPANS:
        begin, end, length = SPANS[contract.feed]
        if begin in tried or end not in tried:
            with suppress(ValueError, OverflowError):
                apart[end] = (datetime.fromisoformat(str(apart[begin])) + length).isoformat()
    return apart


def _is_free_text(column: Column) -> bool:
    return column.physical_type == "VARCHAR" and not (column.allowed or column.pattern or column.reference)


def _names(column: str, expression: str) -> bool:
    return re.search(rf"\b{column}\b", expression) is not None


def _shifted(sample: str, column: Column, seconds: int) -> str:
    if column.timestamp_format in (None, "iso8601"):
        return (datetime.fromisoformat(sample) - timedelta(seconds=seconds)).isoformat()
    at = datetime.strptime(sample, c_pattern(column.timestamp_format or ""))  # noqa: DTZ007
    return _written(column, at - timedelta(seconds=seconds))


def _cut(column: Column, at: str) -> str:
    """Write local time, ISO 8601, as the column's own pattern has it."""
    parts = {"yyyy": at[:4], "MM": at[5:7], "dd": at[8:10], "HH": at[11:13], "mm": at[14:16], "ss": at[17:19]}
    return reduce(lambda text, part: text.replace(*part), parts.items(), column.timestamp_format or "")


def _written(column: Column, at: datetime) -> str:
    return _cut(column, at.strftime("%Y-%m-%dT%H:%M:%S"))


def _golden_records(contract: Contract) -> list[dict[str, str | None]]:
    """Return the records of the feed's golden delivery, as text of the wire."""
    name, content, _ = golden_sample(contract.feed)
    wire, envelope = find_format(contract), Envelope(name)
    blocks = [(1, pieces) for pieces in split_delivery(contract, io.BytesIO(content), envelope)]
    records = wire.read(join_pieces(blocks), contract, {1: envelope}).records
    golden = [
        {column.name: _text(row.get(column.name), column) for column in contract.columns}
        for row in records.iter_rows(named=True)
    ]
    event_time = contract.column(contract.event_time)
    golden = [{**record, event_time.name: _recent(record[event_time.name], event_time)} for record in golden]
    other = OTHER_KINDS.get(contract.feed)
    return [*golden, {**golden[0], **other}] if other else golden


def _recent(text: str | None, column: Column) -> str | None:
    """Move an event of years ago, as in the sample of a standard, to the day before, where the marts look at it."""
    if text is None or text[:4] >= "2026":
        return text
    return _text(RECEIVED - timedelta(days=1), column)


def _text(value: object, column: Column) -> str | None:
    if isinstance(value, datetime):
        at = value if value.tzinfo else value.replace(tzinfo=UTC)
        if column.timestamp_format in (None, "iso8601"):
            return at.isoformat()
        return _written(column, at.astimezone(ZoneInfo(column.timestamp_zone or "UTC")))
    if isinstance(value, bool):
        return str(value).lower()
    return None if value is None else str(value)
