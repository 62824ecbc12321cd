"""Text in another encoding than UTF-8, as a contract declares it; an encoding is never guessed."""

from core.errors import DeliveryError
from core.table_forms import TCVN3

_TCVN_5712 = {
    **dict(zip((1, 2, 4, 5, 6, *range(0x11, 0x18)), "ÚỤỪỬỮỨỰỲỶỸÝỴ", strict=True)),
    **dict(
        zip(
            range(0x80, 0x100),
            "ÀẢÃÁẠẶẬÈẺẼÉẸỆÌỈĨÍỊÒỎÕÓỌỘỜỞỠỚỢÙỦŨ"
            "\u00a0ĂÂÊÔƠƯĐăâêôơưđẰ\u0300\u0309\u0303\u0301\u0323àảãáạẲằẳẵắẴ"
            "ẮẦẨẪẤỀặầẩẫấậèỂẻẽéẹềểễếệìỉỄẾỒĩíịò"
            "ỔỏõóọồổỗốộờởỡớợùỖủũúụừửữứựỳỷỹýỵỐ",
            strict=True,
        )
    ),
}
"""TCVN 5712:1993, as the C library's `TCVN5712-1` reads it: text in fonts such as `.VnTime` (ABC, TCVN3) is encoded in it."""


def decoded(document: bytes, encoding: str) -> bytes:
    """Return a document as UTF-8.

    A byte that the encoding does not have is escaped, so that it costs only its own record. Raises DeliveryError for
    UTF-16 that breaks off within a character.
    """
    if encoding == TCVN3:
        return document.decode("latin-1").translate(_TCVN_5712).encode()
    try:
        text = document.decode(encoding, errors="strict" if encoding.startswith("utf-") else "backslashreplace")
    except UnicodeDecodeError as error:
        raise DeliveryError(
            f"delivery: expected text in {encoding}, got bytes that break it at {error.start + 1}; send the file again",
            reason="not_in_encoding",
        ) from error
    return text.removeprefix("\ufeff").encode()
