"""What is usual in the scores, the books and the quarantine.

Every feed that has a contract is scored, the dead ones too. Bad scores are told and do not block: they are what this domain is there to
show. An empty quarantine is a good state, and so is no drift.
"""

from datetime import timedelta

from quality.suites.check import (
    AuditFacts,
    Check,
    covers,
    has_no_rows,
    has_not_shrunk,
    in_utc,
    is_between,
    is_filled,
    is_not_empty,
    is_one_of,
)

SCORES, TOTALS, REASONS, DRIFT = "feed_scores", "ledger_totals", "quarantine_reasons", "schema_drift"
MARTS = (SCORES, TOTALS, REASONS, DRIFT)

STALE_FEEDS = "select feed from {batch} where age_minutes is null or age_minutes > freshness_limit_minutes"
LEAKY_FEEDS = "select feed from {batch} where quarantined > 0.05 * received"
REPETITIVE_FEEDS = "select feed from {batch} where duplicate > 0.5 * received"
UNREADABLE_FEEDS = "select feed from {batch} where unreadable_deliveries > 0.01 * deliveries"
FORGOTTEN_REASONS = """
    select feed
    from {batch}
    where oldest_at < newest_at - interval 30 day
"""
"""Records a month older than the newest of the same reason: nobody repairs them while more come."""


STOPPED_FEEDS = """
    select feed
    from {{batch}}
    where stopped_deliveries > 0 and last_seen_at > timestamptz '{since}'
"""


def expectations(facts: AuditFacts) -> list[Check]:
    """Give the checks of the quality marts. Scores are 0 to 100."""
    return [
        is_not_empty(SCORES),
        covers(SCORES, "feed", list(facts.contracts), "critical"),
        is_filled(SCORES, "score", 1.0, "warning"),
        is_one_of(SCORES, "level", ("green", "yellow"), "warning"),
        is_between(SCORES, "identifier_percent", 100, 100, "warning"),
        has_no_rows(SCORES, "every feed is within its freshness limit", STALE_FEEDS, 7, "warning"),
        is_not_empty(TOTALS),
        *has_not_shrunk(TOTALS, facts),
        covers(TOTALS, "feed", list(facts.contracts), "warning"),
        has_no_rows(TOTALS, "no feed quarantines more than 5 %", LEAKY_FEEDS, 4, "warning"),
        has_no_rows(TOTALS, "no feed repeats more than half", REPETITIVE_FEEDS, 3, "warning"),
        has_no_rows(TOTALS, "no feed has more than 1 % unreadable deliveries", UNREADABLE_FEEDS, 4, "warning"),
        has_no_rows(REASONS, "no reason keeps records for more than 30 days", FORGOTTEN_REASONS, 7, "warning"),
        has_no_rows(
            DRIFT,
            "no column stopped a delivery in 7 days",
            STOPPED_FEEDS.format(since=in_utc(facts.clock - timedelta(days=7))),
            4,
            "warning",
        ),
    ]
