"""How overdue a repair is: the age of a quarantined record in working days, against the deadlines of an incident.

The deadlines (5 working days to review, 10 to fix and send again, 15 if it is complex) are in the seed `incident_stages`, the calendar
in `working_days`; the mart `quarantine_ages` reads the same two. An age counts the working days that began after the day of the record,
today included; it is unknown beyond the calendar.
"""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, datetime

from core.local_time import LOCAL
from core.reference import Reference

UNKNOWN = "unknown"


@dataclass(frozen=True)
class Age:
    """Working days, None beyond the calendar, and the stage they mean."""

    working_days: int | None
    stage: str


class IncidentClock:
    """Computes ages as of one moment."""

    def __init__(self, reference: Reference, now: datetime) -> None:
        days = reference.list_of("working_days").select("local_date", "is_working_day").rows()
        self._known = {date.fromisoformat(day) for day, _ in days}
        self._working = sorted(date.fromisoformat(day) for day, is_working in days if is_working)
        self._stages = sorted(reference.list_of("incident_stages").select("from_working_days", "stage").rows())
        self._today = now.astimezone(LOCAL).date()

    def age_of(self, since: datetime) -> Age:
        """Return the age in working days of something that began at a moment."""
        first = since.astimezone(LOCAL).date()
        if first not in self._known or self._today not in self._known:
            return Age(None, UNKNOWN)
        days = max(bisect_right(self._working, self._today) - bisect_right(self._working, first), 0)
        return Age(days, [stage for least, stage in self._stages if least <= days][-1])
