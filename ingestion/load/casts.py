"""Text of the wire to the contract's types, column by column. What cannot be cast becomes null, and is then quarantined.

Text is put into Unicode NFC, its spaces collapsed: two spellings of one name must not become two names. Numbers must be finite.
A timestamp is read by the contract's own format and zone, never guessed; a date is ISO 8601. A second of 60 is no time: the parser would
roll it into the next minute, where it contradicts what was measured then.
"""

import polars as pl

from core.column_types import TYPES
from core.contract import ISO, Column, c_pattern
from core.errors import ContractError

EXACT_NUMBER = r"^-?\d{1,16}(?:\.\d{1,2}0*)?$"
"""Money as it may stand on the wire: what has more digits than the column is refused, not rounded."""

GROUPED = r"^-?[1-9]\d{0,2}(?:\.\d{3})+$"
"""`50.000` is fifty thousand where a point stands at every three digits, and fifty elsewhere: a whole amount or number written so is
refused, unless the contract declares its marks."""

WHOLE_NUMBER = r"^\+?(-?\d+)(?:\.0*)?$"
EXACT_BELOW = 2**53
"""A whole number in digits is read digit for digit; one written otherwise (1e3) is a float, and is exact below this."""

UNTIDY = r"\x00|[\s\u00a0]{2}|[^\S ]|\u00a0|^ | $|[\u0300-\u036f\u1100-\u11ff\u2126\u212a\u212b]"
"""Finds text that `tidy` could change: space to collapse, combining marks, signs with another canonical form, or a NUL."""

SECOND_60 = r":\s*60"
"""Stands in a timestamp of ISO 8601 only where its second is 60: a minute of 60 is refused by the parser."""

NUL = "\0"
"""No text: the catalog's PostgreSQL cannot hold it, and refuses every query that compares by a column where one stands."""


def cast(value: pl.Expr, column: Column, wire_type: pl.DataType, *, is_tidy: bool) -> pl.Expr:
    """Cast a column of text, or of a type near its own, to its contract's type; null where that cannot be done.

    `is_tidy` tells that no value matches UNTIDY: most columns of most batches, and tidying is the dearest cast of all.
    """
    kind = TYPES.get(column.physical_type)
    if kind is None:
        raise ContractError(
            f"{column.name}: physicalType one of {', '.join(TYPES)} was promised, {column.physical_type} came"
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
    """Tell whether each run of digits in a text is a date that the calendar has, in the column's format, and there is one."""
    dates = text.str.extract_all(r"\d+")
    are_real = dates.list.eval(_local_time(pl.element(), column.timestamp_format or "").is_not_null())
    return (dates.list.len() > 0) & are_real.list.all()


def _local_time(text: pl.Expr, promised: str) -> pl.Expr:
    whole = pl.when(text.str.len_chars() == len(promised)).then(text)
    if "ss" in promised:
        whole = pl.when(whole.str.slice(promised.index("ss"), 2) != "60").then(whole)
    if "HH" in promised:
        return whole.str.to_datetime(c_pattern(promised), time_unit="us", strict=False)
    return whole.str.to_date(c_pattern(promised), strict=False).cast(pl.Datetime("us"))
