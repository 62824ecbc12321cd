"""Text in another encoding than UTF-8, as a contract declares it; an encoding is never guessed."""

import codecs

from core.errors import DeliveryError
from core.table_forms import TCVN3

_CONTROLS = {
    0x01: "Ú",
    0x02: "Ụ",
    0x04: "Ừ",
    0x05: "Ử",
    0x06: "Ữ",
    0x11: "Ứ",
    0x12: "Ự",
    0x13: "Ỳ",
    0x14: "Ỷ",
    0x15: "Ỹ",
    0x16: "Ý",
    0x17: "Ỵ",
}
_TCVN_5712 = "".join(_CONTROLS.get(sign, sign) for sign in map(chr, range(0x80))) + (
    "ÀẢÃÁẠẶẬÈẺẼÉẸỆÌỈĨÍỊÒỎÕÓỌỘỜỞỠỚỢÙỦŨ"
    "\u00a0ĂÂÊÔƠƯĐăâêôơưđẰ\u0300\u0309\u0303\u0301\u0323àảãáạẲằẳẵắẴ"
    "ẮẦẨẪẤỀặầẩẫấậèỂẻẽéẹềểễếệìỉỄẾỒĩíịò"
    "ỔỏõóọồổỗốộờởỡớợùỖủũúụừửữứựỳỷỹýỵỐ"
)
"""TCVN 5712:1993, as the C library's `TCVN5712-1` reads it: the fonts `.VnTime` and alike (ABC, TCVN3) are written by it."""


def decoded(document: bytes, encoding: str) -> bytes:
    """Return a document as UTF-8.

    A byte that the encoding does not have comes as its escape, so that it costs its record alone. Raises DeliveryError for
    UTF-16 that breaks off within a character.
    """
    if encoding == TCVN3:
        return codecs.charmap_decode(document, "strict", _TCVN_5712)[0].encode()
    try:
        text = document.decode(encoding, errors="strict" if encoding.startswith("utf-") else "backslashreplace")
    except UnicodeDecodeError as error:
        raise DeliveryError(
            f"delivery: expected text in {encoding}, got bytes that break it at {error.start + 1}; send the file again",
            reason="not_in_encoding",
        ) from error
    return text.removeprefix("\ufeff").encode()
