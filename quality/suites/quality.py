"""What is usual in the scores, the books and the quarantine.

Every feed that has a contract is scored, the dead ones too. Bad scores are told and do not block: they are what this domain is there to
show. An empty quarantine is a good state.
"""

from quality.suites.check import (
    AuditFacts,
    Check,
    covers,
    has_no_rows,
    has_not_shrunk,
    is_between,
    is_filled,
    is_not_empty,
    is_one_of,
)

SCORES, TOTALS, REASONS = "feed_scores", "ledger_totals", "quarantine_reasons"
SLOTS, MISSING, SUSPICIOUS = "slot_days", "missing_slots", "suspicious_deliveries"
MARTS = (SCORES, TOTALS, REASONS, SLOTS, MISSING, SUSPICIOUS)

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
INCOMPLETE_FEEDS = """
    select feed from {batch}
    where is_closed
    group by feed
    having sum(received_slots) < 0.9 * sum(expected_slots)
"""
FORGOTTEN_SLOTS = "select feed from {batch} where is_refetchable and age_hours > 24 and recapture_attempts = 0"
LOST_PAGES = "select feed from {batch} where kind = 'pages_missing'"


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
        has_no_rows(SLOTS, "every feed has 90 % of its slots", INCOMPLETE_FEEDS, 1, "warning"),
        has_no_rows(MISSING, "what can be fetched again was asked for within a day", FORGOTTEN_SLOTS, 7, "warning"),
        has_no_rows(SUSPICIOUS, "no list misses a page", LOST_PAGES, 1, "warning"),
    ]
