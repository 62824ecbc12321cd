"""What the marts of forest fires must show: each hot spot in the commune whose shape holds it, and the danger after one day of weather.

A day of wetting rain has the index 0; after any other first day the index is not known.
"""

import json
from collections.abc import Iterator
from datetime import datetime

import polars as pl
import shapely

from core.reference import Reference
from simulator.comparisons.base import Comparison, Query, Truth, compare_headlines, compare_rows

WETTING_MM = 5
HOTSPOTS_SQL = (
    "select latitude, longitude, acquired_at, satellite, commune_code, is_alerting, power_mw from forest.fire_hotspots"
)
DAYS_SQL = (
    "select commune_code, temperature_c, humidity_percent, rain_mm, fire_index, level_code from forest.fire_danger_days"
)


def comparisons(truth: Truth, query: Query, clock: datetime) -> Iterator[Comparison]:
    """Compare hot spots, days and headlines."""
    spots, days = _hotspots(truth["forest__hotspots"]), _days(truth["forest__weather"])
    yield compare_rows("forest.fire_hotspots", spots, query(HOTSPOTS_SQL))
    yield compare_rows("forest.fire_danger_days", days, query(DAYS_SQL))
    alerting = spots.filter(pl.col("is_alerting") & (pl.col("acquired_at") > clock - pl.duration(hours=24))).height
    known = days["level_code"].count()
    figures = {
        "dangerous_communes": 0.0 if known else None,
        "known_danger": 100 * known / days.height,
        "hotspots_24h": float(alerting),
    }
    yield compare_headlines("forest", figures, query)


def _hotspots(records: pl.DataFrame) -> pl.DataFrame:
    boundaries = Reference().list_of("commune_boundaries")
    rings = shapely.polygons([shapely.linearrings(json.loads(ring)) for ring in boundaries["ring"]])
    tree = shapely.STRtree(rings)
    communes = []
    for place in shapely.points(records["longitude"], records["latitude"]):
        held = sorted(
            (rings[index].area, boundaries["commune_code"][int(index)]) for index in tree.query(place, "within")
        )
        communes.append(held[0][1] if held else None)
    is_sure = pl.col("confidence_code").is_in(["nominal", "high", "n", "h"])
    return records.select(
        "latitude",
        "longitude",
        "acquired_at",
        "satellite",
        pl.Series("commune_code", communes, dtype=pl.String),
        (pl.Series("commune_code", communes, dtype=pl.String).is_not_null() & is_sure).alias("is_alerting"),
        "power_mw",
    )


def _days(records: pl.DataFrame) -> pl.DataFrame:
    is_wet = pl.col("rain_mm") >= WETTING_MM
    return (
        Reference()
        .list_of("communes")
        .select("commune_code")
        .join(
            records.select("commune_code", "temperature_c", "humidity_percent", "rain_mm"),
            on="commune_code",
            how="left",
        )
        .with_columns(
            pl.when(is_wet).then(0.0).alias("fire_index"), pl.when(is_wet).then(pl.lit("I")).alias("level_code")
        )
    )
