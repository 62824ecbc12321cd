"""Publish: make the released tables of a domain equal to a source, and write the release, in one transaction on `marts`.

Only differences are written: rows are updated, inserted and deleted by key, so that history costs only what changed, and the catalog's
change feed shows it. A table whose columns no longer match the source, or whose key is unknown, is rewritten. The views over all domains
follow in the same transaction (lake/overview.py).
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import duckdb

from lake.connection import CatalogName
from lake.overview import write_views
from lake.releases import Release, find_release, insert_release, newest_release_id
from lake.snapshots import newest_snapshot, tables_of
from lake.transaction import transaction


@dataclass(frozen=True)
class Source:
    """The rows to be published: the schema of a domain in a catalog, as of a snapshot."""

    catalog: CatalogName
    snapshot: int


@dataclass(frozen=True)
class Publication:
    """What to publish for a domain. `keys` maps table names to key columns; the other fields go into the release row."""

    domain: str
    source: Source
    keys: Mapping[str, tuple[str, ...]]
    lake_snapshot: int
    suite: str
    action: str
    reason: str
    scores: Mapping[str, Mapping[str, float | None]]
    last_event_at: datetime | None
    published_at: datetime


def publish_rows(
    connection: duckdb.DuckDBPyConnection, publication: Publication, before_commit: Callable[[], None] = lambda: None
) -> Release:
    """Publish; the caller holds the lock `release`, so that ids increase by one.

    `before_commit` is called last and raises if that lock was lost; nothing is published then.
    """
    domain, source = publication.domain, publication.source
    released = tables_of(connection, "marts", domain, newest_snapshot(connection, "marts"))
    candidates = tables_of(connection, source.catalog, domain, source.snapshot)
    release_id = newest_release_id(connection) + 1
    info: dict[str, str | int] = {
        "domain": domain,
        "release_id": release_id,
        "lake_snapshot": publication.lake_snapshot,
    }
    connection.execute(f'create schema if not exists marts."{domain}"')
    with transaction(connection, "marts", f"{publication.action} {domain}", info):
        for table in released:
            if table not in candidates:
                connection.execute(f'drop table marts."{domain}"."{table}"')
        for table in candidates:
            target = f'marts."{domain}"."{table}"'
            rows = f'(select * from {source.catalog}."{domain}"."{table}" at (version => {source.snapshot}))'
            columns = _columns(connection, rows)
            key = publication.keys.get(table)
            if key and table in released and _columns(connection, target) == columns:
                _write_differences(connection, target, rows, key, [name for name, _ in columns])
            else:
                connection.execute(f"create or replace table {target} as from {rows}")
        write_views(connection)
        insert_release(
            connection,
            (
                release_id,
                domain,
                publication.lake_snapshot,
                "passed",
                publication.suite,
                publication.action,
                publication.reason,
                json.dumps(publication.scores),
                publication.last_event_at,
                publication.published_at,
            ),
        )
        before_commit()
    return find_release(connection, domain, release_id)


def _columns(connection: duckdb.DuckDBPyConnection, relation: str) -> list[tuple[str, str]]:
    return [(str(row[0]), str(row[1])) for row in connection.execute(f"describe from {relation}").fetchall()]


def _write_differences(
    connection: duckdb.DuckDBPyConnection, target: str, rows: str, key: Iterable[str], columns: list[str]
) -> None:
    """Update and insert, then delete, since one `merge` allows only one action on matched rows."""
    same_key = " and ".join(f'released."{name}" is not distinct from candidate."{name}"' for name in key)
    others = [name for name in columns if name not in key]
    differs = " or ".join(f'released."{name}" is distinct from candidate."{name}"' for name in others)
    updates = ", ".join(f'"{name}" = candidate."{name}"' for name in others)
    update = f"when matched and ({differs}) then update set {updates}" if others else ""
    connection.execute(
        f"merge into {target} as released using {rows} as candidate on {same_key} {update} when not matched then insert"
    )
    connection.execute(
        f"delete from {target} as released where not exists (select 1 from {rows} as candidate where {same_key})"
    )
