"""The schools' files: naive readers find the truth and each fault in them; what must be hidden is hidden, and no more."""

import io
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

from simulator.city import SimulatedDay
from simulator.comparisons.small_cells import hidden
from simulator.faults import ATTENDANCE, CLASSES, DEMO_FAULTS, SCHOOLS, STUDENTS, FaultKind
from simulator.truth import TABLES

FOLDERS = {
    SCHOOLS: ("education_schools", "orgs.csv"),
    CLASSES: ("education_classes", "classes.csv"),
    STUDENTS: ("education_students", "users.csv"),
    ATTENDANCE: ("education_attendance", ""),
}
Sheet = list[tuple[str | None, ...]]


def sheets(folder: Path) -> dict[str, Sheet]:
    """Return the first sheet of every workbook, every cell as text."""
    return {
        path.name: [
            tuple(f"{cell:.0f}" if isinstance(cell, float) else str(cell) if cell != "" else None for cell in row)
            for row in CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
        ]
        for path in sorted(folder.glob("*.xlsx"))
    }


def parted(sheet: Sheet) -> tuple[int, tuple[str | None, ...], Sheet, int]:
    """Return the row of the header, the header, the rows below it, and how often it is repeated."""
    place = next(number for number, row in enumerate(sheet) if sum(cell is not None for cell in row) > 4)
    below = sheet[place + 1 :]
    return place + 1, sheet[place], [row for row in below if row != sheet[place]], below.count(sheet[place])


def roster_lines(folder: Path, member: str) -> int:
    """Count the lines below the header of one file of every archive, teachers left out."""
    count = 0
    for path in sorted(folder.glob("*.zip")):
        with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
            lines = archive.read(member).decode().splitlines()[1:]
        count += len([line for line in lines if "user-t1" not in line])
    return count


@pytest.mark.parametrize("feed", FOLDERS)
def test_the_ledger_counts_the_rows_that_lie_in_the_files(feed: str, faulty_day: SimulatedDay) -> None:
    folder, member = FOLDERS[feed]
    workbooks = sheets(faulty_day.folder / folder)
    rows = sum(len(parted(sheet)[2]) for sheet in workbooks.values())
    archives = len(list((faulty_day.folder / folder).glob("*.zip")))
    ledger = {row[0]: row[1:3] for row in faulty_day.truth["ledger"].iter_rows()}
    rosters = roster_lines(faulty_day.folder / folder, member) if archives else 0
    assert ledger[feed] == (len(workbooks) + archives, rows + rosters)


def faults_in(folder: Path) -> Counter[FaultKind]:
    """Count the faults that are visible in workbooks."""
    counted: Counter[FaultKind] = Counter()
    for sheet in sheets(folder).values():
        place, header, rows, repeats = parted(sheet)
        names = [str(name) for name in header]
        counted[FaultKind.HEADER_MOVED] += place == 7
        counted[FaultKind.HEADER_MISSPELT] += any(name.endswith(("pp", "gg", "hh")) for name in names)
        counted[FaultKind.HEADER_REPEATED] += repeats > 0
        cells = [dict(zip(names, row, strict=True)) for row in rows]
        keys = ("Mã học sinh", "Mã lớp", "Mã trường")
        by_key = Counter(tuple(value for name, value in row.items() if name.startswith(keys)) for row in cells)
        counted[FaultKind.DUPLICATE] += sum(count - 1 for count in Counter(rows).values())
        counted[FaultKind.CONFLICT] += sum(count - 1 for count in by_key.values())
        for row in cells:
            counted[FaultKind.UNKNOWN_CODE] += "469999999" in row.values()
            counted[FaultKind.UNKNOWN_STATUS] += "Đang nghỉ chơi" in row.values()
            day = row.get("Ngày sinh", row.get("Ngày điểm danh", "01/01/2026"))
            counted[FaultKind.EXCEL_SERIAL] += str(day).isdigit()
            required = [name for name in ("Ngày sinh", "Có mặt", "Tên lớp", "Tên trường") if name in row]
            counted[FaultKind.MISSING_VALUE] += any(row[name] is None for name in required)
            broken = {"hai", "mười hai", "hôm qua"} & set(row.values()) or str(day).startswith("31/02")
            counted[FaultKind.MALFORMED] += bool(broken)
            if "Có mặt" in row and row["Có mặt"] is not None:
                counted[FaultKind.WRONG_SUM] += int(str(row["Có mặt"])) > int(str(row["Sĩ số"]))
    counted[FaultKind.CONFLICT] -= counted[FaultKind.DUPLICATE]
    return +counted


@pytest.mark.parametrize("feed", FOLDERS)
def test_each_fault_is_in_the_files_as_often_as_asked_and_none_on_a_good_day(
    feed: str, faulty_day: SimulatedDay, good_day: SimulatedDay
) -> None:
    assert faults_in(faulty_day.folder / FOLDERS[feed][0]) == Counter(dict(DEMO_FAULTS.of(feed)))
    assert faults_in(good_day.folder / FOLDERS[feed][0]) == Counter()


def test_a_good_day_has_the_pupils_of_every_school_that_reports(good_day: SimulatedDay) -> None:
    pupils = good_day.truth["pupils"]
    assert pupils["school_code"].n_unique() == 56
    assert 2400 < pupils.height < 3000
    assert good_day.truth["school_classes"].height == 4 * 56
    assert set(pupils["status_name"]) == {"Đang học", "Chuyển đi", "Thôi học", "Chuyển đến kỳ 1"}
    assert {"registered_schools", "schools_told", "class_days"} <= set(TABLES)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"a": 0, "b": 9}, set()),
        ({"a": 5, "b": 9}, set()),
        ({"a": 1, "b": 9, "c": 20}, {"a", "b"}),
        ({"a": 1, "b": 2, "c": 20}, {"a", "b", "c"}),
        ({"a": 2, "b": 3, "c": 20}, {"a", "b"}),
        ({"a": 3}, {"a"}),
        ({"a": 0, "b": 4, "c": 4, "d": 7}, {"b", "c"}),
    ],
)
def test_small_counts_are_hidden_with_as_many_others_as_it_takes(counts: dict[str, int], expected: set[str]) -> None:
    assert hidden(counts) == expected
