"""Compare a mart with the truth of a simulated day, as sets of rows.

What a mart must show is worked out from the truth, in polars and without a line of the pipeline's SQL; whole tables are compared, and the
result is a list of differences. An empty list is the only good answer.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import polars as pl
import polars.selectors as cs

from core.reference import Reference

Truth = Mapping[str, pl.DataFrame]
"""The tables of the truth, by name."""

Query = Callable[[str], pl.DataFrame]
"""Runs SQL over the released marts."""

COMMUNES_ON_MAP = "select commune_code, {figures} from {mart} where place_level = 'commune' and shape_number = 1"
"""The figures that a map shows of the communes."""

LOCAL = "Asia/Ho_Chi_Minh"
DECIMALS = 6


@dataclass(frozen=True)
class Comparison:
    """One mart against the truth: how many rows were compared, and the differences (rows that only `truth` or only `mart` has)."""

    mart: str
    rows: int
    differences: tuple[str, ...]


def compare_map(mart: str, figures: pl.DataFrame, query: Query) -> Comparison:
    """Compare what a map shows of every commune of the list: `figures` by commune_code, and NULL for a commune without any."""
    communes = Reference().list_of("communes").select("commune_code")
    expected = communes.join(figures, on="commune_code", how="left")
    named = ", ".join(name for name in expected.columns if name != "commune_code")
    return compare_rows(mart, expected, query(COMMUNES_ON_MAP.format(mart=mart, figures=named)))


def compare_rows(mart: str, expected: pl.DataFrame, found: pl.DataFrame) -> Comparison:
    """Compare two tables as sets of rows, in the truth's columns and types; numbers are compared to six decimals."""
    if missing := set(expected.columns) - set(found.columns):
        return Comparison(mart, expected.height, (f"the mart has no {', '.join(sorted(missing))}",))
    shown = found.select(pl.col(name).cast(kind) for name, kind in expected.schema.items())
    expected, shown = (frame.with_columns(cs.float().round(DECIMALS)) for frame in (expected, shown))
    only_truth = expected.join(shown, on=expected.columns, how="anti", nulls_equal=True)
    only_mart = shown.join(expected, on=expected.columns, how="anti", nulls_equal=True)
    differences = [f"only in truth: {row}" for row in only_truth.iter_rows(named=True)]
    differences += [f"only in mart: {row}" for row in only_mart.iter_rows(named=True)]
    if not differences and expected.height != shown.height:
        differences = [f"{expected.height} rows in truth, {shown.height} in mart"]
    return Comparison(mart, expected.height, tuple(differences))


def compare_headlines(domain: str, expected: Mapping[str, float | None], query: Query) -> Comparison:
    """Compare the headline figures that the truth knows, by `headline_id`, with those of a domain."""
    names = ", ".join(f"'{name}'" for name in expected)
    mart = f"{domain}.{domain}_headlines"
    found = query(f"select headline_id, value from {mart} where headline_id in ({names})")  # noqa: S608  names of this project
    schema = {"headline_id": pl.String, "value": pl.Float64}
    return compare_rows(mart, pl.DataFrame([*expected.items()], schema=schema, orient="row"), found)
