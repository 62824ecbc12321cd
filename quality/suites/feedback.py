"""What is usual in the marts of citizen feedback.

Every agency is listed, including those without a case: a missing one would be a leader's blind spot. No phone number or mail address may
reach a mart, even if a citizen wrote it into a code.
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

CASES, AGENCY_DAYS = "feedback_cases", "feedback_agency_days"
AGENCY_MONTHS, COMMUNE_MONTHS, MONTHS = "feedback_agency_months", "feedback_commune_months", "feedback_months"

PERSONAL_VALUES = r"""
    select service_request_id
    from {batch}
    where regexp_matches(
        concat_ws(' | ', agency_name, service_code, service_name, commune_name, flow_code, channel_code, status_code),
        '[\w.+-]+@[\w-]+\.\w+|(\+84|\b0)[ .-]?\d{{2,3}}[ .-]?\d{{3}}[ .-]?\d{{3,4}}\b'
    )
"""
UNUSUAL_INTAKE = """
    select local_date
    from (select local_date, sum(received_cases) as cases from {batch} group by local_date)
    window week as (order by local_date rows between 7 preceding and 1 preceding)
    qualify count(*) over week = 7
        and local_date < max(local_date) over ()
        and (cases < avg(cases) over week / 5 or cases > avg(cases) over week * 5)
"""
"""The current day is left out: it is not over."""


def expectations(facts: AuditFacts) -> list[Check]:
    """Return the checks of the feedback marts. The box is that of the communes with half a degree around it, WGS 84."""
    communes = facts.reference.list_of("communes")
    box = {
        column: (float(str(communes[column].min())) - 0.5, float(str(communes[column].max())) + 0.5)
        for column in ("latitude", "longitude")
    }
    return [
        has_no_rows(CASES, "no phone number or mail address is shown", PERSONAL_VALUES, 4, "critical"),
        *[is_between(CASES, column, low, high, "warning", share=0.95) for column, (low, high) in box.items()],
        is_filled(CASES, "latitude", 0.8, "warning"),
        is_filled(CASES, "commune_code", 0.8, "warning"),
        is_one_of(CASES, "service_code", facts.objects_of("feedback_topics.service_code"), "warning", share=0.9),
        is_one_of(CASES, "is_overdue", (False,), "warning", share=0.5),
        is_between(CASES, "hours_to_close", 0, 24 * 90, "warning", share=0.99),
        covers(AGENCY_DAYS, "agency_code", facts.objects_of("agencies.agency_code"), "critical"),
        covers(AGENCY_MONTHS, "agency_code", facts.objects_of("agencies.agency_code"), "critical"),
        covers(COMMUNE_MONTHS, "commune_code", facts.objects_of("communes.commune_code"), "critical"),
        has_no_rows(AGENCY_DAYS, "no day's intake is a fifth or five times its week's", UNUSUAL_INTAKE, 1, "warning"),
    ]
