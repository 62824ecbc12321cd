"""The physical types of contract columns, and the polars type of each."""

from collections.abc import Mapping

import polars as pl

TYPES: Mapping[str, pl.DataType] = {
    "VARCHAR": pl.String(),
    "DOUBLE": pl.Float64(),
    "DECIMAL(18,2)": pl.Decimal(18, 2),
    "INTEGER": pl.Int32(),
    "BIGINT": pl.Int64(),
    "BOOLEAN": pl.Boolean(),
    "DATE": pl.Date(),
    "TIMESTAMPTZ": pl.Datetime("us", "UTC"),
}
"""Polars type by physical type."""
