"""Lines of separated fields, as `table/` reads them below a header.

A line is one row: a quoted field may hold separators and quotes, but no newline, since otherwise a row with a lost quote would
swallow the rows after it.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import polars as pl

from core.errors import DeliveryError
from ingestion.formats import base
from ingestion.formats.base import Pieces, Reading, Shape
from ingestion.formats.lines import as_unreadable, empty_as_null, gather, set_aside, split_lines

SEPARATORS = ",;\t"
QUOTED = r'"[^"]*+(?:""[^"]*+)*+"'
WELL_QUOTED = {
    separator: re.compile(rf'(?:{QUOTED}|[^"{separator}]*+)(?:{separator}(?:{QUOTED}|[^"{separator}]*+))*+')
    for separator in SEPARATORS
}
"""By separator, a line whose fields are each quoted whole or without any quote."""

LINE = pl.col("_raw").str.strip_chars_start("\ufeff")
"""A line without the byte order mark of a file that was appended to another."""


@dataclass(frozen=True)
class Header:
    """The first row of a file: the separator, the number of columns, the place of each contract column, and the other names."""

    text: str
    separator: str
    width: int
    places: dict[str, int]
    shape: Shape


def split_whole(content: BinaryIO, beginning: bytes | None = None) -> Iterator[Pieces]:
    """Cut a file into lines, all of them one block; `beginning` is what the caller has already read to recognise it.

    Raises DeliveryError above DOCUMENT_BYTES_LIMIT.
    """
    blocks = gather(split_lines(content, beginning))
    for block in blocks:
        if next(blocks, None) is not None:
            raise DeliveryError(
                f"delivery: expected a file of up to {base.DOCUMENT_BYTES_LIMIT} bytes, got a larger one; "
                "split it and repeat the header",
                reason="document_too_large",
            )
        yield block


def require_columns(header: str, separator: str, feed: str, delivery: int) -> None:
    """Raise DeliveryError if a header names more than COLUMNS_LIMIT columns."""
    count = header.count(separator) + 1
    if count > base.COLUMNS_LIMIT:
        raise DeliveryError(
            f"{feed}: expected up to {base.COLUMNS_LIMIT} columns, got {count}; check whether the file is whole",
            reason="too_many_columns",
            delivery=delivery,
            columns=count,
        )


def read_rows(lines: pl.DataFrame, header: Header, names: Sequence[str]) -> Reading:
    """Read the columns `names` of lines with the same header, of all deliveries: lines without quotes at once, the others one by one."""
    rows, _, skipped = set_aside(
        lines.with_columns(pl.lit(None, dtype=pl.String).alias("_problem")),
        {"header": LINE.str.strip_chars().str.to_lowercase().eq(header.text.strip().lower())},
        {},
    )
    has_quotes = LINE.str.contains('"', literal=True)
    plain, quoted = rows.filter(~has_quotes), rows.filter(has_quotes)
    parsed = [_fields_up_to(header, text) for text in quoted.select(LINE)["_raw"]]
    is_wide = (
        LINE.str.count_matches(header.separator, literal=True) >= header.width
    )  # and not worth a field for each sign
    split = pl.concat(
        [
            plain.filter(~is_wide).with_columns(LINE.str.split(header.separator).alias("fields")),
            plain.filter(is_wide).with_columns(pl.lit([], dtype=pl.List(pl.String)).alias("fields")),
            quoted.with_columns(pl.Series("fields", parsed, dtype=pl.List(pl.String))),
        ]
    ).sort("_delivery", "_position")
    reason = (
        pl.when(pl.col("fields").is_null())
        .then(pl.lit("broken_quotes"))
        .when(pl.col("fields").list.len() != header.width)
        .then(pl.lit("wrong_column_count"))
    )
    marked = split.with_columns(reason.alias("reason"))
    return Reading(
        marked.filter(pl.col("reason").is_null()).select(
            "_delivery",
            "_position",
            "_raw",
            pl.lit(1, dtype=pl.Int64).alias("_record_count"),
            *(_field(header, name).alias(name) for name in names),
        ),
        as_unreadable(marked.filter(pl.col("reason").is_not_null())),
        skipped,
    )


def _fields_up_to(header: Header, line: str) -> list[str] | None:
    """Split a line with quotes; an empty list if it has more fields than the header, None if its quotes are broken."""
    found = fields_of(line, header.separator)
    return [] if found is not None and len(found) > header.width else found


def _field(header: Header, name: str) -> pl.Expr:
    if name not in header.places:
        return pl.lit(None, dtype=pl.String)
    return empty_as_null(pl.col("fields").list.get(header.places[name]))


def fields_of(line: str, separator: str) -> list[str] | None:
    """Split a line with quotes; return None if a quote is inside a bare field (RFC 4180), or is never closed."""
    if WELL_QUOTED[separator].fullmatch(line) is None:
        return None
    try:
        return next(csv.reader([line], delimiter=separator, strict=True), None)
    except csv.Error:
        return None
