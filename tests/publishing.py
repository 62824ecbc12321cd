"""Publish candidates written by a test, without a build or an audit."""

from collections.abc import Mapping
from datetime import datetime

import duckdb

from lake.publication import Publication, Source, publish_rows
from lake.releases import Release
from lake.snapshots import newest_snapshot


def publish_candidates(
    connection: duckdb.DuckDBPyConnection,
    domain: str,
    published_at: datetime,
    keys: Mapping[str, tuple[str, ...]] | None = None,
) -> Release:
    """Publish the current candidates of a domain; tables without a key are rewritten."""
    snapshot = newest_snapshot(connection)
    return publish_rows(
        connection,
        Publication(
            domain=domain,
            source=Source("lake", snapshot),
            keys=keys or {},
            lake_snapshot=snapshot,
            suite="digest",
            action="publish",
            reason="by hand",
            scores={},
            last_event_at=published_at,
            published_at=published_at,
        ),
    )
