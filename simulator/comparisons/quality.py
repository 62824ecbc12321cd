"""What the scores of the simulated day must be based on: the counts of each feed, and what was accepted of each object."""

from datetime import datetime

import polars as pl

from simulator.comparisons.base import Comparison, Query, Truth, compare_rows
from simulator.faults import FEEDBACK, READINGS, RIVERS, VMS

DAY_SQL = """
    select feed, received_records as received, accepted_records as accepted, duplicate_records as duplicate,
        quarantined_records as quarantined
    from quality.feed_score_days
    where local_date = (select max(local_date) from quality.feed_score_days)
"""
OBJECTS = {
    READINGS: ("readings", "station_id"),
    RIVERS: ("river_levels", "gauge_id"),
    FEEDBACK: ("feedback_versions", "agency_code"),
    VMS: ("vms_positions", "vessel_id"),
}
"""Feeds whose accepted records the truth holds row by row: the table, and the column of the object."""

OBJECT_SQL = f"""
    select feed, object_id, accepted_records
    from quality.object_score_days
    where accepted_records > 0 and local_date = (select max(local_date) from quality.object_score_days)
        and feed in ({", ".join(f"'{feed}'" for feed in OBJECTS)})
"""  # noqa: S608  names of this module


def comparisons(truth: Truth, query: Query, clock: datetime) -> list[Comparison]:  # noqa: ARG001
    """Compare the scores' counts; `clock` is the clock of the build, the end of the day."""
    return [
        compare_rows("quality.feed_score_days", truth["ledger"].drop("deliveries"), query(DAY_SQL)),
        compare_rows("quality.object_score_days", _accepted(truth), query(OBJECT_SQL)),
    ]


def _accepted(truth: Truth) -> pl.DataFrame:
    counted = [
        truth[table]
        .group_by(pl.col(column).alias("object_id"))
        .agg(pl.len().cast(pl.Int64).alias("accepted_records"))
        .select(pl.lit(feed).alias("feed"), "object_id", "accepted_records")
        for feed, (table, column) in OBJECTS.items()
    ]
    return pl.concat(counted)
