"""What schools send: workbooks of the ministry's database (.xlsx), and OneRoster archives of the schools with software of their own.

Each feed has two rounds, one at the beginning of the year and one two days before the simulated day; attendance comes as a workbook for
each school day of the week. Titles above a header, values of mixed Unicode forms and further sheets are
usual and no fault. A fault of a file (header moved, misspelt, repeated) is dealt to its first row and costs no record.
"""

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from pathlib import Path

from core.contract import Contract, find_contract
from core.table_forms import Container
from simulator.chance import chance
from simulator.entities import City, School
from simulator.faults import ATTENDANCE, CLASSES, SCHOOLS, STUDENTS, FaultKind, FaultProfile, deal_faults
from simulator.local_time import LOCAL, in_utc
from simulator.school_life import ClassDay, Pupil, SchoolClass, SchoolLife, has_clean_water, plan_school_life
from simulator.truth import Books, Emission
from simulator.writer import Cell, Cells, Texts, sheet_rows, write_table, write_workbook

EXCEL_DAY_ZERO = date(1899, 12, 30)
OF_A_FILE = (FaultKind.HEADER_MOVED, FaultKind.HEADER_MISSPELT, FaultKind.HEADER_REPEATED)
TITLES = ("SỞ GIÁO DỤC VÀ ĐÀO TẠO", "Dữ liệu giả lập")
REPEAT_EVERY = 20
UNKNOWN_SCHOOL, UNKNOWN_STATUS = "469999999", "Đang nghỉ chơi"
PUPIL_DELETED = 0
"""Index of the pupil whom a roster school's second archive deletes."""


@dataclass(frozen=True)
class Row:
    """A row of a workbook: its cells by column, what each fault changes, its key, and its true values if it is accepted."""

    object_id: str
    cells: Cells
    spoilt: Mapping[FaultKind, tuple[str, Cell]]
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
    for _, school in _archives(SCHOOLS, life, folder, told):
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
    for _, school in _archives(CLASSES, life, folder, told):
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
    for at, school in _archives(STUDENTS, life, folder, told):
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
    cells: Cells = {
        "school_code": school.school_code,
        "school_name": school.school_name,
        "school_year": life.school_year,
        "level_code": school.level_code,
        "ownership_code": school.ownership_code,
        "commune_code": school.commune_code,
        "is_national_standard": "x" if is_standard else "Không",
        "accreditation_level": level,
        "has_internet": "Có",
        "has_clean_water": "Có" if has_clean_water(school) else "Không",
    }
    spoilt: Mapping[FaultKind, tuple[str, Cell]] = {
        FaultKind.UNKNOWN_CODE: ("school_code", UNKNOWN_SCHOOL),
        FaultKind.MISSING_VALUE: ("school_name", None),
        FaultKind.MALFORMED: ("accreditation_level", "hai"),
    }
    truth = (life.school_year, school.school_code, is_standard, level, True, has_clean_water(school))
    return Row(school.school_code, cells, spoilt, (school.school_code,), truth)


def _class_row(life: SchoolLife, one: SchoolClass) -> Row:
    school = one.school.school_code
    cells: Cells = {
        "class_code": one.class_code,
        "school_code": school,
        "school_year": life.school_year,
        "grade": one.grade,
        "class_name": one.class_name,
        "pupils_at_start": one.pupils_at_start,
    }
    spoilt: Mapping[FaultKind, tuple[str, Cell]] = {
        FaultKind.UNKNOWN_CODE: ("school_code", UNKNOWN_SCHOOL),
        FaultKind.MISSING_VALUE: ("class_name", None),
        FaultKind.MALFORMED: ("pupils_at_start", "mười hai"),
    }
    truth = (life.school_year, school, one.class_code, one.pupils_at_start)
    return Row(f"{school}/{one.class_code}", cells, spoilt, (school, one.class_code), truth)


def _student_row(life: SchoolLife, pupil: Pupil, at: datetime) -> Row | None:
    status = pupil.status_at_start if at == life.first_export else pupil.status_now
    if status is None:
        return None
    one = pupil.school_class
    cells: Cells = {
        "student_id": pupil.student_id,
        "full_name": _mixed(pupil.full_name, pupil.student_id),
        "date_of_birth": f"{pupil.born_on:%d/%m/%Y}",
        "sex": _mixed(pupil.sex, pupil.student_id),
        "ethnic_group": _mixed(pupil.ethnic_group, pupil.student_id),
        "disability": pupil.disability,
        "citizen_number": pupil.citizen_number,
        "grade": one.grade,
        "class_code": one.class_code,
        "school_code": one.school.school_code,
        "school_year": life.school_year,
        "status_name": _mixed(status, pupil.student_id),
    }
    spoilt: Mapping[FaultKind, tuple[str, Cell]] = {
        FaultKind.UNKNOWN_CODE: ("school_code", UNKNOWN_SCHOOL),
        FaultKind.UNKNOWN_STATUS: ("status_name", UNKNOWN_STATUS),
        FaultKind.MISSING_VALUE: ("date_of_birth", None),
        FaultKind.MALFORMED: ("date_of_birth", f"31/02/{pupil.born_on:%Y}"),
        FaultKind.EXCEL_SERIAL: ("date_of_birth", (pupil.born_on - EXCEL_DAY_ZERO).days),
        FaultKind.CONFLICT: ("ethnic_group", "Chứt"),
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
    cells: Cells = {
        "school_code": school,
        "class_code": code,
        "attendance_date": f"{one.day:%d/%m/%Y}",
        "enrolled_pupils": one.enrolled,
        "present_pupils": one.present,
        "absent_with_leave": one.with_leave,
        "absent_without_leave": one.without_leave,
    }
    spoilt: Mapping[FaultKind, tuple[str, Cell]] = {
        FaultKind.UNKNOWN_CODE: ("school_code", UNKNOWN_SCHOOL),
        FaultKind.MISSING_VALUE: ("present_pupils", None),
        FaultKind.MALFORMED: ("attendance_date", "hôm qua"),
        FaultKind.EXCEL_SERIAL: ("attendance_date", (one.day - EXCEL_DAY_ZERO).days),
        FaultKind.WRONG_SUM: ("present_pupils", one.enrolled + 3),
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
    told, contract = Told(Books(feed)), find_contract(feed)
    for book in books:
        lines: list[Cells] = []
        for place, row in enumerate(book.rows):
            fault = fault_at.get((book.name, place))
            lines += _lines(row, fault)
            _enter(told, book, row, fault)
        told.books.deliver()
        (folder / book.name).write_bytes(_workbook(contract, lines, fault_at.get((book.name, 0))))
    return told


def _can_have(item: tuple[Workbook, int], fault: FaultKind) -> bool:
    book, place = item
    if place == 0 or fault in OF_A_FILE:
        return place == 0 and fault in OF_A_FILE
    return fault == FaultKind.DUPLICATE or fault in book.rows[place].spoilt


def _lines(row: Row, fault: FaultKind | None) -> list[Cells]:
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


def _workbook(contract: Contract, lines: list[Cells], fault: FaultKind | None) -> bytes:
    header, *rows = sheet_rows(contract, lines)
    if fault == FaultKind.HEADER_MISSPELT:
        header = [f"{name}{str(name)[-1]}" if str(name).startswith("Mã") else name for name in header]
    if fault == FaultKind.HEADER_REPEATED:
        for place in reversed(range(REPEAT_EVERY, len(rows), REPEAT_EVERY)):
            rows.insert(place, header)
    titles = 6 if fault == FaultKind.HEADER_MOVED else len(TITLES)
    above: list[list[Cell]] = [[TITLES[number % len(TITLES)]] for number in range(titles)]
    return write_workbook({"C1": [*above, header, *rows], "Hướng dẫn": [["Không sửa tiêu đề các cột"]]})


def _archives(feed: str, life: SchoolLife, folder: Path, told: Told) -> Iterator[tuple[datetime, School]]:
    """Write the roster schools' archives, both rounds, in order; yield time and school of each once it is written."""
    contract = find_contract(feed)
    form = next(form for form in contract.forms if form.container is Container.ZIP)
    for at in (life.first_export, life.second_export):
        for school in life.roster_schools:
            members = _roster(life, school, at)
            content = write_table(contract, members.pop(form.member), form, members)
            (folder / f"oneroster_{school.school_code}_{at:%Y%m%d%H%M}.zip").write_bytes(content)
            told.books.deliver()
            yield at, school


def _roster(life: SchoolLife, school: School, at: datetime) -> dict[str, list[Texts]]:
    """Return the rows of an archive's files."""

    def entry(identity: str, status: str = "active", **values: str) -> Texts:
        modified = f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.000Z}"
        return {"sourcedId": identity, "status": status, "dateLastModified": modified, **values}

    def user(number: int, pupil: Pupil) -> Texts:
        is_deleted = at == life.second_export and number == PUPIL_DELETED
        family, _, given = pupil.full_name.partition(" ")
        names = {"username": f"hs{pupil.student_id}", "familyName": family, "givenName": given}
        status = "tobedeleted" if is_deleted else "active"
        return entry(f"user-{pupil.student_id}", status, enabledUser="TRUE", identifier=pupil.student_id, **names)

    start, end = life.school_year.split("-")
    pupils = life.pupils_of((school,))
    sexes = {"Nam": "male", "Nữ": "female"}
    at_home = {"classType": "homeroom", "schoolSourcedId": "org-1", "termSourcedIds": "term-1"}
    term = {"title": "Học kỳ 1", "type": "term", "startDate": f"{start}-09-05", "endDate": f"{end}-01-15"}
    teacher = entry("user-t1", enabledUser="TRUE", username="giaovien", givenName="Cô", familyName="Giả Lập")
    return {
        "manifest.csv": [
            {"propertyName": "manifest.version", "value": "1.0"},
            {"propertyName": "oneroster.version", "value": "1.2"},
        ],
        "orgs.csv": [entry("org-1", name=school.school_name, type="school", identifier=school.school_code)],
        "academicSessions.csv": [entry("term-1", schoolYear=end, **term)],
        "classes.csv": [
            entry(f"class-{code}", title=one.class_name, grades=str(one.grade), classCode=code, **at_home)
            for one in life.classes_of((school,))
            for code in (one.class_code,)
        ],
        "users.csv": [teacher, *(user(number, pupil) for number, pupil in enumerate(pupils))],
        "roles.csv": [
            entry(
                f"role-{identity}",
                userSourcedId=f"user-{identity}",
                roleType="primary",
                role=role,
                orgSourcedId="org-1",
            )
            for identity, role in (("t1", "teacher"), *((pupil.student_id, "student") for pupil in pupils))
        ],
        "enrollments.csv": [
            entry(
                f"enr-{pupil.student_id}",
                classSourcedId=f"class-{pupil.school_class.class_code}",
                schoolSourcedId="org-1",
                userSourcedId=f"user-{pupil.student_id}",
                role="student",
                primary="true",
            )
            for pupil in pupils
        ],
        "demographics.csv": [
            entry(f"user-{pupil.student_id}", birthDate=str(pupil.born_on), sex=sexes[pupil.sex]) for pupil in pupils
        ],
    }
