"""The city's notifiable diseases: what the communes counted week by week in five years, and the case lines of the last three weeks.

The counts come as DHIS2 data value sets, one a year. Every commune counts dengue each week, with a zero if there was none; for measles it
sends no value then, as DHIS2 leaves zeros out. Cases of the newest three weeks are also reported line by line, in one CSV a day, by day of
report; two communes have not counted these weeks yet. A case is sent again when its diagnosis or its outcome changes. An OpenDengue extract
gives the years before at several resolutions, its years the sums of its months. Dengue occurs in the towns and in the rainy season; two
communes have an outbreak in the last five weeks.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from math import exp, pi, sin
from pathlib import Path
from random import Random

from core.contract import find_contract
from simulator.chance import chance
from simulator.entities import City
from simulator.faults import DISEASES, FaultKind, FaultProfile, deal_faults
from simulator.local_time import FUTURE, in_utc, midnight
from simulator.truth import Books, Emission
from simulator.writer import Texts, cut_rows, write_table

YEARS = 5
CASE_WEEKS = 3
"""The running week and the two before it: as far back as case lines go."""

LATE = (2, 3)
"""Places of the communes that have not counted the newest weeks yet."""

TOWNS, OUTBREAKS, OUTBREAK_WEEKS = 10, 2, 5
WEEK = timedelta(days=7)
DENGUE, MEASLES = "A91", "B05"
DENGUE_HEADER = (
    '"adm_0_name","adm_1_name","adm_2_name","full_name","ISO_A0","calendar_start_date","calendar_end_date","Year","dengue_total",'
    '"case_definition_standardised","S_res","T_res","UUID","region"'
)
PROVINCE = "THUA THIEN - HUE"
UNKNOWN_DISEASE, UNKNOWN_COMMUNE = "Z99", "99999"


@dataclass(frozen=True)
class Count:
    """How many persons a commune had in a week. `measure` is MAC (cases) or TV (deaths)."""

    disease: str
    measure: str
    commune_code: str
    monday: date
    persons: int

    @property
    def updated_at(self) -> datetime:
        """When it was entered: the Tuesday after the week."""
        return midnight(self.monday + timedelta(days=8)) + timedelta(hours=9)

    def wire(self) -> dict[str, str]:
        """Return the data value as DHIS2 sends it."""
        year, week, _ = self.monday.isocalendar()
        return {
            "dataElement": f"{self.disease}_{self.measure}",
            "period": f"{year}W{week}",
            "orgUnit": self.commune_code,
            "categoryOptionCombo": "default",
            "value": str(self.persons),
            "lastUpdated": f"{self.updated_at:%Y-%m-%dT%H:%M:%S}.000+0700",
        }


@dataclass(frozen=True)
class CaseLine:
    """One version of one case."""

    code: str
    disease: str
    onset: date
    reported_at: datetime
    commune_code: str
    age: int
    sex: str
    classification: str
    outcome: str

    @property
    def record(self) -> Texts:
        """The record of the file: the columns that are sent as they are, and the parts of the others."""
        return {
            "ma_ca": self.code,
            "icd10": self.disease,
            "ngay_khoi_phat": str(self.onset),
            "ngay_bao_cao": self.reported_at.isoformat(),
            "ma_xa": self.commune_code,
            "age_years": str(self.age),
            "sex_code": self.sex,
            "classification_code": self.classification,
            "outcome_code": self.outcome,
        }


def emit_diseases(city: City, day: date, seed: int, profile: FaultProfile, folder: Path) -> Emission:
    """Write counts, case lines and the extract into a folder that the caller has made."""
    books = Books(DISEASES)
    counts = list(_counts(city, day, seed))
    lines = sorted(_case_lines(city, day, seed), key=lambda line: (line.reported_at, line.code))
    items: list[Count | CaseLine] = [*counts, *lines]
    dealt = deal_faults(profile, DISEASES, items, _can_have, chance(seed, "disease/faults"))
    values: dict[str, list[str]] = {}
    sent: dict[str, list[CaseLine]] = {}
    cut: dict[str, list[int]] = {}
    for offset in range(_first_case_day(day).toordinal(), day.toordinal() + 1):
        sent[f"cases_{date.fromordinal(offset):%Y%m%d}.csv"] = []
    told: list[Count | CaseLine] = []
    for index, item in enumerate(items):
        fault = dealt.get(index)
        if isinstance(item, Count):
            name = f"data_value_set_{item.monday.isocalendar().year}.json"
            values.setdefault(name, []).extend(json.dumps(wire) for wire in _values(item, fault))
            moment, code = item.updated_at, f"{item.disease}_{item.measure}/{item.commune_code}/{item.monday}"
        else:
            name = f"cases_{item.reported_at:%Y%m%d}.csv"
            if fault == FaultKind.MALFORMED:
                cut.setdefault(name, []).append(len(sent[name]))
            sent[name] += _sent(item, fault)
            moment, code = item.reported_at, item.code
        if fault in (None, FaultKind.DUPLICATE, FaultKind.CONFLICT):
            told.append(item)
            books.accept()
        if fault == FaultKind.DUPLICATE:
            books.repeat()
            books.note(fault, code, in_utc(moment), name, outcome="duplicate")
        elif fault is not None:
            books.quarantine(fault)
            books.note(fault, code, in_utc(moment), name, outcome="quarantined")
    published = list(_published(day, seed))
    books.accept(len(published))
    files = {
        name: ('{"dataSet":"BTN_TUAN","dataValues":[\n' + ",\n".join(rows) + "\n]}\n").encode()
        for name, rows in values.items()
    }
    for name, lines_of_day in sent.items():
        content = write_table(find_contract(DISEASES), [line.record for line in lines_of_day])
        files[name] = cut_rows(content, cut.get(name, []), 2)
    files["opendengue_extract.csv"] = ("\n".join((DENGUE_HEADER, *map(_extract_line, published))) + "\n").encode()
    for name, content in files.items():
        (folder / name).write_bytes(content)
        books.deliver()
    return Emission(
        books,
        {
            "disease_counts": [
                (item.disease, item.measure, item.commune_code, item.monday, item.persons)
                for item in told
                if isinstance(item, Count)
            ],
            "disease_case_lines": [
                (
                    item.code,
                    item.disease,
                    item.onset,
                    in_utc(item.reported_at),
                    item.commune_code,
                    item.age,
                    item.classification,
                    item.outcome,
                )
                for item in told
                if isinstance(item, CaseLine)
            ],
            "disease_published": [tuple(row) for row in published],
        },
    )


def _can_have(item: Count | CaseLine, fault: FaultKind) -> bool:
    if fault in (FaultKind.BAD_WEEK, FaultKind.OUT_OF_RANGE):
        return isinstance(item, Count) and item.persons > 0
    if fault in (FaultKind.WRONG_ORDER, FaultKind.MALFORMED, FaultKind.FUTURE_TIME):
        return isinstance(item, CaseLine)
    return True


def _values(count: Count, fault: FaultKind | None) -> list[dict[str, str]]:
    wire, again = count.wire(), count.wire()
    match fault:
        case FaultKind.DUPLICATE:
            return [wire, again]
        case FaultKind.CONFLICT:
            again["value"] = str(count.persons + 1)
            return [wire, again]
        case FaultKind.BAD_WEEK:
            wire["period"] = "2025W53"
        case FaultKind.OUT_OF_RANGE:
            wire["value"] = f"-{count.persons}"
        case FaultKind.UNKNOWN_PARAMETER:
            wire["dataElement"] = f"{UNKNOWN_DISEASE}_{count.measure}"
        case FaultKind.UNKNOWN_CODE:
            wire["orgUnit"] = UNKNOWN_COMMUNE
        case FaultKind.MISSING_VALUE:
            del wire["value"]
    return [wire]


def _sent(line: CaseLine, fault: FaultKind | None) -> list[CaseLine]:
    match fault:
        case FaultKind.DUPLICATE:
            return [line, line]
        case FaultKind.CONFLICT:
            return [line, replace(line, age=(line.age + 1) % 100)]
        case FaultKind.UNKNOWN_PARAMETER:
            return [replace(line, disease=UNKNOWN_DISEASE)]
        case FaultKind.UNKNOWN_CODE:
            return [replace(line, commune_code=UNKNOWN_COMMUNE)]
        case FaultKind.MISSING_VALUE:
            return [replace(line, commune_code="")]
        case FaultKind.WRONG_ORDER:
            return [replace(line, onset=line.reported_at.date() + timedelta(days=1))]
        case FaultKind.FUTURE_TIME:
            return [replace(line, reported_at=line.reported_at + FUTURE)]
        case _:
            return [line]


def _first_case_week(day: date) -> date:
    return day - timedelta(days=day.weekday()) - (CASE_WEEKS - 1) * WEEK


def _is_counted(place: int, monday: date, day: date) -> bool:
    """Whether a commune has counted a week: it does so on the Tuesday after it, or is late."""
    return monday < _first_case_week(day) if place in LATE else monday + timedelta(days=8) <= day


def _first_case_day(day: date) -> date:
    """Return the first day of case files: two days of the week before are reported by case too."""
    return _first_case_week(day) - timedelta(days=2)


def _rate(city: City, place: int, disease: str, monday: date, day: date) -> float:
    """Return how many cases of a disease a commune has in a usual week."""
    if disease == MEASLES:
        return 0.06
    if place >= min(TOWNS, len(city.communes)):
        return 0.08
    season = 1 + 0.6 * sin(2 * pi * (monday.timetuple().tm_yday - 190) / 365)
    is_outbreak = place < OUTBREAKS and monday > day - OUTBREAK_WEEKS * WEEK
    return (5 + place % 4) * season * (3 if is_outbreak else 1)


def _counts(city: City, day: date, seed: int) -> Iterator[Count]:
    stream = chance(seed, "disease/counts")
    monday = date.fromisocalendar(day.year - YEARS, 1, 1)
    while monday <= day:
        for place, commune in enumerate(city.communes):
            for disease in (DENGUE, MEASLES):
                cases = _poisson(_rate(city, place, disease, monday, day), stream)
                if not _is_counted(place, monday, day):
                    continue
                if cases or disease == DENGUE:
                    yield Count(disease, "MAC", commune.commune_code, monday, cases)
                if disease == DENGUE and cases and stream.random() < 0.01:
                    yield Count(disease, "TV", commune.commune_code, monday, 1)
        monday += WEEK


def _case_lines(city: City, day: date, seed: int) -> Iterator[CaseLine]:
    stream = chance(seed, "disease/cases")
    end = midnight(day) + timedelta(days=1)
    number = 0
    for ordinal in range(_first_case_day(day).toordinal(), day.toordinal() + 1):
        onset = date.fromordinal(ordinal)
        monday = onset - timedelta(days=onset.weekday())
        for place, commune in enumerate(city.communes):
            for disease in (DENGUE, MEASLES):
                for _ in range(_poisson(_rate(city, place, disease, monday, day) / 7, stream)):
                    number += 1
                    delay = timedelta(minutes=round(stream.expovariate(1 / 900)) + 90)
                    first = CaseLine(
                        code=f"{disease}-{day:%Y}-{number:05d}",
                        disease=disease,
                        onset=onset,
                        reported_at=midnight(onset) + delay,
                        commune_code=commune.commune_code,
                        age=stream.randint(0, 90) if disease == DENGUE else stream.randint(0, 15),
                        sex=stream.choice("12"),
                        classification="nghi_ngo",
                        outcome="dang_dieu_tri",
                    )
                    yield from (line for line in _versions(first, stream) if line.reported_at < end)


def _versions(first: CaseLine, stream: Random) -> Iterator[CaseLine]:
    yield first
    if stream.random() < 0.4:
        later = first.reported_at + timedelta(hours=stream.randint(20, 120))
        result = stream.choices(("xac_dinh", "co_the", "loai_tru"), (6, 2, 2))[0]
        outcome = stream.choices(("dang_dieu_tri", "khoi", "tu_vong"), (50, 45, 1))[0]
        yield replace(first, reported_at=later, classification=result, outcome=outcome)


def _published(day: date, seed: int) -> Iterator[tuple[str, str, str, date, date, int]]:
    """Yield the extract: level, place, resolution, first and last day, cases."""
    stream = chance(seed, "disease/published")
    for year in range(day.year - YEARS, day.year):
        months = []
        for month in range(1, 13):
            start = date(year, month, 1)
            end = date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
            months.append(stream.randint(80, 400))
            yield "province", PROVINCE, "month", start, end, months[-1]
        yield "province", PROVINCE, "year", date(year, 1, 1), date(year, 12, 31), sum(months)
    sunday = date(day.year - 1, 1, 1) + timedelta(days=(6 - date(day.year - 1, 1, 1).weekday()) % 7)
    for week in range(12):
        start = sunday + week * WEEK
        yield "country", "VIET NAM", "week", start, start + timedelta(days=6), stream.randint(1500, 4000)


def _extract_line(row: tuple[str, str, str, date, date, int]) -> str:
    level, place, kind, start, end, cases = row
    is_country = level == "country"
    province = "NA" if is_country else f'"{place}"'
    full = '"VIET NAM"' if is_country else f'"VIET NAM, {place}"'
    return (
        f'"VIET NAM",{province},NA,{full},"VNM","{start}","{end}",{start.year},{cases},"Total",'
        f'"{"Admin0" if is_country else "Admin1"}","{kind.title()}","SIMULATED-{start.year}","WPRO"'
    )


def _poisson(rate: float, stream: Random) -> int:
    """Draw a number of events (Knuth's method; rates stay small)."""
    limit, product, events = exp(-rate), stream.random(), 0
    while product > limit:
        product *= stream.random()
        events += 1
    return events
