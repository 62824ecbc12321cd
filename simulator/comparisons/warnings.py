"""What the marts of warnings must show, worked out from the messages that came out.

Chains are followed here by walking from message to message; of what nobody else may see, nothing counts.
"""

from collections.abc import Iterator
from datetime import datetime

import polars as pl

from simulator.comparisons.base import LOCAL, Comparison, Query, Truth, compare_headlines, compare_map, compare_rows

ACTIVE_SQL = "select * from warnings.active_warnings"
DAYS_SQL = "select * from warnings.warning_days"
HIGH_RISK = 3


def comparisons(truth: Truth, query: Query, clock: datetime) -> Iterator[Comparison]:
    """Compare the warnings in force, the map, the days and the headlines."""
    messages = truth["warnings"].filter((pl.col("status") == "Actual") & (pl.col("scope") == "Public"))
    ended = _endings(messages)
    active = _active(messages, truth["warning_places"], ended, clock)
    yield compare_rows("warnings.active_warnings", active, query(ACTIVE_SQL))
    on_map = active.group_by("commune_code").agg(
        pl.len().cast(pl.Int64).alias("warnings"), pl.col("risk_level").max(), pl.col("expires_at").max()
    )
    yield compare_map("warnings.warnings_on_map", on_map, _with_null_for_none(query))
    yield compare_rows("warnings.warning_days", _days(messages, ended, clock), query(DAYS_SQL))
    is_high = pl.col("risk_level") >= HIGH_RISK
    figures = {
        "warned_communes": float(active["commune_code"].n_unique()),
        "high_risk_communes": float(active.filter(is_high)["commune_code"].n_unique()),
        "active_warnings": float(active.height),
    }
    yield compare_headlines("warnings", figures, query)


def _endings(messages: pl.DataFrame) -> dict[str, datetime]:
    """Return when each message was replaced, by its identifier."""
    rows = {row["identifier"]: row for row in messages.iter_rows(named=True)}
    followers: dict[str, list[str]] = {}
    for row in rows.values():
        for name in row["follows"].split():
            followers.setdefault(name, []).append(row["identifier"])
    ended: dict[str, datetime] = {}

    def end(name: str, at: datetime) -> None:
        if name in rows and rows[name]["sent_at"] <= at:
            ended[name] = min(at, ended.get(name, at))

    for row in rows.values():
        waiting = row["follows"].split() if row["type_code"] in ("Update", "Cancel") else []
        for name in waiting:
            end(name, row["sent_at"])
        while row["type_code"] == "Cancel" and waiting:
            waiting = [
                later
                for name in waiting
                for later in followers.get(name, [])
                if later in rows and rows[later]["type_code"] == "Update"
            ]
            for later in waiting:
                end(later, row["sent_at"])
    return ended


def _active(messages: pl.DataFrame, places: pl.DataFrame, ended: dict[str, datetime], clock: datetime) -> pl.DataFrame:
    in_force = (
        messages.filter(
            pl.col("type_code").is_in(["Alert", "Update"])
            & ~pl.col("identifier").is_in([*ended])
            & (pl.col("expires_at") > clock)
            & (pl.col("sent_at") <= clock)
        )
        .join(places, on="identifier")
        .sort("sent_at", descending=True)
    )
    group = ["event", "commune_code"]
    return in_force.group_by(group, maintain_order=True).agg(
        pl.col("level").first().cast(pl.Int64).alias("risk_level"),
        pl.col("severity").first().alias("severity_code"),
        pl.col("sent_at", "onset_at", "expires_at").first(),
        (pl.len() - 1).cast(pl.Int64).alias("other_messages"),
    )


def _days(messages: pl.DataFrame, ended: dict[str, datetime], clock: datetime) -> pl.DataFrame:
    kinds = {"issued": "Alert", "updated": "Update", "cancelled": "Cancel"}
    lead = (pl.col("onset_at") - pl.col("sent_at")).dt.total_seconds() / 3600
    sent = messages.group_by(_local_date("sent_at")).agg(
        *((pl.col("type_code") == kind).sum().cast(pl.Int64).alias(name) for name, kind in kinds.items()),
        lead.filter(pl.col("type_code") == "Alert").median().alias("median_lead_hours"),
        pl.col("sent_at").max().alias("newest_message_at"),
    )
    expired = (
        messages.filter(pl.col("type_code").is_in(["Alert", "Update"]) & (pl.col("expires_at") <= clock))
        .filter(
            pl.struct("identifier", "expires_at").map_elements(
                lambda row: row["identifier"] not in ended or ended[row["identifier"]] > row["expires_at"],
                return_dtype=pl.Boolean,
            )
        )
        .group_by(_local_date("expires_at"))
        .agg(pl.len().cast(pl.Int64).alias("expired"))
    )
    return sent.join(expired, on="local_date", how="full", coalesce=True).with_columns(
        pl.col(*kinds, "expired").fill_null(0)
    )


def _local_date(name: str) -> pl.Expr:
    return pl.col(name).dt.convert_time_zone(LOCAL).dt.date().alias("local_date")


def _with_null_for_none(query: Query) -> Query:
    """Return the query with NULL for a count of 0: the truth lists communes under warning only."""
    return lambda sql: query(sql).with_columns(
        pl.when(pl.col("warnings") > 0).then(pl.col("warnings")).alias("warnings")
    )
