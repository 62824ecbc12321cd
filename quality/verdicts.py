"""Verdicts: what an audit found, and where it is kept.

A verdict holds numbers and names of our own reference lists, never values of rows: the reason of a release is shown to readers. A
verdict cannot be built as passing against its own checks, so that a row changed by hand is refused when it is read.
"""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import duckdb

from core.errors import AuditError
from lake.transaction import transaction
from quality.suites.check import Severity


@dataclass(frozen=True)
class CheckResult:
    """What one check found. `expectation`, `observed` and `expected` are plain words with numbers; `error_group` is 1 to 8."""

    mart: str
    expectation: str
    error_group: int
    severity: Severity
    passed: bool
    observed: str
    expected: str

    @property
    def line(self) -> str:
        """The result in a few words."""
        return f"{self.mart}: {self.expectation} (expected {self.expected}, found {self.observed})"


@dataclass(frozen=True)
class Verdict:
    """The judgement on the candidates of the build that read a snapshot of the lake; `suite` is the digest of the checks that were run.

    Raises AuditError if it is built as passing against its own checks.
    """

    domain: str
    snapshot_id: int
    suite: str
    passed: bool
    audited_at: datetime
    checks: tuple[CheckResult, ...]

    def __post_init__(self) -> None:
        if self.passed and (not self.checks or self.failures("critical")):
            raise AuditError(
                f"{self.domain}: expected a passing verdict on snapshot {self.snapshot_id} to have checks and no failed critical one, got "
                f"{len(self.checks)} checks, {len(self.failures('critical'))} critical ones failed; audit again"
            )

    def failures(self, severity: Severity) -> tuple[CheckResult, ...]:
        """Return the failed checks of a severity."""
        return tuple(check for check in self.checks if check.severity == severity and not check.passed)

    @property
    def reason(self) -> str:
        """The failed critical checks with their numbers, in one line; the warnings of a verdict that passed."""
        if not self.checks:
            return "no check was run"
        if self.passed:
            warned = self.failures("warning")
            lines = "; ".join(check.line for check in warned)
            return (
                f"passed {len(self.checks) - len(warned)} of {len(self.checks)} checks, warned of: {lines}"
                if warned
                else ""
            )
        critical = self.failures("critical")
        return f"{len(critical)} of {len(self.checks)} checks failed: " + "; ".join(check.line for check in critical)


def record_verdict(connection: duckdb.DuckDBPyConnection, verdict: Verdict) -> None:
    """Write a verdict as one row; an earlier verdict on the same build stays, but is no longer in force."""
    info: dict[str, str | int] = {"domain": verdict.domain, "snapshot_id": verdict.snapshot_id}
    checks = json.dumps([asdict(check) for check in verdict.checks], ensure_ascii=False)
    with transaction(connection, "lake", f"audit {verdict.domain}", info):
        connection.execute(
            "insert into lake.operations.audits values (?, ?, ?, ?, ?, ?, ?)",
            [
                verdict.domain,
                verdict.snapshot_id,
                verdict.suite,
                verdict.passed,
                verdict.reason,
                checks,
                verdict.audited_at,
            ],
        )


def find_verdict(connection: duckdb.DuckDBPyConnection, domain: str, snapshot_id: int) -> Verdict | None:
    """Return the last verdict written on a domain's build, whatever the clocks said; None if there is none."""
    row = connection.execute(
        """
        select suite, passed, audited_at, checks
        from lake.operations.audits
        where domain = ? and snapshot_read = ?
        order by rowid desc
        limit 1
        """,
        [domain, snapshot_id],
    ).fetchone()
    if row is None:
        return None
    checks = tuple(CheckResult(**check) for check in json.loads(row[3]))
    return Verdict(domain, snapshot_id, str(row[0]), bool(row[1]), row[2].astimezone(UTC), checks)


def find_last_audited(connection: duckdb.DuckDBPyConnection, domain: str) -> int:
    """Return the snapshot of a domain's newest build that was audited; raise AuditError if there is none."""
    row = connection.execute(
        "select max(snapshot_read) from lake.operations.audits where domain = ?", [domain]
    ).fetchone()
    if row is None or row[0] is None:
        raise AuditError(f"{domain}: expected an audit before publication, got none; run `ioc audit {domain}`")
    return int(row[0])
