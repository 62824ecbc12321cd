"""Publish what passed, and take it back.

One release row is the publication. It needs a passing verdict on the very snapshot: a missing verdict is a failing one. A domain that
fails keeps its last good release, which says its age itself, because every mart carries its event times.
"""

from collections.abc import Mapping
from datetime import datetime

import duckdb

from ingestion.errors import AuditError
from ingestion.settings import Settings
from lake.lock import exclusive
from lake.releases import Release, find_release, record_release
from quality.verdicts import find_verdict

AXES = ("correct", "complete", "clean", "live", "score")


def publish(connection: duckdb.DuckDBPyConnection, settings: Settings, domain: str, snapshot_id: int) -> Release:
    """Publish a domain's marts as of a snapshot; raises AuditError where no passing verdict stands on that snapshot."""
    verdict = find_verdict(connection, domain, snapshot_id)
    if verdict is None:
        raise AuditError(
            f"{domain}: a verdict on snapshot {snapshot_id} was promised, there is none; run `ioc audit {domain}`"
        )
    if not verdict.passed:
        raise AuditError(
            f"{domain}: snapshot {snapshot_id} did not pass its audit: {verdict.reason}; the last release stays"
        )
    scores, last_event_at = _scores(connection, domain)
    with exclusive(settings, "release"):
        return record_release(
            connection,
            domain,
            snapshot_id,
            action="publish",
            reason=f"{len(verdict.checks)} checks passed" if not verdict.reason else verdict.reason,
            scores=scores,
            last_event_at=last_event_at,
            published_at=settings.clock(),
        )


def rollback(connection: duckdb.DuckDBPyConnection, settings: Settings, domain: str, release_id: int) -> Release:
    """Put an earlier release of a domain back in force, as one more row; raises UnknownNameError where it never was."""
    with exclusive(settings, "release"):
        earlier = find_release(connection, domain, release_id)
        return record_release(
            connection,
            domain,
            earlier.snapshot_id,
            action="rollback",
            reason=f"back to release {release_id}",
            scores=earlier.scores,
            last_event_at=earlier.last_event_at,
            published_at=settings.clock(),
        )


def _scores(
    connection: duckdb.DuckDBPyConnection, domain: str
) -> tuple[Mapping[str, Mapping[str, float | None]], datetime | None]:
    """Read the newest scores of a domain's feeds; none before the quality marts were built the first time."""
    known = connection.execute(
        "select count(*) from duckdb_tables() where database_name = 'marts' and schema_name = 'quality' "
        "and table_name = 'feed_scores'"
    ).fetchone()
    if not known or not known[0]:
        return {}, None
    rows = connection.execute(
        f"select feed, {', '.join(AXES)}, last_event_at from marts.quality.feed_scores where domain = ?", [domain]
    ).fetchall()
    events = [row[-1] for row in rows if row[-1] is not None]
    scores = {str(row[0]): dict(zip(AXES, map(_number, row[1:-1]), strict=True)) for row in rows}
    return scores, max(events) if events else None


def _number(value: object) -> float | None:
    return None if value is None else float(str(value))
