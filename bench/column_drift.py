"""What checking for column drift costs: 200,000 dossiers from bytes to checked rows. Aim: at most 3 % of it.

Measured in processor time of the process, so that other load on the machine does not count.
"""

import io
import time
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import polars as pl

from bench.dossier_records import NOW, lines
from bench.figure import Figure
from core.contract import find_contract
from core.reference import Reference
from ingestion.formats.base import Envelope, join_pieces
from ingestion.formats.members import member_shapes
from ingestion.formats.registry import find_format
from ingestion.formats.table import json_records
from ingestion.load import checks
from ingestion.load.drift import Drift
from ingestion.load.privacy import protect

RECORDS = 200_000


class Stopwatch:
    """Adds up the processor time of the functions it wraps."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that does the same and is timed."""

        def timed(*arguments: object, **options: object) -> object:
            began = time.process_time()
            try:
                return function(*arguments, **options)
            finally:
                self.seconds += time.process_time() - began

        return timed


def measure() -> Figure:
    """Measure reading, checking and protecting, and the part of it that checks for drift."""
    contract, reference, watch = find_contract("public_services.dossiers"), Reference(), Stopwatch()
    content, wire, drift = lines(reference, RECORDS), find_format(contract), Drift(contract)
    judge = watch.around(drift.judge)
    counts, shapes = watch.around(checks._counts), watch.around(member_shapes)
    received, count = pl.lit(NOW).cast(pl.Datetime("us", "UTC")).alias("received_at"), 0
    began = time.process_time()
    with patch.object(checks, "_counts", counts), patch.object(json_records, "member_shapes", shapes):
        for block in wire.split(io.BytesIO(content), Envelope("records.ndjson")):
            reading = wire.read(join_pieces([(0, block)]), contract, {0: Envelope("records.ndjson")})
            checked = checks.check(reading.records.with_columns(received), contract, reference)
            assert judge(reading, checked) == ({}, {})
            count += protect(checked.passed, contract, "key").height
    seconds = time.process_time() - began
    assert count == RECORDS
    share = watch.seconds / seconds
    return Figure(
        f"watching the columns of {RECORDS:,} dossiers",
        f"{watch.seconds:.2f} s of {seconds:.1f} s of processor time, {share:.1%}",
        "≤ 3 % of reading and checking",
        share <= 0.03,
        "-",
    )


if __name__ == "__main__":
    print(measure().row())
