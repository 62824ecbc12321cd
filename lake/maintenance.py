"""Keep the catalogs small: merge small files, forget snapshots that nobody can ask for, delete files that nothing names.

Snapshots that a release names are never expired inside the retention period, and no snapshot is younger than the grace: a build or a
reader may still stand on it. Bronze keeps no history of its own (rows are only ever added), so its old snapshots may go.
"""

from datetime import timedelta

from ingestion.settings import Settings
from lake.connection import CatalogName, connected
from lake.lock import alone
from lake.releases import list_releases

RETENTION = timedelta(days=3 * 365 + 1)
"""How long a released snapshot can be asked for (36 months, as vessel journeys must be kept)."""

GRACE = timedelta(days=1)
CATALOGS: tuple[CatalogName, ...] = ("lake", "marts")


def tidy(settings: Settings, grace: timedelta = GRACE) -> dict[str, int]:
    """Tidy both catalogs; give how many snapshots were expired in each."""
    now = settings.clock()
    expired: dict[str, int] = {}
    with alone(settings), connected(settings) as connection:
        kept = {release.snapshot_id for release in list_releases(connection) if release.published_at >= now - RETENTION}
        for catalog in CATALOGS:
            rows = connection.execute(
                f"select snapshot_id from {catalog}.snapshots() where snapshot_time < ? order by snapshot_id",
                [now - grace],
            ).fetchall()
            newest = connection.execute(f"select max(snapshot_id) from {catalog}.snapshots()").fetchone()
            needed = (kept if catalog == "marts" else set()) | ({newest[0]} if newest else set())
            old = [int(row[0]) for row in rows if row[0] not in needed]
            connection.execute(f"call ducklake_merge_adjacent_files('{catalog}')")
            if old:
                connection.execute(f"call ducklake_expire_snapshots('{catalog}', versions => {old})")
            connection.execute(f"call ducklake_cleanup_old_files('{catalog}', older_than => ?)", [now - grace])
            expired[catalog] = len(old)
    return expired
