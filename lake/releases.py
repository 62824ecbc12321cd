"""Releases: which snapshot of the marts readers see, per domain.

A release is one row. Publishing writes a row, rolling back writes a row, nothing is ever rewritten; the newest row of a domain is in
force, and the newest row before a past hour was in force at that hour. Readers get views pinned to the released snapshot, so
that a dashboard sees one consistent, audited state of a domain while the next one is being built.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import duckdb

from ingestion.errors import UnknownNameError
from lake.connection import CatalogName
from lake.transaction import transaction

OPERATIONS = "operations"


@dataclass(frozen=True)
class Release:
    """One row of `marts.operations.releases`. `action` is publish or rollback; `scores` are percentages by feed and axis."""

    release_id: int
    domain: str
    snapshot_id: int
    verdict: str
    action: str
    reason: str
    scores: Mapping[str, Mapping[str, float | None]]
    last_event_at: datetime | None
    published_at: datetime


def latest_snapshot(connection: duckdb.DuckDBPyConnection, catalog: CatalogName = "marts") -> int:
    """Give the newest snapshot of a catalog."""
    row = connection.execute(f"select max(snapshot_id) from {catalog}.snapshots()").fetchone()
    if row is None or row[0] is None:
        raise UnknownNameError(f"{catalog}: a snapshot was promised, the catalog has none; run `ioc build`")
    return int(row[0])


def record_release(
    connection: duckdb.DuckDBPyConnection,
    domain: str,
    snapshot_id: int,
    *,
    action: str,
    reason: str,
    scores: Mapping[str, Mapping[str, float | None]],
    last_event_at: datetime | None,
    published_at: datetime,
) -> Release:
    """Write one release row; the caller holds the lock `release`, so that ids count up by one."""
    with transaction(connection, "marts", f"{action} {domain}", {"domain": domain, "snapshot_id": snapshot_id}):
        row = connection.execute("select coalesce(max(release_id), 0) + 1 from marts.operations.releases").fetchone()
        release = Release(
            int(row[0]) if row else 1,
            domain,
            snapshot_id,
            "passed",
            action,
            reason,
            scores,
            last_event_at,
            published_at,
        )
        connection.execute(
            "insert into marts.operations.releases values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                release.release_id,
                domain,
                snapshot_id,
                release.verdict,
                action,
                reason,
                json.dumps(scores),
                last_event_at,
                published_at,
            ],
        )
    return release


def list_releases(connection: duckdb.DuckDBPyConnection) -> list[Release]:
    """Give every release, oldest first; none where nothing was published yet."""
    rows = connection.execute(
        """
        select release_id, domain, snapshot_id, verdict, action, reason, scores, last_event_at, published_at
        from marts.operations.releases
        order by release_id
        """
    ).fetchall()
    names = (
        "release_id",
        "domain",
        "snapshot_id",
        "verdict",
        "action",
        "reason",
        "scores",
        "last_event_at",
        "published_at",
    )
    return [Release(**dict(zip(names, [*row[:6], json.loads(row[6]), *row[7:]], strict=True))) for row in rows]


def find_release(connection: duckdb.DuckDBPyConnection, domain: str, release_id: int) -> Release:
    """Give one release of a domain; raise UnknownNameError naming those there are."""
    mine = {release.release_id: release for release in list_releases(connection) if release.domain == domain}
    if release_id not in mine:
        known = ", ".join(map(str, mine)) or "none"
        raise UnknownNameError(f"{domain}: no release {release_id}; there are {known}", domain=domain)
    return mine[release_id]


def releases_in_force(connection: duckdb.DuckDBPyConnection, as_of: datetime | None = None) -> dict[str, Release]:
    """Give, by domain, the release in force at a time; in force now where `as_of` is None."""
    in_force: dict[str, Release] = {}
    for release in list_releases(connection):
        if as_of is None or release.published_at <= as_of:
            in_force[release.domain] = release
    return in_force


def create_released_views(connection: duckdb.DuckDBPyConnection, as_of: datetime | None = None) -> dict[str, Release]:
    """Give the connection one view a released mart, `<domain>.<mart>`, pinned to its snapshot; give the releases shown.

    `operations.releases` and `operations.audits` are shown as they are. Views of an earlier call are replaced.
    """
    in_force = releases_in_force(connection, as_of)
    for domain, release in in_force.items():
        connection.execute(f'create schema if not exists memory."{domain}"')
        for table in tables_of(connection, domain, release.snapshot_id):
            connection.execute(
                f'create or replace view memory."{domain}"."{table}" as '
                f'select * from marts."{domain}"."{table}" at (version => {release.snapshot_id})'
            )
    connection.execute(f"create schema if not exists memory.{OPERATIONS}")
    for table in tables_of(connection, OPERATIONS, latest_snapshot(connection)):
        connection.execute(
            f'create or replace view memory.{OPERATIONS}."{table}" as select * from marts.{OPERATIONS}."{table}"'
        )
    return in_force


def tables_of(connection: duckdb.DuckDBPyConnection, schema: str, snapshot_id: int) -> list[str]:
    """Name the tables that a schema of the marts holds as of a snapshot: what its release will show."""
    rows = connection.execute(
        """
        select tables.table_name
        from __ducklake_metadata_marts.ducklake_table as tables
        inner join __ducklake_metadata_marts.ducklake_schema as schemas using (schema_id)
        where schemas.schema_name = ?
            and tables.begin_snapshot <= ? and (tables.end_snapshot is null or tables.end_snapshot > ?)
            and schemas.begin_snapshot <= ? and (schemas.end_snapshot is null or schemas.end_snapshot > ?)
        order by tables.table_name
        """,
        [schema, *[snapshot_id] * 4],
    ).fetchall()
    return [str(row[0]) for row in rows]
