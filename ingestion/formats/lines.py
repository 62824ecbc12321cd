"""What the line-based formats share: cutting bytes into lines, and setting aside the lines that are not records.

Agencies' files arrive with LF, CRLF or both, with a byte order mark, without a last newline, with a few bytes of an old
encoding, or as one endless line after a crash of the sender. None of that may cost another line: only the broken line
becomes a piece with a problem. Lines are separated by LF alone; a CR before it belongs to the ending.
"""

import codecs
from collections.abc import Iterator, Mapping
from typing import BinaryIO

import polars as pl

from core.errors import DeliveryError
from ingestion.formats import base
from ingestion.formats.base import SKIPPED_SCHEMA, UNREADABLE_SCHEMA, Pieces, join_raws

FORMAT_ERROR = 4
"""Error group 4 of letter 4856/BCA-TTDLQG: the form of a record is wrong."""

IS_BLANK = pl.col("_raw").str.strip_chars_start(" \r") == ""
"""True for a line of nothing but spaces; a TAB is a separator in some formats, so it is not blank."""

MANY_BYTES = 64 * 1024
"""From this size on, in bytes, polars cuts lines faster than Python, although a call costs it a millisecond."""

WIDE_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)


def split_lines(content: BinaryIO, beginning: bytes | None = None) -> Iterator[Pieces]:
    """Cut a delivery into lines, a block of BLOCK_BYTES or BLOCK_PIECES at a time, holding at most two blocks.

    `beginning` is what the caller has already read of the content, to recognise it.

    A newline at the end opens no further line. Of a line above PIECE_BYTES_LIMIT the beginning is kept, with the problem
    `piece_too_long`; a line that is not UTF-8 is backslash-escaped, `not_utf8`; one with a NUL is escaped too, `nul_byte`.
    Raises DeliveryError for UTF-16 or UTF-32, recognised by its mark, and above PIECES_LIMIT lines.
    """
    block = without_mark(content.read(base.BLOCK_BYTES) if beginning is None else beginning)
    block = block or content.read(base.BLOCK_BYTES)
    position, carried, is_discarding = 1, b"", False
    while block:
        if is_discarding:
            _, newline, block = block.partition(b"\n")
            is_discarding = not newline
        end = block.rfind(b"\n") + 1
        if end:
            for portion in _portions(carried + block[:end] if carried else block[:end]):
                base.require_pieces(position - 1 + portion.count(b"\n"))
                pieces = _pieces(position, portion)
                position += len(pieces.raws)
                yield pieces
            carried = block[end:]
        else:
            carried += block
        if len(carried) > base.PIECE_BYTES_LIMIT:
            yield _pieces(position, carried)
            position += 1
            carried, is_discarding = b"", True
        block = content.read(base.BLOCK_BYTES)
    if carried:
        yield _pieces(position, carried)


def gather(blocks: Iterator[Pieces]) -> Iterator[Pieces]:
    """Join blocks into one, or into several above DOCUMENT_BYTES_LIMIT, for lines that are read together."""
    group: list[Pieces] = []
    size = 0
    for block in blocks:
        group.append(block)
        size += block.size
        if size > base.DOCUMENT_BYTES_LIMIT:
            yield _joined(group)
            group, size = [], 0
    if group:
        yield _joined(group)


def without_mark(beginning: bytes) -> bytes:
    """Strip the UTF-8 byte order mark off a delivery's beginning; raise DeliveryError for a mark of UTF-16 or UTF-32."""
    if beginning.startswith(WIDE_MARKS):
        raise DeliveryError(
            "delivery: expected UTF-8, got a mark of UTF-16 or UTF-32; save it as UTF-8 and send it again",
            reason="not_utf8",
        )
    return beginning.removeprefix(codecs.BOM_UTF8)


def cut_piece(raw: bytes) -> tuple[str, str | None]:
    """Return the text of one piece, and the name of its problem if its bytes have one."""
    if len(raw) > base.PIECE_BYTES_LIMIT:
        return _escaped(raw[: base.PIECE_BYTES_LIMIT]), "piece_too_long"
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return _escaped(raw), "not_utf8"
    return (_escaped(raw), "nul_byte") if "\0" in text else (text, None)


def set_aside(
    pieces: pl.DataFrame, skipped: Mapping[str, pl.Expr], unreadable: Mapping[str, pl.Expr]
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Split pieces into readable ones (`_delivery, _position, _raw`), UNREADABLE_SCHEMA and SKIPPED_SCHEMA.

    Each condition is given under its reason; a problem found by `split` comes first, then what is skipped, then what is
    unreadable (error group 4), each in the order given.
    """
    named = [pl.when(condition).then(pl.lit(name)) for name, condition in (*skipped.items(), *unreadable.items())]
    reason = pl.coalesce(pl.col("_problem"), *named)
    marked = pieces.with_columns(reason.alias("reason"))
    readable = marked.filter(pl.col("reason").is_null()).select("_delivery", "_position", "_raw")
    aside = marked.filter(pl.col("reason").is_not_null())
    is_skipped = pl.col("_problem").is_null() & pl.col("reason").is_in(list(skipped))
    return (
        readable,
        as_unreadable(aside.filter(~is_skipped)),
        aside.filter(is_skipped)
        .group_by("_delivery", "reason", maintain_order=True)
        .agg(pl.len().cast(pl.Int64).alias("pieces"))
        .select(SKIPPED_SCHEMA.keys()),
    )


def as_unreadable(pieces: pl.DataFrame) -> pl.DataFrame:
    """Return pieces that have a `reason` in the columns of UNREADABLE_SCHEMA, with error group 4."""
    marked = pieces.with_columns(pl.lit(FORMAT_ERROR, dtype=pl.Int32).alias("error_group"))
    return marked.select(UNREADABLE_SCHEMA.keys())


def empty_as_null(column: pl.Expr) -> pl.Expr:
    """Turn empty text into null, so that a field present but empty counts as missing."""
    return pl.when(column != "").then(column)


def _joined(group: list[Pieces]) -> Pieces:
    if len(group) == 1:
        return group[0]
    first = group[0].first_position
    problems = {block.first_position - first + index: name for block in group for index, name in block.problems.items()}
    return Pieces(first, join_raws([block.raws for block in group]), problems)


def _pieces(position: int, text: bytes) -> Pieces:
    """Cut text with or without a newline at its end: at once if all of it is sound, else line by line."""
    raws = _many_lines(text) if len(text) > min(MANY_BYTES, base.PIECE_BYTES_LIMIT) else _few_lines(text)
    if raws is not None:
        return Pieces(position, raws)
    cut = [cut_piece(line.removesuffix(b"\r")) for line in text.removesuffix(b"\n").split(b"\n")]
    problems = {index: problem for index, (_, problem) in enumerate(cut) if problem is not None}
    return Pieces(position, [line for line, _ in cut], problems)


def _portions(text: bytes) -> Iterator[bytes]:
    """Split text that ends with a newline after a newline near its middle, until no part has more than BLOCK_PIECES lines."""
    if text.count(b"\n") <= base.BLOCK_PIECES:
        yield text
        return
    middle = text.index(b"\n", len(text) // 2 - 1) + 1
    if middle == len(text):
        middle = text.rindex(b"\n", 0, len(text) // 2) + 1
    yield from _portions(text[:middle])
    yield from _portions(text[middle:])


def _few_lines(text: bytes) -> list[str] | None:
    try:
        lines = text.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if "\0" in lines else lines.removesuffix("\n").replace("\r\n", "\n").removesuffix("\r").split("\n")


def _many_lines(text: bytes) -> pl.Series | None:
    try:  # the newline in front keeps polars from mistaking the text for a compressed file and unpacking it
        lines = pl.read_lines(b"\n" + text, name="_raw")["_raw"].slice(1)
    except pl.exceptions.ComputeError:
        return None
    is_ill = lines.str.contains("\0", literal=True) | (lines.str.len_bytes() > base.PIECE_BYTES_LIMIT)
    return None if is_ill.any() else lines


def _escaped(raw: bytes) -> str:
    return raw.decode("utf-8", errors="backslashreplace").replace("\0", "\\x00")
