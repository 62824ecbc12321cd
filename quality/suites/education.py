"""What is usual in the marts of education.

Every registered school is listed, including those that did not report. No value that could be a pupil's number or hash may reach a mart.
Whether a pupil's class was reported by its school is judged here, as a warning: classes and pupils are two feeds, and either may be late.
"""

from quality.suites.check import (
    AuditFacts,
    Check,
    covers,
    has_no_rows,
    is_between,
    is_filled,
    is_not_empty,
    is_one_of,
)

SCHOOLS, LEVELS, GROUPS = "school_years", "level_years", "pupil_groups"
DAYS, LEVEL_DAYS, COMMUNES = "attendance_days", "attendance_level_days", "commune_school_years"

PERSONAL_VALUES = r"""
    select school_year, level_code, group_name
    from {batch}
    where regexp_matches(group_name, '\d{{6,}}|[0-9a-f]{{32,}}')
"""
LOW_COVERAGE = "select school_year, level_code from {batch} where coverage_percent < 80"


def expectations(facts: AuditFacts) -> list[Check]:
    """Return the checks of the education marts."""
    schools = facts.objects_of("registered_schools.school_code")
    return [
        covers(SCHOOLS, "school_code", schools, "critical"),
        is_filled(SCHOOLS, "pupils", 0.8, "warning"),
        is_one_of(SCHOOLS, "has_unknown_class", (False,), "warning", share=0.95),
        is_one_of(SCHOOLS, "is_over_class_limit", (False,), "warning", share=0.9),
        is_between(SCHOOLS, "pupils_per_class", 5, 60, "warning", share=0.95),
        is_between(SCHOOLS, "dropout_percent", 0, 25, "warning", share=0.95),
        has_no_rows(LEVELS, "four of five schools of every level reported", LOW_COVERAGE, 1, "warning"),
        is_between(COMMUNES, "pupils_change_percent", -30, 30, "warning", share=0.9),
        has_no_rows(GROUPS, "no number of a pupil is shown", PERSONAL_VALUES, 4, "critical"),
        is_between(GROUPS, "pupils", 5, None, "critical"),
        is_not_empty(DAYS, "warning"),
        is_filled(DAYS, "enrolled_pupils", 0.8, "warning"),
        is_between(DAYS, "attendance_percent", 80, 100, "warning", share=0.95),
        is_not_empty(LEVEL_DAYS, "warning"),
        is_between(LEVEL_DAYS, "attendance_percent", 80, 100, "warning", share=0.95),
    ]
