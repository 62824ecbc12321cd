"""Small deliveries full of recognisable personal values, one delivery per feed: accepted records and refused ones."""

import hmac
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

import xlsxwriter

from simulator.claim_files import list_file, message, summary_file


@dataclass(frozen=True)
class Seeded:
    """A delivery with recognisable values; `pseudonymous` is a column and the value whose hash alone it must hold, or None."""

    feed: str
    name: str
    content: bytes
    secrets: tuple[str, ...]
    pseudonymous: tuple[str, str] | None


def pseudonym(value: str, key: str) -> str:
    """Return the keyed hash that bronze must hold in place of a personal value, computed by another library than the loader's."""
    return hmac.digest(key.encode(), value.encode(), "sha256").hex()


def health_claims() -> Seeded:
    """Return claims of one person: a good one, one that breaks a rule, one whose files cannot be read, a check-in."""
    person = {
        "MA_BN": "BNKIN77001",
        "HO_TEN": "Tôn Nữ Kín Đáo",
        "SO_CCCD": "046199877001",
        "DIEN_THOAI": "0905877001",
        "MA_THE_BHYT": "GD4468770017700",
        "DIA_CHI": "Kiệt 77 đường Giả Lập, gọi 0905877001",
        "CHAN_DOAN_RV": "chẩn đoán kín",
    }
    claim = person | {
        "MA_LK": "LKKIN77001",
        "STT": 1,
        "MA_LOAI_KCB": "01",
        "MA_BENH_CHINH": "B20",
        "NGAY_VAO": "202611200800",
        "NGAY_RA": "202611200900",
        "NGAY_TTOAN": "202611200910",
        "SO_NGAY_DTRI": 0,
        "T_THUOC": 0,
        "T_TONGCHI_BV": 0,
        "T_TONGCHI_BH": 0,
        "T_BNCCT": 0,
        "T_BHTT": 0,
    }
    hiv = list_file("XML6", [{"MA_LK": "LKKIN77001", "NOI_DUNG": "hồ sơ HIV kín", "MA_HIV": "HIVKIN77001"}])
    tuberculosis = list_file("XML15", [{"MA_LK": "LKKIN77001", "NOI_DUNG": "hồ sơ lao kín", "MA_LAO": "LAOKIN77001"}])
    notes = list_file(
        "XML5", [{"MA_LK": "LKKIN77001", "STT": 1, "DIEN_BIEN_LS": "diễn biến kín", "NGUOI_THUC_HIEN": "BS Kín"}]
    )
    check_in = list_file("XML0", [person | {"MA_LK": "LKKIN77002", "STT": 1, "NGAY_VAO": "202611200800"}])
    dossiers = [
        [("XML1", summary_file(claim)), ("XML5", notes), ("XML6", hiv), ("XML15", tuberculosis)],
        [("XML1", summary_file(claim | {"MA_LK": "LKKIN77003", "NGAY_RA": "202611200700"}))],
        [("XML1", summary_file(claim)[:-9]), ("XML6", hiv)],
        [("XML0", check_in)],
    ]
    secrets = ("KIN77001", "KIN77002", "KIN77003", "Kín", "kín", "0461998770", "0905877001", "GD4468770017700")
    return Seeded(
        feed="health.claims",
        name="46001_20261120.xml",
        content=message("46001", "20261120", dossiers),
        secrets=secrets,
        pseudonymous=("citizen_number", "046199877001"),
    )


def feedback_requests() -> Seeded:
    """Return reports whose texts name a telephone and a mail address, a good one and one with exchanged coordinates."""
    report = {
        "service_request_id": "PAHT-1",
        "status": "open",
        "description": "Gọi tôi số 0905 877 001 hoặc kin77001@vidu.vn",
        "status_notes": "Đã gọi 0905877001",
        "address": "Nhà số điện thoại 0905.877.001",
        "requested_datetime": "2026-11-20T07:42:10+07:00",
        "lat": 16.4637,
        "long": 107.5909,
        "ext": {"ma_xa": "19753", "ma_co_quan": "000.00.01.H57"},
    }
    swapped = report | {"service_request_id": "PAHT-2", "lat": 107.5909, "long": 16.4637}
    return Seeded(
        feed="feedback.requests",
        name="requests.json",
        content=json.dumps([report, swapped]).encode(),
        secrets=("0905877001", "0905 877 001", "0905.877.001", "kin77001"),
        pseudonymous=None,
    )


def public_services_dossiers() -> Seeded:
    """Return dossiers of one applicant, a good one and one with a citizen's number of nine digits."""
    dossier = {
        "MaHoSo": "HS-1",
        "MaTTHC": "1.012766",
        "KenhThucHien": "2",
        "LoaiDoiTuong": "Công dân",
        "ChuHoSo": "Tôn Nữ Kín Đáo",
        "SoGiayToChuHoSo": "046199877001",
        "SoDienThoai": "0905877001",
        "Email": "kin77001@vidu.vn",
        "TrichYeuHoSo": "Đơn của TÔN NỮ KÍN ĐÁO, gọi 0905877001",
        "NgayNopHoSo": "20261119081500",
        "NgayTiepNhan": "20261119093000",
        "NgayHenTra": "20261204170000",
        "TrangThaiHoSo": "4",
        "DonViXuLy": "000.00.01.H57",
        "NoiNopHoSo": "000.00.01.H57",
        "DinhDanhCHS": [{"LoaiDinhDanh": "1", "SoDinhDanh": "046199877001"}],
        "TienTrinh": [{"NguoiXuLy": "Cán bộ Kín", "ThoiDiemXuLy": "20261119093000"}],
    }
    old = dossier | {"MaHoSo": "HS-2", "DinhDanhCHS": [{"LoaiDinhDanh": "1", "SoDinhDanh": "198770012"}]}
    return Seeded(
        feed="public_services.dossiers",
        name="dossiers.json",
        content=json.dumps({"error_code": 0, "message": "", "data": [dossier, old]}).encode(),
        secrets=("Kín", "KÍN", "046199877001", "198770012", "0905877001", "kin77001"),
        pseudonymous=("identity_number", "046199877001"),
    )


def education_students() -> Seeded:
    """Return pupils of one school, a good one and one with an unknown state."""
    pupil = {
        "Mã học sinh": "HSKIN77001",
        "Năm học": "2026-2027",
        "Mã trường": "461975301",
        "Mã lớp": "1A",
        "Họ tên": "Tôn Nữ Kín Đáo",
        "Số định danh cá nhân": "046320877001",
        "Ngày sinh": "04/03/2020",
        "Khối": 1,
        "Trạng thái HS": "Đang học",
        "Lý do thôi học": "gọi 0905877001",
    }
    written = io.BytesIO()
    with xlsxwriter.Workbook(written, {"in_memory": True}) as book:
        sheet = book.add_worksheet("C1-HocSinh")
        for place, row in enumerate([[*pupil], [*pupil.values()], [*(pupil | {"Trạng thái HS": "Kín"}).values()]]):
            sheet.write_row(place, 0, row)
    return Seeded(
        feed="education.students",
        name="HocSinh_461975301_20261115.xlsx",
        content=written.getvalue(),
        secrets=("Kín", "KIN77001", "046320877001", "0905877001"),
        pseudonymous=("citizen_number", "046320877001"),
    )


def health_disease_cases() -> Seeded:
    """Return cases, a good one and one of a disease that no list has."""
    header = "ma_ca,icd10,ngay_khoi_phat,ngay_bao_cao,ma_xa,tuoi,gioi,phan_loai,ket_qua"
    rest = "2026-11-18,2026-11-19 08:00,19753,34,2,xac_dinh,khoi"
    return Seeded(
        feed="health.disease_cases",
        name="cases_20261120.csv",
        content=f"{header}\nKIN-046199877001,A91,{rest}\nKIN-046199877002,Z99,{rest}\n".encode(),
        secrets=("KIN-", "046199877001", "046199877002"),
        pseudonymous=("record_code", "KIN-046199877001"),
    )


def fisheries_vessels() -> Seeded:
    """Return registered vessels of one owner, a good one and one of an unknown commune."""
    header = (
        "so_dang_ky,ten_tau,mmsi,call_sign,chieu_dai_m,cong_suat_kw,nghe,ma_tinh,ma_xa,chu_tau_hash,gp_khai_thac_so,gp_het_han,"
        "thiet_bi_vms,ngay_lap"
    )
    vessel = "TTH-9023{},Hải Đăng,574012345,XVAB1,18.4,350,Lưới vây,46,{},CHU-KIN77001,GP-1,2027-03-31,VMS-A/000123,2026-11-19"
    return Seeded(
        feed="fisheries.vessels",
        name="vessels_20261119.csv",
        content="\n".join([header, vessel.format("4-TS", "19753"), vessel.format("5-TS", "99999"), ""]).encode(),
        secrets=("KIN77001",),
        pseudonymous=("owner_hash", "CHU-KIN77001"),
    )


def fisheries_vms_positions() -> Seeded:
    """Return positions of one vessel whose master states his telephone, a good one and one beyond the pole."""
    position = (
        "//SR//AD/VNM//FR/QNA//TM/POS//XR/QNA-90123-TS//MA/TON NU KIN 0905877001//DA/20261120//TI/0400"
        "//LT/{}//LG/+108.500//SP/050//CO/090//ER//"
    )
    return Seeded(
        feed="fisheries.vms_positions",
        name="vms_20261120.naf",
        content="\n".join(position.format(latitude) for latitude in ("+16.100", "+96.100")).encode(),
        secrets=("0905877001",),
        pseudonymous=None,
    )


def hotline_calls() -> Seeded:
    """Return calls of one person to one agent, a good one and one in which they talked for longer than it lasted."""
    header = "call_id,bat_dau,ket_thuc,huong,so_goi_hash,ivr_nhanh,trang_thai,cho_s,dam_thoai_s,agent_id,chu_de,diem_hai_long"
    call = "{},2026-11-20 08:00:00,2026-11-20 08:03:00,in,SO-KIN77001,1,answered,9,{},DTV-KIN77002,gọi lại 0905877001,5"
    return Seeded(
        feed="hotline.calls",
        name="CDR_20261120_081500.csv",
        content="\n".join([header, call.format("C1", 120), call.format("C2", 181), ""]).encode(),
        secrets=("KIN77001", "KIN77002", "0905877001"),
        pseudonymous=("caller_hash", "SO-KIN77001"),
    )


def warnings_messages() -> Seeded:
    """Return warnings about a missing child whose mother is to be called, a good one and one that expires before it is sent."""
    alert = (
        '<entry><content><alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>CB-{}</identifier>'
        "<sender>ca@giap.example</sender>"
        "<sent>2026-11-20T08:00:00+07:00</sent><status>Actual</status><msgType>Alert</msgType><scope>Public</scope><info>"
        "<category>Rescue</category><event>Tìm người mất tích</event><urgency>Immediate</urgency><severity>Severe</severity>"
        "<certainty>Observed</certainty><expires>2026-11-20T{}:00:00+07:00</expires><headline>Tìm cháu, gọi 0905877001</headline>"
        "<contact>Tôn Nữ Kín KIN77001</contact><area><areaDesc>Phường Phú Xuân</areaDesc></area></info></alert></content></entry>"
    )
    return Seeded(
        feed="warnings.messages",
        name="canhbao_20261120.cap",
        content=f'<feed xmlns="http://www.w3.org/2005/Atom">{alert.format(1, 20)}{alert.format(2, "07")}</feed>'.encode(),
        secrets=("KIN77001", "0905877001"),
        pseudonymous=None,
    )


def cyber_alerts() -> Seeded:
    """Return alerts of one machine, a good one and one without a severity, and a message that names its user."""
    event = {
        "timestamp": "2026-11-20T08:00:00+07:00",
        "host": "ids-ttdl",
        "flow_id": 1,
        "event_type": "alert",
        "src_ip": "10.77.77.71",
        "dest_ip": "203.0.113.77",
        "http": {"hostname": "kin77001.example"},
    }
    alert = {"action": "allowed", "gid": 1, "signature_id": 1, "signature": "Quét cổng"}
    message = "CEF:0|a|b|1|x|Đăng nhập|5|externalId=7 suser=kin77002 src=10.77.77.71 rt=1795136404000"
    lines = [json.dumps(event | {"alert": alert | {"severity": 1}}), json.dumps(event | {"alert": alert}), message]
    return Seeded(
        feed="cyber.alerts",
        name="log_20261120_0815.log",
        content="\n".join(lines).encode(),
        secrets=("10.77.77.71", "203.0.113.77", "kin77001", "kin77002"),
        pseudonymous=("source_address", "10.77.77.71"),
    )


def cyber_indicators() -> Seeded:
    """Return indicators, a good one and one without a pattern; the address of an attacker is no secret, its hash is compared."""
    indicator = {
        "type": "indicator",
        "id": "indicator--031778a4-057f-48e6-9db9-c8d72b81ccd5",
        "modified": "2026-11-20T01:00:00Z",
        "pattern_type": "stix",
        "valid_from": "2026-11-20T01:00:00Z",
    }
    objects = [indicator | {"pattern": "[ipv4-addr:value = '198.51.100.78']"}, indicator]
    return Seeded(
        feed="cyber.indicators",
        name="stix_20261120.json",
        content=json.dumps({"type": "bundle", "objects": objects}).encode(),
        secrets=(),
        pseudonymous=("observable", "198.51.100.78"),
    )


STRANGER = "Tôn Nữ Kín Hơn"
"""A person's name where no value is expected: in a header, and in the name of a file."""


def strange_names() -> Seeded:
    """Return readings of a river in a file that is named after a person, and has a column that is."""
    lines = [
        f"station_id,timestamp,value,{STRANGER}",
        "HUE_KL,2026-11-20T01:00:00Z,0.5,x",
        "HUE_KL,2026-11-20T02:00:00Z,?,x",
    ]
    return Seeded(
        feed="environment.river_levels",
        name=f"{STRANGER}.csv",
        content="\n".join(lines).encode(),
        secrets=(STRANGER, quote(STRANGER)),
        pseudonymous=None,
    )


BUILDERS: tuple[Callable[[], Seeded], ...] = (
    health_claims,
    feedback_requests,
    public_services_dossiers,
    hotline_calls,
    education_students,
    health_disease_cases,
    fisheries_vessels,
    fisheries_vms_positions,
    warnings_messages,
    cyber_alerts,
    cyber_indicators,
)
