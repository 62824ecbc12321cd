"""From text on the wire to the contract's types, column by column. What cannot be cast becomes null, and is then quarantined.

Text is normalised to Unicode NFC and its spaces are collapsed: two spellings of one name must not become two names. Numbers must be
finite. A timestamp is read in the contract's own format and zone, never guessed; a date is ISO 8601. A second of 60 is not accepted: the
parser would roll it into the next minute, where it contradicts what was measured then.
"""

import polars as pl

from core.column_types import TYPES
from core.contract import ISO, Column, c_pattern
from core.errors import ContractError

EXACT_NUMBER = r"^-?\d{1,16}(?:\.\d{1,2}0*)?$"
"""Money as it may be written: a number with more digits than the column is refused, not rounded."""

GROUPED = r"^-?[1-9]\d{0,2}(?:\.\d{3})+$"
"""`50.000` is fifty thousand where a point groups every three digits, and fifty elsewhere: a whole amount or number written so is
refused, unless the contract declares its marks."""

WHOLE_NUMBER = r"^\+?(-?\d+)(?:\.0*)?$"
EXACT_BELOW = 2**53
"""A whole number in digits is read exactly; one written otherwise (1e3) is a float, and is exact below this."""

UNTIDY = r"\x00|[\s\u00a0]{2}|[^\S ]|\u00a0|^ | $|[\u0300-\u036f\u1100-\u11ff\u2126\u212a\u212b]"
"""Finds text that `tidy` could change: space to collapse, combining marks, signs with another canonical form, or a NUL."""

SECOND_60 = r":\s*60"
"""Occurs in an ISO 8601 timestamp only if its second is 60: a minute of 60 is refused by the parser."""

NUL = "\0"
"""Not allowed in text: the catalog's PostgreSQL cannot store it, and rejects every query that filters on a column with one."""


def cast(value: pl.Expr, column: Column, wire_type: pl.DataType, *, is_tidy: bool) -> pl.Expr:
    """Cast a column of text, or of a related type, to its contract's type; null where that is not possible.

    `is_tidy` says that no value matches UNTIDY: true of most columns of most batches, and tidying is the most expensive cast of all.
    """
    kind = TYPES.get(column.physical_type)
    if kind is None:
        raise ContractError(
            f"{column.name}: expected physicalType one of {', '.join(TYPES)}, got {column.physical_type}; correct the contract"
        )
    if kind == pl.String():
        return value.cast(pl.String) if is_tidy else _tidied(value.cast(pl.String))
    if wire_type == kind and kind != pl.Float64():
        return value
    if wire_type != pl.String() and not wire_type.is_numeric():
        return value.cast(kind, strict=False)
    text = value.cast(pl.String).str.strip_chars()
    if kind == pl.Datetime("us", "UTC"):
        return _timestamp(text, column)
    if kind == pl.Date():
        return pl.when(text.str.len_chars() == 10).then(text).str.to_date("%Y-%m-%d", strict=False)
    if isinstance(kind, pl.Decimal):
        is_exact = text.str.contains(EXACT_NUMBER) & ~text.str.contains(GROUPED)
        return pl.when(is_exact).then(text).cast(kind, strict=False)
    if kind == pl.Boolean():
        return pl.when(text.is_in(["true", "false"])).then(text == "true")
    number = text.cast(pl.Float64, strict=False)
    if kind == pl.Float64():
        return pl.when(number.is_finite()).then(number)
    if kind.is_integer():
        digits = pl.when(~text.str.contains(GROUPED)).then(text.str.extract(WHOLE_NUMBER))
        is_exact = (number == number.round()) & (number.abs() < EXACT_BELOW)
        return (
            pl.when(digits.is_not_null())
            .then(digits.cast(kind, strict=False))
            .otherwise(pl.when(is_exact & ~text.str.contains(GROUPED)).then(number).cast(kind, strict=False))
        )
    return text.cast(kind, strict=False)


def _tidied(text: pl.Expr) -> pl.Expr:
    whole = pl.when(~text.str.contains(NUL, literal=True)).then(text)
    return whole.str.normalize("NFC").str.replace_all(r"[\s\u00a0]+", " ").str.strip_chars(" ")


def _timestamp(text: pl.Expr, column: Column) -> pl.Expr:
    if column.timestamp_format in (None, ISO):
        true_time = pl.when(~text.str.contains(SECOND_60)).then(text)
        return true_time.str.to_datetime("%+", time_unit="us", time_zone="UTC", strict=False)
    local = _local_time(text, column.timestamp_format or "")
    zone = column.timestamp_zone or "UTC"
    return local.dt.replace_time_zone(zone, ambiguous="null", non_existent="null").dt.convert_time_zone("UTC")


def dates_in_text(text: pl.Expr, column: Column) -> pl.Expr:
    """Whether every run of digits in a text is a valid date in the column's format, and there is at least one."""
    dates = text.str.extract_all(r"\d+")
    are_real = dates.list.eval(_local_time(pl.element(), column.timestamp_format or "").is_not_null())
    return (dates.list.len() > 0) & are_real.list.all()


def _local_time(text: pl.Expr, pattern: str) -> pl.Expr:
    whole = pl.when(text.str.len_chars() == len(pattern)).then(text)
    if "ss" in pattern:
        whole = pl.when(whole.str.slice(pattern.index("ss"), 2) != "60").then(whole)
    if "HH" in pattern:
        return whole.str.to_datetime(c_pattern(pattern), time_unit="us", strict=False)
    return whole.str.to_date(c_pattern(pattern), strict=False).cast(pl.Datetime("us"))
