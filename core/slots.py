"""Slots: what is due at regular intervals. A slot spans one cadence in local time, and one delivery or record is expected in each.

In `slots`, a contract says who owes a slot (`by`):

    object    each object of the register `expectedObjects`; without a register, each object heard from within the last ten days
    feed      the feed as a whole: a slot is received if any record falls into it
    polls     the feed as a whole: a slot is received if a collection asked for its time, even if there was nothing to collect
    unknown   cannot be known; `reason` says why

`calendar` says on which days: every_day, working_days or school_days (seeds working_days, school_terms). `file` is a pattern that reads
the object and time from a file name, so that a delivery whose records were all quarantined still fills its slot, and a slot can be
fetched again by name. `lost` says why a missing slot of a feed without history cannot be fetched again.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property

from core.errors import ContractError
from core.local_time import LOCAL

FIRST_MONDAY = datetime(1970, 1, 5, tzinfo=LOCAL)
"""The origin of all slots, so that days begin at local midnight and weeks on Mondays; there is no daylight saving time."""

CALENDARS = ("every_day", "working_days", "school_days")
FILE_TIME = "%Y%m%d%H%M%S"
"""The format of the local time in a file name."""


class SlotsBy(StrEnum):
    """Who owes a slot."""

    OBJECT = "object"
    FEED = "feed"
    POLLS = "polls"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Slots:
    """The slots of a contract. `object` and `time` are columns; `file` has the named groups object and time."""

    by: SlotsBy
    object: str | None = None
    time: str | None = None
    calendar: str = "every_day"
    file: str | None = None
    lost: str | None = None
    reason: str | None = None

    def __post_init__(self) -> None:
        needed = {
            SlotsBy.OBJECT: ("object", "time"),
            SlotsBy.FEED: ("time",),
            SlotsBy.POLLS: (),
            SlotsBy.UNKNOWN: ("reason",),
        }[self.by]
        missing = [name for name in needed if not getattr(self, name)]
        if missing:
            raise ContractError(f"slots: expected {', '.join(missing)} with by {self.by}, got none")
        if self.calendar not in CALENDARS:
            raise ContractError(f"slots: expected a calendar of {', '.join(CALENDARS)}, got {self.calendar}")
        if self.file is not None and not {"object", "time"} <= set(re.compile(self.file).groupindex):
            raise ContractError(f"slots: expected a file pattern with the groups object and time, got {self.file}")

    @classmethod
    def read(cls, feed: str, facts: Mapping[str, str]) -> "Slots":
        """Read a contract's `slots`; raise ContractError naming the feed and what is wrong."""
        try:
            by = SlotsBy(facts.get("by", ""))
            return cls(by, **{name: fact for name, fact in facts.items() if name != "by"})
        except (ContractError, TypeError, ValueError, re.error) as error:
            raise ContractError(f"{feed}: {error}; see core/slots.py") from error

    @cached_property
    def _file(self) -> re.Pattern[str] | None:
        return None if self.file is None else re.compile(self.file)

    def named_by(self, file_name: str) -> tuple[str, datetime] | None:
        """Return the object and time that a file name states; None if it states neither."""
        match = self._file.search(file_name) if self._file else None
        if match is None:
            return None
        try:
            return match["object"], datetime.strptime(match["time"], FILE_TIME).replace(tzinfo=LOCAL)
        except ValueError:
            return None


def slot_start(moment: datetime, cadence: timedelta) -> datetime:
    """Return the start of the slot that contains an instant."""
    return FIRST_MONDAY + (moment.astimezone(LOCAL) - FIRST_MONDAY) // cadence * cadence
