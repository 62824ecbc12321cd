"""Hold the released marts against the truth of a simulated day: the books first, then every domain."""

from datetime import datetime

from simulator.comparisons import (
    education,
    environment,
    feedback,
    fisheries,
    fleet,
    health_claims,
    health_disease,
    public_services,
    quality,
)
from simulator.comparisons.base import Comparison, Query, Truth, compare_rows

DOMAINS = (environment, feedback, fisheries, fleet, health_claims, health_disease, education, public_services, quality)

LEDGER_SQL = "select feed, received, accepted, duplicate, quarantined from quality.ledger_totals"


def compare(truth: Truth, query: Query, clock: datetime) -> list[Comparison]:
    """Compare every mart; `clock` is the clock of the build."""
    books = compare_rows("quality.ledger_totals", truth["ledger"].drop("deliveries"), query(LEDGER_SQL))
    return [books, *(found for domain in DOMAINS for found in domain.comparisons(truth, query, clock))]
