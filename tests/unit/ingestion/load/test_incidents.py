"""How old a quarantined record is, in working days, and what that means."""

from datetime import UTC, datetime

import pytest

from core.reference import Reference
from ingestion.load.incidents import Age, IncidentClock

NOW = datetime(2026, 11, 22, 18, 30, tzinfo=UTC)
"""Half past one on Monday, 23 November, in Huế: the moment of the unit test of `quarantine_ages`, with the same ages."""


@pytest.mark.parametrize(
    ("since", "age"),
    [
        ("2026-11-22T18:00:00+00:00", Age(0, "in_time")),
        ("2026-11-22T01:00:00+00:00", Age(1, "in_time")),
        ("2026-11-13T17:00:00+00:00", Age(6, "review_due")),
        ("2026-11-15T17:00:00+00:00", Age(5, "in_time")),
        ("2026-11-08T17:00:00+00:00", Age(10, "review_due")),
        ("2026-11-08T16:59:59+00:00", Age(11, "fix_due")),
        ("2026-11-01T17:00:00+00:00", Age(15, "fix_due")),
        ("2026-10-30T10:00:00+00:00", Age(16, "overdue")),
        ("2026-11-24T10:00:00+00:00", Age(0, "in_time")),
        ("2024-12-31T10:00:00+00:00", Age(None, "unknown")),
    ],
)
def test_an_age_counts_working_days_after_the_local_day(since: str, age: Age) -> None:
    assert IncidentClock(Reference(), NOW).age_of(datetime.fromisoformat(since)) == age


def test_an_age_is_unknown_where_the_calendar_has_ended() -> None:
    later = datetime(2030, 1, 1, tzinfo=UTC)
    assert IncidentClock(Reference(), later).age_of(NOW) == Age(None, "unknown")
