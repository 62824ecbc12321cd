"""Cutting JSON: a list, an object that holds the list, or one object a line; the beginning of a delivery shows which of them it is.

A piece is the exact text of one object. A list that ends in the middle (a broken connection) yields its complete objects, and one
unreadable piece for the rest. A document may itself be the text of a member of another one (`text_of`), as some SCADA servers answer.
An answer with an error code is refused whole, and so is a document whose records are not at the declared place: cut at its newlines it
would become as many broken records as it has lines.
"""

import io
import re
from collections.abc import Iterator, Mapping
from typing import BinaryIO

import msgspec

from core.errors import DeliveryError
from core.table_forms import Form
from ingestion.formats.base import Pieces
from ingestion.formats.documents import (
    BROKEN_JSON,
    array_pieces,
    read_document,
    require_members,
    salvaged_pieces,
    too_deep,
    whole_piece,
)
from ingestion.formats.lines import cut_piece, split_lines
from ingestion.formats.table.paths import structure_of

FIRST_LINE = 1024
"""A document written over several lines begins with a short line, in bytes."""


def split_json(content: BinaryIO, beginning: bytes, form: Form) -> Iterator[Pieces]:
    """Cut a delivery into objects.

    Raises DeliveryError for an answer that refuses (`source_refused`), a document with its records elsewhere (`no_list`,
    `wrapped_otherwise`), one that is not the text of the declared member (`no_text_inside`), or one that is too large.
    """
    if form.text_of:
        content, beginning = io.BytesIO(), _text_inside(read_document(content, beginning), form.text_of)
    first = beginning.lstrip()[:1]
    if first == b"[" and not form.document:
        yield array_pieces(read_document(content, beginning))
    elif first == b"[" or form.document or _first_name(beginning) in {*form.records[:1], *form.error_path[:1]}:
        yield _cut_answer(read_document(content, beginning), form)
    else:
        document, is_whole = _alone(content, beginning)
        members = _members(document) if is_whole else None
        if is_whole and _holds_the_list(document, members, form):
            yield _cut_answer(document, form)
        elif members is not None:
            _require_a_record(members, form)
            text, problem = cut_piece(document.strip())
            yield Pieces(1, [text], {0: problem} if problem else {})
        else:
            yield from split_lines(content, document)


def _text_inside(document: bytes, name: str) -> bytes:
    """Return the document that is the text of a member; nothing of a delivery without a byte."""
    if not document.strip():
        return b""
    try:
        members = msgspec.json.decode(document, type=dict[str, msgspec.Raw])
        return msgspec.json.decode(bytes(members[name]), type=str).encode()
    except (*BROKEN_JSON, KeyError) as error:
        raise DeliveryError(
            f"delivery: expected a whole object whose member {name} is JSON as text, got another one; send the answer as it came",
            reason="no_text_inside",
        ) from error


def _first_name(beginning: bytes) -> str:
    found = re.match(rb'\s*\{\s*"((?:[^"\\]|\\.)*)"\s*:', beginning)
    return found[1].decode(errors="replace") if found else ""


def _alone(content: BinaryIO, beginning: bytes) -> tuple[bytes, bool]:
    """Return what was read of a delivery, and whether it is a single object, over several lines or on one, and complete.

    A first line that is a whole object, or a broken one followed by a whole one, is the first of many lines.
    """
    first, newline, rest = beginning.strip().partition(b"\n")
    second = rest.lstrip().partition(b"\n")[0]
    if newline and (len(first) > FIRST_LINE or _members(first) is not None or _members(second) is not None):
        return beginning, False
    if not newline and _members(first) is None:
        return beginning, False
    return read_document(content, beginning), True


def _holds_the_list(document: bytes, members: Mapping[str, msgspec.Raw] | None, form: Form) -> bool:
    """Whether a lone object has the list that the form declares, as far as a broken one shows it."""
    if not form.records:
        return False
    if members is not None:
        return form.records[0] in members
    return re.search(rb'"%s"\s*:\s*\[' % re.escape(form.records[-1].encode()), document) is not None


def _cut_answer(document: bytes, form: Form) -> Pieces:
    _refuse_an_error(document, form)
    return _cut_list(document, form)


def _refuse_an_error(document: bytes, form: Form) -> None:
    if not form.error_path:
        return
    name = form.error_path[-1]
    found = re.search(rb'"%s"\s*:\s*"?(-?\w+)' % re.escape(name.encode()), document)
    if found and found[1].decode(errors="replace") != form.error_fine:
        code = found[1][:10].decode(errors="replace")
        raise DeliveryError(
            f"delivery: expected an answer with {name} {form.error_fine}, got {code}; ask the agency why it refuses",
            reason="source_refused",
        )


def _cut_list(document: bytes, form: Form) -> Pieces:
    """Cut the list at the declared path, below its sibling members if they are part of each record."""
    if form.document and document.count(b'"%s"' % form.records[-1].encode()) != 1:
        raise _no_list(document, form)
    require_members(document)
    try:
        members = msgspec.json.decode(document, type=dict[str, msgspec.Raw])
    except RecursionError as error:
        raise too_deep() from error
    except BROKEN_JSON:
        return _salvage(document, form)
    beside = dict(members)
    held: object = beside.pop(form.records[0], None)
    for name in form.records[1:]:
        try:
            held = msgspec.json.decode(bytes(held), type=dict[str, msgspec.Raw]).get(name) if held is not None else None  # type: ignore[call-overload]
        except BROKEN_JSON:
            held = None
    array = bytes(held) if isinstance(held, msgspec.Raw) else b""
    if not array.startswith(b"["):
        raise _no_list(document, form)
    return _below(msgspec.json.encode(beside), array_pieces(array), form)


def _salvage(document: bytes, form: Form) -> Pieces:
    """Cut what is left of a document that broke off."""
    beginning = re.search(rb'"%s"\s*:\s*(?=\[)' % re.escape(form.records[-1].encode()), document)
    if beginning is None:
        if form.document:
            raise _no_list(document, form)
        return whole_piece(document)
    rest = document[beginning.end() :]
    require_members(rest)
    values = salvaged_pieces(rest.decode("utf-8", errors="surrogateescape"), closing="}" * len(form.records))
    if not form.document:
        return values
    header = document[: beginning.start()].rstrip(b", \t\r\n") + b"}"
    try:
        msgspec.json.decode(header)
    except BROKEN_JSON as error:
        raise _no_list(document, form) from error
    return _below(header.lstrip(), values, form)


def _below(header: bytes, values: Pieces, form: Form) -> Pieces:
    """Put the members beside the list before its pieces, as a piece of its own."""
    if not form.document:
        return values
    text, problem = cut_piece(header)
    problems = {index + 1: name for index, name in values.problems.items()}
    return Pieces(1, [text, *values.raws], problems | ({0: problem} if problem else {}))


def _no_list(document: bytes, form: Form) -> DeliveryError:
    wanted = f"one list {'.'.join(form.records)}"
    try:
        found = f"an object of {len(msgspec.json.decode(document, type=dict[str, msgspec.Raw]))} other members"
    except BROKEN_JSON:
        found = "another document"
    return DeliveryError(
        f"delivery: expected JSON with {wanted}, got {found}; export the records at that place", reason="no_list"
    )


def _members(text: bytes) -> dict[str, msgspec.Raw] | None:
    try:
        return msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    except BROKEN_JSON:
        return None


def _require_a_record(members: Mapping[str, msgspec.Raw], form: Form) -> None:
    """Raise DeliveryError if a lone object is not a record, but holds a list of objects."""
    names = structure_of(form.paths)
    if any(name in names for name in members):
        return
    for value in members.values():
        if re.match(rb"\[\s*\{", bytes(value)):
            count = msgspec.json.decode(bytes(value), type=list[msgspec.Raw])
            wanted = (
                f"a list of records, an object with the list {'.'.join(form.records)}"
                if form.records
                else "a list of records"
            )
            raise DeliveryError(
                f"delivery: expected {wanted} or one record a line, got an object that holds a list of {len(count)} under another name; "
                "send the list itself",
                reason="wrapped_otherwise",
            )
