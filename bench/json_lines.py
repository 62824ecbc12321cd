"""What the figures of newline JSON share: the load of one large delivery, and the same bytes through polars alone."""

import io
import time
from datetime import datetime

import polars as pl

from bench.figure import Figure, peak_gigabytes, small_stack
from ingestion.contract import find_contract
from ingestion.landing import Landing
from ingestion.load import Loader
from ingestion.reference import Reference

LEAST_RATE = 200_000


def measure_lines(feed: str, content: bytes, records: int, now: datetime, *, most_gigabytes: float) -> Figure:
    """Measure the load from landed bytes to committed bronze, then the baseline (afterwards, so that its memory does not count).

    Baseline: polars reads the bytes and writes them as Parquet, with no check, no ledger and no commit.
    """
    contract = find_contract(feed)
    with small_stack() as (settings, connection):
        landing = Landing(settings)
        landing.land(contract, "records.ndjson", content, now)
        began = time.perf_counter()
        (row,) = Loader(settings, connection, landing, Reference()).load_new(contract)
        seconds = time.perf_counter() - began
    assert row.accepted == records, row
    peak, size = peak_gigabytes(), len(content) / 1e9
    began = time.perf_counter()
    pl.read_ndjson(content).write_parquet(io.BytesIO())
    alone = time.perf_counter() - began
    rate = records / seconds
    return Figure(
        f"{feed}, {records / 1e6:g} M records ({1000 * size:.0f} MB of newline JSON), landed bytes to committed bronze",
        f"{rate:,.0f} records/s, peak {peak:.2f} GB (the input's {size:.2f} GB among it)",
        f"≥ {LEAST_RATE:,} records/s, ≤ {most_gigabytes:g} GB",
        rate >= LEAST_RATE and peak <= most_gigabytes,
        f"polars reads and writes Parquet {records / alone:,.0f} records/s",
    )
