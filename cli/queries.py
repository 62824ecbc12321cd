"""The verb for analysts: SQL over the released marts, now or as of an earlier time."""

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import typer

from cli.output import AsJson, ends_well, say, show, show_csv
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
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV for spreadsheets.")] = False,
    parquet: Annotated[
        Path | None, typer.Option("--parquet", help="Write a Parquet file, with every type kept.")
    ] = None,
) -> None:
    """Query the released marts with the reader's credentials; nothing else is accessible."""
    if (wanted := as_json + as_csv + (parquet is not None)) > 1:
        raise ConfigurationError(f"sql: expected one of --json, --csv and --parquet, got {wanted}; choose one")
    settings = Settings()
    moment = None if as_of is None else (as_of if as_of.tzinfo else as_of.replace(tzinfo=UTC))
    with closing(open_marts(settings, moment)) as marts:
        try:
            with time_limit(marts, "sql", settings.sql_seconds):
                begin_reading(marts)
                Gate("sql", tables_in(marts)).admit(query)
                answer = marts.sql(query)
                if parquet is not None:
                    say(f"{_write_parquet(answer, parquet)} rows in {parquet}")
                    return
                rows = rows_of_any_type(answer, as_json=as_json)
        except duckdb.Error as error:
            raise ConfigurationError(f"sql: {str(error).splitlines()[0]}") from error
        finally:
            end_reading(marts)
    if as_csv:
        show_csv(rows, answer.columns)
    else:
        show(rows, f"{len(rows)} rows", as_json=as_json, has_marks=False)


def _write_parquet(answer: duckdb.DuckDBPyRelation, file: Path) -> int:
    """Write the rows of a query; return how many they are."""
    try:
        table = answer.to_arrow_table()
        with file.open("wb") as opened:
            pq.write_table(table, opened)
    except OSError as error:
        raise ConfigurationError(f"{file}: expected a file to write, got {error.strerror}; name another") from error
    except pa.ArrowException as error:
        raise ConfigurationError(
            f"sql: expected types that Parquet has, got {str(error).splitlines()[0]}; cast the column"
        ) from error
    return int(table.num_rows)


VERBS = {"sql": sql}
