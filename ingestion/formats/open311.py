"""Open311 GeoReport v2 service requests: a JSON array, one JSON object a line, or an XML document.

The standard knows the first and the last; exports of many requests come one a line. Which of them a delivery is, its
first character tells. A piece is one request, in JSON the exact text of it. An array that ends in the middle (a line
that broke) gives all its complete requests, and one unreadable piece for the rest. What the province added to the
standard stands in the object `ext`. Numbers may come as numbers or as text; a key that stands twice counts once, the
first time. XML is read without DTD and entities.
"""

import json
from collections.abc import Iterator, Mapping
from typing import BinaryIO

import duckdb
import polars as pl
from defusedxml.ElementTree import fromstring

from core.contract import Contract
from ingestion.formats import base
from ingestion.formats.base import Envelope, Pieces, Reading
from ingestion.formats.documents import BROKEN_XML, array_pieces, read_document, xml_pieces
from ingestion.formats.lines import IS_BLANK, as_unreadable, empty_as_null, set_aside, split_lines, without_mark
from ingestion.formats.members import member_shapes

EXTENSION_KEYS = {
    "commune_code": "ma_xa",
    "agency_code": "ma_co_quan",
    "flow_code": "luong",
    "channel_code": "kenh",
    "satisfaction_rating": "hai_long",
}
"""Columns that stand in the object `ext`, and their keys there."""

KNOWN = ("ext", "service_notice", "address_id", "zipcode", "media_url")
"""Members of a request that are no columns, and no surprise."""

ROOT = "service_requests"
UPDATED, REQUESTED = "updated_datetime", "requested_datetime"
IS_XML = pl.col("_raw").str.starts_with("<")


class Open311:
    """Service requests as JSON array, JSON lines or XML."""

    def split(self, content: BinaryIO, envelope: Envelope) -> Iterator[Pieces]:  # noqa: ARG002
        """Cut an answer into requests; raise DeliveryError for XML that cannot be read, or a document too large."""
        beginning = without_mark(content.read(base.BLOCK_BYTES))
        first = beginning.lstrip()[:1]
        if first == b"[":
            yield array_pieces(read_document(content, beginning))
        elif first == b"<":
            yield xml_pieces(read_document(content, beginning), ROOT)
        else:
            yield from split_lines(content, beginning)

    def read(self, pieces: pl.DataFrame, contract: Contract, envelopes: Mapping[int, Envelope]) -> Reading:  # noqa: ARG002
        """Read requests; `version_at` is the time of the last update, or of the request where there was none."""
        is_object = pl.col("_raw").str.strip_chars_start().str.starts_with("{")
        readable, unreadable, skipped = set_aside(
            pieces,
            {"blank_line": IS_BLANK},
            {"not_a_request": ~(is_object | IS_XML), "nul_byte": pl.col("_raw").str.contains("\\u0000", literal=True)},
        )
        wire = {c.name: c.wire_name for c in contract.columns if c.name not in (*EXTENSION_KEYS, contract.version)}
        keys = [*dict.fromkeys([*wire.values(), UPDATED, REQUESTED])]
        parsed = pl.concat([_read_json(readable.filter(~IS_XML), keys), _read_xml(readable.filter(IS_XML), keys)])
        is_read = pl.col("request").is_not_null()
        reason = pl.when(IS_XML).then(pl.lit("not_xml")).otherwise(pl.lit("not_json")).alias("reason")
        fields = pl.col("request").struct
        extension = fields.field("ext").struct
        texts = {name: fields.field(key) for name, key in wire.items()}
        texts |= {name: extension.field(key) for name, key in EXTENSION_KEYS.items()}
        filled = {name: empty_as_null(text) for name, text in texts.items()}
        if contract.version is not None:
            filled[contract.version] = pl.coalesce(empty_as_null(fields.field(key)) for key in (UPDATED, REQUESTED))
        records = parsed.filter(is_read).select(
            "_delivery",
            "_position",
            "_raw",
            pl.lit(1, dtype=pl.Int64).alias("_record_count"),
            *(filled[name].alias(name) for name in contract.column_names),
        )
        broken = as_unreadable(parsed.filter(~is_read).with_columns(reason))
        shapes = member_shapes(readable, wire | EXTENSION_KEYS, KNOWN)
        return Reading(records, pl.concat([unreadable, broken]), skipped, shapes)


def _read_json(pieces: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """Add the column `request`: a struct of texts, null where the text is no JSON."""
    extension = dict.fromkeys(EXTENSION_KEYS.values(), "VARCHAR")
    structure = json.dumps({**dict.fromkeys(keys, "VARCHAR"), "ext": extension})
    if pieces.is_empty():
        return pieces.with_columns(pl.lit(None, dtype=_request_type(keys)).alias("request"))
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.register("pieces", pieces.select("_raw"))
        query = "select try(json_transform(_raw, $structure)) as request from pieces"
        return pieces.with_columns(connection.execute(query, {"structure": structure}).pl())


def _read_xml(pieces: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    requests = [_request_of(raw, keys) for raw in pieces["_raw"]]
    return pieces.with_columns(pl.Series("request", requests, dtype=_request_type(keys)))


def _request_of(raw: str, keys: list[str]) -> dict[str, object] | None:
    try:
        element = fromstring(raw, forbid_dtd=True)
    except BROKEN_XML:
        return None
    if element.tag != "request":
        return None
    extension = {key: element.findtext(f"ext/{key}") for key in EXTENSION_KEYS.values()}
    return {**{key: element.findtext(key) for key in keys}, "ext": extension}


def _request_type(keys: list[str]) -> pl.Struct:
    extension = pl.Struct(dict.fromkeys(EXTENSION_KEYS.values(), pl.String()))
    return pl.Struct({**dict.fromkeys(keys, pl.String()), "ext": extension})
