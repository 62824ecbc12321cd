"""Text that came from outside, made fit for a screen.

A terminal obeys characters that nobody sees: ESC and the C1 codes move its cursor, colour, rename or answer for it, and the marks of
bidirectional text show a line in another order than it has. Whatever a command prints of its data goes through here, JSON too: its
standard escapes the C0 codes alone.
"""

import re

UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
"""C0, DEL, C1; soft hyphens, joiners and marks without width; line and paragraph separators; marks, embeddings, overrides and isolates of
bidirectional text; half characters, which no encoding writes; tags."""


def visible(text: str, *, keeps_lines: bool = False) -> str:
    r"""Write characters that steer a terminal, or that nobody sees, as Python does: `\x1b`, `\u202e`.

    With `keeps_lines` ends of lines stay, in texts of ours that have several.
    """
    return UNSEEN.sub(lambda sign: sign[0] if keeps_lines and sign[0] == "\n" else _escape(sign[0]), text)


def visible_json(text: str) -> str:
    r"""Write the same characters in a JSON text as `\u001b`: a reader finds the very same values. Between values stand line ends alone."""
    return UNSEEN.sub(lambda sign: sign[0] if sign[0] == "\n" else _json_escape(sign[0]), text)


def shortened(text: str, most: int) -> str:
    """Cut a text that is longer than `most` characters, and tell how long it is."""
    return text if len(text) <= most else f"{text[:most]} … ({len(text):,} characters)"


def _escape(sign: str) -> str:
    return sign.encode("unicode_escape").decode()


def _json_escape(sign: str) -> str:
    units = sign.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[place : place + 2].hex()}" for place in range(0, len(units), 2))
