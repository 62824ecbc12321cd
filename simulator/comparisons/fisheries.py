"""What the marts of fishing vessels must show."""

from datetime import datetime, timedelta

import polars as pl

from simulator.comparisons.base import Comparison, Query, Truth, compare_rows

SILENCE = timedelta(hours=6)

LAST_SEEN_SQL = """
    select source_code, vessel_id, last_fix_at, latitude, longitude, is_silent_6h
    from fisheries.vessels_last_seen
"""
GAPS_SQL = """
    select vessel_id, gap_started_at as started_at, gap_ended_at as ended_at
    from fisheries.vessel_gaps where is_silence_6h and source_code = 'vms' and gap_ended_at is not null
"""


def comparisons(truth: Truth, query: Query, clock: datetime) -> list[Comparison]:
    """Compare the domain's marts; `clock` is the clock of the build."""
    return [
        compare_rows("fisheries.vessels_last_seen", _last_seen(truth, clock), query(LAST_SEEN_SQL)),
        compare_rows("fisheries.vessel_gaps", _silences(truth), query(GAPS_SQL)),
    ]


def _last_seen(truth: Truth, clock: datetime) -> pl.DataFrame:
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


def _silences(truth: Truth) -> pl.DataFrame:
    fixes = truth["vms_positions"].sort("vessel_id", "fixed_at")
    pairs = fixes.select(
        "vessel_id",
        pl.col("fixed_at").alias("started_at"),
        pl.col("fixed_at").shift(-1).over("vessel_id").alias("ended_at"),
    )
    return pairs.filter(pl.col("ended_at") - pl.col("started_at") > SILENCE)
