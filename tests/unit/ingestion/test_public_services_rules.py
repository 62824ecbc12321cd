"""Each rule of the dossiers and of their ratings refuses what it should, for its own reason, and lets the rest pass."""

import pytest

from core.contract import find_contract
from ingestion.load.checks import Checked
from tests.one_record import check_record

CONTRACT = find_contract("public_services.dossiers")
GOOD = {
    "dossier_id": "H57.2-261120-0007",
    "changed_at": "20261120150000",
    "procedure_code": "1.012766",
    "channel_code": "2",
    "identity_type_code": "1",
    "identity_number": "046099000001",
    "submitted_at": "20261110081500",
    "intake_at": "20261110081500",
    "due_at": "20261204170000",
    "finished_at": "20261120140000",
    "status_code": "10",
    "receiving_agency_code": "000.00.01.H57",
    "processing_agency_code": "000.00.02.H57",
    "has_vneid_account": "1",
    "fee_amount": "50000.50",
    "due_changes": "20261112090000/20261125170000/20261204170000",
}


RATINGS = find_contract("public_services.ratings")
GOOD_RATING = {
    "dossier_id": "H57.2-261120-0007",
    "agency_code": "000.00.02.H57",
    "rated_at": "20261120150000",
    "rating": "5",
}


def checked(**changes: str | None) -> Checked:
    return check_record(CONTRACT, GOOD | changes)


def test_a_good_dossier_passes_and_its_money_is_exact() -> None:
    result = checked()
    assert (result.passed.height, result.failed.height) == (1, 0)
    assert str(result.passed["fee_amount"][0]) == "50000.50"


@pytest.mark.parametrize(
    ("changes", "reason", "error_group"),
    [
        ({"procedure_code": None}, "procedure_code_required", 1),
        ({"procedure_code": "9.999999"}, "procedure_code_reference", 5),
        ({"processing_agency_code": "000.00.01.H75"}, "processing_agency_code_reference", 5),
        ({"receiving_agency_code": "000.00.01.H75"}, "receiving_agency_code_reference", 5),
        ({"status_code": "11"}, "status_code_allowed", 5),
        ({"channel_code": "4"}, "channel_code_allowed", 5),
        ({"submitted_at": "10/11/2026 08:15"}, "submitted_at_format", 4),
        ({"submitted_at": "20261110081501"}, "submitted_before_intake", 6),
        ({"due_at": "20261110081459"}, "intake_before_due", 6),
        ({"finished_at": "20261110081459"}, "finished_after_intake", 6),
        ({"finished_at": None}, "finished_has_end", 6),
        ({"finished_at": None, "status_code": "9"}, "finished_has_end", 6),
        ({"due_at": None}, "received_has_intake_and_due", 6),
        ({"intake_at": None}, "received_has_intake_and_due", 6),
        ({"identity_number": "191234567"}, "citizen_number_has_twelve_digits", 4),
        ({"changed_at": "20261120160501"}, "not_from_the_future", 6),
        ({"due_changes": "20261112090000/20261204170000"}, "due_changes_pattern", 4),
        ({"due_changes": "20261112090000/20261125170000/20261399000000"}, "due_changes_date", 4),
        ({"has_vneid_account": "2"}, "has_vneid_account_range", 2),
        ({"fee_amount": "miễn phí"}, "fee_amount_format", 4),
        ({"fee_amount": "-1"}, "fee_amount_range", 2),
    ],
)
def test_a_bad_dossier_is_refused_for_its_reason(changes: dict[str, str | None], reason: str, error_group: int) -> None:
    result = checked(**changes)
    assert result.passed.is_empty()
    assert result.failed.select("reason", "error_group").rows() == [(reason, error_group)]
    assert len(result.failed["failures"][0]) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"status_code": "1", "intake_at": None, "due_at": None, "finished_at": None},
        {"status_code": "3", "intake_at": None, "due_at": None, "finished_at": None},
        {"status_code": "4", "finished_at": None},
        {"identity_type_code": "2", "identity_number": "191234567"},
        {"identity_type_code": None, "identity_number": "3300101010"},
        {"identity_number": None},
        {"changed_at": "20261120160500"},
        {"receiving_agency_code": None, "due_changes": None},
    ],
)
def test_what_the_rules_do_not_speak_of_passes(changes: dict[str, str | None]) -> None:
    assert checked(**changes).passed.height == 1


@pytest.mark.parametrize(
    ("changes", "reason", "error_group"),
    [
        ({"dossier_id": None}, "dossier_id_required", 1),
        ({"rating": None}, "rating_required", 1),
        ({"rating": "0"}, "rating_range", 2),
        ({"rating": "6"}, "rating_range", 2),
        ({"rating": "rất hài lòng"}, "rating_format", 4),
        ({"agency_code": "000.00.01.H75"}, "agency_code_reference", 5),
        ({"rated_at": "20/11/2026 15:00"}, "rated_at_format", 4),
        ({"rated_at": "20261120160501"}, "not_from_the_future", 6),
    ],
)
def test_a_bad_rating_is_refused_for_its_reason(changes: dict[str, str | None], reason: str, error_group: int) -> None:
    result = check_record(RATINGS, GOOD_RATING | changes)
    assert result.passed.is_empty()
    assert result.failed.select("reason", "error_group").rows() == [(reason, error_group)]


@pytest.mark.parametrize("changes", [{}, {"rating": "1"}, {"rated_at": "20261120160500"}])
def test_a_good_rating_passes(changes: dict[str, str]) -> None:
    result = check_record(RATINGS, GOOD_RATING | changes)
    assert (result.passed.height, result.failed.height) == (1, 0)
