"""What is usual in the marts of notifiable diseases.

A hidden number that can be read or computed is critical: it must not be released. An epidemic is not a fault of the data, so a week far
above its threshold is shown and not refused; what is unusual is a province in which most weeks lie above it.
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

WEEKS, REPORTING, HISTORY = "disease_weeks", "disease_reporting", "disease_history"
YEARS, GROUPS, COMPLETENESS = "disease_years", "disease_case_groups", "disease_completeness"

SMALL_NUMBERS = "select disease_code from {batch} where cases between 1 and 4 or deaths between 1 and 4"
SMALL_TOTALS = """
    select disease_code from {batch}
    where least(coalesce(nullif(cases_4_weeks, 0), 5), coalesce(nullif(cases_4_weeks_before, 0), 5), coalesce(cluster_cases, 5)) < 5
"""
SMALL_GROUPS = "select disease_code from {batch} where cases between 1 and 4 or is_small_cell and cases is not null"
COMPUTABLE_GROUPS = """
    select disease_code, week_start_date, group_kind
    from {batch}
    where reported_cases is not null
    group by disease_code, week_start_date, group_kind
    having count(*) filter (where is_small_cell) > 0
        and (count(*) filter (where is_small_cell) < 2 or max(reported_cases) - coalesce(sum(cases), 0) < 5)
"""
FEW_SURVIVORS = "select disease_code from {batch} where deaths > 0 and cases - deaths between 1 and 4"
COMPUTABLE_NUMBERS = """
    select disease_code, week_start_date
    from {batch}
    group by disease_code, week_start_date
    having count(*) filter (where place_level = 'commune' and cases is null and reported_places > 0) > 0
        and sum(cases) filter (where place_level = 'province') is not null
        and (
            count(*) filter (where place_level = 'commune' and cases is null and reported_places > 0) < 2
            or sum(cases) filter (where place_level = 'province')
                - coalesce(sum(cases) filter (where place_level = 'commune'), 0) < 5
        )
"""
SUMS_THAT_DIFFER = """
    select disease_code, week_start_date
    from {batch}
    group by disease_code, week_start_date
    having sum(cases) filter (where place_level = 'commune') > sum(cases) filter (where place_level = 'province')
"""
MORE_DEATHS = "select disease_code from {batch} where is_more_deaths_than_cases"
FEW_REPORTS = "select disease_code from {batch} where reported_cases between 1 and 4"
SUMS_OF_MONTHS = """
    select place_name, extract(year from period_start_date) as year
    from {batch}
    where period_kind in ('month', 'year')
    group by disease_code, place_level, place_name, series_code, year
    having count(cases_of_month) = 12 and sum(cases_of_month) > 1.2 * sum(cases_of_year)
"""
"""A fifth more than its year: months and years of one source come from different reports and may differ a little (design value)."""


def expectations(facts: AuditFacts) -> list[Check]:
    """Return the checks of the disease marts. Delays in hours, rates per 100,000 inhabitants."""
    diseases = facts.objects_of("notifiable_diseases.disease_code")
    places = [*facts.objects_of("communes.commune_code"), "province"]
    return [
        covers(WEEKS, "place_code", places, "critical"),
        is_one_of(WEEKS, "disease_code", diseases, "critical"),
        has_no_rows(WEEKS, "no number of 1 to 4 persons is shown", SMALL_NUMBERS, 6, "critical"),
        has_no_rows(WEEKS, "no hidden number can be computed", COMPUTABLE_NUMBERS, 6, "critical"),
        has_no_rows(WEEKS, "communes are not more than the province", SUMS_THAT_DIFFER, 6, "critical"),
        has_no_rows(WEEKS, "no week has more deaths than cases", MORE_DEATHS, 6, "warning"),
        is_between(WEEKS, "cases_per_100k", 0, 1000, "warning"),
        is_one_of(WEEKS, "is_above_threshold", (False,), "warning", share=0.5),
        has_no_rows(WEEKS, "no total of 1 to 4 persons is shown", SMALL_TOTALS, 6, "critical"),
        is_not_empty(YEARS, "warning"),
        is_one_of(YEARS, "disease_code", diseases, "critical"),
        has_no_rows(YEARS, "no number of 1 to 4 persons is shown", SMALL_NUMBERS, 6, "critical"),
        has_no_rows(YEARS, "no death tells of 1 to 4 who live", FEW_SURVIVORS, 6, "critical"),
        is_between(YEARS, "fatality_percent", 0, 20, "warning"),
        is_between(YEARS, "cases_change_percent", -90, 900, "warning", share=0.8),
        is_not_empty(GROUPS, "warning"),
        has_no_rows(GROUPS, "no group of 1 to 4 persons is shown", SMALL_GROUPS, 6, "critical"),
        has_no_rows(GROUPS, "no hidden group can be computed", COMPUTABLE_GROUPS, 6, "critical"),
        is_not_empty(COMPLETENESS, "warning"),
        is_one_of(COMPLETENESS, "place_code", places, "critical"),
        is_between(COMPLETENESS, "completeness_percent", 80, 100, "warning", share=0.8),
        is_not_empty(REPORTING, "warning"),
        has_no_rows(REPORTING, "no week with 1 to 4 reports is shown", FEW_REPORTS, 6, "critical"),
        is_between(REPORTING, "on_time_from_onset_percent", 50, 100, "warning", share=0.8),
        is_between(REPORTING, "median_hours_from_onset", 0, 168, "warning"),
        is_not_empty(HISTORY, "warning"),
        has_no_rows(HISTORY, "twelve months are not more than their year", SUMS_OF_MONTHS, 6, "warning"),
    ]
