"""Hold the released marts against the truth of a simulated day.

Each comparison works out from the truth, in polars and with no line of the pipeline's SQL, which rows a mart must show, and compares
whole tables. What differs comes back as differences; none is the only good answer.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl
import polars.selectors as cs

Query = Callable[[str], pl.DataFrame]
"""Runs SQL over the released marts."""

LOCAL = "Asia/Ho_Chi_Minh"
SLOTS_PER_HOUR = 12
LEAST_SLOTS = 9
"""75 % of an hour's twelve slots."""

CLOSED = ("closed", "resolved", "no_further_action", "duplicate", "not_responsible")
SILENCE = timedelta(hours=6)
DECIMALS = 6


@dataclass(frozen=True)
class Comparison:
    """One mart against the truth: how many rows were compared, and examples of what differs (`truth` or `mart` has it alone)."""

    mart: str
    rows: int
    differences: tuple[str, ...]


def compare(truth: Mapping[str, pl.DataFrame], query: Query, clock: datetime) -> list[Comparison]:
    """Compare every mart; `clock` is the clock of the build."""
    return [
        _compare("quality.ledger_totals", _ledger(truth), query(LEDGER_SQL)),
        _compare("environment.air_quality_hours", _hour_means(truth), query(HOURS_SQL)),
        _compare("environment.station_uptime_days", _uptime(truth), query(UPTIME_SQL)),
        _compare("environment.river_levels", truth["river_levels"], query(RIVER_SQL)),
        _compare("feedback.feedback_cases", _cases(truth, clock), query(CASES_SQL)),
        _compare("feedback.feedback_agency_days", _agency_days(truth, clock), query(AGENCY_SQL)),
        _compare("fisheries.vessels_last_seen", _last_seen(truth, clock), query(LAST_SEEN_SQL)),
        _compare("fisheries.vessel_gaps", _silences(truth), query(GAPS_SQL)),
    ]


LEDGER_SQL = "select feed, received, accepted, duplicate, quarantined from quality.ledger_totals"
HOURS_SQL = """
    select station_id, hour_at, pm2_5_ug_m3 as pm2_5, pm10_ug_m3 as pm10, o3_ug_m3 as o3
    from environment.air_quality_hours
    where coalesce(pm2_5_ug_m3, pm10_ug_m3, o3_ug_m3) is not null
"""
UPTIME_SQL = """
    select station_id, local_date, received_slots, valid_slots from environment.station_uptime_days where received_slots > 0
"""
RIVER_SQL = "select gauge_id, measured_at, level_m, trend_code from environment.river_levels"
CASES_SQL = """
    select service_request_id, agency_code, commune_code, service_code, status_code as status, requested_at,
        last_changed_at as version_at, expected_at, closed_at, satisfaction_rating, latitude, longitude, is_on_time, is_overdue
    from feedback.feedback_cases
"""
AGENCY_SQL = """
    select agency_code, local_date, received_cases, closed_cases, on_time_cases, overdue_cases
    from feedback.feedback_agency_days where received_cases > 0
"""
LAST_SEEN_SQL = """
    select source_code, vessel_id, last_fix_at, latitude, longitude, is_silent_6h
    from fisheries.vessels_last_seen
"""
GAPS_SQL = """
    select vessel_id, gap_started_at as started_at, gap_ended_at as ended_at
    from fisheries.vessel_gaps where is_silence_6h and source_code = 'vms' and gap_ended_at is not null
"""


def _ledger(truth: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    return truth["ledger"].drop("deliveries")


def _hour_means(truth: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    valid = truth["readings"].filter(pl.col("status_code") == "00")
    means = (
        valid.with_columns(hour_at=pl.col("measured_at").dt.truncate("1h"))
        .group_by("station_id", "hour_at", "parameter_code")
        .agg(pl.col("value_in_reference_unit").mean().alias("mean"), pl.len().alias("slots"))
        .filter(pl.col("slots") >= LEAST_SLOTS)
    )
    wide = means.pivot("parameter_code", index=["station_id", "hour_at"], values="mean")
    named = wide.select("station_id", "hour_at", pm2_5="PM2.5", pm10="PM10", o3="O3")
    return named.filter(pl.any_horizontal(pl.col("pm2_5", "pm10", "o3").is_not_null()))


def _uptime(truth: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    slots = truth["readings"].with_columns(
        local_date=pl.col("measured_at").dt.convert_time_zone(LOCAL).dt.date(),
        slot=pl.col("measured_at").dt.truncate("5m"),
    )
    return slots.group_by("station_id", "local_date").agg(
        pl.col("slot").n_unique().alias("received_slots"),
        pl.col("slot").filter(pl.col("status_code") == "00").n_unique().alias("valid_slots"),
    )


def _cases(truth: Mapping[str, pl.DataFrame], clock: datetime) -> pl.DataFrame:
    is_closed = pl.col("status").is_in(CLOSED)
    has_deadline = pl.col("expected_at").is_not_null()
    return truth["feedback_cases"].with_columns(
        is_on_time=pl.when(is_closed & has_deadline).then(pl.col("closed_at") <= pl.col("expected_at")),
        is_overdue=(~is_closed & has_deadline & (pl.col("expected_at") < clock)).fill_null(value=False),
    )


def _agency_days(truth: Mapping[str, pl.DataFrame], clock: datetime) -> pl.DataFrame:
    cases = _cases(truth, clock).with_columns(local_date=pl.col("requested_at").dt.convert_time_zone(LOCAL).dt.date())
    return cases.group_by("agency_code", "local_date").agg(
        pl.len().alias("received_cases"),
        pl.col("status").is_in(CLOSED).sum().alias("closed_cases"),
        pl.col("is_on_time").sum().alias("on_time_cases"),
        pl.col("is_overdue").sum().alias("overdue_cases"),
    )


def _last_seen(truth: Mapping[str, pl.DataFrame], clock: datetime) -> pl.DataFrame:
    vms = truth["vms_positions"].select(
        pl.lit("vms").alias("source_code"), "vessel_id", pl.col("fixed_at").alias("at"), "latitude", "longitude"
    )
    ais = truth["ais_positions"].select(
        pl.lit("ais").alias("source_code"),
        pl.col("mmsi").alias("vessel_id"),
        pl.col("heard_at").alias("at"),
        "latitude",
        "longitude",
    )
    fixes = pl.concat([vms, ais]).drop_nulls(["latitude", "longitude"]).sort("at")
    return (
        fixes.group_by("source_code", "vessel_id")
        .agg(pl.col("at", "latitude", "longitude").last())
        .select(
            "source_code",
            "vessel_id",
            pl.col("at").alias("last_fix_at"),
            "latitude",
            "longitude",
            (pl.lit(clock) - pl.col("at") > SILENCE).alias("is_silent_6h"),
        )
    )


def _silences(truth: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    fixes = truth["vms_positions"].sort("vessel_id", "fixed_at")
    pairs = fixes.select(
        "vessel_id",
        pl.col("fixed_at").alias("started_at"),
        pl.col("fixed_at").shift(-1).over("vessel_id").alias("ended_at"),
    )
    return pairs.filter(pl.col("ended_at") - pl.col("started_at") > SILENCE)


def _compare(mart: str, expected: pl.DataFrame, found: pl.DataFrame) -> Comparison:
    """Compare two tables as sets of rows, in the truth's columns and types; numbers agree where six decimals do."""
    if missing := set(expected.columns) - set(found.columns):
        return Comparison(mart, expected.height, (f"the mart has no {', '.join(sorted(missing))}",))
    shown = found.select(pl.col(name).cast(kind) for name, kind in expected.schema.items())
    expected, shown = (frame.with_columns(cs.float().round(DECIMALS)) for frame in (expected, shown))
    only_truth = expected.join(shown, on=expected.columns, how="anti", nulls_equal=True)
    only_mart = shown.join(expected, on=expected.columns, how="anti", nulls_equal=True)
    differences = [f"only in truth: {row}" for row in only_truth.iter_rows(named=True)]
    differences += [f"only in mart: {row}" for row in only_mart.iter_rows(named=True)]
    if not differences and expected.height != shown.height:
        differences = [f"{expected.height} rows in truth, {shown.height} in mart"]
    return Comparison(mart, expected.height, tuple(differences))
