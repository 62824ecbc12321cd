"""Snapshots of a catalog: the newest one, the tables in one, and attaching the catalog as of one."""

import duckdb

from core.errors import UnknownNameError
from lake.connection import CatalogName


def newest_snapshot(connection: duckdb.DuckDBPyConnection, catalog: CatalogName = "lake") -> int:
    """Return the newest snapshot of a catalog."""
    row = connection.execute(f"select id from {catalog}.current_snapshot()").fetchone()
    if row is None or row[0] is None:
        raise UnknownNameError(f"{catalog}: expected a snapshot, got an empty catalog; run `ioc up`")
    return int(row[0])


def attach_as_of(connection: duckdb.DuckDBPyConnection, catalog: CatalogName, snapshot: int) -> None:
    """Re-attach a catalog under its own name, read-only and as of one snapshot; the search path stays as it was.

    Raises UnknownNameError if that snapshot has been expired.
    """
    row = connection.execute("select current_setting('search_path')").fetchone()
    connection.execute("use memory")  # the default catalog cannot be detached
    connection.execute(f"detach {catalog}")
    try:
        connection.execute(
            f"attach 'ducklake:{catalog}_catalog' as {catalog} (read_only, snapshot_version {int(snapshot)})"
        )
    except duckdb.Error as error:
        raise UnknownNameError(
            f"{catalog}: expected snapshot {snapshot}, got an expired one; ask for a later hour", snapshot=snapshot
        ) from error
    connection.execute(f"set search_path = '{row[0] if row else ''}'")


def tables_of(connection: duckdb.DuckDBPyConnection, catalog: CatalogName, schema: str, snapshot: int) -> list[str]:
    """Return the names of the tables that a schema held in a snapshot."""
    rows = connection.execute(
        f"""
        select tables.table_name
        from __ducklake_metadata_{catalog}.ducklake_table as tables
        inner join __ducklake_metadata_{catalog}.ducklake_schema as schemas on tables.schema_id = schemas.schema_id
        where
            schemas.schema_name = $schema
            and schemas.begin_snapshot <= $snapshot and coalesce(schemas.end_snapshot > $snapshot, true)
            and tables.begin_snapshot <= $snapshot and coalesce(tables.end_snapshot > $snapshot, true)
        order by tables.table_name
        """,
        {"schema": schema, "snapshot": snapshot},
    ).fetchall()
    return [str(row[0]) for row in rows]


def columns_of(
    connection: duckdb.DuckDBPyConnection, catalog: CatalogName, schema: str, table: str, snapshot: int
) -> list[str]:
    """Return the names of the columns that a table had in a snapshot."""
    rows = connection.execute(
        f'describe from {catalog}."{schema}"."{table}" at (version => {int(snapshot)})'
    ).fetchall()
    return [str(row[0]) for row in rows]


def changed_rows(
    connection: duckdb.DuckDBPyConnection, schema: str, table: str, version: int, figures: tuple[str, ...]
) -> int:
    """Write the rows of a released table that a version updated into the temporary table `changed_rows`; return how many.

    Each row holds its old values, a `_number`, and `_figures`: the name and the values before and after of each figure, as doubles.
    """
    pairs = ", ".join(
        f'{{name: \'{name}\', before: old."{name}"::double, after: new."{name}"::double}}' for name in figures
    )
    connection.execute(
        f"""
        create or replace temp table changed_rows as
        with changes as (
            from ducklake_table_changes('marts', '{schema}', '{table}', {int(version)}, {int(version)})
        )
        select old.* exclude (snapshot_id, rowid, change_type), row_number() over () as _number, [{pairs}] as _figures
        from (from changes where change_type = 'update_preimage') as old
        inner join (from changes where change_type = 'update_postimage') as new on old.rowid = new.rowid
        """
    )
    row = connection.execute("select count(*) from changed_rows").fetchone()
    return int(row[0]) if row else 0
