"""The health domain's suite: that of each of its feeds, one after the other."""

from quality.suites import disease
from quality.suites.check import AuditFacts, Check

MARTS = disease.MARTS


def expectations(facts: AuditFacts) -> list[Check]:
    """Give the checks of all health marts."""
    return disease.expectations(facts)
