"""What schools send: workbooks of the ministry's database (.xlsx), and OneRoster archives of the schools with software of their own.

Each feed has two rounds, one at the beginning of the year and one two days before the simulated day; attendance comes as a workbook for
each school day of the week. Titles above a header, values of mixed Unicode forms and further sheets are
usual and no fault. A fault of a file (header moved, misspelt, repeated) is dealt to its first row and costs no record. The same seed gives
the same bytes: workbooks have a fixed time of creation, archives a fixed time of their members.
"""

import io
import unicodedata
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from pathlib import Path

import xlsxwriter

from simulator.chance import chance
from simulator.entities import City, School
from simulator.faults import ATTENDANCE, CLASSES, SCHOOLS, STUDENTS, FaultKind, FaultProfile, deal_faults
from simulator.local_time import LOCAL, in_utc
from simulator.school_life import ClassDay, Pupil, SchoolClass, SchoolLife, has_clean_water, plan_school_life
from simulator.truth import Books, Emission

Cell = str | int | None
CREATED = datetime(2026, 1, 1)  # noqa: DTZ001  a property of the file, without zone in Excel
EXCEL_DAY_ZERO = date(1899, 12, 30)
OF_A_FILE = (FaultKind.HEADER_MOVED, FaultKind.HEADER_MISSPELT, FaultKind.HEADER_REPEATED)
TITLES = ("SỞ GIÁO DỤC VÀ ĐÀO TẠO", "Dữ liệu giả lập")
REPEAT_EVERY = 20
UNKNOWN_SCHOOL, UNKNOWN_STATUS = "469999999", "Đang nghỉ chơi"
PUPIL_DELETED = 0
"""Index of the pupil whom a roster school's second archive deletes."""


@dataclass(frozen=True)
class Row:
    """A row of a workbook: its cells by header, what each fault changes, its key, and its true values if it is accepted."""

    object_id: str
    cells: dict[str, Cell]
    spoilt: dict[FaultKind, tuple[str, Cell]]
    key: tuple[str, ...]
    truth: tuple[object, ...]


@dataclass(frozen=True)
class Workbook:
    """A workbook to be written, and when it was exported."""

    name: str
    exported_at: datetime
    rows: list[Row]


@dataclass
class Told:
    """The newest true row of each key, and the counts of a feed."""

    books: Books
    rows: dict[tuple[str, ...], tuple[object, ...]] = field(default_factory=dict)


def emit_schools(city: City, day: date, seed: int, profile: FaultProfile, folder: Path) -> Emission:
    """Write what schools report about themselves into a folder that the caller has made."""
    life = plan_school_life(city, day, seed)
    books = [
        Workbook(f"TruongHoc_{at:%Y%m%d%H%M}.xlsx", at, [_school_row(life, school) for school in life.workbook_schools])
        for at in (life.first_export, life.second_export)
    ]
    told = _write_workbooks(SCHOOLS, books, profile, seed, folder)
    for _, school in _archives(life, folder, told):
        told.rows[school.school_code,] = (life.school_year, school.school_code, None, None, None, None)
        told.books.accept()
    registered: list[tuple[object, ...]] = [
        (school.school_code, school.level_code, school.commune_code) for school in city.schools
    ]
    return Emission(told.books, {"schools_told": list(told.rows.values()), "registered_schools": registered})


def emit_classes(city: City, day: date, seed: int, profile: FaultProfile, folder: Path) -> Emission:
    """Write the classes into a folder that the caller has made."""
    life = plan_school_life(city, day, seed)
    classes = life.classes_of(life.workbook_schools)
    books = [
        Workbook(f"LopHoc_{at:%Y%m%d%H%M}.xlsx", at, [_class_row(life, one) for one in classes])
        for at in (life.first_export, life.second_export)
    ]
    told = _write_workbooks(CLASSES, books, profile, seed, folder)
    for _, school in _archives(life, folder, told):
        for one in life.classes_of((school,)):
            told.rows[school.school_code, one.class_code] = (life.school_year, school.school_code, one.class_code, None)
            told.books.accept()
    return Emission(told.books, {"school_classes": list(told.rows.values())})


def emit_students(city: City, day: date, seed: int, profile: FaultProfile, folder: Path) -> Emission:
    """Write the pupils into a folder that the caller has made, a workbook for each group of levels."""
    life = plan_school_life(city, day, seed)
    levels = sorted({school.level_code for school in life.workbook_schools})
    books = []
    for at in (life.first_export, life.second_export):
        for level in levels:
            schools = tuple(school for school in life.workbook_schools if school.level_code == level)
            rows = [_student_row(life, pupil, at) for pupil in life.pupils_of(schools)]
            books.append(
                Workbook(f"HocSinh_{level}_{at:%Y%m%d%H%M}.xlsx", at, [row for row in rows if row is not None])
            )
    told = _write_workbooks(STUDENTS, books, profile, seed, folder)
    for at, school in _archives(life, folder, told):
        for number, pupil in enumerate(life.pupils_of((school,))):
            told.rows[pupil.student_id,] = _pupil_truth(life, pupil, pupil.status_now, at, is_roster=True)
            told.books.accept()
            if at == life.second_export and number == PUPIL_DELETED:
                del told.rows[pupil.student_id,]
    return Emission(told.books, {"pupils": list(told.rows.values())})


def emit_attendance(city: City, day: date, seed: int, profile: FaultProfile, folder: Path) -> Emission:
    """Write each school day's attendance into a folder that the caller has made."""
    life = plan_school_life(city, day, seed)
    books = []
    for each in sorted({one.day for one in life.days}):
        at = datetime.combine(each, time(17), LOCAL)
        rows = [_attendance_row(one, at) for one in life.days if one.day == each]
        books.append(Workbook(f"ChuyenCan_{at:%Y%m%d%H%M}.xlsx", at, rows))
    told = _write_workbooks(ATTENDANCE, books, profile, seed, folder)
    return Emission(told.books, {"class_days": list(told.rows.values())})


def _school_row(life: SchoolLife, school: School) -> Row:
    is_standard, level = life.standards[school.school_code]
    cells: dict[str, Cell] = {
        "Mã trường": school.school_code,
        "Tên trường": school.school_name,
        "Năm học": life.school_year,
        "Mã nhóm cấp học": school.level_code,
        "Mã loại hình trường": school.ownership_code,
        "Mã xã": school.commune_code,
        "Đạt chuẩn quốc gia": "x" if is_standard else "Không",
        "Đạt kiểm định cấp độ": level,
        "Kết nối Internet": "Có",
        "Nguồn nước sạch": "Có" if has_clean_water(school) else "Không",
    }
    spoilt: dict[FaultKind, tuple[str, Cell]] = {
        FaultKind.UNKNOWN_CODE: ("Mã trường", UNKNOWN_SCHOOL),
        FaultKind.MISSING_VALUE: ("Tên trường", None),
        FaultKind.MALFORMED: ("Đạt kiểm định cấp độ", "hai"),
    }
    truth = (life.school_year, school.school_code, is_standard, level, True, has_clean_water(school))
    return Row(school.school_code, cells, spoilt, (school.school_code,), truth)


def _class_row(life: SchoolLife, one: SchoolClass) -> Row:
    school = one.school.school_code
    cells: dict[str, Cell] = {
        "Mã lớp": one.class_code,
        "Mã trường": school,
        "Năm học": life.school_year,
        "Khối": one.grade,
        "Tên lớp": one.class_name,
        "Sĩ số đầu năm": one.pupils_at_start,
    }
    spoilt: dict[FaultKind, tuple[str, Cell]] = {
        FaultKind.UNKNOWN_CODE: ("Mã trường", UNKNOWN_SCHOOL),
        FaultKind.MISSING_VALUE: ("Tên lớp", None),
        FaultKind.MALFORMED: ("Sĩ số đầu năm", "mười hai"),
    }
    truth = (life.school_year, school, one.class_code, one.pupils_at_start)
    return Row(f"{school}/{one.class_code}", cells, spoilt, (school, one.class_code), truth)


def _student_row(life: SchoolLife, pupil: Pupil, at: datetime) -> Row | None:
    status = pupil.status_at_start if at == life.first_export else pupil.status_now
    if status is None:
        return None
    one = pupil.school_class
    cells: dict[str, Cell] = {
        "STT": None,
        "Mã học sinh": pupil.student_id,
        "Họ tên": _mixed(pupil.full_name, pupil.student_id),
        "Ngày sinh": f"{pupil.born_on:%d/%m/%Y}",
        "Giới tính": _mixed(pupil.sex, pupil.student_id),
        "Dân tộc": _mixed(pupil.ethnic_group, pupil.student_id),
        "Loại khuyết tật": pupil.disability,
        "Số định danh cá nhân": pupil.citizen_number,
        "Khối": one.grade,
        "Mã lớp": one.class_code,
        "Mã trường": one.school.school_code,
        "Năm học": life.school_year,
        "Trạng thái HS": _mixed(status, pupil.student_id),
    }
    spoilt: dict[FaultKind, tuple[str, Cell]] = {
        FaultKind.UNKNOWN_CODE: ("Mã trường", UNKNOWN_SCHOOL),
        FaultKind.UNKNOWN_STATUS: ("Trạng thái HS", UNKNOWN_STATUS),
        FaultKind.MISSING_VALUE: ("Ngày sinh", None),
        FaultKind.MALFORMED: ("Ngày sinh", f"31/02/{pupil.born_on:%Y}"),
        FaultKind.EXCEL_SERIAL: ("Ngày sinh", (pupil.born_on - EXCEL_DAY_ZERO).days),
        FaultKind.CONFLICT: ("Dân tộc", "Chứt"),
    }
    return Row(pupil.student_id, cells, spoilt, (pupil.student_id,), _pupil_truth(life, pupil, status, at))


def _pupil_truth(
    life: SchoolLife, pupil: Pupil, status: str, at: datetime, *, is_roster: bool = False
) -> tuple[object, ...]:
    one = pupil.school_class
    return (
        life.school_year,
        one.school.school_code,
        one.class_code,
        pupil.student_id,
        status,
        pupil.sex,
        None if is_roster else pupil.ethnic_group,
        None if is_roster else pupil.disability,
        in_utc(at),
    )


def _attendance_row(one: ClassDay, at: datetime) -> Row:
    school, code = one.school_class.school.school_code, one.school_class.class_code
    cells: dict[str, Cell] = {
        "Mã trường": school,
        "Mã lớp": code,
        "Ngày điểm danh": f"{one.day:%d/%m/%Y}",
        "Sĩ số": one.enrolled,
        "Có mặt": one.present,
        "Vắng có phép": one.with_leave,
        "Vắng không phép": one.without_leave,
    }
    spoilt: dict[FaultKind, tuple[str, Cell]] = {
        FaultKind.UNKNOWN_CODE: ("Mã trường", UNKNOWN_SCHOOL),
        FaultKind.MISSING_VALUE: ("Có mặt", None),
        FaultKind.MALFORMED: ("Ngày điểm danh", "hôm qua"),
        FaultKind.EXCEL_SERIAL: ("Ngày điểm danh", (one.day - EXCEL_DAY_ZERO).days),
        FaultKind.WRONG_SUM: ("Có mặt", one.enrolled + 3),
    }
    truth = (school, code, one.day, one.enrolled, one.present, in_utc(at))
    return Row(f"{school}/{code}", cells, spoilt, (school, code, str(one.day)), truth)


def _mixed(text: str, student_id: str) -> str:
    """Return the text, decomposed for every third pupil, as other machines write it."""
    return unicodedata.normalize("NFD", text) if int(student_id) % 3 == 0 else text


def _write_workbooks(feed: str, books: list[Workbook], profile: FaultProfile, seed: int, folder: Path) -> Told:
    """Write workbooks with the faults of a feed; return its counts and what is true about their rows."""
    items = [(book, place) for book in books for place in range(len(book.rows))]
    faults = chance(seed, f"{feed}/faults")
    dealt = deal_faults(profile, feed, items, _can_have, faults)
    fault_at = {(items[index][0].name, items[index][1]): fault for index, fault in dealt.items()}
    told = Told(Books(feed))
    for book in books:
        lines: list[dict[str, Cell]] = []
        for place, row in enumerate(book.rows):
            fault = fault_at.get((book.name, place))
            lines += _lines(row, fault)
            _enter(told, book, row, fault)
        told.books.deliver()
        (folder / book.name).write_bytes(_workbook_bytes(lines, fault_at.get((book.name, 0))))
    return told


def _can_have(item: tuple[Workbook, int], fault: FaultKind) -> bool:
    book, place = item
    if place == 0 or fault in OF_A_FILE:
        return place == 0 and fault in OF_A_FILE
    return fault == FaultKind.DUPLICATE or fault in book.rows[place].spoilt


def _lines(row: Row, fault: FaultKind | None) -> list[dict[str, Cell]]:
    if fault == FaultKind.DUPLICATE:
        return [row.cells, row.cells]
    if fault is None or fault not in row.spoilt:
        return [row.cells]
    name, value = row.spoilt[fault]
    spoilt = {**row.cells, name: value}
    return [row.cells, spoilt] if fault == FaultKind.CONFLICT else [spoilt]


def _enter(told: Told, book: Workbook, row: Row, fault: FaultKind | None) -> None:
    harmless = (*OF_A_FILE, FaultKind.EXCEL_SERIAL)
    if fault in (None, FaultKind.DUPLICATE, FaultKind.CONFLICT, *harmless):
        told.rows[row.key] = row.truth
        told.books.accept()
    if fault is None:
        return
    outcome = "duplicate" if fault == FaultKind.DUPLICATE else "accepted" if fault in harmless else "quarantined"
    if outcome == "duplicate":
        told.books.repeat()
    elif outcome == "quarantined":
        told.books.quarantine(fault)
    told.books.note(fault, row.object_id, in_utc(book.exported_at), book.name, outcome=outcome)


def _workbook_bytes(lines: list[dict[str, Cell]], fault: FaultKind | None) -> bytes:
    header = list(lines[0])
    shown = (
        [_doubled(name) if name.startswith("Mã") else name for name in header]
        if fault == FaultKind.HEADER_MISSPELT
        else header
    )
    titles = 6 if fault == FaultKind.HEADER_MOVED else len(TITLES)
    rows: list[Sequence[Cell]] = [[TITLES[number % len(TITLES)]] for number in range(titles)]
    rows.append(shown)
    for number, line in enumerate(lines):
        if fault == FaultKind.HEADER_REPEATED and number and number % REPEAT_EVERY == 0:
            rows.append(shown)
        rows.append(list(line.values()))
    written = io.BytesIO()
    book = xlsxwriter.Workbook(written, {"in_memory": True})
    book.set_properties({"created": CREATED})
    for name, content in (("C1", rows), ("Hướng dẫn", [["Không sửa tiêu đề các cột"]])):
        sheet = book.add_worksheet(name)
        for place, cells in enumerate(content):
            sheet.write_row(place, 0, cells)
    book.close()
    return written.getvalue()


def _doubled(name: str) -> str:
    return f"{name}{name[-1]}"


def _archives(life: SchoolLife, folder: Path, told: Told) -> Iterator[tuple[datetime, School]]:
    """Write the roster schools' archives, both rounds, in order; yield time and school of each once it is written."""
    for at in (life.first_export, life.second_export):
        for school in life.roster_schools:
            members = {name: write(life, school, at) for name, write in _MEMBERS.items()}
            name = f"oneroster_{school.school_code}_{at:%Y%m%d%H%M}.zip"
            with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
                for member, text in members.items():
                    archive.writestr(zipfile.ZipInfo(member), text, zipfile.ZIP_DEFLATED)
            told.books.deliver()
            yield at, school


def _common(identity: str, at: datetime, status: str = "active") -> str:
    return f"{identity},{status},{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.000Z}"


def _table(header: str, rows: list[str]) -> str:
    return "".join(f"{line}\r\n" for line in (f"sourcedId,status,dateLastModified,{header}", *rows))


def _manifest(_: SchoolLife, __: School, ___: datetime) -> str:
    return "propertyName,value\r\nmanifest.version,1.0\r\noneroster.version,1.2\r\n"


def _orgs(_: SchoolLife, school: School, at: datetime) -> str:
    row = f"{_common('org-1', at)},{school.school_name},school,{school.school_code},"
    return _table("name,type,identifier,parentSourcedId", [row])


def _sessions(life: SchoolLife, _: School, at: datetime) -> str:
    start, end = life.school_year.split("-")
    row = f"{_common('term-1', at)},Học kỳ 1,term,{start}-09-05,{end}-01-15,,{end}"
    return _table("title,type,startDate,endDate,parentSourcedId,schoolYear", [row])


def _roster_classes(life: SchoolLife, school: School, at: datetime) -> str:
    rows = [
        f"{_common(f'class-{one.class_code}', at)},{one.class_name},{one.grade},,{one.class_code},homeroom,,org-1,term-1,,,"
        for one in life.classes_of((school,))
    ]
    header = "title,grades,courseSourcedId,classCode,classType,location,schoolSourcedId,termSourcedIds,subjects,subjectCodes,periods"
    return _table(header, rows)


def _users(life: SchoolLife, school: School, at: datetime) -> str:
    rows = [f"{_common('user-t1', at)},TRUE,giaovien,,Cô,Giả Lập,,,"]
    for number, pupil in enumerate(life.pupils_of((school,))):
        is_deleted = at == life.second_export and number == PUPIL_DELETED
        family, _, given = pupil.full_name.partition(" ")
        common = _common(f"user-{pupil.student_id}", at, "tobedeleted" if is_deleted else "active")
        rows.append(f"{common},TRUE,hs{pupil.student_id},,{given},{family},,{pupil.student_id},")
    return _table("enabledUser,username,userIds,givenName,familyName,middleName,identifier,email", rows)


def _roles(life: SchoolLife, school: School, at: datetime) -> str:
    rows = [f"{_common('role-t1', at)},user-t1,primary,teacher,,,org-1,"]
    rows += [
        f"{_common(f'role-{pupil.student_id}', at)},user-{pupil.student_id},primary,student,,,org-1,"
        for pupil in life.pupils_of((school,))
    ]
    return _table("userSourcedId,roleType,role,beginDate,endDate,orgSourcedId,userProfileSourcedId", rows)


def _enrollments(life: SchoolLife, school: School, at: datetime) -> str:
    rows = [
        f"{_common(f'enr-{pupil.student_id}', at)},class-{pupil.school_class.class_code},org-1,user-{pupil.student_id},student,true,,"
        for pupil in life.pupils_of((school,))
    ]
    return _table("classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate", rows)


def _demographics(life: SchoolLife, school: School, at: datetime) -> str:
    sexes = {"Nam": "male", "Nữ": "female"}
    rows = [
        f"{_common(f'user-{pupil.student_id}', at)},{pupil.born_on},{sexes[pupil.sex]}"
        for pupil in life.pupils_of((school,))
    ]
    return _table("birthDate,sex", rows)


_MEMBERS: dict[str, Callable[[SchoolLife, School, datetime], str]] = {
    "manifest.csv": _manifest,
    "orgs.csv": _orgs,
    "academicSessions.csv": _sessions,
    "classes.csv": _roster_classes,
    "users.csv": _users,
    "roles.csv": _roles,
    "enrollments.csv": _enrollments,
    "demographics.csv": _demographics,
}
