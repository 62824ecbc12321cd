"""What is usual in the marts of health: one suite per feed, joined."""

from quality.suites import disease, health_claims
from quality.suites.check import AuditFacts, Check

SUITES = (health_claims, disease)


def expectations(facts: AuditFacts) -> list[Check]:
    """Return the checks of all suites."""
    return [check for suite in SUITES for check in suite.expectations(facts)]
