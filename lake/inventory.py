"""What the catalogs hold, to see whether maintenance keeps up.

A file below SMALL_BYTES costs a reader more to request than to read; maintenance merges such files. Inlined rows are stored in the
catalog itself, because their commit was small. Snapshots that are no longer needed are expired by the next maintenance.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import duckdb

from core.settings import Settings
from lake.connection import CatalogName
from lake.counts import CATALOGS
from lake.maintenance import snapshots_needed
from lake.retention import retention_of

SMALL_BYTES = 1_000_000
"""Reading this much takes about as long as one more request to an object store."""


@dataclass(frozen=True)
class CatalogState:
    """The number of snapshots of a catalog, how many of them are needed, and the oldest needed one."""

    catalog: CatalogName
    snapshots: int
    needed: int
    oldest_needed: int
    oldest_needed_at: datetime | None


@dataclass(frozen=True)
class TableState:
    """The current files and rows of a table; `bytes` counts data and delete files, `rows` includes `inlined_rows`."""

    catalog: CatalogName
    table: str
    files: int
    small_files: int
    delete_files: int
    inlined_rows: int
    bytes: int
    rows: int


def list_catalogs(connection: duckdb.DuckDBPyConnection, settings: Settings) -> list[CatalogState]:
    """Return the state of each catalog."""
    needed = snapshots_needed(connection, settings.clock(), retention_of(settings))
    found = []
    for catalog in CATALOGS:
        times = dict(connection.execute(f"select snapshot_id, snapshot_time from {catalog}.snapshots()").fetchall())
        kept = sorted(times.keys() & needed[catalog])
        found.append(CatalogState(catalog, len(times), len(kept), kept[0], times[kept[0]]))
    return found


def list_tables(connection: duckdb.DuckDBPyConnection) -> Iterator[TableState]:
    """Yield the state of each table of both catalogs, by catalog, schema and name."""
    for catalog in CATALOGS:
        metadata = f"__ducklake_metadata_{catalog}"
        inlined = _inlined_tables(connection, metadata)
        rows = connection.execute(
            f"""
            with data_files as (
                select table_id, count(*) as files, count(*) filter (file_size_bytes < {SMALL_BYTES}) as small_files,
                    sum(file_size_bytes) as bytes
                from {metadata}.ducklake_data_file where end_snapshot is null group by table_id
            ),
            delete_files as (
                select table_id, count(*) as files, sum(file_size_bytes) as bytes
                from {metadata}.ducklake_delete_file where end_snapshot is null group by table_id
            )
            select tables.table_id, schemas.schema_name, tables.table_name, coalesce(data_files.files, 0),
                coalesce(data_files.small_files, 0), coalesce(delete_files.files, 0),
                (coalesce(data_files.bytes, 0) + coalesce(delete_files.bytes, 0))::bigint
            from {metadata}.ducklake_table as tables
            inner join {metadata}.ducklake_schema as schemas using (schema_id)
            left join data_files using (table_id)
            left join delete_files using (table_id)
            where tables.end_snapshot is null and schemas.end_snapshot is null
            order by all
            """
        ).fetchall()
        for table_id, schema, table, files, small_files, delete_files, size in sorted(rows, key=lambda row: row[1:3]):
            (count,) = connection.execute(f'select count(*) from {catalog}."{schema}"."{table}"').fetchall()[0]
            names = inlined.get(table_id, [])
            in_catalog = sum(_inlined_rows(connection, metadata, name) for name in names)
            yield TableState(catalog, f"{schema}.{table}", files, small_files, delete_files, in_catalog, size, count)


def _inlined_tables(connection: duckdb.DuckDBPyConnection, metadata: str) -> dict[int, list[str]]:
    """Return the metadata tables that hold inlined rows, by the id of the table the rows belong to."""
    rows = connection.execute(
        f"select table_id, list(table_name) from {metadata}.ducklake_inlined_data_tables group by table_id"
    ).fetchall()
    return dict(rows)


def _inlined_rows(connection: duckdb.DuckDBPyConnection, metadata: str, table: str) -> int:
    rows = connection.execute(f'select count(*) from {metadata}."{table}" where end_snapshot is null').fetchall()
    return int(rows[0][0])
