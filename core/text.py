"""Vietnamese text: in small Latin letters, and in the encoding of the years before Unicode, TCVN 5712:1993, of the ABC fonts (`.VnTime` …).

It comes in two shapes: as bytes that are no UTF-8, and as text that some program took for Latin-1 (`TrÇn V¨n A` for `Trần Văn A`).
Python has no codec for it. The table is that of GNU libc's TCVN5712-1, compared byte by byte; it holds the lower-case letters and bare
capitals of the common TCVN3 fonts at their places.
"""

import re
import unicodedata

HIGH_HALF = (
    "ÀẢÃÁẠẶẬÈẺẼÉẸỆÌỈĨÍỊÒỎÕÓỌỘỜỞỠỚỢÙỦŨ"
    "\u00a0ĂÂÊÔƠƯĐăâêôơưđẰ\u0300\u0309\u0303\u0301\u0323àảãáạẲằẳẵắẴ"
    "ẮẦẨẪẤỀặầẩẫấậèỂẻẽéẹềểễếệìỉỄẾỒĩíịò"
    "ỔỏõóọồổỗốộờởỡớợùỖủũúụừửữứựỳỷỹýỵỐ"
)
"""The characters of the bytes 0x80 to 0xff; those below are ASCII."""

ESCAPE = re.compile(rb"\\x([89a-f][0-9a-f])")
"""How a piece that is no UTF-8 shows a byte (`ingestion/formats/lines.py`)."""


def decode_tcvn3(encoded: bytes) -> str:
    """Give the text of TCVN3 bytes, in Unicode NFC."""
    text = "".join(chr(byte) if byte < 0x80 else HIGH_HALF[byte - 0x80] for byte in encoded)
    return unicodedata.normalize("NFC", text)


def decode_escaped_tcvn3(raw: str) -> str:
    """Give the text of a piece that was quarantined because its bytes are no UTF-8 but TCVN3."""
    return decode_tcvn3(ESCAPE.sub(lambda found: bytes.fromhex(found[1].decode()), raw.encode()))


def decode_misread_tcvn3(text: str) -> str:
    """Give the text that was TCVN3 and was read as Latin-1; text with other characters comes back as it is."""
    try:
        encoded = b"".join(sign.encode("latin-1" if ord(sign) < 0x100 else "cp1252") for sign in text)
    except UnicodeEncodeError:
        return text
    return decode_tcvn3(encoded)


def slug_of(text: str) -> str:
    """Return a text in small Latin letters, digits and hyphens; empty where it has none of them."""
    bare = unicodedata.normalize("NFD", text.casefold().replace("đ", "d"))
    return re.sub(r"[^a-z0-9]+", "-", "".join(sign for sign in bare if not unicodedata.combining(sign))).strip("-")
