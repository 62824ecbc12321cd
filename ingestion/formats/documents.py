"""Documents that are read whole: a JSON array, alone or in an object, or an XML tree, cut into their elements.

Their size is limited by DOCUMENT_BYTES_LIMIT, since no part of them can be trusted before the end, and so are the number of elements
and the nesting, because a byte of brackets or tags can cost hundreds in memory. XML is read without DTD and
entities (defusedxml). Of a JSON array that broke off in transfer, the complete elements are kept.
"""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from typing import BinaryIO
from xml.etree.ElementTree import Element, ParseError, tostring

import msgspec
import numpy
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from core.errors import DeliveryError
from ingestion.formats import base
from ingestion.formats.base import Pieces
from ingestion.formats.lines import cut_piece

SCAN_BYTES = 4 * 1024 * 1024
TAGS_LIMIT = 10_000_000
"""Of an XML document: an element costs some hundred bytes until the document is read, and a request has about forty tags."""

SPACE, COMMA, CLOSING = re.compile(r"\s*"), re.compile(r"\s*,\s*"), re.compile(r"\s*\]")
BROWSERS_SENTENCE = (
    b"This XML file does not appear to have any style information associated with it. The document tree is shown below."
)
"""What a browser shows above a document, and saves with it as text; any other text before a document is refused with it."""

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
            f"delivery: expected a document of up to {base.DOCUMENT_BYTES_LIMIT} bytes, got a larger one; "
            "ask for smaller pages or for one object a line",
            reason="document_too_large",
        )
    return b"".join(parts)


def array_pieces(document: bytes) -> Pieces:
    """Cut a JSON array into the exact texts of its elements.

    A broken array yields its complete elements, then one piece for the rest with the problem `truncated`, or
    `trailing_text` if the array was already closed. Raises DeliveryError for too many elements, or elements nested too deeply.
    """
    require_members(document)
    try:
        elements = [bytes(element) for element in msgspec.json.decode(document, type=list[msgspec.Raw])]
    except RecursionError as error:
        raise too_deep() from error
    except BROKEN_JSON:
        return salvaged_pieces(document.decode("utf-8", errors="surrogateescape"))
    return _cut(elements)


def require_members(document: bytes) -> None:
    """Raise DeliveryError if a JSON array or object, whole or broken, has more than PIECES_LIMIT members."""
    if document.count(b",") >= base.PIECES_LIMIT:  # fewer commas cannot separate so many
        base.require_pieces(_count_members(document))


def _count_members(document: bytes) -> int:
    """Count the members of the outermost array or object by its commas, in a few passes over the bytes instead of one object per member."""
    text = document.replace(b"\\\\", b"__").replace(b'\\"', b"__")  # every quote that is left begins or ends a text
    signs = numpy.frombuffer(text, dtype=numpy.uint8)
    in_text, depth, commas = 0, 0, 0
    for start in range(0, len(signs), SCAN_BYTES):
        part = signs[start : start + SCAN_BYTES]
        is_text = (numpy.cumsum(part == ord('"'), dtype=numpy.uint8) + in_text) & 1
        part = numpy.where(is_text, 0, part)
        steps = ((part == ord("[")) | (part == ord("{"))).astype(numpy.int8)
        steps -= ((part == ord("]")) | (part == ord("}"))).astype(numpy.int8)
        depths = numpy.cumsum(steps, dtype=numpy.int32) + depth
        commas += int(numpy.count_nonzero((part == ord(",")) & (depths == 1)))
        in_text, depth = int(is_text[-1]), int(depths[-1])
    return commas + 1


def too_deep() -> DeliveryError:
    """Return the error for a document that is nested too deeply to be read."""
    return DeliveryError(
        f"delivery: expected a document nested less than {sys.getrecursionlimit()} deep, got a deeper one; check whether it is whole",
        reason="nested_too_deeply",
    )


def whole_piece(document: bytes) -> Pieces:
    """Return a document as one piece with the problem `truncated`."""
    raw, _ = cut_piece(document)
    return Pieces(1, [raw], {0: "truncated"})


def salvaged_pieces(text: str, closing: str = "") -> Pieces:
    """Cut what arrived of a broken array; `closing` is what may follow it, the brackets of the objects around it."""
    elements, end, is_closed = _complete_elements(text)
    pieces = _cut([element.encode("utf-8", errors="surrogateescape") for element in elements])
    rest = text[end:].strip()
    if is_closed and "".join(rest.split()) in ("", closing):
        return pieces
    raw, _ = cut_piece(rest.encode("utf-8", errors="surrogateescape"))
    reason = "trailing_text" if is_closed else "truncated"
    return Pieces(1, [*pieces.raws, raw], {**pieces.problems, len(pieces.raws): reason})


def _complete_elements(text: str) -> tuple[list[str], int, bool]:
    """Return the complete elements of a broken array, where the last of them ends, and whether the array is closed."""
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


def xml_pieces(document: bytes, *paths: Sequence[str]) -> Pieces:
    """Cut an XML document into the elements at a path (root first, names without namespaces) and their siblings.

    Of several paths the one that begins with the document's root is taken. A sentence that a browser puts before a document is a piece of
    its own. Raises DeliveryError for broken XML, a DTD, another root, and too many or too deeply nested elements.
    """
    if not document.lstrip().startswith(BROWSERS_SENTENCE):
        return element_pieces(_elements_below(document, paths))
    pieces = element_pieces(_elements_below(document.lstrip().removeprefix(BROWSERS_SENTENCE).lstrip(), paths))
    problems = {index + 1: name for index, name in pieces.problems.items()}
    return Pieces(1, [BROWSERS_SENTENCE.decode(), *pieces.raws], problems)


def _elements_below(document: bytes, paths: Sequence[Sequence[str]]) -> list[Element]:
    root = xml_root(document)
    for path in paths:
        if path[0] == local_name(root):
            return _elements_at(root, path)
    raise DeliveryError(
        f"delivery: expected XML with the root {' or '.join(path[0] for path in paths)}, got another; "
        f"export the records as {' or '.join('/'.join(path) for path in paths)}",
        reason="another_root",
    )


def xml_root(document: bytes) -> Element:
    """Read an XML document; raise DeliveryError if it is broken, has a DTD or entities, too many tags or too deep a nesting."""
    if document.count(b"<") > TAGS_LIMIT:
        raise DeliveryError(
            f"delivery: expected a document of up to {TAGS_LIMIT} tags, got more; ask for smaller pages",
            reason="too_many_pieces",
            limit=TAGS_LIMIT,
        )
    try:
        return fromstring(document, forbid_dtd=True)
    except RecursionError as error:
        raise too_deep() from error
    except BROKEN_XML as error:
        raise DeliveryError(
            f"delivery: expected XML without DTD and entities, got {type(error).__name__}; send the document again",
            reason="not_xml",
        ) from error


def element_pieces(elements: Sequence[Element], problems: Mapping[int, str] | None = None) -> Pieces:
    """Return elements as pieces; `problems` names by index what is wrong with some. Raises DeliveryError for too many or too deep ones."""
    base.require_pieces(len(elements))
    try:
        pieces = _cut([_xml_text(element).encode() for element in elements])
    except RecursionError as error:
        raise too_deep() from error
    return Pieces(1, pieces.raws, {**(problems or {}), **pieces.problems})


def _elements_at(root: Element, path: Sequence[str]) -> list[Element]:
    """Return the elements at a path that begins with the root, and their siblings, so that none is passed over."""
    found = [root]
    for name in path[1:-1]:
        found = [child for element in found for child in element if local_name(child) == name]
    return [child for element in found for child in element] if path[1:] else found


def local_name(element: Element) -> str:
    """Return the name of an element without its namespace; empty for a comment or an instruction."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _xml_text(element: Element) -> str:
    element.tail = None
    return tostring(element, encoding="unicode")
