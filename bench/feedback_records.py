"""One million feedback requests as newline JSON, from landed bytes to committed bronze. Aim: 200,000 records/s, at most 2 GB.

Baseline: polars reads the same bytes and writes them as Parquet, with no check, no ledger and no commit.
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
    content = lines(reference)
    contract = find_contract("feedback.requests")
    with small_stack() as (settings, connection):
        landing = Landing(settings)
        landing.land(contract, "requests.ndjson", content, NOW)
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
        f"feedback, 1 M records ({size:.0f} MB of newline JSON), landed bytes to committed bronze",
        f"{rate:,.0f} records/s, peak {peak:.2f} GB (the input's {size / 1000:.2f} GB among it)",
        "≥ 200,000 records/s, ≤ 2 GB",
        rate >= 200_000 and peak <= 2.0,
        f"polars reads and writes Parquet {RECORDS / alone:,.0f} records/s",
    )


def lines(reference: Reference) -> bytes:
    """Make the input: every request of another minute, of agencies and communes that exist."""
    chance = Random(46)
    agencies = reference.values_of("agencies.agency_code").sort().to_list()
    communes = reference.values_of("communes.commune_code").sort().to_list()
    buffer = io.BytesIO()
    for number in range(RECORDS):
        moment = NOW - timedelta(seconds=30 * number + 3600)
        request = {
            "service_request_id": f"PAHT-2026-{number:07d}",
            "status": "closed",
            "service_code": "VSMT",
            "service_name": "Vệ sinh môi trường",
            "description": "Rác tồn đọng đầu hẻm, đề nghị thu gom",
            "agency_responsible": "UBND phường",
            "requested_datetime": (moment - timedelta(hours=5)).isoformat(),
            "updated_datetime": moment.isoformat(),
            "expected_datetime": (moment + timedelta(days=7)).isoformat(),
            "lat": 16.4 + chance.random() / 10,
            "long": 107.5 + chance.random() / 10,
            "ext": {"ma_co_quan": chance.choice(agencies), "ma_xa": chance.choice(communes), "luong": "co_thoi_gian"},
        }
        buffer.write(json.dumps(request, ensure_ascii=False).encode())
        buffer.write(b"\n")
    return buffer.getvalue()


if __name__ == "__main__":
    print(measure().row())
