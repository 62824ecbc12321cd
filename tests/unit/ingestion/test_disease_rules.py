"""A count of a disease is trusted up to the moment at which it was received: a future completion date would outlive its correction."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from core.contract import find_contract
from core.reference import Reference
from ingestion.load.checks import check

RECEIVED = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
COUNT = {
    "record_kind": "count",
    "record_code": "count|A91_MAC|19753|week2026-11-02",
    "disease_code": "A91",
    "measure_code": "MAC",
    "place_level": "commune",
    "commune_code": "19753",
    "event_at": "2026-11-08T17:00:00Z",
    "period": "2026W45",
    "period_kind": "week",
    "period_start": "2026-11-02",
    "period_end": "2026-11-08",
    "person_count": "5",
}


def reasons(**changes: str | None) -> list[str]:
    record = {"_delivery": 1, "_position": 1, "_raw": "{}", "_record_count": 1, "received_at": RECEIVED}
    checked = check(pl.DataFrame([record | COUNT | changes]), find_contract("health.disease_cases"), Reference())
    assert checked.passed.height + checked.failed.height == 1
    return checked.failed["reason"].to_list()


@pytest.mark.parametrize(
    ("ahead", "expected"),
    [
        (timedelta(days=361), ["not_from_the_future"]),
        (timedelta(days=1), ["not_from_the_future"]),
        (timedelta(minutes=6), ["not_from_the_future"]),
        (timedelta(minutes=4), []),
        (timedelta(days=-3), []),
    ],
)
def test_a_count_that_was_completed_ahead_of_its_receipt_is_not_believed(ahead: timedelta, expected: list[str]) -> None:
    assert reasons(reported_at=(RECEIVED + ahead).isoformat()) == expected


def test_a_count_without_a_completion_is_judged_by_its_period() -> None:
    assert reasons(reported_at=None) == []
    assert reasons(reported_at=None, event_at="2026-11-22T17:00:00Z") == ["not_from_the_future"]
