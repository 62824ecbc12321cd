"""The protocol of every wire format.

A format works in two steps so that thousands of small files cost little more than one large file:

1. `split` cuts the bytes of one delivery into *pieces*, the smallest units that delimit themselves (a line, a JSON
  object, an XML record, an NMEA sentence). It yields blocks; a block is never cut again, so that pieces which belong
  together (the fragments of a message, a header and its rows) are in one block. A block is plain lists: a polars
  frame costs 60 microseconds, a list for a file of ten lines 5.
2. `join_pieces` puts the blocks of many deliveries into one frame, and `read` turns it into records column by column.

Nothing is lost: for each delivery, pieces cut = pieces in records + unreadable + skipped. `load` checks it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, groupby
from typing import BinaryIO, Protocol

import polars as pl

from core.contract import Contract
from core.errors import DeliveryError

PIECES_SCHEMA = {"_delivery": pl.UInt32, "_position": pl.Int64, "_raw": pl.String, "_problem": pl.String}
UNREADABLE_SCHEMA = {
    "_delivery": pl.UInt32,
    "_position": pl.Int64,
    "_raw": pl.String,
    "reason": pl.String,
    "error_group": pl.Int32,
}
SKIPPED_SCHEMA = {"_delivery": pl.UInt32, "reason": pl.String, "pieces": pl.Int64}

BLOCK_BYTES = 32 * 1024 * 1024
"""How many bytes of a line-based delivery are cut at a time: it bounds the memory of a load."""

BLOCK_PIECES = 1_000_000
"""How many lines are cut at a time at most: an empty line has no bytes and costs hundreds of them in memory."""

PIECES_LIMIT = 5_000_000
"""A delivery of more pieces is refused whole: the largest that agencies send have one or two million records."""

COLUMNS_LIMIT = 2_000
"""A record with more columns is refused, and the whole delivery if its header has more: the widest table of a feed has some sixty."""

PIECE_BYTES_LIMIT = 8 * 1024 * 1024
"""Of a longer piece, in bytes, the beginning is quarantined; the whole of it stays in landing."""

DOCUMENT_BYTES_LIMIT = 256 * 1024 * 1024
"""A document that must be read whole (a JSON array, an XML tree) is refused above this size, in bytes."""


@dataclass(frozen=True)
class Envelope:
    """What is known about a delivery beside its bytes: the name the source gave it."""

    source_name: str


@dataclass(frozen=True, slots=True)
class Pieces:
    """A block of pieces of one delivery, in their order: a list if they are few, a series if they are many.

    The position of `raws[index]` is `first_position + index`; positions count from 1 over the whole delivery.
    `problems` names, by index, the few pieces whose bytes are already known to be unreadable.
    """

    first_position: int
    raws: list[str] | pl.Series
    problems: Mapping[int, str] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """The amount of text in the block, in characters or bytes: a measure of memory that is cheap for lists and series."""
        return sum(map(len, self.raws)) if isinstance(self.raws, list) else int(self.raws.str.len_bytes().sum())


@dataclass(frozen=True)
class Shape:
    """The columns that one delivery named, in forms that name them: in a header row, or as members of each object.

    `unknown` are names that neither the contract nor the form declares; `absent` are optional columns that the header lacks.
    `members` is set by forms without a header: for each column of the contract, the name of the member that a record must hold.
    """

    unknown: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    members: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reading:
    """The records of one or more deliveries, and the pieces that did not become records.

    `records` holds `_delivery`, `_position` (of its first piece), `_raw` (its pieces joined by a newline),
    `_record_count` (Int64, how many pieces it is made of) and the columns of the wire, under the names of the contract's columns.
    A column is text as it came (it is cast to the contract's type later, and what cannot be cast is quarantined) or already
    of the contract's type.
    `unreadable` follows UNREADABLE_SCHEMA, one row a piece; `skipped` follows SKIPPED_SCHEMA, counts by reason.
    `shapes` holds by delivery the names of its columns; it is empty for forms whose columns have no names on the wire.
    """

    records: pl.DataFrame
    unreadable: pl.DataFrame
    skipped: pl.DataFrame
    shapes: Mapping[int, Shape] = field(default_factory=dict)


class Format(Protocol):
    """A wire format. Formats are stateless; everything they need comes with the call."""

    def split(self, content: BinaryIO, envelope: Envelope) -> Iterator[Pieces]:
        """Cut one delivery into blocks of pieces; a delivery without bytes has none.

        A piece longer than PIECE_BYTES_LIMIT is cut off, with the problem "piece_too_long"; bytes that are not UTF-8 are
        backslash-escaped, with the problem "not_utf8". Raises DeliveryError if the bytes cannot be cut at all (a file
        name of the wrong form, UTF-16, an XML attack, a document or a number of pieces above the limit).
        """
        ...

    def read(self, pieces: pl.DataFrame, contract: Contract, envelopes: Mapping[int, Envelope]) -> Reading:
        """Read pieces (PIECES_SCHEMA, from `join_pieces`, of one or more deliveries, blocks whole) into records.

        Raises DeliveryError, with the number of the delivery as value `delivery`, if one delivery breaks a rule
        that only the contract states (a missing column); the caller reads the others again without it.
        """
        ...


def require_pieces(count: int) -> None:
    """Raise DeliveryError if a delivery has more than PIECES_LIMIT pieces."""
    if count > PIECES_LIMIT:
        raise DeliveryError(
            f"delivery: expected up to {PIECES_LIMIT} pieces (lines, records), got more; check whether the file is the right one, or send "
            "it in parts",
            reason="too_many_pieces",
            limit=PIECES_LIMIT,
        )


def join_pieces(blocks: Sequence[tuple[int, Pieces]]) -> pl.DataFrame:
    """Join blocks, each with the number of its delivery, into one frame that follows PIECES_SCHEMA."""
    lengths = [len(pieces.raws) for _, pieces in blocks]
    firsts = [pieces.first_position for _, pieces in blocks]
    spans = pl.DataFrame(
        {"_delivery": [number for number, _ in blocks], "first": firsts, "length": lengths},
        schema={"_delivery": pl.UInt32, "first": pl.Int64, "length": pl.Int64},
    )
    frame = (
        spans.filter(pl.col("length") > 0)
        .select("_delivery", pl.int_ranges("first", pl.col("first") + pl.col("length")).alias("_position"))
        .explode("_position")
        .with_columns(
            join_raws([pieces.raws for _, pieces in blocks]),
            pl.lit(None, dtype=pl.String).alias("_problem"),
        )
    )
    offset, rows, names = 0, [], []
    for (_, pieces), length in zip(blocks, lengths, strict=True):
        for index, name in pieces.problems.items():
            rows.append(offset + index)
            names.append(name)
        offset += length
    return frame.with_columns(frame["_problem"].scatter(rows, names)) if rows else frame


def join_raws(parts: Iterable[list[str] | pl.Series]) -> pl.Series:
    """Join the texts of several blocks into one series `_raw`; consecutive lists become one chunk of it."""
    series = [pl.Series("_raw", [], dtype=pl.String)]
    for is_series, group in groupby(parts, key=lambda part: isinstance(part, pl.Series)):
        if is_series:
            series += [pl.Series("_raw", part) for part in group]
        else:
            series.append(pl.Series("_raw", list(chain.from_iterable(group)), dtype=pl.String))
    return pl.concat(series)


def join_readings(readings: Sequence[Reading]) -> Reading:
    """Join readings of the same columns into one; at least one is needed."""
    return Reading(
        pl.concat([reading.records for reading in readings]),
        pl.concat([reading.unreadable for reading in readings]),
        pl.concat([reading.skipped for reading in readings]),
        {number: shape for reading in readings for number, shape in reading.shapes.items()},
    )


def empty_reading(columns: Iterable[str]) -> Reading:
    """Return a reading without rows, its columns of the wire as text."""
    return Reading(empty_records(columns), empty_unreadable(), empty_skipped())


def empty_records(columns: Iterable[str]) -> pl.DataFrame:
    """Return records without rows, the columns of the wire as text."""
    own = {"_delivery": pl.UInt32, "_position": pl.Int64, "_raw": pl.String, "_record_count": pl.Int64}
    return pl.DataFrame(schema={**own, **dict.fromkeys(columns, pl.String)})


def empty_unreadable() -> pl.DataFrame:
    """Return an unreadable frame without rows."""
    return pl.DataFrame(schema=UNREADABLE_SCHEMA)


def empty_skipped() -> pl.DataFrame:
    """Return a skipped frame without rows."""
    return pl.DataFrame(schema=SKIPPED_SCHEMA)
