"""A verdict passes for reasons, never for lack of them."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from core.errors import AuditError
from quality.audit import judge, suite_digest
from quality.verdicts import CheckResult, Verdict
from transform.build import Build

CLOCK = datetime(2026, 3, 1, 5, 0, tzinfo=UTC)
BUILT = Build("environment", snapshot_id=7, written=9, code="code", built=1, tested=1)
GOOD = CheckResult("river_levels", "river_levels has rows", 1, "critical", True, "24 rows", "at least 1 row")
CRITICAL = CheckResult("river_levels", "level_m is in range", 2, "critical", False, "3 of 24 rows failing", "0 to 9")
WARNING = CheckResult("river_levels", "environment.river_levels is live", 7, "warning", False, "nothing", "today")


def test_a_verdict_is_on_the_instant_that_the_build_read_and_tells_the_suite() -> None:
    verdict = judge(BUILT, CLOCK, (GOOD,))
    assert verdict == Verdict("environment", 7, suite_digest("environment"), True, CLOCK, (GOOD,))


def test_no_check_is_a_failing_verdict() -> None:
    verdict = judge(BUILT, CLOCK, ())
    assert (verdict.passed, verdict.reason) == (False, "no check was run")


def test_a_failed_critical_check_fails_the_verdict_and_is_named_with_numbers() -> None:
    verdict = judge(BUILT, CLOCK, (GOOD, CRITICAL, WARNING))
    assert (verdict.passed, verdict.reason) == (
        False,
        "1 of 3 checks failed: river_levels: level_m is in range (expected 0 to 9, found 3 of 24 rows failing)",
    )


def test_a_failed_warning_is_told_and_does_not_block() -> None:
    verdict = judge(BUILT, CLOCK, (GOOD, WARNING))
    assert (verdict.passed, verdict.reason) == (
        True,
        "passed 1 of 2 checks, warned of: river_levels: environment.river_levels is live (expected today, found nothing)",
    )


def test_a_verdict_without_failures_needs_no_reason() -> None:
    verdict = judge(BUILT, CLOCK, (GOOD,))
    assert (verdict.passed, verdict.reason) == (True, "")


@pytest.mark.parametrize("checks", [(), (CRITICAL,), (GOOD, CRITICAL)])
def test_a_verdict_cannot_be_built_to_pass_against_its_checks(checks: tuple[CheckResult, ...]) -> None:
    with pytest.raises(AuditError, match="a passing verdict on snapshot 7 to have checks"):
        Verdict("environment", 7, "digest", passed=True, audited_at=CLOCK, checks=checks)


def test_a_verdict_cannot_be_turned_into_a_pass() -> None:
    with pytest.raises(AuditError):
        replace(judge(BUILT, CLOCK, (CRITICAL,)), passed=True)
