"""Figures of pages must not mislead: charts are run on small marts in DuckDB, with their own metrics and filters."""

import importlib
from collections.abc import Callable
from datetime import UTC, datetime

import duckdb
import pytest

from core.settings import PROJECT, Settings
from lake.serving import define_clock

CLOCK = datetime(2026, 11, 20, 13, 5, tzinfo=UTC)
HOURS = """
    create table air_quality_hours as select * from (values
        ('silent', timestamptz '2026-11-17 12:00:00+00', timestamptz '2026-11-17 14:00:00+00', true, 250, 'Rất xấu'),
        ('heard', timestamptz '2026-11-20 12:00:00+00', timestamptz '2026-11-20 14:00:00+00', true, 40, 'Tốt'),
        ('heard', timestamptz '2026-11-20 11:00:00+00', timestamptz '2026-11-20 13:00:00+00', false, 180, 'Xấu')
    ) as hours (station_id, hour_at, current_until_at, is_latest, vn_aqi, band_label)
"""
LEVELS = """
    create table river_levels as select * from (values
        ('silent', timestamptz '2026-11-17 13:00:00+00', timestamptz '2026-11-17 16:00:00+00', true, 3),
        ('heard', timestamptz '2026-11-20 13:00:00+00', timestamptz '2026-11-20 16:00:00+00', true, 1),
        ('calm', timestamptz '2026-11-20 13:00:00+00', timestamptz '2026-11-20 16:00:00+00', true, 0)
    ) as levels (gauge_id, measured_at, current_until_at, is_latest, alarm_level)
"""
SCORES = """
    create table feed_scores as select * from (values
        ('feedback', 'feedback.requests', 'red', 99.9), ('feedback', 'feedback.others', 'green', 95.0),
        ('health', 'health.claims', 'yellow', 80.0), ('health', 'health.disease_cases', 'green', 95.0),
        ('environment', 'environment.river_levels', 'green', 95.0), ('environment', 'environment.others', 'unknown', null),
        ('fisheries', 'fisheries.vessels', 'red', 60.0), ('fisheries', 'fisheries.others', 'red', 99.0)
    ) as scores (domain, feed, level, score)
"""

Ask = Callable[[str], list[tuple[object, ...]]]


def as_sql(value: object) -> str:
    """Return a filter's value as SQL."""
    return f"'{value}'" if isinstance(value, str) else str(value)


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch) -> Ask:
    """A function that runs a chart: its metric or columns, with its filters."""
    monkeypatch.syspath_prepend(str(PROJECT / "superset"))
    files = importlib.import_module("pages").read_assets(PROJECT).files
    connection = duckdb.connect()
    define_clock(connection, Settings(now=CLOCK))
    connection.execute(HOURS)
    connection.execute(LEVELS)
    connection.execute(SCORES)

    def answer(slug: str) -> list[tuple[object, ...]]:
        chart = files["charts"][slug]
        dataset = files["datasets"][chart["dataset"]]
        known = {entry["name"]: entry["expression"] for entry in [*dataset.get("columns", []), *dataset["metrics"]]}
        params = chart["params"]
        shown = [params["metric"]] if "metric" in params else [name for name in params["all_columns"] if name in known]
        told = " and ".join(
            f"({known.get(one['column'], one['column'])}) = {as_sql(one['value'])}" for one in chart["filters"]
        )
        columns = ", ".join(known[name] for name in shown)
        return connection.execute(f"select {columns} from {chart['dataset']} where {told} order by all").fetchall()

    return answer


def test_the_highest_index_of_now_is_not_that_of_a_station_silent_for_three_days(ask: Ask) -> None:
    assert ask("moi-truong-vn-aqi-cao-nhat") == [(40,)]
    assert ask("moi-truong-vn-aqi") == [(40.0,)]


def test_a_silent_station_stays_in_the_table_without_an_index(ask: Ask) -> None:
    assert ask("moi-truong-bang-tram") == [(40, "Tốt"), (None, "Không có số liệu mới")]


def test_a_silent_gauge_raises_no_alarm(ask: Ask) -> None:
    assert ask("moi-truong-tram-bao-dong") == [(1,)]
    assert ask("moi-truong-bang-muc-nuoc") == [(0,), (1,), (None,)]


@pytest.mark.parametrize(
    ("slug", "shown"),
    [
        ("phan-anh-diem-tin-cay", 74),
        ("kham-chua-benh-diem-tin-cay", 80),
        ("moi-truong-diem-tin-cay", 95),
        ("tau-ca-diem-tin-cay", 60),
    ],
)
def test_a_badge_of_a_red_level_is_red_whatever_the_score(ask: Ask, slug: str, shown: float) -> None:
    ((found,),) = ask(slug)
    assert float(str(found)) == shown
