"""What the marts of notifiable diseases must show, worked out case by case and week by week in plain Python."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from statistics import mean, median, stdev

import polars as pl

from core.settings import PROJECT
from simulator.comparisons.base import LOCAL, Comparison, Query, Truth, compare_rows

LEAST = 5
LEAST_REPORTED = 0.8
DEADLINE_HOURS = 24
WEEK = timedelta(days=7)
PROVINCE = "province"

Cell = tuple[str, str, date]
"""Disease, place, Monday of the week."""

WEEKS_SQL = """
    select disease_code, place_code, week_start_date, is_small_cell, reported_places, cases, deaths, cases_per_100k, cases_change,
        epidemic_threshold, is_above_threshold
    from health.disease_weeks
"""
REPORTING_SQL = """
    select disease_code, week_start_date, reported_cases, on_time_from_onset_cases, median_hours_from_onset from health.disease_reporting
"""
HISTORY_SQL = """
    select place_level, place_name, period_kind, period_start_date, period_end_date, cases_of_week, cases_of_month, cases_of_year
    from health.disease_history
"""


def comparisons(truth: Truth, query: Query, clock: datetime) -> list[Comparison]:
    """Compare the domain's marts; `clock` is the clock of the build."""
    return [
        compare_rows("health.disease_weeks", _weeks(truth, clock), query(WEEKS_SQL)),
        compare_rows("health.disease_reporting", _reporting(truth, clock), query(REPORTING_SQL)),
        compare_rows("health.disease_history", _history(truth), query(HISTORY_SQL)),
    ]


def _weeks(truth: Truth, clock: datetime) -> pl.DataFrame:
    populations = _populations()
    told = _Told(truth)
    running = _monday_of(clock)
    cells: dict[Cell, int | None] = {}
    deaths: dict[Cell, int | None] = {}
    hidden: set[Cell] = set()
    reported: dict[Cell, list[str]] = {}
    for disease, start in told.first.items():
        for monday in _mondays(start, running):
            of_communes = {commune: told.cases((disease, commune, monday)) for commune in populations}
            known = {commune: persons for commune, persons in of_communes.items() if persons is not None}
            dead = [told.deaths((disease, commune, monday)) for commune in known]
            total = sum(known.values()) if known else None
            cells |= {(disease, commune, monday): persons for commune, persons in of_communes.items()}
            cells[disease, PROVINCE, monday] = total
            deaths[disease, PROVINCE, monday] = sum(count for count in dead if count is not None) if dead else None
            reported |= {(disease, commune, monday): [commune] for commune in known}
            reported[disease, PROVINCE, monday] = list(known)
            hidden |= {(disease, commune, monday) for commune in _hidden(known)}
            hidden |= {(disease, place, monday) for place in _hidden({PROVINCE: _to_judge([*known.values()])})}
    thin = {cell for cell in cells if len(reported.get(cell, [])) < LEAST_REPORTED * _places(cell, populations)}
    rows = []
    for disease, start in told.first.items():
        for monday in _mondays(start, running):
            for place in (*populations, PROVINCE):
                cell, before = (disease, place, monday), (disease, place, monday - WEEK)
                is_hidden = cell in hidden
                persons, previous = None if is_hidden else cells[cell], cells.get(before)
                threshold = None if is_hidden else _threshold(cell, cells, thin, hidden)
                is_compared = monday < running and not {cell, before} & (hidden | thin)
                inhabitants = sum(populations[commune] for commune in reported.get(cell, []))
                is_above = None if persons is None or threshold is None else persons > threshold
                rows.append(
                    (
                        *cell,
                        is_hidden,
                        len(reported.get(cell, [])),
                        persons,
                        _deaths(persons, deaths.get(cell)),
                        None if persons is None else 100_000 * persons / inhabitants,
                        persons - previous if is_compared and persons is not None and previous is not None else None,
                        threshold,
                        is_above if is_above or (monday < running and cell not in thin) else None,
                    )
                )
    return pl.DataFrame(
        rows,
        schema={
            "disease_code": pl.String,
            "place_code": pl.String,
            "week_start_date": pl.Date,
            "is_small_cell": pl.Boolean,
            "reported_places": pl.Int64,
            "cases": pl.Int64,
            "deaths": pl.Int64,
            "cases_per_100k": pl.Float64,
            "cases_change": pl.Int64,
            "epidemic_threshold": pl.Float64,
            "is_above_threshold": pl.Boolean,
        },
        orient="row",
    )


class _Told:
    """What each commune reported of a week: its count, its case lines, or a form that does not name the disease; else nothing."""

    def __init__(self, truth: Truth) -> None:
        self._counts: dict[str, Counter[Cell]] = {"MAC": Counter(), "TV": Counter()}
        self._lines: Counter[Cell] = Counter()
        self._dead: Counter[Cell] = Counter()
        for disease, measure, commune, monday, persons in truth["disease_counts"].iter_rows():
            self._counts[measure][disease, commune, monday] += persons
        for line in _current_cases(truth).iter_rows(named=True):
            monday = line["onset_date"] - timedelta(days=line["onset_date"].weekday())
            cell = line["disease_code"], line["commune_code"], monday
            self._lines[cell] += 1
            self._dead[cell] += line["outcome_code"] == "tu_vong"
        self._forms = {(commune, monday) for counts in self._counts.values() for _, commune, monday in counts}
        self.first: dict[str, date] = {}
        for disease, _, monday in (*self._counts["MAC"], *self._counts["TV"], *self._lines):
            self.first[disease] = min(self.first.get(disease, monday), monday)

    def cases(self, cell: Cell) -> int | None:
        return self._first_known(self._counts["MAC"], self._lines, cell)

    def deaths(self, cell: Cell) -> int | None:
        return self._first_known(self._counts["TV"], self._dead, cell)

    def _first_known(self, counts: Counter[Cell], lines: Counter[Cell], cell: Cell) -> int | None:
        if cell in counts:
            return counts[cell]
        if cell in lines:
            return lines[cell]
        return 0 if cell[1:] in self._forms else None


def _current_cases(truth: Truth) -> pl.DataFrame:
    """Return the newest version of each case that was not discarded, with its first report."""
    lines = truth["disease_case_lines"].sort("reported_at")
    current = lines.group_by("case_code").agg(
        pl.all().exclude("case_code").last(), pl.col("reported_at").min().alias("first_reported_at")
    )
    return current.filter(pl.col("classification_code") != "loai_tru")


def _hidden(cells: dict[str, int]) -> set[str]:
    """Choose the cells to hide: the small ones, and the next larger ones until two cells, five persons and not one in each are hidden.

    With cells of one alone goes an empty cell; of a group of one to four persons five cells are hidden.
    """
    if not any(0 < persons < LEAST for persons in cells.values()):
        return set()
    chosen: list[int] = []
    names = set()
    for persons, name in sorted((persons, name) for name, persons in cells.items() if persons):
        if persons >= LEAST and len(chosen) >= 2 and sum(chosen) >= LEAST and max(chosen) > 1:
            break
        chosen.append(persons)
        names.add(name)
    if sum(chosen) < LEAST or max(chosen) == 1:
        empty = sorted(name for name, persons in cells.items() if persons == 0)
        names |= {*empty[: max(LEAST - len(chosen), 1)]}
    return names


def _to_judge(cells: list[int]) -> int:
    """Add up the communes; one where all hold one to four and most hold one, for which the total would stand."""
    is_telling = bool(cells) and min(cells) > 0 and max(cells) < LEAST and sum(cells) < 2 * len(cells)
    return 1 if is_telling else sum(cells)


def _deaths(cases: int | None, deaths: int | None) -> int | None:
    if cases is None or deaths is None:
        return None
    is_telling = 0 < deaths < LEAST or (deaths > 0 and 0 < cases - deaths < LEAST)
    return None if is_telling else deaths


def _places(cell: Cell, populations: dict[str, int]) -> int:
    return len(populations) if cell[1] == PROVINCE else 1


def _threshold(cell: Cell, cells: dict[Cell, int | None], thin: set[Cell], hidden: set[Cell]) -> float | None:
    disease, place, monday = cell
    year, week, _ = monday.isocalendar()
    window: list[Cell] = []
    for earlier in range(year - 5, year):
        last = date(earlier, 12, 28).isocalendar().week
        middle = date.fromisocalendar(earlier, min(week, last), 1)
        window += [(disease, place, middle + step * WEEK) for step in (-1, 0, 1)]
    values = [cells.get(other) for other in window if other not in thin | hidden]
    known = [value for value in values if value is not None]
    return mean(known) + 2 * stdev(known) if len(known) == len(window) else None


def _reporting(truth: Truth, clock: datetime) -> pl.DataFrame:
    delays: dict[tuple[str, date], list[float]] = defaultdict(list)
    cases = _current_cases(truth).with_columns(pl.col("first_reported_at").dt.convert_time_zone(LOCAL))
    for line in cases.iter_rows(named=True):
        reported = line["first_reported_at"]
        since = reported.replace(tzinfo=None) - datetime.combine(line["onset_date"], datetime.min.time())
        monday = reported.date() - timedelta(days=reported.weekday())
        delays[line["disease_code"], monday].append(since.total_seconds() / 3600)
    rows: list[tuple[object, ...]] = []
    first = min(monday for _, monday in delays)
    for disease in sorted({disease for disease, _ in delays}):
        for monday in _mondays(first, _monday_of(clock)):
            hours = delays.get((disease, monday), [])
            if 0 < len(hours) < LEAST:
                rows.append((disease, monday, None, None, None))
            else:
                on_time = sum(delay <= DEADLINE_HOURS for delay in hours)
                rows.append((disease, monday, len(hours), on_time, median(hours) if hours else None))
    return pl.DataFrame(
        rows,
        schema={
            "disease_code": pl.String,
            "week_start_date": pl.Date,
            "reported_cases": pl.Int64,
            "on_time_from_onset_cases": pl.Int64,
            "median_hours_from_onset": pl.Float64,
        },
        orient="row",
    )


def _history(truth: Truth) -> pl.DataFrame:
    kinds = {
        f"cases_of_{kind}": pl.when(pl.col("period_kind") == kind).then(pl.col("cases"))
        for kind in ("week", "month", "year")
    }
    return truth["disease_published"].with_columns(**kinds).drop("cases")


def _populations() -> dict[str, int]:
    """Read the reference list, from which the city is made as well."""
    path = PROJECT / "dbt_project" / "seeds" / "populations.csv"
    rows = pl.read_csv(path, schema_overrides={"commune_code": pl.String})
    return dict(rows.select("commune_code", "population").rows())


def _monday_of(clock: datetime) -> date:
    today = (clock + timedelta(hours=7) - (clock.utcoffset() or timedelta())).date()
    return today - timedelta(days=today.weekday())


def _mondays(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += WEEK
