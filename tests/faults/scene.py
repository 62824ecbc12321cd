"""A lake that can be restored: the tables of both catalogs are saved next to them, and copied back before each fault.

The objects in the store stay, because none is ever written twice, and one that no catalog names does not count.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

import duckdb
import psycopg
from psycopg import sql

from core.contract import Contract, find_contract, read_contracts
from core.settings import Settings
from ingestion.collect.landing import BUCKET, Landing
from lake.connection import CatalogName, connect, connected
from lake.lock import exclusive
from lake.releases import releases_of
from lake.snapshots import newest_snapshot, tables_of
from lake.tables import create_tables
from quality.verdicts import find_verdict
from stack.postgres import Postgres
from stack.roles import LAKE_DATABASE, MARTS_DATABASE, name_of
from stack.roles import connect as log_in
from tests.faults.deliveries import DOMAIN, LEVELS, NOON, REQUESTS, File
from transform.build import require_build

CATALOGS = (LAKE_DATABASE, MARTS_DATABASE)
Facts = Mapping[str, Counter[str]]
"""Rows, as text, by table."""

WHOSE = ("_load_id", "load_id", "_loaded_at", "loaded_at", "quarantined_at")
"""Which load wrote a row, and when: the only difference allowed between two loads of the same bytes."""

ARRIVAL = ("_delivery_id", "delivery_id", "_received_at", "received_at", "object_key")
"""Which arrival of the same bytes it was; differs if a collection began twice."""


@dataclass
class Scene:
    """The catalogs and the landing zone of one stack, whose clock is fixed at noon."""

    settings: Settings
    looker: duckdb.DuckDBPyConnection
    """The catalogs are attached only during a look; extensions are loaded once, since that takes most of the time to connect."""

    _looks: int = 0

    @contextmanager
    def look(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Attach both catalogs as they are now; a nested look sees the same state."""
        if not self._looks:
            for catalog in ("lake", "marts"):
                self.looker.execute(f"attach 'ducklake:{catalog}_catalog' as {catalog}")
        self._looks += 1
        try:
            yield self.looker
        finally:
            self._looks -= 1
            if not self._looks:
                for catalog in ("lake", "marts"):
                    self.looker.execute(f"detach {catalog}")

    def empty(self) -> None:
        """Recreate both catalogs with empty tables."""
        with log_in(self.settings, "postgres") as server:
            for database in CATALOGS:
                server.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(database)))
        Postgres(self.settings).settle()
        with exclusive(self.settings, "tables"), connected(self.settings) as connection:
            create_tables(connection, read_contracts())

    def keep(self, name: str) -> None:
        """Save both catalogs as they are now, in another schema."""
        for database in CATALOGS:
            with log_in(self.settings, database, "pipeline") as server, server.transaction():
                kept = sql.Identifier(f"kept_{name}")
                server.execute(sql.SQL("drop schema if exists {} cascade; create schema {}").format(kept, kept))
                for table in map(sql.Identifier, _tables(server, "public")):
                    server.execute(sql.SQL("create table {}.{} as table public.{}").format(kept, table, table))

    def restore(self, name: str) -> None:
        """Restore both catalogs to a saved state, after ending sessions of killed processes."""
        for database in CATALOGS:
            with log_in(self.settings, database) as server, server.transaction():
                server.execute(
                    "select pg_terminate_backend(pid, 5000) from pg_stat_activity "
                    "where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'"
                )
                server.execute(sql.SQL("set local role {}").format(sql.Identifier(name_of(self.settings, "pipeline"))))
                kept, there = _tables(server, f"kept_{name}"), _tables(server, "public")
                same = {table for table in there if there[table] == kept.get(table)}
                for table in there.keys() - same:  # ids are reused: a table of this name can be a different one
                    server.execute(sql.SQL("drop table public.{}").format(sql.Identifier(table)))
                for table in kept:
                    here, copy = sql.Identifier("public", table), sql.Identifier(f"kept_{name}", table)
                    if table in same:
                        server.execute(sql.SQL("delete from {}; insert into {} table {}").format(here, here, copy))
                    else:
                        server.execute(sql.SQL("create table {} as table {}").format(here, copy))

    def clear_landing(self, feed: str) -> None:
        """Remove a feed's landed deliveries, its collector's checkpoint, and the records of its load attempts."""
        client = Landing(self.settings)._client
        for prefix in (f"{feed.replace('.', '/')}/", f"checkpoints/{feed}", f"attempts/load/{feed}"):
            for item in client.list_objects(BUCKET, prefix=prefix, recursive=True):
                client.remove_object(BUCKET, str(item.object_name))

    def land(self, feed: str, files: Iterable[File]) -> None:
        """Land files in order."""
        landing, contract = Landing(self.settings), find_contract(feed)
        for name, content in files:
            landing.land(contract, name, content, self.settings.clock())

    def drop(self, files: Iterable[File]) -> None:
        """Make these the only files in the folder that is collected."""
        folder = self.settings.drop / str(find_contract(LEVELS).option("folder"))
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        for name, content in files:
            (folder / name).write_bytes(content)

    def bronze(self, feed: str, *, arrivals_count: bool = True) -> Facts:
        """Return what a feed's loads wrote: bronze, quarantine, ledger, rules.

        Without `arrivals_count`, columns of the arrival are left out, and so are later arrivals of the same bytes.
        """
        contract = find_contract(feed)
        without = (*WHOSE, *(() if arrivals_count else ARRIVAL))
        mine = f"where feed = '{feed}'"
        tables = {
            "bronze": f"from lake.bronze.{contract.table}",
            "quarantine": f"from lake.quarantine.records {mine}",
            "ledger": f"from lake.ledger.deliveries {mine}"
            + ("" if arrivals_count else " and status <> 'duplicate_delivery'"),
            "rules": "select rule, column_name, sum(evaluated)::bigint, sum(failed)::bigint "
            f"from lake.ledger.rule_results {mine} group by all",
        }
        with self.look() as connection:
            return {name: _rows(connection, query, without) for name, query in tables.items()}

    def unbalanced(self, *feeds: str) -> int:
        """Count the deliveries whose ledger does not balance with the rows counted in the tables."""
        with self.look() as connection:
            return sum(count_unbalanced(connection, find_contract(feed)) for feed in feeds)

    def built(self) -> Facts:
        """Return the candidates of the last complete build, and the silver tables below them."""
        with self.look() as connection:
            silver = tables_of(connection, "lake", "silver", newest_snapshot(connection))
            return {
                **_marts(connection, "lake", require_build(connection, DOMAIN).written),
                **{f"silver.{name}": _rows(connection, f'from lake.silver."{name}"', ()) for name in silver},
            }

    def released(self) -> Facts:
        """Return what readers see of the domain now; empty before its first release."""
        with self.look() as connection:
            return _marts(connection, "marts", newest_snapshot(connection, "marts"))

    def judged(self) -> Facts:
        """Return the verdict in force on the last complete build."""
        with self.look() as connection:
            verdict = find_verdict(connection, DOMAIN, require_build(connection, DOMAIN).snapshot_id)
            return {"verdict": Counter([repr(verdict)])}

    def in_force(self) -> Facts:
        """Return every release of the domain, what readers see, and what the last release's catalog version holds."""
        with self.look() as connection:
            releases = releases_of(connection, DOMAIN)
            told = Counter(repr(replace(release, marts_version=0)) for release in releases)
            kept = _marts(connection, "marts", releases[-1].marts_version) if releases else {}
            kept = {f"{name} of the release": rows for name, rows in kept.items()}
            return {"releases": told, **kept, **self.released()}


def _tables(server: psycopg.Connection[tuple[object, ...]], schema: str) -> dict[str, str]:
    """Return the tables of a schema, each with its columns and types as text."""
    rows = server.execute(
        "select relname, string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' order by attnum) "
        "from pg_class join pg_attribute on attrelid = pg_class.oid and attnum > 0 and not attisdropped "
        "where relnamespace = (select oid from pg_namespace where nspname = %s) and relkind = 'r' group by relname",
        [schema],
    ).fetchall()
    return {str(name): str(columns) for name, columns in rows}


def at_noon(settings: Settings) -> Scene:
    """Return an empty scene whose clock is fixed at noon."""
    scene = Scene(settings.model_copy(update={"now": NOON}), connect(settings, catalogs=()))
    scene.empty()
    for feed in (LEVELS, REQUESTS):
        scene.clear_landing(feed)
    return scene


def count_unbalanced(connection: duckdb.DuckDBPyConnection, contract: Contract) -> int:
    """Count a feed's deliveries whose ledger does not balance with the rows counted in the tables."""
    row = connection.execute(
        f"""
        with bronze as (
            select _delivery_id as delivery_id, sum(_record_count) as records from lake.bronze.{contract.table} group by all
        ),
        aside as (
            select delivery_id, sum(record_count) as records from lake.quarantine.records where feed = $feed group by all
        )
        select count(*)
        from (from lake.ledger.deliveries where feed = $feed) as ledger
        full join bronze using (delivery_id)
        full join aside using (delivery_id)
        where feed is null
            or pieces <> skipped + received
            or received <> accepted + duplicate + quarantined
            or accepted <> coalesce(bronze.records, 0)
            or quarantined <> coalesce(aside.records, 0)
        """,
        {"feed": contract.feed},
    ).fetchone()
    assert row is not None
    return int(row[0])


def _marts(connection: duckdb.DuckDBPyConnection, catalog: CatalogName, snapshot: int) -> dict[str, Counter[str]]:
    return {
        f"marts.{name}": _rows(connection, f'from {catalog}.{DOMAIN}."{name}" at (version => {snapshot})', ())
        for name in tables_of(connection, catalog, DOMAIN, snapshot)
    }


def _rows(connection: duckdb.DuckDBPyConnection, query: str, without: tuple[str, ...]) -> Counter[str]:
    cursor = connection.execute(query)
    kept = [index for index, column in enumerate(cursor.description or ()) if column[0] not in without]
    return Counter(repr([row[index] for index in kept]) for row in cursor.fetchall())
