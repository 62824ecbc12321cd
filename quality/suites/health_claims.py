"""What is usual in the marts of health claims.

Every facility is listed, including those that sent nothing. Hiding small cells is the build's duty; they are checked here once more,
because readers do not forget a release. Beds, spending and the queue out of their usual range are warnings.
"""

from quality.suites.check import (
    AuditFacts,
    Check,
    covers,
    has_no_rows,
    is_between,
    is_not_empty,
    is_one_of,
)

DAYS, STAYS, SPENDING, DIAGNOSES, HOMES, QUEUES = MARTS = (
    "facility_days",
    "stay_months",
    "insurance_spend_months",
    "icd10_months",
    "patient_commune_months",
    "check_in_hours",
)

SMALL_CELLS = "select month_date from {batch} where patients between 1 and 4 or visits < patients"
LONELY_CELLS = """
    select month_date
    from {batch}
    group by month_date
    having count(*) > 1 and count(*) filter (where is_hidden) = 1
"""
"""A single hidden cell among shown ones can be found by subtracting them from the month's total."""

LONELY_HOMES = """
    select month_date, care_kind
    from {batch}
    group by month_date, care_kind
    having count(*) filter (where is_small_cell) = 1
"""
COSTS_OF_FEW = (
    "select facility_code from {batch} where priced_claims < 5 and coalesce(total_vnd, medicine_vnd) is not null"
)

SMALL_OUTCOMES = """
    select place_code
    from {batch}
    where transfers_out between 1 and 4 or deaths between 1 and 4 or dying_discharges between 1 and 4
        or discharges < 5 and coalesce(transfers_out, deaths, dying_discharges) is not null
        or counted_stays < 5 and mean_stay_days is not null
"""
SILENT_FACILITIES = """
    select facility_code
    from {batch}
    where local_date > (select max(local_date) from {batch}) - interval 7 days
    group by facility_code
    having coalesce(sum(visits) + sum(discharges), 0) = 0
"""


def expectations(facts: AuditFacts) -> list[Check]:
    """Return the checks of the claims' marts. Amounts are in VND, occupancy in percent."""
    facilities = facts.objects_of("facilities.facility_code")
    return [
        covers(DAYS, "facility_code", facilities, "critical"),
        is_between(DAYS, "bed_occupancy_percent", 0, 200, "warning"),
        is_one_of(DAYS, "bed_occupancy_level", ("low", "green", "yellow"), "warning", share=0.9),
        has_no_rows(DAYS, "every facility sent something of the last seven days", SILENT_FACILITIES, 7, "warning"),
        covers(STAYS, "place_code", [*facilities, "province"], "critical"),
        has_no_rows(STAYS, "no outcome and no length of few stays is shown", SMALL_OUTCOMES, 2, "critical"),
        is_between(STAYS, "mean_stay_days", 0, 60, "warning"),
        covers(SPENDING, "facility_code", facilities, "critical"),
        is_between(SPENDING, "spent_vnd", 0, 1e12, "critical"),
        is_between(SPENDING, "pace_percent", 0, 120, "warning"),
        has_no_rows(SPENDING, "what few claims cost is not shown", COSTS_OF_FEW, 2, "critical"),
        is_between(SPENDING, "medicine_percent", 5, 80, "warning"),
        is_not_empty(DIAGNOSES, "warning"),
        has_no_rows(DIAGNOSES, "no cell of fewer than five persons is shown", SMALL_CELLS, 2, "critical"),
        has_no_rows(DIAGNOSES, "no hidden cell stands alone", LONELY_CELLS, 2, "critical"),
        is_not_empty(HOMES, "warning"),
        covers(HOMES, "commune_code", [*facts.objects_of("communes.commune_code"), "outside", "unknown"], "warning"),
        has_no_rows(HOMES, "no cell of fewer than five persons is shown", SMALL_CELLS, 2, "critical"),
        has_no_rows(HOMES, "no hidden cell stands alone", LONELY_HOMES, 2, "critical"),
        covers(QUEUES, "facility_code", facilities, "critical"),
        is_between(QUEUES, "waiting", 0, 2000, "warning"),
    ]
