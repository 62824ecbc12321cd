"""Releases: what readers see of each domain, since when, and why.

`marts` holds released rows and one row per release, written in the same transaction. The catalog version which that transaction created
is the release's `marts_version`, by which the whole of `marts` can be read as it was then. Nothing is ever rewritten: a rollback is one
more release. The newest row of a domain is in force.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import duckdb

from core.errors import UnknownNameError

OPERATIONS = "operations"

RECENT = 200
"""How many releases are read to find those in force; a domain with none among them is looked up by itself."""

COLUMNS = (
    "release_id",
    "domain",
    "lake_snapshot",
    "verdict",
    "suite",
    "action",
    "reason",
    "scores",
    "last_event_at",
    "published_at",
)


@dataclass(frozen=True)
class Release:
    """One row of `marts.operations.releases`.

    `lake_snapshot` is the snapshot of the lake that the figures describe, `marts_version` the snapshot of `marts` that holds them, `action`
    publish or rollback, `suite` the digest of the checks that passed, `scores` percentages by feed and axis.
    """

    release_id: int
    domain: str
    lake_snapshot: int
    verdict: str
    suite: str
    action: str
    reason: str
    scores: Mapping[str, Mapping[str, float | None]]
    last_event_at: datetime | None
    published_at: datetime
    marts_version: int


def newest_release_id(connection: duckdb.DuckDBPyConnection) -> int:
    """Return the id of the newest release of all domains; 0 before the first one."""
    row = connection.execute("select coalesce(max(release_id), 0) from marts.operations.releases").fetchone()
    return int(row[0]) if row else 0


def recent_releases(connection: duckdb.DuckDBPyConnection, count: int = RECENT) -> list[Release]:
    """Return the `count` newest releases of all domains, oldest first, without reading any older ones."""
    return _read(connection, "release_id > ?", [newest_release_id(connection) - count])


def releases_of(connection: duckdb.DuckDBPyConnection, domain: str) -> list[Release]:
    """Return every release of a domain, oldest first."""
    return _read(connection, "domain = ?", [domain])


def find_release(connection: duckdb.DuckDBPyConnection, domain: str, release_id: int) -> Release:
    """Return one release of a domain; raises UnknownNameError naming the newest ones."""
    found = _read(connection, "release_id = ? and domain = ?", [release_id, domain])
    if not found:
        mine = [str(release.release_id) for release in recent_releases(connection) if release.domain == domain]
        raise UnknownNameError(
            f"{domain}: expected a release of this domain, got {release_id}; the newest are {', '.join(mine) or 'none'}",
            domain=domain,
        )
    return found[0]


def last_release(connection: duckdb.DuckDBPyConnection, domain: str) -> Release | None:
    """Return the release of a domain that is in force; None before the first one."""
    for release in reversed(recent_releases(connection)):
        if release.domain == domain:
            return release
    found = _read(
        connection,
        "release_id = (select max(release_id) from marts.operations.releases where domain = ?)",
        [domain],
    )
    return found[0] if found else None


def releases_in_force(connection: duckdb.DuckDBPyConnection) -> dict[str, Release]:
    """Return the releases in force, by domain."""
    in_force = {release.domain: release for release in recent_releases(connection)}
    shown = connection.execute(
        "select schema_name from duckdb_schemas() where database_name = 'marts' and schema_name not in ('main', ?)",
        [OPERATIONS],
    ).fetchall()
    for (domain,) in shown:
        if domain not in in_force and (release := last_release(connection, str(domain))):
            in_force[str(domain)] = release
    return in_force


def newest_published(connection: duckdb.DuckDBPyConnection, domain: str) -> int:
    """Return the newest snapshot of the lake that a domain ever published, rollbacks included; -1 before the first release."""
    row = connection.execute(
        "select coalesce(max(lake_snapshot), -1) from marts.operations.releases where domain = ?", [domain]
    ).fetchone()
    return int(row[0]) if row else -1


def version_as_of(connection: duckdb.DuckDBPyConnection, moment: datetime) -> int | None:
    """Return the version of `marts` that readers saw at a time; None before the first release."""
    row = connection.execute(
        "select max(snapshot_id) from marts.operations.releases where published_at <= ?", [moment]
    ).fetchone()
    return None if row is None or row[0] is None else int(row[0])


def insert_release(connection: duckdb.DuckDBPyConnection, release: Iterable[object]) -> None:
    """Insert one release row, with values in the order of COLUMNS; the caller holds the lock and the transaction."""
    connection.execute(f"insert into marts.operations.releases values ({', '.join('?' * len(COLUMNS))})", [*release])


def _read(connection: duckdb.DuckDBPyConnection, condition: str, values: list[object]) -> list[Release]:
    rows = connection.execute(
        f"select {', '.join(COLUMNS)}, snapshot_id from marts.operations.releases where {condition} order by release_id",
        values,
    ).fetchall()
    names = (*COLUMNS, "marts_version")
    found = [dict(zip(names, row, strict=True)) for row in rows]
    return [Release(**{**one, "scores": json.loads(one["scores"])}) for one in found]
