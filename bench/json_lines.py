"""What the measurements of newline JSON share: the load of one large delivery, and the same bytes through DuckDB alone."""

import tempfile
from datetime import datetime
from pathlib import Path

import duckdb

from bench.figure import Figure, small_stack, timed
from bench.loading import load_alone
from core.contract import find_contract
from ingestion.collect.landing import Landing

LEAST_RATE = 200_000


def measure_lines(feed: str, content: bytes, records: int, now: datetime, *, most_gigabytes: float) -> Figure:
    """Measure the load from landed bytes to committed bronze, then the baseline.

    Baseline: DuckDB, the fastest of those tried, reads the bytes from a file and writes them as Parquet, with no check, no hash, no ledger
    and no commit.
    """
    with small_stack() as (settings, _):
        Landing(settings).land(find_contract(feed), "records.ndjson", content, now)
        load = load_alone(settings, feed)
    assert load.accepted == records, load
    alone, alone_busy = _copy(content)
    rate = records / load.seconds
    return Figure(
        f"{feed}, {records / 1e6:g} M records ({len(content) / 1e6:.0f} MB of newline JSON), landed bytes to committed bronze",
        f"{rate:,.0f} records/s, {load.processor_seconds:.1f} s of processor time, peak {load.peak_gigabytes:.2f} GB",
        f"≥ {LEAST_RATE:,} records/s, ≤ {most_gigabytes:g} GB",
        rate >= LEAST_RATE and load.peak_gigabytes <= most_gigabytes,
        f"DuckDB reads and writes Parquet {records / alone:,.0f} records/s, {alone_busy:.1f} s of processor time",
    )


def _copy(content: bytes) -> tuple[float, float]:
    """Convert newline JSON to Parquet; return the seconds by the clock and of the processor."""
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        lines = Path(folder, "records.ndjson")
        lines.write_bytes(content)
        connection.execute("pragma disable_progress_bar")
        copy = f"copy (from read_ndjson('{lines}')) to '{lines}.parquet'"
        return timed(lambda: connection.execute(copy))[1:]
