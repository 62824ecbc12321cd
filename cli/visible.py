"""Make text from outside safe to print.

A terminal obeys invisible characters: ESC and the C1 codes move its cursor, colour text, rename the window or type input, and marks of
bidirectional text show a line in another order. All data that a command prints goes through here, JSON too, since the JSON standard
escapes only the C0 codes.
"""

import re

UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
"""C0, DEL, C1; soft hyphens, joiners and zero-width marks; line and paragraph separators; marks, embeddings, overrides and isolates of
bidirectional text; lone surrogates; tags."""


def visible(text: str, *, keeps_lines: bool = False) -> str:
    r"""Escape characters that control a terminal, or are invisible, as Python does: `\x1b`, `\u202e`.

    With `keeps_lines`, line ends are kept, for our own texts of several lines.
    """
    return UNSEEN.sub(lambda sign: sign[0] if keeps_lines and sign[0] == "\n" else _escape(sign[0]), text)


def visible_json(text: str) -> str:
    r"""Escape the same characters in a JSON text as `\u001b`, which keeps its values; line ends occur only between values."""
    return UNSEEN.sub(lambda sign: sign[0] if sign[0] == "\n" else _json_escape(sign[0]), text)


def shortened(text: str, most: int) -> str:
    """Cut a text that is longer than `most` characters, and append its length."""
    return text if len(text) <= most else f"{text[:most]} … ({len(text):,} characters)"


def _escape(sign: str) -> str:
    return sign.encode("unicode_escape").decode()


def _json_escape(sign: str) -> str:
    units = sign.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[place : place + 2].hex()}" for place in range(0, len(units), 2))
