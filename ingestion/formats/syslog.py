"""The header that a syslog server writes before a message: RFC 5424, or RFC 3164 in the forms in which devices send it.

    <14>1 2026-11-20T08:05:00+07:00 fw-01 app 411 ID47 [example@32473 iut="3"] MESSAGE      RFC 5424
    <14>Nov 20 08:05:00 fw-01 app[411]: MESSAGE                                             RFC 3164
    2026-11-20T08:05:00.123+07:00 fw-01 MESSAGE                                             a time in ISO 8601

Priority, time, host and tag may each be missing, or all of them. A time of RFC 3164 has neither year nor zone: it is returned as it came,
and is no instant.
"""

import re
from typing import NamedTuple

HEADER_LIMIT = 4096
"""A longer header is none: structured data of real devices has some hundred bytes."""

HIGHEST_PRIORITY = 191
ISO_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?"
BSD_TIME = r"[A-Z][a-z]{2} [ \d]\d(?: \d{4})? \d\d:\d\d:\d\d"
STRUCTURED = r'(?:-|(?:\[(?:[^\]"\\]|"(?:[^"\\]|\\.)*")*\])+)'
RFC_5424 = re.compile(rf"<(\d{{1,3}})>1 ({ISO_TIME}|-) (\S+) \S+ \S+ \S+ {STRUCTURED} ?\ufeff?", re.ASCII)
RFC_3164 = re.compile(
    rf"(?:<(\d{{1,3}})>)?(?:({ISO_TIME}|{BSD_TIME}) +)?(?:([^\s<>]*[^\s<>:]) +)?(?:[^\s<>]{{1,64}}: *)?", re.ASCII
)


class Header(NamedTuple):
    """When a message was sent, as the header writes it, and by which host."""

    time: str | None = None
    host: str | None = None


def read_header(text: str) -> Header | None:
    """Read what stands before a message; None if it is no header."""
    if len(text) > HEADER_LIMIT:
        return None
    found = RFC_5424.fullmatch(text) or RFC_3164.fullmatch(text)
    if found is None or int(found[1] or 0) > HIGHEST_PRIORITY:
        return None
    time, host = (None if part == "-" else part for part in found.groups()[1:])
    return Header(time, host)


def is_syslog(line: str) -> bool:
    """Whether a line begins as a message with a priority, or with a time and a host."""
    return re.match(rf"<\d{{1,3}}>|(?:{ISO_TIME}|{BSD_TIME}) +\S+ ", line, re.ASCII) is not None
