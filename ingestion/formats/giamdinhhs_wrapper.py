"""Cutting the wrapper of health claims into its inner files, dossier by dossier, whatever the size of the delivery.

A piece is one `FILEHOSO`, put into a `HOSO` of its own that repeats what only the wrapper knows (facility, date of making, number of the
dossier in the delivery), so that the raw text of a quarantined file can be understood, repaired and sent again alone. Around the dossiers
there are the head (one piece, skipped), comments, and stray text. Tags are searched as bytes, because base64 holds no `<`: a dossier
that was damaged in transfer costs its own files and no others, which no parser of the whole document can guarantee. The wrapper
itself is never parsed, so it has no entities to expand; a delivery with a DOCTYPE in its head is refused.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import BinaryIO

from core.errors import DeliveryError
from ingestion.formats import base
from ingestion.formats.base import Pieces
from ingestion.formats.lines import cut_piece, without_mark

ROOT = re.compile(rb"\s*(?:<\?xml[^>]*\?>\s*)?(?:<!--.*?-->\s*)*<GIAMDINHHS[\s>]", re.DOTALL)
DECLARATION = re.compile(rb"<!(?:DOCTYPE|ENTITY)")
OPENING, CLOSING = re.compile(rb"<HOSO[\s>]"), b"</HOSO>"
FILE_CLOSING = b"</FILEHOSO>"
COMMENT = re.compile(rb"<!--.*?-->", re.DOTALL)
TAIL = re.compile(
    rb"(?:<DANHSACHHOSO\s*/>|</DANHSACHHOSO>)?\s*</THONGTINHOSO>\s*"
    rb"(?:<CHUKYDONVI\s*/>|<CHUKYDONVI[\s>].*?</CHUKYDONVI>)?\s*</GIAMDINHHS>(?P<trailing>.*)",
    re.DOTALL,
)
CONTEXT = re.compile(r'<HOSO MACSKCB="([^"]*)" NGAYLAP="([^"]*)" STT="(\d+)">')
"""What precedes each file: facility, date of making, number of the dossier in the delivery."""

DOSSIER_PIECES = 8
"""A dossier larger than this many times PIECE_BYTES_LIMIT is cut there; the whole of it stays in landing."""

FILES_LIMIT = 10_000
"""Of one dossier, whose files are read together: there are sixteen kinds, and most occur once."""

YIELD_BYTES = 4 * 1024 * 1024
"""How much text goes into one block: dossiers are small, and a block costs a few microseconds."""


@dataclass
class _Block:
    """Pieces that wait to be yielded; a dossier is always in one block."""

    position: int = 1
    raws: list[str] = field(default_factory=list)
    problems: dict[int, str] = field(default_factory=dict)
    size: int = 0

    def add(self, raw: bytes, before: str = "", after: str = "", problem: str | None = None) -> None:
        text, ill = cut_piece(raw)
        if ill or problem:
            self.problems[len(self.raws)] = ill or problem or ""
        self.raws.append(f"{before}{text}{after}")
        self.size += len(text)

    def give(self, at_least: int = 0) -> Iterator[Pieces]:
        base.require_pieces(self.position - 1 + len(self.raws))
        if self.raws and self.size >= at_least:
            yield Pieces(self.position, self.raws, self.problems)
            self.position += len(self.raws)
            self.raws, self.problems, self.size = [], {}, 0


@dataclass
class _Head:
    """What the wrapper says about all its dossiers."""

    facility: str
    made: str
    declared: str
    dossiers: int = 0

    def context(self) -> str:
        return f'<HOSO MACSKCB="{self.facility}" NGAYLAP="{self.made}" STT="{self.dossiers}">'


def cut_wrapper(content: BinaryIO) -> Iterator[Pieces]:
    """Cut a delivery into blocks of files.

    Problems found here: `stray_text` (between dossiers or files), `truncated` (the delivery or a dossier ends early), `trailing_text`,
    `piece_too_long`, and `claim_count_differs` if SOLUONGHOSO is not the number of dossiers. Raises DeliveryError for another
    root, a DOCTYPE, or a head without end.
    """
    head, rest = _read_head(content)
    if not head:
        return
    block = _Block()
    facts = _Head(_value(b"MACSKCB", head), _value(b"NGAYLAP", head), _value(b"SOLUONGHOSO", head))
    begins_tail = head.find(b"</DANHSACHHOSO>") if not rest else -1
    block.add(head[:begins_tail] if begins_tail >= 0 else head)
    tail: bytes | None = head[begins_tail:] if begins_tail >= 0 else (b"" if rest else head)
    for chunk, is_whole in _dossiers(content, rest):
        if is_whole:
            _add_dossiers(block, facts, chunk, is_too_long=False)
        elif chunk and OPENING.search(chunk):
            is_too_long = len(chunk) > DOSSIER_PIECES * base.PIECE_BYTES_LIMIT
            _add_dossiers(block, facts, chunk, is_too_long=is_too_long)
            tail = b"" if is_too_long else None
        else:
            tail = chunk
        yield from block.give(YIELD_BYTES)
    if tail is not None:
        _add_tail(block, tail, rest)
    if facts.declared and facts.declared != str(facts.dossiers):
        counted = f"<SOLUONGHOSO>{facts.declared}</SOLUONGHOSO><!-- {facts.dossiers} HOSO -->"
        block.add(counted.encode(), problem="claim_count_differs")
    yield from block.give()


def _read_head(content: BinaryIO) -> tuple[bytes, bytes]:
    """Read up to the first dossier; return the head and what was read beyond it."""
    head = without_mark(content.read(base.BLOCK_BYTES))
    searched = 0
    while True:
        found = OPENING.search(head, searched)
        searched = max(len(head) - len(CLOSING), 0)
        block = b"" if found else content.read(base.BLOCK_BYTES)
        if found or not block:
            break
        if len(head) > base.PIECE_BYTES_LIMIT:
            break
        head = without_mark(head + block) if len(head) < len(CLOSING) else head + block
    begins = found.start() if found else len(head)
    if DECLARATION.search(head, 0, begins):
        raise DeliveryError(
            "delivery: expected XML without DTD and entities, got a DOCTYPE; send the document without it",
            reason="not_xml",
        )
    if head.strip() and not ROOT.match(head):
        raise DeliveryError(
            "delivery: expected XML with the root GIAMDINHHS, got something else; export the dossiers again",
            reason="another_root",
        )
    if not found and block:
        raise DeliveryError(
            f"delivery: expected a head of up to {base.PIECE_BYTES_LIMIT} bytes, got a longer one; check whether the file is whole",
            reason="head_too_long",
        )
    return (head[:begins], head[begins:]) if head.strip() else (b"", b"")


def _dossiers(content: BinaryIO, rest: bytes) -> Iterator[tuple[bytes, bool]]:
    """Yield what ends with a closed dossier, then the rest of the delivery (not whole); also what outgrew the limit before its end came."""
    start, searched, is_discarding = 0, 0, False
    if not rest:
        return
    while True:
        end = rest.find(CLOSING, searched)
        if end >= 0:
            if not is_discarding:
                yield rest[start : end + len(CLOSING)], True
            is_discarding = False
            start = searched = end + len(CLOSING)
            continue
        block = content.read(base.BLOCK_BYTES)
        if not block:
            break
        rest = rest[-len(CLOSING) :] if is_discarding else rest[start:]
        searched, start = max(len(rest) - len(CLOSING), 0), 0
        rest += block
        if not is_discarding and len(rest) > DOSSIER_PIECES * base.PIECE_BYTES_LIMIT and CLOSING not in rest:
            yield rest, False
            is_discarding = True
    yield (b"" if is_discarding else rest[start:]), False


def _add_dossiers(block: _Block, facts: _Head, chunk: bytes, *, is_too_long: bool) -> None:
    """Add the files of a chunk: one dossier, and before it perhaps others that were never closed."""
    openings = [match.start() for match in OPENING.finditer(chunk)]
    _add_between(block, chunk[: openings[0]] if openings else chunk.removesuffix(CLOSING))
    for start, end in pairwise([*openings, len(chunk)]):
        _, _, body = chunk[start:end].partition(b">")
        is_closed = body.endswith(CLOSING)
        facts.dossiers += 1
        context = facts.context()
        _require_files(body)
        *files, remainder = body.removesuffix(CLOSING).split(FILE_CLOSING)
        for file in files:
            block.add(file.lstrip() + FILE_CLOSING, context, "</HOSO>")
        if remainder.strip():
            problem = "piece_too_long" if is_too_long else "stray_text" if is_closed else "truncated"
            block.add(remainder.lstrip(), context, problem=problem)
        elif not files:
            block.add(CLOSING, context)


def _require_files(dossier: bytes) -> None:
    count = dossier.count(FILE_CLOSING)
    if count > FILES_LIMIT:
        raise DeliveryError(
            f"delivery: expected a dossier of up to {FILES_LIMIT} files, got {count}; check whether it is whole",
            reason="too_many_pieces",
            limit=FILES_LIMIT,
        )


def _add_between(block: _Block, text: bytes) -> None:
    for comment in COMMENT.findall(text):
        block.add(comment)
    if stray := COMMENT.sub(b"", text).strip():
        block.add(stray, problem="stray_text")


def _add_tail(block: _Block, tail: bytes, rest: bytes) -> None:
    found = TAIL.search(tail)
    if found is None:
        block.add(tail.strip() if rest else b"", problem="truncated")
        return
    _add_between(block, tail[: found.start()] if rest else b"")
    if trailing := found["trailing"].strip():
        block.add(trailing, problem="trailing_text")


def _value(name: bytes, head: bytes) -> str:
    """Return the text of an element of the head; empty if an attribute could not hold it."""
    found = re.search(rb"<%b>\s*([^<\"]*?)\s*</%b>" % (name, name), head)
    return found[1].decode("utf-8", errors="backslashreplace") if found else ""
