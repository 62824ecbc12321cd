"""Rows for a table or for JSON, by SQL: of the lake's books, and of the scores in force."""

from collections.abc import Sequence

import duckdb

from cli.output import Row
from ingestion.settings import Settings
from lake.connection import connected
from lake.releases import create_released_views

Values = Sequence[str | int | None]


def rows_of(cursor: duckdb.DuckDBPyConnection) -> list[Row]:
    """Give what a query found, by the names of its columns."""
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def book_rows(sql: str, values: Values = ()) -> list[Row]:
    """Query the books of the lake and of the operations, with the pipeline's credentials."""
    with connected(Settings()) as connection:
        return rows_of(connection.execute(sql, list(values)))


def quality_rows(sql: str, values: Values = ()) -> list[Row]:
    """Query the released marts of the domain quality, as `memory.quality.<mart>`; nothing where none was published yet."""
    with connected(Settings()) as connection:
        if "quality" not in create_released_views(connection):
            return []
        return rows_of(connection.execute(sql, list(values)))
