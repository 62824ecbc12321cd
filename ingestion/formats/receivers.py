"""What an AIS receiver says about a sentence it heard: when it was heard, and by whom.

Three conventions: an NMEA 4 tag block before the sentence, fields after the checksum (US Coast Guard), and the sentence `$PGHP`
of GateHouse on the line before.

A tag block has a checksum of its own. The Norwegian Coastal Administration (Kystverket) stamps a line first and groups it with its siblings
afterwards: its checksums leave the group field out. Both are accepted: the sentence after the block has its own checksum, and a wrong
group only separates fragments, which then stay orphans.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

TAG_GROUP = re.compile(r"g|\d+G\d+", re.ASCII)
EPOCH_SECONDS, EPOCH_MILLISECONDS = re.compile(r"\d{10}", re.ASCII), re.compile(r"\d{13}", re.ASCII)
RECEIVER = re.compile(r"[br]\w+", re.ASCII)
FIRST_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)


class Heard(NamedTuple):
    """When a sentence was heard (microseconds since 1970, UTC) and by which receiver."""

    at: int | None = None
    receiver: str | None = None

    def or_else(self, other: "Heard") -> "Heard":
        """Fill in from another source what is not known."""
        return Heard(other.at if self.at is None else self.at, self.receiver or other.receiver)


def checksum(text: str) -> int:
    """Return the exclusive or of all bytes (NMEA 0183), computed by folding one large number in halves."""
    content = text.encode()
    number, shift = int.from_bytes(content, "big"), 8
    while shift < 8 * len(content):
        shift *= 2
    while shift > 8:
        shift //= 2
        number ^= number >> shift
    return number & 0xFF


def is_sound_tag_block(text: str, stated: int) -> bool:
    """Whether the checksum of a tag block fits it as it stands, or as it was before it was grouped."""
    fields = text.split(",")
    ungrouped = [part for part in fields if not TAG_GROUP.fullmatch(part.partition(":")[0])]
    return checksum(text) == stated or (len(ungrouped) < len(fields) and checksum(",".join(ungrouped)) == stated)


def read_tag_block(text: str) -> tuple[Heard, str]:
    """Return time and source, and the id that links the lines of a group (`g:1-2-0136`, `1G2:0136`)."""
    fields = dict(part.partition(":")[::2] for part in reversed(text.split(",")))
    groups = [value.rpartition("-")[2] for key, value in fields.items() if TAG_GROUP.fullmatch(key)]
    return Heard(_epoch(fields.get("c", "")), fields.get("s") or None), groups[0] if groups else ""


def read_trailer(text: str) -> Heard:
    """Read what receivers write after the checksum: their name (`b003669976`, `r09STOL1`) and, last, an epoch."""
    fields = text.split(",")
    times = [time for part in fields if (time := _epoch(part)) is not None]
    names = [part for part in fields if RECEIVER.fullmatch(part)]
    return Heard(times[-1] if times else None, names[-1] if names else None)


def read_gatehouse(fields: list[str]) -> Heard | None:
    """Read `PGHP,1,year,month,day,hour,minute,second,millisecond,country,region,site,...`; None if it holds no valid time."""
    try:
        year, month, day, hour, minute, second, milliseconds = map(int, fields[2:9])
        moment = datetime(year, month, day, hour, minute, second, milliseconds * 1000, tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return Heard((moment - FIRST_MOMENT) // timedelta(microseconds=1), fields[11] or None if len(fields) > 11 else None)


def _epoch(text: str) -> int | None:
    if EPOCH_SECONDS.fullmatch(text):
        return int(text) * 1_000_000
    return int(text) * 1000 if EPOCH_MILLISECONDS.fullmatch(text) else None
