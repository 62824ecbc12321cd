"""The rules of AIS messages and satellite positions, each on a row that breaks it alone."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from core.contract import find_contract
from core.reference import Reference
from ingestion.load.checks import check

NOON = datetime(2026, 11, 20, 5, tzinfo=UTC)
AIS = {
    "payload": "18SJsf*0",
    "heard_at": NOON,
    "mmsi": "574012345",
    "message_type": 1,
    "latitude": 16.5,
    "longitude": 107.9,
}
VMS = {"vessel_id": "TTH-90234-TS", "message_type_code": "POS", "latitude": "16.5", "longitude": "107.9"}


def warnings(feed: str, good: Mapping[str, object], **changed: object) -> list[str]:
    """Judge one row, which must pass; return its warnings."""
    row = {"_delivery": 0, "_position": 1, "_raw": "", "_record_count": 1, "received_at": NOON, **good, **changed}
    (passed,) = check(pl.DataFrame([row]), find_contract(feed), Reference()).passed.to_dicts()
    return list(passed["_warnings"])


SET = {
    "ship": "574012345",
    "tender of a ship": "984574012",
    "coast station": "005741001",
    "group of ships": "057400012",
    "aircraft": "111574001",
    "handheld": "857412345",
    "search and rescue transmitter": "970574001",
    "man overboard": "972574001",
    "emergency beacon": "974574001",
    "net buoy": "979574001",
    "aid to navigation": "995741001",
    "lowest country": "201000001",
    "highest country": "775999999",
}
UNSET = [
    *(
        "000000000",
        "001193046",
        "305419896",
        "574000000",
        "123456789",
        "012345678",
        "234567890",
        "987654321",
        "876543210",
    ),
    *(digit * 9 for digit in "123456789"),
    *("200000001", "776000001", "112233445", "900000001", "119999999"),
]


@pytest.mark.parametrize("identity", SET.values(), ids=SET)
def test_a_number_of_a_station_is_not_warned_of(identity: str) -> None:
    assert warnings("fisheries.ais_messages", AIS, mmsi=identity) == []


@pytest.mark.parametrize("identity", UNSET)
def test_a_number_that_nobody_set_is_kept_and_warned_of(identity: str) -> None:
    assert warnings("fisheries.ais_messages", AIS, mmsi=identity) == ["mmsi_was_set"]


@pytest.mark.parametrize(
    ("changed", "warned"),
    [
        ({"speed_knots": 25.0}, []),
        ({"speed_knots": 25.1}, ["speed_is_plausible"]),
        ({"speed_knots": 120.0, "mmsi": "111574001", "message_type": 9}, []),
        ({"speed_knots": 120.0, "mmsi": "111574001"}, []),
        ({"speed_knots": 120.0, "message_type": 9}, []),
        ({"latitude": 55.9, "longitude": 11.2}, ["inside_the_east_sea"]),
        ({"heard_at": NOON - timedelta(days=31)}, []),
        ({"heard_at": NOON - timedelta(days=31, seconds=1)}, ["not_long_past"]),
        ({"heard_at": datetime(2008, 6, 11, tzinfo=UTC)}, ["not_long_past"]),
        ({"heard_at": datetime(1980, 1, 6, tzinfo=UTC)}, ["not_long_past"]),
        ({"heard_at": None}, ["has_receiver_time"]),
    ],
)
def test_what_is_suspicious_is_kept_and_warned_of(changed: dict[str, object], warned: list[str]) -> None:
    assert warnings("fisheries.ais_messages", AIS, **changed) == warned


@pytest.mark.parametrize(
    ("fixed_at", "warned"),
    [
        ("2026-10-20T05:00:00Z", []),
        ("2026-10-20T04:59:00Z", ["not_long_past"]),
        ("1980-01-06T00:00:00Z", ["not_long_past"]),
    ],
)
def test_a_device_whose_clock_was_never_set_is_warned_of(fixed_at: str, warned: list[str]) -> None:
    assert warnings("fisheries.vms_positions", VMS, fixed_at=fixed_at) == warned
