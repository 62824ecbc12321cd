"""The steps after bronze, each on a connection of its own: what a task or a command calls."""

from ingestion.errors import AuditError
from ingestion.settings import Settings
from lake.connection import connected
from lake.lock import writing
from lake.releases import Release
from quality import audit, build, release, restatements, verdicts

QUALITY = "quality"
"""The domain of the scores: built like the others, from their ledgers."""


def build_domain(settings: Settings, domain: str, *, full_refresh: bool = False) -> build.Build:
    """Build a domain's marts; give the snapshot that holds them."""
    with connected(settings) as connection:
        return build.build(connection, settings, domain, full_refresh=full_refresh)


def audit_domain(settings: Settings, domain: str, snapshot_id: int | None = None) -> verdicts.Verdict:
    """Audit a domain's marts as of a complete build (the last one, where no snapshot is named) and keep the verdict.

    Raises AuditError where the snapshot is not the result of a build whose models and tests all passed.
    """
    with connected(settings) as connection:
        chosen = build.find_last_build(connection, domain) if snapshot_id is None else snapshot_id
        if not build.is_built(connection, domain, chosen):
            raise AuditError(
                f"{domain}: snapshot {chosen} is not the result of a complete build; run `ioc build {domain}`"
            )
        verdict = audit.audit(connection, domain, chosen, settings.clock())
        with writing(settings, f"verdict {domain}"):
            verdicts.record_verdict(connection, verdict)
        return verdict


def require_pass(settings: Settings, domain: str, snapshot_id: int) -> int:
    """Audit, and give the snapshot back where it passed; raises AuditError with the reason where it did not."""
    verdict = audit_domain(settings, domain, snapshot_id)
    if not verdict.passed:
        raise AuditError(
            f"{domain}: snapshot {snapshot_id} did not pass its audit: {verdict.reason}; the last release stays"
        )
    return snapshot_id


def publish_domain(settings: Settings, domain: str, snapshot_id: int | None = None) -> Release:
    """Publish a domain as of a snapshot (its last audited one, where none is named), and keep what it says otherwise than before."""
    with connected(settings) as connection:
        chosen = verdicts.find_last_audited(connection, domain) if snapshot_id is None else snapshot_id
        published = release.publish(connection, settings, domain, chosen)
        restatements.compare_releases(connection, settings, domain)
        return published


def rollback_domain(settings: Settings, domain: str, release_id: int) -> Release:
    """Put an earlier release of a domain back in force."""
    with connected(settings) as connection:
        rolled_back = release.rollback(connection, settings, domain, release_id)
        restatements.compare_releases(connection, settings, domain)
        return rolled_back
