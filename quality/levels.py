"""What is due, worked out from state: the ledger ahead of a domain's last build, the build ahead of its audit and of its release.

It never matters what a task happened to do. A task that died after its commit, or a retry that found nothing left to load, leads to the
same end, because whoever looks next sees the same levels.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import duckdb

from core.contract import read_contracts
from core.domains import QUALITY, domain_names
from lake.releases import newest_published
from quality.audit import suite_digest
from quality.verdicts import find_verdict
from transform.build import code_digest, find_build, last_failure

SCORES_GROW_OLD = timedelta(minutes=15)
"""The scores are built again after this long even if nothing came: a feed that fell silent must lose points."""


class Step(StrEnum):
    """The next thing that a domain needs."""

    BUILD = "build"
    AUDIT = "audit"
    PUBLISH = "publish"


@dataclass(frozen=True)
class Level:
    """How far a domain is. `due` is its next step, None if it is up to date or stuck; `stuck` says why it cannot go on."""

    domain: str
    due: Step | None
    stuck: str = ""

    @property
    def is_settled(self) -> bool:
        """Whether the release in force shows everything that was loaded."""
        return self.due is None and not self.stuck


def level_of(connection: duckdb.DuckDBPyConnection, domain: str, now: datetime) -> Level:
    """Work out the next step of a domain."""
    built = find_build(connection, domain)
    failure = last_failure(connection, domain)
    seen, code = (failure[:2]) if failure else (built.snapshot_id, built.code) if built else (-1, "")
    if code != code_digest() or _is_ahead(connection, domain, seen, now):
        return Level(domain, Step.BUILD)
    return level_of_last_build(connection, domain)


def level_of_last_build(connection: duckdb.DuckDBPyConnection, domain: str) -> Level:
    """Work out the next step of a domain's last build, whatever was loaded since.

    A build is audited and published even if rows came while it ran; they belong to the next one. Otherwise a domain whose rows come faster
    than it is built would never be released.
    """
    if failure := last_failure(connection, domain):
        return Level(domain, None, stuck=failure[2])
    built = find_build(connection, domain)
    if built is None:
        return Level(domain, Step.BUILD)
    verdict = find_verdict(connection, domain, built.snapshot_id)
    if verdict is None or verdict.suite != suite_digest(domain):
        return Level(domain, Step.AUDIT)
    if newest_published(connection, domain) >= built.snapshot_id:
        return Level(domain, None)
    return Level(domain, Step.PUBLISH) if verdict.passed else Level(domain, None, stuck=verdict.reason)


def levels(connection: duckdb.DuckDBPyConnection, now: datetime) -> list[Level]:
    """Work out the next step of every domain, the scores last."""
    return [level_of(connection, domain, now) for domain in domain_names()]


def _is_ahead(connection: duckdb.DuckDBPyConnection, domain: str, snapshot: int, now: datetime) -> bool:
    """Whether the ledger holds anything that a build of a snapshot did not see."""
    feeds = [contract.feed for contract in read_contracts().values() if domain in (contract.domain, QUALITY)]
    row = connection.execute(
        "select count(*) from (from lake.ledger.deliveries where list_contains(?, feed) and snapshot_id > ? limit 1)",
        [feeds, snapshot],
    ).fetchone()
    if row and row[0]:
        return True
    return domain == QUALITY and _has_grown_old(connection, snapshot, now)


def _has_grown_old(connection: duckdb.DuckDBPyConnection, snapshot: int, now: datetime) -> bool:
    """Whether the scores are older than they may be, or a recapture or a repair has come since."""
    row = connection.execute(
        """
        select
            exists (from lake.ledger.recaptures where snapshot_id > $snapshot)
            or exists (from lake.quarantine.repairs where snapshot_id > $snapshot)
            or exists (
                from lake.operations.builds
                where domain = $domain and snapshot_read = $snapshot and built_at <= $before
            )
        """,
        {"snapshot": snapshot, "domain": QUALITY, "before": now - SCORES_GROW_OLD},
    ).fetchone()
    return bool(row and row[0])
