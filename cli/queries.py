"""The verb for analysts: SQL over the released marts, now or as of an earlier time."""

from contextlib import closing
from datetime import UTC, datetime
from typing import Annotated

import duckdb
import typer

from cli.output import AsJson, ends_well, show
from cli.rows import rows_of_any_type
from core.errors import ConfigurationError
from core.settings import Settings
from lake.gate import Gate, tables_in
from lake.limits import time_limit
from lake.serving import begin_reading, end_reading, open_marts


@ends_well
def sql(
    query: Annotated[str, typer.Argument(help='Like "select * from environment.air_quality_hours limit 5".')],
    as_of: Annotated[datetime | None, typer.Option("--as-of", help="Query the releases in force at this time.")] = None,
    as_json: AsJson = False,
) -> None:
    """Query the released marts with the reader's credentials; nothing else is accessible."""
    settings = Settings()
    moment = None if as_of is None else (as_of if as_of.tzinfo else as_of.replace(tzinfo=UTC))
    with closing(open_marts(settings, moment)) as marts:
        try:
            with time_limit(marts, "sql", settings.sql_seconds):
                begin_reading(marts)
                Gate("sql", tables_in(marts)).admit(query)
                rows = rows_of_any_type(marts.sql(query), as_json=as_json)
        except duckdb.Error as error:
            raise ConfigurationError(f"sql: {str(error).splitlines()[0]}") from error
        finally:
            end_reading(marts)
    show(rows, f"{len(rows)} rows", as_json=as_json)


VERBS = {"sql": sql}
