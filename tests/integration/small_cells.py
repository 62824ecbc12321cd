"""The figures of persons that marts show or hide, and what they say of each other: what the difference attack reads.

A mart that hides counts is added here, and `test_every_mart_that_hides_is_attacked` asks for it:

1. Each of its counts becomes a `Figure`: the mart, the column, the columns that tell its rows apart, and which rows are known, so that NULL
   in them means hidden. What other figures are parts of and no row hides is `is_public`.
2. Each way to work it out becomes an identity: `Sum` for a total of places, days or groups, or of columns of a row; `Ratio` for a percent,
   a mean or a rate beside what it divides; `AtMost` for a part of another count. Figures of other marts stand in it by their names.
3. `Derived` names the counts that another figure, a threshold or a flag, is computed from.
4. `ZerosShown` and `FewOrFewLeft` say by which macro it hides: a reader knows the rule too.
"""

from collections.abc import Iterator, Mapping, Sequence

from tests.difference_attack import AtMost, Derived, FewOrFewLeft, Figure, Identity, Ratio, Sum, ZerosShown

OF_COMMUNE = "place_level = 'commune' and shape_number = 1"
"""One of the rows in which a map repeats the figures of a commune."""

PLACE_WEEK = ("disease_code", "place_code", "week_start_date")
NEXT_WEEK = ("disease_code", "place_code", "next_week_start_date")
DISEASE_WEEK = ("disease_code", "week_start_date")
PLACE_MONTH = ("place_code", "month_date")
CODE_MONTH = ("icd10_code", "month_date")
SCHOOL_YEAR = ("school_code", "school_year")
LEVEL_YEAR = ("level_code", "school_year")
COMMUNE_YEAR = ("commune_code", "school_year")
SCHOOL_DAY = ("school_code", "attendance_date")
LEVEL_DAY = ("level_code", "attendance_date")

DISEASE_YEAR = ("disease_code", "iso_year")
COUNTED_YEAR = ("disease_code", "counted_year")

WEEKS = """(
    select
        weeks.*,
        weeks.week_start_date + 7 as next_week_start_date,
        case when weeks.iso_week <= years.weeks then weeks.iso_year end as counted_year,
        count(weeks.cases) filter (where weeks.place_level = 'commune') over (partition by weeks.disease_code, weeks.week_start_date) > 0
            as is_commune_shown
    from health.disease_weeks as weeks
    left join health.disease_years as years using (disease_code, iso_year)
)"""
GROUPS = """(
    select *, case when reported_cases is not null then week_start_date end as shown_week
    from health.disease_case_groups
)"""
"""Every group of a hidden week is hidden, also one without a case."""
REPORTING = "health.disease_reporting"
HISTORIES = """(
    select told.disease_code, told.place_code, told.week_start_date, earlier.week_start_date as earlier_week_start_date, earlier.cases
    from health.disease_weeks as told
    cross join range(1, 6) as years (back)
    cross join (values (-1), (0), (1)) as neighbours (step)
    inner join health.disease_weeks as earlier
        on told.disease_code = earlier.disease_code
        and told.place_code = earlier.place_code
        and earlier.week_start_date = date_trunc('week', make_date(told.iso_year - years.back::integer, 1, 4))::date
        + 7 * (least(told.iso_week, week(make_date(told.iso_year - years.back::integer, 12, 28))) - 1 + neighbours.step)::integer
    where told.epidemic_threshold is not null
)"""
"""The weeks that each threshold is computed from: the same one and its neighbours, of the five years before."""
COMMUNE, PROVINCE, FACILITY = "place_level = 'commune'", "place_level = 'province'", "place_level = 'facility'"

OUTCOMES = ("transfers_out", "deaths", "dying_discharges")

SCHOOLS_BESIDE_LEVELS = """(
    select schools.*, case when not levels.is_small_cell then schools.level_code end as shown_level_code
    from education.{schools} as schools
    inner join education.{levels} as levels using (level_code, {period})
)"""
"""Every school of a hidden level is hidden, also where nobody is counted: the rule of zeros holds in the levels shown."""
YEARS = SCHOOLS_BESIDE_LEVELS.format(schools="school_years", levels="level_years", period="school_year")
DAYS = SCHOOLS_BESIDE_LEVELS.format(schools="attendance_days", levels="attendance_level_days", period="attendance_date")
IN_SHOWN_LEVEL = "shown_level_code"

DISEASE_FIGURES = {
    "commune cases": Figure(WEEKS, "cases", PLACE_WEEK, f"{COMMUNE} and reported_places > 0"),
    "province cases": Figure(
        WEEKS,
        "cases",
        PLACE_WEEK,
        f"{PROVINCE} and reported_places > 0",
        least="1",
        most="case when is_commune_shown then 4 end",
    ),
    "province fatal cases": Figure(
        WEEKS, "deaths", PLACE_WEEK, f"{PROVINCE} and reported_places > 0", is_zero_public=True
    ),
    "epidemic threshold": Figure(WEEKS, "epidemic_threshold", PLACE_WEEK, is_public=True),
    "is above threshold": Figure(WEEKS, "is_above_threshold::integer", PLACE_WEEK, is_public=True),
    "weeks of history": Figure(HISTORIES, "cases", (*PLACE_WEEK, "earlier_week_start_date")),
    "cases change": Figure(WEEKS, "cases_change", PLACE_WEEK, is_public=True),
    "cases change percent": Figure(WEEKS, "cases_change_percent", PLACE_WEEK, is_public=True),
    "cases per 100k": Figure(WEEKS, "cases_per_100k", PLACE_WEEK, is_public=True),
    "reported population": Figure(WEEKS, "reported_population", PLACE_WEEK, is_public=True),
    "mapped cases": Figure(
        "health.diseases_on_map", "cases", PLACE_WEEK, f"{OF_COMMUNE} and (is_small_cell or cases is not null)"
    ),
    "reported cases": Figure(REPORTING, "reported_cases", DISEASE_WEEK, least="1", most="4"),
    "diagnosed cases": Figure(REPORTING, "diagnosed_cases", DISEASE_WEEK),
    "year cases": Figure("health.disease_years", "cases", DISEASE_YEAR, "known_weeks = weeks"),
    "year fatal cases": Figure(
        "health.disease_years", "deaths", DISEASE_YEAR, "known_weeks = weeks", is_zero_public=True
    ),
    "year fatality percent": Figure("health.disease_years", "fatality_percent", DISEASE_YEAR, is_public=True),
} | {
    f"cases by {kind}": Figure(GROUPS, "cases", (*DISEASE_WEEK, "group_code"), f"group_kind = '{kind}'")
    for kind in ("classification", "age")
}
DISEASE_IDENTITIES: Sequence[Identity] = (
    Sum("province cases", ["commune cases"], by=DISEASE_WEEK),
    Sum("commune cases", ["mapped cases"], by=PLACE_WEEK),
    ZerosShown("commune cases", by=DISEASE_WEEK),
    AtMost("province fatal cases", "province cases", by=PLACE_WEEK),
    AtMost("diagnosed cases", "reported cases", by=DISEASE_WEEK),
    Derived("epidemic threshold", "weeks of history", by=PLACE_WEEK),
    Derived("is above threshold", "commune cases", by=PLACE_WEEK),
    Derived("is above threshold", "province cases", by=PLACE_WEEK),
    Sum("year cases", [("province cases", COUNTED_YEAR)], by=DISEASE_YEAR),
    Sum("year fatal cases", [("province fatal cases", COUNTED_YEAR)], by=DISEASE_YEAR),
    AtMost("year fatal cases", "year cases", by=DISEASE_YEAR),
    Ratio("year fatality percent", "year fatal cases", "year cases", by=DISEASE_YEAR),
    *(
        identity
        for kind in ("classification", "age")
        for identity in (
            Sum("reported cases", [f"cases by {kind}"], by=DISEASE_WEEK),
            ZerosShown(f"cases by {kind}", by=("disease_code", "shown_week")),
        )
    ),
    *(
        identity
        for cases in ("commune cases", "province cases")
        for identity in (
            Sum(cases, [(cases, NEXT_WEEK), "cases change"], by=PLACE_WEEK),
            Ratio("cases change percent", "cases change", (cases, NEXT_WEEK), by=PLACE_WEEK),
            Ratio("cases per 100k", cases, "reported population", by=PLACE_WEEK, factor=100_000),
        )
    ),
)

STAYS, SHARES = ("discharges", "counted_stays"), ("mean_stay_days", "transfers_out_percent", "deaths_and_dying_percent")
STAY_FIGURES = {
    f"{level} {count}": Figure(
        "health.stay_months",
        count,
        PLACE_MONTH,
        f"{condition} and {'counted_stays' if count == 'treatment_days' else 'discharges'} > 0",
        is_public=count not in (*OUTCOMES, "treatment_days"),
    )
    for level, condition in (("facility", FACILITY), ("province", PROVINCE))
    for count in (*STAYS, "treatment_days", *OUTCOMES, "deaths_and_dying", *SHARES)
}


def _identities_of_stays(level: str) -> Iterator[Identity]:
    discharges, both = f"{level} discharges", f"{level} deaths_and_dying"
    for count in OUTCOMES:
        yield AtMost(f"{level} {count}", discharges, by=PLACE_MONTH)
    yield Sum(both, [f"{level} deaths", f"{level} dying_discharges"], by=PLACE_MONTH)
    yield Ratio(f"{level} transfers_out_percent", f"{level} transfers_out", discharges, by=PLACE_MONTH)
    yield Ratio(f"{level} deaths_and_dying_percent", both, discharges, by=PLACE_MONTH)
    mean = f"{level} mean_stay_days"
    yield Ratio(mean, f"{level} treatment_days", f"{level} counted_stays", by=PLACE_MONTH, factor=1)


STAY_IDENTITIES: Sequence[Identity] = (
    *(
        Sum(f"province {count}", [f"facility {count}"], ("month_date",))
        for count in (*STAYS, "treatment_days", *OUTCOMES)
    ),
    *(FewOrFewLeft(f"facility {count}", "facility discharges", by=PLACE_MONTH) for count in OUTCOMES),
    *_identities_of_stays("facility"),
    *_identities_of_stays("province"),
)

DIAGNOSIS_FIGURES = {
    count: Figure("health.icd10_months", count, CODE_MONTH, least="1") for count in ("visits", "patients")
}
DIAGNOSIS_IDENTITIES = (AtMost("patients", "visits", by=CODE_MONTH),)

HOMES = """(
    select *, case when count(patients) over (partition by month_date, care_kind) > 0 then month_date end as shown_month
    from health.patient_commune_months
)"""
"""Every commune of a month with few patients is hidden, also one without any."""
COMMUNE_MONTH = ("commune_code", "month_date")
HOME_FIGURES = {
    f"commune {care_kind} {count}": Figure(HOMES, count, COMMUNE_MONTH, f"care_kind = '{care_kind}'")
    for care_kind in ("outpatient", "inpatient")
    for count in ("visits", "patients")
} | {
    f"mapped {care_kind} visits": Figure(
        "health.patients_on_map",
        f"{care_kind}_visits",
        COMMUNE_MONTH,
        f"{OF_COMMUNE} and month_date is not null",
    )
    for care_kind in ("outpatient", "inpatient")
}
HOME_IDENTITIES = (
    *(
        identity
        for care_kind in ("outpatient", "inpatient")
        for identity in (
            AtMost(f"commune {care_kind} patients", f"commune {care_kind} visits", by=COMMUNE_MONTH),
            Sum(f"commune {care_kind} visits", [f"mapped {care_kind} visits"], by=COMMUNE_MONTH),
            ZerosShown(f"commune {care_kind} patients", by=("shown_month",)),
        )
    ),
    Sum("province discharges", ["commune inpatient visits"], by=("month_date",)),
)

OF_AMOUNTS = frozenset({"health.insurance_spend_months"})
"""Marts that hide sums of money of few patients: no whole numbers, and no total is shown."""

OF_SHOWN = frozenset({"education.education_headlines"})
"""Marts computed only from what other marts show, which tell nothing that those do not."""

PUPILS = """(
    select schools.*, case when levels.pupils is not null then schools.level_code end as shown_level_code
    from education.school_years as schools
    inner join education.level_years as levels using (level_code, school_year)
)"""
"""Every school of a level with few pupils is hidden."""

DROPOUT = "is_small_cell or dropped_out_pupils is not null"
YEAR_FIGURES = {
    "school dropouts": Figure(YEARS, "dropped_out_pupils", SCHOOL_YEAR, DROPOUT),
    "level dropouts": Figure("education.level_years", "dropped_out_pupils", LEVEL_YEAR, DROPOUT),
    "level dropout percent": Figure("education.level_years", "dropout_percent", LEVEL_YEAR, is_public=True),
    "level pupils at start": Figure("education.level_years", "pupils_at_start", LEVEL_YEAR, is_public=True),
    "level pupils": Figure("education.level_years", "pupils", LEVEL_YEAR, "pupils is not null"),
    "commune pupils": Figure(
        "education.commune_school_years", "pupils", COMMUNE_YEAR, "is_small_cell or pupils is not null"
    ),
    "mapped commune pupils": Figure(
        "education.schools_on_map", "pupils", COMMUNE_YEAR, f"{OF_COMMUNE} and reported_schools > 0"
    ),
    "mapped school pupils": Figure(
        "(select *, place_code as school_code from education.schools_on_map)",
        "pupils",
        SCHOOL_YEAR,
        "place_level = 'school' and pupils is not null",
    ),
    "school pupils": Figure(PUPILS, "pupils", SCHOOL_YEAR, "is_pupil_count_hidden or pupils is not null"),
    "school class size": Figure(PUPILS, "pupils_per_class", SCHOOL_YEAR, is_public=True),
    "school reported classes": Figure(PUPILS, "reported_classes", SCHOOL_YEAR, is_public=True),
} | {
    f"pupils by {kind}": Figure(
        "education.pupil_groups", "pupils", (*LEVEL_YEAR, "group_name"), f"group_kind = '{kind}'"
    )
    for kind in ("sex", "ethnic_group", "disability")
}
YEAR_IDENTITIES: Sequence[Identity] = (
    Sum("level dropouts", ["school dropouts"], by=LEVEL_YEAR),
    ZerosShown("school dropouts", by=(IN_SHOWN_LEVEL, "school_year")),
    ZerosShown("level dropouts", by=("school_year",)),
    Sum("commune pupils", ["mapped commune pupils"], by=COMMUNE_YEAR),
    Sum("school pupils", ["mapped school pupils"], by=SCHOOL_YEAR),
    Sum("level pupils", ["school pupils"], by=LEVEL_YEAR),
    Sum("commune pupils", ["school pupils"], by=COMMUNE_YEAR),
    ZerosShown("school pupils", by=(IN_SHOWN_LEVEL, "school_year")),
    Ratio("school class size", "school pupils", "school reported classes", by=SCHOOL_YEAR, factor=1, decimals=2),
    Ratio("level dropout percent", "level dropouts", "level pupils at start", by=LEVEL_YEAR, decimals=2),
    *(
        identity
        for kind in ("sex", "ethnic_group", "disability")
        for identity in (
            Sum("level pupils", [f"pupils by {kind}"], by=LEVEL_YEAR),
            ZerosShown(f"pupils by {kind}", by=LEVEL_YEAR),
        )
    ),
)

DAY_FIGURES = {
    f"{place} {count}": Figure(
        relation, column, key, "enrolled_pupils is not null", is_public=count not in ("absent", "present")
    )
    for place, relation, key in (
        ("school", DAYS, SCHOOL_DAY),
        ("level", "education.attendance_level_days", LEVEL_DAY),
    )
    for count, column in (
        ("enrolled", "enrolled_pupils"),
        ("present", "present_pupils"),
        ("absent", "absent_pupils"),
        ("attendance percent", "attendance_percent"),
    )
}
DAY_IDENTITIES: Sequence[Identity] = (
    *(Sum(f"level {count}", [f"school {count}"], by=LEVEL_DAY) for count in ("enrolled", "present", "absent")),
    ZerosShown("school absent", by=(IN_SHOWN_LEVEL, "attendance_date")),
    ZerosShown("level absent", by=("attendance_date",)),
    *(
        identity
        for place, key in (("school", SCHOOL_DAY), ("level", LEVEL_DAY))
        for identity in (
            Sum(f"{place} enrolled", [f"{place} present", f"{place} absent"], by=key),
            Ratio(f"{place} attendance percent", f"{place} present", f"{place} enrolled", by=key, decimals=2),
        )
    ),
)

AGENCY_MONTH = ("agency_code", "month_date")
RATING_FIGURES = {
    "rated dossiers": Figure(
        "public_services.satisfaction_agency_months",
        "rated_dossiers",
        AGENCY_MONTH,
        "is_small_cell or rated_dossiers > 0",
        least="1",
    ),
    "scored rated dossiers": Figure(
        "public_services.decision_766_scores",
        "denominator",
        AGENCY_MONTH,
        "component_code = 'satisfaction_rate' and denominator > 0",
    ),
}
RATING_IDENTITIES: Sequence[Identity] = (Sum("rated dossiers", ["scored rated dossiers"], by=AGENCY_MONTH),)

KIND_MONTH = ("kind_code", "month_date")
INCIDENT_FIGURES = {
    "incidents of persons": Figure(
        """(
            select others.month_date, sum(days.incidents)::bigint - others.incidents as incidents
            from security.incident_days as days
            inner join (
                select month_date, sum(incidents)::bigint as incidents
                from security.incident_kind_months
                where not concerns_persons
                group by month_date
            ) as others on date_trunc('month', days.local_date)::date = others.month_date
            group by others.month_date, others.incidents
        )""",
        "incidents",
        ("month_date",),
        is_public=True,
    ),
    "kind incidents": Figure(
        """(
            select *, case when not bool_and(is_small_cell) over (partition by month_date) then month_date end as shown_month
            from security.incident_kind_months
            where concerns_persons
        )""",
        "incidents",
        KIND_MONTH,
    ),
    "commune incidents": Figure(
        """(
            select communes.*, case when not kinds.is_small_cell then communes.kind_code end as shown_kind_code
            from security.incident_commune_months as communes
            inner join security.incident_kind_months as kinds using (kind_code, month_date)
            where communes.concerns_persons
        )""",
        "incidents",
        ("commune_code", *KIND_MONTH),
    ),
}
INCIDENT_IDENTITIES: Sequence[Identity] = (
    Sum("incidents of persons", ["kind incidents"], by=("month_date",)),
    Sum("kind incidents", ["commune incidents"], by=KIND_MONTH),
    ZerosShown("kind incidents", by=("shown_month",)),
    ZerosShown("commune incidents", by=("shown_kind_code", "month_date")),
)

DOMAINS: Mapping[str, tuple[Mapping[str, Figure], Sequence[Identity]]] = {
    "health": (
        dict(**DISEASE_FIGURES, **STAY_FIGURES, **DIAGNOSIS_FIGURES, **HOME_FIGURES),
        (*DISEASE_IDENTITIES, *STAY_IDENTITIES, *DIAGNOSIS_IDENTITIES, *HOME_IDENTITIES),
    ),
    "public_services": (RATING_FIGURES, RATING_IDENTITIES),
    "security": (INCIDENT_FIGURES, INCIDENT_IDENTITIES),
    "education": (dict(**YEAR_FIGURES, **DAY_FIGURES), (*YEAR_IDENTITIES, *DAY_IDENTITIES)),
}
"""The marts of a domain are attacked together, so that a page is too; a name stands for one figure (`dict` refuses a second)."""
