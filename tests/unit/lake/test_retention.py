"""Which releases are kept: a query as of any available time gets the answer it got then."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ConfigurationError
from core.local_time import LOCAL
from core.settings import Settings
from lake.retention import Publication, Retention, months_before, needed_versions, retention_of

NOW = datetime(2026, 11, 20, 5, 30, tzinfo=UTC)
POLICY = Retention(each_days=7, hourly_days=90, daily_months=36)


def published(*times: datetime, domain: str = "feedback", first: int = 1) -> list[Publication]:
    """Return releases of a domain, with versions ten times their ids."""
    return [Publication(domain, number, number * 10, time) for number, time in enumerate(times, first)]


def kept(*times: datetime) -> list[int]:
    """Return the numbers, from 1 on, of the releases that are needed now."""
    return sorted(version // 10 for version in needed_versions(published(*times), NOW, POLICY))


def ago(days: float = 0, **more: float) -> datetime:
    """Return a time before now."""
    return NOW - timedelta(days=days, **more)


def test_the_policy_of_the_settings_is_a_week_a_quarter_three_years() -> None:
    assert retention_of(Settings()) == POLICY


@pytest.mark.parametrize("spans", [(0, 90, 36), (91, 90, 36), (7, 1200, 36)])
def test_spans_that_shrink_are_refused(spans: tuple[int, int, int]) -> None:
    with pytest.raises(
        ConfigurationError, match="expected spans of at least a day, each as long as the one before or longer"
    ):
        Retention(*spans)


def test_the_release_in_force_stays_however_old() -> None:
    assert kept(ago(days=4000)) == [1]
    assert kept(ago(days=4000), ago(days=3000)) == [2]


def test_each_release_stays_for_a_week_and_the_one_in_force_as_the_week_began() -> None:
    assert kept(ago(days=7, minutes=5), ago(days=7, minutes=2), ago(days=7, minutes=-1), ago(minutes=1)) == [2, 3, 4]


def test_after_a_week_the_last_of_an_hour_stays() -> None:
    ten = datetime(2026, 10, 1, 10, tzinfo=UTC)
    times = [ten, ten + timedelta(minutes=30), ten + timedelta(minutes=59), ten + timedelta(minutes=60), ago(minutes=1)]
    assert kept(*times) == [3, 4, 5]


def test_after_a_quarter_the_last_of_a_local_day_stays() -> None:
    midnight = datetime(2026, 3, 1, tzinfo=LOCAL)
    times = [midnight - timedelta(hours=7), midnight - timedelta(minutes=1), midnight, midnight + timedelta(hours=7)]
    assert kept(*(time.astimezone(UTC) for time in times), ago(minutes=1)) == [2, 4, 5]


def test_after_three_years_nothing_stays_but_what_was_in_force_as_they_began() -> None:
    began = months_before(NOW, 36)
    times = [began - timedelta(days=9), began - timedelta(days=8), began + timedelta(days=8), ago(minutes=1)]
    assert kept(*times) == [2, 3, 4]


def test_domains_are_counted_apart() -> None:
    ten = datetime(2026, 10, 1, 10, tzinfo=UTC)
    one = published(ten, ago(minutes=2))
    other = published(ten + timedelta(minutes=1), ago(minutes=1), domain="health", first=3)
    assert needed_versions([*one, *other], NOW, POLICY) == {10, 20, 30, 40}
    assert needed_versions([], NOW, POLICY) == frozenset()


@pytest.mark.parametrize(
    ("time", "months", "expected"),
    [
        ("2026-11-20T12:30:00+07:00", 36, "2023-11-20T12:30:00+07:00"),
        ("2024-02-29T12:30:00+07:00", 36, "2021-02-28T12:30:00+07:00"),
        ("2026-01-01T00:00:00+07:00", 1, "2025-12-01T00:00:00+07:00"),
        ("2026-05-31T20:00:00+00:00", 3, "2026-03-01T03:00:00+07:00"),
    ],
)
def test_months_are_those_of_the_calendar(time: str, months: int, expected: str) -> None:
    assert months_before(datetime.fromisoformat(time), months) == datetime.fromisoformat(expected)


def in_force(releases: list[Publication], time: datetime) -> int | None:
    """Return the version that a reader sees as of a time."""
    shown = [release.marts_version for release in releases if release.published_at <= time]
    return shown[-1] if shown else None


@given(st.integers(0, 10**9), st.booleans())
def test_whatever_can_be_asked_for_is_kept(seed: int, has_wrong_clock: bool) -> None:
    """Any time of the week, the end of any hour of the quarter and of any day of the years, even if a clock went back."""
    draw = Random(seed)
    times = [ago(days=draw.choice([1, 8, 30, 100, 400, 1200]) * draw.random()) for _ in range(draw.randint(1, 40))]
    releases = published(*(times if has_wrong_clock else sorted(times)))
    versions = needed_versions(releases, NOW, POLICY)
    hours = [NOW - timedelta(hours=hours) for hours in draw.sample(range(90 * 24), 40)]
    days = [(NOW - timedelta(days=days)).astimezone(LOCAL) for days in draw.sample(range(3 * 365), 40)]
    ends = [time.replace(minute=0) for time in hours] + [time.replace(hour=0, minute=0) for time in days]
    asked = [ago(days=7 * draw.random()) for _ in range(20)] + [end - timedelta(microseconds=1) for end in ends]
    shown = {in_force(releases, time) for time in asked} - {None}
    assert shown <= versions


def test_a_hundred_thousand_releases_become_four_thousand() -> None:
    """A release every five minutes for 347 days: all 2,017 of a week, the last of each hour for 83 days, of each day for 257 days."""
    count, every = 100_000, timedelta(minutes=5)
    releases = published(*(NOW - every * age for age in reversed(range(count))))
    assert len(needed_versions(releases, NOW, POLICY)) == 2_017 + 83 * 24 + 257
