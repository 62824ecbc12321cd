"""Each rule of traffic refuses what it should, for its own reason, and lets the rest pass."""

import pytest

from core.contract import find_contract
from ingestion.load.checks import Checked
from tests.one_record import check_record

GOOD: dict[str, dict[str, str]] = {
    "traffic.flows": {
        "section_code": "CAU-TT",
        "lane_number": "1",
        "vehicle_type": "car",
        "started_at": "2026-11-20T08:00:00+07:00",
        "ended_at": "2026-11-20T08:05:00+07:00",
        "vehicles": "12",
    },
    "traffic.accidents": {
        "accident_id": "TN1",
        "updated_at": "2026-11-20T09:00:00+07:00",
        "occurred_at": "2026-11-20T08:00:00+07:00",
        "commune_code": "19753",
        "deaths": "0",
        "injured": "2",
    },
    "traffic.closures": {
        "situation_id": "S1",
        "version_at": "2026-11-20T09:00:00+07:00",
        "management_code": "roadClosed",
        "status_code": "active",
        "starts_at": "2026-11-20T08:00:00+07:00",
    },
}


def checked(feed: str, **changes: str | None) -> Checked:
    return check_record(find_contract(feed), GOOD[feed] | changes)


@pytest.mark.parametrize(
    ("feed", "changes", "reason", "error_group"),
    [
        ("traffic.flows", {"section_code": "DUONG-LA"}, "section_code_reference", 5),
        ("traffic.flows", {"vehicle_type": "tàu"}, "vehicle_type_reference", 5),
        ("traffic.flows", {"vehicles": "-1"}, "vehicles_range", 2),
        ("traffic.flows", {"vehicles": None}, "vehicles_required", 1),
        ("traffic.flows", {"speed_kmh": "151"}, "speed_kmh_range", 2),
        ("traffic.flows", {"occupancy": "1.01"}, "occupancy_range", 2),
        ("traffic.flows", {"ended_at": "2026-11-20T08:10:00+07:00"}, "five_minutes", 6),
        (
            "traffic.flows",
            {"started_at": "2026-11-20T08:01:00+07:00", "ended_at": "2026-11-20T08:06:00+07:00"},
            "on_a_full_five_minutes",
            6,
        ),
        (
            "traffic.flows",
            {"started_at": "2026-11-20T16:05:00+07:00", "ended_at": "2026-11-20T16:10:00+07:00"},
            "not_from_the_future",
            6,
        ),
        ("traffic.accidents", {"deaths": None}, "deaths_required", 1),
        ("traffic.accidents", {"deaths": "201"}, "deaths_range", 2),
        ("traffic.accidents", {"road_number": "đường làng"}, "road_number_pattern", 4),
        ("traffic.accidents", {"cause_code": "xui"}, "cause_code_reference", 5),
        ("traffic.accidents", {"occurred_at": "2026-11-20T09:00:01+07:00"}, "written_after_it_happened", 6),
        ("traffic.accidents", {"updated_at": "2026-11-20T16:05:01+07:00"}, "not_from_the_future", 6),
        ("traffic.closures", {"management_code": "road_is_shut"}, "management_code_reference", 5),
        ("traffic.closures", {"status_code": "maybe"}, "status_code_allowed", 5),
        ("traffic.closures", {"cause_code": "do mưa"}, "cause_code_pattern", 4),
        ("traffic.closures", {"starts_at": "sáng mai"}, "starts_at_format", 4),
        ("traffic.closures", {"ends_at": "2026-11-20T07:59:59+07:00"}, "ends_after_it_starts", 6),
        ("traffic.closures", {"version_at": "2026-11-20T16:05:01+07:00"}, "not_from_the_future", 6),
    ],
)
def test_a_bad_record_is_refused_for_its_reason(
    feed: str, changes: dict[str, str | None], reason: str, error_group: int
) -> None:
    result = checked(feed, **changes)
    assert result.passed.is_empty()
    assert result.failed.select("reason", "error_group").rows() == [(reason, error_group)]


@pytest.mark.parametrize("feed", GOOD)
def test_a_good_record_passes(feed: str) -> None:
    assert checked(feed).passed.height == 1
