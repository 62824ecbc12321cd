"""What is usual in the marts of fishing vessels.

Positions outside the globe, and speeds that AIS uses to say "not available", must never be shown. Vessels anywhere in the world may be
heard, so being outside the East Sea is a warning. No silence, no crossing and no finding at all are legitimate states: `vessel_gaps`,
`vessel_boundary_events` and `vessel_alerts` may be empty, and so may marts that need a register or reports by hand.
"""

from quality.suites.check import (
    AuditFacts,
    Check,
    covers,
    has_mean,
    has_no_rows,
    is_between,
    is_filled,
    is_one_of,
)

LAST_SEEN, GAPS = "vessels_last_seen", "vessel_gaps"
SLOTS, EVENTS, ALERTS = "vessel_slot_days", "vessel_boundary_events", "vessel_alerts"
FLEET, COMMUNES, PLACES = "fleet_vessels", "fleet_communes", "fleet_places"
VIOLATIONS, BY_HAND = "violation_months", "vessel_manual_days"
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

SLOTS_A_DAY = 12
"""Decree 26/2019 as amended by 37/2024: a position every two hours."""

RESTLESS_CROSSINGS = """
    select vessel_key
    from {batch}
    group by vessel_key, started_date
    having count(*) > 6
"""
"""Each change needs two fixes, so a vessel that changes more often in a day lies on the line, or the line is wrong (design value)."""

DROWNED_OPERATORS = """
    select operator_code
    from {batch}
    where kind_code in ('silent_6h', 'silent_10d') and is_open
    group by operator_code
    having count(*) > 50
"""
"""That many open silences of one operator's vessels are more likely the operator's silence than theirs (design value)."""


def expectations(facts: AuditFacts) -> list[Check]:
    """Return the checks of the vessel marts. Speeds in knots, courses and positions in degrees, durations in hours."""
    return [
        covers(LAST_SEEN, "source_code", SOURCES, "warning"),
        is_between(LAST_SEEN, "latitude", -90, 90, "critical"),
        is_between(LAST_SEEN, "longitude", -180, 180, "critical"),
        is_between(LAST_SEEN, "speed_knots", 0, HIGHEST_SPEED_KNOTS, "critical"),
        is_between(LAST_SEEN, "speed_knots", 0, 40, "warning", share=0.99),
        is_between(LAST_SEEN, "course_degrees", 0, 360, "critical"),
        is_one_of(LAST_SEEN, "is_in_east_sea", (True,), "warning", share=0.8),
        is_one_of(LAST_SEEN, "is_silent_6h", (False,), "warning", share=0.5),
        is_between(GAPS, "duration_hours", 0, None, "critical"),
        is_between(GAPS, "duration_hours", 0, 24 * 30, "warning", share=0.99),
        has_no_rows(GAPS, "no vessel has more than 12 silences a day", RESTLESS_VESSELS, 6, "warning"),
        *_findings(facts),
        is_between(COMMUNES, "equipped_percent", 0, 100, "critical"),
        is_between(VIOLATIONS, "violations", 0, None, "critical"),
        is_between(BY_HAND, "in_time_percent", 0, 100, "critical"),
    ]


def _findings(facts: AuditFacts) -> list[Check]:
    kinds = facts.objects_of("vessel_alert_kinds.kind_code")
    return [
        is_one_of(LAST_SEEN, "is_registered", (True,), "warning", share=0.8),
        is_one_of(LAST_SEEN, "status_code", ("at_sea", "in_port", "not_obliged"), "warning", share=0.5),
        is_between(SLOTS, "at_sea_slots", 1, SLOTS_A_DAY, "critical"),
        is_between(SLOTS, "compliance_percent", 0, 100, "critical"),
        has_mean(SLOTS, "compliance_percent", 50, 100, "warning"),
        is_one_of(EVENTS, "zone_code", ("inside", "near", "across"), "critical"),
        has_no_rows(EVENTS, "no vessel changes its zone more than 6 times a day", RESTLESS_CROSSINGS, 6, "warning"),
        is_one_of(ALERTS, "kind_code", kinds, "critical"),
        is_filled(ALERTS, "evidence", 1.0, "critical"),
        has_no_rows(ALERTS, "no operator has more than 50 open silences", DROWNED_OPERATORS, 6, "warning"),
    ]
