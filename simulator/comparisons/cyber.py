"""What the marts of information security must show, worked out from the events that came out."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import polars as pl

from core.reference import Reference
from simulator import local_time
from simulator.comparisons.base import LOCAL, Comparison, Query, Truth, compare_headlines, compare_rows

OVERDUE, SILENT, AGENCY_DAYS = timedelta(hours=24), timedelta(minutes=60), 30
NO_AGENCY = {"agency_code": "none", "agency_name": "Chưa rõ cơ quan"}
DAYS_SQL = "select * from cyber.alert_days"
OPEN_SQL = "select * from cyber.open_critical_alerts"
STATES_SQL = "select * from cyber.log_source_states"
INDICATORS_SQL = "select * from cyber.threat_indicators"
AGENCIES_SQL = "select * from cyber.alert_agencies"


def comparisons(truth: Truth, query: Query, clock: datetime) -> Iterator[Comparison]:
    """Compare the days, what is open, the sources, the agencies, and the headlines."""
    events = _with_agencies(truth["cyber_events"])
    alerts = _alerts(events)
    days = _days(alerts)
    opened = _opened(alerts, clock)
    states = _states(events, clock)
    yield compare_rows("cyber.alert_days", days, query(DAYS_SQL))
    yield compare_rows("cyber.open_critical_alerts", opened, query(OPEN_SQL))
    yield compare_rows("cyber.log_source_states", states, query(STATES_SQL))
    yield compare_rows("cyber.alert_agencies", _agencies(alerts, opened, states, clock), query(AGENCIES_SQL))
    indicators = _indicators(truth["threat_indicators"], alerts, clock)
    yield compare_rows("cyber.threat_indicators", indicators, query(INDICATORS_SQL))
    newest = days.filter(pl.col("local_date") == pl.col("local_date").max())
    figures = {
        "overdue_critical_alerts": float(opened["is_overdue"].sum()),
        "silent_log_sources": float(states["is_silent"].sum()),
        "cyber_alerts": float(newest["alerts"].sum()),
    }
    yield compare_headlines("cyber", figures, query)


def _sources() -> pl.DataFrame:
    reference = Reference()
    agencies = reference.list_of("agencies").select("agency_code", "agency_name")
    return (
        reference.list_of("log_sources")
        .select("source_id", "source_name", "agency_code")
        .join(agencies, on="agency_code", how="left")
    )


def _with_agencies(events: pl.DataFrame) -> pl.DataFrame:
    return events.join(_sources(), on="source_id", how="left").with_columns(
        pl.col("source_name").fill_null(pl.col("source_id")),
        *(pl.col(name).fill_null(text) for name, text in NO_AGENCY.items()),
    )


def _alerts(events: pl.DataFrame) -> pl.DataFrame:
    steps = events.filter(pl.col("event_kind_code") == "status")
    key = ["source_id", "alert_id"]
    first = steps.group_by(key).agg(pl.col("observed_at").min().alias("responded_at"))
    done = steps.filter(pl.col("status_code") != "acknowledged")
    closed = done.group_by(key).agg(pl.col("observed_at").min().alias("closed_at"))
    return (
        events.filter(pl.col("event_kind_code") == "alert")
        .join(first, on=key, how="left")
        .join(closed, on=key, how="left")
        .with_columns(
            pl.col("observed_at").dt.convert_time_zone(LOCAL).dt.date().alias("local_date"),
            ((pl.col("responded_at") - pl.col("observed_at")).dt.total_seconds() / 60).alias("minutes"),
        )
    )


def _count(condition: pl.Expr) -> pl.Expr:
    return condition.sum().cast(pl.Int64)


def _days(alerts: pl.DataFrame) -> pl.DataFrame:
    blocked = pl.col("was_blocked")
    return alerts.group_by("local_date", "agency_code", "agency_name", "severity_level").agg(
        pl.len().cast(pl.Int64).alias("alerts"),
        _count(blocked).alias("blocked_alerts"),
        _count(~blocked).alias("let_through_alerts"),
        _count(blocked.is_null()).alias("unknown_action_alerts"),
        pl.col("machine").n_unique().cast(pl.Int64).alias("machines"),
        _count(pl.col("responded_at").is_not_null()).alias("responded_alerts"),
        pl.col("minutes").median().alias("median_response_minutes"),
    )


def _opened(alerts: pl.DataFrame, clock: datetime) -> pl.DataFrame:
    age = pl.lit(clock) - pl.col("observed_at")
    is_open = (pl.col("severity_level") == "critical") & pl.col("closed_at").is_null()
    return alerts.filter(is_open).select(
        "source_id",
        "alert_id",
        "source_name",
        "agency_code",
        "signature",
        "was_blocked",
        "observed_at",
        "responded_at",
        (age.dt.total_microseconds() / 3.6e9).alias("open_hours"),
        (age > OVERDUE).alias("is_overdue"),
    )


def _states(events: pl.DataFrame, clock: datetime) -> pl.DataFrame:
    of_itself = events.filter(pl.col("event_kind_code") != "status")
    heard = of_itself.group_by("source_id").agg(
        pl.col("observed_at").max().alias("last_heard_at"),
        pl.col("observed_at").filter(pl.col("event_kind_code") == "alert").max().alias("last_alert_at"),
    )
    listed = _sources().select("source_id", pl.lit(value=True).alias("is_listed"))
    silence = pl.lit(clock) - pl.col("last_heard_at")
    states = listed.join(heard, on="source_id", how="full", coalesce=True)
    return _with_agencies(states).select(
        "source_id",
        "source_name",
        "agency_code",
        "agency_name",
        pl.col("is_listed").fill_null(value=False),
        "last_heard_at",
        "last_alert_at",
        (silence.dt.total_microseconds() / 6e7).alias("silent_minutes"),
        (silence > SILENT).fill_null(value=True).alias("is_silent"),
    )


def _agencies(alerts: pl.DataFrame, opened: pl.DataFrame, states: pl.DataFrame, clock: datetime) -> pl.DataFrame:
    first_day = (clock - timedelta(seconds=1)).astimezone(local_time.LOCAL).date() - timedelta(days=AGENCY_DAYS)
    blocked = pl.col("was_blocked")
    counted = (
        alerts.filter(pl.col("local_date") > first_day)
        .group_by("agency_code")
        .agg(
            pl.len().cast(pl.Int64).alias("alerts"),
            _count(pl.col("severity_level") == "critical").alias("critical_alerts"),
            pl.col("machine").n_unique().cast(pl.Int64).alias("machines"),
            (100 * blocked.mean()).alias("blocked_percent"),
            (100 * pl.col("responded_at").is_not_null().mean()).alias("responded_percent"),
            pl.col("minutes").median().alias("median_response_minutes"),
        )
    )
    waiting = opened.group_by("agency_code").agg(
        pl.len().cast(pl.Int64).alias("open_critical_alerts"),
        _count(pl.col("is_overdue")).alias("overdue_critical_alerts"),
    )
    counts = ("alerts", "critical_alerts", "machines", "open_critical_alerts", "overdue_critical_alerts")
    return (
        states.group_by("agency_code", "agency_name")
        .agg(
            pl.len().cast(pl.Int64).alias("log_sources"),
            _count(pl.col("is_silent")).alias("silent_log_sources"),
        )
        .join(counted, on="agency_code", how="left")
        .join(waiting, on="agency_code", how="left")
        .with_columns(pl.col(counts).fill_null(0))
    )


def _indicators(versions: pl.DataFrame, alerts: pl.DataFrame, clock: datetime) -> pl.DataFrame:
    indicators = versions.sort("modified_at").unique("indicator_id", keep="last")
    is_over = pl.col("valid_until").is_not_null() & (pl.col("valid_until") <= pl.lit(clock))
    pairs = indicators.filter(~pl.col("is_revoked") & pl.col("observable").is_not_null()).join(alerts, how="cross")
    names_it = (pl.col("observable") == pl.col("attacker")) | (pl.col("observable") == pl.col("host"))
    was_valid = (pl.col("observed_at") >= pl.col("valid_from")) & (
        pl.col("valid_until").is_null() | (pl.col("observed_at") < pl.col("valid_until"))
    )
    matched = (
        pairs.filter(names_it & was_valid)
        .group_by("indicator_id")
        .agg(
            pl.len().cast(pl.Int64).alias("matched_alerts"),
            pl.col("machine").n_unique().cast(pl.Int64).alias("machines"),
            pl.col("observed_at").max().alias("last_matched_at"),
        )
    )
    is_compared = pl.col("observable").is_not_null()
    return indicators.join(matched, on="indicator_id", how="left").select(
        "indicator_id",
        is_compared.alias("is_compared"),
        "valid_until",
        "is_revoked",
        (~pl.col("is_revoked") & (pl.col("valid_from") <= pl.lit(clock)) & ~is_over).alias("is_in_force"),
        *(pl.when(is_compared).then(pl.col(name).fill_null(0)).alias(name) for name in ("matched_alerts", "machines")),
        "last_matched_at",
    )
