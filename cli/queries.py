"""The verb for analysts: SQL over the released marts, now or as of a past hour."""

from datetime import UTC, datetime
from typing import Annotated

import duckdb
import typer

from cli.output import AsJson, Row, ends_well, show
from cli.rows import rows_of_any_type
from ingestion.errors import ConfigurationError
from ingestion.settings import Settings
from lake.connection import connected
from lake.limits import time_limit
from lake.releases import releases_in_force, version_as_of
from lake.snapshots import attach_as_of


@ends_well
def sql(
    query: Annotated[str, typer.Argument(help='Like "select * from environment.air_quality_hours limit 5".')],
    as_of: Annotated[
        datetime | None, typer.Option("--as-of", help="Answer from the releases in force at this time.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Query the released marts, with the reader's credentials: nothing else can be named."""
    settings = Settings()
    moment = None if as_of is None else (as_of if as_of.tzinfo else as_of.replace(tzinfo=UTC))
    with connected(settings, as_reader=True) as connection:
        version = version_as_of(connection, moment or datetime.max.replace(tzinfo=UTC))
        if version is None:
            when = f"before {moment.isoformat()}" if moment else "yet"
            raise ConfigurationError(f"sql: expected a release, nothing was published {when}; run `ioc run`")
        if moment:
            attach_as_of(connection, "marts", version)
        try:
            with time_limit(connection, "sql", settings.sql_seconds):
                rows = _answer(connection, query, as_json=as_json)
        except duckdb.Error as error:
            raise ConfigurationError(
                f"sql: {str(error).splitlines()[0]}; released domains: {', '.join(releases_in_force(connection))}"
            ) from error
    show(rows, f"{len(rows)} rows", as_json=as_json)


def _answer(connection: duckdb.DuckDBPyConnection, query: str, *, as_json: bool) -> list[Row]:
    relation = connection.sql(query)
    is_without_rows = relation is None  # `set …`; DuckDB's own types forget it
    return [] if is_without_rows else rows_of_any_type(relation, as_json=as_json)


VERBS = {"sql": sql}
