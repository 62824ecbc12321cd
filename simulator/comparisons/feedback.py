"""What the marts of citizen feedback must show."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from core.reference import Reference
from simulator.comparisons.base import LOCAL, Comparison, Query, Truth, compare_headlines, compare_map, compare_rows

NOT_THEIRS = ("duplicate", "not_responsible")
"""States of cases that were closed but were not the agency's to handle."""

CLOSED = ("closed", "resolved", "no_further_action", *NOT_THEIRS)

CASES_SQL = """
    select service_request_id, agency_code, commune_code, service_code, status_code as status, requested_at,
        last_changed_at as version_at, expected_at, closed_at, closed_by_at, is_handled, satisfaction_rating,
        latitude, longitude, is_on_time, is_overdue
    from feedback.feedback_cases
"""
AGENCY_SQL = """
    select agency_code, local_date, received_cases, closed_cases, within_competence_cases, handled_cases, due_closed_cases, due_cases,
        on_time_cases, overdue_cases
    from feedback.feedback_agency_days where received_cases > 0
"""
GROUP_SQL = """
    select {key}, month_date, received_cases, handled_cases, due_cases, on_time_cases, overdue_cases, reassigned_cases
    from feedback.{mart} where received_cases > 0
"""
OVERDUE_SQL = "select place_code as service_request_id from feedback.feedback_on_map where place_level = 'case'"
MONTHS_SQL = "select * from feedback.feedback_months"


def comparisons(truth: Truth, query: Query, clock: datetime) -> list[Comparison]:
    """Compare the domain's marts; `clock` is the clock of the build."""
    return [
        compare_rows("feedback.feedback_cases", _cases(truth, clock), query(CASES_SQL)),
        compare_rows("feedback.feedback_agency_days", _agency_days(truth, clock), query(AGENCY_SQL)),
        *(
            compare_rows(
                f"feedback.{mart}", _group_months(truth, clock, key), query(GROUP_SQL.format(key=key, mart=mart))
            )
            for mart, key in (("feedback_agency_months", "agency_code"), ("feedback_commune_months", "commune_code"))
        ),
        compare_rows("feedback.feedback_months", _months(truth, clock), query(MONTHS_SQL)),
        compare_headlines("feedback", _headlines(truth, clock), query),
        compare_map("feedback.feedback_on_map", _newest_month(truth, clock), query),
        compare_rows("feedback.feedback_on_map (cases)", _overdue_on_map(truth, clock), query(OVERDUE_SQL)),
    ]


def _cases(truth: Truth, clock: datetime) -> pl.DataFrame:
    is_closed = pl.col("status").is_in(CLOSED)
    has_deadline = pl.col("expected_at").is_not_null()
    is_in_time, is_late = pl.col("closed_by_at") <= pl.col("expected_at"), pl.col("closed_at") > pl.col("expected_at")
    is_handled = is_closed & ~pl.col("status").is_in(NOT_THEIRS)
    return truth["feedback_cases"].with_columns(
        is_handled=is_handled,
        is_on_time=pl.when(is_handled & has_deadline & is_in_time)
        .then(statement=True)
        .when(is_handled & has_deadline & is_late)
        .then(statement=False),
        is_overdue=(~is_closed & has_deadline & (pl.col("expected_at") < clock)).fill_null(value=False),
    )


def _agency_days(truth: Truth, clock: datetime) -> pl.DataFrame:
    cases = _cases(truth, clock).with_columns(local_date=pl.col("requested_at").dt.convert_time_zone(LOCAL).dt.date())
    return cases.group_by("agency_code", "local_date").agg(
        pl.len().alias("received_cases"),
        pl.col("status").is_in(CLOSED).sum().alias("closed_cases"),
        (~pl.col("status").is_in(NOT_THEIRS)).sum().alias("within_competence_cases"),
        pl.col("is_handled").sum().alias("handled_cases"),
        pl.col("is_on_time").count().alias("due_closed_cases"),
        (pl.col("is_on_time").is_not_null() | pl.col("is_overdue")).sum().alias("due_cases"),
        pl.col("is_on_time").sum().alias("on_time_cases"),
        pl.col("is_overdue").sum().alias("overdue_cases"),
    )


def _group_months(truth: Truth, clock: datetime, key: str) -> pl.DataFrame:
    agencies = truth["feedback_versions"].sort("version_at").group_by("service_request_id", maintain_order=True)
    moves = agencies.agg((pl.col("agency_code").rle_id().max() > 1).alias("is_reassigned"))
    month = pl.col("requested_at").dt.convert_time_zone(LOCAL).dt.date().dt.truncate("1mo")
    cases = _cases(truth, clock).join(moves, on="service_request_id").with_columns(month_date=month)
    return cases.group_by(key, "month_date").agg(
        pl.len().alias("received_cases"),
        pl.col("is_handled").sum().alias("handled_cases"),
        (pl.col("is_on_time").is_not_null() | pl.col("is_overdue")).sum().alias("due_cases"),
        pl.col("is_on_time").sum().alias("on_time_cases"),
        pl.col("is_overdue").sum().alias("overdue_cases"),
        pl.col("is_reassigned").sum().alias("reassigned_cases"),
    )


def _newest_month(truth: Truth, clock: datetime) -> pl.DataFrame:
    """Count the cases of every commune in the month of the clock; a commune without one had none."""
    counted = _group_months(truth, clock, "commune_code").filter(month_date=_day(clock).replace(day=1))
    communes = Reference().list_of("communes").select("commune_code")
    figures = ("received_cases", "due_cases", "overdue_cases")
    return communes.join(counted, on="commune_code", how="left").select("commune_code", pl.col(figures).fill_null(0))


def _overdue_on_map(truth: Truth, clock: datetime) -> pl.DataFrame:
    overdue = _cases(truth, clock).filter("is_overdue", pl.col("latitude").is_not_null())
    return overdue.select("service_request_id")


def _months(truth: Truth, clock: datetime) -> pl.DataFrame:
    """Count case by case what came, was handled and stayed open in each month, and in the same days of the month before."""
    today = (clock - timedelta(seconds=1)).astimezone(ZoneInfo(LOCAL)).date()
    cases = [
        (_day(case["requested_at"]), _day(case["closed_by_at"]) if case["closed_by_at"] else None, case["is_handled"])
        for case in _cases(truth, clock).iter_rows(named=True)
    ]

    def counts(first: date, last: date) -> tuple[int, int, int]:
        received = sum(first <= sent <= last for sent, _, _ in cases)
        handled = sum(is_handled and closed is not None and first <= closed <= last for _, closed, is_handled in cases)
        left_open = sum(sent <= last and (closed is None or closed > last) for sent, closed, _ in cases)
        return received, handled, left_open

    known_from = min(sent for sent, _, _ in cases)
    month, rows = known_from.replace(day=1), []
    while month <= today:
        end = (month + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        before = (month - timedelta(days=1)).replace(day=1)
        last_before = month - timedelta(days=1)
        if end > today:
            last_before = min(last_before, before + timedelta(days=today.day - 1))
        is_known = known_from <= before
        now, then = counts(month, min(end, today)), counts(before, last_before)
        rows.append((month, *now, *(then if is_known else (None, None, None)), None))
        month = end + timedelta(days=1)
    figures = ("received_cases", "handled_cases", "open_cases")
    names = [*figures, *(f"{name}_last_month" for name in figures), "received_cases_last_year"]
    return pl.DataFrame(rows, schema={"month_date": pl.Date(), **dict.fromkeys(names, pl.Int64())}, orient="row")


def _headlines(truth: Truth, clock: datetime) -> dict[str, float | None]:
    today = _day(clock - timedelta(seconds=1))
    cases = [*_cases(truth, clock).iter_rows(named=True)]
    judged = [
        case["is_on_time"]
        for case in cases
        if case["is_on_time"] is not None and today.replace(day=1) <= _day(case["closed_by_at"]) <= today
    ]
    return {
        "feedback_on_time": 100 * sum(judged) / len(judged) if judged else None,
        "feedback_overdue": sum(case["is_overdue"] for case in cases),
        "feedback_received": sum(today.replace(day=1) <= _day(case["requested_at"]) <= today for case in cases),
    }


def _day(moment: datetime) -> date:
    return moment.astimezone(ZoneInfo(LOCAL)).date()
