"""What the marts of the environment must show."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from math import floor
from zoneinfo import ZoneInfo

import polars as pl

from core.reference import Reference
from simulator.comparisons.base import LOCAL, Comparison, Query, Truth, compare_map, compare_rows
from simulator.seeds import read_seed
from simulator.truth import TIME

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
PARTICLES, GASES = ("PM2.5", "PM10"), ("O3", "NO2", "SO2", "CO")
NOWCAST_HOURS = 12
STATIONS_ON_MAP = """
    select place_code as station_id, hour_at, vn_aqi from environment.air_quality_on_map where place_level = 'station'
"""
RIVER_SQL = "select gauge_id, measured_at, level_m, trend_code from environment.river_levels"


def comparisons(truth: Truth, query: Query, clock: datetime) -> list[Comparison]:
    """Compare the domain's marts; `clock` is the clock of the build."""
    air = _newest_air(truth, clock)
    return [
        compare_rows("environment.air_quality_hours", _hour_means(truth, clock), query(HOURS_SQL)),
        compare_rows("environment.air_quality_days", _day_means(truth, clock), query(DAYS_SQL)),
        compare_rows("environment.station_uptime_days", _slots(truth, "station_id", "local_date"), query(UPTIME_SQL)),
        compare_rows(
            "environment.parameter_capture_days",
            _slots(truth, "station_id", "parameter_code", "local_date"),
            query(PARAMETER_SQL),
        ),
        compare_map("environment.air_quality_on_map", _worst_of_communes(air), query),
        compare_rows("environment.air_quality_on_map (stations)", air.drop("commune_code"), query(STATIONS_ON_MAP)),
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


def _newest_air(truth: Truth, clock: datetime) -> pl.DataFrame:
    """Work out VN_AQI of each station of air in its newest whole hour that tells anything, station by station in plain Python."""
    means: dict[tuple[str, str], dict[datetime, float]] = defaultdict(dict)
    for station, hour, parameter, mean in _valid_hours(truth, clock).drop("slots").iter_rows():
        means[station, parameter][hour] = round(mean, 6)
    hours = truth["readings"].select("station_id", pl.col("measured_at").dt.truncate("1h")).unique()
    heard: dict[str, list[datetime]] = defaultdict(list)
    for station, hour in hours.sort("measured_at", descending=True).iter_rows():
        if hour <= clock - timedelta(hours=1):
            heard[station].append(hour)
    rows = []
    for station in Reference().list_of("stations").filter(kind="air").iter_rows(named=True):
        known = {name: means[station["station_id"], name] for name in (*PARTICLES, *GASES)}
        newest = next((hour for hour in heard[station["station_id"]] if _tells(known, hour)), None)
        index = _vn_aqi(known, newest) if newest else None
        rows.append((station["station_id"], station["commune_code"], newest, index))
    schema = {"station_id": pl.String(), "commune_code": pl.String(), "hour_at": TIME, "vn_aqi": pl.Int64()}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _worst_of_communes(air: pl.DataFrame) -> pl.DataFrame:
    known = air.filter(pl.col("hour_at").is_not_null())
    newest = known.filter(pl.col("hour_at") == pl.col("hour_at").max().over("commune_code"))
    return newest.group_by("commune_code").agg(
        pl.col("hour_at").first(), pl.col("vn_aqi").max(), pl.len().cast(pl.Int64).alias("stations")
    )


def _tells(means: Mapping[str, Mapping[datetime, float]], hour: datetime) -> bool:
    return any(hour in of_parameter for of_parameter in means.values()) or any(
        _nowcast(means[name], hour) is not None for name in PARTICLES
    )


def _vn_aqi(means: Mapping[str, Mapping[datetime, float]], hour: datetime) -> int | None:
    """Return the worst sub-index, by Decision 1459/QĐ-TCMT; unknown without particles."""
    particles = [_sub_index(name, "24h", _nowcast(means[name], hour)) for name in PARTICLES]
    gases = [_sub_index(name, "1h", means[name].get(hour)) for name in GASES]
    if all(index is None for index in particles):
        return None
    return max(index for index in (*particles, *gases) if index is not None)


def _nowcast(means: Mapping[datetime, float], hour: datetime) -> float | None:
    last = [means.get(hour - timedelta(hours=age)) for age in range(NOWCAST_HOURS)]
    known = [(age, mean) for age, mean in enumerate(last) if mean is not None]
    if sum(age < 3 for age, _ in known) < 2:
        return None
    lowest, highest = min(mean for _, mean in known), max(mean for _, mean in known)
    weight = max(lowest / highest, 0.5) if highest else 1.0
    if weight == 0.5:
        return round(sum(mean * 0.5 ** (age + 1) for age, mean in known), 6)
    return round(sum(mean * weight**age for age, mean in known) / sum(weight**age for age, _ in known), 6)


def _sub_index(parameter: str, averaging: str, concentration: float | None) -> int | None:
    if concentration is None:
        return None
    value = Decimal(str(concentration))
    for index_low, index_high, low, high in _breakpoints()[parameter, averaging]:
        if low <= value and (value < high or index_high == 500):
            return floor(
                index_low + Decimal("0.5") + (index_high - index_low) * (min(value, high) - low) / (high - low)
            )
    return None


@cache
def _breakpoints() -> Mapping[tuple[str, str], list[tuple[Decimal, Decimal, Decimal, Decimal]]]:
    found = defaultdict(list)
    for row in read_seed("vn_aqi_breakpoints"):
        index_low, index_high, low, high = (
            Decimal(row[name]) for name in ("index_low", "index_high", "concentration_low", "concentration_high")
        )
        found[row["parameter_code"], row["averaging"]].append((index_low, index_high, low, high))
    return found


def _slots(truth: Truth, *keys: str) -> pl.DataFrame:
    slots = truth["readings"].with_columns(
        local_date=pl.col("measured_at").dt.convert_time_zone(LOCAL).dt.date(),
        slot=pl.col("measured_at").dt.truncate("5m"),
    )
    return slots.group_by(keys).agg(
        pl.col("slot").n_unique().alias("received_slots"),
        pl.col("slot").filter(pl.col("status_code") == "00").n_unique().alias("valid_slots"),
    )
