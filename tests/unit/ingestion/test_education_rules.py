"""What the contracts of education require of a row: each rule passes a usual row and catches one that breaks it."""

from datetime import UTC, datetime

import polars as pl
import pytest

from core.contract import find_contract
from core.reference import Reference
from ingestion.load.checks import check

NOON = datetime(2026, 11, 20, 5, tzinfo=UTC)
STUDENT = {
    "student_id": "4626000001",
    "school_year": "2026-2027",
    "school_code": "469900101",
    "class_code": "6A",
    "full_name": "Nguyễn Giả Lập",
    "citizen_number": "046215000001",
    "date_of_birth": "2015-03-04",
    "sex": "Nam",
    "grade": "6",
    "status_name": "Đang học",
    "record_status": "active",
    "exported_at": "2026-11-18T08:00:00+07:00",
}
CLASS_DAY = {
    "school_code": "469900101",
    "class_code": "6A",
    "attendance_date": "2026-11-18",
    "enrolled_pupils": "12",
    "present_pupils": "10",
    "absent_with_leave": "1",
    "absent_without_leave": "1",
    "exported_at": "2026-11-18T17:00:00+07:00",
}
SCHOOL = {
    "school_code": "469900101",
    "school_year": "2026-2027",
    "school_name": "Trường THCS giả lập",
    "level_code": "03",
    "ownership_code": "1",
    "commune_code": "99001",
    "is_national_standard": "true",
    "accreditation_level": "2",
    "record_status": "active",
    "exported_at": "2026-11-18T08:00:00+07:00",
}
USUAL = {"education.students": STUDENT, "education.attendance": CLASS_DAY, "education.schools": SCHOOL}


def judged(feed: str, **changes: str | None) -> tuple[set[tuple[str, int]], list[str]]:
    """Return the failed blocking rules with their groups, and the warnings of a row that passed."""
    row = {**USUAL[feed], **changes}
    frame = pl.DataFrame(
        {
            "_delivery": [0],
            "_position": [1],
            "_raw": ["raw"],
            "_record_count": [1],
            "received_at": [NOON],
            **{k: [v] for k, v in row.items()},
        },
        schema_overrides={"received_at": pl.Datetime("us", "UTC"), **dict.fromkeys(row, pl.String)},
    )
    checked = check(frame, find_contract(feed), Reference())
    failures = {(one["rule"], one["error_group"]) for found in checked.failed["failures"] for one in found}
    return failures, [name for names in checked.passed["_warnings"] for name in names]


def test_a_school_year_that_is_no_number_fails_alone_and_not_the_load() -> None:
    assert judged("education.students", school_year="Năm ???") == ({("school_year_pattern", 4)}, [])


@pytest.mark.parametrize("feed", USUAL)
def test_a_usual_row_passes_every_rule(feed: str) -> None:
    assert judged(feed) == (set(), [])


@pytest.mark.parametrize(
    ("feed", "changes", "rule"),
    [
        ("education.students", {"date_of_birth": "31/02/2015"}, ("date_of_birth_format", 4)),
        ("education.students", {"date_of_birth": None}, ("date_of_birth_required", 1)),
        (
            "education.students",
            {"date_of_birth": "2026-01-01", "citizen_number": None, "grade": None},
            ("born_before_school", 6),
        ),
        *(
            ("education.students", {"date_of_birth": day, "citizen_number": None}, ("birth_date_is_known", 2))
            for day in (
                "0001-01-01",
                "1753-01-01",
                "1899-12-30",
                "1899-12-31",
                "1900-01-01",
                "1904-01-01",
                "1904-01-02",
            )
        ),
        *(
            ("education.attendance", {"attendance_date": day}, ("day_is_known", 2))
            for day in ("1899-12-31", "1900-01-01", "1904-01-01")
        ),
        ("education.students", {"class_code": None}, ("class_is_given", 1)),
        ("education.students", {"status_name": "Đang nghỉ chơi"}, ("status_name_reference", 5)),
        ("education.students", {"school_code": "469999999"}, ("school_code_reference", 5)),
        ("education.students", {"citizen_number": "123456789"}, ("citizen_number_pattern", 4)),
        ("education.students", {"sex": "X"}, ("sex_allowed", 5)),
        ("education.students", {"school_year": "2026"}, ("school_year_pattern", 4)),
        ("education.students", {"exported_at": "2036-11-18T08:00:00+07:00"}, ("not_from_the_future", 6)),
        ("education.attendance", {"present_pupils": "15"}, ("present_and_absent_are_enrolled", 6)),
        ("education.attendance", {"attendance_date": "2026-11-19"}, ("day_before_export", 6)),
        ("education.attendance", {"enrolled_pupils": "101", "present_pupils": "99"}, ("enrolled_pupils_range", 2)),
        ("education.schools", {"is_national_standard": "có lẽ"}, ("is_national_standard_format", 4)),
        ("education.schools", {"accreditation_level": "5"}, ("accreditation_level_range", 2)),
        ("education.schools", {"level_code": "09"}, ("level_code_reference", 5)),
    ],
)
def test_a_row_that_breaks_a_rule_fails_it_and_no_other(
    feed: str, changes: dict[str, str | None], rule: tuple[str, int]
) -> None:
    assert judged(feed, **changes) == ({rule}, [])


@pytest.mark.parametrize(
    ("changes", "warnings"),
    [
        ({"date_of_birth": "2012-12-31", "citizen_number": None}, []),
        ({"date_of_birth": "2018-01-01", "citizen_number": None}, []),
        ({"date_of_birth": "2011-12-31", "citizen_number": None}, ["age_fits_grade"]),
        ({"date_of_birth": "2019-01-01", "citizen_number": None}, ["age_fits_grade"]),
        ({"date_of_birth": "2014-03-04"}, ["citizen_number_fits_birth"]),
        ({"grade": "1", "date_of_birth": "2020-12-31", "citizen_number": None}, []),
    ],
)
def test_an_unusual_age_is_noted_and_kept(changes: dict[str, str | None], warnings: list[str]) -> None:
    assert judged("education.students", **changes) == (set(), warnings)


def test_a_record_taken_back_needs_no_class() -> None:
    assert judged("education.students", class_code=None, record_status="tobedeleted") == (set(), [])
