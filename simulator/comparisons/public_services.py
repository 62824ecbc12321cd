"""What the marts of public services must show, counted here dossier by dossier and month by month, in plain Python."""

from bisect import bisect_left
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from core.reference import Reference
from simulator.comparisons.base import LOCAL, Comparison, Query, Truth, compare_headlines, compare_map, compare_rows
from simulator.comparisons.small_cells import LEAST
from simulator.seeds import read_seed

PROCESSED, RETURNED, IN_PROGRESS, SUPPLEMENTING = ("9", "10"), ("7", "8"), ("2", "4", "6"), ("5",)
SATISFIED = (4, 5)
COMMITTEES = "UBND xã, phường"
RECEIVED = (*PROCESSED, *RETURNED, *IN_PROGRESS, *SUPPLEMENTING)
COUNTS = (
    "received_total",
    "carried_over",
    "received",
    "received_online",
    "received_direct_or_post",
    "processed_total",
    "processed_on_time",
    "processed_overdue",
    "in_progress_total",
    "in_progress_in_time",
    "in_progress_overdue",
    "supplementing",
    "returned",
    "moved_in",
    "moved_out",
    "due_total",
    "received_in_online_procedures",
    "online_in_online_procedures",
    "received_digitised",
    "processed_with_digitised_result",
    "digitised_components",
    "reused_components",
    "received_with_fee",
    "received_paid_online",
)

DOSSIERS_SQL = """
    select dossier_id, procedure_code, level_code, channel_code, agency_code as processing_agency_code, receiving_agency_code, status_code,
        last_changed_at, submitted_at, received_at, due_at, finished_at, returned_at, refused_at, supplement_count, fee_amount,
        is_paid_online, component_count, digitised_component_count, reused_component_count, has_digitised_components,
        result_paper_count, is_on_time, is_overdue, working_days_late
    from public_services.dossiers
"""
MONTHS_SQL = "select * from public_services.dossier_agency_months where received_total > 0"
PROCEDURES_SQL = """
    select * from public_services.dossier_procedure_months where received + processed_total + in_progress_overdue > 0
"""
SATISFACTION_SQL = """
    select * from public_services.satisfaction_agency_months where rated_dossiers > 0 or is_small_cell
"""
SATISFACTION_SCORES_SQL = """
    select agency_code, month_date, numerator, denominator, score_points
    from public_services.decision_766_scores
    where component_code = 'satisfaction_rate' and denominator > 0
"""
PROVINCE_SQL = "select * from public_services.dossier_months"
PROCEDURE_COUNTS = (
    "received",
    "received_online",
    "processed_total",
    "processed_before_time",
    "processed_on_the_day",
    "processed_overdue",
    "in_progress_overdue",
    "working_days_taken",
)

Row = dict[str, Any]


def comparisons(truth: Truth, query: Query, clock: datetime) -> list[Comparison]:
    """Compare the domain's marts; `clock` is the clock of the build."""
    dossiers = _dossiers(truth, clock)
    return [
        compare_rows("public_services.dossiers", dossiers, query(DOSSIERS_SQL)),
        compare_rows("public_services.dossier_agency_months", _agency_months(truth, clock), query(MONTHS_SQL)),
        compare_rows(
            "public_services.dossier_procedure_months", _procedure_months(truth, clock), query(PROCEDURES_SQL)
        ),
        compare_rows("public_services.dossier_months", _province_months(truth, clock), query(PROVINCE_SQL)),
        compare_rows("public_services.satisfaction_agency_months", _satisfaction(truth), query(SATISFACTION_SQL)),
        compare_rows(
            "public_services.decision_766_scores", _satisfaction_scores(truth, clock), query(SATISFACTION_SCORES_SQL)
        ),
        compare_map("public_services.dossiers_on_map", _committees(truth, clock), query),
        compare_headlines("public_services", {"dossiers_overdue": float(dossiers["is_overdue"].sum())}, query),
    ]


def _dossiers(truth: Truth, clock: datetime) -> pl.DataFrame:
    judged = [_judged(dossier, _day(clock)) for dossier in truth["dossiers"].iter_rows(named=True)]
    schema = {"is_on_time": pl.Boolean(), "is_overdue": pl.Boolean(), "working_days_late": pl.Int64()}
    return truth["dossiers"].drop("has_result_paper").hstack(pl.DataFrame(judged, schema=schema, orient="row"))


def _judged(dossier: Row, today: date) -> tuple[bool | None, bool, int | None]:
    """Return whether it was on time, whether it is overdue, and how many working days late."""
    if dossier["status_code"] in PROCESSED:
        late = _working_days_late(_day(dossier["due_at"]), _day(dossier["finished_at"]))
        return late == 0, False, late
    if dossier["status_code"] in IN_PROGRESS:
        late = _working_days_late(_day(dossier["due_at"]), today)
        return None, late > 0, late
    return None, False, None


@cache
def _working_days() -> tuple[date, ...]:
    return tuple(
        date.fromisoformat(row["local_date"]) for row in read_seed("working_days") if row["is_working_day"] == "true"
    )


def _working_days_late(due: date, done: date) -> int:
    """Count the working days from the last one on or before the due date to the last one on or before the end."""
    return max(bisect_left(_working_days(), done) - bisect_left(_working_days(), due), 0)


def _agency_months(truth: Truth, clock: datetime) -> pl.DataFrame:
    return _table("agency_code", COUNTS, _month_counts(truth, clock, "processing_agency_code"))


def _committees(truth: Truth, clock: datetime) -> pl.DataFrame:
    """Return what the People's Committee of each commune has in the running month, if nothing zeros."""
    counted, month = _month_counts(truth, clock, "processing_agency_code"), _day(clock).replace(day=1)
    rows = []
    for agency in Reference().list_of("agencies").iter_rows(named=True):
        if agency["agency_group"] == COMMITTEES:
            counts = counted.get((agency["agency_code"], month), Counter())
            on_time = 100 * counts["processed_on_time"] / counts["due_total"] if counts["due_total"] else None
            figures = (counts["received_total"], counts["due_total"], on_time, counts["in_progress_overdue"])
            rows.append((agency["commune_code"], *figures))
    names = ("received_total", "due_total", "on_time_of_due_percent", "in_progress_overdue")
    kinds = {name: pl.Float64() if name.endswith("percent") else pl.Int64() for name in names}
    return pl.DataFrame(rows, schema={"commune_code": pl.String(), **kinds}, orient="row")


def _procedure_months(truth: Truth, clock: datetime) -> pl.DataFrame:
    counted = _month_counts(truth, clock, "procedure_code")
    shown = {key: counts for key, counts in counted.items() if any(counts[name] for name in PROCEDURE_COUNTS)}
    never = pl.when(pl.col("processed_total") > 0).then(pl.col("working_days_taken"))
    return _table("procedure_code", PROCEDURE_COUNTS, shown).with_columns(working_days_taken=never)


def _province_months(truth: Truth, clock: datetime) -> pl.DataFrame:
    """Sum the months of the agencies; what is open at the end of a month is what they all have open."""
    counted: dict[date, Counter[str]] = defaultdict(Counter)
    for (_, month), counts in _month_counts(truth, clock, "processing_agency_code").items():
        counted[month].update(counts)
    rows = [
        (
            month,
            counts["received"],
            counts["processed_total"],
            counts["processed_on_time"],
            counts["in_progress_total"] + counts["supplementing"],
        )
        for month, counts in counted.items()
    ]
    names = ("received", "processed_total", "processed_on_time", "open_dossiers")
    return pl.DataFrame(rows, schema={"month_date": pl.Date(), **dict.fromkeys(names, pl.Int64())}, orient="row")


def _satisfaction(truth: Truth) -> pl.DataFrame:
    rows = []
    for (agency_code, month), ratings in sorted(_last_ratings(truth).items()):
        is_small_cell = len(ratings) < LEAST
        satisfied = sum(rating in SATISFIED for rating in ratings)
        shown = (len(ratings), satisfied, 100 * satisfied / len(ratings))
        rows.append((agency_code, month, *((None,) * 3 if is_small_cell else shown), is_small_cell))
    counts = {"rated_dossiers": pl.Int64(), "satisfied_dossiers": pl.Int64(), "satisfied_percent": pl.Float64()}
    schema = {"agency_code": pl.String(), "month_date": pl.Date(), **counts, "is_small_cell": pl.Boolean()}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _satisfaction_scores(truth: Truth, clock: datetime) -> pl.DataFrame:
    """Of the months in which a dossier stands with an agency: six points at 90 % and above, in proportion below."""
    first = min(month for _, month in _month_counts(truth, clock, "processing_agency_code"))
    shown = _satisfaction(truth).filter(~pl.col("is_small_cell") & (pl.col("month_date") >= first))
    return shown.select(
        "agency_code",
        "month_date",
        pl.col("satisfied_dossiers").alias("numerator"),
        pl.col("rated_dossiers").alias("denominator"),
        (pl.min_horizontal(pl.col("satisfied_percent") / 90, 1.0) * 6).alias("score_points"),
    )


def _last_ratings(truth: Truth) -> dict[tuple[str, date], list[int]]:
    """Return the last rating of each dossier, by agency and the month in which it was given."""
    last = {row["dossier_id"]: row for row in truth["dossier_ratings"].sort("rated_at").iter_rows(named=True)}
    found: dict[tuple[str, date], list[int]] = defaultdict(list)
    for row in last.values():
        found[row["agency_code"], _day(row["rated_at"]).replace(day=1)].append(row["rating"])
    return found


def _table(key: str, names: tuple[str, ...], counted: dict[tuple[str, date], Counter[str]]) -> pl.DataFrame:
    rows = [(*place, *(counts[name] for name in names)) for place, counts in sorted(counted.items())]
    schema = {key: pl.String(), "month_date": pl.Date(), **dict.fromkeys(names, pl.Int64())}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _month_counts(truth: Truth, clock: datetime, key: str) -> dict[tuple[str, date], Counter[str]]:
    history: dict[str, list[tuple[date, str, datetime | None]]] = defaultdict(list)
    returned_on: dict[str, date] = {}
    for dossier_id, changed_at, status, due_at in truth["dossier_versions"].sort("changed_at").iter_rows():
        history[dossier_id].append((_day(changed_at), status, due_at))
        if status in RETURNED:
            returned_on.setdefault(dossier_id, _day(changed_at))
    counted: dict[tuple[str, date], Counter[str]] = defaultdict(Counter)
    for dossier in truth["dossiers"].iter_rows(named=True):
        if dossier["status_code"] not in RECEIVED:
            continue
        received_on = _day(dossier["received_at"])
        closed_on = None
        if dossier["status_code"] in PROCESSED:
            closed_on = _day(dossier["finished_at"])
        elif dossier["status_code"] in RETURNED:
            closed_on = returned_on[dossier["dossier_id"]]
        month = received_on.replace(day=1)
        while month <= _day(clock) and (closed_on is None or closed_on >= month):
            following = (month + timedelta(days=31)).replace(day=1)
            counts = counted[dossier[key], month]
            counts["received_total"] += 1
            if received_on < month:
                counts["carried_over"] += 1
            else:
                _count_received(counts, dossier)
            if closed_on is not None and closed_on < following:
                _count_closed(counts, dossier)
            else:
                _count_open(counts, dossier, history[dossier["dossier_id"]], following, _day(clock))
            month = following
    for counts in counted.values():
        counts["due_total"] = counts["processed_total"] + counts["in_progress_overdue"]
    return counted


def _count_received(counts: Counter[str], dossier: Row) -> None:
    is_online = dossier["channel_code"] == "2"
    counts["received"] += 1
    counts["received_online" if is_online else "received_direct_or_post"] += 1
    if dossier["level_code"] in ("3", "4"):
        counts["received_in_online_procedures"] += 1
        counts["online_in_online_procedures"] += is_online
    counts["received_digitised"] += dossier["has_digitised_components"]
    counts["digitised_components"] += dossier["digitised_component_count"]
    counts["reused_components"] += dossier["reused_component_count"]
    if dossier["fee_amount"] > 0:
        counts["received_with_fee"] += 1
        counts["received_paid_online"] += dossier["is_paid_online"]


def _count_closed(counts: Counter[str], dossier: Row) -> None:
    if dossier["status_code"] in RETURNED:
        counts["returned"] += 1
        return
    is_on_time = _working_days_late(_day(dossier["due_at"]), _day(dossier["finished_at"])) == 0
    counts["processed_total"] += 1
    counts["processed_on_time" if is_on_time else "processed_overdue"] += 1
    if is_on_time:
        until = _working_days()[bisect_left(_working_days(), _day(dossier["due_at"]))]
        counts["processed_before_time" if _day(dossier["finished_at"]) < until else "processed_on_the_day"] += 1
    taken = bisect_left(_working_days(), _day(dossier["finished_at"])) - bisect_left(
        _working_days(), _day(dossier["received_at"])
    )
    counts["working_days_taken"] += taken
    counts["processed_with_digitised_result"] += dossier["result_paper_count"] > 0 or not dossier["has_result_paper"]


def _count_open(
    counts: Counter[str], dossier: Row, history: list[tuple[date, str, datetime | None]], following: date, today: date
) -> None:
    """Count the dossier as it stood at the end of the month: by the last version before the next one began."""
    received = [entry for entry in history if entry[1] in RECEIVED]
    told = [entry for entry in received if entry[0] < following]
    status, due_at = (told[-1][1], told[-1][2]) if told else ("4", received[0][2])
    if status in SUPPLEMENTING:
        counts["supplementing"] += 1
        return
    is_overdue = _working_days_late(_day(due_at or dossier["due_at"]), min(following, today)) > 0
    counts["in_progress_total"] += 1
    counts["in_progress_overdue" if is_overdue else "in_progress_in_time"] += 1


def _day(moment: datetime) -> date:
    return moment.astimezone(ZoneInfo(LOCAL)).date()
