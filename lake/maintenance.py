"""Keep the catalogs small: merge small files, expire snapshots that are no longer needed, delete files that nothing references.

Nobody writes meanwhile (`lake/lock.py`). Every table is counted before, after merging and expiring, and again after files have been
deleted (`lake/counts.py`). A table that contradicts itself or its ledger stops maintenance at once, before anything is lost for good:
merging and expiring only schedule old files for deletion, which comes last, and not before a day has passed.

Snapshots that are kept:

- of `marts`, those of releases that are still available (`lake/retention.py`), and the newest;
- of `lake`, those younger than the grace period, which running builds and audits may still read, and the newest;
- of `lake`, those that the newest build of each domain read and wrote, since it may not be audited or published yet.

Rows keep the number of the snapshot that wrote them when files are merged and that snapshot is expired: the `snapshot_id` of a row is as
valid after maintenance as before. Inlined rows stay in the catalog: there are open reports of rows lost and doubled by flushing them
(duckdb/ducklake#1364, #1406). `ioc status --lake` shows how many there are.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

import duckdb

from core.settings import Settings
from lake.connection import CatalogName, connected
from lake.counts import CATALOGS, Count, count_tables, require_agreement, require_unchanged
from lake.lock import alone
from lake.retention import Publication, Retention, needed_versions, retention_of
from lake.snapshots import newest_snapshot

GRACE = timedelta(days=1)
"""How long a snapshot of the lake, and a file that nothing references any more, are kept for readers still using them."""


def tidy(settings: Settings, grace: timedelta = GRACE) -> dict[str, int]:
    """Maintain both catalogs; return how many snapshots were expired in each.

    Raises CountError if the rows of a table differ from its ledger, from its files, or from those before.
    """
    now, policy = settings.clock(), retention_of(settings)
    expired: dict[str, int] = {}
    upkeep = settings.for_maintenance()
    with alone(upkeep) as lock, connected(upkeep) as connection:
        before = count_tables(connection)
        require_agreement(before, "before maintenance")
        for catalog, needed in snapshots_needed(connection, now, policy, grace).items():
            connection.execute(f"call ducklake_merge_adjacent_files('{catalog}')")
            old = sorted(_snapshots(connection, catalog) - needed)
            if old:
                connection.execute(f"call ducklake_expire_snapshots('{catalog}', versions => {old})")
            expired[catalog] = len(old)
        _require_same_rows(connection, before, "after files were merged and snapshots expired")
        lock.require_held()
        for catalog in CATALOGS:
            connection.execute(f"call ducklake_cleanup_old_files('{catalog}', older_than => ?)", [now - grace])
        _require_same_rows(connection, before, "after old files were deleted")
    return expired


def snapshots_needed(
    connection: duckdb.DuckDBPyConnection, now: datetime, policy: Retention, grace: timedelta = GRACE
) -> Mapping[CatalogName, frozenset[int]]:
    """Return the snapshots that maintenance keeps, by catalog."""
    young = _snapshots(connection, "lake", since=now - grace)
    released = needed_versions(publications(connection), now, policy)
    return {
        "lake": young | newest_builds(connection) | _newest(connection, "lake"),
        "marts": released | _newest(connection, "marts"),
    }


def publications(connection: duckdb.DuckDBPyConnection) -> list[Publication]:
    """Return every release with its version of `marts`."""
    rows = connection.execute(
        "select domain, release_id, snapshot_id, published_at from marts.operations.releases order by release_id"
    ).fetchall()
    return [Publication(*row) for row in rows]


def newest_builds(connection: duckdb.DuckDBPyConnection) -> frozenset[int]:
    """Return the snapshots of the lake that each domain's newest build read and wrote: its audit or publication may still be due."""
    rows = connection.execute(
        "select max(snapshot_read), max(snapshot_written) from lake.operations.builds where outcome = 'passed' group by domain"
    ).fetchall()
    return frozenset(int(snapshot) for row in rows for snapshot in row)


def _snapshots(
    connection: duckdb.DuckDBPyConnection, catalog: CatalogName, since: datetime | None = None
) -> frozenset[int]:
    rows = connection.execute(
        f"select snapshot_id from {catalog}.snapshots() where snapshot_time >= coalesce(?, snapshot_time)", [since]
    ).fetchall()
    return frozenset(int(row[0]) for row in rows)


def _newest(connection: duckdb.DuckDBPyConnection, catalog: CatalogName) -> frozenset[int]:
    return frozenset({newest_snapshot(connection, catalog)})


def _require_same_rows(connection: duckdb.DuckDBPyConnection, before: Mapping[str, Count], when: str) -> None:
    after = count_tables(connection)
    require_unchanged(before, after, when)
    require_agreement(after, when)
