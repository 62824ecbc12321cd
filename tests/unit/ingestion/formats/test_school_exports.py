"""Workbooks and OneRoster archives: every row once, headers matched with a remark, cells by their kind, limits."""

import io
import struct
import zipfile
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.contract import find_contract
from core.errors import DeliveryError
from core.reference import Reference
from ingestion.formats import archives, base
from ingestion.formats.base import Envelope, Pieces, join_pieces
from ingestion.formats.headers import key_of, match_header
from ingestion.formats.registry import find_format
from ingestion.formats.table import workbook as container
from ingestion.formats.table.file_times import time_in_name
from ingestion.formats.table.sheets import date_text, truth_text
from ingestion.load.checks import check

Read = Callable[..., Any]

NAME = "HocSinh_20261115.xlsx"
RECEIVED = datetime(2026, 11, 21, tzinfo=UTC)
STUDENTS = "education.students"
HEADER = ["Mã học sinh", "Năm học", "Mã trường", "Mã lớp", "Ngày sinh", "Trạng thái HS"]
ORGS = "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId\n"
USERS = "sourcedId,status,dateLastModified,enabledUser,role,givenName,familyName,middleName,identifier\n"


def pupil(number: int, born: object = "04/03/2015") -> list[object]:
    return [f"46{number:08}", "2026-2027", "469900101", "6A", born, "Đang học"]


def workbook(*sheets: Sequence[Sequence[object]]) -> bytes:
    """Write a workbook, one sheet per table; None leaves a cell empty."""
    written = io.BytesIO()
    book = xlsxwriter.Workbook(written, {"in_memory": True})
    as_date = book.add_format({"num_format": "dd/mm/yyyy"})
    for rows in sheets:
        sheet = book.add_worksheet()
        for place, row in enumerate(rows):
            for column, cell in enumerate(row):
                if isinstance(cell, date):
                    sheet.write_datetime(place, column, cell, as_date)
                elif cell is not None:
                    sheet.write(place, column, cell)
    book.close()
    return written.getvalue()


def archive(members: Mapping[str, str | bytes]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in members.items():
            opened.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return written.getvalue()


def students(read: Read, *contents: bytes, names: list[str] | None = None) -> Any:
    return read("table", STUDENTS, *contents, names=names or [NAME] * len(contents))


def refusal(read: Read, content: bytes, feed: str = STUDENTS, name: str = NAME) -> str:
    with pytest.raises(DeliveryError) as caught:
        read("table", feed, content, names=[name])
    return str(caught.value.values["reason"])


@pytest.mark.parametrize("rows_above", [0, 1, 6, 11])
def test_the_header_is_found_in_the_first_twelve_rows(read: Read, rows_above: int) -> None:
    titles: list[list[object]] = [["Sở Giáo dục và Đào tạo"]] * rows_above
    delivered = students(read, workbook([*titles, HEADER, *(pupil(number) for number in range(3))]))
    assert [row["student_id"] for row in delivered.rows] == ["4600000000", "4600000001", "4600000002"]
    assert delivered.skipped == {"header": 1, **({"above_header": rows_above} if rows_above else {})}


def test_a_header_in_row_thirteen_is_refused_and_no_cell_is_told(read: Read) -> None:
    content = workbook([*([["Nguyễn Thị Kín"]] * 12), HEADER, pupil(1)])
    with pytest.raises(
        DeliveryError, match="Mã học sinh, Năm học, Mã trường, Ngày sinh, Trạng thái HS missing"
    ) as caught:
        students(read, content)
    assert caught.value.values["reason"] == "missing_column"
    assert "Kín" not in str(caught.value)


@pytest.mark.parametrize(("named", "told"), [(HEADER[:2], []), (HEADER[:3], [*HEADER[:3], "Nguyễn Thị Kín"])])
def test_a_row_is_told_as_a_header_only_if_it_names_half_of_the_columns(
    read: Read, named: list[str], told: list[str]
) -> None:
    with pytest.raises(DeliveryError) as caught:
        students(read, workbook([[*named, "Nguyễn Thị Kín"], pupil(1)]))
    assert caught.value.values["found"] == told


def test_repeated_headers_blank_rows_and_other_sheets_are_skipped_by_name(read: Read) -> None:
    first: list[Sequence[object]] = [
        HEADER,
        pupil(1),
        [],
        HEADER,
        pupil(2),
        [name.upper() for name in HEADER],
        pupil(3),
    ]
    delivered = students(read, workbook(first, [["Hướng dẫn"], ["Điền đủ"]]))
    assert len(delivered.rows) == 3
    assert delivered.skipped == {"blank_line": 1, "header": 3, "other_sheet: Sheet2": 2}


ATTENDANCE = "education.attendance"
DAY = ["Mã trường", "Mã lớp", "Ngày điểm danh", "Sĩ số", "Có mặt", "Vắng có phép", "Vắng không phép"]


@pytest.mark.parametrize("name", ["Có mặt", "CÓ MẶT"])
def test_a_column_that_stands_twice_is_not_chosen_from(read: Read, name: str) -> None:
    old: list[list[object]] = [[*DAY[:4], name, *DAY[4:]], ["469900101", "6A", "20/11/2026", 12, 0, 11, 1, 0]]
    with pytest.raises(DeliveryError, match="expected each column once, got Có mặt twice") as caught:
        attendance(read, workbook(old))
    assert caught.value.values["reason"] == "column_twice"


def test_a_column_of_a_roster_file_that_stands_twice_refuses_the_archive(read: Read) -> None:
    users = FULL["users"].replace("enabledUser,role", "role,role")
    with pytest.raises(DeliveryError, match=r"expected each column of users\.csv once, got role twice"):
        students(read, roster_with(users=users))


EMPTY_ROWS: list[list[object]] = [[], [], [], []]


def class_day(code: object, day: object = "20/11/2026", present: object = 11) -> list[object]:
    return ["469900101", code, day, 12, present, 1, 0]


def attendance(read: Read, content: bytes) -> Any:
    return read("table", ATTENDANCE, content, names=["ChuyenCan_202611201700.xlsx"])


def changed(content: bytes, member: str, *changes: tuple[str, str]) -> bytes:
    """Change the XML of a workbook; each text must be there."""
    members = archives.unpack(content)
    for old, new in changes:
        assert old.encode() in members[member]
        members[member] = members[member].replace(old.encode(), new.encode())
    return archives.pack(members)


def raw_cells(*cells: str) -> bytes:
    """Write a sheet with the students' header, and below it a row with these cells (XML) before the others' text, from the left."""
    content = workbook([HEADER, [], pupil(2)])
    row = "".join(cells)
    rest = "".join(
        f'<c r="{letter}2" t="inlineStr"><is><t>{text}</t></is></c>'
        for letter, text in list(zip("ABCDEF", map(str, pupil(1)), strict=True))[len(cells) :]
    )
    return changed(content, "xl/worksheets/sheet1.xml", ('<row r="3"', f'<row r="2">{row}{rest}</row><row r="3"'))


@pytest.mark.parametrize("flag", ["hidden", "veryHidden"])
def test_a_hidden_sheet_is_skipped_by_name_and_a_hidden_row_is_read(read: Read, flag: str) -> None:
    content = workbook([DAY, class_day("6A", present=0)], [DAY, class_day("6A"), class_day("6B"), class_day("6C")])
    content = changed(content, "xl/workbook.xml", ('sheetId="1"', f'sheetId="1" state="{flag}"'))
    content = changed(content, "xl/worksheets/sheet2.xml", ('<row r="3"', '<row r="3" hidden="1"'))
    delivered = attendance(read, content)
    assert [(row["class_code"], row["present_pupils"]) for row in delivered.rows] == [
        ("6A", "11"),
        ("6B", "11"),
        ("6C", "11"),
    ]
    assert delivered.skipped == {"header": 1, "hidden_sheet: Sheet1": 2}


def test_a_workbook_whose_only_table_is_hidden_is_refused(read: Read) -> None:
    content = workbook([["Xem trang sau"]], [HEADER, pupil(1)])
    content = changed(content, "xl/workbook.xml", ('sheetId="2"', 'sheetId="2" state="hidden"'))
    with pytest.raises(DeliveryError, match="of a sheet that is not hidden"):
        students(read, content)


def test_a_piece_tells_the_row_of_excel_and_its_position_counts_rows_in_use(read: Read) -> None:
    delivered = attendance(read, workbook([*EMPTY_ROWS, DAY, class_day("6A"), [], class_day("6B")]))
    places = delivered.reading.records.select("_position", "_raw").rows()
    assert [(position, raw.partition("\t")[0]) for position, raw in places] == [
        (2, "workbook/Sheet1!6"),
        (4, "workbook/Sheet1!8"),
    ]


@pytest.mark.parametrize("flag", ["1", "true"])
def test_days_from_1904_are_read_from_date_cells_and_never_from_plain_numbers(read: Read, flag: str) -> None:
    days = [date(2022, 11, 19), 44884, "44884", 46346, "20/11/2026"]  # xlsxwriter counts from 1900: 44884 either way
    content = workbook([DAY, *(class_day(f"6{place}", day) for place, day in enumerate(days))])
    content = changed(content, "xl/workbook.xml", ("<workbookPr ", f'<workbookPr date1904="{flag}" '))
    assert [row["attendance_date"] for row in attendance(read, content).rows] == [
        "2026-11-20",
        "44884",
        "44884",
        "46346",
        "2026-11-20",
    ]


@pytest.mark.parametrize("flag", ["", ' date1904="1"'])
@pytest.mark.parametrize("number", ["0", "0.5", "1", "2", "59", "60", "-1", "2958465", "2958466"])
@pytest.mark.parametrize("style", ["", ' s="1"'])
def test_a_date_cell_without_a_date_is_never_a_birth_date(read: Read, number: str, style: str, flag: str) -> None:
    content = workbook([HEADER, pupil(1, date(2015, 3, 4))])  # which makes style 1 that of a date
    content = changed(content, "xl/worksheets/sheet1.xml", ('s="1"><v>42067<', f"{style}><v>{number}<"))
    content = changed(content, "xl/workbook.xml", ("<workbookPr ", f"<workbookPr{flag} "))
    received = students(read, content).reading.records.with_columns(pl.lit(RECEIVED).alias("received_at"))
    checked = check(received, find_contract(STUDENTS), Reference())
    assert checked.passed.is_empty()
    assert checked.failed["reason"].to_list()[0] in (
        "date_of_birth_format",
        "birth_date_is_known",
        "born_before_school",
    )


ERRORS = [
    "#NULL!",
    "#DIV/0!",
    "#VALUE!",
    "#REF!",
    "#NAME?",
    "#NUM!",
    "#N/A",
    "#GETTING_DATA",
    "#SPILL!",
    "#CALC!",
    "#FIELD!",
    "Err:502",
]


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize(
    "cell",
    ['<c r="{}2" t="e"><f>A9</f><v>{}</v></c>', "<c t='e' r=\"{}2\"><v>{}</v></c>", '<c r="{}2" t="str"><v>{}</v></c>'],
)
def test_an_error_is_not_an_empty_cell(read: Read, cell: str, error: str) -> None:
    content = raw_cells(cell.format("A", error))
    delivered = students(read, content)
    assert [row["student_id"] for row in delivered.rows] == ["4600000002"]
    assert delivered.reasons == [(2, "student_id_error_cell", 4)]
    assert delivered.reading.unreadable["_raw"].to_list()[0].startswith(f'workbook/Sheet1!2\t["{error}",')


def test_an_error_in_an_optional_column_is_quarantined_and_in_an_unknown_one_is_not(read: Read) -> None:
    rows: list[list[object]] = [
        [*HEADER, "Họ tên", "Ghi chú"],
        [*pupil(1), "#REF!", "x"],
        [*pupil(2), "Nguyễn Giả Lập", "#N/A"],
    ]
    delivered = students(read, workbook(rows))
    assert delivered.reasons == [(2, "full_name_error_cell", 4)]
    assert [row["student_id"] for row in delivered.rows] == ["4600000002"]


NO_VALUE = [
    "<f>Nguon!A1</f>",
    "<f>Nguon!A1</f><v></v>",
    "<f>Nguon!A1</f><v/>",
    '<f t="shared" si="0"/><v xml:space="preserve"></v>',
]


@pytest.mark.parametrize("inside", NO_VALUE)
@pytest.mark.parametrize("kind", ["", ' t="n"', ' t="e"', " t='b'", ' s="0" t="s"'])
def test_a_formula_without_a_value_is_not_an_empty_cell(read: Read, kind: str, inside: str) -> None:
    delivered = students(read, raw_cells(f'<c r="A2"{kind}>{inside}</c>'))
    assert [row["student_id"] for row in delivered.rows] == ["4600000002"]
    assert delivered.reasons == [(2, "student_id_formula_without_value", 4)]
    assert delivered.reading.unreadable["_raw"].to_list()[0].startswith('workbook/Sheet1!2\t[{"formula":""},')


@pytest.mark.parametrize(
    "cell", ['<c r="A2" t="e"/>', "<c r='A2' t='e' />", '<c r="A2" t="e"></c>', '<c t="e" r="A2"><v/></c>']
)
def test_an_error_whose_text_is_not_stored_is_not_an_empty_cell(read: Read, cell: str) -> None:
    delivered = students(read, raw_cells(cell))
    assert [row["student_id"] for row in delivered.rows] == ["4600000002"]
    assert delivered.reasons == [(2, "student_id_formula_without_value", 4)]


def test_a_formula_without_a_value_in_an_optional_column_is_quarantined_and_in_an_unknown_one_is_not(
    read: Read,
) -> None:
    content = workbook([[*HEADER, "Họ tên", "Ghi chú"], [*pupil(1), "A", "x"], [*pupil(2), "B", "x"]])
    for place in ("G2", "H3"):
        content = with_cell(content, place, f'<c r="{place}"><f>A1</f></c>')
    delivered = students(read, content)
    assert delivered.reasons == [(2, "full_name_formula_without_value", 4)]
    assert [row["student_id"] for row in delivered.rows] == ["4600000002"]


def with_cell(content: bytes, place: str, cell: str) -> bytes:
    """Replace a cell of the first sheet."""
    name = "xl/worksheets/sheet1.xml"
    members = archives.unpack(content)
    before, found, after = members[name].partition(f'<c r="{place}"'.encode())
    assert found
    members[name] = before + cell.encode() + after.partition(b"</c>")[2]
    return archives.pack(members)


def test_a_formula_without_a_value_in_the_very_last_cell_is_seen(read: Read) -> None:
    name = "xl/worksheets/sheet1.xml"
    members = archives.unpack(with_cell(workbook([HEADER, pupil(1)]), "F2", '<c r="F2"><f>A1</f></c>'))
    members[name] = members[name].partition(b"</sheetData>")[0] + b"</sheetData></worksheet>"
    assert students(read, archives.pack(members)).reasons == [(2, "status_name_formula_without_value", 4)]


def test_a_text_that_a_formula_left_empty_is_empty_and_a_formula_elsewhere_is_no_cells(read: Read) -> None:
    content = with_cell(workbook([HEADER, pupil(1), pupil(2)]), "D2", '<c r="D2" t="str"><f>""</f><v></v></c>')
    content = with_cell(content, "F3", '<c r="F3" s="0"/>')
    content = changed(
        content, "xl/worksheets/sheet1.xml", ("</sheetData>", "</sheetData><extLst><ext><f>A1</f></ext></extLst>")
    )
    delivered = students(read, content)
    assert delivered.reasons == []
    assert [(row.get("class_code"), row.get("status_name")) for row in delivered.rows] == [
        (None, "Đang học"),
        ("6A", None),
    ]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ('<c r="A2" t="str"><f>Nguon!A1</f><v>0461000002</v></c>', "0461000002"),
        ('<c r="A2"><f>Nguon!A1</f><v>0461000001</v></c>', None),
        ('<c r="A2"><v>4600000003</v></c>', None),
        ('<c r="A2"><v>4.61000004E8</v></c>', None),
        ('<c r="A2" t="n"><v>461000004</v></c>', None),
        ('<c r="A2" t="inlineStr"><is><t>4.61E+08</t></is></c>', None),
        ('<c r="A2" t="inlineStr"><is><t>4,61E+08</t></is></c>', None),
        ('<c r="A2" t="inlineStr"><is><t>6E1</t></is></c>', "6E1"),
    ],
)
def test_a_code_is_believed_as_text_only(read: Read, cell: str, expected: str | None) -> None:
    delivered = students(read, raw_cells(cell))
    assert [row["student_id"] for row in delivered.rows] == [*([expected] if expected else []), "4600000002"]
    assert delivered.reasons == ([] if expected else [(2, "student_id_number_cell", 4)])


def test_a_number_is_a_code_where_the_contract_can_confirm_it(read: Read) -> None:
    header = [*HEADER, "Số định danh cá nhân", "Dân tộc"]
    row = ["4600000001", "2026-2027", 469900101, "6A", "04/03/2015", "Đang học", 46315000005, 7]
    (read_row,) = students(read, workbook([header, row])).rows
    assert (read_row["school_code"], read_row["citizen_number"], read_row["ethnic_group"]) == (
        "469900101",
        "46315000005",
        "7",
    )


@pytest.mark.parametrize(
    ("cell", "reason"), [(date(2026, 1, 6), "class_code_date_cell"), (True, "class_code_truth_cell")]
)
def test_a_code_that_excel_made_a_date_or_a_truth_value_of_is_quarantined(
    read: Read, cell: object, reason: str
) -> None:
    row = pupil(1)
    row[3] = cell
    assert students(read, workbook([HEADER, row, pupil(2)])).reasons == [(2, reason, 4)]


def test_a_row_that_was_edited_into_something_else_is_quarantined(read: Read) -> None:
    contract = find_contract(STUDENTS)
    wire = find_format(contract)
    envelope = Envelope(NAME)
    (pieces,) = wire.split(io.BytesIO(workbook([HEADER, pupil(1), pupil(2)])), envelope)
    raws = [*pieces.raws[:1], 'workbook/Sheet1!2\t["0461000001",', "0461000001,2026-2027"]
    reading = wire.read(join_pieces([(0, Pieces(1, raws))]), contract, {0: envelope})
    assert reading.unreadable.select("_position", "reason").rows() == [(2, "broken_row"), (3, "broken_row")]


def test_two_sheets_with_headers_of_their_own_are_both_read(read: Read) -> None:
    turned = [list(reversed(row)) for row in (HEADER, pupil(2))]
    delivered = students(read, workbook([HEADER, pupil(1)], turned))
    assert [(row["student_id"], row["class_code"]) for row in delivered.rows] == [
        ("4600000001", "6A"),
        ("4600000002", "6A"),
    ]


def test_a_header_that_is_not_exact_is_taken_and_told(read: Read) -> None:
    spelt = ["MA HOC SINH", "Năm học", "Mã  trường", "Mã lớp", "Ngày sinhh", "Trạng thái HS", "Ghi chú"]
    delivered = students(read, workbook([spelt, pupil(1)]))
    assert delivered.rows[0]["date_of_birth"] == "2015-03-04"
    assert delivered.skipped == {
        "header: taken MA HOC SINH as Mã học sinh, Ngày sinhh as Ngày sinh; unknown Ghi chú": 1
    }


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("04/03/2015", "2015-03-04"),
        ("4/3/2015", "2015-03-04"),
        ("04-03-2015", "2015-03-04"),
        (42067, "2015-03-04"),
        ("42067", "2015-03-04"),
        (date(2015, 3, 4), "2015-03-04"),
        ("2015-03-04", "2015-03-04"),
        ("03/13/2015", "03/13/2015"),
        ("31/02/2015", "31/02/2015"),
        (7, "7"),
        (42067.5, "42067.5"),
        ("mồng bốn", "mồng bốn"),
    ],
)
def test_a_date_is_read_both_ways_and_never_guessed(read: Read, cell: object, expected: str) -> None:
    assert students(read, workbook([HEADER, pupil(1, cell)])).rows[0]["date_of_birth"] == expected


def test_yes_and_no_are_read_from_words_and_signs() -> None:
    words = pl.DataFrame({"word": ["x", "Có", "KHÔNG", "0", "có lẽ", None]})
    assert words.select(truth_text(pl.col("word")).alias("read"))["read"].to_list() == [
        "true",
        "true",
        "false",
        "false",
        "có lẽ",
        None,
    ]


def test_no_day_has_two_readings() -> None:
    texts = pl.DataFrame({"text": [f"{day:02}/{month:02}/2015" for day in (1, 12, 13) for month in (1, 12)]})
    assert texts.select(date_text(pl.col("text")).alias("read"))["read"].to_list() == [
        f"2015-{month:02}-{day:02}" for day in (1, 12, 13) for month in (1, 12)
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("HocSinh_20261115.xlsx", "2026-11-15T00:00:00+07:00"),
        ("HocSinh_202611151730.xlsx", "2026-11-15T17:30:00+07:00"),
        ("HocSinh_20261115_1730.xlsx", "2026-11-15T17:30:00+07:00"),
        ("46_KCN_0_20261120080500.txt", "2026-11-20T08:05:00+07:00"),
        ("HocSinh_20261315.xlsx", None),
        ("HocSinh 469900101.xlsx", None),
    ],
)
def test_the_version_stands_in_the_name(name: str, expected: str | None) -> None:
    assert time_in_name(name) == expected


def test_a_workbook_whose_name_has_no_date_is_refused(read: Read) -> None:
    assert refusal(read, workbook([HEADER, pupil(1)]), name="HocSinh.xlsx") == "file_name_without_date"


def test_deliveries_of_both_forms_read_together_are_read_as_alone(read: Read) -> None:
    contents = [
        workbook([HEADER, pupil(1)]),
        archive({"users.csv": f"{USERS}u1,,,TRUE,student,A,B,,p1\n"}),
        b"",
        workbook([HEADER, pupil(1), pupil(2)]),
    ]
    together = students(read, *contents)
    for number, content in enumerate(contents):
        alone = students(read, content).reading
        for frame in ("records", "unreadable", "skipped"):
            mine = getattr(together.reading, frame).filter(pl.col("_delivery") == number)
            assert mine.drop("_delivery").rows() == getattr(alone, frame).drop("_delivery").rows()


def test_a_hundred_thousand_pupils(read: Read) -> None:
    written = io.BytesIO()
    book = xlsxwriter.Workbook(written, {"in_memory": True})
    sheet = book.add_worksheet()
    for place, row in enumerate([HEADER, *(pupil(number) for number in range(100_000))]):
        sheet.write_row(place, 0, row)
    book.close()
    delivered = students(read, written.getvalue())
    assert delivered.reading.records.height == 100_000
    assert delivered.reading.records["student_id"].n_unique() == 100_000


def roster(**files: str) -> bytes:
    return archive(
        {
            "manifest.csv": "propertyName,value\noneroster.version,1.2\n",
            **{f"{name}.csv": text for name, text in files.items()},
        }
    )


FULL = {
    "orgs": f"{ORGS}o1,,,Trường A,school,469900101,\no2,active,,Phòng,department,,\n",
    "academicSessions": "sourcedId,status,dateLastModified,title,type,startDate,endDate,parentSourcedId,schoolYear\nt1,,,HK,term,,,,2027\n",
    "classes": (
        "sourcedId,status,dateLastModified,title,grades,courseSourcedId,classCode,classType,location,schoolSourcedId,termSourcedIds\n"
        'c1,,,Lớp 6A,06,,6A,homeroom,,o1,"t1,t2"\nc2,tobedeleted,2026-11-01,Lớp 6B,6,,6B,homeroom,,o1,t1\n'
    ),
    "users": (
        "sourcedId,status,dataLastModified,enabledUser,role,givenName,familyName,middleName,identifier,prefferedGivenName\n"
        "u1,active,2026-11-02T03:00:00.000Z,TRUE,student,Lập,Nguyễn,Giả,p1,\nu2,tobedeleted,2026-11-03,TRUE,student,B,A,,,\n"
        "u3,active,,TRUE,teacher,C,A,,,\nu4,active,,TRUE,,D,A,,,\n"
    ),
    "roles": (
        "sourcedId,status,dateLastModified,userSourcedId,roleType,role,beginDate,endDate,orgSourcedId,userProfileSourcedId\n"
        "r1,active,,u4,primary,administrator,,,o1,\n"
    ),
    "enrollments": (
        "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate\n"
        "e0,tobedeleted,,c2,o1,u1,student,true,,\ne1,,,c2,o1,u1,student,false,,\ne2,,,c1,o1,u1,student,true,,\ne3,,,c1,o1,u3,teacher,,,\n"
        "e4,tobedeleted,,c1,o1,u2,student,,,\n"
    ),
    "demographics": "sourcedId,status,dateLastModified,birthDate,sex\nu1,,,2015-03-04,female\nu2,,,2014-03-04,unspecified\n",
}


def test_an_archive_gives_each_feed_the_rows_of_its_file(read: Read) -> None:
    content = roster(**FULL)
    found = {
        feed: read("table", f"education.{feed}", content, names=["roster_20261105.zip"])
        for feed in ("schools", "classes", "students")
    }
    assert found["schools"].rows == [
        {
            "school_code": "469900101", "school_year": "2026-2027", "school_name": "Trường A", "record_status": "active",
            "exported_at": "2026-11-05T00:00:00+07:00",
        }
    ]  # fmt: skip
    assert [tuple(row.values()) for row in found["classes"].rows] == [
        ("6A", "469900101", "2026-2027", "6", "Lớp 6A", "active", "2026-11-05T00:00:00+07:00"),
        ("6B", "469900101", "2026-2027", "6", "Lớp 6B", "tobedeleted", "2026-11-01T00:00:00+07:00"),
    ]
    assert found["students"].rows == [
        {
            "student_id": "p1", "school_year": "2026-2027", "school_code": "469900101", "class_code": "6A", "full_name": "Nguyễn Giả Lập",
            "date_of_birth": "2015-03-04", "sex": "Nữ", "grade": "6", "status_name": "Đang học", "record_status": "active",
            "exported_at": "2026-11-02T03:00:00.000Z",
        },
        {
            "student_id": "u2", "school_year": "2026-2027", "school_code": "469900101", "class_code": "6A", "full_name": "A B",
            "date_of_birth": "2014-03-04", "grade": "6", "status_name": "Đang học", "record_status": "tobedeleted",
            "exported_at": "2026-11-03T00:00:00+07:00",
        },
    ]  # fmt: skip
    assert found["students"].skipped == {
        "header: taken dataLastModified as dateLastModified, prefferedGivenName as preferredGivenName": 1,
        "member academicSessions.csv": 2,
        "member classes.csv": 3,
        "member demographics.csv": 3,
        "member enrollments.csv": 6,
        "member manifest.csv": 2,
        "member orgs.csv": 3,
        "member roles.csv": 2,
        "not_a_student": 2,
    }
    assert found["schools"].skipped["not_a_school"] == 1


def test_what_was_looked_up_for_a_line_stays_with_it(read: Read) -> None:
    numbers = range(200)
    one = {name: text.partition("\n")[0] + "\n" for name, text in FULL.items()}
    files = {
        "users": "".join(f"u{n},active,,TRUE,,A,B,,p{n},\n" for n in numbers),
        "roles": "".join(f"r{n},,,u{n},primary,{'student' if n % 3 else 'teacher'},,,o1,\n" for n in reversed(numbers)),
        "enrollments": "".join(f"e{n},,,c{n % 7},o1,u{n},student,true,,\n" for n in reversed(numbers)),
        "classes": "".join(f"c{n},,,L,06,,6-{n},homeroom,,o1,t1\n" for n in reversed(range(7))),
        "demographics": "".join(f"u{n},,,2015-01-{1 + n % 28:02},male\n" for n in numbers[::-3]),
    }
    content = roster_with(**{name: one[name] + text for name, text in files.items()})
    records = students(read, content).reading.records.select("_raw", "student_id", "class_code", "date_of_birth").rows()
    assert [(raw.split("\t")[1].split(",")[0], *rest) for raw, *rest in records] == [
        (f"u{n}", f"p{n}", f"6-{n % 7}", f"2015-01-{1 + n % 28:02}" if n in numbers[::-3] else None)
        for n in numbers
        if n % 3
    ]


HELPERS = ("roles", "enrollments", "classes", "orgs", "academicSessions", "demographics")
"""What a pupil's row is read by."""

NAMELESS: dict[str, Callable[[str, int], str]] = {
    "in the header alone": lambda line, place: line + ",," * (place == 0),
    "everywhere": lambda line, place: f"{line},,",
    "in the rows alone": lambda line, place: line + ",," * (place > 0),
    "with something in them": lambda line, place: line + (",," if place == 0 else ",x,y"),
    "more in the rows": lambda line, place: line + (",," if place == 0 else ",,,,"),
}
BROKEN: dict[str, Callable[[str], bytes]] = {
    "a column too few": lambda text: text.rstrip("\n").rpartition(",")[0].encode(),
    "a field too many": lambda text: f"{text.rstrip()},x\n".encode(),
    "a lost quote": lambda text: f'{text.rstrip()}"\n'.encode(),
    "an old encoding": lambda text: text.rstrip().encode() + b"\xff\n",
    "a zero byte": lambda text: text.rstrip().encode() + b"\0\n",
    "utf-16": lambda text: text.encode("utf-16"),
    "no header": lambda text: text.partition("\n")[2].encode(),
    "no bytes": lambda text: b"",
    "blank": lambda text: b"\r\n\r\n",
}


def roster_with(**files: str | bytes) -> bytes:
    """Write the full archive with other files; a name with a point is the member's whole name."""
    members = {name: text for name, text in {**FULL, **files}.items() if text != "left out"}
    return archive({name if "." in name else f"{name}.csv": text for name, text in members.items()})


@pytest.mark.parametrize("where", NAMELESS)
@pytest.mark.parametrize("name", [*HELPERS, "users"])
def test_columns_without_a_name_at_the_end_change_nothing(read: Read, name: str, where: str) -> None:
    lines = [NAMELESS[where](line, place) for place, line in enumerate(FULL[name].splitlines())]
    content = roster_with(**{name: "\n".join(lines)})
    assert students(read, content).rows == students(read, roster_with()).rows


@pytest.mark.parametrize("how", BROKEN)
@pytest.mark.parametrize("name", HELPERS)
def test_an_archive_is_refused_by_the_name_of_a_file_that_rows_are_read_by(read: Read, name: str, how: str) -> None:
    with pytest.raises(DeliveryError, match=rf"{name}\.csv") as caught:
        students(read, roster_with(**{name: BROKEN[how](FULL[name])}))
    assert caught.value.values["reason"] in ("unreadable_member", "missing_column", "not_utf8")


@pytest.mark.parametrize("how", BROKEN)
@pytest.mark.parametrize("name", ["roles", "enrollments", "users", "demographics"])
def test_a_file_that_a_feed_does_not_need_refuses_no_archive(read: Read, name: str, how: str) -> None:
    content = roster_with(**{name: BROKEN[how](FULL[name])})
    found = {feed: read("table", f"education.{feed}", content, names=[NAME]) for feed in ("schools", "classes")}
    assert [len(one.rows) for one in found.values()] == [1, 2]
    assert f"member {name}.csv" in found["schools"].skipped


@pytest.mark.parametrize("name", ["Roles.csv", "ROLES.CSV", "role.csv", "export/roles.csv"])
def test_a_member_is_found_by_its_name_however_it_is_written(read: Read, name: str) -> None:
    users = FULL["users"].replace(",teacher,", ",,")
    roles = FULL["roles"] + "r2,active,,u3,primary,teacher,,,o1,\n"
    delivered = students(read, roster_with(**{"users": users, "roles": "left out", name: roles}))
    assert [row["student_id"] for row in delivered.rows] == ["p1", "u2"]
    assert delivered.skipped["not_a_student"] == 2


def test_a_code_of_a_roster_in_e_notation_is_quarantined(read: Read) -> None:
    users = FULL["users"].replace(",p1,", ",4.69900101E8,").replace("C,A,,", "C,A,,4.6E+08")
    delivered = students(read, roster_with(users=users))
    assert [row["student_id"] for row in delivered.rows] == ["u2"]
    assert [(reason, group) for _, reason, group in delivered.reasons] == [("student_id_rounded", 4)]
    assert delivered.skipped["not_a_student"] == 2


def test_a_line_that_was_edited_into_something_else_is_quarantined(read: Read) -> None:
    contract, envelope = find_contract(STUDENTS), Envelope(NAME)
    wire = find_format(contract)
    (pieces,) = wire.split(io.BytesIO(roster_with()), envelope)
    raws = [raw if "users.csv!2\t" not in raw else "u1,active" for raw in pieces.raws]
    reading = wire.read(join_pieces([(0, Pieces(1, raws))]), contract, {0: envelope})
    assert reading.unreadable["reason"].to_list() == ["broken_row"]
    assert reading.records["student_id"].to_list() == ["u2"]


def test_a_user_whose_role_nobody_tells_is_quarantined(read: Read) -> None:
    delivered = students(read, roster_with(roles="left out"))
    assert [row["student_id"] for row in delivered.rows] == ["p1", "u2"]
    assert [(reason, group) for _, reason, group in delivered.reasons] == [("role_missing", 1)]


@pytest.mark.parametrize(("told", "is_refused"), [("bulk", True), ("delta", True), ("absent", False)])
def test_a_file_that_the_manifest_names_must_be_there(read: Read, told: str, is_refused: bool) -> None:
    content = roster_with(demographics="left out", manifest=f"propertyName,value\nfile.demographics,{told}\n")
    if is_refused:
        with pytest.raises(DeliveryError, match=r"expected demographics\.csv, which the archive says it holds"):
            students(read, content)
    else:
        assert len(students(read, content).rows) == 2


def test_a_line_of_an_archive_tells_its_file_and_its_number_there(read: Read) -> None:
    raws = students(read, roster_with()).reading.records["_raw"].to_list()
    assert [raw.partition("\t")[0] for raw in raws] == ["zip/users.csv!2", "zip/users.csv!3"]


def test_a_roster_without_the_feeds_file_is_refused_with_what_came(read: Read) -> None:
    with pytest.raises(DeliveryError, match=r"expected an archive with users\.csv, got 2 other files"):
        students(read, roster(orgs=FULL["orgs"]))


def test_an_ill_line_of_an_archive_costs_only_itself(read: Read) -> None:
    users = FULL["users"].encode().replace(b"u2,tobedeleted", b"u2,\xff") + b'u9,"lost quote,,\nu8,too,few\n'
    members = {name: text for name, text in FULL.items() if name != "users"}
    content = archive({**{f"{name}.csv": text for name, text in members.items()}, "users.csv": users})
    delivered = students(read, content)
    assert [row["student_id"] for row in delivered.rows] == ["p1"]
    assert [reason for _, reason, _ in delivered.reasons] == ["not_utf8", "broken_quotes", "wrong_column_count"]


def test_sheets_and_files_are_counted_together_against_the_limit(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    sheets = workbook([HEADER, pupil(1)], [HEADER, pupil(2)])
    files = archive({"orgs.csv": "sourcedId\n1\n", "users.csv": "sourcedId,role\n1,student\n"})
    monkeypatch.setattr(base, "PIECES_LIMIT", 4)
    assert len(students(read, sheets).rows) == 2
    assert len(students(read, files).rows) == 1
    monkeypatch.setattr(base, "PIECES_LIMIT", 3)
    assert [refusal(read, content) for content in (sheets, files)] == ["too_many_pieces"] * 2


def test_a_member_of_too_many_columns_refuses_its_archive(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "COLUMNS_LIMIT", 20)
    files = archive({"users.csv": "sourcedId" + ",x" * 20 + "\n1" + "," * 20 + "\n"})
    assert refusal(read, files) == "too_many_columns"


def encrypted() -> bytes:
    content = bytearray(archive({"users.csv": USERS}))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + place] |= 1
    return bytes(content)


def lying(size: int) -> bytes:
    """Make an archive that states too small a size for a member."""
    content = bytearray(archive({"users.csv": b"a" * size}))
    for mark, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<I", content, content.index(mark) + place, 10)
    return bytes(content)


def sheet_of(xml: str) -> bytes:
    """Put a sheet's XML into a workbook that is otherwise sound."""
    members = archives.unpack(workbook([HEADER, pupil(1)]))
    members["xl/worksheets/sheet1.xml"] = xml.encode()
    return archives.pack(members)


SHEET = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{}</sheetData></worksheet>'
)
HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "old excel": (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "legacy_excel"),
    "csv": (lambda: b"a,b\n1,2\n", "not_a_workbook"),
    "html": (lambda: b"<html>502</html>", "not_a_workbook"),
    "encrypted": (encrypted, "encrypted_archive"),
    "slip": (lambda: archive({"../../users.csv": USERS}), "hostile_member_name"),
    "root": (lambda: archive({"/etc/users.csv": USERS}), "hostile_member_name"),
    "drive": (lambda: archive({"C:\\users.csv": USERS}), "hostile_member_name"),
    "same name in two folders": (lambda: archive({"a/users.csv": USERS, "b/users.csv": USERS}), "not_csv_archive"),
    "no csv": (lambda: archive({"readme.txt": "x"}), "not_csv_archive"),
    "no member": (lambda: archive({}), "not_a_workbook"),
    "bomb": (lambda: archive({"users.csv": b"\0" * (archives.UNPACKED_BYTES_LIMIT + 1)}), "archive_too_large"),
    "lying bomb": (lambda: lying(1_000_000), "broken_archive"),
    "many members": (lambda: archive({f"{number}.csv": "" for number in range(1001)}), "archive_too_large"),
    "truncated": (lambda: workbook([HEADER, pupil(1)])[:-30], "broken_archive"),
    "utf-16 member": (lambda: archive({"users.csv": USERS.encode("utf-16")}), "not_utf8"),
    "wide sheet": (lambda: sheet_of(SHEET.format('<row r="1"><c r="A1"/></row><row><c r="XFD1048576"/></row>')), "sheet_too_large"),
    "entity bomb": (lambda: sheet_of('<!DOCTYPE a [<!ENTITY b "bbbb">]>' + SHEET.format("&b;")), "broken_workbook"),
    "no sheet xml": (lambda: sheet_of("<worksheet"), "broken_workbook"),
    "odd cell": (lambda: sheet_of(SHEET.format('<row r="1"><c r="A-1"><v>1</v></c></row>')), "broken_workbook"),
    "huge row number": (lambda: sheet_of(SHEET.format('<row r="99999999999999999999"><c><v>1</v></c></row>')), "sheet_too_large"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_hostile_or_of_another_kind_is_refused_with_its_reason(read: Read, name: str) -> None:
    make, reason = HOSTILE[name]
    assert refusal(read, make()) == reason


def test_attendance_takes_no_roster(read: Read) -> None:
    with pytest.raises(DeliveryError) as caught:
        read("table", "education.attendance", roster(**FULL), names=[NAME])
    assert caught.value.values["reason"] == "not_a_workbook"


def test_a_sheet_is_measured_before_it_is_laid_out(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container, "CELLS_LIMIT", 11)
    assert refusal(read, workbook([HEADER, pupil(1)])) == "sheet_too_large"
    monkeypatch.setattr(container, "CELLS_LIMIT", 12)
    assert len(students(read, workbook([HEADER, pupil(1)])).rows) == 1


@pytest.mark.parametrize(
    "make", [lambda: workbook([HEADER, pupil(1), pupil(2)]), lambda: roster(**FULL)], ids=["workbook", "roster"]
)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=6)), min_size=1, max_size=3), cut=st.floats(0.7, 1)
)
def test_no_mutation_loses_a_piece(
    read: Read, make: Callable[[], bytes], changes: list[tuple[float, bytes]], cut: float
) -> None:
    content = make()
    for place, noise in changes:
        start = int(place * len(content))
        content = content[:start] + noise + content[start + len(noise) :]
    try:
        students(read, content[: int(cut * len(content)) + 1])
    except DeliveryError as error:
        assert len(str(error)) < 1000  # noqa: PT017  either outcome is right


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1), noise=st.binary(min_size=1, max_size=8), member=st.integers(0, 8))
def test_no_change_within_a_well_packed_workbook_loses_a_piece(
    read: Read, place: float, noise: bytes, member: int
) -> None:
    members = archives.unpack(workbook([HEADER, pupil(1), pupil(2)]))
    name = sorted(members)[member]
    start = int(place * len(members[name]))
    members[name] = members[name][:start] + noise + members[name][start + len(noise) :]
    try:
        students(read, archives.pack(members))
    except DeliveryError as error:
        assert "reason" in error.values  # noqa: PT017  either outcome is right


def test_keys_of_names_leave_out_case_accents_and_signs() -> None:
    assert {key_of(name) for name in ("Đạt chuẩn quốc gia", "DAT CHUAN QUOC GIA", "Đạt  chuẩn-quốc gia")} == {
        "datchuanquocgia"
    }


def test_a_name_that_is_like_two_columns_is_taken_for_neither() -> None:
    matched = match_header(["preferredGivenNam1", "preferredGivenNam2"], {"name": "preferredGivenName"})
    assert matched.places == {}
    assert matched.remark == "header: unknown preferredGivenNam1, preferredGivenNam2"


def test_a_real_archive_is_read_though_a_file_that_nobody_needs_lacks_a_column(
    read: Read, samples: Callable[[str], list[bytes]]
) -> None:
    (content,) = samples("education/tao_oneroster_base_20180621.zip")
    found = {
        feed: read("table", f"education.{feed}", content, names=["tao_20180621.zip"]).rows
        for feed in ("schools", "classes")
    }
    assert [row["school_code"] for row in found["schools"]] == ["my identifier", "my identifier 2"]
    assert [row["school_code"] for row in found["classes"]] == ["my identifier", "my identifier", "my identifier 2"]
    with pytest.raises(DeliveryError, match=r"demographics\.csv with a header that names sourcedId"):
        students(read, content)


@pytest.mark.parametrize(("feed", "records"), [("schools", [0, 0, 1]), ("classes", [2, 2, 1]), ("students", [3, 3, 1])])
def test_real_archives_give_every_line_to_a_record_or_a_reason(
    read: Read, samples: Callable[[str], list[bytes]], feed: str, records: list[int]
) -> None:
    contents = samples("education/oneroster_*.zip")
    found = [read("table", f"education.{feed}", content, names=["r_20231005.zip"]) for content in contents]
    assert [len(one.rows) for one in found] == records
    assert [one.reasons for one in found] == [[], [], []]
    lines = []
    for content in contents:
        with zipfile.ZipFile(io.BytesIO(content)) as opened:
            lines.append(sum(len(opened.read(name).splitlines()) for name in opened.namelist()))
    assert [len(one.rows) + sum(one.skipped.values()) for one in found] == lines
