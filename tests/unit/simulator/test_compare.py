"""The comparison sees a row too few, a row too many and a value that differs."""

import polars as pl

from simulator.comparisons.base import compare_rows

TRUTH = pl.DataFrame({"station": ["a", "b"], "level": [1.0, 2.0]})


def test_equal_tables_have_no_difference_whatever_their_order() -> None:
    assert compare_rows("m", TRUTH, TRUTH.reverse()).differences == ()


def test_a_missing_row_a_stray_row_and_another_value_are_named() -> None:
    assert compare_rows("m", TRUTH, TRUTH.head(1)).differences == ("only in truth: {'station': 'b', 'level': 2.0}",)
    assert compare_rows("m", TRUTH.head(1), TRUTH).differences == ("only in mart: {'station': 'b', 'level': 2.0}",)
    moved = TRUTH.with_columns(level=pl.col("level") + 1e-5)
    assert len(compare_rows("m", TRUTH, moved).differences) == 4


def test_a_doubled_row_and_a_missing_column_are_differences() -> None:
    doubled = pl.concat([TRUTH, TRUTH.head(1)])
    assert compare_rows("m", TRUTH, doubled).differences == ("2 rows in truth, 3 in mart",)
    assert compare_rows("m", TRUTH, TRUTH.drop("level")).differences == ("the mart has no level",)
