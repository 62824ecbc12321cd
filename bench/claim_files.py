"""Claims of five XML files each, a hundred messages, from landed bytes to committed bronze. Aim: 1,000 claims/s, at most 3 GB.

Baseline: the same files, base64 decoded and parsed by the standard library alone.
"""

import base64
import re
import sys
import time
from datetime import UTC, datetime
from xml.etree.ElementTree import fromstring

from bench.figure import Figure, small_stack
from bench.loading import load_alone
from core.contract import find_contract
from ingestion.collect.landing import Landing
from simulator.claim_files import Dossier, list_file, message, summary_file

CLAIMS, MESSAGES = 100_000, 100
NOW = datetime(2026, 11, 21, tzinfo=UTC)
TIME = "202611200800"


def measure(claims: int = CLAIMS) -> Figure:
    """Measure the load, then the baseline on one message."""
    contract = find_contract("health.claims")
    per_message = claims // MESSAGES
    size = 0
    with small_stack() as (settings, _):
        landing = Landing(settings)
        for number in range(MESSAGES):
            dossiers = [dossier(number * per_message + place) for place in range(per_message)]
            content = message(f"460{1 + number % 12:02d}", "20261120", dossiers)
            size += len(content)
            landing.land(contract, f"{number}.xml", content, NOW)
        load = load_alone(settings, contract.feed)
    assert load.accepted == 5 * claims, load
    began = time.perf_counter()
    for text in re.findall(rb"<NOIDUNGFILE>([^<]*)<", content):
        fromstring(base64.b64decode(text))
    alone = time.perf_counter() - began
    rate, per_core = claims / load.seconds, claims / load.processor_seconds
    return Figure(
        f"claims, {claims:,} of five files ({size / 1e6:.0f} MB in {MESSAGES} messages), landed bytes to committed bronze",
        f"{rate:,.0f} claims/s, {per_core:,.0f} per second of processor, peak {load.peak_gigabytes:.2f} GB",
        "≥ 1,000 claims/s and core, ≤ 3 GB",
        per_core >= 1000 and load.peak_gigabytes <= 3.0,
        f"decoding and parsing alone {per_message / alone:,.0f} claims/s",
    )


def dossier(number: int) -> Dossier:
    """Write one claim: a summary of 40 fields, three medicines, three services, a result, a note."""
    claim = f"LK{number:08d}"
    summary = {
        "MA_LK": claim,
        "STT": 1,
        "MA_BN": f"BN{number}",
        "HO_TEN": f"Người bệnh Giả Lập {number}",
        "SO_CCCD": f"0460{number:08d}",
        "DIEN_THOAI": f"09{number:08d}",
        "MA_BENH_CHINH": "J18",
        "NGAY_VAO": TIME,
        "NGAY_RA": "202611200900",
        "NGAY_TTOAN": "202611200910",
        "SO_NGAY_DTRI": 0,
        "T_THUOC": 300,
        "T_TONGCHI_BV": 600,
        "T_TONGCHI_BH": 600,
        "T_BNCCT": 120,
        "T_BHTT": 480,
        "NAM_QT": 2026,
        "THANG_QT": 11,
        "MA_LOAI_KCB": "01",
        **{f"TRUONG_{field}": "giá trị" for field in range(21)},
    }
    lines = [
        {"MA_LK": claim, "STT": place, "THANH_TIEN_BV": 100, "NGAY_YL": TIME, "NGAY_TH_YL": TIME} for place in (1, 2, 3)
    ]
    result = {"MA_LK": claim, "STT": 1, "MA_DICH_VU": "23.1", "NGAY_KQ": TIME}
    note = {"MA_LK": claim, "STT": 1, "DIEN_BIEN_LS": "ổn định", "THOI_DIEM_DBLS": TIME}
    return [
        ("XML1", summary_file(summary)),
        ("XML2", list_file("XML2", lines)),
        ("XML3", list_file("XML3", lines)),
        ("XML4", list_file("XML4", [result])),
        ("XML5", list_file("XML5", [note])),
    ]


if __name__ == "__main__":
    print(measure(int(sys.argv[1]) if len(sys.argv) > 1 else CLAIMS).row())
