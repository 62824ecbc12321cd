"""Each rule of the calls of the hotline refuses what it should, for its own reason, and lets the rest pass."""

import pytest

from core.contract import find_contract
from ingestion.load.checks import Checked
from tests.one_record import check_record

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
    return check_record(CONTRACT, GOOD | changes)


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
