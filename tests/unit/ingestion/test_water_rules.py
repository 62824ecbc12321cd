"""Each rule of the feeds of water refuses what it should, for its own reason, and lets the rest pass."""

import pytest

from core.contract import find_contract
from tests.one_record import check_record

GOOD = {
    "water.rain": {
        "station_id": "46_MU04",
        "measured_at": "2026-11-20 08:00:00",
        "reading_mm": "200",
        "status_code": "00",
    },
    "water.reservoirs": {
        "channel_id": "29011",
        "measured_at": "2026-11-20T08:00:00+07:00",
        "value": "95",
        "channel_status": "1",
    },
    "water.landslide_sensors": {
        "sensor_id": "46_SL01",
        "measured_at": "2026-11-20 08:00:00",
        "value": "-12.5",
        "status_code": "00",
    },
}


@pytest.mark.parametrize(
    ("feed", "changes", "reason", "error_group"),
    [
        ("water.rain", {"station_id": None}, "station_id_required", 1),
        ("water.rain", {"reading_mm": None}, "reading_mm_required", 1),
        ("water.rain", {"reading_mm": "-0.1"}, "reading_mm_range", 2),
        ("water.rain", {"reading_mm": "200.1"}, "reading_is_possible", 2),
        ("water.rain", {"reading_mm": "hong"}, "reading_mm_format", 4),
        ("water.rain", {"station_id": "46_XX99"}, "station_id_reference", 5),
        ("water.rain", {"status_code": "03"}, "status_code_allowed", 5),
        ("water.rain", {"measured_at": "2026-11-20 16:05:01"}, "not_from_the_future", 6),
        ("water.landslide_sensors", {"value": None}, "value_required", 1),
        ("water.landslide_sensors", {"value": "-10000.1"}, "value_range", 2),
        ("water.landslide_sensors", {"sensor_id": "46_XX99"}, "sensor_id_reference", 5),
        ("water.landslide_sensors", {"status_code": "0"}, "status_code_allowed", 5),
        ("water.landslide_sensors", {"measured_at": "2026-11-20 16:05:01"}, "not_from_the_future", 6),
        ("water.reservoirs", {"value": None}, "value_required", 1),
        ("water.reservoirs", {"channel_status": None}, "channel_status_required", 1),
        ("water.reservoirs", {"value": "95.01"}, "value_within_limits", 2),
        ("water.reservoirs", {"value": "39.99"}, "value_within_limits", 2),
        ("water.reservoirs", {"value": "hong"}, "value_format", 4),
        ("water.reservoirs", {"channel_id": "2902"}, "channel_id_reference", 5),
        ("water.reservoirs", {"measured_at": "2026-11-20T16:06:00+07:00"}, "not_from_the_future", 6),
    ],
)
def test_a_bad_reading_is_refused_for_its_reason(
    feed: str, changes: dict[str, str | None], reason: str, error_group: int
) -> None:
    result = check_record(find_contract(feed), GOOD[feed] | changes)
    assert result.passed.is_empty()
    assert result.failed.select("reason", "error_group").rows() == [(reason, error_group)]


@pytest.mark.parametrize(
    ("feed", "changes"),
    [
        ("water.rain", {}),
        ("water.rain", {"station_id": "46_MU01", "reading_mm": "9999.9"}),
        ("water.landslide_sensors", {}),
        ("water.reservoirs", {}),
        ("water.reservoirs", {"value": "0", "channel_status": "0"}),
    ],
)
def test_a_good_reading_passes(feed: str, changes: dict[str, str | None]) -> None:
    assert check_record(find_contract(feed), GOOD[feed] | changes).passed.height == 1
