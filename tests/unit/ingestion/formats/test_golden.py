"""Each feed's golden delivery becomes exactly the rows written down beside it, typed by its contract."""

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from core.contract import find_contract, read_contracts
from ingestion.load.casts import cast
from tests.golden_samples import GOLDEN, golden_sample

FEEDS = set(read_contracts())


def test_the_golden_folders_are_those_of_the_feeds() -> None:
    assert {f"{path.parent.parent.name}.{path.parent.name}" for path in GOLDEN.glob("*/*/expected.json")} == FEEDS


@pytest.mark.parametrize("feed", sorted(FEEDS))
def test_a_golden_delivery_becomes_its_expected_reading(feed: str, read: Callable[..., Any]) -> None:
    name, content, expected = golden_sample(feed)
    contract = find_contract(feed)
    delivered = read(contract.format, feed, content, names=[name])
    records = delivered.reading.records
    typed = records.select(
        pl.col("_position").alias("position"),
        pl.col("_record_count").alias("record_count"),
        *(
            cast(pl.col(column.name), column, records.schema[column.name], is_tidy=False).alias(column.name)
            for column in contract.columns
        ),
    )
    times = [name for name, kind in typed.schema.items() if isinstance(kind, pl.Datetime)]
    plain = [name for name, kind in typed.schema.items() if kind == pl.Date or isinstance(kind, pl.Decimal)]
    text = typed.with_columns(
        *(pl.col(name).dt.strftime("%Y-%m-%dT%H:%M:%S%.fZ") for name in times),
        *(pl.col(name).cast(pl.String) for name in plain),
    )
    assert {
        "delivery": expected["delivery"],
        "records": [{name: value for name, value in row.items() if value is not None} for row in text.to_dicts()],
        "unreadable": [
            {"position": position, "reason": reason, "error_group": group}
            for position, reason, group in delivered.reasons
        ],
        "skipped": delivered.skipped,
    } == expected
