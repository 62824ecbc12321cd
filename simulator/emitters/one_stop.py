"""Three months of dossiers of the city's one-stop system, every version of them, as its list of `HoSo` serves them.

The server (`simulator/server.py`) cuts windows and pages from them by time of change. A dossier is registered online or handed in at
a counter, perhaps far from the agency that handles it; it is taken in, worked on, perhaps supplemented (which moves its due date), and
finished, returned, withdrawn, stopped or not received. Due dates count working days by the reference calendar. Names, numbers and texts
are invented.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import TypedDict

from simulator.chance import chance
from simulator.emitters.server_book import write_book
from simulator.entities import Agency, City
from simulator.faults import DOSSIERS, FaultKind, FaultProfile, deal_faults
from simulator.local_time import FUTURE, LOCAL, in_utc, midnight
from simulator.seeds import read_seed
from simulator.truth import Books, Emission

COUNT = 1_500
DAYS_BEFORE = 90
SILENT_AGENCIES = 12
"""How many of the agencies have no dossier at all."""

FILE = "dossiers.json"
FAMILY_NAMES = ("Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Phan", "Võ", "Đặng")
GIVEN_NAMES = (
    "An",
    "Bình",
    "Châu",
    "Dũng",
    "Giang",
    "Hà",
    "Khánh",
    "Linh",
    "Minh",
    "Ngọc",
    "Phúc",
    "Quý",
    "Sơn",
    "Thảo",
)
CITIZEN, ENTERPRISE = ("Công dân", "1"), ("Doanh nghiệp", "2")


class Wire(TypedDict, total=False):
    """One dossier as the list writes it (`HoSo`, with `TienTrinh`); times are yyyyMMddHHmmss, or empty."""

    MaHoSo: str
    MaTTHC: str
    TenTTHC: str
    MaLinhVuc: str
    TenLinhVuc: str
    KenhThucHien: str
    SoGiayToChuHoSo: str
    ChuHoSo: str
    LoaiDoiTuong: str
    MaDoiTuong: str
    Email: str
    SoDienThoai: str
    TrichYeuHoSo: str
    NgayNopHoSo: str
    NgayTiepNhan: str
    NgayHenTra: str
    TrangThaiHoSo: str
    NgayTra: str
    NgayKetThucXuLy: str
    DonViXuLy: str
    NgayTuChoi: str
    NoiNopHoSo: str
    HoSoCoThanhPhanSoHoa: int
    TaiKhoanDuocXacThucVoiVNeID: int
    DuocThanhToanTrucTuyen: int
    TaiLieuNop: list[dict[str, str | int]]
    DanhSachLePhi: list[dict[str, str | int]]
    DanhSachHoSoBoSung: list[dict[str, str]]
    DanhSachGiayToKetQua: list[dict[str, str]]
    DinhDanhCHS: list[dict[str, str]]
    TienTrinh: list[dict[str, str]]


@dataclass(frozen=True)
class Procedure:
    """An administrative procedure; `days` are working days, the fee is in VND."""

    code: str
    name: str
    field_code: str
    field_name: str
    level: str
    days: int
    fee: int
    has_result_paper: bool


@dataclass(frozen=True)
class Dossier:
    """What does not change in the life of a dossier. `parts` says for each component whether it is digitised and reused."""

    dossier_id: str
    procedure: Procedure
    channel: str
    agency: Agency
    receiving: Agency
    applicant: tuple[str, str]
    kind: tuple[str, str]
    phone: str
    submitted_at: datetime
    parts: tuple[tuple[bool, bool], ...]
    has_vneid: bool
    is_paid_online: bool


@dataclass(frozen=True)
class Version:
    """One version of a dossier. `changes` are its due dates: (supplemented, due before, due after)."""

    dossier: Dossier
    changed_at: datetime
    status: str
    intake_at: datetime | None = None
    due_at: datetime | None = None
    finished_at: datetime | None = None
    returned_at: datetime | None = None
    refused_at: datetime | None = None
    changes: tuple[tuple[datetime, datetime, datetime], ...] = ()
    steps: tuple[tuple[datetime, str], ...] = field(default=())

    def then(self, at: datetime, status: str) -> "Version":
        """Return the next version, with one more step."""
        return replace(self, changed_at=at, status=status, steps=(*self.steps, (at, status)))

    def wire(self) -> Wire:
        """Return the version as the list writes it."""
        dossier, procedure = self.dossier, self.dossier.procedure
        name, number = dossier.applicant
        has_result = (
            self.status in ("9", "10") and procedure.has_result_paper and any(done for done, _ in dossier.parts)
        )
        return {
            "MaHoSo": dossier.dossier_id,
            "MaTTHC": procedure.code,
            "TenTTHC": procedure.name,
            "MaLinhVuc": procedure.field_code,
            "TenLinhVuc": procedure.field_name,
            "KenhThucHien": dossier.channel,
            "SoGiayToChuHoSo": number,
            "ChuHoSo": name,
            "LoaiDoiTuong": dossier.kind[0],
            "MaDoiTuong": "",
            "Email": "",
            "SoDienThoai": dossier.phone,
            "TrichYeuHoSo": f"{procedure.name}, {name}, {dossier.phone}",
            "NgayNopHoSo": _text(dossier.submitted_at),
            "NgayTiepNhan": _text(self.intake_at),
            "NgayHenTra": _text(self.due_at),
            "TrangThaiHoSo": self.status,
            "NgayTra": _text(self.returned_at),
            "NgayKetThucXuLy": _text(self.finished_at),
            "DonViXuLy": dossier.agency.agency_code,
            "NgayTuChoi": _text(self.refused_at),
            "NoiNopHoSo": dossier.receiving.agency_code,
            "HoSoCoThanhPhanSoHoa": int(any(is_digitised for is_digitised, _ in dossier.parts)),
            "TaiKhoanDuocXacThucVoiVNeID": int(dossier.has_vneid),
            "DuocThanhToanTrucTuyen": int(dossier.is_paid_online),
            "TaiLieuNop": [
                {"MaThanhPhanHoSo": f"TP{index}", "DuocSoHoa": int(is_digitised), "DuocTaiSuDung": int(is_reused)}
                for index, (is_digitised, is_reused) in enumerate(dossier.parts, 1)
            ],
            "DanhSachLePhi": [{"HinhThucThu": "", "Gia": procedure.fee, "MaPhiLePhi": "LP1"}] if procedure.fee else [],
            "DanhSachHoSoBoSung": [
                {"NgayBoSung": _text(at), "NgayHenTraTruoc": _text(before), "NgayHenTraMoi": _text(after)}
                for at, before, after in self.changes
            ],
            "DanhSachGiayToKetQua": [{"TenGiayTo": "Kết quả giải quyết"}] if has_result else [],
            "DinhDanhCHS": [{"LoaiDinhDanh": dossier.kind[1], "SoDinhDanh": number}],
            "TienTrinh": [{"ThoiDiemXuLy": _text(at), "TrangThai": status} for at, status in self.steps],
        }


@dataclass(frozen=True)
class Calendar:
    """Working days of the reference calendar, in their order."""

    working_days: tuple[date, ...]

    def due(self, start: datetime, days: int) -> datetime:
        """Return the end of office hours `days` working days after a moment."""
        later = [day for day in self.working_days if day > start.date()]
        return datetime.combine(later[days - 1], time(17), LOCAL)


def emit_dossiers(city: City, day: date, seed: int, profile: FaultProfile, folder: Path) -> Emission:
    """Write the server's book, sorted by time of change, into a folder that the caller has made."""
    versions = dossier_versions(city, day, seed)
    faults = chance(seed, "public_services/faults")
    dealt = deal_faults(profile, DOSSIERS, versions, lambda version, fault: _can_have(version, fault, day), faults)
    books = Books(DOSSIERS)
    accepted = write_book(
        folder / FILE,
        versions,
        dealt,
        books,
        faults,
        entry_key="dossier",
        wires=_wires,
        id_of=lambda version: version.dossier.dossier_id,
    )
    newest = {version.dossier.dossier_id: version for version in accepted}
    return Emission(
        books,
        {
            "dossier_versions": [_version_row(version) for version in accepted],
            "dossiers": [_dossier_row(version) for _, version in sorted(newest.items())],
        },
    )


def dossier_versions(city: City, day: date, seed: int) -> list[Version]:
    """Return every version up to the end of the day, sorted by time of change."""
    stream = chance(seed, "public_services/dossiers")
    procedures, calendar = _procedures(), _calendar(day)
    busy = _busy(city, stream)
    return sorted(
        (
            version
            for number in range(COUNT)
            for version in _versions(_dossier(day, number, procedures, busy, stream), calendar, stream)
            if version.changed_at < midnight(day) + timedelta(days=1)
        ),
        key=lambda version: (version.changed_at, version.dossier.dossier_id),
    )


def _wires(version: Version, fault: FaultKind | None) -> list[Wire]:
    wire, again = version.wire(), version.wire()
    agency_code = version.dossier.agency.agency_code
    match fault:
        case FaultKind.DUPLICATE:
            return [wire, again]
        case FaultKind.CONFLICT:
            again["DonViXuLy"] = "000.00.01.H57" if agency_code != "000.00.01.H57" else "000.00.02.H57"
            return [wire, again]
        case FaultKind.MALFORMED:
            wire["NgayNopHoSo"] = f"{version.dossier.submitted_at:%d/%m/%Y %H:%M}"
        case FaultKind.MISSING_VALUE:
            wire["MaTTHC"] = ""
        case FaultKind.UNKNOWN_CODE:
            wire["DonViXuLy"] = agency_code.replace(".H57", ".H75")
        case FaultKind.OLD_IDENTITY:
            wire["DinhDanhCHS"] = [{"LoaiDinhDanh": "1", "SoDinhDanh": version.dossier.applicant[1][:9]}]
        case FaultKind.WRONG_ORDER:
            wire["NgayKetThucXuLy"] = _text(version.dossier.submitted_at - timedelta(days=1))
        case FaultKind.NO_END:
            wire["NgayKetThucXuLy"] = ""
        case FaultKind.FUTURE_TIME:
            wire["TienTrinh"][-1]["ThoiDiemXuLy"] = _text(version.changed_at + FUTURE)
    return [wire]


def _can_have(version: Version, fault: FaultKind, day: date) -> bool:
    match fault:
        case FaultKind.LATE:
            return midnight(day) <= version.changed_at < midnight(day) + timedelta(hours=22)
        case FaultKind.OLD_IDENTITY:
            return version.dossier.kind == CITIZEN
        case FaultKind.WRONG_ORDER | FaultKind.NO_END:
            return version.status == "9"
        case FaultKind.FUTURE_TIME:
            return bool(version.steps)
    return True


def _dossier(
    day: date, number: int, procedures: list[Procedure], busy: list[tuple[Agency, float]], stream: Random
) -> Dossier:
    procedure = stream.choice(procedures)
    channel = stream.choices("123", (30, 0 if procedure.level == "2" else 60, 10))[0]
    names, weights = [agency for agency, _ in busy], [weight for _, weight in busy]
    agency, other = stream.choices(names, weights, k=2)
    hours = stream.uniform(0.5, DAYS_BEFORE * 24)
    submitted_at = (midnight(day) + timedelta(days=1, hours=-hours)).replace(microsecond=0)
    if channel != "2":
        submitted_at = submitted_at.replace(hour=8 + submitted_at.hour % 8)
    kind = CITIZEN if stream.random() < 0.8 else ENTERPRISE
    name = f"{stream.choice(FAMILY_NAMES)} {stream.choice(GIVEN_NAMES)} {stream.choice(GIVEN_NAMES)}"
    digits = stream.randint(0, 10**9 - 1)
    parts = tuple(
        (is_digitised, is_digitised and stream.random() < 0.4)
        for is_digitised in [stream.random() < (0.9 if channel == "2" else 0.4) for _ in range(stream.randint(1, 4))]
    )
    return Dossier(
        dossier_id=f"{agency.agency_code}-{submitted_at:%y%m%d}-{number + 1:04d}",
        procedure=procedure,
        channel=channel,
        agency=agency,
        receiving=agency if stream.random() < 0.85 else other,
        applicant=(name, f"046{digits:09d}") if kind == CITIZEN else (f"Công ty {name}", f"33{digits % 10**8:08d}"),
        kind=kind,
        phone=f"0900{number:06d}",
        submitted_at=submitted_at,
        parts=parts,
        has_vneid=channel == "2" or stream.random() < 0.3,
        is_paid_online=procedure.fee > 0 and stream.random() < (0.8 if channel == "2" else 0.15),
    )


def _versions(dossier: Dossier, calendar: Calendar, stream: Random) -> Iterator[Version]:
    """Yield the whole life of a dossier, even beyond the end of the day; each version changes after the one before."""
    now = Version(dossier, dossier.submitted_at, "1")
    if dossier.channel == "2":
        yield now
        wait = timedelta(minutes=stream.randint(20, 1_200))
    else:
        wait = timedelta(minutes=stream.randint(2, 25))
    intake_at = dossier.submitted_at + wait
    if stream.random() < 0.03:
        yield replace(now.then(intake_at, "3"), refused_at=intake_at)
        return
    now = replace(now.then(intake_at, "2"), intake_at=intake_at, due_at=calendar.due(intake_at, dossier.procedure.days))
    yield now
    now = now.then(now.changed_at + timedelta(minutes=stream.randint(30, 600)), "4")
    yield now
    for _ in range(stream.choices((0, 1, 2), (86, 11, 3))[0]):
        now = _stamped(now.then(now.changed_at + timedelta(hours=stream.uniform(1, 60)), "5"))
        yield now
        now = _supplemented(now, calendar, stream)
        yield now
    fate = stream.random()
    if fate < 0.04:
        yield _stamped(now.then(now.changed_at + timedelta(hours=stream.uniform(2, 70)), "7" if fate < 0.025 else "8"))
        return
    if dossier.procedure.fee and stream.random() < 0.1:
        now = _stamped(now.then(now.changed_at + timedelta(minutes=stream.randint(15, 300)), "6"))
        yield now
    due_at = now.due_at or now.changed_at
    if stream.random() < 0.06:
        finished_at = due_at + timedelta(hours=stream.uniform(8, 200))
    else:
        finished_at = now.changed_at + (due_at - now.changed_at) * stream.uniform(0.2, 0.95)
    finished_at = max(finished_at, now.changed_at + timedelta(minutes=10)).replace(microsecond=0)
    now = replace(now.then(finished_at, "9"), finished_at=finished_at)
    yield now
    if stream.random() < 0.9:
        returned_at = finished_at + timedelta(minutes=stream.randint(30, 4_000))
        yield replace(now.then(returned_at, "10"), returned_at=returned_at)


def _stamped(version: Version) -> Version:
    """Cut the time of a version and of its last step to whole seconds, as the wire does."""
    at = version.changed_at.replace(microsecond=0)
    return replace(version, changed_at=at, steps=(*version.steps[:-1], (at, version.status)))


def _supplemented(version: Version, calendar: Calendar, stream: Random) -> Version:
    """Return the version after the applicant supplemented the dossier, which sets a new due date."""
    now = _stamped(version.then(version.changed_at + timedelta(hours=stream.uniform(6, 200)), "4"))
    before = version.due_at or version.changed_at
    after = max(calendar.due(now.changed_at, max(version.dossier.procedure.days // 2, 1)), before)
    return replace(now, due_at=after, changes=(*version.changes, (now.changed_at, before, after)))


def _busy(city: City, stream: Random) -> list[tuple[Agency, float]]:
    """Draw the agencies that have dossiers, and how often."""
    silent = set(stream.sample(range(len(city.agencies)), SILENT_AGENCIES))
    return [(agency, stream.uniform(0.2, 3)) for index, agency in enumerate(city.agencies) if index not in silent]


def _procedures() -> list[Procedure]:
    return [
        Procedure(
            row["procedure_code"],
            row["procedure_name"],
            row["field_code"],
            row["field_name"],
            row["level_code"],
            int(row["processing_days"]),
            int(row["fee_amount"]),
            row["has_result_paper"] == "true",
        )
        for row in read_seed("procedures")
    ]


def _calendar(day: date) -> Calendar:
    """Read the days from three months before to half a year after the simulated one."""
    days = [
        date.fromisoformat(row["local_date"]) for row in read_seed("working_days") if row["is_working_day"] == "true"
    ]
    span = timedelta(days=DAYS_BEFORE + 5)
    return Calendar(tuple(found for found in days if day - span <= found <= day + 2 * span))


def _text(moment: datetime | None) -> str:
    return f"{moment:%Y%m%d%H%M%S}" if moment else ""


def _version_row(version: Version) -> tuple[object, ...]:
    return (
        version.dossier.dossier_id,
        in_utc(version.changed_at),
        version.status,
        in_utc(version.due_at) if version.due_at else None,
    )


def _dossier_row(version: Version) -> tuple[object, ...]:
    dossier, wire = version.dossier, version.wire()
    moments = (
        version.intake_at,
        version.due_at,
        version.finished_at,
        version.returned_at,
        version.refused_at,
    )
    return (
        dossier.dossier_id,
        dossier.procedure.code,
        dossier.procedure.level,
        dossier.channel,
        dossier.agency.agency_code,
        dossier.receiving.agency_code,
        version.status,
        in_utc(version.changed_at),
        in_utc(dossier.submitted_at),
        *(in_utc(moment) if moment else None for moment in moments),
        len(version.changes),
        float(dossier.procedure.fee),
        dossier.is_paid_online,
        len(dossier.parts),
        sum(is_digitised for is_digitised, _ in dossier.parts),
        sum(is_reused for _, is_reused in dossier.parts),
        bool(wire["HoSoCoThanhPhanSoHoa"]),
        len(wire["DanhSachGiayToKetQua"]),
        dossier.procedure.has_result_paper,
    )
