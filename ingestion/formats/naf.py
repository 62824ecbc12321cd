"""Position messages of fishing vessels in the North Atlantic Format (NAF), one message a line.

    //SR//TM/POS//FS/VNM//RC/XVAB1//NA/QNA 90123 TS//DA/20261120//TI/0200//LT/+16.123//LG/+108.345//SP/65//CO/123//ER//

Fields come in any order between SR and ER; of a repeated field the first counts. DA and TI are the time of the fix in
UTC. A position is decimal degrees (LT, LG) or degrees and minutes (LA, LO). SP is knots times ten. A malformed number
stays as it came, so that the cast to the contract's type reports it. A message of a type without a position stays a record:
the contract's enum says which types count. A position is as exact as it is written: its step is recorded with it. Fields without a
column of their own are kept as JSON in `other_fields`.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import BinaryIO, NamedTuple

import polars as pl

from core.contract import Contract
from ingestion.formats.base import UNREADABLE_SCHEMA, Envelope, Pieces, Reading
from ingestion.formats.lines import FORMAT_ERROR, IS_BLANK, set_aside, split_lines

START, END = "//SR//", "//ER//"
NUMBER = re.compile(r"[+-]?(\d{1,9}\.?\d{0,12}|\.\d{1,12})", re.ASCII)
DEGREE_MINUTE = re.compile(r"([NSEW])(\d{2,3})([0-5]\d)", re.ASCII)
DATE_AND_TIME = re.compile(r"\d{8} \d{4}", re.ASCII)
MISSING_MANDATORY = 1
"""Error group 1: a mandatory field is missing."""


class Message(NamedTuple):
    """One message in the columns of the wire; numbers are still text."""

    vessel_id: str | None
    fixed_at: str
    message_type_code: str | None
    latitude: str | None
    longitude: str | None
    position_step_degrees: str | None
    speed_knots: str | None
    course_degrees: str | None
    vessel_name: str | None
    call_sign: str | None
    external_registration: str | None
    internal_reference: str | None
    flag_code: str | None
    other_fields: str | None


COLUMN_KEYS = frozenset({"TM", "DA", "TI", "LT", "LG", "LA", "LO", "SP", "CO", "NA", "RC", "XR", "IR", "FS"})


class Unreadable(NamedTuple):
    """Why a message has no time."""

    reason: str
    error_group: int


class Naf:
    """Lines of `//KEY/value` fields."""

    def split(self, content: BinaryIO, envelope: Envelope) -> Iterator[Pieces]:  # noqa: ARG002
        """Cut a file into lines."""
        yield from split_lines(content)

    def read(self, pieces: pl.DataFrame, contract: Contract, envelopes: Mapping[int, Envelope]) -> Reading:  # noqa: ARG002
        """Read messages; one without DA or TI is unreadable in error group 1, one with an impossible time in group 4."""
        text = pl.col("_raw").str.strip_chars()
        lines, unreadable, skipped = set_aside(
            pieces,
            {"blank_line": IS_BLANK},
            {
                "no_start_of_record": ~text.str.starts_with(START),
                "no_end_of_record": ~text.str.ends_with(END),
                "several_messages": text.str.count_matches(START, literal=True) > 1,
            },
        )
        messages = [_read_message(raw) for raw in lines["_raw"]]
        is_message = pl.Series([isinstance(message, Message) for message in messages], dtype=pl.Boolean)
        rows = [message for message in messages if isinstance(message, Message)]
        failures = [message for message in messages if isinstance(message, Unreadable)]
        records = lines.filter(is_message).with_columns(
            pl.lit(1, dtype=pl.Int64).alias("_record_count"),
            *(
                pl.Series(name, [message[index] for message in rows], dtype=pl.String)
                for index, name in enumerate(Message._fields)
            ),
        )
        without_time = lines.filter(~is_message).with_columns(
            pl.Series("reason", [failure.reason for failure in failures], dtype=pl.String),
            pl.Series("error_group", [failure.error_group for failure in failures], dtype=pl.Int32),
        )
        return Reading(records, pl.concat([unreadable, without_time.select(UNREADABLE_SCHEMA.keys())]), skipped)


def _read_message(raw: str) -> Message | Unreadable:
    fields = _fields_of(raw)
    fixed_at = _time_of(fields)
    if isinstance(fixed_at, Unreadable):
        return fixed_at
    others = {key: value for key, value in fields.items() if key not in COLUMN_KEYS}
    flag = fields.get("FS")
    return Message(
        vessel_id=fields.get("XR") or fields.get("IR") or fields.get("RC"),
        fixed_at=fixed_at,
        message_type_code=fields.get("TM"),
        latitude=_number(fields.get("LT")) or _degrees(fields.get("LA")),
        longitude=_number(fields.get("LG")) or _degrees(fields.get("LO")),
        position_step_degrees=_step(fields),
        speed_knots=_number(fields.get("SP"), lambda tenths: tenths / 10),
        course_degrees=_number(fields.get("CO")),
        vessel_name=fields.get("NA"),
        call_sign=fields.get("RC"),
        external_registration=fields.get("XR"),
        internal_reference=fields.get("IR"),
        flag_code=None if flag == "X" else flag,
        other_fields=json.dumps(others, ensure_ascii=False) if others else None,
    )


def _fields_of(raw: str) -> dict[str, str | None]:
    """Return the fields between SR and ER by key, the first of each; an empty value is null (`//LT///LG/12.214//`)."""
    body = raw.strip().removeprefix(START).removesuffix(END)
    fields: dict[str, str | None] = {}
    for part in body.split("//"):
        key, _, value = part.lstrip("/").partition("/")
        if key:
            fields.setdefault(key, value or None)
    return fields


def _time_of(fields: dict[str, str | None]) -> str | Unreadable:
    date, time = fields.get("DA"), fields.get("TI")
    if date is None or time is None:
        return Unreadable("missing_date_or_time", MISSING_MANDATORY)
    if DATE_AND_TIME.fullmatch(f"{date} {time}"):
        try:
            datetime(int(date[:4]), int(date[4:6]), int(date[6:]), int(time[:2]), int(time[2:]), tzinfo=UTC)
        except ValueError:
            return Unreadable("bad_date_or_time", FORMAT_ERROR)
        return f"{date[:4]}-{date[4:6]}-{date[6:]}T{time[:2]}:{time[2:]}:00Z"
    return Unreadable("bad_date_or_time", FORMAT_ERROR)


def _number(text: str | None, convert: Callable[[float], float] = lambda number: number) -> str | None:
    return str(convert(float(text))) if text is not None and NUMBER.fullmatch(text) else text


def _degrees(text: str | None) -> str | None:
    """Convert degrees and minutes (`N4533`, `W04411`) to decimal degrees, south and west negative."""
    match = DEGREE_MINUTE.fullmatch(text) if text is not None else None
    if match is None:
        return text
    hemisphere, degrees, minutes = match.groups()
    return str((int(degrees) + int(minutes) / 60) * (-1 if hemisphere in "SW" else 1))


def _step(fields: Mapping[str, str | None]) -> str | None:
    """Return the step in degrees in which a position is written: the finer of both, because some devices cut trailing zeros."""
    steps = [
        10.0 ** -len(text.partition(".")[2])
        for text in (fields.get("LT"), fields.get("LG"))
        if text is not None and NUMBER.fullmatch(text)
    ]
    steps += [
        1 / 60 for text in (fields.get("LA"), fields.get("LO")) if text is not None and DEGREE_MINUTE.fullmatch(text)
    ]
    return f"{min(steps):.12f}" if steps else None
