"""Copy what builds read from the lake to Iceberg, where another engine than DuckDB can build the same marts.

Bronze, the ledger, the quarantine and the reference lists are copied as of one snapshot of the lake, into the catalog that is part of the
object store. Each copied row keeps `snapshot_id`, the snapshot that wrote it, so that `row_version()` of the models means the same on both
sides, and `_row_id`, by which a row that was later changed or removed is found again.

The next copy takes only what differs: rows of newer snapshots are added, those that the change feed names are removed. Each table is
one commit; the snapshot is noted after the last one. A copy that was cut short is repeated from the snapshot before it: whatever it had
added is removed first. If the columns have changed, or the feed no longer reaches back, the whole table is copied.

Every copy is counted against the lake, and its records against the ledger.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb

from core.errors import ConfigurationError, CountError, ServiceError
from core.settings import Settings
from lake.connection import connected, install_extensions, text_literal
from lake.lock import exclusive
from lake.snapshots import newest_snapshot, tables_of
from lake.transaction import committed

EXTENSIONS = {"avro": "avro", "iceberg": "iceberg"}
SCHEMAS = ("bronze", "ledger", "quarantine")
REFERENCE = "reference"
NOTES = "scale.operations.copies"
WAREHOUSE = "s3://scale"
LOCK = "scale"
"""Held by a copy and by each build from it, so that a build sees one state of the copies."""

TYPES = {
    "JSON": "VARCHAR",
    "HUGEINT": "DECIMAL(38,0)",
    "UHUGEINT": "DECIMAL(38,0)",
    "UBIGINT": "DECIMAL(20,0)",
    "UINTEGER": "BIGINT",
    "USMALLINT": "INTEGER",
    "UTINYINT": "INTEGER",
    "SMALLINT": "INTEGER",
    "TINYINT": "INTEGER",
}
"""Types that Iceberg does not have, and those that hold their values."""

Columns = tuple[tuple[str, str], ...]
"""Names and types, in order."""


@dataclass(frozen=True)
class Copied:
    """What a copy did to one table."""

    table: str
    rows: int
    added: int
    removed: int
    is_whole: bool


def copy_to_iceberg(settings: Settings) -> list[Copied]:
    """Copy the newest snapshot of the lake; return one entry a table, in alphabetical order.

    Raises ConfigurationError without an Iceberg catalog in the settings, ServiceError if it does not answer, and CountError if a table has
    other rows than the lake or the ledger says.
    """
    with exclusive(settings, LOCK), both(settings) as connection:
        snapshot, earlier = newest_snapshot(connection), _noted(connection)
        if earlier is not None and not _is_kept(connection, earlier):
            earlier = None
        touched = None if earlier is None else _touched(connection, earlier, snapshot)
        copied = [
            _copy(connection, table, snapshot, earlier)
            if touched is None or table in touched
            else _counted(connection, table, f"lake.{table} at (version => {snapshot})")
            for schema in SCHEMAS
            for table in (f"{schema}.{name}" for name in tables_of(connection, "lake", schema, snapshot))
        ]
        copied += [
            _copy_list(connection, f"{REFERENCE}.{table}", snapshot)
            for table in tables_of(connection, "lake", REFERENCE, snapshot)
        ]
        _require_the_ledger(connection)
        connection.execute(f"insert into {NOTES} values ({snapshot})")
        return sorted(copied, key=lambda one: one.table)


@contextmanager
def both(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the lake, with the Iceberg catalog attached as `scale`."""
    if not settings.iceberg_port:
        raise ConfigurationError(
            "scale: expected the port of an Iceberg catalog, got none; set IOC_ICEBERG_PORT and run `ioc up`"
        )
    install_extensions(settings.home_folder / "duckdb_extensions", EXTENSIONS)
    address = f"{'https' if settings.s3_is_secure else 'http'}://{settings.s3_host}:{settings.iceberg_port}"
    with connected(settings) as connection:
        for name in EXTENSIONS.values():
            connection.execute(f"load {name}")
        try:
            connection.execute(
                f"create secret iceberg_catalog (type iceberg, client_id {text_literal(settings.s3_access_key)}, "
                f"client_secret {text_literal(settings.reveal('s3_secret_key'))}, "
                f"oauth2_server_uri {text_literal(f'{address}/v1/oauth/tokens')})"
            )
            connection.execute(
                f"attach '{WAREHOUSE}' as scale (type iceberg, endpoint {text_literal(address)}, secret iceberg_catalog, "
                "access_delegation_mode 'none', read_only false)"
            )
            for schema in (*SCHEMAS, REFERENCE, "operations"):
                connection.execute(f"create schema if not exists scale.{schema}")
            connection.execute(f"create table if not exists {NOTES} (snapshot_id bigint)")
        except duckdb.Error as error:
            raise ServiceError(
                f"scale: expected an Iceberg catalog at {address}, got: {str(error).splitlines()[0]}; see `ioc status`"
            ) from error
        yield connection


def _noted(connection: duckdb.DuckDBPyConnection) -> int | None:
    """Return the snapshot of the last copy that was finished."""
    row = connection.execute(f"select max(snapshot_id) from {NOTES}").fetchone()
    return int(row[0]) if row and row[0] is not None else None


def _is_kept(connection: duckdb.DuckDBPyConnection, snapshot: int) -> bool:
    """Whether the lake still has a snapshot, without which the change feed since then is not whole."""
    return connection.execute("select 1 from lake.snapshots() where snapshot_id = ?", [snapshot]).fetchone() is not None


def _touched(connection: duckdb.DuckDBPyConnection, earlier: int, snapshot: int) -> set[str]:
    """Return the tables that the snapshots after an earlier one created or changed."""
    rows = connection.execute(
        """
        with changes as (
            select distinct unnest(flatten(map_values(changes))) as changed
            from lake.snapshots() where snapshot_id > $earlier and snapshot_id <= $snapshot
        )
        select schemas.schema_name || '.' || tables.table_name
        from __ducklake_metadata_lake.ducklake_table as tables
        inner join __ducklake_metadata_lake.ducklake_schema as schemas on tables.schema_id = schemas.schema_id
        where tables.end_snapshot is null and (tables.begin_snapshot > $earlier or tables.table_id::varchar in (from changes))
        """,
        {"earlier": earlier, "snapshot": snapshot},
    )
    return {str(row[0]) for row in rows.fetchall()}


def _copy(connection: duckdb.DuckDBPyConnection, table: str, snapshot: int, earlier: int | None) -> Copied:
    """Make the copy of a table equal to the lake's as of a snapshot, from the state of an earlier one, or whole without one."""
    columns = (*_columns_of(connection, table, snapshot), ("snapshot_id", "BIGINT"), ("_row_id", "BIGINT"))
    source = f"lake.{table} at (version => {snapshot})"
    if earlier is None or _columns_there(connection, table) != columns or _is_new(connection, table, earlier):
        return _copy_whole(connection, table, columns, f"select {_selected(columns)} from {source}")
    schema, name = table.split(".")
    changes = f"ducklake_table_changes('lake', '{schema}', '{name}', {earlier + 1}, {snapshot})"
    before = _count(connection, f"scale.{table}")
    with committed(connection):
        connection.execute(f"delete from scale.{table} where snapshot_id > {earlier}")
        if snapshot > earlier:
            connection.execute(
                f"delete from scale.{table} where _row_id in "
                f"(select rowid from {changes} where change_type in ('delete', 'update_preimage'))"
            )
        kept = _count(connection, f"scale.{table}")
        connection.execute(
            f"insert into scale.{table} select {_selected(columns)} from {source} where snapshot_id > {earlier}"
        )
    return _counted(connection, table, source, added_to=kept, removed=before - kept)


def _copy_list(connection: duckdb.DuckDBPyConnection, table: str, snapshot: int) -> Copied:
    """Copy a reference list, which a build replaces as a whole, if it differs."""
    columns = _columns_of(connection, table, snapshot)
    source = f"lake.{table} at (version => {snapshot})"
    query = f"select {_selected(columns)} from {source}"
    if _columns_there(connection, table) == columns:
        there = f"select {_selected(columns)} from scale.{table}"
        differences = f"(({query}) except all ({there})) union all (({there}) except all ({query}))"
        if _count(connection, f"({differences})") == 0:
            rows = _count(connection, f"scale.{table}")
            return Copied(table, rows, 0, 0, is_whole=False)
    return _copy_whole(connection, table, columns, query)


def _copy_whole(connection: duckdb.DuckDBPyConnection, table: str, columns: Columns, query: str) -> Copied:
    there = _columns_there(connection, table)
    before = _count(connection, f"scale.{table}") if there else 0
    if there and there != columns:
        connection.execute(f"drop table scale.{table}")
    typed = ", ".join(f'"{name}" {kind}' for name, kind in columns)
    connection.execute(f"create table if not exists scale.{table} ({typed})")
    with committed(connection):
        connection.execute(f"delete from scale.{table}")
        connection.execute(f"insert into scale.{table} {query}")
    source = f"({query})"
    return _counted(connection, table, source, added_to=0, removed=before, is_whole=True)


def _counted(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    source: str,
    *,
    added_to: int | None = None,
    removed: int = 0,
    is_whole: bool = False,
) -> Copied:
    """Count a copy against its source; `added_to` is how many rows it had before some were added, None if none were."""
    expected, found = _count(connection, source), _count(connection, f"scale.{table}")
    if expected != found:
        raise CountError(
            f"scale.{table}: expected the {expected} rows of the lake, got {found}; run `ioc scale sync` again",
            table=table,
            expected=expected,
            found=found,
        )
    return Copied(table, found, 0 if added_to is None else found - added_to, removed, is_whole)


def _require_the_ledger(connection: duckdb.DuckDBPyConnection) -> None:
    """Raise CountError naming a feed whose copied records are not those that the copied ledger says were accepted."""
    accepted = connection.execute("select feed, sum(accepted)::bigint from scale.ledger.deliveries group by feed")
    for feed, records in accepted.fetchall():
        table = f"scale.bronze.{str(feed).replace('.', '__')}"
        row = connection.execute(f"select coalesce(sum(_record_count), 0)::bigint from {table}").fetchone()
        found = int(row[0]) if row else 0
        if found != records:
            raise CountError(
                f"{table}: expected the {records} records that the ledger accepted, got {found}; run `ioc scale sync` again",
                table=table,
                expected=records,
                found=found,
            )


def _is_new(connection: duckdb.DuckDBPyConnection, table: str, snapshot: int) -> bool:
    schema, name = table.split(".")
    return name not in tables_of(connection, "lake", schema, snapshot)


def _columns_of(connection: duckdb.DuckDBPyConnection, table: str, snapshot: int) -> Columns:
    """Return the columns of a table of the lake, with types that Iceberg has."""
    rows = connection.execute(f"describe from lake.{table} at (version => {snapshot})").fetchall()
    return tuple((str(name), on_iceberg(str(kind))) for name, kind, *_ in rows)


def on_iceberg(kind: str) -> str:
    """Return the type of Iceberg, in DuckDB's words, that holds the values of a type."""
    return re.sub(r"\b[A-Z]+\b", lambda word: TYPES.get(word[0], word[0]), kind)


def _columns_there(connection: duckdb.DuckDBPyConnection, table: str) -> Columns:
    """Return the columns of a copy; none if there is no copy yet."""
    try:
        rows = connection.execute(f"describe scale.{table}").fetchall()
    except duckdb.CatalogException:
        return ()
    return tuple((str(name), str(kind)) for name, kind, *_ in rows)


def _selected(columns: Sequence[tuple[str, str]]) -> str:
    """Return the select list that gives the columns their types; `_row_id` is the lake's own number of a row."""
    return ", ".join(
        f'cast({"rowid" if name == "_row_id" else f"{chr(34)}{name}{chr(34)}"} as {kind}) as "{name}"'
        for name, kind in columns
    )


def _count(connection: duckdb.DuckDBPyConnection, source: str) -> int:
    row = connection.execute(f"select count(*) from {source}").fetchone()
    return int(row[0]) if row else 0
