"""The steps after bronze, each on a connection of its own: what a task or a command calls.

`bring_up_to_date` takes a domain to its release by whatever steps are due. The single steps do what a person asks for.
"""

from collections.abc import Callable

from core.errors import AuditError
from core.settings import Settings
from lake.connection import connected
from lake.lock import exclusive, writing
from lake.releases import Release
from quality import audit, levels, release, verdicts
from transform import build, on_trino


def build_domain(settings: Settings, domain: str, *, full_refresh: bool = False) -> build.Build:
    """Build a domain's candidate marts."""
    with connected(settings) as connection:
        return build.build(connection, settings, domain, full_refresh=full_refresh)


def build_domain_on_trino(settings: Settings, domain: str, *, full_refresh: bool = False) -> on_trino.TrinoBuild:
    """Build a domain's candidate marts on Trino, from what was copied to Iceberg."""
    return on_trino.build_on_trino(settings, domain, full_refresh=full_refresh)


def audit_domain(settings: Settings, domain: str, snapshot_id: int | None = None) -> verdicts.Verdict:
    """Audit the build of a domain that read a snapshot (its last one, if none is named) and keep the verdict.

    Raises AuditError if no build that passed all its tests read that snapshot.
    """
    with connected(settings) as connection:
        built = build.require_build(connection, domain, snapshot_id)
        verdict = audit.audit(connection, built, settings.clock())
        with writing(settings, f"verdict {domain}"):
            verdicts.record_verdict(connection, verdict)
        return verdict


def require_pass(settings: Settings, domain: str, snapshot_id: int | None = None) -> int:
    """Audit, and return the snapshot of the build if it passed; raise AuditError with the reason if it did not."""
    verdict = audit_domain(settings, domain, snapshot_id)
    if not verdict.passed:
        raise AuditError(
            f"{domain}: snapshot {verdict.snapshot_id} did not pass its audit: {verdict.reason}; the last release stays"
        )
    return verdict.snapshot_id


def publish_domain(settings: Settings, domain: str, snapshot_id: int | None = None) -> Release:
    """Publish the build of a domain that read a snapshot (its last audited one, if none is named)."""
    with connected(settings) as connection:
        chosen = verdicts.find_last_audited(connection, domain) if snapshot_id is None else snapshot_id
        return release.publish(connection, settings, domain, chosen)


def rollback_domain(settings: Settings, domain: str, release_id: int) -> Release:
    """Put an earlier release of a domain back in force."""
    with connected(settings) as connection:
        return release.rollback(connection, settings, domain, release_id)


def due_step(settings: Settings, domain: str, *, of_last_build: bool = False) -> levels.Step | None:
    """Return the next step of a domain, or of its last build; raise AuditError if a failed test or audit blocks it."""
    with connected(settings) as connection:
        level = (
            levels.level_of_last_build(connection, domain)
            if of_last_build
            else levels.level_of(connection, domain, settings.clock())
        )
    if level.stuck:
        raise AuditError(f"{domain}: {level.stuck}; the last release stays until new data or code come")
    return level.due


def due_steps(settings: Settings) -> dict[str, str]:
    """Return the next step of each domain that has one; a domain that is stuck has none."""
    with connected(settings) as connection:
        found = levels.levels(connection, settings.clock())
    return {level.domain: level.due.value for level in found if level.due}


def take_step(settings: Settings, domain: str, step: levels.Step) -> bool:
    """Take a step of a domain if it is the next one, or the next one of its last build; return whether it was.

    A caller that comes meanwhile waits, and then checks again. Raises AuditError if a failed test or audit blocks the domain.
    """
    with exclusive(settings, f"step {domain}"):
        if due_step(settings, domain, of_last_build=step is not levels.Step.BUILD) is not step:
            return False
        STEPS[step](settings, domain)
        return True


def bring_up_to_date(settings: Settings, domain: str) -> list[levels.Step]:
    """Take every step that is due until a domain's release shows what was loaded; return the steps taken."""
    return [step for step in levels.Step if take_step(settings, domain, step)]


STEPS: dict[levels.Step, Callable[[Settings, str], object]] = {
    levels.Step.BUILD: build_domain,
    levels.Step.AUDIT: require_pass,
    levels.Step.PUBLISH: publish_domain,
}
