"""Each rule of the alerts of information security refuses what it should, for its own reason, and lets the rest pass."""

import polars as pl
import pytest

from core.contract import find_contract
from core.reference import Reference
from tests.one_record import check_record

CONTRACT = find_contract("cyber.alerts")
ALERT = {
    "source_id": "ids-ttdl",
    "event_id": "1",
    "event_kind_code": "alert",
    "observed_at": "2026-11-20T08:00:00+07:00",
    "alert_id": "1",
    "severity_code": "eve:1",
    "action_code": "allowed",
    "signature_id": "2001219",
    "signature": "ET SCAN Potential SSH Scan",
}
STATUS = {name: ALERT[name] for name in ("source_id", "event_id", "observed_at", "alert_id")} | {
    "event_kind_code": "status",
    "status_code": "resolved",
}
HEARTBEAT = {name: ALERT[name] for name in ("source_id", "event_id", "observed_at")} | {"event_kind_code": "heartbeat"}


@pytest.mark.parametrize(
    ("event", "changes", "reason", "error_group"),
    [
        (ALERT, {"source_id": None}, "source_id_required", 1),
        (ALERT, {"observed_at": None}, "observed_at_required", 1),
        (ALERT, {"observed_at": "Mar 21 14:05:02"}, "observed_at_format", 4),
        (ALERT, {"observed_at": "2019-01-02T03:50:11.315110"}, "observed_at_format", 4),
        (ALERT, {"observed_at": "2026-11-20T16:05:01+07:00"}, "not_from_the_future", 6),
        (ALERT, {"severity_code": None}, "alert_has_a_severity", 1),
        (ALERT, {"severity_code": "cef:42"}, "severity_code_reference", 5),
        (ALERT, {"signature": None}, "alert_has_a_signature", 1),
        (STATUS, {"alert_id": None}, "status_tells_of_an_alert", 1),
        (STATUS, {"status_code": None}, "status_tells_of_an_alert", 1),
        (STATUS, {"status_code": "done"}, "status_code_allowed", 5),
    ],
)
def test_a_bad_event_is_refused_for_its_reason(
    event: dict[str, str], changes: dict[str, str | None], reason: str, error_group: int
) -> None:
    result = check_record(CONTRACT, event | changes)
    assert result.passed.is_empty()
    assert result.failed.select("reason", "error_group").rows() == [(reason, error_group)]


@pytest.mark.parametrize("event", [ALERT, STATUS, HEARTBEAT])
def test_a_good_event_passes(event: dict[str, str]) -> None:
    assert check_record(CONTRACT, event).passed.height == 1


def test_one_is_the_highest_severity_in_eve_and_ten_in_cef() -> None:
    listed = Reference().list_of("alert_severities")
    ranks = dict(listed.select("severity_code", pl.col("severity_rank").cast(pl.Int64)).rows())
    for form, severities in (("eve", range(4, 0, -1)), ("cef", range(11))):
        in_order = [ranks[f"{form}:{severity}"] for severity in severities]
        assert in_order == sorted(in_order)
        assert (in_order[0], in_order[-1]) == (1, 4)


INDICATORS = find_contract("cyber.indicators")
INDICATOR = {
    "indicator_id": "indicator--031778a4-057f-48e6-9db9-c8d72b81ccd5",
    "modified_at": "2026-11-20T01:00:00.000Z",
    "pattern": "[ipv4-addr:value = '203.0.113.7']",
    "pattern_type": "stix",
    "valid_from": "2026-11-19T01:00:00.000Z",
    "valid_until": "2026-11-29T01:00:00.000Z",
}


@pytest.mark.parametrize(
    ("changes", "reason", "error_group"),
    [
        ({"indicator_id": "malware--031778a4-057f-48e6-9db9-c8d72b81ccd5"}, "indicator_id_pattern", 4),
        ({"modified_at": None}, "modified_at_required", 1),
        ({"modified_at": "20/11/2026"}, "modified_at_format", 4),
        ({"pattern": None}, "pattern_required", 1),
        ({"pattern_type": None}, "pattern_type_required", 1),
        ({"valid_from": None}, "valid_from_required", 1),
        ({"valid_until": "2026-11-19T01:00:00.000Z"}, "ends_after_it_began", 6),
        ({"modified_at": "2026-11-20T09:05:01.000Z"}, "not_from_the_future", 6),
    ],
)
def test_a_bad_indicator_is_refused_for_its_reason(
    changes: dict[str, str | None], reason: str, error_group: int
) -> None:
    result = check_record(INDICATORS, INDICATOR | changes)
    assert result.passed.is_empty()
    assert result.failed.select("reason", "error_group").rows() == [(reason, error_group)]


@pytest.mark.parametrize("changes", [{}, {"valid_until": None}])
def test_a_good_indicator_passes(changes: dict[str, str | None]) -> None:
    assert check_record(INDICATORS, INDICATOR | changes).passed.height == 1
