"""One million dossiers as newline JSON, from landed bytes to committed bronze. Aim: 200,000 records/s, at most 3 GB."""

import io
import json
from datetime import UTC, datetime, timedelta
from random import Random

from bench.figure import Figure
from bench.json_lines import measure_lines
from core.reference import Reference

RECORDS = 1_000_000
NOW = datetime(2026, 11, 20, tzinfo=UTC)


def measure() -> Figure:
    """Measure the load of what `lines` makes."""
    return measure_lines("public_services.dossiers", lines(Reference(), RECORDS), RECORDS, NOW, most_gigabytes=3.0)


def lines(reference: Reference, records: int) -> bytes:
    """Make the input: each dossier at its own minute, of agencies and procedures that exist, with its lists and steps."""
    chance = Random(766)
    agencies = reference.values_of("agencies.agency_code").sort().to_list()
    procedures = reference.values_of("procedures.procedure_code").sort().to_list()
    buffer = io.BytesIO()
    for number in range(records):
        received = NOW - timedelta(seconds=30 * number, days=20)
        finished = received + timedelta(days=8)
        agency, citizen = chance.choice(agencies), f"046{chance.randrange(10**9):09d}"
        dossier = {
            "MaHoSo": f"{agency}-{received:%y%m%d}-{number:07d}",
            "MaTTHC": chance.choice(procedures),
            "KenhThucHien": str(1 + number % 3),
            "ChuHoSo": f"Nguyễn Văn Giả Định {number % 5000}",
            "LoaiDoiTuong": "Công dân",
            "SoDienThoai": f"0900{number % 10**6:06d}",
            "TrichYeuHoSo": "Đề nghị giải quyết",
            "NgayNopHoSo": _text(received),
            "NgayTiepNhan": _text(received),
            "NgayHenTra": _text(received + timedelta(days=15)),
            "TrangThaiHoSo": "9",
            "NgayKetThucXuLy": _text(finished),
            "DonViXuLy": agency,
            "NoiNopHoSo": agency,
            "HoSoCoThanhPhanSoHoa": 1,
            "DuocThanhToanTrucTuyen": 1,
            "TaiLieuNop": [{"DuocSoHoa": 1, "DuocTaiSuDung": 0}, {"DuocSoHoa": 0, "DuocTaiSuDung": 0}],
            "DanhSachLePhi": [{"Gia": 50000}],
            "DinhDanhCHS": [{"LoaiDinhDanh": "1", "SoDinhDanh": citizen}],
            "TienTrinh": [{"ThoiDiemXuLy": _text(received)}, {"ThoiDiemXuLy": _text(finished)}],
        }
        buffer.write(json.dumps(dossier, ensure_ascii=False).encode())
        buffer.write(b"\n")
    return buffer.getvalue()


def _text(moment: datetime) -> str:
    return f"{moment + timedelta(hours=7):%Y%m%d%H%M%S}"


if __name__ == "__main__":
    print(measure().row())
