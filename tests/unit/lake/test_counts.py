"""The row counts of a table, compared with each other and with those before maintenance."""

from dataclasses import replace

import pytest

from core.errors import CountError
from lake.counts import Count, require_agreement, require_unchanged

BRONZE = Count("lake.bronze.a", counted=10, scanned=10, digest=7, records=12, ledger=12)
MART = Count("marts.a.b", counted=3, scanned=3, digest=5)
COUNTS = {count.table: count for count in (BRONZE, MART)}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (replace(BRONZE, counted=11), "11 counted, 10 scanned with 12 records, 12 in the ledger"),
        (replace(BRONZE, scanned=9), "10 counted, 9 scanned with 12 records, 12 in the ledger"),
        (replace(BRONZE, records=11), "10 counted, 10 scanned with 11 records, 12 in the ledger"),
        (replace(BRONZE, ledger=0), "10 counted, 10 scanned with 12 records, 0 in the ledger"),
        (replace(MART, counted=4), "4 counted, 3 scanned"),
    ],
)
def test_numbers_that_differ_are_refused_and_told(changed: Count, told: str) -> None:
    require_agreement(COUNTS, "before maintenance")
    with pytest.raises(CountError, match=f"{changed.table}: .* before maintenance, got {told};"):
        require_agreement(COUNTS | {changed.table: changed}, "before maintenance")


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (replace(MART, counted=4, scanned=4), "4 counted, 4 scanned"),
        (replace(MART, digest=6), "other rows"),
        (None, "no such table"),
    ],
)
def test_rows_that_are_not_those_of_before_are_refused_and_told(changed: Count | None, told: str) -> None:
    require_unchanged(COUNTS, COUNTS, "after it")
    after = {table: count for table, count in (COUNTS | {MART.table: changed}).items() if count is not None}
    with pytest.raises(CountError, match=f"{MART.table}: .* after it, 3 counted, 3 scanned, got {told};"):
        require_unchanged(COUNTS, after, "after it")
