"""What the facilities send about their patients.

There is one message per facility and day of the last two weeks, check-ins of the simulated day every few hours, and one message for each
month before that, so that a year's spending can be seen. A hospital also lists who was admitted since the month before, so that the beds of
those who are still there are known.

The patients are entirely invented. Amounts are exact decimals and keep the identities of decision 130/QĐ-BYT; a fault breaks one of them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

from simulator.chance import chance
from simulator.claim_files import Dossier, list_file, message, summary_file
from simulator.entities import City, Facility
from simulator.faults import CLAIMS, FaultKind, FaultProfile, deal_faults
from simulator.local_time import LOCAL, in_utc, midnight
from simulator.truth import Books, Emission

DAYS = 14
HISTORY_VISITS, FEW_VISITS, MONTHS_OF_FEW = 6, 2, (3, 4)
"""Visits of an earlier month to a facility; few to one without beds in some months, so that the marts have something to hide."""

CHECK_IN_HOURS = (10, 14, 18)
UNKNOWN_FACILITY = "46999"
ELSEWHERE = "99999"
"""A commune that is not on the city's list."""
FROM_ELSEWHERE = 10
"""One patient in so many lives there."""
CENT = Decimal("0.01")
COPAYMENT = Decimal("0.2")
INPATIENT, EXAMINATION, OUTPATIENT = "03", "01", "02"
OPEN_STAY_SHARE = 4
"""One bed in this many holds a patient who has not been discharged at the end of the day."""

DIAGNOSES = {
    "I10": 24, "E11": 18, "J18": 16, "J20": 14, "K29": 14, "J00": 12, "M54": 10, "I25": 9, "A09": 9, "J45": 8, "E78": 7, "N39": 6,
    "H66": 5, "O80": 5, "G44": 5, "L20": 4, "H10": 3, "S52": 3, "K35": 3, "I63": 2, "D50": 2, "F32": 1, "B20": 1, "A15": 1,
}  # fmt: skip
"""How often each diagnosis occurs, out of about 180."""

RESTRICTED = {"B20": "XML6", "A15": "XML15"}


@dataclass(frozen=True)
class Claim:
    """One treatment. Amounts of lines are in VND; `made` is the day of the message that carries it."""

    facility: Facility
    claim_id: str
    patient: int
    made: date
    visit_type: str
    diagnosis: str
    admitted_at: datetime
    discharged_at: datetime
    days: int
    outcome: str
    discharge: str
    medicines: tuple[Decimal, ...]
    services: tuple[Decimal, ...]
    is_first: bool = False

    @property
    def total(self) -> Decimal:
        return sum((*self.medicines, *self.services), Decimal())

    @property
    def medicine(self) -> Decimal:
        return sum(self.medicines, Decimal())

    @property
    def copayment(self) -> Decimal:
        return (self.total * COPAYMENT).quantize(CENT) if self.facility.beds else Decimal()

    @property
    def row(self) -> tuple[object, ...]:
        """The row of the truth."""
        return (
            self.facility.facility_code,
            self.claim_id,
            _person(self)["SO_CCCD"],
            self.visit_type,
            self.diagnosis,
            in_utc(self.admitted_at),
            in_utc(self.discharged_at),
            self.days,
            self.outcome,
            self.discharge,
            self.discharged_at.year,
            self.discharged_at.month,
            self.total - self.copayment,
            _person(self)["MAXA_CU_TRU"],
            self.medicine,
            self.total,
        )


@dataclass(frozen=True)
class CheckIn:
    """A patient at the desk; `claim_id` is that of the claim that follows."""

    facility: Facility
    claim_id: str
    patient: int
    checked_in_at: datetime
    visit_type: str = EXAMINATION


def emit_claims(city: City, day: date, seed: int, profile: FaultProfile, folder: Path) -> Emission:
    """Write the messages into a folder that the caller has made."""
    claims = list(_claims(city, day, chance(seed, "health/claims")))
    stream = chance(seed, "health/faults")
    last_day_but_one = day - timedelta(days=1)

    def can_have(claim: Claim, fault: FaultKind) -> bool:
        if fault == FaultKind.WRONG_COUNT:
            return claim.is_first
        if fault == FaultKind.RESEND:
            return day - timedelta(days=DAYS) < claim.made <= last_day_but_one
        return claim.diagnosis not in RESTRICTED

    dealt = deal_faults(profile, CLAIMS, claims, can_have, stream)
    writer = _Writer(folder, Books(CLAIMS), {})
    messages: dict[str, list[tuple[Claim, FaultKind | None]]] = {}
    for index, claim in enumerate(claims):
        fault = dealt.get(index)
        code = UNKNOWN_FACILITY if fault == FaultKind.UNKNOWN_CODE else claim.facility.facility_code
        name = (
            f"{code}_{claim.made:%Y%m%d}_{index}.xml" if code == UNKNOWN_FACILITY else f"{code}_{claim.made:%Y%m%d}.xml"
        )
        messages.setdefault(name, []).append((claim, fault))
        if fault == FaultKind.RESEND:
            corrected = replace(
                claim,
                made=claim.made + timedelta(days=1),
                medicines=(*claim.medicines, Decimal(stream.randrange(10, 90)) * 1000),
            )
            again = f"{code}_{corrected.made:%Y%m%d}_gui_lai_{index}.xml"
            messages[again] = [(corrected, None)]
    for name, members in messages.items():
        writer.write(name, members)
    check_ins = list(_check_ins(city, day, claims, dealt, chance(seed, "health/check_ins")))
    writer.write_check_ins(day, check_ins)
    stays = list(_bed_check_ins(city, day, claims, dealt, chance(seed, "health/bed_check_ins")))
    writer.write_bed_check_ins(day, stays)
    rows = [(c.facility.facility_code, c.claim_id, c.visit_type, in_utc(c.checked_in_at)) for c in (*check_ins, *stays)]
    return Emission(
        writer.books,
        {"health_claims": [claim.row for claim in writer.true.values()], "health_check_ins": list(rows)},
    )


@dataclass(frozen=True)
class _Writer:
    """Writes messages with their faults, and counts what it wrote; a later sending of a claim replaces the earlier one."""

    folder: Path
    books: Books
    true: dict[tuple[str, str], Claim]

    def write(self, name: str, members: Sequence[tuple[Claim, FaultKind | None]]) -> None:
        dossiers: list[Dossier] = []
        miscounted = 0
        for claim, fault in members:
            dossier = _spoilt(claim, fault)
            dossiers += [dossier, dossier] if fault == FaultKind.DUPLICATE else [dossier]
            miscounted += fault == FaultKind.WRONG_COUNT
            self._enter(name, claim, fault, len(dossier))
        code = name.split("_", 1)[0]
        made = f"{members[0][0].made:%Y%m%d}"
        content = message(code, made, dossiers, len(dossiers) + 2 if miscounted else None)
        (self.folder / name).write_bytes(content)
        self.books.deliver()

    def write_bed_check_ins(self, day: date, stays: Sequence[CheckIn]) -> None:
        for facility in dict.fromkeys(stay.facility for stay in stays):
            mine = [stay for stay in stays if stay.facility == facility]
            name = f"checkin_{facility.facility_code}_{day:%Y%m%d}_noi_tru.xml"
            content = message(facility.facility_code, f"{day:%Y%m%d}", [_check_in_dossier(stay) for stay in mine])
            (self.folder / name).write_bytes(content)
            self.books.deliver()
            self.books.accept(len(mine))

    def write_check_ins(self, day: date, check_ins: Sequence[CheckIn]) -> None:
        for facility in dict.fromkeys(check_in.facility for check_in in check_ins):
            earlier = 0
            for hour in CHECK_IN_HOURS:
                mine = [c for c in check_ins if c.facility == facility and earlier <= c.checked_in_at.hour < hour]
                earlier = hour
                if mine:
                    content = message(facility.facility_code, f"{day:%Y%m%d}", [_check_in_dossier(c) for c in mine])
                    (self.folder / f"checkin_{facility.facility_code}_{day:%Y%m%d}_{hour:02d}00.xml").write_bytes(
                        content
                    )
                    self.books.deliver()
                    self.books.accept(len(mine))

    def _enter(self, name: str, claim: Claim, fault: FaultKind | None, files: int) -> None:
        lost = {
            FaultKind.ORPHAN_LINES: files,
            FaultKind.UNKNOWN_CODE: files,
            FaultKind.WRONG_SUM: 1,
            FaultKind.WRONG_ORDER: 1,
            FaultKind.MISSING_VALUE: 1,
            FaultKind.BAD_BASE64: 1,
            FaultKind.MALFORMED: 1,
        }.get(fault, 0) if fault else 0  # fmt: skip
        self.books.accept(files - lost)
        if fault is None:
            self.true[claim.facility.facility_code, claim.claim_id] = claim
            return
        records, outcome = lost, "quarantined"
        if fault == FaultKind.WRONG_COUNT:
            records = 1
        elif fault in (FaultKind.DUPLICATE, FaultKind.RESEND):
            records, outcome = files, "duplicate" if fault == FaultKind.DUPLICATE else "accepted"
        if outcome == "quarantined":
            self.books.quarantine(fault, records)
        elif outcome == "duplicate":
            self.books.repeat(records)
        self.books.note(fault, claim.claim_id, in_utc(claim.discharged_at), name, outcome=outcome, records=records)
        if fault not in (
            FaultKind.ORPHAN_LINES,
            FaultKind.UNKNOWN_CODE,
            FaultKind.WRONG_SUM,
            FaultKind.WRONG_ORDER,
            FaultKind.MISSING_VALUE,
        ):
            self.true[claim.facility.facility_code, claim.claim_id] = claim


def _claims(city: City, day: date, stream: Random) -> Iterator[Claim]:
    number = 0
    first_day = day - timedelta(days=DAYS - 1)
    months = [date(day.year, month + 1, 1) - timedelta(days=1) for month in range(1, day.month)]
    history = [last for last in months if last < first_day]
    for made in (*history, *(first_day + timedelta(days=step) for step in range(DAYS))):
        is_history = made < first_day
        for facility in city.facilities:
            stays = (2 if is_history else max(1, facility.beds // 5)) if facility.beds else 0
            is_few = not facility.beds and made.month in MONTHS_OF_FEW
            visits = (FEW_VISITS if is_few else HISTORY_VISITS) if is_history else 3 if facility.beds else 2
            for place in range(stays + visits):
                number += 1
                left = made.replace(day=stream.randint(3, made.day)) if is_history else made
                yield _claim(facility, number, made, left, is_stay=place < stays, is_first=place == 0, stream=stream)


def _claim(
    facility: Facility,
    number: int,
    made: date,
    left: date,
    *,
    is_stay: bool,
    is_first: bool,
    stream: Random,
) -> Claim:
    diagnosis = stream.choices(list(DIAGNOSES), list(DIAGNOSES.values()))[0]
    if is_stay:
        nights = stream.choices((1, 2, 3, 4, 5, 6, 7), (2, 4, 5, 4, 3, 2, 1))[0]
        out = datetime.combine(left, time(9), LOCAL) + timedelta(minutes=stream.randint(0, 420))
        came = datetime.combine(left - timedelta(days=nights), time(7), LOCAL) + timedelta(
            minutes=stream.randint(0, 720)
        )
        visit_type, days = INPATIENT, nights + 1
        outcome = stream.choices(("1", "2", "3", "4", "5", "6"), (50, 39, 5, 3, 2, 1))[0]
        discharge = "1" if outcome == "5" else stream.choices(("1", "2", "4", "5"), (85, 8, 5, 2))[0]
        services = tuple(_amount(stream, 400, 2500) for _ in range(stream.randint(1, 3)))
    else:
        came = datetime.combine(left, time(7), LOCAL) + timedelta(minutes=stream.randint(0, 540))
        out = came + timedelta(minutes=stream.randint(25, 240))
        visit_type, days = stream.choice((EXAMINATION, EXAMINATION, OUTPATIENT)), 0
        outcome, discharge = "2", "1"
        services = tuple(_amount(stream, 30, 180) for _ in range(stream.randint(1, 2)))
    medicines = tuple(_amount(stream, 20, 600 if is_stay else 90) for _ in range(stream.randint(1, 3)))
    return Claim(
        facility=facility,
        claim_id=f"LK{facility.facility_code}{number:06d}",
        patient=stream.randint(1, 400),
        made=made,
        visit_type=visit_type,
        diagnosis=diagnosis,
        admitted_at=came,
        discharged_at=out,
        days=days,
        outcome=outcome,
        discharge=discharge,
        medicines=medicines,
        services=services,
        is_first=is_first,
    )


def _amount(stream: Random, low: int, high: int) -> Decimal:
    """Return an amount of some thousand đồng, with the fractions that unit prices bring."""
    return Decimal(stream.randrange(low, high)) * 1000 + Decimal(stream.choice(("0", "0", "250.50", "125.25")))


def _check_ins(
    city: City, day: date, claims: Sequence[Claim], dealt: dict[int, FaultKind], stream: Random
) -> Iterator[CheckIn]:
    """Yield the check-ins of the day: of patients who have left again, and of a few who are still waiting at its end."""
    for facility in city.facilities:
        for index, claim in enumerate(claims):
            if (
                claim.facility == facility
                and claim.admitted_at >= midnight(day)
                and claim.admitted_at.hour < CHECK_IN_HOURS[-1]
                and index not in dealt
            ):
                yield CheckIn(facility, claim.claim_id, claim.patient, claim.admitted_at)
        for number in range(stream.randint(1, 4)):
            came = midnight(day) + timedelta(minutes=stream.randint(15 * 60, 18 * 60 - 1))
            yield CheckIn(facility, f"LK{facility.facility_code}C{number:05d}", stream.randint(401, 500), came)


def _bed_check_ins(
    city: City, day: date, claims: Sequence[Claim], dealt: dict[int, FaultKind], stream: Random
) -> Iterator[CheckIn]:
    """Yield who was admitted to a bed since the month before: patients who have left again, and patients who are still there."""
    first_day = (day.replace(day=1) - timedelta(days=1)).replace(day=1)
    for facility in city.facilities:
        for index, claim in enumerate(claims):
            if (
                claim.facility == facility
                and claim.visit_type == INPATIENT
                and claim.made >= first_day
                and index not in dealt
            ):
                yield CheckIn(facility, claim.claim_id, claim.patient, claim.admitted_at, INPATIENT)
        for number in range(facility.beds // OPEN_STAY_SHARE):
            came = midnight(day - timedelta(days=stream.randint(0, 6))) + timedelta(minutes=stream.randint(420, 1080))
            claim_id = f"LK{facility.facility_code}N{number:05d}"
            yield CheckIn(facility, claim_id, stream.randint(501, 600), came, INPATIENT)


def _spoilt(claim: Claim, fault: FaultKind | None) -> Dossier:
    """Return the files of a claim, with its fault."""
    changes: dict[str, object] = {}
    match fault:
        case FaultKind.WRONG_SUM:
            changes["T_THUOC"] = claim.medicine + 1000
        case FaultKind.WRONG_ORDER:
            changes["NGAY_RA"] = _time(claim.admitted_at - timedelta(hours=2))
        case FaultKind.MISSING_VALUE:
            changes["MA_BENH_CHINH"] = ""
        case _:
            pass
    files: list[tuple[str, str | bytes]] = [("XML1", summary_file(_summary(claim) | changes))]
    files += [("XML2", _lines(claim, "XML2", claim.medicines)), ("XML3", _lines(claim, "XML3", claim.services))]
    if claim.days:
        notes = [{"MA_LK": claim.claim_id, "STT": 1, "THOI_DIEM_DBLS": _time(claim.admitted_at)}]
        files.append(("XML5", list_file("XML5", notes)))
        files.append(("XML7", list_file("XML7", [{"MA_LK": claim.claim_id, "NGAY_RA": _time(claim.discharged_at)}])))
    if claim.diagnosis in RESTRICTED:
        kind = RESTRICTED[claim.diagnosis]
        files.append((kind, list_file(kind, [{"MA_LK": claim.claim_id, "NGAY_BAT_DAU": "20260101"}])))
    match fault:
        case FaultKind.BAD_BASE64:
            files[1] = ("XML2", b"PD94bWwgdmVyc2lvbj0%")
        case FaultKind.MALFORMED:
            content = files[2][1]
            files[2] = ("XML3", content[:-40])
        case FaultKind.ORPHAN_LINES:
            files = files[1:]
        case _:
            pass
    return files


def _summary(claim: Claim) -> dict[str, object]:
    return {
        "MA_LK": claim.claim_id,
        "STT": 1,
        **_person(claim),
        "LY_DO_VV": "Khám bệnh",
        "CHAN_DOAN_RV": "Chẩn đoán giả lập",
        "MA_BENH_CHINH": claim.diagnosis,
        "MA_DOITUONG_KCB": "1",
        "NGAY_VAO": _time(claim.admitted_at),
        "NGAY_VAO_NOI_TRU": _time(claim.admitted_at) if claim.days else "",
        "NGAY_RA": _time(claim.discharged_at),
        "SO_NGAY_DTRI": claim.days,
        "KET_QUA_DTRI": claim.outcome,
        "MA_LOAI_RV": claim.discharge,
        "NGAY_TTOAN": _time(claim.discharged_at + timedelta(minutes=5)),
        "T_THUOC": claim.medicine,
        "T_VTYT": 0,
        "T_TONGCHI_BV": claim.total,
        "T_TONGCHI_BH": claim.total,
        "T_BNTT": 0,
        "T_BNCCT": claim.copayment,
        "T_BHTT": claim.total - claim.copayment,
        "T_NGUONKHAC": 0,
        "NAM_QT": claim.discharged_at.year,
        "THANG_QT": f"{claim.discharged_at:%m}",
        "MA_LOAI_KCB": claim.visit_type,
        "MA_KHOA": "K03" if claim.days else "K01",
        "MA_CSKCB": claim.facility.facility_code,
    }


def _person(who: Claim | CheckIn) -> dict[str, object]:
    """Invent the person behind a number; nobody has such a name."""
    place = f"{who.facility.facility_code[-2:]}{who.patient:04d}"
    return {
        "MA_BN": f"BN{place}",
        "HO_TEN": f"Người bệnh Giả Lập {place}",
        "SO_CCCD": f"046090{place}",
        "NGAY_SINH": "199001010000",
        "GIOI_TINH": 1 + who.patient % 2,
        "DIA_CHI": f"Số {who.patient} đường Giả Lập",
        "MAXA_CU_TRU": who.facility.commune_code if who.patient % FROM_ELSEWHERE else ELSEWHERE,
        "DIEN_THOAI": f"0905{place}",
        "MA_THE_BHYT": f"GD446{place}0000",
    }


def _lines(claim: Claim, kind: str, amounts: Sequence[Decimal]) -> str:
    code = "MA_THUOC" if kind == "XML2" else "MA_DICH_VU"
    ordered = claim.admitted_at + timedelta(minutes=5)
    lines = [
        {
            "MA_LK": claim.claim_id,
            "STT": number,
            code: f"{40 + number}.{number}",
            "SO_LUONG": 1,
            "THANH_TIEN_BV": amount,
            "THANH_TIEN_BH": amount,
            "NGAY_YL": _time(ordered),
            "NGAY_TH_YL": _time(ordered + timedelta(minutes=10)),
        }
        for number, amount in enumerate(amounts, 1)
    ]
    return list_file(kind, lines)


def _check_in_dossier(check_in: CheckIn) -> Dossier:
    fields = {"MA_LK": check_in.claim_id, "STT": 1, **_person(check_in), "NGAY_VAO": _time(check_in.checked_in_at)}
    return [("XML0", list_file("XML0", [{**fields, "MA_LOAI_KCB": check_in.visit_type}]))]


def _time(moment: datetime) -> str:
    return f"{moment:%Y%m%d%H%M}"
