"""One record through the checks of its contract, as the tests of a feed's rules need it."""

from collections.abc import Mapping
from datetime import UTC, datetime

import polars as pl

from core.contract import Contract
from core.reference import Reference
from ingestion.load.checks import Checked, check

RECEIVED_AT = datetime(2026, 11, 20, 9, tzinfo=UTC)


def check_record(contract: Contract, record: Mapping[str, str | None]) -> Checked:
    """Check a record of texts by column, received at RECEIVED_AT; a column that it does not name has none."""
    texts = {name: record.get(name) for name in contract.column_names}
    frame = pl.DataFrame([texts], schema=dict.fromkeys(contract.column_names, pl.String())).with_columns(
        pl.lit(0, pl.UInt32).alias("_delivery"),
        pl.lit(1, pl.Int64).alias("_position"),
        pl.lit("raw").alias("_raw"),
        pl.lit(1, pl.Int64).alias("_record_count"),
        pl.lit(RECEIVED_AT).alias("received_at"),
    )
    return check(frame, contract, Reference())
