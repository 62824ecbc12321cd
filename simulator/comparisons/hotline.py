"""What the marts of the hotline must show, worked out from the calls that came out."""

from datetime import datetime

import polars as pl

from simulator.comparisons.base import LOCAL, Comparison, Query, Truth, compare_headlines, compare_rows

IN_TIME_SECONDS, SATISFIED = 20, (4, 5)
DAYS_SQL = "select * from hotline.hotline_days"
HOURS_SQL = "select * from hotline.hotline_hours"


def comparisons(truth: Truth, query: Query, clock: datetime) -> list[Comparison]:  # noqa: ARG001
    """Compare the days and hours of the hotline, and the headlines of its newest day."""
    calls = truth["calls"].with_columns(pl.col("started_at").dt.convert_time_zone(LOCAL).alias("local"))
    days = _days(calls)
    newest = days.sort("local_date").row(-1, named=True)
    headlines = {
        "calls_in_time": newest["service_level_percent"],
        "calls_answered": newest["answered_percent"],
        "calls_incoming": float(newest["incoming_calls"]),
    }
    return [
        compare_rows("hotline.hotline_days", days, query(DAYS_SQL)),
        compare_rows("hotline.hotline_hours", _hours(calls), query(HOURS_SQL)),
        compare_headlines("hotline", headlines, query),
    ]


def _days(calls: pl.DataFrame) -> pl.DataFrame:
    rating = pl.col("satisfaction_rating")
    incoming, outcome = pl.col("direction_code") == "in", pl.col("outcome_code")
    answered = incoming & (outcome == "answered")
    return (
        calls.group_by(pl.col("local").dt.date().alias("local_date"))
        .agg(
            _counted(pl.lit(value=True)).alias("total_calls"),
            _counted(incoming).alias("incoming_calls"),
            _counted(~incoming).alias("outgoing_calls"),
            _counted(answered).alias("answered_calls"),
            *(
                _counted(incoming & (outcome == code)).alias(f"{code}_calls")
                for code in ("ivr_resolved", "abandoned", "missed")
            ),
            _counted(answered & (pl.col("wait_seconds") <= IN_TIME_SECONDS)).alias("in_time_calls"),
            pl.col("wait_seconds").filter(incoming & (outcome != "ivr_resolved")).mean().alias("mean_wait_seconds"),
            pl.col("talk_seconds").filter(answered).mean().alias("mean_handling_seconds"),
            _counted(rating.is_not_null()).alias("rated_calls"),
            _counted(rating.is_in(SATISFIED)).alias("satisfied_calls"),
        )
        .with_columns(
            (pl.col("answered_calls") + pl.col("abandoned_calls") + pl.col("missed_calls")).alias("offered_calls")
        )
        .with_columns(
            (100 * pl.col("answered_calls") / pl.col("offered_calls")).alias("answered_percent"),
            (100 * pl.col("in_time_calls") / pl.col("offered_calls")).alias("service_level_percent"),
            (100 * pl.col("satisfied_calls") / pl.col("rated_calls")).alias("satisfied_percent"),
        )
    )


def _hours(calls: pl.DataFrame) -> pl.DataFrame:
    incoming, outcome = pl.col("direction_code") == "in", pl.col("outcome_code")
    return calls.group_by(pl.col("started_at").dt.truncate("1h").alias("hour_at")).agg(
        pl.col("local").dt.hour().first().cast(pl.Int64).alias("local_hour"),
        _counted(incoming).alias("incoming_calls"),
        _counted(incoming & (outcome == "answered")).alias("answered_calls"),
        _counted(incoming & outcome.is_in(["abandoned", "missed"])).alias("lost_calls"),
    )


def _counted(condition: pl.Expr) -> pl.Expr:
    return pl.col("call_id").filter(condition).count().cast(pl.Int64)
