r"""Messages in the Common Event Format (CEF), bare or behind a syslog header.

    CEF:0|Vendor|Product|1.0|signature id|name|severity|key=value key=value with spaces rt=1763600700000

    message    = "CEF:" [" "] version 6*("|" field) "|" extension       some devices write a space after the colon
    field      = *(any character but | and \, or a backslash and any character)     \| is |, \\ is \
    extension  = [pair *(space pair)]
    pair       = key "=" value                                         a key is letters, digits and _ . - [ ]
    value      = text up to the next space and key "="                 \= is =, \\ is \, \n and \r end a line

Any other character after a backslash keeps it (`\"`): devices escape more than the format knows. An `=` within a value need not be escaped
as long as no space and key stand before it, as in an address. Spaces around a value do not belong to it. Of a repeated key the first
counts.

The library that was tried (jc) loses an escaped `|` in the header, and reads neither the space after the colon nor an empty field.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from ingestion.formats.syslog import Header, read_header

MARK = re.compile(r"CEF: ?(?=\d)", re.ASCII)
MESSAGE = re.compile(r"CEF: ?\d{1,3}" + r"\|((?:[^|\\]|\\.)*)" * 6 + r"\|(.*)", re.ASCII | re.DOTALL)
KEY = re.compile(r"(?:^|(?<=\s))([A-Za-z0-9_.\[\]-]{1,128})=", re.ASCII)
ESCAPED = re.compile(r"\\(.)", re.DOTALL)
IN_FIELDS = {"|": "|", "\\": "\\"}
IN_VALUES = {"=": "=", "\\": "\\", "n": "\n", "r": "\r"}

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECONDS = re.compile(r"\d{13}", re.ASCII)
DATE_AND_TIME = re.compile(
    r"([A-Z][a-z]{2}) (\d\d?) (\d{4}) (\d\d:\d\d:\d\d(?:\.\d{3})?) (?:(GMT|UTC|Z)|(?:GMT)?([+-]\d\d):?(\d\d))", re.ASCII
)
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
TIME_KEYS = ("rt", "end", "start")
"""When the device received the event, and when the event ended and began; the first of them that is an instant counts."""


@dataclass(frozen=True)
class CefMessage:
    """A message: its syslog header, the fields of its own header that are used, and the pairs of its extension without empty ones."""

    header: Header
    signature_id: str
    name: str
    severity: str
    extension: Mapping[str, str]

    def first(self, *keys: str) -> str | None:
        """Return the value of the first of these keys that has one."""
        return next((self.extension[key] for key in keys if key in self.extension), None)

    @property
    def told_at(self) -> str | None:
        """The time of the event in ISO 8601 with its offset; if no key and no header has one, what came instead."""
        told = [self.extension[key] for key in TIME_KEYS if key in self.extension]
        instants = (instant for text in told if (instant := read_instant(text)) is not None)
        return next(instants, self.header.time or (told[0] if told else None))


def read_cef(line: str) -> CefMessage | None:
    """Read a line that holds a message; None if its header or its form is broken."""
    mark = MARK.search(line)
    found = MESSAGE.fullmatch(line, mark.start()) if mark else None
    header = read_header(line[: mark.start()]) if mark else None
    extension = read_extension(found[7]) if found else None
    if found is None or header is None or extension is None:
        return None
    signature_id, name, severity = (_unescaped(found[place], IN_FIELDS).strip() for place in (4, 5, 6))
    return CefMessage(header, signature_id, name, severity, extension)


def read_extension(text: str) -> dict[str, str] | None:
    """Return the pairs that have a value; None if there is text before the first key."""
    keys = list(KEY.finditer(text))
    if text[: keys[0].start() if keys else None].strip():
        return None
    ends = [*(key.start() for key in keys[1:]), len(text)][: len(keys)]
    pairs: dict[str, str] = {}
    for key, end in zip(keys, ends, strict=True):
        pairs.setdefault(key[1], _unescaped(text[key.end() : end].strip(), IN_VALUES))
    return {key: value for key, value in pairs.items() if value}


def read_instant(text: str) -> str | None:
    """Return milliseconds since 1970, or `Nov 20 2026 08:05:00 GMT`, in ISO 8601; None for anything else, also a time without a zone."""
    if MILLISECONDS.fullmatch(text):
        return (EPOCH + timedelta(milliseconds=int(text))).isoformat()
    found = DATE_AND_TIME.fullmatch(text)
    if found is None or found[1] not in MONTHS:
        return None
    hours, minutes = (int(f"{(found[6] or '+00')[0]}{part or 0}") for part in ((found[6] or "+00")[1:], found[7]))
    try:
        zone = timezone(timedelta(hours=hours, minutes=minutes))
        date = f"{found[3]}-{MONTHS.index(found[1]) + 1:02}-{int(found[2]):02}"
        return datetime.fromisoformat(f"{date}T{found[4]}").replace(tzinfo=zone).isoformat()
    except ValueError:
        return None


def _unescaped(text: str, meanings: Mapping[str, str]) -> str:
    return ESCAPED.sub(lambda found: meanings.get(found[1], found[0]), text) if "\\" in text else text
