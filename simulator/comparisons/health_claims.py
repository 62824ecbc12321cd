"""What the marts of health claims must show."""

from datetime import datetime, timedelta

import polars as pl

from simulator.comparisons.base import LOCAL, Comparison, Query, Truth, compare_rows

INPATIENT = "03"
FEW = 5

DAYS_SQL = """
    select facility_code, local_date, visits, admissions, discharges, treatment_days, inpatients
    from health.facility_days where visits + discharges + inpatients > 0
"""
SPENDING_SQL = """
    select facility_code, month_date, claims, spent_vnd, spent_in_year_vnd from health.insurance_spend_months where claims > 0
"""
DIAGNOSES_SQL = "select month_date, icd10_code, visits, patients from health.icd10_months"
QUEUES_SQL = (
    "select facility_code, hour_at, check_ins, waiting from health.check_in_hours where check_ins + waiting > 0"
)


def comparisons(truth: Truth, query: Query, clock: datetime) -> list[Comparison]:
    """Compare the domain's marts; `clock` is the clock of the build."""
    return [
        compare_rows("health.facility_days", _facility_days(truth, clock), query(DAYS_SQL)),
        compare_rows("health.insurance_spend_months", _spending(truth), query(SPENDING_SQL)),
        compare_rows("health.icd10_months", _diagnoses(truth), query(DIAGNOSES_SQL)),
        compare_rows("health.check_in_hours", _queues(truth, clock), query(QUEUES_SQL)),
    ]


def _claims(truth: Truth) -> pl.DataFrame:
    return truth["health_claims"].with_columns(
        admitted_date=pl.col("admitted_at").dt.convert_time_zone(LOCAL).dt.date(),
        discharged_date=pl.col("discharged_at").dt.convert_time_zone(LOCAL).dt.date(),
        is_inpatient=pl.col("visit_type_code") == INPATIENT,
    )


def _facility_days(truth: Truth, clock: datetime) -> pl.DataFrame:
    claims, stays = _claims(truth), _claims(truth).filter("is_inpatient")
    key = ["facility_code", "local_date"]
    came = claims.group_by("facility_code", pl.col("admitted_date").alias("local_date")).agg(
        pl.len().alias("visits"), pl.col("is_inpatient").sum().alias("admissions")
    )
    left = stays.group_by("facility_code", pl.col("discharged_date").alias("local_date")).agg(
        pl.len().alias("discharges"), pl.col("treatment_days").sum().cast(pl.Int64)
    )
    nights = (
        stays.with_columns(
            local_date=pl.date_ranges("admitted_date", "discharged_date", closed="left"),
        )
        .explode("local_date")
        .drop_nulls("local_date")
    )
    in_bed = nights.group_by(key).agg(pl.len().alias("inpatients"))
    today = pl.lit(clock - timedelta(seconds=1)).dt.convert_time_zone(LOCAL).dt.date()
    counts = ("visits", "admissions", "discharges", "treatment_days", "inpatients")
    return (
        came.join(left, on=key, how="full", coalesce=True)
        .join(in_bed, on=key, how="full", coalesce=True)
        .filter(pl.col("local_date").is_between(today - timedelta(days=30), today))
        .select(*key, *(pl.col(name).fill_null(0).cast(pl.Int64) for name in counts))
    )


def _spending(truth: Truth) -> pl.DataFrame:
    months = (
        truth["health_claims"]
        .group_by("facility_code", pl.date("year", "month", 1).alias("month_date"))
        .agg(pl.len().cast(pl.Int64).alias("claims"), pl.col("insurer_paid_vnd").sum().alias("spent_vnd"))
        .sort("facility_code", "month_date")
    )
    return months.with_columns(spent_in_year_vnd=pl.col("spent_vnd").cum_sum().over("facility_code"))


def _diagnoses(truth: Truth) -> pl.DataFrame:
    """Hide by hand what must not be seen: cells of 1 to 4 patients, then the next larger ones until two are hidden and five persons."""
    counted = (
        _claims(truth)
        .group_by(pl.col("discharged_date").dt.truncate("1mo").alias("month_date"), "icd10_code")
        .agg(pl.len().alias("visits"), pl.col("citizen_number").n_unique().alias("patients"))
        .sort("month_date", "patients", "icd10_code")
    )
    rows = []
    for _, cells in counted.group_by("month_date", maintain_order=True):
        hidden = persons = 0
        for month, code, visits, patients in cells.iter_rows():
            is_needed = hidden > 0 and (hidden < 2 or persons < FEW)
            if patients < FEW or is_needed:
                hidden, persons = hidden + 1, persons + patients
                rows.append((month, code, None, None))
            else:
                rows.append((month, code, visits, patients))
    schema = {"month_date": pl.Date, "icd10_code": pl.String, "visits": pl.Int64, "patients": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _queues(truth: Truth, clock: datetime) -> pl.DataFrame:
    left = truth["health_claims"].select("facility_code", "claim_id", "discharged_at")
    people = truth["health_check_ins"].join(left, on=["facility_code", "claim_id"], how="left").rows()
    first = clock - timedelta(hours=24)
    rows: list[tuple[object, ...]] = []
    for facility in sorted({row[0] for row in people}):
        mine = [(came, gone) for code, _, came, gone in people if code == facility]
        for hour in range(24):
            start, end = first + timedelta(hours=hour), first + timedelta(hours=hour + 1)
            came = sum(start <= at < end for at, _ in mine)
            waiting = sum(first <= at < end and (gone is None or gone >= end) for at, gone in mine)
            if came + waiting:
                rows.append((facility, start, came, waiting))
    schema = pl.Schema(
        {
            "facility_code": pl.String(),
            "hour_at": pl.Datetime("us", "UTC"),
            "check_ins": pl.Int64(),
            "waiting": pl.Int64(),
        }
    )
    return pl.DataFrame(rows, schema=schema, orient="row")
