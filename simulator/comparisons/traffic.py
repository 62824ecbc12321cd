"""What the marts of traffic must show, worked out from what the counters saw, the accidents and the closures that came out."""

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from core.reference import Reference
from simulator.comparisons.base import LOCAL, Comparison, Query, Truth, compare_headlines, compare_map, compare_rows

LEVELS = ((0.35, "A"), (0.5, "B"), (0.75, "C"), (0.9, "D"), (1.0, "E"), (float("inf"), "F"))
CONGESTED_SHARE, LEAST_SLOTS = 0.5, 9
HOURS = "select * from traffic.traffic_hours"
DAYS = "select * from traffic.traffic_days"
MONTHS = "select * from traffic.accident_months where is_latest"
GROUPS = "select * from traffic.accident_groups"
CLOSURES = "select * from traffic.road_closures"


def comparisons(truth: Truth, query: Query, clock: datetime) -> Iterator[Comparison]:
    """Compare hours, days, accidents of months and of their groups, closures, the map and the headlines."""
    hours = _hours(truth["traffic_flows"])
    yield compare_rows("traffic.traffic_hours", hours, query(HOURS))
    days = _days(hours)
    yield compare_rows("traffic.traffic_days", days, query(DAYS))
    accidents = _newest(truth["accident_versions"], "accident_id", "updated_at").with_columns(
        _local("occurred_at").dt.date().alias("local_date")
    )
    today = (clock - timedelta(seconds=1)).astimezone(ZoneInfo(LOCAL)).date()
    months = _month(accidents, today)
    yield compare_rows("traffic.accident_months", months, query(MONTHS))
    groups = (
        accidents.with_columns(
            pl.col("local_date").dt.truncate("1mo").alias("month_date"), pl.col("cause_code").fill_null("unknown")
        )
        .group_by("month_date", "commune_code", "cause_code")
        .agg(pl.len().cast(pl.Int64).alias("accidents"))
    )
    yield compare_rows("traffic.accident_groups", groups, query(GROUPS))
    newest = groups.filter(pl.col("month_date") == today.replace(day=1))
    yield compare_map("traffic.traffic_on_map", newest.group_by("commune_code").agg(pl.col("accidents").sum()), query)
    closures = _newest(truth["closure_versions"], "situation_id", "version_at")
    shown = closures.select(
        "situation_id",
        "version_at",
        "management_code",
        (pl.col("management_code") == "roadClosed").alias("is_closed"),
        "cause_code",
        "road_number",
        "starts_at",
        "ends_at",
        (pl.col("status_code") == "suspended").alias("is_suspended"),
        pl.col("way_round").fill_null("Chưa nêu"),
    )
    yield compare_rows("traffic.road_closures", shown, query(CLOSURES))
    in_force = shown.filter(
        "is_closed",
        ~pl.col("is_suspended"),
        pl.col("starts_at") <= clock,
        pl.col("ends_at").is_null() | (pl.col("ends_at") > clock),
    )
    figures = {
        "congestion_minutes": float(days.filter("is_latest")["congestion_minutes"].sum()),
        "traffic_deaths": float(months["deaths"][0]),
        "closed_roads": float(in_force.height),
    }
    yield compare_headlines("traffic", figures, query)


def _local(column: str) -> pl.Expr:
    return pl.col(column).dt.convert_time_zone(LOCAL)


def _newest(versions: pl.DataFrame, key: str, version: str) -> pl.DataFrame:
    return versions.sort(version).unique(key, keep="last")


def _sections() -> pl.DataFrame:
    return (
        Reference()
        .list_of("road_sections")
        .select("section_code", pl.col("capacity_pcu_hour", "free_flow_kmh").cast(pl.Float64))
    )


def _hours(flows: pl.DataFrame) -> pl.DataFrame:
    types = Reference().list_of("vehicle_types").select("vehicle_type", pl.col("pcu").cast(pl.Float64).alias("factor"))
    with_speed = pl.when(pl.col("speed_kmh").is_not_null()).then(pl.col("vehicles")).sum()
    slots = (
        flows.join(types, on="vehicle_type")
        .group_by("section_code", "started_at")
        .agg(
            pl.col("vehicles").sum(),
            (pl.col("vehicles") * pl.col("factor")).sum().round(6).alias("pcu"),
            pl.when(with_speed > 0)
            .then((pl.col("vehicles") * pl.col("speed_kmh")).sum() / with_speed)
            .round(6)
            .alias("speed"),
            pl.col("is_congested").any(ignore_nulls=True).alias("is_told"),
            pl.col("is_congested").count().alias("told"),
        )
        .join(_sections(), on="section_code")
        .with_columns(
            pl.when(
                pl.col("is_told") | (pl.col("speed") < CONGESTED_SHARE * pl.col("free_flow_kmh")).fill_null(value=False)
            )
            .then(pl.lit(value=True))
            .when((pl.col("told") > 0) | pl.col("speed").is_not_null())
            .then(pl.lit(value=False))
            .alias("is_congested")
        )
    )
    speeds = pl.when(pl.col("speed").is_not_null()).then(pl.col("vehicles")).sum()
    hours = slots.group_by("section_code", pl.col("started_at").dt.truncate("1h").alias("hour_at")).agg(
        pl.len().cast(pl.Int64).alias("known_slots"),
        pl.col("vehicles").sum(),
        pl.col("pcu").sum(),
        pl.when(speeds > 0).then((pl.col("vehicles") * pl.col("speed")).sum() / speeds).alias("speed_kmh"),
        pl.col("is_congested").count().cast(pl.Int64).alias("judged_slots"),
        pl.when(pl.col("is_congested").count() > 0)
        .then(5 * pl.col("is_congested").sum())
        .cast(pl.Int64)
        .alias("congestion_minutes"),
        pl.col("capacity_pcu_hour").first(),
    )
    scaled = pl.when(pl.col("known_slots") >= LEAST_SLOTS).then(12 * pl.col("pcu") / pl.col("known_slots"))
    judged = hours.with_columns(scaled.alias("pcu_per_hour")).with_columns(
        (pl.col("pcu_per_hour") / pl.col("capacity_pcu_hour"))
        .round(9)
        .round(6, mode="half_away_from_zero")
        .alias("volume_capacity_ratio"),
        _local("hour_at").dt.hour().cast(pl.Int64).alias("local_hour"),
        _local("hour_at").dt.date().alias("local_date"),
    )
    levels = [_level(ratio) for ratio in judged["volume_capacity_ratio"]]
    return judged.drop("capacity_pcu_hour").with_columns(pl.Series("service_level", levels, dtype=pl.String))


def _level(ratio: float | None) -> str | None:
    return None if ratio is None else next(level for limit, level in LEVELS if ratio <= limit)


def _days(hours: pl.DataFrame) -> pl.DataFrame:
    newest = hours["local_date"].max()
    every = hours.select("local_date").unique().join(_sections().select("section_code"), how="cross")
    told = hours.group_by("section_code", "local_date").agg(
        pl.col("known_slots").sum(),
        pl.col("vehicles").sum(),
        pl.col("pcu").sum(),
        pl.col("volume_capacity_ratio").max().alias("peak_volume_capacity_ratio"),
        pl.col("judged_slots").sum(),
        pl.when(pl.col("congestion_minutes").count() > 0)
        .then(pl.col("congestion_minutes").sum())
        .alias("congestion_minutes"),
    )
    return every.join(told, on=["section_code", "local_date"], how="left").with_columns(
        pl.col("known_slots", "judged_slots").fill_null(0), (pl.col("local_date") == newest).alias("is_latest")
    )


def _month(accidents: pl.DataFrame, today: date) -> pl.DataFrame:
    """The running month, and the same days of the year before, which the history reaches."""
    first = today.replace(day=1)
    then = first.replace(year=today.year - 1)
    last = min(
        then + timedelta(days=today.day - 1),
        first.replace(year=today.year - 1, day=monthrange(then.year, then.month)[1]),
    )
    of_then = accidents.filter(pl.col("local_date").is_between(then, last))
    of_now = accidents.filter(pl.col("local_date").is_between(first, today))
    row = {
        "month_date": first,
        "last_date": today,
        "accidents": of_now.height,
        "accidents_last_year": of_then.height,
        "deaths": int(of_now["deaths"].sum()),
        "deaths_last_year": int(of_then["deaths"].sum()),
        "injured": int(of_now["injured"].sum()),
        "injured_last_year": int(of_then["injured"].sum()),
    }
    return pl.DataFrame([row])
