"""What the marts of notifiable diseases must show, worked out case by case and week by week in plain Python."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import mean, median, stdev

import polars as pl

from core.reference import Reference
from core.settings import PROJECT
from simulator.comparisons.base import LOCAL, Comparison, Query, Truth, compare_rows
from simulator.comparisons.small_cells import LEAST, hidden, to_judge

LEAST_REPORTED = 0.8
DEADLINE_HOURS = 24
DUE_DAYS = 2
WEEK = timedelta(days=7)
PROVINCE = "province"
LEAST_CLUSTER = {"A91": 20, "B05": 5}
GROUPS = {
    "classification": ("nghi_ngo", "co_the", "xac_dinh"),
    "age": ("under_5", "from_5", "from_15", "from_50", "unknown"),
}
NO_HISTORY, HIDDEN = "chưa đủ lịch sử", "số nhỏ, được ẩn"

Cell = tuple[str, str, date]
"""Disease, place, Monday of the week."""

WEEKS_SQL = """
    select disease_code, place_code, week_start_date, is_small_cell, reported_places, cases, deaths, cases_per_100k, cases_change,
        epidemic_threshold, is_above_threshold, cases_4_weeks, cases_4_weeks_before, is_cluster, cluster_start_date, cluster_cases
    from health.disease_weeks
"""
YEARS_SQL = """
    select disease_code, iso_year, is_latest, weeks, known_weeks, is_small_cell, cases, deaths, fatality_percent, cases_last_year,
        cases_change_percent, last_year_unknown_reason
    from health.disease_years
"""
REPORTING_SQL = """
    select disease_code, week_start_date, reported_cases, on_time_from_onset_cases, median_hours_from_onset from health.disease_reporting
"""
MAP_SQL = """
    select disease_code, commune_code, week_start_date, is_small_cell, cases, epidemic_threshold, is_above_threshold
    from health.diseases_on_map
    where place_level = 'commune' and shape_number = 1
"""
GROUPS_SQL = """
    select disease_code, week_start_date, group_kind, group_code, is_small_cell, cases, share_percent from health.disease_case_groups
"""
COMPLETENESS_SQL = """
    select place_code, iso_year, is_latest, due_counts, sent_counts, completeness_percent, last_week_start_date
    from health.disease_completeness
"""
HISTORY_SQL = """
    select place_level, place_name, period_kind, period_start_date, period_end_date, cases_of_week, cases_of_month, cases_of_year
    from health.disease_history
"""


def comparisons(truth: Truth, query: Query, clock: datetime) -> list[Comparison]:
    """Compare the domain's marts; `clock` is the clock of the build."""
    told = _Told(truth)
    grid = _Grid(told, clock)
    return [
        compare_rows("health.disease_weeks", _weeks(grid), query(WEEKS_SQL)),
        compare_rows("health.diseases_on_map", _newest_weeks(grid), query(MAP_SQL)),
        compare_rows("health.disease_years", _years(grid), query(YEARS_SQL)),
        compare_rows("health.disease_reporting", _reporting(truth, clock), query(REPORTING_SQL)),
        compare_rows("health.disease_case_groups", _case_groups(truth, clock), query(GROUPS_SQL)),
        compare_rows("health.disease_completeness", _completeness(told, clock), query(COMPLETENESS_SQL)),
        compare_rows("health.disease_history", _history(truth), query(HISTORY_SQL)),
    ]


class _Grid:
    """What was told of every disease, place and week, by whom, and which cells are hidden or known of too few communes."""

    def __init__(self, told: "_Told", clock: datetime) -> None:
        self.populations = _populations()
        self.running = _monday_of(clock)
        self.first = told.first
        self.cells: dict[Cell, int | None] = {}
        self.deaths: dict[Cell, int | None] = {}
        self.hidden: set[Cell] = set()
        self.reported: dict[Cell, list[str]] = {}
        for disease, start in told.first.items():
            for monday in _mondays(start, self.running):
                of_communes = {commune: told.cases((disease, commune, monday)) for commune in self.populations}
                known = {commune: persons for commune, persons in of_communes.items() if persons is not None}
                dead = [told.deaths((disease, commune, monday)) for commune in known]
                total = sum(known.values()) if known else None
                self.cells |= {(disease, commune, monday): persons for commune, persons in of_communes.items()}
                self.cells[disease, PROVINCE, monday] = total
                self.deaths[disease, PROVINCE, monday] = (
                    sum(count for count in dead if count is not None) if dead else None
                )
                self.reported |= {(disease, commune, monday): [commune] for commune in known}
                self.reported[disease, PROVINCE, monday] = list(known)
                self.hidden |= {(disease, commune, monday) for commune in hidden(known)}
                self.hidden |= {(disease, place, monday) for place in hidden({PROVINCE: to_judge(known.values())})}
        self.thin = {
            cell
            for cell in self.cells
            if len(self.reported.get(cell, [])) < LEAST_REPORTED * _places(cell, self.populations)
        }

    def shown(self, cell: Cell) -> int | None:
        return None if cell in self.hidden else self.cells.get(cell)

    def four_weeks(self, disease: str, place: str, last: date) -> int | None:
        weeks: list[Cell] = [(disease, place, last - age * WEEK) for age in range(4)]
        shown = [self.shown(cell) for cell in weeks if cell not in self.thin and cell[2] < self.running]
        known = [persons for persons in shown if persons is not None]
        return sum(known) if len(known) == 4 else None

    def is_cluster(self, cell: Cell) -> bool | None:
        disease, place, monday = cell
        told = (self.shown(cell), self.shown((disease, place, monday - WEEK)))
        known = [persons for persons in told if persons is not None]
        if place == PROVINCE:
            return None
        if sum(known) >= LEAST_CLUSTER[disease]:
            return True
        return False if len(known) == 2 and monday < self.running else None


def _newest_weeks(grid: _Grid) -> pl.DataFrame:
    """Return of each disease of the list and each commune what the newest week that is over shows, if the disease was ever told of."""
    week = grid.running - WEEK
    rows: list[tuple[object, ...]] = []
    for disease in Reference().list_of("notifiable_diseases")["disease_code"]:
        for commune in grid.populations:
            cell = (disease, commune, week)
            if disease not in grid.first or week < grid.first[disease]:
                rows.append((disease, commune, None, False, None, None, None))
                continue
            persons, is_hidden = grid.shown(cell), cell in grid.hidden
            threshold = None if is_hidden else _threshold(cell, grid.cells, grid.thin, grid.hidden)
            is_above = None if persons is None or threshold is None else persons > threshold
            is_known = is_above or cell not in grid.thin
            rows.append((disease, commune, week, is_hidden, persons, threshold, is_above if is_known else None))
    schema = {
        "disease_code": pl.String,
        "commune_code": pl.String,
        "week_start_date": pl.Date,
        "is_small_cell": pl.Boolean,
        "cases": pl.Int64,
        "epidemic_threshold": pl.Float64,
        "is_above_threshold": pl.Boolean,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def _weeks(grid: _Grid) -> pl.DataFrame:
    rows = []
    clusters: dict[tuple[str, str], tuple[date, int | None]] = {}
    for disease, start in grid.first.items():
        for monday in _mondays(start, grid.running):
            for place in (*grid.populations, PROVINCE):
                cell, before = (disease, place, monday), (disease, place, monday - WEEK)
                persons, previous = grid.shown(cell), grid.cells.get(before)
                threshold = None if cell in grid.hidden else _threshold(cell, grid.cells, grid.thin, grid.hidden)
                is_compared = monday < grid.running and not {cell, before} & (grid.hidden | grid.thin)
                inhabitants = sum(grid.populations[commune] for commune in grid.reported.get(cell, []))
                is_above = None if persons is None or threshold is None else persons > threshold
                is_cluster = grid.is_cluster(cell)
                if is_cluster:
                    since, sick = clusters.get((disease, place), (monday, 0))
                    clusters[disease, place] = since, None if sick is None or persons is None else sick + persons
                else:
                    clusters.pop((disease, place), None)
                rows.append(
                    (
                        *cell,
                        cell in grid.hidden,
                        len(grid.reported.get(cell, [])),
                        persons,
                        _deaths(persons, grid.deaths.get(cell)),
                        None if persons is None else 100_000 * persons / inhabitants,
                        persons - previous if is_compared and persons is not None and previous is not None else None,
                        threshold,
                        is_above if is_above or (monday < grid.running and cell not in grid.thin) else None,
                        grid.four_weeks(*cell),
                        grid.four_weeks(disease, place, monday - 4 * WEEK),
                        is_cluster,
                        *clusters.get((disease, place), (None, None)),
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
            "cases_4_weeks": pl.Int64,
            "cases_4_weeks_before": pl.Int64,
            "is_cluster": pl.Boolean,
            "cluster_start_date": pl.Date,
            "cluster_cases": pl.Int64,
        },
        orient="row",
    )


@dataclass(frozen=True)
class _Year:
    """A disease's weeks of a year up to the number of the newest week that is over."""

    weeks: int
    known_weeks: int
    cases: int | None
    deaths: int | None

    @property
    def is_hidden(self) -> bool:
        return self.weeks == self.known_weeks and self.cases is None


def _years(grid: _Grid) -> pl.DataFrame:
    newest, newest_week, _ = (grid.running - WEEK).isocalendar()
    years: dict[tuple[str, int], _Year] = {}
    for disease, start in grid.first.items():
        for year in range(start.isocalendar().year, newest + 1):
            weeks = min(newest_week, date(year, 12, 28).isocalendar().week)
            mondays = [date.fromisocalendar(year, week, 1) for week in range(1, weeks + 1)]
            if mondays[-1] >= start:
                years[disease, year] = _year(grid, disease, mondays)
    rows: list[tuple[object, ...]] = []
    for (disease, year), told in years.items():
        before = years.get((disease, year - 1))
        same = before if before and before.weeks == told.weeks else None
        earlier = same.cases if same else None
        change = None if told.cases is None or not earlier else 100 * (told.cases - earlier) / earlier
        reason = HIDDEN if same and same.is_hidden else NO_HISTORY
        rows.append(
            (
                disease,
                year,
                year == newest,
                told.weeks,
                told.known_weeks,
                told.is_hidden,
                told.cases,
                told.deaths,
                None if told.deaths is None or not told.cases else 100 * told.deaths / told.cases,
                earlier,
                change,
                None if earlier is not None else reason,
            )
        )
    return pl.DataFrame(
        rows,
        schema={
            "disease_code": pl.String,
            "iso_year": pl.Int32,
            "is_latest": pl.Boolean,
            "weeks": pl.Int64,
            "known_weeks": pl.Int64,
            "is_small_cell": pl.Boolean,
            "cases": pl.Int64,
            "deaths": pl.Int64,
            "fatality_percent": pl.Float64,
            "cases_last_year": pl.Int64,
            "cases_change_percent": pl.Float64,
            "last_year_unknown_reason": pl.String,
        },
        orient="row",
    )


def _year(grid: _Grid, disease: str, mondays: list[date]) -> _Year:
    """Add a year up, unless the total less the weeks shown would tell of a hidden one."""
    cells: list[Cell] = [(disease, PROVINCE, monday) for monday in mondays]
    known = [cell for cell in cells if cell in grid.cells and cell not in grid.thin]
    if len(known) < len(cells):
        return _Year(len(cells), len(known), None, None)
    told = [(grid.cells[cell] or 0, grid.deaths[cell] or 0, grid.shown(cell)) for cell in cells]
    cases, deaths = sum(sick for sick, _, _ in told), sum(dead for _, dead, _ in told)
    if not _is_rest_hidden([sick for sick, _, shown in told if shown is None]):
        return _Year(len(cells), len(known), None, None)
    silent = [(sick, dead) for sick, dead, shown in told if _deaths(shown, dead) is None]
    survivors = sum(sick - dead for sick, dead in silent)
    is_shown = (
        _is_rest_hidden([dead for _, dead in silent if dead])
        and not 0 < survivors < LEAST
        and _deaths(cases, deaths) is not None
    )
    return _Year(len(cells), len(known), cases, deaths if is_shown else None)


def _is_rest_hidden(persons: list[int]) -> bool:
    return not persons or (len(persons) > 1 and sum(persons) >= LEAST)


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
        self.forms = {(commune, monday) for counts in self._counts.values() for _, commune, monday in counts}
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
        return 0 if cell[1:] in self.forms else None


def _current_cases(truth: Truth) -> pl.DataFrame:
    """Return the newest version of each case that was not discarded, with its first report."""
    lines = truth["disease_case_lines"].sort("reported_at")
    current = lines.group_by("case_code").agg(
        pl.all().exclude("case_code").last(), pl.col("reported_at").min().alias("first_reported_at")
    )
    return current.filter(pl.col("classification_code") != "loai_tru")


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
    secret = _hidden_reports({week: len(hours) for week, hours in delays.items()}, clock)
    rows: list[tuple[object, ...]] = []
    first = min(monday for _, monday in delays)
    for disease in sorted({disease for disease, _ in delays}):
        for monday in _mondays(first, _monday_of(clock)):
            hours = delays.get((disease, monday), [])
            if (disease, monday) in secret:
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


def _hidden_reports(reported: dict[tuple[str, date], int], clock: datetime) -> set[tuple[str, date]]:
    """Return the weeks whose reports must be hidden, so that none is told by the total of its disease and year."""
    weeks: dict[tuple[str, int], dict[str, int]] = defaultdict(dict)
    for disease in {disease for disease, _ in reported}:
        for monday in _mondays(min(monday for _, monday in reported), _monday_of(clock)):
            weeks[disease, monday.isocalendar().year][monday.isoformat()] = reported.get((disease, monday), 0)
    return {
        (disease, date.fromisoformat(monday)) for (disease, _), counts in weeks.items() for monday in hidden(counts)
    }


def _case_groups(truth: Truth, clock: datetime) -> pl.DataFrame:
    cells: dict[tuple[str, date], dict[str, Counter[str]]] = {}
    for line in (
        _current_cases(truth)
        .with_columns(pl.col("first_reported_at").dt.convert_time_zone(LOCAL))
        .iter_rows(named=True)
    ):
        reported = line["first_reported_at"].date()
        week = line["disease_code"], reported - timedelta(days=reported.weekday())
        kinds = cells.setdefault(week, {kind: Counter() for kind in GROUPS})
        kinds["classification"][line["classification_code"]] += 1
        kinds["age"][_age_group(line["age_years"])] += 1
    hidden_weeks = _hidden_reports({week: kinds["age"].total() for week, kinds in cells.items()}, clock)
    rows: list[tuple[object, ...]] = []
    for disease in sorted({disease for disease, _ in cells}):
        for monday in _mondays(min(monday for _, monday in cells), _monday_of(clock)):
            for kind, groups in GROUPS.items():
                told = cells.get((disease, monday), {}).get(kind, Counter())
                counted = {group: told[group] for group in groups}
                total = told.total()
                secret = set(groups) if (disease, monday) in hidden_weeks else hidden(counted)
                for group, persons in counted.items():
                    cases = None if group in secret else persons
                    share = None if cases is None or not total else 100 * cases / total
                    rows.append((disease, monday, kind, group, group in secret, cases, share))
    return pl.DataFrame(
        rows,
        schema={
            "disease_code": pl.String,
            "week_start_date": pl.Date,
            "group_kind": pl.String,
            "group_code": pl.String,
            "is_small_cell": pl.Boolean,
            "cases": pl.Int64,
            "share_percent": pl.Float64,
        },
        orient="row",
    )


def _age_group(age: int) -> str:
    return "under_5" if age < 5 else "from_5" if age < 15 else "from_15" if age < 50 else "from_50"


def _completeness(told: _Told, clock: datetime) -> pl.DataFrame:
    sent: dict[tuple[str, int], set[date]] = defaultdict(set)
    due: Counter[int] = Counter()
    communes = sorted(_populations())
    for monday in _mondays(min(monday for _, monday in told.forms), _monday_of(clock)):
        if monday + timedelta(days=6 + DUE_DAYS) < _today(clock):
            year = monday.isocalendar().year
            due[year] += 1
            for commune in communes:
                if (commune, monday) in told.forms:
                    sent[commune, year].add(monday)
    rows: list[tuple[object, ...]] = []
    for year, weeks in due.items():
        places = {commune: [commune] for commune in communes} | {PROVINCE: communes}
        for place, members in places.items():
            received = [monday for commune in members for monday in sent[commune, year]]
            expected = weeks * len(members)
            rows.append(
                (
                    place,
                    year,
                    year == max(due),
                    expected,
                    len(received),
                    100 * len(received) / expected,
                    max(received, default=None),
                )
            )
    return pl.DataFrame(
        rows,
        schema={
            "place_code": pl.String,
            "iso_year": pl.Int32,
            "is_latest": pl.Boolean,
            "due_counts": pl.Int64,
            "sent_counts": pl.Int64,
            "completeness_percent": pl.Float64,
            "last_week_start_date": pl.Date,
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


def _today(clock: datetime) -> date:
    return (clock + timedelta(hours=7) - (clock.utcoffset() or timedelta())).date()


def _monday_of(clock: datetime) -> date:
    today = _today(clock)
    return today - timedelta(days=today.weekday())


def _mondays(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += WEEK
