"""The comparison sees a row too few, a row too many and a value that differs."""

import polars as pl

from core.reference import Reference
from simulator.comparisons.base import Query, compare_map, compare_rows

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


def test_a_map_is_compared_for_every_commune_known_or_not() -> None:
    figures = pl.DataFrame({"commune_code": ["19753"], "cases": [4]})
    communes = Reference().list_of("communes")["commune_code"]
    asked: list[str] = []

    def shown(cases: dict[str, int | None]) -> Query:
        def query(sql: str) -> pl.DataFrame:
            asked.append(sql)
            return pl.DataFrame(
                {"commune_code": [*cases], "cases": [*cases.values()]}, schema_overrides={"cases": pl.Int64}
            )

        return query

    known: dict[str, int | None] = dict.fromkeys(communes) | {"19753": 4}
    assert compare_map("health.m", figures, shown(known)).differences == ()
    assert len(compare_map("health.m", figures, shown(known | {"19789": 0})).differences) == 2
    assert len(compare_map("health.m", figures, shown({"19753": 4})).differences) == len(communes) - 1
    assert {
        "commune_code, cases from health.m where place_level = 'commune' and shape_number = 1" in sql for sql in asked
    } == {True}
