"""Documents that are read whole: a JSON array, alone or in an object, or an XML tree, cut into their elements.

They are bounded by DOCUMENT_BYTES_LIMIT, since nothing of them can be trusted before their end. XML is read without DTD and
entities (defusedxml). A JSON array that broke off on the line keeps what came complete.
"""

import json
import re
from typing import BinaryIO
from xml.etree.ElementTree import Element, ParseError, tostring

import msgspec
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from ingestion.errors import DeliveryError
from ingestion.formats import base
from ingestion.formats.base import Pieces
from ingestion.formats.lines import cut_piece

SPACE, COMMA, CLOSING = re.compile(r"\s*"), re.compile(r"\s*,\s*"), re.compile(r"\s*\]")
BROKEN_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
BROKEN_XML = (ParseError, DefusedXmlException, ValueError, LookupError, RecursionError)


def read_document(content: BinaryIO, beginning: bytes) -> bytes:
    """Read the rest of a delivery; raise DeliveryError above DOCUMENT_BYTES_LIMIT."""
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


def array_pieces(document: bytes) -> Pieces:
    """Cut a JSON array into the exact texts of its elements.

    An array that is broken gives its complete elements, then one piece for the rest with the problem `truncated`, or
    `trailing_text` where the array was closed before.
    """
    try:
        elements = [bytes(element) for element in msgspec.json.decode(document, type=list[msgspec.Raw])]
    except BROKEN_JSON:
        return _salvaged_pieces(document.decode("utf-8", errors="surrogateescape"))
    return _cut(elements)


def member_pieces(document: bytes, member: str) -> Pieces:
    """Cut the array that is one member of a JSON object into the exact texts of its elements.

    An object that is broken gives what `array_pieces` gives for the array from where it begins; the brace that closes the object after
    it is no piece. One in which the array cannot be found is one piece with the problem `truncated`.
    """
    try:
        array = bytes(msgspec.json.decode(document, type=dict[str, msgspec.Raw])[member])
    except (*BROKEN_JSON, KeyError):
        array = b""
    if array.startswith(b"["):
        return array_pieces(array)
    beginning = re.search(rf'"{member}"\s*:\s*(?=\[)'.encode(), document)
    if beginning is None:
        return _whole(document)
    return _salvaged_pieces(document[beginning.end() :].decode("utf-8", errors="surrogateescape"), closing="}")


def _whole(document: bytes) -> Pieces:
    raw, _ = cut_piece(document)
    return Pieces(1, [raw], {0: "truncated"})


def _salvaged_pieces(text: str, closing: str = "") -> Pieces:
    elements, end, is_closed = _complete_elements(text)
    pieces = _cut([element.encode("utf-8", errors="surrogateescape") for element in elements])
    rest = text[end:].strip()
    if is_closed and rest in ("", closing):
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


def xml_pieces(document: bytes, root_name: str) -> Pieces:
    """Cut an XML document into its elements below the root; raise DeliveryError for broken XML, a DTD or another root."""
    try:
        root = fromstring(document, forbid_dtd=True)
        texts = [_xml_text(child).encode() for child in root]
    except BROKEN_XML as error:
        raise DeliveryError(
            f"delivery: XML without DTD and entities was promised, {type(error).__name__} came", reason="not_xml"
        ) from error
    if root.tag != root_name:
        raise DeliveryError(f"delivery: a root {root_name} was promised, {root.tag[:80]} came", reason="another_root")
    return _cut(texts)


def _xml_text(element: Element) -> str:
    element.tail = None
    return tostring(element, encoding="unicode")
