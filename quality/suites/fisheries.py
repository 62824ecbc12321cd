"""What is usual in the marts of fishing vessels.

Positions outside the globe, and speeds that AIS uses to say "not available", must never be shown. Vessels anywhere in the world may be
heard, so being outside the East Sea is a warning. No silence at all is a legitimate state: `vessel_gaps` may be empty.
"""

from quality.suites.check import (
    AuditFacts,
    Check,
    covers,
    has_no_rows,
    has_not_shrunk,
    is_between,
    is_fresh,
    is_not_empty,
    is_one_of,
)

LAST_SEEN, GAPS = "vessels_last_seen", "vessel_gaps"
MARTS = (LAST_SEEN, GAPS)
SOURCES = {"vms": "fisheries.vms_positions", "ais": "fisheries.ais_messages"}
"""Value of `source_code` and the feed it comes from."""

HIGHEST_SPEED_KNOTS = 102.2
"""ITU-R M.1371: 102.2 stands for this speed or more, 102.3 for not available."""

RESTLESS_VESSELS = """
    select vessel_key
    from {batch}
    group by vessel_key, gap_started_date
    having count(*) > 12
"""
"""A silence misses a whole two-hour slot, and a day has twelve."""


def expectations(facts: AuditFacts) -> list[Check]:
    """Give the checks of the vessel marts. Speeds in knots, courses and positions in degrees, durations in hours."""
    return [
        is_not_empty(LAST_SEEN),
        *has_not_shrunk(LAST_SEEN, facts),
        covers(LAST_SEEN, "source_code", SOURCES, "warning"),
        is_between(LAST_SEEN, "latitude", -90, 90, "critical"),
        is_between(LAST_SEEN, "longitude", -180, 180, "critical"),
        is_between(LAST_SEEN, "speed_knots", 0, HIGHEST_SPEED_KNOTS, "critical"),
        is_between(LAST_SEEN, "speed_knots", 0, 40, "warning", share=0.99),
        is_between(LAST_SEEN, "course_degrees", 0, 360, "critical"),
        is_one_of(LAST_SEEN, "is_in_east_sea", (True,), "warning", share=0.8),
        is_one_of(LAST_SEEN, "is_silent_6h", (False,), "warning", share=0.5),
        *[
            is_fresh(LAST_SEEN, "last_fix_at", facts, feed, only=("source_code", source))
            for source, feed in SOURCES.items()
        ],
        is_between(GAPS, "duration_hours", 0, None, "critical"),
        is_between(GAPS, "duration_hours", 0, 24 * 30, "warning", share=0.99),
        has_no_rows(GAPS, "no vessel has more than 12 silences a day", RESTLESS_VESSELS, 6, "warning"),
    ]
