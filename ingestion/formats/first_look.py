"""What kind of file a delivery is, recognised before it is cut by its first bytes, never by its name.

A document read as the wrong kind becomes thousands of broken records, and the score of its feed falls because of one wrong button.
So a kind that the format does not read is one refused delivery, whose reason says what came and what to send. A delivery of the expected
kind that was packed by gzip is unpacked, within GZIP_BYTES_LIMIT.
"""

import codecs
import gzip
import re
import zlib
from collections.abc import Collection
from enum import StrEnum
from typing import BinaryIO, cast

from core.errors import DeliveryError
from ingestion.formats.documents import BROWSERS_SENTENCE

GZIP_BYTES_LIMIT = 512 * 1024 * 1024
"""The limit for what one delivery unpacks to."""

LOOK_BYTES = 8 * 1024
WIDE_SHARE = 0.3
"""From this share of zero bytes at every second place on, text without a mark is UTF-16: most of its letters are one byte and a zero."""


class Kind(StrEnum):
    """The kinds of file that are recognised."""

    TEXT = "text"
    JSON = "json"
    XML = "xml"
    ZIP = "zip"
    GZIP = "gzip"
    XLS = "xls"
    XML_SHEET = "xml_sheet"
    PDF = "pdf"
    HTML = "html"
    UTF_16 = "utf_16"
    RTF = "rtf"
    RAR = "rar"
    SEVEN_ZIP = "7z"
    BZIP2 = "bzip2"
    XZ = "xz"
    ZSTD = "zstd"
    IMAGE = "image"
    PARQUET = "parquet"
    SQLITE = "sqlite"
    NOUGHTS = "noughts"


SIGNS: tuple[tuple[bytes, Kind], ...] = (
    (b"\x1f\x8b", Kind.GZIP),
    (b"PK\x03\x04", Kind.ZIP),
    (b"PK\x05\x06", Kind.ZIP),
    (b"\xd0\xcf\x11\xe0", Kind.XLS),
    (b"\x09\x08\x08\x00", Kind.XLS),
    (b"\x09\x08\x10\x00", Kind.XLS),
    (b"%PDF", Kind.PDF),
    (b"{\\rtf", Kind.RTF),
    (b"Rar!\x1a\x07", Kind.RAR),
    (b"7z\xbc\xaf\x27\x1c", Kind.SEVEN_ZIP),
    (b"BZh", Kind.BZIP2),
    (b"\xfd7zXZ\x00", Kind.XZ),
    (b"\x28\xb5\x2f\xfd", Kind.ZSTD),
    (b"\x89PNG\r\n", Kind.IMAGE),
    (b"\xff\xd8\xff", Kind.IMAGE),
    (b"GIF8", Kind.IMAGE),
    (b"PAR1", Kind.PARQUET),
    (b"SQLite format 3\x00", Kind.SQLITE),
    (codecs.BOM_UTF16_LE, Kind.UTF_16),
    (codecs.BOM_UTF16_BE, Kind.UTF_16),
    (codecs.BOM_UTF32_BE, Kind.UTF_16),
)
IS_HTML = re.compile(
    rb"(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)[\s>]", re.IGNORECASE | re.DOTALL
)
IS_XML = re.compile(rb"<[?!A-Za-z_]")
IS_JSON = re.compile(rb'\{\s*(?:"|\}|$)|\[\s*(?:[\[{"\]]|-?\d|$)')
IS_JSON_LINE = re.compile(rb'^\s*\{\s*"', re.MULTILINE)
SHEET_OF_2003 = b"urn:schemas-microsoft-com:office:spreadsheet"

WORDS: dict[Kind, tuple[str, str]] = {
    Kind.TEXT: ("other text", "check whether it is the right file"),
    Kind.JSON: ("a JSON document", "check whether it is the right file"),
    Kind.XML: ("an XML document", "check whether it is the right file"),
    Kind.ZIP: ("a zip archive", "unpack it, and send the file in it"),
    Kind.GZIP: ("a gzip file in a gzip file", "pack it once, or not at all"),
    Kind.XLS: (
        "an old Office file (.xls, .doc) or one with a password",
        "save it as .xlsx without password, or export it in the agreed form",
    ),
    Kind.XML_SHEET: ("a workbook of Excel 2003 in XML", "save it in the agreed form"),
    Kind.PDF: ("a PDF document", "send the data that it was made of"),
    Kind.HTML: (
        "an HTML page, such as a web server's error or a page saved as .xls",
        "check what the source answers, and export the data",
    ),
    Kind.UTF_16: ("text in UTF-16 or UTF-32", "save it as UTF-8"),
    Kind.RTF: ("an RTF document", "export the data"),
    Kind.RAR: ("a RAR archive", "unpack it, and send the file in it"),
    Kind.SEVEN_ZIP: ("a 7z archive", "unpack it, and send the file in it"),
    Kind.BZIP2: ("a bzip2 file", "unpack it, or pack it by gzip"),
    Kind.XZ: ("an xz file", "unpack it, or pack it by gzip"),
    Kind.ZSTD: ("a zstd file", "unpack it, or pack it by gzip"),
    Kind.IMAGE: ("an image", "send the data that it shows"),
    Kind.PARQUET: ("a Parquet file", "export it in the agreed form"),
    Kind.SQLITE: ("a SQLite database", "export the table in the agreed form"),
    Kind.NOUGHTS: ("nothing but zero bytes", "send the file again: its disk was full, or its upload broke"),
}
"""What came, and what to do, for the person who reads the refusal."""

REASONS = {Kind.UTF_16: "not_utf8", Kind.XLS: "legacy_excel", Kind.GZIP: "broken_archive"}
"""Reasons with a name of their own; the others are `is_<kind>`."""


class Peeked:
    """A stream whose beginning was already read and is served again."""

    def __init__(self, stream: BinaryIO, beginning: bytes) -> None:
        self._stream, self._beginning = stream, beginning

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes; everything that is left if the size is negative."""
        if not self._beginning:
            return self._stream.read(size)
        if size < 0:
            beginning, self._beginning = self._beginning, b""
            return beginning + self._stream.read()
        part, self._beginning = self._beginning[:size], self._beginning[size:]
        return part if len(part) == size else part + self._stream.read(size - len(part))


class _Unpacked:
    """The content of a gzip stream, within the limit."""

    def __init__(self, packed: BinaryIO) -> None:
        self._content = gzip.GzipFile(fileobj=packed, mode="rb")
        self._left = GZIP_BYTES_LIMIT

    def read(self, size: int = -1) -> bytes:
        try:
            part = self._content.read(min(size, self._left + 1) if size >= 0 else self._left + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise DeliveryError(
                f"delivery: expected a whole gzip file, got {type(error).__name__} while unpacking it; send it again",
                reason="broken_archive",
            ) from error
        self._left -= len(part)
        if self._left < 0:
            raise DeliveryError(
                f"delivery: expected a gzip file of up to {GZIP_BYTES_LIMIT} bytes unpacked, got more; send it in parts",
                reason="archive_too_large",
            )
        return part


def look(feed: str, content: BinaryIO, takes: Collection[Kind], wanted: str) -> BinaryIO:
    """Return the delivery as a stream from its beginning, unpacked if it was gzip.

    `takes` are the kinds that the feed's format reads, `wanted` names them in words. Raises DeliveryError for any other kind.
    """
    beginning = content.read(LOOK_BYTES)
    kind = kind_of(beginning)
    stream = Peeked(content, beginning)
    if kind is Kind.GZIP:
        unpacked = _Unpacked(cast("BinaryIO", stream))
        beginning = unpacked.read(LOOK_BYTES)
        kind, stream = kind_of(beginning), Peeked(cast("BinaryIO", unpacked), beginning)
    if beginning and kind not in takes:
        what, advice = WORDS[kind]
        raise DeliveryError(
            f"{feed}: expected {wanted}, got {what}; {advice}", reason=REASONS.get(kind, f"is_{kind}"), kind=kind.value
        )
    return cast("BinaryIO", stream)


def kind_of(beginning: bytes) -> Kind:
    """Return the kind of a file by its first bytes."""
    for sign, kind in SIGNS:
        if beginning.startswith(sign):
            return kind
    if beginning and not beginning.strip(b"\0"):
        return Kind.NOUGHTS
    if (
        len(beginning) >= 16
        and max(beginning[0::2].count(0), beginning[1::2].count(0)) > WIDE_SHARE * len(beginning) / 2
    ):
        return Kind.UTF_16
    text = beginning.removeprefix(codecs.BOM_UTF8).lstrip().removeprefix(BROWSERS_SENTENCE).lstrip()
    if IS_HTML.match(text):
        return Kind.HTML
    if IS_XML.match(text):
        return Kind.XML_SHEET if SHEET_OF_2003 in text else Kind.XML
    return Kind.JSON if IS_JSON.match(text) or IS_JSON_LINE.search(text) else Kind.TEXT
