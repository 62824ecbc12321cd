"""XML: the elements at the declared path, without DTD and entities; names without their namespaces.

A piece is one whole element. A column's path goes from child to child; `@name` is an attribute, of any namespace, `.` its own text.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, BinaryIO
from xml.etree.ElementTree import Element

import polars as pl
from defusedxml.ElementTree import fromstring

from core.contract import Contract
from core.table_forms import Form
from ingestion.formats.base import Pieces, Reading
from ingestion.formats.documents import BROKEN_XML, BROWSERS_SENTENCE, local_name, read_document, xml_pieces
from ingestion.formats.html_text import plain_text
from ingestion.formats.lines import set_aside
from ingestion.formats.members import member_shapes
from ingestion.formats.table.columns import part_by_reason, read_columns
from ingestion.formats.table.paths import Structure, structure_of, type_of

ELEMENT = r"^<(?:[^\s<>/:]+:)?([^\s<>/:]+)"
"""The name of an element at the beginning of its text, without its namespace."""

Texts = Mapping[str, Any]
"""What was read of an element, by name: a text, the texts of a child, or a list of them."""


def split_xml(content: BinaryIO, beginning: bytes, forms: Sequence[Form]) -> Iterator[Pieces]:
    """Cut a document into its records; raise DeliveryError for broken XML, a DTD, another root, or too many elements."""
    yield xml_pieces(read_document(content, beginning), *(form.records for form in forms))


def read_xml(pieces: pl.DataFrame, form: Form, contract: Contract) -> Reading:
    """Read elements into records."""
    name = pl.col("_raw").str.extract(ELEMENT)
    readable, unreadable, skipped = set_aside(
        pieces,
        {
            "browsers_sentence": pl.col("_raw") == BROWSERS_SENTENCE.decode(),
            "beside_the_records": name.is_in(form.known).fill_null(value=False),
        },
        {f"not_a_{form.item}": name.ne_missing(form.records[-1])},
    )
    structure = structure_of(form.paths)
    records = [_record_of(raw, structure, form.html) for raw in readable["_raw"]]
    held = readable.with_columns(pl.Series("record", records, dtype=type_of(structure)))
    read = held.hstack(read_columns(held.select("record"), "record", form, contract))
    marked = read.with_columns(
        pl.when(~pl.col("is_read")).then(pl.lit("not_xml")).otherwise(pl.col("refused")).alias("reason")
    )
    kept, broken, passed = part_by_reason(marked, form, contract)
    shapes = member_shapes(readable, form.columns, (*form.known, *structure))
    return Reading(kept, pl.concat([unreadable, broken]), pl.concat([skipped, passed]), shapes)


def _record_of(raw: str, structure: Structure, html: Collection[str]) -> Texts | None:
    try:
        texts = _texts(fromstring(raw, forbid_dtd=True), structure)
    except BROKEN_XML:
        return None
    return {name: _plain(value) if name in html else value for name, value in texts.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    return plain_text(value) if isinstance(value, str) else value


def _texts(element: Element, structure: Structure) -> Texts:
    return {name: _value(element, name, entry) for name, entry in structure.items()}


def _value(element: Element, name: str, entry: Any) -> Any:
    if name.startswith("@"):
        return next((text for key, text in element.attrib.items() if key.rpartition("}")[2] == name[1:]), None)
    found = [child for child in element if local_name(child) == name]
    if isinstance(entry, list):
        return [_read(child, entry[0]) for child in found]
    return _read(found[0], entry) if found else None


def _read(element: Element, entry: Any) -> Any:
    return _texts(element, entry) if isinstance(entry, dict) else element.text or ""
