"""Small clean days of seven feeds, and every fault that can befall one of their records: a fault a day.

A day of a feed is its background, which is the same every day, and one *probe*: a delivery of its own around two in the morning, which a
fault spoils, drops, doubles or delays. What a fault must move is told beside it.
"""

import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, timezone

import xlsxwriter

from core.reference import Reference
from simulator.claim_files import Dossier, list_file, message, summary_file

VN = timezone(timedelta(hours=7))
CORRECT, COMPLETE, CLEAN, LIVE, CONSISTENT = "correct", "complete", "clean", "live", "consistent"
NOTHING: frozenset[str] = frozenset()
EARLY, NOON, NIGHT, LATE = 2.1, 14.1, 23.9, 23.95
"""Hours of the local day at which things are received: the probe, half of a background, a background, a probe that is late."""


@dataclass(frozen=True)
class Sending:
    """One delivery of a day: its name, its bytes, and the hour at which it is received."""

    name: str
    content: bytes
    hour: float = NIGHT


Sendings = list[Sending]


@dataclass(frozen=True)
class Fault:
    """What goes wrong on a day of a feed, and the axes that it moves."""

    name: str
    moves: frozenset[str]
    sendings: Callable[[date], Sendings]


def moment(day: date, hour: float) -> datetime:
    """Return an hour of a local day, UTC+7."""
    return datetime(day.year, day.month, day.day, tzinfo=VN) + timedelta(minutes=round(hour * 60))


def in_two(background: Callable[[date, int, int], Sendings], day: date) -> Sendings:
    """Return a background in two parts, so that the feed was heard long before the night."""
    return [*(replace(one, hour=NOON) for one in background(day, 0, 14)), *background(day, 14, 24)]


def _values(target: str) -> list[str]:
    return sorted(map(str, Reference().values_of(target)))


STATIONS, GAUGES, FACILITIES = (
    _values("stations.station_id"),
    _values("gauges.gauge_id"),
    _values("facilities.facility_code"),
)
SCHOOLS = _values("registered_schools.school_code")
AGENCIES = ("000.00.01.H57", "000.00.02.H57")


# --- environment.station_readings


def reading(
    day: date, hour: float, *, parameter: str = "PM2.5", value: str = "20", unit: str = "ug/m3", status: str = "00"
) -> str:
    """Write a line."""
    return f"{parameter}\t{value}\t{unit}\t{moment(day, hour):%Y%m%d%H%M%S}\t{status}\r\n"


def readings_of_a_day(day: date, first: int = 0, last: int = 24) -> Sendings:
    """Return a file of each station, without the slot of the probe."""
    sent = []
    for station in STATIONS:
        slots = [slot / 12 for slot in range(first * 12, last * 12) if station != STATIONS[0] or slot != 24]
        lines = "".join(reading(day, hour) for hour in slots)
        sent.append(Sending(f"{station}_{day:%Y%m%d}{first:02}0000.txt", lines.encode()))
    return sent


def reading_probe(
    day: date, content: str | bytes | None = None, *, station: str = STATIONS[0], number: int = 0, **changes: str
) -> Sending:
    """Return the file of the first station at two o'clock."""
    text = reading(day, 2, **changes) if content is None else content
    return Sending(f"{station}_{day:%Y%m%d}02{number:04}.txt", text.encode() if isinstance(text, str) else text, EARLY)


# --- environment.river_levels


RIVER_HEADER = "station_id,station_name,river,value,timestamp,status"


def level(day: date, hour: float, gauge: str = GAUGES[0], value: str = "1.5") -> str:
    """Write a row."""
    return f"{gauge},Trạm,Sông,{value},{moment(day, hour).isoformat()},stable"


def poll(day: date, *rows: str, header: str = RIVER_HEADER, number: int = 0, hour: float = EARLY) -> Sending:
    """Return a poll of these rows."""
    return Sending(f"river_levels_{day:%Y%m%d}_{number}.csv", "\n".join([header, *rows, ""]).encode(), hour)


def levels_of_a_day(day: date, first: int = 0, last: int = 24) -> Sendings:
    """Return all gauges every quarter of an hour, without the slot of the probe."""
    rows = [
        level(day, slot / 4, gauge)
        for gauge in GAUGES
        for slot in range(4 * first, 4 * last)
        if (gauge, slot) != (GAUGES[0], 8)
    ]
    return [poll(day, *rows, number=90 + first, hour=NIGHT)]


# --- fisheries.vms_positions


def fix(day: date, hour: float, vessel: str = "HUE-00001-TS", **changes: str | None) -> str:
    """Write a message; a field that is None is left out. Times are UTC on the wire."""
    at = moment(day, hour).astimezone(timezone.utc)  # noqa: UP017  beside other fixed zones
    fields = {
        "TM": "POS", "XR": vessel, "DA": f"{at:%Y%m%d}", "TI": f"{at:%H%M}", "LT": "+16.5", "LG": "+108.5", "SP": "65", "CO": "120",
    } | changes  # fmt: skip
    return "//SR//" + "//".join(f"{key}/{value}" for key, value in fields.items() if value is not None) + "//ER//\n"


def positions(day: date, *lines: str, number: int = 0, hour: float = EARLY) -> Sending:
    """Return a file of messages."""
    return Sending(f"positions_{day:%Y%m%d}_{number}.naf", "".join(lines).encode(), hour)


def positions_of_a_day(day: date, first: int = 0, last: int = 24) -> Sendings:
    """Return three vessels every two hours, without the slot of the probe."""
    vessels = [f"HUE-0000{number}-TS" for number in (1, 2, 3)]
    lines = [
        fix(day, 2 * slot, one)
        for one in vessels
        for slot in range(first // 2, last // 2)
        if (one, slot) != (vessels[0], 1)
    ]
    return [positions(day, *lines, number=90 + first, hour=NIGHT)]


# --- feedback.requests


def request(day: date, hour: float, number: int, **changes: object) -> dict[str, object]:
    """Return a request; `ma_xa`, `ma_co_quan` and `hai_long` are in its extension."""
    at = moment(day, hour).isoformat()
    extension: dict[str, object] = {"ma_xa": "19753", "ma_co_quan": AGENCIES[0], "hai_long": 5}
    wire: dict[str, object] = {
        "service_request_id": f"PA-{day:%Y%m%d}-{number}", "status": "open", "service_code": "VSMT", "service_name": "Vệ sinh",
        "description": "", "requested_datetime": at, "updated_datetime": at, "lat": 16.46, "long": 107.59,
    }  # fmt: skip
    extension |= {key: value for key, value in changes.items() if key in extension}
    return wire | {key: value for key, value in changes.items() if key not in extension} | {"ext": extension}


def page(day: date, *requests: object, number: int = 0, hour: float = EARLY) -> Sending:
    """Return an answer with these requests."""
    return Sending(f"answer_{day:%Y%m%d}_{number}.json", json.dumps(requests, ensure_ascii=False).encode(), hour)


def requests_of_a_day(day: date, first: int = 0, last: int = 24) -> Sendings:
    """Return a request per hour."""
    found = (request(day, min(hour + 0.9, 23.5), hour) for hour in range(max(first, 3), last))
    return [page(day, *found, number=90 + first, hour=NIGHT)]


# --- public_services.dossiers


def dossier(day: date, hour: float, number: int, **changes: object) -> dict[str, object]:
    """Return a dossier that was taken in at an hour."""
    at = f"{moment(day, hour):%Y%m%d%H%M%S}"
    wire: dict[str, object] = {
        "MaHoSo": f"H57.1-{day:%y%m%d}-{number:04}", "MaTTHC": "1.012766", "KenhThucHien": "2", "ChuHoSo": "Người Giả Lập",
        "NgayNopHoSo": at, "NgayTiepNhan": at, "NgayHenTra": f"{moment(day, hour) + timedelta(days=20):%Y%m%d%H%M%S}",
        "TrangThaiHoSo": "4", "DonViXuLy": AGENCIES[0], "NoiNopHoSo": AGENCIES[1], "NgayKetThucXuLy": "",
        "DinhDanhCHS": [{"LoaiDinhDanh": "1", "SoDinhDanh": "046099000001"}],
    }  # fmt: skip
    return wire | changes


def dossiers(day: date, *found: object, number: int = 0, hour: float = EARLY) -> Sending:
    """Return an answer with these dossiers."""
    answer = {"error_code": 0, "message": "", "data": found}
    return Sending(f"dossiers_{day:%Y%m%d}_{number}.json", json.dumps(answer, ensure_ascii=False).encode(), hour)


def dossiers_of_a_day(day: date, first: int = 0, last: int = 24) -> Sendings:
    """Return a dossier per hour."""
    found = (dossier(day, hour + 0.9, hour) for hour in range(max(first, 3), last))
    return [dossiers(day, *found, number=90 + first, hour=NIGHT)]


# --- health.claims


def claim(
    day: date, facility: str, number: int, *, medicine: int = 1000, child: str | None = None, **changes: object
) -> Dossier:
    """Return the files of a claim: its summary and one line of medicine, which names `child` as its claim."""
    name = f"{facility}-{day:%Y%m%d}-{number}"
    at = f"{moment(day, 0):%Y%m%d%H%M}"
    summary: dict[str, object] = {
        "MA_LK": name, "STT": 1, "HO_TEN": "Giả Lập", "MA_BENH_CHINH": "J18", "NGAY_VAO": at, "NGAY_RA": at, "SO_NGAY_DTRI": 0,
        "KET_QUA_DTRI": "1", "MA_LOAI_RV": "1", "NGAY_TTOAN": at, "T_THUOC": 1000, "T_VTYT": 0, "T_TONGCHI_BV": 1000,
        "T_TONGCHI_BH": 1000, "T_BNTT": 0, "T_BNCCT": 0, "T_BHTT": 1000, "T_NGUONKHAC": 0, "NAM_QT": day.year,
        "THANG_QT": f"{day:%m}", "MA_LOAI_KCB": "01", "MA_KHOA": "K01", "MA_CSKCB": facility,
    }  # fmt: skip
    line = {
        "MA_LK": child or name, "STT": 1, "MA_THUOC": "40.1", "SO_LUONG": 1, "THANH_TIEN_BV": medicine, "THANH_TIEN_BH": medicine,
        "NGAY_YL": at, "NGAY_TH_YL": at,
    }  # fmt: skip
    return [("XML1", summary_file(summary | changes)), ("XML2", list_file("XML2", [line]))]


def claims(
    day: date, *found: Dossier, facility: str = FACILITIES[0], number: int = 0, declared: int | None = None
) -> Sending:
    """Return a message with these claims."""
    return Sending(f"{facility}_{day:%Y%m%d}_{number}.xml", message(facility, f"{day:%Y%m%d}", found, declared), EARLY)


def claims_of_a_day(day: date) -> Sendings:
    """Return a message of every facility."""
    return [claims(day, claim(day, one, 1), facility=one, number=99) for one in FACILITIES]


# --- education.attendance


def class_day(day: date, school: str, **changes: object) -> dict[str, object]:
    """Return the row of a class."""
    row: dict[str, object] = {
        "Mã trường": school, "Mã lớp": "1A", "Ngày điểm danh": f"{day:%d/%m/%Y}", "Sĩ số": 30, "Có mặt": 28, "Vắng có phép": 1,
        "Vắng không phép": 1,
    }  # fmt: skip
    return row | changes


def workbook(
    day: date, *rows: Mapping[str, object], number: int = 0, titles: int = 1, header: Mapping[str, str] | None = None
) -> Sending:
    """Return a workbook of these rows, exported at 17:00, with some lines of title above its header."""
    written = io.BytesIO()
    book = xlsxwriter.Workbook(written, {"in_memory": True})
    sheet = book.add_worksheet("C1")
    names = [(header or {}).get(name, name) for name in rows[0]]
    for place, cells in enumerate([*[["CHUYÊN CẦN"]] * titles, names, *(list(row.values()) for row in rows)]):
        sheet.write_row(place, 0, cells)
    book.close()
    return Sending(f"ChuyenCan_{day:%Y%m%d}17{number:02}.xlsx", written.getvalue(), 18)


def attendance_of_a_day(day: date) -> Sendings:
    """Return a workbook of every school but the first, which is the probe's."""
    return [workbook(day, *(class_day(day, school) for school in SCHOOLS[1:]), number=50)]


# --- the faults


def only(*axes: str) -> frozenset[str]:
    """Return the axes that a fault moves."""
    return frozenset(axes)


def _readings_faults() -> Iterator[Fault]:
    def of(name: str, moves: frozenset[str], *probes: Callable[[date], Sending]) -> Fault:
        return Fault(name, moves, lambda day: [*readings_of_a_day(day), *(probe(day) for probe in probes)])

    yield of("missing_slot", only(COMPLETE))
    yield Fault("silence", only(COMPLETE, LIVE), lambda day: [*readings_of_a_day(day, 0, 22), reading_probe(day)])
    yield of("empty_file", only(COMPLETE, LIVE), lambda day: reading_probe(day, b""))
    yield Fault(
        "late", only(LIVE), lambda day: [*in_two(readings_of_a_day, day), replace(reading_probe(day), hour=LATE)]
    )
    yield Fault(
        "delivery_from_last_month",
        only(LIVE),
        lambda day: [
            *in_two(readings_of_a_day, day),
            reading_probe(day),
            replace(reading_probe(day, reading(day - timedelta(days=40), 2), number=1), hour=LATE),
        ],
    )
    yield of("duplicate", only(CLEAN), lambda day: reading_probe(day, reading(day, 2) * 2))
    yield of("duplicate_file", only(CLEAN), reading_probe, lambda day: reading_probe(day, number=1))
    yield of("fetched_twice", NOTHING, reading_probe, lambda day: replace(reading_probe(day), hour=LATE))
    yield of("conflict", only(CLEAN), reading_probe, lambda day: reading_probe(day, number=1, value="21"))
    yield of("malformed", only(CLEAN), lambda day: reading_probe(day, reading(day, 2).replace("\t00", "")))
    yield of("no_number", only(CLEAN), lambda day: reading_probe(day, value="hai mươi"))
    yield of("truncated", only(CLEAN), lambda day: reading_probe(day, reading(day, 2)[:12]))
    yield of(
        "wrong_encoding", only(CLEAN), lambda day: reading_probe(day, reading(day, 2).encode().replace(b"u", b"\xb5"))
    )
    yield of(
        "file_name_without_station",
        only(CLEAN),
        lambda day: Sending(f"{day:%Y%m%d}.txt", reading(day, 2).encode(), EARLY),
    )
    yield of("missing_value", only(COMPLETE), lambda day: reading_probe(day, value=""))
    yield of("wrong_unit", only(CORRECT), lambda day: reading_probe(day, unit="mg/m3"))
    yield of("unit_of_another_quantity", only(CONSISTENT), lambda day: reading_probe(day, unit="C"))
    yield of("negative_value", only(CORRECT), lambda day: reading_probe(day, value="-1"))
    yield of("unknown_station", only(CONSISTENT), lambda day: reading_probe(day, station="46_XX99"))
    yield of("unknown_parameter", only(CONSISTENT), lambda day: reading_probe(day, parameter="PM3"))
    yield of("unknown_unit", only(CONSISTENT), lambda day: reading_probe(day, unit="cm"))
    yield of("unknown_status", only(CONSISTENT), lambda day: reading_probe(day, status="07"))
    yield of("future_time", only(CORRECT), lambda day: reading_probe(day, reading(day + timedelta(days=3650), 2)))
    yield of("calibrating", NOTHING, lambda day: reading_probe(day, status="01"))
    yield of("symbol_with_comma", NOTHING, lambda day: reading_probe(day, parameter="PM2,5"))
    yield of("bom_and_lf", NOTHING, lambda day: reading_probe(day, "\ufeff" + reading(day, 2).replace("\r", "")))


def _evening(day: date, spoil: Callable[[str], str]) -> Sendings:
    """Return a clean day of levels, with every row from six o'clock on spoilt."""
    rows = [spoil(level(day, slot / 4, gauge)) for gauge in GAUGES for slot in range(72, 96)]
    return [*levels_of_a_day(day, 0, 18), poll(day, level(day, 2)), poll(day, *rows, number=98, hour=NIGHT)]


def _river_faults() -> Iterator[Fault]:
    def of(name: str, moves: frozenset[str], *probes: Callable[[date], Sending]) -> Fault:
        return Fault(name, moves, lambda day: [*levels_of_a_day(day), *(probe(day) for probe in probes)])

    yield of("missing_slot", only(COMPLETE))
    yield of("empty_file", only(COMPLETE, LIVE), lambda day: replace(poll(day), content=b""))
    yield of("header_alone", only(COMPLETE, LIVE), poll)
    yield Fault("late", only(LIVE), lambda day: [*in_two(levels_of_a_day, day), poll(day, level(day, 2), hour=LATE)])
    yield of(
        "overlapping_poll",
        only(CLEAN),
        lambda day: poll(day, level(day, 2)),
        lambda day: poll(day, level(day, 2), number=1),
    )
    yield of("malformed", only(CLEAN), lambda day: poll(day, level(day, 2) + ",more"))
    yield of("bad_time", only(CLEAN), lambda day: poll(day, level(day, 2).replace("T", " lúc ")))
    yield of(
        "missing_column",
        only(CLEAN),
        lambda day: poll(day, level(day, 2), header=RIVER_HEADER.replace("value", "giá trị")),
    )
    yield of("missing_value", only(COMPLETE), lambda day: poll(day, level(day, 2, value="")))
    yield of("missing_gauge", only(COMPLETE), lambda day: poll(day, level(day, 2, gauge="")))
    yield of("out_of_range", only(CORRECT), lambda day: poll(day, level(day, 2, value="999")))
    yield of("future_time", only(CORRECT), lambda day: poll(day, level(day + timedelta(days=3650), 2)))
    yield Fault("wrong_for_hours", only(CORRECT), lambda day: _evening(day, lambda row: row.replace(",1.5,", ",999,")))
    yield Fault("garbage_for_hours", only(CLEAN), lambda day: _evening(day, lambda row: f"{row},more"))
    yield of("bom_and_capitals", NOTHING, lambda day: poll(day, level(day, 2), header="\ufeff" + RIVER_HEADER.upper()))


def _vms_faults() -> Iterator[Fault]:
    def of(name: str, moves: frozenset[str], *lines: Callable[[date], str]) -> Fault:
        return Fault(
            name, moves, lambda day: [*positions_of_a_day(day), positions(day, *(line(day) for line in lines))]
        )

    def two(day: date) -> str:
        return fix(day, 2)

    yield Fault("missing_slot", only(COMPLETE), positions_of_a_day)
    yield Fault(
        "late_batch", only(LIVE), lambda day: [*in_two(positions_of_a_day, day), positions(day, fix(day, 2), hour=LATE)]
    )
    yield of("duplicate", only(CLEAN), two, two)
    yield of("conflict", only(CLEAN), two, lambda day: fix(day, 2, LT="+17"))
    yield of("malformed", only(CLEAN), lambda day: fix(day, 2).replace("//ER//", ""))
    yield of("bad_time", only(CLEAN), lambda day: fix(day, 2, TI="2561"))
    yield of("no_number", only(CLEAN), lambda day: fix(day, 2, LT="bắc"))
    yield of("missing_time", only(COMPLETE), lambda day: fix(day, 2, TI=None))
    yield of("missing_vessel", only(COMPLETE), lambda day: fix(day, 2, XR=None))
    yield of("out_of_range", only(CORRECT), lambda day: fix(day, 2, LT="+95"))
    yield of("teleport", only(CORRECT), lambda day: fix(day, 2, LT="+40"))
    yield of("unknown_type", only(CONSISTENT), lambda day: fix(day, 2, TM="ENT"))
    yield of("future_time", only(CORRECT), lambda day: fix(day + timedelta(days=3650), 2))
    yield of("no_speed_no_course", NOTHING, lambda day: fix(day, 2, SP=None, CO=None))
    yield of("longitude_without_zero", NOTHING, lambda day: fix(day, 2, LT="+16.500", LG="108.5"))


def _feedback_faults() -> Iterator[Fault]:
    def of(name: str, moves: frozenset[str], *requests: Callable[[date], object]) -> Fault:
        return Fault(name, moves, lambda day: [*requests_of_a_day(day), page(day, *(one(day) for one in requests))])

    def two(day: date) -> object:
        return request(day, 2, 0)

    def with_(**changes: object) -> Callable[[date], object]:
        return lambda day: request(day, 2, 0, **changes)

    yield Fault("empty_answer", only(COMPLETE, LIVE), lambda day: [*requests_of_a_day(day), page(day)])
    yield Fault("late", only(LIVE), lambda day: [*in_two(requests_of_a_day, day), page(day, two(day), hour=LATE)])
    yield of("duplicate", only(CLEAN), two, two)
    yield of("conflict", only(CLEAN), two, with_(description="khác"))
    yield of("malformed", only(CLEAN), lambda _: "không phải một phản ánh")
    yield of("time_without_zone", only(CLEAN), lambda day: request(day, 2, 0, requested_datetime=f"{day}T02:00:00"))
    yield of("lost_zero", only(CLEAN), with_(ma_xa="1975"))
    yield of("missing_agency", only(COMPLETE), with_(ma_co_quan=None))
    yield of("agency_typo", only(CONSISTENT), with_(ma_co_quan="000.00.1.H57"))
    yield of("commune_of_the_old_map", only(CONSISTENT), with_(ma_xa="20899"))
    yield of("unknown_status", only(CONSISTENT), with_(status="xong"))
    yield of("swapped_coordinates", only(CORRECT), with_(lat=107.59, long=16.46))
    yield of(
        "changed_before_it_was_sent",
        only(CORRECT),
        lambda day: request(day, 2, 0, updated_datetime=moment(day, 1).isoformat()),
    )
    yield of("future_time", only(CORRECT), lambda day: request(day + timedelta(days=3650), 2, 0))
    yield of("decomposed_text_and_spaces", NOTHING, with_(service_name="Ve\u0323\u0302  sinh"))


def _dossier_faults() -> Iterator[Fault]:
    def of(name: str, moves: frozenset[str], *found: Callable[[date], object]) -> Fault:
        return Fault(name, moves, lambda day: [*dossiers_of_a_day(day), dossiers(day, *(one(day) for one in found))])

    def two(day: date) -> object:
        return dossier(day, 2, 0)

    def with_(**changes: object) -> Callable[[date], object]:
        return lambda day: dossier(day, 2, 0, **changes)

    yield Fault(
        "late",
        only(LIVE),
        lambda day: [*in_two(dossiers_of_a_day, day), dossiers(day, dossier(day - timedelta(days=3), 2, 0), hour=LATE)],
    )
    yield of("duplicate", only(CLEAN), two, two)
    yield of("conflict", only(CLEAN), two, with_(TenTTHC="khác"), with_(KenhThucHien="1"))
    yield of("nine_digits", only(CLEAN), with_(DinhDanhCHS=[{"LoaiDinhDanh": "1", "SoDinhDanh": "046099000"}]))
    yield of("bad_time", only(CLEAN), with_(NgayHenTra="20/12/2026"))
    yield of("missing_procedure", only(COMPLETE), with_(MaTTHC=""))
    yield of("unknown_agency", only(CONSISTENT), with_(DonViXuLy="000.00.01.H75"))
    yield of(
        "finished_before_received",
        only(CORRECT),
        lambda day: dossier(day, 2, 0, NgayKetThucXuLy=f"{moment(day, 1):%Y%m%d%H%M%S}"),
    )
    yield of("finished_without_an_end", only(CORRECT), with_(TrangThaiHoSo="9"))
    yield of("future_time", only(CORRECT), lambda day: dossier(day + timedelta(days=3650), 2, 0))
    yield of(
        "due_date_moved_by_a_supplement",
        NOTHING,
        lambda day: dossier(
            day,
            2,
            0,
            DanhSachHoSoBoSung=[
                {
                    "NgayBoSung": f"{moment(day, 2):%Y%m%d%H%M%S}",
                    "NgayHenTraTruoc": "20261225170000",
                    "NgayHenTraMoi": "20270101170000",
                }
            ],
        ),
    )


def _claim_faults() -> Iterator[Fault]:
    def of(name: str, moves: frozenset[str], probe: Callable[[date], Sending]) -> Fault:
        return Fault(name, moves, lambda day: [*claims_of_a_day(day), probe(day)])

    def with_(**changes: object) -> Callable[[date], Sending]:
        return lambda day: claims(day, claim(day, FACILITIES[0], 2, **changes))  # type: ignore[arg-type]

    yield of(
        "bad_base64",
        only(CLEAN),
        lambda day: claims(day, [claim(day, FACILITIES[0], 2)[0], ("XML2", b"PD94bWwgdmVyc2lvbj0%")]),
    )
    yield of("resent_alike", only(CLEAN), lambda day: claims(day, claim(day, FACILITIES[0], 1)))
    yield of("resent_corrected", NOTHING, lambda day: claims(day, claim(day, FACILITIES[0], 1, MA_BENH_CHINH="J20")))
    yield of("missing_diagnosis", only(COMPLETE), with_(MA_BENH_CHINH=""))
    yield of("sum_that_is_none", only(CORRECT), with_(medicine=900))
    yield of("lines_of_another_claim", only(CONSISTENT), with_(child="khác"))
    yield of("lines_without_a_claim", only(CONSISTENT), lambda day: claims(day, claim(day, FACILITIES[0], 2)[1:]))
    yield of(
        "left_before_coming",
        only(CORRECT),
        lambda day: claims(day, claim(day, FACILITIES[0], 2, NGAY_RA=f"{moment(day, -5):%Y%m%d%H%M}")),
    )
    yield of("wrong_count", only(CORRECT), lambda day: claims(day, claim(day, FACILITIES[0], 2), declared=7))


def _attendance_faults() -> Iterator[Fault]:
    def of(name: str, moves: frozenset[str], probe: Callable[[date], Sending]) -> Fault:
        return Fault(name, moves, lambda day: [*attendance_of_a_day(day), probe(day)])

    def with_(**changes: object) -> Callable[[date], Sending]:
        return lambda day: workbook(day, class_day(day, SCHOOLS[0], **changes))

    yield of("duplicate", only(CLEAN), lambda day: workbook(day, *[class_day(day, SCHOOLS[0])] * 2))
    yield of("no_date", only(CLEAN), with_(**{"Ngày điểm danh": "hôm qua"}))
    yield of("missing_value", only(COMPLETE), with_(**{"Có mặt": None}))
    yield of("unknown_school", only(CONSISTENT), with_(**{"Mã trường": "469999999"}))
    yield of("more_than_there_are", only(CORRECT), with_(**{"Có mặt": 33}))
    yield of("header_in_row_seven", NOTHING, lambda day: workbook(day, class_day(day, SCHOOLS[0]), titles=6))
    yield of(
        "header_misspelt", NOTHING, lambda day: workbook(day, class_day(day, SCHOOLS[0]), header={"Mã lớp": "Mã lớpp"})
    )
    yield of(
        "excel_serial",
        NOTHING,
        lambda day: workbook(day, class_day(day, SCHOOLS[0]) | {"Ngày điểm danh": (day - date(1899, 12, 30)).days}),
    )
    yield Fault("missing_school", only(COMPLETE), attendance_of_a_day)


CLEAN_DAYS: Mapping[str, Callable[[date], Sendings]] = {
    "environment.station_readings": lambda day: [*readings_of_a_day(day), reading_probe(day)],
    "environment.river_levels": lambda day: [*levels_of_a_day(day), poll(day, level(day, 2))],
    "fisheries.vms_positions": lambda day: [*positions_of_a_day(day), positions(day, fix(day, 2))],
    "feedback.requests": lambda day: [*requests_of_a_day(day), page(day, request(day, 2, 0))],
    "public_services.dossiers": lambda day: [*dossiers_of_a_day(day), dossiers(day, dossier(day, 2, 0))],
    "health.claims": lambda day: [*claims_of_a_day(day), claims(day, claim(day, FACILITIES[0], 2))],
    "education.attendance": lambda day: [*attendance_of_a_day(day), workbook(day, class_day(day, SCHOOLS[0]))],
}
FAULTS: Mapping[str, list[Fault]] = {
    "environment.station_readings": [*_readings_faults()],
    "environment.river_levels": [*_river_faults()],
    "fisheries.vms_positions": [*_vms_faults()],
    "feedback.requests": [*_feedback_faults()],
    "public_services.dossiers": [*_dossier_faults()],
    "health.claims": [*_claim_faults()],
    "education.attendance": [*_attendance_faults()],
}
