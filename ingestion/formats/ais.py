"""AIS messages: six-bit payloads, decoded with pyais, into the columns of the wire.

Standard ITU-R M.1371-5. The standard's own values for "not available" become null, and so does a field for which the payload is
too short. Positions are taken from the messages that carry their sender's own, base stations among them; weather and
area messages, whose positions belong to somebody else, stay records without one. Messages are decoded one by one (pyais);
everything else is done by column.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any

import polars as pl
from pyais.bit_vector import bit_vector
from pyais.exceptions import AISBaseException
from pyais.messages import MSG_CLASS

ARMOUR = re.compile(r"[0-W`-w]+")
"""The 64 characters that carry six bits each."""

HEAD_BITS = 38
"""Type, repeat indicator and MMSI, with which every message begins."""

TYPES_OF_SENDER = frozenset({1, 2, 3, 4, 5, 9, 11, 18, 19, 21, 24, 27})
"""Types that carry the sender's own position, motion or name; of all others only type and MMSI are taken."""

AIRCRAFT, LONG_RANGE = 9, 27
"""Types that give speed in whole knots (and type 27 the course in whole degrees), with other values for "not available"."""

HEAD = ("mmsi", "msg_type")
FIELDS: dict[str, pl.DataType] = {
    "lat": pl.Float64(),
    "lon": pl.Float64(),
    "speed": pl.Float64(),
    "course": pl.Float64(),
    "heading": pl.Int32(),
    "status": pl.Int32(),
    "second": pl.Int32(),
    "shipname": pl.String(),
    "callsign": pl.String(),
    "ship_type": pl.Int32(),
}
"""Field names of pyais, and the types of the decoded values."""

DECODED_SCHEMA: dict[str, pl.DataType] = {"index": pl.Int64(), "mmsi": pl.Int64(), "msg_type": pl.Int32(), **FIELDS}


def decode_messages(payloads: Sequence[tuple[str, int]]) -> pl.DataFrame:
    """Decode payloads, each with its number of fill bits; return `index` (which payload) and the columns of the wire.

    A payload that is not a message has no row: other characters, a type pyais does not know, too short for an MMSI.
    """
    groups: dict[tuple[str, ...], list[tuple[Any, ...]]] = {}
    for index, (payload, fill_bits) in enumerate(payloads):
        if ARMOUR.fullmatch(payload) is None:
            continue
        try:
            bits = bit_vector(payload.encode("ascii"), fill_bits)
            message_type, length = bits.get(0, 6), len(bits)
            if length < HEAD_BITS:
                continue
            message = MSG_CLASS[message_type].from_vector(bits)
        except (AISBaseException, ArithmeticError, LookupError, TypeError, ValueError):
            continue
        names, take = _extraction(message.__class__, message_type, length)
        groups.setdefault(names, []).append((index, *take(message)))
    frames = [_frame(names, rows) for names, rows in groups.items()]
    return _in_wire_columns(pl.concat([pl.DataFrame(schema=DECODED_SCHEMA), *frames], how="diagonal").sort("index"))


@lru_cache(maxsize=4096)
def _extraction(message_class: Any, message_type: int, length: int) -> tuple[tuple[str, ...], Any]:
    """Return the names of a message's fields that fit into its length in bits, and the function that extracts them."""
    fields = message_class.decoder_plan() if message_type in TYPES_OF_SENDER else []
    names = (*HEAD, *(name for name, offset, width, *_ in fields if name in FIELDS and offset + width <= length))
    return names, attrgetter(*names)


def _frame(names: tuple[str, ...], rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    columns = zip(("index", *names), zip(*rows, strict=True), strict=True)
    return pl.DataFrame([pl.Series(name, list(values), dtype=DECODED_SCHEMA[name]) for name, values in columns])


def _in_wire_columns(decoded: pl.DataFrame) -> pl.DataFrame:
    kind = pl.col("msg_type")
    no_speed = pl.when(kind == AIRCRAFT).then(1023.0).when(kind == LONG_RANGE).then(63.0).otherwise(102.3)
    no_course = pl.when(kind == LONG_RANGE).then(511.0).otherwise(360.0)
    return decoded.select(
        "index",
        pl.col("mmsi").cast(pl.String).str.zfill(9),
        kind.alias("message_type"),
        _unless("lat", pl.lit(91.0)).alias("latitude"),
        _unless("lon", pl.lit(181.0)).alias("longitude"),
        _unless("speed", no_speed).alias("speed_knots"),
        _unless("course", no_course).alias("course_degrees"),
        _unless("heading", pl.lit(511)).alias("heading_degrees"),
        pl.col("status").cast(pl.String).alias("navigation_status_code"),
        pl.when(pl.col("second") < 60).then(pl.col("second")),
        _name("shipname").alias("vessel_name"),
        _name("callsign").alias("call_sign"),
        _unless("ship_type", pl.lit(0)).cast(pl.String).alias("ship_type_code"),
    )


def _unless(name: str, not_available: pl.Expr) -> pl.Expr:
    return pl.when(pl.col(name) != not_available).then(pl.col(name))


def _name(name: str) -> pl.Expr:
    """Return the text before the first `@`, which ends it, stripped of spaces; null if nothing is left."""
    text = pl.col(name).str.extract(r"^([^@]*)").str.strip_chars()
    return pl.when(text != "").then(text)
