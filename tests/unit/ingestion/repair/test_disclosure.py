"""What may be seen of a quarantined record: by the class of each column, and only the shape of what cannot be read."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from core.contract import find_contract
from ingestion.repair.disclosure import seen_of, shape_of
from ingestion.repair.quarantine import QuarantinedRecord

PUPILS = find_contract("education.students")
RECORD = QuarantinedRecord(
    feed=PUPILS.feed,
    delivery_id="20261120T050000.000000Z-0000000a-0000000000000000",
    position=3,
    source_name="HocSinh_461975301_20261115.xlsx",
    object_key="",
    sha256="",
    size_bytes=1,
    reason="status_name_allowed",
    error_group=5,
    failed_rules=["status_name_allowed", "a_rule_of_the_record"],
    failed_columns=["status_name", None],
    record_count=1,
    raw='["HS77", "Tôn Nữ Kín", "04/03/2020"]',
    since=datetime(2026, 11, 20, 5, tzinfo=UTC),
    outcome=None,
    repair_id=None,
    repair=None,
    repaired_by=None,
    repaired_at=None,
    why=None,
)
VALUES = {
    "student_id": "HS77",
    "school_code": "461975301",
    "full_name": "Tôn Nữ Kín",
    "date_of_birth": "04/03/2020",
    "dropout_reason": "gọi mẹ",
    "ethnic_group": "Kinh",
    "status_name": "Kín 0905",
}


def test_each_value_is_seen_as_its_class_says_and_one_that_failed_by_its_shape() -> None:
    classes = {name: PUPILS.column(name).classification for name in VALUES}
    assert set(classes.values()) == {"open", "internal", "restricted", "personal"}
    seen = seen_of(PUPILS, RECORD, VALUES)
    assert seen == {
        "student_id": "***",
        "school_code": "461975301",
        "full_name": "***",
        "date_of_birth": "***",
        "dropout_reason": "***",
        "ethnic_group": "Kinh",
        "status_name": "x 9999",
    }
    assert next(iter(seen)) == "status_name"


def test_a_personal_value_that_failed_is_not_even_seen_by_its_shape() -> None:
    failed = replace(RECORD, failed_columns=["full_name"])
    assert seen_of(PUPILS, failed, {"full_name": "Tôn Nữ Kín"}) == {"full_name": "***"}


def test_of_a_text_without_columns_its_shape_is_seen() -> None:
    assert seen_of(PUPILS, RECORD, None) == '["x99", "x x x", "99/99/9999"]'


def test_the_message_in_the_place_of_a_delivery_is_seen() -> None:
    message = "education.students: expected a header, got none; correct it and send the file again"
    assert seen_of(PUPILS, replace(RECORD, position=0, raw=message), None) == message


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("Nguyễn Thị Ái Ân", "x x x x"),
        ("Nguye\u0302\u0303n Thi\u0323 \u0301A", "x x \u0301x"),
        ("H57.2-261120-0001", "x99.9-999999-9999"),
        ("12,5 mg/m³", "99,9 x/x"),
        ("t\u00f4n\\u00f4n ٠٩", "x\\x99x9x 99"),
        ("", ""),
    ],
)
def test_a_shape_holds_no_letter_and_no_digit_of_its_text(text: str, shape: str) -> None:
    assert shape_of(text) == shape
