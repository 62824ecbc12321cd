"""Full lists of pupils: a pupil who is missing from the school's next list has ended there, and nothing else ends anybody."""

import io

import pytest
import xlsxwriter

from .conftest import NOON, Lake
from .warehouse import Warehouse

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1800)]

STUDENTS = "education.students"
A, B, UNKNOWN = "469900101", "461978901", "469999999"
HEADER = ("Mã học sinh", "Năm học", "Mã trường", "Mã lớp", "Họ tên", "Ngày sinh", "Khối", "Trạng thái HS")
BORN, STUDYING, CAME, LEFT = "04/03/2015", "Đang học", "Chuyển đến kỳ 1", "Chuyển đi"


def pupil(
    student: str | None, school: str = A, group: str = "6A", born: str = BORN, status: str = STUDYING
) -> tuple[str | int | None, ...]:
    """Return a line of a list."""
    return (student, "2026-2027", school, group, f"Giả Lập {student}", born, 6, status)


def workbook(*pupils: tuple[str | int | None, ...]) -> bytes:
    """Write a list of pupils."""
    written = io.BytesIO()
    with xlsxwriter.Workbook(written, {"in_memory": True}) as book:
        sheet = book.add_worksheet("C1-HocSinh")
        for place, row in enumerate((HEADER, *pupils)):
            sheet.write_row(place, 0, row)
    return written.getvalue()


def place_pupils(lake: Lake) -> Warehouse:
    """Build what the lists say about every pupil."""
    warehouse = Warehouse(lake.settings, lake.connection)
    warehouse.build_untested(NOON, "--select", "+int_pupils_placed")
    return warehouse


def test_who_is_not_in_the_next_list_of_the_school_has_ended(lake: Lake) -> None:
    first = [pupil(name) for name in ("stays", "other_class", "not_listed", "no_birth", "lost_school", "moves")]
    lake.land(STUDENTS, "HocSinh_A_20261110.xlsx", workbook(*first), 1)
    lake.land(STUDENTS, "HocSinh_B_20261110.xlsx", workbook(pupil("of_b", B), pupil("unreadable", B)), 2)
    second = [
        pupil("stays"),
        pupil("other_class", group="6B"),
        pupil("no_birth", born="31/02/2015"),
        pupil("lost_school", UNKNOWN),
        pupil("moves", status=LEFT),
    ]
    ending = lake.land(STUDENTS, "HocSinh_A_20261117.xlsx", workbook(*second), 3)
    lake.land(
        STUDENTS,
        "HocSinh_B_20261117.xlsx",
        workbook(pupil("of_b", B), pupil("moves", B, status=CAME), pupil(None, B)),
        4,
    )
    lake.land(STUDENTS, "HocSinh_A_20261118.xlsx", workbook(pupil("stays", status="Đang nghỉ chơi")), 5)
    lake.land(STUDENTS, "HocSinh_A_20261119.xlsx", b"no workbook", 6)
    counts = [(row.accepted, row.quarantined) for row in lake.load(STUDENTS)]
    assert counts == [(6, 0), (2, 0), (3, 2), (2, 1), (0, 1), (0, 1)]
    hashes = "select raw from lake.quarantine.records where list_key[3] in (select student_id from lake.bronze.education__students)"
    assert len(lake.query(hashes)) == 3

    warehouse = place_pupils(lake)
    ended = "select school_code, ended_by_list_at::varchar, ended_by_delivery_id from lake.silver.int_students_current"
    assert warehouse.rows(f"{ended} where ended_by_list_at is not null") == [(A, "2026-11-16 17:00:00+00", ending)]
    counted = "select school_code, class_code, count(*) from lake.silver.int_pupils_placed where is_studying group by all order by all"
    assert warehouse.rows(counted) == [(B, "6A", 3), (A, "6A", 3), (A, "6B", 1)]


def test_a_pupil_who_comes_back_is_counted_again_and_the_order_of_arrival_is_nothing(lake: Lake) -> None:
    lists = {"20261110": ("a", "b"), "20261117": ("a",), "20261119": ("a", "b")}
    for minute, day in enumerate(("20261119", "20261110", "20261117")):
        lake.land(STUDENTS, f"HocSinh_A_{day}.xlsx", workbook(*map(pupil, lists[day])), minute)
        lake.load(STUDENTS)
    warehouse = place_pupils(lake)
    ended = "select count(*), count(ended_by_list_at) from lake.silver.int_students_current"
    assert warehouse.rows(ended) == [(2, 0)]
