"""What the marts of the environment must show."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from simulator.comparisons.base import LOCAL, Comparison, Query, Truth, compare_rows

LEAST_SLOTS = 9
"""75 % of an hour's twelve slots."""
LEAST_HOURS, LEAST_OF_8_HOURS = 18, 6
"""75 % of a day's hours, and of eight."""

HOURS_SQL = """
    select station_id, hour_at, pm2_5_ug_m3 as pm2_5, pm10_ug_m3 as pm10, o3_ug_m3 as o3
    from environment.air_quality_hours
    where coalesce(pm2_5_ug_m3, pm10_ug_m3, o3_ug_m3) is not null
"""
MEANS_OF_MEANS = 3
"""Decimals to which means of means are compared: the mart rounds hours to six, so rounding again often meets a half at the sixth."""

DAYS_SQL = """
    select
        station_id, local_date, round(pm2_5_24h_ug_m3, 3) as pm2_5, round(pm10_24h_ug_m3, 3) as pm10, round(o3_1h_ug_m3, 3) as o3_1h,
        round(o3_8h_ug_m3, 3) as o3_8h
    from environment.air_quality_days
    where coalesce(pm2_5_24h_ug_m3, pm10_24h_ug_m3, o3_1h_ug_m3, o3_8h_ug_m3) is not null
"""
UPTIME_SQL = """
    select station_id, local_date, received_slots, valid_slots from environment.station_uptime_days where received_slots > 0
"""
PARAMETER_SQL = """
    select station_id, parameter_code, local_date, received_slots, valid_slots
    from environment.parameter_capture_days
    where received_slots > 0
"""
RIVER_SQL = "select gauge_id, measured_at, level_m, trend_code from environment.river_levels"


def comparisons(truth: Truth, query: Query, clock: datetime) -> list[Comparison]:
    """Compare the domain's marts; `clock` is the clock of the build."""
    return [
        compare_rows("environment.air_quality_hours", _hour_means(truth, clock), query(HOURS_SQL)),
        compare_rows("environment.air_quality_days", _day_means(truth, clock), query(DAYS_SQL)),
        compare_rows("environment.station_uptime_days", _slots(truth, "station_id", "local_date"), query(UPTIME_SQL)),
        compare_rows(
            "environment.parameter_capture_days",
            _slots(truth, "station_id", "parameter_code", "local_date"),
            query(PARAMETER_SQL),
        ),
        compare_rows("environment.river_levels", truth["river_levels"], query(RIVER_SQL)),
    ]


def _valid_hours(truth: Truth, clock: datetime) -> pl.DataFrame:
    valid = truth["readings"].filter(pl.col("status_code") == "00")
    return (
        valid.with_columns(hour_at=pl.col("measured_at").dt.truncate("1h"))
        .group_by("station_id", "hour_at", "parameter_code")
        .agg(pl.col("value_in_reference_unit").mean().alias("mean"), pl.len().alias("slots"))
        .filter(pl.col("slots") >= LEAST_SLOTS, pl.col("hour_at") <= clock - timedelta(hours=1))
    )


def _hour_means(truth: Truth, clock: datetime) -> pl.DataFrame:
    wide = _valid_hours(truth, clock).pivot("parameter_code", index=["station_id", "hour_at"], values="mean")
    named = wide.select("station_id", "hour_at", pm2_5="PM2.5", pm10="PM10", o3="O3")
    return named.filter(pl.any_horizontal(pl.col("pm2_5", "pm10", "o3").is_not_null()))


def _day_means(truth: Truth, clock: datetime) -> pl.DataFrame:
    """Compute the daily mean of particles, and the worst hour and the worst 8 hours of ozone, for days that have ended."""
    day = pl.col("hour_at").dt.convert_time_zone(LOCAL).dt.date().alias("local_date")
    today = clock.astimezone(ZoneInfo(LOCAL)).date()
    hours = _valid_hours(truth, clock).with_columns(day).filter(pl.col("local_date") < today).sort("hour_at")
    ozone = hours.filter(pl.col("parameter_code") == "O3")
    last_8 = ozone.rolling("hour_at", period="8h", group_by="station_id").agg(pl.col("mean").mean(), hours=pl.len())
    parts = {
        "pm2_5": (hours.filter(pl.col("parameter_code") == "PM2.5"), pl.col("mean").mean()),
        "pm10": (hours.filter(pl.col("parameter_code") == "PM10"), pl.col("mean").mean()),
        "o3_1h": (ozone, pl.col("mean").max()),
        "o3_8h": (last_8.filter(pl.col("hours") >= LEAST_OF_8_HOURS).with_columns(day), pl.col("mean").max()),
    }
    days = hours.select("station_id", "local_date").unique()
    for name, (values, of_day) in parts.items():
        judged = values.group_by("station_id", "local_date").agg(of_day.alias(name), hours=pl.len())
        enough = judged.filter(pl.col("hours") >= LEAST_HOURS).drop("hours")
        days = days.join(enough, on=["station_id", "local_date"], how="left")
    known = days.filter(pl.any_horizontal(pl.col(*parts).is_not_null()))
    return known.with_columns(pl.col(*parts).round(MEANS_OF_MEANS))


def _slots(truth: Truth, *keys: str) -> pl.DataFrame:
    slots = truth["readings"].with_columns(
        local_date=pl.col("measured_at").dt.convert_time_zone(LOCAL).dt.date(),
        slot=pl.col("measured_at").dt.truncate("5m"),
    )
    return slots.group_by(keys).agg(
        pl.col("slot").n_unique().alias("received_slots"),
        pl.col("slot").filter(pl.col("status_code") == "00").n_unique().alias("valid_slots"),
    )
