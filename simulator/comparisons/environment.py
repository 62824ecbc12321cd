"""What the marts of the environment must show."""

from datetime import datetime

import polars as pl

from simulator.comparisons.base import LOCAL, Comparison, Query, Truth, compare_rows

LEAST_SLOTS = 9
"""75 % of an hour's twelve slots."""

HOURS_SQL = """
    select station_id, hour_at, pm2_5_ug_m3 as pm2_5, pm10_ug_m3 as pm10, o3_ug_m3 as o3
    from environment.air_quality_hours
    where coalesce(pm2_5_ug_m3, pm10_ug_m3, o3_ug_m3) is not null
"""
UPTIME_SQL = """
    select station_id, local_date, received_slots, valid_slots from environment.station_uptime_days where received_slots > 0
"""
RIVER_SQL = "select gauge_id, measured_at, level_m, trend_code from environment.river_levels"


def comparisons(truth: Truth, query: Query, clock: datetime) -> list[Comparison]:  # noqa: ARG001
    """Compare the domain's marts; `clock` is the clock of the build."""
    return [
        compare_rows("environment.air_quality_hours", _hour_means(truth), query(HOURS_SQL)),
        compare_rows("environment.station_uptime_days", _uptime(truth), query(UPTIME_SQL)),
        compare_rows("environment.river_levels", truth["river_levels"], query(RIVER_SQL)),
    ]


def _hour_means(truth: Truth) -> pl.DataFrame:
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


def _uptime(truth: Truth) -> pl.DataFrame:
    slots = truth["readings"].with_columns(
        local_date=pl.col("measured_at").dt.convert_time_zone(LOCAL).dt.date(),
        slot=pl.col("measured_at").dt.truncate("5m"),
    )
    return slots.group_by("station_id", "local_date").agg(
        pl.col("slot").n_unique().alias("received_slots"),
        pl.col("slot").filter(pl.col("status_code") == "00").n_unique().alias("valid_slots"),
    )
