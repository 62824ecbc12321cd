"""The city's clock: Asia/Ho_Chi_Minh is UTC+7, without summer time, so a fixed offset is enough."""

from datetime import UTC, date, datetime, time, timedelta, timezone

LOCAL = timezone(timedelta(hours=7))
FUTURE = timedelta(days=3653)
"""How far a wrong clock runs ahead in the fault `future_time`: ten years, in the future whenever it is received."""


def midnight(day: date) -> datetime:
    """Return the beginning of a local day."""
    return datetime.combine(day, time(), LOCAL)


def in_utc(moment: datetime) -> datetime:
    """Return the same moment in UTC."""
    return moment.astimezone(UTC)
