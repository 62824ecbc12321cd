"""A lake that can be put back: the tables of both catalogs are kept beside them, and copied back before each blow.

The objects below stay, because nothing ever writes to one twice; what a catalog does not name is not there.
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
"""Which load wrote a row, and when: the only thing in which two loads of the same bytes may differ."""

ARRIVAL = ("_delivery_id", "delivery_id", "_received_at", "received_at", "object_key")
"""Which arrival of the same bytes it was: differs where a collection began twice."""


@dataclass
class Scene:
    """The catalogs and the landing zone of one stack, whose clock stands at noon."""

    settings: Settings
    looker: duckdb.DuckDBPyConnection
    """Attached while one looks, and not while somebody else works: extensions are loaded once, which takes most of a connection's time."""

    _looks: int = 0

    @contextmanager
    def look(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Attach both catalogs as they are now; a look within a look sees the same."""
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
        """Make both catalogs anew, with their tables and nothing in them."""
        with log_in(self.settings, "postgres") as server:
            for database in CATALOGS:
                server.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(database)))
        Postgres(self.settings).settle()
        with exclusive(self.settings, "tables"), connected(self.settings) as connection:
            create_tables(connection, read_contracts())

    def keep(self, name: str) -> None:
        """Keep both catalogs as they are now, in a schema beside them."""
        for database in CATALOGS:
            with log_in(self.settings, database, "pipeline") as server, server.transaction():
                kept = sql.Identifier(f"kept_{name}")
                server.execute(sql.SQL("drop schema if exists {} cascade; create schema {}").format(kept, kept))
                for table in map(sql.Identifier, _tables(server, "public")):
                    server.execute(sql.SQL("create table {}.{} as table public.{}").format(kept, table, table))

    def restore(self, name: str) -> None:
        """Put both catalogs back to what was kept; sessions of processes that were killed are ended first."""
        for database in CATALOGS:
            with log_in(self.settings, database) as server, server.transaction():
                server.execute(
                    "select pg_terminate_backend(pid, 5000) from pg_stat_activity "
                    "where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'"
                )
                server.execute(sql.SQL("set local role {}").format(sql.Identifier(name_of(self.settings, "pipeline"))))
                kept, there = _tables(server, f"kept_{name}"), _tables(server, "public")
                same = {table for table in there if there[table] == kept.get(table)}
                for table in there.keys() - same:  # numbers are given again: a table of this name can be another one
                    server.execute(sql.SQL("drop table public.{}").format(sql.Identifier(table)))
                for table in kept:
                    here, copy = sql.Identifier("public", table), sql.Identifier(f"kept_{name}", table)
                    if table in same:
                        server.execute(sql.SQL("delete from {}; insert into {} table {}").format(here, here, copy))
                    else:
                        server.execute(sql.SQL("create table {} as table {}").format(here, copy))

    def clear_landing(self, feed: str) -> None:
        """Remove what was landed of a feed, what its collector remembers, and what its loads were at."""
        client = Landing(self.settings)._client
        for prefix in (f"{feed.replace('.', '/')}/", f"checkpoints/{feed}", f"attempts/load/{feed}"):
            for item in client.list_objects(BUCKET, prefix=prefix, recursive=True):
                client.remove_object(BUCKET, str(item.object_name))

    def land(self, feed: str, files: Iterable[File]) -> None:
        """Land files in their order."""
        landing, contract = Landing(self.settings), find_contract(feed)
        for name, content in files:
            landing.land(contract, name, content, self.settings.clock())

    def drop(self, files: Iterable[File]) -> None:
        """Put files into the folder that is collected, and no others."""
        folder = self.settings.drop / str(find_contract(LEVELS).option("folder"))
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        for name, content in files:
            (folder / name).write_bytes(content)

    def bronze(self, feed: str, *, arrivals_count: bool = True) -> Facts:
        """Give what a feed's loads wrote: bronze, quarantine, ledger, rules; without the arrival where it does not count.

        A second arrival of known bytes is then no fact either.
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
        """Count the deliveries whose books do not add up, their doors counted in the tables themselves."""
        with self.look() as connection:
            return sum(count_unbalanced(connection, find_contract(feed)) for feed in feeds)

    def built(self) -> Facts:
        """Give the candidates as the last complete build left them, and the silver tables below."""
        with self.look() as connection:
            silver = tables_of(connection, "lake", "silver", newest_snapshot(connection))
            return {
                **_marts(connection, "lake", require_build(connection, DOMAIN).written),
                **{f"silver.{name}": _rows(connection, f'from lake.silver."{name}"', ()) for name in silver},
            }

    def released(self) -> Facts:
        """Give what readers see of the domain now; nothing before its first release."""
        with self.look() as connection:
            return _marts(connection, "marts", newest_snapshot(connection, "marts"))

    def judged(self) -> Facts:
        """Give the verdict in force on the last complete build."""
        with self.look() as connection:
            verdict = find_verdict(connection, DOMAIN, require_build(connection, DOMAIN).snapshot_id)
            return {"verdict": Counter([repr(verdict)])}

    def in_force(self) -> Facts:
        """Give every release of the domain, what readers see, and what the last release's version of the catalog holds."""
        with self.look() as connection:
            releases = releases_of(connection, DOMAIN)
            told = Counter(repr(replace(release, marts_version=0)) for release in releases)
            kept = _marts(connection, "marts", releases[-1].marts_version) if releases else {}
            kept = {f"{name} of the release": rows for name, rows in kept.items()}
            return {"releases": told, **kept, **self.released()}


def _tables(server: psycopg.Connection[tuple[object, ...]], schema: str) -> dict[str, str]:
    """Return the tables of a schema, each with its columns and their types in words."""
    rows = server.execute(
        "select relname, string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' order by attnum) "
        "from pg_class join pg_attribute on attrelid = pg_class.oid and attnum > 0 and not attisdropped "
        "where relnamespace = (select oid from pg_namespace where nspname = %s) and relkind = 'r' group by relname",
        [schema],
    ).fetchall()
    return {str(name): str(columns) for name, columns in rows}


def at_noon(settings: Settings) -> Scene:
    """Give an empty scene whose clock stands at noon."""
    scene = Scene(settings.model_copy(update={"now": NOON}), connect(settings, catalogs=()))
    scene.empty()
    for feed in (LEVELS, REQUESTS):
        scene.clear_landing(feed)
    return scene


def count_unbalanced(connection: duckdb.DuckDBPyConnection, contract: Contract) -> int:
    """Count a feed's deliveries whose books do not add up, their doors counted in the tables themselves."""
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
