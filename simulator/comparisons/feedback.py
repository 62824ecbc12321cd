"""What the marts of citizen feedback must show."""

from datetime import datetime

import polars as pl

from simulator.comparisons.base import LOCAL, Comparison, Query, Truth, compare_rows

NOT_THEIRS = ("duplicate", "not_responsible")
"""States of what was closed, and was not the agency's to handle."""

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


def comparisons(truth: Truth, query: Query, clock: datetime) -> list[Comparison]:
    """Compare the domain's marts; `clock` is the clock of the build."""
    return [
        compare_rows("feedback.feedback_cases", _cases(truth, clock), query(CASES_SQL)),
        compare_rows("feedback.feedback_agency_days", _agency_days(truth, clock), query(AGENCY_SQL)),
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
