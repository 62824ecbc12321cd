"""A school year of the city: who is in which class, what has become of every pupil by now, and who was present.

Planned once from the seed, the same for every feed that reports on it. Names are invented and say so; no number is that of a real child.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random

from simulator.chance import chance
from simulator.entities import City, School
from simulator.local_time import LOCAL

SILENT_SCHOOLS, ROSTER_SCHOOLS, SCHOOLS_LOSING_PUPILS = 4, 3, 3
CLASSES = 4
GRADES = {"01": (None,) * 4, "02": (1, 2, 4, 5), "03": (6, 7, 8, 9), "04": (10, 11, 12, 12), "05": (10, 11, 12, 12)}
FAMILIES = ("Nguyễn", "Trần", "Lê", "Phạm", "Hồ", "Đặng", "Võ")
ETHNIC_GROUPS = ("Kinh", "Tà Ôi", "Cơ Tu", "Pa Cô", "Bru - Vân Kiều")
DISABILITIES = ("Vận động", "Trí tuệ", "Nghe, nói", "Nhìn")
STUDYING, LEFT, DROPPED_OUT, CAME = "Đang học", "Chuyển đi", "Thôi học", "Chuyển đến kỳ 1"
SCHOOL_DAYS_BACK = 7


@dataclass(frozen=True)
class SchoolClass:
    """A class of a school; `grade` is None in a nursery school."""

    school: School
    class_code: str
    class_name: str
    grade: int | None
    pupils_at_start: int


@dataclass(frozen=True)
class Pupil:
    """A pupil with the state at the beginning (None: not there yet) and now."""

    student_id: str
    school_class: SchoolClass
    full_name: str
    citizen_number: str
    born_on: date
    sex: str
    ethnic_group: str
    disability: str | None
    status_at_start: str | None
    status_now: str


@dataclass(frozen=True)
class ClassDay:
    """Who of a class was present on a day."""

    school_class: SchoolClass
    day: date
    enrolled: int
    present: int
    with_leave: int

    @property
    def without_leave(self) -> int:
        """The number of pupils absent without leave."""
        return self.enrolled - self.present - self.with_leave


@dataclass(frozen=True)
class SchoolLife:
    """The plan: schools that report (by workbook or by roster), their classes, pupils and days, and when the two exports were made."""

    school_year: str
    first_export: datetime
    second_export: datetime
    workbook_schools: tuple[School, ...]
    roster_schools: tuple[School, ...]
    standards: dict[str, tuple[bool, int | None]]
    classes: tuple[SchoolClass, ...]
    pupils: tuple[Pupil, ...]
    days: tuple[ClassDay, ...]

    def classes_of(self, schools: tuple[School, ...]) -> list[SchoolClass]:
        """Return the classes of some schools, in their order."""
        return [one for one in self.classes if one.school in schools]

    def pupils_of(self, schools: tuple[School, ...]) -> list[Pupil]:
        """Return the pupils of some schools, in their order."""
        return [pupil for pupil in self.pupils if pupil.school_class.school in schools]


def has_clean_water(school: School) -> bool:
    """Return whether a school has clean water: one in four has none."""
    return int(school.school_code) % 4 != 0


def plan_school_life(city: City, day: date, seed: int) -> SchoolLife:
    """Plan a school year up to a day: exported at its beginning and two days before the day."""
    stream = chance(seed, "education/plan")
    start = day.year if day.month >= 8 else day.year - 1
    second = day - timedelta(days=2)
    first = min(date(start, 9, 15), second - timedelta(days=7))
    silent = set(stream.sample(range(len(city.schools)), SILENT_SCHOOLS))
    reporting = [school for index, school in enumerate(city.schools) if index not in silent]
    rosters = tuple(
        stream.sample([school for school in reporting if school.level_code in ("03", "04")], ROSTER_SCHOOLS)
    )
    losing = set(stream.sample([school for school in reporting if school not in rosters], SCHOOLS_LOSING_PUPILS))
    classes = tuple(one for school in reporting for one in _classes(school, stream))
    pupils: list[Pupil] = []
    for one in classes:
        share = 0.2 if one.school in losing else 0.01
        pupils += _pupils(one, start, len(pupils), share, is_roster=one.school in rosters, stream=stream)
    days = [day - timedelta(days=back) for back in reversed(range(SCHOOL_DAYS_BACK))]
    return SchoolLife(
        school_year=f"{start}-{start + 1}",
        first_export=datetime.combine(first, time(8), LOCAL),
        second_export=datetime.combine(second, time(8), LOCAL),
        workbook_schools=tuple(school for school in reporting if school not in rosters),
        roster_schools=rosters,
        standards={school.school_code: (stream.random() < 0.6, stream.choice((None, 1, 2, 3))) for school in reporting},
        classes=classes,
        pupils=tuple(pupils),
        days=tuple(_class_day(one, each, pupils, stream) for each in days if each.weekday() < 5 for one in classes),
    )


def _classes(school: School, stream: Random) -> list[SchoolClass]:
    found = []
    for number, grade in enumerate(GRADES[school.level_code]):
        code = f"MG{number + 1}" if grade is None else f"{grade}{'AB'[number == 3 and grade == 12]}"
        name = f"Lớp mẫu giáo {number + 1}" if grade is None else f"Lớp {code}"
        found.append(SchoolClass(school, code, name, grade, stream.randint(10, 14)))
    return found


def _pupils(
    one: SchoolClass, start: int, count: int, drop_out_share: float, *, is_roster: bool, stream: Random
) -> list[Pupil]:
    comers = 0 if is_roster or stream.random() > 0.1 else 1
    pupils = []
    for number in range(one.pupils_at_start + comers):
        sex = stream.choice(("Nam", "Nữ"))
        years = stream.choice((3, 4, 5)) if one.grade is None else one.grade + 5
        born_on = date(start - years, stream.randint(1, 12), stream.randint(1, 28))
        draw = stream.random()
        now = DROPPED_OUT if draw < drop_out_share else LEFT if draw > 0.99 else STUDYING
        is_comer = number >= one.pupils_at_start
        identity = count + number + 1
        pupils.append(
            Pupil(
                student_id=f"46{start % 100:02}{identity:06}",
                school_class=one,
                full_name=f"{stream.choice(FAMILIES)} Giả Lập {identity}",
                citizen_number=f"046{2 if sex == 'Nam' else 3}{born_on.year % 100:02}{identity:06}",
                born_on=born_on,
                sex=sex,
                ethnic_group=ETHNIC_GROUPS[min(int(stream.expovariate(1.6)), 4)],
                disability=stream.choice(DISABILITIES) if stream.random() < 0.02 else None,
                status_at_start=None if is_comer else STUDYING,
                status_now=CAME if is_comer else STUDYING if is_roster else now,
            )
        )
    return pupils


def _class_day(one: SchoolClass, day: date, pupils: list[Pupil], stream: Random) -> ClassDay:
    enrolled = sum(1 for pupil in pupils if pupil.school_class is one and pupil.status_now in (STUDYING, CAME))
    absent = sum(stream.random() < 0.04 for _ in range(enrolled))
    return ClassDay(one, day, enrolled, enrolled - absent, stream.randint(0, absent))
