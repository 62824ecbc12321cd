"""One commit for many tables: all of it, or nothing."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

import duckdb

from lake.connection import CatalogName

AUTHOR = "ioc"


@contextmanager
def transaction(
    connection: duckdb.DuckDBPyConnection, catalog: CatalogName, message: str, info: Mapping[str, str | int]
) -> Iterator[None]:
    """Commit the block as one snapshot with `message` and `info`, or nothing of it."""
    with committed(connection):
        yield
        connection.execute(
            f"call {catalog}.set_commit_message(?, ?, extra_info => ?)", [AUTHOR, message, json.dumps(dict(info))]
        )


@contextmanager
def committed(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Commit the block, in a catalog that takes no message, or nothing of it."""
    connection.execute("begin transaction")
    try:
        yield
        connection.execute("commit")
    except BaseException:
        with suppress(
            duckdb.Error
        ):  # a failed commit or a lost server has already ended the transaction; the first error is the one to raise
            connection.execute("rollback")
        raise
