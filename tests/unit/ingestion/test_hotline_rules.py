"""Each rule of the calls of the hotline refuses what it should, for its own reason, and lets the rest pass."""

from datetime import UTC, datetime

import polars as pl
import pytest

from core.contract import find_contract
from core.reference import Reference
from ingestion.load.checks import Checked, check

CONTRACT = find_contract("hotline.calls")
GOOD = {
    "call_id": "C1",
    "started_at": "2026-11-20 08:00:00",
    "ended_at": "2026-11-20 08:02:30",
    "direction_code": "in",
    "outcome_code": "answered",
    "wait_seconds": "12",
    "talk_seconds": "150",
    "satisfaction_rating": "5",
}


def checked(**changes: str | None) -> Checked:
    record = {name: (GOOD | changes).get(name) for name in CONTRACT.column_names}
    frame = pl.DataFrame([record], schema=dict.fromkeys(CONTRACT.column_names, pl.String())).with_columns(
        pl.lit(0, pl.UInt32).alias("_delivery"),
        pl.lit(1, pl.Int64).alias("_position"),
        pl.lit("raw").alias("_raw"),
        pl.lit(1, pl.Int64).alias("_record_count"),
        pl.lit(datetime(2026, 11, 20, 9, tzinfo=UTC)).alias("received_at"),
    )
    return check(frame, CONTRACT, Reference())


@pytest.mark.parametrize(
    ("changes", "reason", "error_group"),
    [
        ({"call_id": None}, "call_id_required", 1),
        ({"ended_at": None}, "ended_at_required", 1),
        ({"started_at": "20/11/2026 08:00"}, "started_at_format", 4),
        ({"direction_code": "IN"}, "direction_code_allowed", 5),
        ({"outcome_code": "busy"}, "outcome_code_allowed", 5),
        ({"wait_seconds": "-1"}, "wait_seconds_range", 2),
        ({"satisfaction_rating": "0"}, "satisfaction_rating_range", 2),
        ({"ended_at": "2026-11-20 07:59:59", "talk_seconds": None}, "ended_after_it_began", 6),
        ({"talk_seconds": "151"}, "talk_within_the_call", 6),
        ({"outcome_code": "missed", "talk_seconds": "1"}, "no_talk_in_a_missed_call", 6),
        ({"ended_at": "2026-11-20 16:05:01"}, "not_from_the_future", 6),
    ],
)
def test_a_bad_call_is_refused_for_its_reason(changes: dict[str, str | None], reason: str, error_group: int) -> None:
    result = checked(**changes)
    assert result.passed.is_empty()
    assert result.failed.select("reason", "error_group").rows() == [(reason, error_group)]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"outcome_code": "missed", "talk_seconds": "0"},
        {"outcome_code": "ivr_resolved", "wait_seconds": None, "talk_seconds": None, "satisfaction_rating": None},
        {"ended_at": "2026-11-20 08:00:00", "talk_seconds": "0"},
    ],
)
def test_a_good_call_passes(changes: dict[str, str | None]) -> None:
    assert checked(**changes).passed.height == 1
