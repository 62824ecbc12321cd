"""What is usual in the scores, the ledger and the quarantine.

Every feed that has a contract is scored, including dead ones. Bad scores are reported and do not block: this domain exists to
show them. An empty quarantine is a good state, and so is the absence of drift.
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
    is_one_of,
)

SCORES, TOTALS = "feed_scores", "ledger_totals"
REASONS, AGES = "quarantine_reasons", "quarantine_ages"
FEED_DAYS, OBJECT_DAYS, COLUMN_DAYS, LEAGUE = (
    "feed_score_days",
    "object_score_days",
    "column_score_days",
    "agency_league_months",
)
DRIFT = "schema_drift"
SLOTS, MISSING, SUSPICIOUS = "slot_days", "missing_slots", "suspicious_deliveries"
DATABASES, INCIDENTS = "database_score_days", "incident_months"
COVERAGE, OFFENDERS = "object_coverage_days", "repeat_offenders"

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
SKIPPED_DAYS = """
    select local_date
    from {batch}
    where local_date <> (select min(local_date) from {batch}) and local_date - 1 not in (select local_date from {batch})
"""
RED_IDENTIFIERS = """
    select rule
    from {batch}
    where is_identifier and percent < 100 and local_date = (select max(local_date) from {batch})
"""
RED_OBJECTS = """
    select object_id
    from {batch}
    where level = 'red' and local_date = (select max(local_date) from {batch})
"""
UNCOVERED_FEEDS = "select feed from {batch} where is_latest and coverage_percent < 90"
REPEATED_OBJECTS = "select object_id from {batch} where is_repeat"
INCOMPLETE_FEEDS = """
    select feed from {batch}
    where is_closed
    group by feed
    having sum(received_slots) < 0.9 * sum(expected_slots)
"""
FORGOTTEN_SLOTS = "select feed from {batch} where is_refetchable and age_hours > 24 and recapture_attempts = 0"
LOST_PAGES = "select feed from {batch} where kind = 'pages_missing'"


STOPPED_FEEDS = """
    select feed
    from {{batch}}
    where stopped_deliveries > 0 and last_seen_at > timestamptz '{since}'
"""


def expectations(facts: AuditFacts) -> list[Check]:
    """Return the checks of the quality marts. Scores are 0 to 100."""
    return [
        covers(SCORES, "feed", list(facts.contracts), "critical"),
        is_filled(SCORES, "score", 1.0, "warning"),
        is_one_of(SCORES, "level", ("green", "yellow"), "warning"),
        is_between(SCORES, "identifier_percent", 100, 100, "warning"),
        has_no_rows(SCORES, "every feed is within its freshness limit", STALE_FEEDS, 7, "warning"),
        covers(FEED_DAYS, "feed", list(facts.contracts), "critical"),
        has_no_rows(FEED_DAYS, "the history has no hole", SKIPPED_DAYS, 1, "critical"),
        *has_not_shrunk(OBJECT_DAYS, facts),
        covers(OBJECT_DAYS, "feed", _feeds_with_objects(facts), "warning"),
        has_no_rows(OBJECT_DAYS, "no object is red", RED_OBJECTS, 8, "warning"),
        *has_not_shrunk(COLUMN_DAYS, facts),
        covers(COLUMN_DAYS, "feed", list(facts.contracts), "warning"),
        has_no_rows(COLUMN_DAYS, "every identifier column is at 100 %", RED_IDENTIFIERS, 5, "warning"),
        covers(LEAGUE, "owner", sorted({contract.owner for contract in facts.contracts.values()}), "critical"),
        is_filled(LEAGUE, "league_rank", 1.0, "warning"),
        covers(DATABASES, "domain", sorted({contract.domain for contract in facts.contracts.values()}), "critical"),
        *has_not_shrunk(DATABASES, facts),
        covers(TOTALS, "feed", list(facts.contracts), "warning"),
        has_no_rows(TOTALS, "no feed quarantines more than 5 %", LEAKY_FEEDS, 4, "warning"),
        has_no_rows(TOTALS, "no feed repeats more than half", REPETITIVE_FEEDS, 3, "warning"),
        has_no_rows(TOTALS, "no feed has more than 1 % unreadable deliveries", UNREADABLE_FEEDS, 4, "warning"),
        has_no_rows(REASONS, "no reason keeps records for more than 30 days", FORGOTTEN_REASONS, 7, "warning"),
        is_one_of(AGES, "stage", ("in_time", "review_due", "fix_due"), "warning"),
        is_between(INCIDENTS, "closed_in_15_days_percent", 100, 100, "warning"),
        has_no_rows(SLOTS, "every feed has 90 % of its slots", INCOMPLETE_FEEDS, 1, "warning"),
        has_no_rows(MISSING, "what can be fetched again was asked for within a day", FORGOTTEN_SLOTS, 7, "warning"),
        has_no_rows(COVERAGE, "every feed hears 90 % of its objects", UNCOVERED_FEEDS, 1, "warning"),
        has_no_rows(OFFENDERS, "no object is red on three days of thirty", REPEATED_OBJECTS, 8, "warning"),
        has_no_rows(SUSPICIOUS, "no list misses a page", LOST_PAGES, 1, "warning"),
        has_no_rows(
            DRIFT,
            "no column stopped a delivery in 7 days",
            STOPPED_FEEDS.format(since=in_utc(facts.clock - timedelta(days=7))),
            4,
            "warning",
        ),
    ]


def _feeds_with_objects(facts: AuditFacts) -> list[str]:
    return [feed for feed, contract in facts.contracts.items() if contract.object_column is not None]
