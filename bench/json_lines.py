"""What the figures of newline JSON share: the load of one large delivery, and the same bytes through polars alone."""

import io
import time
from datetime import datetime

import polars as pl

from bench.figure import Figure, small_stack
from bench.loading import load_alone
from ingestion.contract import find_contract
from ingestion.landing import Landing

LEAST_RATE = 200_000


def measure_lines(feed: str, content: bytes, records: int, now: datetime, *, most_gigabytes: float) -> Figure:
    """Measure the load from landed bytes to committed bronze, then the baseline.

    Baseline: polars reads the bytes and writes them as Parquet, with no check, no ledger and no commit.
    """
    with small_stack() as (settings, _):
        Landing(settings).land(find_contract(feed), "records.ndjson", content, now)
        load = load_alone(settings, feed)
    assert load.accepted == records, load
    began = time.perf_counter()
    pl.read_ndjson(content).write_parquet(io.BytesIO())
    alone = time.perf_counter() - began
    rate = records / load.seconds
    return Figure(
        f"{feed}, {records / 1e6:g} M records ({len(content) / 1e6:.0f} MB of newline JSON), landed bytes to committed bronze",
        f"{rate:,.0f} records/s, peak {load.peak_gigabytes:.2f} GB",
        f"≥ {LEAST_RATE:,} records/s, ≤ {most_gigabytes:g} GB",
        rate >= LEAST_RATE and load.peak_gigabytes <= most_gigabytes,
        f"polars reads and writes Parquet {records / alone:,.0f} records/s",
    )
