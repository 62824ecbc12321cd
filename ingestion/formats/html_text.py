"""The plain text of a piece of HTML, as news feeds have it in titles and summaries: without tags, its entities decoded, its spaces single.

One pass over the text, so that a hostile one costs no more than its length. A sign `<` before anything but a letter is a sign.
"""

import html
import re
import unicodedata

TAG = re.compile(r"<(/?[A-Za-z!][^<>]*)>")
HIDDEN = ("script", "style")
"""Elements whose content is not shown."""


def plain_text(text: str) -> str:
    """Return what a reader sees of a piece of HTML, in Unicode NFC."""
    shown: list[str] = []
    hidden_by = None
    for index, part in enumerate(TAG.split(text)):
        name = part.split(maxsplit=1)[0].lower() if index % 2 else ""
        if hidden_by is None and name in HIDDEN:
            hidden_by = name
        elif hidden_by is not None and name == f"/{hidden_by}":
            hidden_by = None
        elif hidden_by is None:
            shown.append(" " if index % 2 else part)
    return " ".join(unicodedata.normalize("NFC", html.unescape("".join(shown))).split())
