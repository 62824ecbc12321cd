"""One million dossiers as newline JSON, from landed bytes to committed bronze. Aim: 200,000 records/s, at most 3 GB.

Baseline: polars reads the same bytes and writes them as Parquet, with no check, no hash, no ledger and no commit.
"""

import io
import json
import time
from datetime import UTC, datetime, timedelta
from random import Random

import polars as pl

from bench.figure import Figure, peak_gigabytes, small_stack
from ingestion.contract import find_contract
from ingestion.landing import Landing
from ingestion.load import Loader
from ingestion.reference import Reference

RECORDS = 1_000_000
NOW = datetime(2026, 11, 20, tzinfo=UTC)


def measure() -> Figure:
    """Measure the load, then the baseline (afterwards, so that its memory does not count)."""
    reference = Reference()
    content = lines(reference, RECORDS)
    contract = find_contract("public_services.dossiers")
    with small_stack() as (settings, connection):
        landing = Landing(settings)
        landing.land(contract, "dossiers.ndjson", content, NOW)
        size = len(content) / 1e6
        began = time.perf_counter()
        (row,) = Loader(settings, connection, landing, reference).load_new(contract)
        seconds = time.perf_counter() - began
    assert row.accepted == RECORDS, row
    peak = peak_gigabytes()
    began = time.perf_counter()
    pl.read_ndjson(content).write_parquet(io.BytesIO())
    alone = time.perf_counter() - began
    rate = RECORDS / seconds
    return Figure(
        f"dossiers, 1 M records ({size:.0f} MB of newline JSON), landed bytes to committed bronze",
        f"{rate:,.0f} records/s, peak {peak:.2f} GB (the input's {size / 1000:.2f} GB among it)",
        "≥ 200,000 records/s, ≤ 3 GB",
        rate >= 200_000 and peak <= 3.0,
        f"polars reads and writes Parquet {RECORDS / alone:,.0f} records/s",
    )


def lines(reference: Reference, records: int) -> bytes:
    """Make the input: every dossier of another minute, of agencies and procedures that exist, with its lists and steps."""
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
