"""What is usual in the marts of public services.

Every agency is listed, including those without a dossier: a missing one would be a leader's blind spot. Nothing about an applicant may
reach a mart, not even in a column that an agency filled with the wrong thing. A component of Decision 766 without a source must stay
unknown: any points for it, none or all, would be invented.
"""

from quality.suites.check import (
    AuditFacts,
    Check,
    covers,
    has_no_rows,
    is_between,
    is_filled,
    is_one_of,
)

DOSSIERS, AGENCY_MONTHS, SCORES = "dossiers", "dossier_agency_months", "decision_766_scores"
PROCEDURE_MONTHS, MONTHS = "dossier_procedure_months", "dossier_months"

PERSONAL_VALUES = r"""
    select dossier_id
    from {batch}
    where regexp_matches(
        concat_ws(' | ', applicant_kind, procedure_name, field_name, agency_name, receiving_agency_name),
        '[\w.+-]+@[\w-]+\.\w+|\d{{9}}|(\+84|\b0)[ .-]?\d{{2,3}}[ .-]?\d{{3}}[ .-]?\d{{3,4}}\b'
    )
"""
UNUSUAL_MONTH = """
    select month_date
    from (select month_date, sum(received) as received from {batch} group by month_date)
    window before as (order by month_date rows between 1 preceding and 1 preceding)
    qualify month_date < max(month_date) over ()
        and count(*) over before = 1
        and month_date > min(month_date) over () + interval 1 month
        and (received < min(received) over before / 3 or received > min(received) over before * 3)
"""
"""The first month of the feed is incomplete, and the last one is not over."""

INVENTED_POINTS = """
    select agency_code
    from {batch}
    where score_points is not null and (component_code in (
        'procedures_updated_on_time', 'transparency_other', 'satisfaction_other'
    ) or coalesce(denominator, 0) = 0)
"""
LATE_AND_IN_TIME = """
    select dossier_id
    from {batch}
    where is_on_time = (working_days_late > 0) or (is_overdue and is_on_time is not null)
"""


def expectations(facts: AuditFacts) -> list[Check]:
    """Return the checks of the public-service marts. Money in VND, rates in percent, lateness in working days."""
    agencies = facts.objects_of("agencies.agency_code")
    return [
        has_no_rows(DOSSIERS, "no number or mail address of an applicant is shown", PERSONAL_VALUES, 4, "critical"),
        has_no_rows(DOSSIERS, "nothing is late and in time at once, or neither", LATE_AND_IN_TIME, 6, "critical"),
        is_one_of(DOSSIERS, "applicant_kind", ("Công dân", "Doanh nghiệp", "Tổ chức nhà nước"), "warning", share=0.9),
        is_one_of(DOSSIERS, "is_overdue", (False,), "warning", share=0.9),
        is_between(DOSSIERS, "working_days_late", 0, 60, "warning", share=0.99),
        is_between(DOSSIERS, "fee_amount", 0, 50_000_000, "warning", share=0.99),
        is_filled(DOSSIERS, "receiving_agency_code", 0.8, "warning"),
        covers(AGENCY_MONTHS, "agency_code", agencies, "critical"),
        has_no_rows(
            AGENCY_MONTHS, "no month's intake is a third or three times the one before", UNUSUAL_MONTH, 1, "warning"
        ),
        covers(SCORES, "agency_code", agencies, "critical"),
        covers(SCORES, "component_code", facts.objects_of("decision_766_targets.component_code"), "critical"),
        has_no_rows(SCORES, "no points are given for what is unknown", INVENTED_POINTS, 6, "critical"),
        is_between(SCORES, "score_points", 0, 20, "critical"),
        covers(PROCEDURE_MONTHS, "procedure_code", facts.objects_of("procedures.procedure_code"), "critical"),
    ]
