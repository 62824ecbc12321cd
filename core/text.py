"""Texts: slugs, halves of texts in two languages, and the encoding before Unicode, TCVN 5712:1993 (TCVN3), of the ABC fonts (`.VnTime`).

TCVN3 arrives in two ways: as bytes that are not UTF-8, and as text that some program decoded as Latin-1 (`TrÇn V¨n A` for `Trần Văn A`).
Python has no codec for it. The table is that of GNU libc's TCVN5712-1, compared byte by byte; the lower-case letters and unaccented
capitals of the common TCVN3 fonts have the same codes in it.
"""

import re
import unicodedata

HIGH_HALF = (
    "ÀẢÃÁẠẶẬÈẺẼÉẸỆÌỈĨÍỊÒỎÕÓỌỘỜỞỠỚỢÙỦŨ"
    "\u00a0ĂÂÊÔƠƯĐăâêôơưđẰ\u0300\u0309\u0303\u0301\u0323àảãáạẲằẳẵắẴ"
    "ẮẦẨẪẤỀặầẩẫấậèỂẻẽéẹềểễếệìỉỄẾỒĩíịò"
    "ỔỏõóọồổỗốộờởỡớợùỖủũúụừửữứựỳỷỹýỵỐ"
)
"""The characters of bytes 0x80 to 0xff; lower bytes are ASCII."""

ESCAPE = re.compile(rb"\\x([89a-f][0-9a-f])")
"""How a byte is written in a piece that is not UTF-8 (`ingestion/formats/lines.py`)."""


def decode_tcvn3(encoded: bytes) -> str:
    """Decode TCVN3 bytes to text in Unicode NFC."""
    text = "".join(chr(byte) if byte < 0x80 else HIGH_HALF[byte - 0x80] for byte in encoded)
    return unicodedata.normalize("NFC", text)


def decode_escaped_tcvn3(raw: str) -> str:
    """Decode a piece that was quarantined because its bytes are TCVN3, not UTF-8."""
    return decode_tcvn3(ESCAPE.sub(lambda found: bytes.fromhex(found[1].decode()), raw.encode()))


def decode_misread_tcvn3(text: str) -> str:
    """Decode TCVN3 that was read as Latin-1; text with other characters is returned unchanged."""
    try:
        encoded = b"".join(sign.encode("latin-1" if ord(sign) < 0x100 else "cp1252") for sign in text)
    except UnicodeEncodeError:
        return text
    return decode_tcvn3(encoded)


def slug_of(text: str) -> str:
    """Return a text as lower-case Latin letters, digits and hyphens; empty if none of these remain."""
    bare = unicodedata.normalize("NFD", text.casefold().replace("đ", "d"))
    return re.sub(r"[^a-z0-9]+", "-", "".join(sign for sign in bare if not unicodedata.combining(sign))).strip("-")


def half(text: str, language: str) -> str:
    """Return the half of a text `Vietnamese / English` in a language; a text that is not halved is the same in both."""
    vietnamese, found, english = text.partition(" / ")
    return (english if found and language == "en" else vietnamese).strip()
