"""What the marts of health claims must show."""

from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from core.settings import PROJECT
from simulator.comparisons.base import LOCAL, Comparison, Query, Truth, compare_map, compare_rows
from simulator.comparisons.small_cells import LEAST, hidden

INPATIENT = "03"
PROVINCE = "province"
USUAL_VISIT = timedelta(hours=4)

DAYS_SQL = """
    select facility_code, local_date, visits, outpatient_visits, admissions, discharges, inpatients
    from health.facility_days where visits + discharges + inpatients > 0
"""
SPENDING_SQL = """
    select facility_code, month_date, claims, is_small_cell, spent_vnd, spent_in_year_vnd, pace_percent, priced_claims, medicine_vnd,
        medicine_percent
    from health.insurance_spend_months where claims > 0
"""
STAYS_SQL = """
    select place_code, month_date, discharges, treatment_days, transfers_out, deaths, dying_discharges
    from health.stay_months where discharges is not null
"""
DIAGNOSES_SQL = "select month_date, icd10_code, visits, patients from health.icd10_months"
HOMES_SQL = """
    select commune_code, month_date, care_kind, reported_facilities, is_small_cell, visits, patients from health.patient_commune_months
"""
QUEUES_SQL = (
    "select facility_code, hour_at, check_ins, waiting, waiting_estimate from health.check_in_hours "
    "where check_ins + waiting > 0"
)


def comparisons(truth: Truth, query: Query, clock: datetime) -> list[Comparison]:
    """Compare the domain's marts; `clock` is the clock of the build."""
    return [
        compare_rows("health.facility_days", _facility_days(truth, clock), query(DAYS_SQL)),
        compare_rows("health.insurance_spend_months", _spending(truth, clock), query(SPENDING_SQL)),
        compare_rows("health.stay_months", _stay_months(truth), query(STAYS_SQL)),
        compare_rows("health.icd10_months", _diagnoses(truth), query(DIAGNOSES_SQL)),
        compare_rows("health.patient_commune_months", _homes(truth), query(HOMES_SQL)),
        compare_map("health.patients_on_map", _newest_homes(truth), query),
        compare_rows("health.check_in_hours", _queues(truth, clock), query(QUEUES_SQL)),
    ]


def _claims(truth: Truth) -> pl.DataFrame:
    return truth["health_claims"].with_columns(
        admitted_date=pl.col("admitted_at").dt.convert_time_zone(LOCAL).dt.date(),
        discharged_date=pl.col("discharged_at").dt.convert_time_zone(LOCAL).dt.date(),
        is_inpatient=pl.col("visit_type_code") == INPATIENT,
    )


def _facility_days(truth: Truth, clock: datetime) -> pl.DataFrame:
    """Count who came, left and lay in a bed. In this city a stay is paid for from its first day to its last, both included."""
    today = (clock - timedelta(seconds=1)).astimezone(ZoneInfo(LOCAL)).date()
    claims = _claims(truth).select("facility_code", "claim_id", "admitted_date", "discharged_date", "is_inpatient")
    seen = {(facility, claim): (came, left, stays) for facility, claim, came, left, stays in claims.iter_rows()}
    for facility, claim, kind, came_at in truth["health_check_ins"].iter_rows():
        seen.setdefault((facility, claim), (came_at.astimezone(ZoneInfo(LOCAL)).date(), None, kind == INPATIENT))
    counts: dict[tuple[str, date], list[int]] = defaultdict(lambda: [0, 0, 0, 0, 0])
    for (facility, _), (came, left, stays) in seen.items():
        counts[facility, came][0] += 1
        counts[facility, came][1] += not stays
        counts[facility, came][2] += stays
        if stays:
            if left is not None:
                counts[facility, left][3] += 1
            for step in range(((left or today) - came).days + 1):
                counts[facility, came + timedelta(days=step)][4] += 1
    first = today - timedelta(days=30)
    rows = [(facility, day, *found) for (facility, day), found in counts.items() if first <= day <= today]
    names = ("visits", "outpatient_visits", "admissions", "discharges", "inpatients")
    schema = {"facility_code": pl.String, "local_date": pl.Date} | dict.fromkeys(names, pl.Int64)
    return pl.DataFrame(rows, schema=schema, orient="row")


def _spending(truth: Truth, clock: datetime) -> pl.DataFrame:
    today = (clock - timedelta(seconds=1)).astimezone(ZoneInfo(LOCAL)).date()
    days_of_year = (date(today.year + 1, 1, 1) - date(today.year, 1, 1)).days
    months = (
        truth["health_claims"]
        .group_by("facility_code", pl.date("year", "month", 1).alias("month_date"))
        .agg(
            pl.len().cast(pl.Int64).alias("claims"),
            pl.col("insurer_paid_vnd").sum().alias("spent_vnd"),
            pl.len().cast(pl.Int64).alias("priced_claims"),
            pl.when(pl.col("citizen_number").n_unique() >= LEAST)
            .then(pl.col("medicine_vnd").sum())
            .alias("medicine_vnd"),
            pl.col("total_vnd").sum(),
            pl.col("citizen_number").n_unique().alias("patients"),
        )
        .sort("facility_code", "month_date")
        .with_columns(spent_in_year_vnd=pl.col("spent_vnd").cum_sum().over("facility_code"))
    )
    is_hidden, is_sum_shown = _hidden_spending(months)
    months = months.with_columns(
        is_small_cell=is_hidden,
        spent_vnd=pl.when(~is_hidden).then(pl.col("spent_vnd")),
        medicine_vnd=pl.when(~is_hidden).then(pl.col("medicine_vnd")),
        spent_in_year_vnd=pl.when(is_sum_shown).then(pl.col("spent_in_year_vnd")),
    ).drop("patients")
    ceilings = pl.read_csv(
        PROJECT / "dbt_project" / "seeds" / "facilities.csv", schema_overrides={"facility_code": pl.String}
    ).select("facility_code", "insurance_ceiling_vnd")
    last_day = pl.min_horizontal(pl.col("month_date").dt.month_end(), pl.lit(today))
    share = 100 * pl.col("spent_in_year_vnd").cast(pl.Float64) / pl.col("insurance_ceiling_vnd")
    return (
        months.join(ceilings, on="facility_code")
        .with_columns(
            pace_percent=share / (last_day.dt.ordinal_day() / days_of_year),
            medicine_percent=100 * pl.col("medicine_vnd").cast(pl.Float64) / pl.col("total_vnd").cast(pl.Float64),
        )
        .drop("insurance_ceiling_vnd", "total_vnd")
    )


def _hidden_spending(months: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
    """Return of each month whether it is hidden - few patients, or the first with more after such - and whether its year's sum is shown."""
    hidden: list[bool] = []
    shown: list[bool] = []
    year_before, was_few = None, False
    for facility, month, patients in months.select("facility_code", "month_date", "patients").iter_rows():
        was_few = was_few and year_before == (facility, month.year)
        is_few = patients < LEAST
        hidden.append(is_few or was_few)
        shown.append(not is_few)
        year_before, was_few = (facility, month.year), is_few
    return pl.Series(hidden), pl.Series(shown)


def _stay_months(truth: Truth) -> pl.DataFrame:
    """Add up the stays of each facility and month; hide small numbers, and the province's where they would reveal one."""
    places: dict[tuple[date, str], list[dict[str, object]]] = defaultdict(list)
    claims = _claims(truth).with_columns(month=pl.col("discharged_date").dt.month_start())
    facilities, months = claims["facility_code"].unique().to_list(), claims["month"].unique().to_list()
    for stay in claims.filter("is_inpatient").iter_rows(named=True):
        places[stay["month"], stay["facility_code"]].append(stay)
    rows: list[tuple[object, ...]] = []
    for month in months:
        stays = {facility: places[month, facility] for facility in facilities}
        everybody = [stay for of_facility in stays.values() for stay in of_facility]
        days = {place: sum(int(str(stay["treatment_days"])) for stay in of) for place, of in stays.items()}
        short = {place: len(of) for place, of in stays.items() if 0 < len(of) < LEAST}
        is_total_told = not short or (len(short) > 1 and sum(short.values()) >= LEAST)
        found: dict[str, list[int | None]] = {
            place: [len(of), days[place] if len(of) >= LEAST else None] for place, of in stays.items()
        }
        found[PROVINCE] = [
            len(everybody),
            sum(days.values()) if is_total_told and len(everybody) >= LEAST else None,
        ]
        for column, codes in (("discharge_code", "25"), ("outcome_code", "5"), ("outcome_code", "6")):
            counted = {place: sum(str(stay[column]) in codes for stay in of) for place, of in stays.items()}
            for place, persons in _outcomes(counted, {place: len(of) for place, of in stays.items()}).items():
                found[place].append(persons)
        rows += [(place, month, *values) for place, values in found.items()]
    names = ("discharges", "treatment_days", "transfers_out", "deaths", "dying_discharges")
    schema = {"place_code": pl.String, "month_date": pl.Date} | dict.fromkeys(names, pl.Int64)
    return pl.DataFrame(rows, schema=schema, orient="row")


def _outcomes(counted: dict[str, int], stays: dict[str, int]) -> dict[str, int | None]:
    def is_telling(persons: int, total: int) -> bool:
        return total < LEAST or 0 < persons < LEAST or (persons > 0 and 0 < total - persons < LEAST)

    secret = [place for place in counted if is_telling(counted[place], stays[place])]
    shown: dict[str, int | None] = {place: None if place in secret else counted[place] for place in counted}
    holding = [place for place in secret if stays[place]]
    sums = sum(counted[place] for place in holding), sum(stays[place] - counted[place] for place in holding)
    most = sum(min(stays[place], LEAST - 1) for place in holding)
    few = any(total < LEAST or total <= len(holding) or total == most for total in sums)
    total = sum(counted.values())
    is_told = not is_telling(total, sum(stays.values())) and (not holding or (len(holding) > 1 and not few))
    return shown | {PROVINCE: total if is_told else None}


def _diagnoses(truth: Truth) -> pl.DataFrame:
    """Count visits and patients by diagnosis; every cell has some."""
    counted = (
        _claims(truth)
        .group_by(pl.col("discharged_date").dt.truncate("1mo").alias("month_date"), "icd10_code")
        .agg(pl.len().alias("visits"), pl.col("citizen_number").n_unique().alias("patients"))
    )
    rows = []
    for (month,), cells in counted.group_by("month_date"):
        secret = hidden(dict(cells.select("icd10_code", "patients").iter_rows()))
        for code, visits, patients in cells.select("icd10_code", "visits", "patients").iter_rows():
            rows.append((month, code, *((None, None) if code in secret else (visits, patients))))
    schema = {"month_date": pl.Date, "icd10_code": pl.String, "visits": pl.Int64, "patients": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _newest_homes(truth: Truth) -> pl.DataFrame:
    homes = _homes(truth)
    newest = homes.filter(month_date=homes["month_date"].max())
    visits = newest.pivot("care_kind", index="commune_code", values="visits")
    return visits.select("commune_code", outpatient_visits="outpatient", inpatient_visits="inpatient")


def _homes(truth: Truth) -> pl.DataFrame:
    """Count visits and patients by home in plain Python. A facility has reported from the first month of its claims to the last."""
    seed = PROJECT / "dbt_project" / "seeds" / "communes.csv"
    communes = pl.read_csv(seed, schema_overrides={"commune_code": pl.String})["commune_code"].to_list()
    visits: Counter[tuple[date, str, str]] = Counter()
    patients: dict[tuple[date, str, str], set[str]] = defaultdict(set)
    months: dict[str, set[date]] = defaultdict(set)
    claims = _claims(truth).select("discharged_date", "is_inpatient", "commune_code", "citizen_number", "facility_code")
    for left, stays, home, citizen, facility in claims.iter_rows():
        month = left.replace(day=1)
        cell = month, "inpatient" if stays else "outpatient", home if home in communes else "outside"
        visits[cell] += 1
        patients[cell].add(citizen)
        months[facility].add(month)
    rows: list[tuple[object, ...]] = []
    for month in set().union(*months.values()):
        reported = sum(min(told) <= month <= max(told) for told in months.values())
        for kind in ("inpatient", "outpatient"):
            cells = {home: len(patients[month, kind, home]) for home in (*communes, "outside", "unknown")}
            secret = _hidden_homes(cells)
            for home, persons in cells.items():
                shown = (None, None) if home in secret else (visits[month, kind, home], persons)
                rows.append((home, month, kind, reported, home in secret, *shown))
    schema = {
        "commune_code": pl.String,
        "month_date": pl.Date,
        "care_kind": pl.String,
        "reported_facilities": pl.Int64,
        "is_small_cell": pl.Boolean,
        "visits": pl.Int64,
        "patients": pl.Int64,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def _hidden_homes(patients: dict[str, int]) -> set[str]:
    """Return the places to hide: all where there are few patients in all, else small ones and as many others as it takes."""
    return {*patients} if 0 < sum(patients.values()) < LEAST else hidden(patients)


def _queues(truth: Truth, clock: datetime) -> pl.DataFrame:
    left = truth["health_claims"].select("facility_code", "claim_id", "discharged_at")
    check_ins = truth["health_check_ins"].join(left, on=["facility_code", "claim_id"], how="left")
    first = clock - timedelta(hours=24)
    rows: list[tuple[object, ...]] = []
    for facility in check_ins["facility_code"].unique().sort():
        mine = check_ins.filter(pl.col("facility_code") == facility)
        desk = mine.filter(pl.col("visit_type_code") != INPATIENT)["checked_in_at", "discharged_at"].rows()
        for hour in range(24):
            start, end = first + timedelta(hours=hour), first + timedelta(hours=hour + 1)
            came = sum(start <= at < end for at in mine["checked_in_at"])
            there = [at for at, gone in desk if at < end and (gone is None or gone >= end)]
            waiting = sum(at >= end - timedelta(hours=24) for at in there)
            if came + waiting:
                rows.append((facility, start, came, waiting, sum(at >= end - USUAL_VISIT for at in there)))
    schema = pl.Schema(
        {
            "facility_code": pl.String(),
            "hour_at": pl.Datetime("us", "UTC"),
            "check_ins": pl.Int64(),
            "waiting": pl.Int64(),
            "waiting_estimate": pl.Int64(),
        }
    )
    return pl.DataFrame(rows, schema=schema, orient="row")
