"""Which releases are still available.

A reader asks for a release by a time, "as of 08:00", so a release is needed as long as it was in force at a time that is still available:
any time of the last days, the end of any hour of the last months, the end of any day of the last years. That keeps every release for the
first span, the last of each hour for the second, the last of each day for the third, and for each span also the release in force at its
beginning, which may be older. Hours and days are local. The release in force is always needed.
"""

from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, pairwise

from core.errors import ConfigurationError
from core.local_time import LOCAL
from core.settings import Settings


@dataclass(frozen=True)
class Publication:
    """A release as retention sees it; `marts_version` is its snapshot of `marts`."""

    domain: str
    release_id: int
    marts_version: int
    published_at: datetime


@dataclass(frozen=True)
class Retention:
    """How long every release, the last of each hour and the last of each day are kept; ConfigurationError if these spans shrink."""

    each_days: int
    hourly_days: int
    daily_months: int

    def __post_init__(self) -> None:
        if not 1 <= self.each_days <= self.hourly_days <= self.daily_months * 31:
            raise ConfigurationError(
                f"retention: expected spans of at least a day, each as long as the one before or longer, "
                f"got {self.each_days} days for every release, {self.hourly_days} days hourly, {self.daily_months} months daily; "
                "see IOC_RETENTION_* in .env.example"
            )


def retention_of(settings: Settings) -> Retention:
    """Return the policy of the settings."""
    return Retention(settings.retention_each_days, settings.retention_hourly_days, settings.retention_daily_months)


def needed_versions(publications: Iterable[Publication], now: datetime, policy: Retention) -> frozenset[int]:
    """Return the versions of `marts` still available at `now`; releases are ordered by id, not by clock."""
    since_each = now - timedelta(days=policy.each_days)
    since_hourly = now - timedelta(days=policy.hourly_days)
    since_daily = months_before(now, policy.daily_months)

    def is_needed(release: Publication, successor: Publication) -> bool:
        began, ended = release.published_at, successor.published_at
        if ended > since_each:
            return True
        if ended > since_hourly and _hour(began) != _hour(ended):
            return True
        return ended > since_daily and began.astimezone(LOCAL).date() != ended.astimezone(LOCAL).date()

    needed: set[int] = set()
    in_order = sorted(publications, key=lambda one: (one.domain, one.release_id))
    for _, of_domain in groupby(in_order, key=lambda one: one.domain):
        releases = list(of_domain)
        needed |= {release.marts_version for release, successor in pairwise(releases) if is_needed(release, successor)}
        needed.add(releases[-1].marts_version)
    return frozenset(needed)


def months_before(time: datetime, months: int) -> datetime:
    """Return the same local time `months` months earlier; a day that the month lacks becomes its last day."""
    local = time.astimezone(LOCAL)
    year, month = divmod(local.year * 12 + local.month - 1 - months, 12)
    day = min(local.day, monthrange(year, month + 1)[1])
    return local.replace(year=year, month=month + 1, day=day)


def _hour(time: datetime) -> datetime:
    return time.replace(minute=0, second=0, microsecond=0)
