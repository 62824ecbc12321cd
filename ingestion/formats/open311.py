"""Open311 GeoReport v2 service requests: a JSON array, one JSON object a line, or an XML document.

The standard knows the first and the last; exports of many requests come one a line. Which of them a delivery is, its
first character tells. A piece is one request, in JSON the exact text of it. An array that ends in the middle (a line
that broke) gives all its complete requests, and one unreadable piece for the rest. What the province added to the
standard stands in the object `ext`. Numbers may come as numbers or as text; a key that stands twice counts once, the
first time. XML is read without DTD and entities.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import BinaryIO
from xml.etree.ElementTree import Element, ParseError, tostring

import duckdb
import msgspec
import polars as pl
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from ingestion.contract import Contract
from ingestion.errors import DeliveryError
from ingestion.formats import base
from ingestion.formats.base import Envelope, Pieces, Reading
from ingestion.formats.lines import (
    IS_BLANK,
    as_unreadable,
    cut_piece,
    empty_as_null,
    set_aside,
    split_lines,
    without_mark,
)

EXTENSION_KEYS = {
    "commune_code": "ma_xa",
    "agency_code": "ma_co_quan",
    "flow_code": "luong",
    "channel_code": "kenh",
    "satisfaction_rating": "hai_long",
}
"""Columns that stand in the object `ext`, and their keys there."""

UPDATED, REQUESTED = "updated_datetime", "requested_datetime"
SPACE, COMMA, CLOSING = re.compile(r"\s*"), re.compile(r"\s*,\s*"), re.compile(r"\s*\]")
IS_XML = pl.col("_raw").str.starts_with("<")
BROKEN_XML = (ParseError, DefusedXmlException, ValueError, LookupError, RecursionError)


class Open311:
    """Service requests as JSON array, JSON lines or XML."""

    def split(self, content: BinaryIO, envelope: Envelope) -> Iterator[Pieces]:  # noqa: ARG002
        """Cut an answer into requests; raise DeliveryError for XML that cannot be read, or a document too large."""
        beginning = without_mark(content.read(base.BLOCK_BYTES))
        first = beginning.lstrip()[:1]
        if first == b"[":
            yield _array_pieces(_document(content, beginning))
        elif first == b"<":
            yield _xml_pieces(_document(content, beginning))
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
        keys = [*{*wire.values(), UPDATED, REQUESTED}]
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
        return Reading(records, pl.concat([unreadable, broken]), skipped)


def _document(content: BinaryIO, beginning: bytes) -> bytes:
    parts, size = [beginning], len(beginning)
    while size <= base.DOCUMENT_BYTES_LIMIT and (part := content.read(base.BLOCK_BYTES)):
        parts.append(part)
        size += len(part)
    if size > base.DOCUMENT_BYTES_LIMIT:
        raise DeliveryError(
            f"delivery: a document up to {base.DOCUMENT_BYTES_LIMIT} bytes was promised, a larger one came; "
            "ask for smaller pages or for one object a line",
            reason="document_too_large",
        )
    return b"".join(parts)


def _array_pieces(document: bytes) -> Pieces:
    try:
        elements = [bytes(element) for element in msgspec.json.decode(document, type=list[msgspec.Raw])]
    except (msgspec.DecodeError, RecursionError):
        return _salvaged_pieces(document.decode("utf-8", errors="surrogateescape"))
    return _cut(elements)


def _salvaged_pieces(text: str) -> Pieces:
    elements, end, is_closed = _complete_elements(text)
    pieces = _cut([element.encode("utf-8", errors="surrogateescape") for element in elements])
    rest = text[end:].strip()
    if is_closed and not rest:
        return pieces
    raw, _ = cut_piece(rest.encode("utf-8", errors="surrogateescape"))
    reason = "trailing_text" if is_closed else "truncated"
    return Pieces(1, [*pieces.raws, raw], {**pieces.problems, len(pieces.raws): reason})


def _complete_elements(text: str) -> tuple[list[str], int, bool]:
    """Give the complete elements of a broken array, where the last of them ends, and whether the array is closed."""
    decode = json.JSONDecoder().raw_decode
    elements: list[str] = []
    end = text.index("[") + 1
    while True:
        if closing := CLOSING.match(text, end):
            return elements, closing.end(), True
        separator = (COMMA if elements else SPACE).match(text, end)
        if separator is None:
            return elements, end, False
        try:
            _, stop = decode(text, separator.end())
        except (ValueError, RecursionError):
            return elements, end, False
        elements.append(text[separator.end() : stop])
        end = stop


def _cut(elements: list[bytes]) -> Pieces:
    cut = [cut_piece(element) for element in elements]
    return Pieces(1, [text for text, _ in cut], {i: problem for i, (_, problem) in enumerate(cut) if problem})


def _xml_pieces(document: bytes) -> Pieces:
    try:
        root = fromstring(document, forbid_dtd=True)
        texts = [_xml_text(child).encode() for child in root]
    except BROKEN_XML as error:
        raise DeliveryError(
            f"delivery: XML without DTD and entities was promised, {type(error).__name__} came", reason="not_xml"
        ) from error
    if root.tag != "service_requests":
        raise DeliveryError(
            f"delivery: a root service_requests was promised, {root.tag[:80]} came", reason="not_service_requests"
        )
    return _cut(texts)


def _xml_text(element: Element) -> str:
    element.tail = None
    return tostring(element, encoding="unicode")


def _read_json(pieces: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """Add the column `request`: a struct of texts, null where the text is no JSON."""
    extension = dict.fromkeys(EXTENSION_KEYS.values(), "VARCHAR")
    structure = json.dumps({**dict.fromkeys(keys, "VARCHAR"), "ext": extension})
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
