"""Each rule of the incidents of public order refuses what it should, for its own reason, and lets the rest pass."""

import pytest

from core.contract import find_contract
from ingestion.load.checks import Checked
from tests.one_record import check_record

CONTRACT = find_contract("security.incidents")
GOOD = {
    "incident_id": "VV1",
    "updated_at": "2026-11-20T08:12:00+07:00",
    "kind_code": "trom_cap",
    "commune_code": "19753",
    "occurred_at": "2026-11-20T07:30:00+07:00",
    "reported_at": "2026-11-20T08:00:00+07:00",
    "first_response_at": "2026-11-20T08:12:00+07:00",
    "status_code": "dang_xu_ly",
    "severity": "2",
}


def checked(**changes: str | None) -> Checked:
    return check_record(CONTRACT, GOOD | changes)


@pytest.mark.parametrize(
    ("changes", "reason", "error_group"),
    [
        ({"incident_id": None}, "incident_id_required", 1),
        ({"severity": None}, "severity_required", 1),
        ({"severity": "5"}, "severity_range", 2),
        ({"reported_at": "20/11/2026 08:00"}, "reported_at_format", 4),
        ({"kind_code": "khong_co"}, "kind_code_reference", 5),
        ({"commune_code": "99999"}, "commune_code_reference", 5),
        ({"status_code": "xong"}, "status_code_allowed", 5),
        ({"occurred_at": "2026-11-20T08:00:01+07:00"}, "reported_after_it_happened", 6),
        ({"first_response_at": "2026-11-20T07:59:59+07:00"}, "answered_after_the_report", 6),
        ({"first_response_at": "2026-11-20T08:12:01+07:00"}, "written_after_what_it_tells", 6),
        ({"updated_at": "2026-11-20T07:59:59+07:00", "first_response_at": None}, "written_after_what_it_tells", 6),
        ({"updated_at": "2026-11-20T16:05:01+07:00"}, "not_from_the_future", 6),
    ],
)
def test_a_bad_incident_is_refused_for_its_reason(
    changes: dict[str, str | None], reason: str, error_group: int
) -> None:
    result = checked(**changes)
    assert result.passed.is_empty()
    assert result.failed.select("reason", "error_group").rows() == [(reason, error_group)]


@pytest.mark.parametrize("changes", [{}, {"occurred_at": None, "first_response_at": None, "status_code": None}])
def test_a_good_incident_passes(changes: dict[str, str | None]) -> None:
    assert checked(**changes).passed.height == 1
