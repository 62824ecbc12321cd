"""Publish what passed, and take it back.

Publishing makes the released rows of a domain equal to its audited candidates, in one transaction with the release row. It needs a
passing verdict on that very build: a missing verdict counts as failing. A domain that fails keeps its last good release, which
shows its own age, because every mart carries its event times. The same build is published once, however often that is asked for,
and an older one never replaces a newer one except by a rollback.
"""

from collections.abc import Mapping
from datetime import datetime

import duckdb

from core.errors import AuditError
from core.settings import Settings
from lake.lock import exclusive
from lake.publication import Publication, Source, publish_rows
from lake.releases import Release, find_release, last_release, newest_published
from lake.snapshots import tables_of
from quality.marts import keys_of
from quality.verdicts import find_verdict
from transform.build import require_build

AXES = ("correct", "complete", "clean", "live", "consistent", "score")


def publish(connection: duckdb.DuckDBPyConnection, settings: Settings, domain: str, snapshot_id: int) -> Release:
    """Publish the build of a domain that read a snapshot; return the release that shows it, which may exist already.

    Raises AuditError if that build has no passing verdict, or if a newer one was published.
    """
    verdict = find_verdict(connection, domain, snapshot_id)
    if verdict is None:
        raise AuditError(f"{domain}: expected a verdict on snapshot {snapshot_id}, got none; run `ioc audit {domain}`")
    if not verdict.passed:
        raise AuditError(
            f"{domain}: snapshot {snapshot_id} did not pass its audit: {verdict.reason}; the last release stays"
        )
    built = require_build(connection, domain, snapshot_id)
    with exclusive(settings, "release") as lock:
        in_force = last_release(connection, domain)
        if in_force is not None and in_force.lake_snapshot == snapshot_id:
            return in_force
        newest = newest_published(connection, domain)
        if newest >= snapshot_id:
            raise AuditError(
                f"{domain}: expected a build newer than snapshot {newest}, which was published already, got snapshot {snapshot_id}; "
                f"`ioc rollback {domain} RELEASE` puts an earlier release back in force"
            )
        scores, last_event_at = _scores(connection, domain)
        return publish_rows(
            connection,
            Publication(
                domain=domain,
                source=Source("lake", built.written),
                keys=keys_of(domain),
                lake_snapshot=snapshot_id,
                suite=verdict.suite,
                action="publish",
                reason=verdict.reason or f"{len(verdict.checks)} checks passed",
                scores=scores,
                last_event_at=last_event_at,
                published_at=settings.clock(),
            ),
            before_commit=lock.require_held,
        )


def rollback(connection: duckdb.DuckDBPyConnection, settings: Settings, domain: str, release_id: int) -> Release:
    """Publish again what an earlier release of a domain showed; if that is in force, no release is made.

    Raises UnknownNameError if that release never existed, AuditError if its rows are no longer kept.
    """
    with exclusive(settings, "release") as lock:
        earlier = find_release(connection, domain, release_id)
        in_force = last_release(connection, domain)
        if in_force is not None and in_force.lake_snapshot == earlier.lake_snapshot:
            return in_force
        if not tables_of_release(connection, earlier):
            raise AuditError(
                f"{domain}: expected the rows of release {release_id}, got none, as they are no longer kept; "
                "see `ioc releases` for newer ones"
            )
        return publish_rows(
            connection,
            Publication(
                domain=domain,
                source=Source("marts", earlier.marts_version),
                keys=keys_of(domain),
                lake_snapshot=earlier.lake_snapshot,
                suite=earlier.suite,
                action="rollback",
                reason=f"back to release {release_id}",
                scores=earlier.scores,
                last_event_at=earlier.last_event_at,
                published_at=settings.clock(),
            ),
            before_commit=lock.require_held,
        )


def tables_of_release(connection: duckdb.DuckDBPyConnection, release: Release) -> list[str]:
    """Return the marts that a release shows; none if its version of the catalog has expired."""
    kept = connection.execute(
        "select count(*) from marts.snapshots() where snapshot_id = ?", [release.marts_version]
    ).fetchone()
    return tables_of(connection, "marts", release.domain, release.marts_version) if kept and kept[0] else []


def _scores(
    connection: duckdb.DuckDBPyConnection, domain: str
) -> tuple[Mapping[str, Mapping[str, float | None]], datetime | None]:
    """Read the released scores of a domain's feeds; none before the first release of the scores."""
    if last_release(connection, "quality") is None:
        return {}, None
    found = connection.execute("select * from marts.quality.feed_scores where domain = ?", [domain])
    names = [str(column[0]) for column in found.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    events = [row["last_event_at"] for row in rows if row["last_event_at"] is not None]
    scores = {
        str(row["feed"]): {axis: _number(row.get(axis)) for axis in AXES} for row in rows
    }  # an old release has not each axis
    return scores, max(events) if events else None


def _number(value: object) -> float | None:
    return None if value is None else float(str(value))
