"""The dashboards are consistent, checked from files alone; and the check finds every kind of inconsistency."""

import importlib
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.settings import PROJECT

PAGES = Path("superset/dashboards")
MARTS = Path("dbt_project/models/marts")
OVERVIEW = Path("dbt_project/models/overview")
FEEDS = Path("dbt_project/seeds/feeds.csv")
DOMAINS = Path("contracts/domains.yaml")

Check = Callable[[Path], int]


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch) -> Check:
    """The check itself, which prints its findings on stderr and returns its exit code."""
    monkeypatch.syspath_prepend(str(PROJECT / "superset"))
    main: Check = importlib.import_module("check_assets").main
    return main


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the files that the check reads, for a test to break."""
    for part in (PAGES, MARTS, OVERVIEW):
        shutil.copytree(PROJECT / part, tmp_path / part)
    for file in (FEEDS, DOMAINS):
        (tmp_path / file).parent.mkdir(parents=True)
        shutil.copy(PROJECT / file, tmp_path / file)
    return tmp_path


def replaced(path: Path, old: str, new: str) -> Callable[[Path], None]:
    def change(checkout: Path) -> None:
        text = (checkout / path).read_text(encoding="utf-8")
        assert old in text, f"{path} does not hold {old!r}"
        (checkout / path).write_text(text.replace(old, new), encoding="utf-8")

    return change


def removed(path: Path) -> Callable[[Path], None]:
    return lambda checkout: (checkout / path).unlink()


def renamed(path: Path, target: Path) -> Callable[[Path], None]:
    def change(checkout: Path) -> None:
        (checkout / path).rename(checkout / target)

    return change


BREAKS: dict[str, tuple[Callable[[Path], None], str]] = {
    "a renamed mart column in a metric": (
        replaced(MARTS / "environment/_environment__models.yml", "name: vn_aqi,", "name: vn_aqi_index,"),
        "datasets/air_quality_hours/vn_aqi_mean: Binder Error",
    ),
    "a renamed mart column in a chart": (
        replaced(MARTS / "feedback/_feedback__models.yml", "name: agency_group,", "name: agency_kind,"),
        "charts/phan-anh-xep-hang: expected a column of feedback.feedback_agency_days, got agency_group",
    ),
    "a mart of the wrong type": (
        replaced(
            MARTS / "environment/_environment__models.yml",
            "name: vn_aqi, data_type: integer",
            "name: vn_aqi, data_type: varchar",
        ),
        "datasets/air_quality_hours/vn_aqi_mean: Binder Error",
    ),
    "a missing mart": (
        replaced(PAGES / "moi-truong.yaml", "mart: river_levels", "mart: rivers"),
        "charts/moi-truong-muc-nuoc: expected a mart described in dbt, got rivers",
    ),
    "metrics of a missing mart": (
        replaced(PAGES / "moi-truong.yaml", "  river_levels:", "  rivers:"),
        "dashboards/moi-truong/marts/rivers: expected a mart described in dbt, got rivers",
    ),
    "metrics of a mart in two files": (
        replaced(PAGES / "moi-truong.yaml", "  river_levels:", "  feedback_cases:"),
        "dashboards/phan-anh/marts/feedback_cases: expected a mart in one dashboard file, got it in two",
    ),
    "an unknown metric": (
        replaced(PAGES / "phan-anh.yaml", "metric: cases", "metric: case_count"),
        "charts/phan-anh-tong-so: expected a metric of feedback_cases, got case_count",
    ),
    "a metric of no column": (
        replaced(PAGES / "dich-benh.yaml", "      cases_total: Số ca mắc", "      sick_total: Số ca mắc"),
        "datasets/disease_weeks/sick_total: Parser Error",
    ),
    "an unknown kind": (
        replaced(PAGES / "tau-ca.yaml", "kind: map", "kind: globe"),
        "charts/tau-ca-ban-do: expected a kind of big_number, table, line, bar, pie or map, got globe",
    ),
    "an unknown level": (
        replaced(PAGES / "phan-anh.yaml", "levels: no_finding", "levels: nothing"),
        "charts/phan-anh-qua-han: expected levels of score, no_finding or by colour, got nothing",
    ),
    "a condition that cannot be read": (
        replaced(PAGES / "phan-anh.yaml", "{green: ≥ 92", "{green: over 92"),
        "charts/phan-anh-hai-long: expected a condition such as `≥ 90` or `75 ≤ x < 90` by green, yellow or red, got green: over 92",
    ),
    "a chart without its kind's word": (
        replaced(PAGES / "phan-anh.yaml", "x: service_name, metrics: [cases], ", "metrics: [cases], "),
        "charts/phan-anh-linh-vuc: expected x, got none",
    ),
    "a map of a mart without shapes": (
        replaced(PAGES / "phan-anh.yaml", "kind: map, mart: feedback_on_map", "kind: map, mart: feedback_agency_days"),
        "charts/phan-anh-ban-do: expected a mart that a map draws, got feedback_agency_days without place_level",
    ),
    "a renamed mart column on a map": (
        replaced(
            MARTS / "feedback/_feedback__models.yml", "name: overdue_age_label, data_type", "name: age_label, data_type"
        ),
        "charts/phan-anh-ban-do: expected a column of the mart, got overdue_age_label",
    ),
    "two charts of one title": (
        replaced(PAGES / "phan-anh.yaml", "title: Hài lòng (%)", "title: Đúng hạn (%)"),
        "charts/phan-anh-dung-han: expected a unique slug, got this one twice",
    ),
    "an unknown filter column": (
        replaced(PAGES / "moi-truong.yaml", "where: {is_latest: true}", "where: {is_newest: true}"),
        "charts/moi-truong-vn-aqi: expected a column of environment.air_quality_hours, got is_newest",
    ),
    "a filter by no column": (
        replaced(PAGES / "phan-anh.yaml", "- service_name\n", "- service_kind\n"),
        "dashboards/phan-anh: filter service_kind: expected a chart whose mart has this column, got none",
    ),
    "a filter by a renamed column": (
        replaced(MARTS / "health/_health__models.yml", "name: facility_name,", "name: facility_title,"),
        "dashboards/kham-chua-benh: filter facility_name: expected a chart whose mart has this column, got none",
    ),
    "a filter that lets no chart through": (
        replaced(
            PAGES / "tau-ca.yaml",
            "kind_label, except: [",
            "kind_label, except: [canh-bao-theo-loai, canh-bao, vi-pham-thang, ",
        ),
        "dashboards/tau-ca: filter kind_label: expected a chart whose mart has this column, got none",
    ),
    "a filter of an unknown chart": (
        replaced(PAGES / "moi-truong.yaml", "period: [dien-bien, ", "period: [dien-tien, "),
        "dashboards/moi-truong: filter period: expected the slug of a chart of the page, got dien-tien",
    ),
    "a period of a badge": (
        replaced(PAGES / "moi-truong.yaml", "period: [dien-bien, ", "period: [tuoi-du-lieu, "),
        "dashboards/moi-truong: filter period: expected charts of marts with a time, got tuoi-du-lieu",
    ),
    "a useless exception": (
        replaced(
            PAGES / "dich-benh.yaml",
            "{column: disease_name, title: Tên bệnh / Disease, except: [",
            "{column: threshold_shown, except: [lich-su, ",
        ),
        "dashboards/dich-benh: filter threshold_shown: expected exceptions among charts that have the column, got lich-su",
    ),
    "values of another mart": (
        replaced(PAGES / "phan-anh.yaml", "mart: feedback_agency_days}\n", "mart: feedback_months}\n"),
        "dashboards/phan-anh: filter agency_name: expected values from a mart of the page that has the column, got feedback_months",
    ),
    "values by an unknown column": (
        replaced(PAGES / "dich-benh.yaml", "where: {place_level: commune}}\n", "where: {place_kind: commune}}\n"),
        "dashboards/dich-benh: filter place_name: expected `where` to name columns of disease_weeks, got place_kind",
    ),
    "one filter twice": (
        replaced(PAGES / "phan-anh.yaml", "- agency_group\n", "- service_name\n"),
        "dashboards/phan-anh: filters: expected each column once, got service_name twice",
    ),
    "an unknown key of a filter": (
        replaced(PAGES / "phan-anh.yaml", "mart: feedback_agency_days}\n", "of: feedback_agency_days}\n"),
        "dashboards/phan-anh: filter agency_name: expected column, except, mart, title, where, got of",
    ),
    "an English title of a filter": (
        replaced(PAGES / "giao-duc.yaml", "title: Trường / School}", "title: School}"),
        "dashboards/giao-duc/filters: expected a Vietnamese title, got 'School'",
    ),
    "SQL in a chart": (
        replaced(PAGES / "phan-anh.yaml", "slug: tong-so", "slug: tong-so, params: {extras: 1 = 1}"),
        "dashboards/phan-anh: expected no SQL in chart Số phản ánh / Cases, got extras",
    ),
    "a title without its English half": (
        replaced(PAGES / "phan-anh.yaml", "title: Số phản ánh / Cases", "title: Số phản ánh"),
        "charts/phan-anh-tong-so: expected `Vietnamese / English`, got 'Số phản ánh'; add the English half",
    ),
    "a label without its English half": (
        replaced(PAGES / "phan-anh.yaml", "label: Số phản ánh / Cases", "label: Số phản ánh"),
        "datasets/feedback_cases/cases: expected `Vietnamese / English`, got 'Số phản ánh'; add the English half",
    ),
    "a note without its English half": (
        replaced(PAGES / "tau-ca.yaml", " / at least one position", ""),
        "charts/tau-ca-hoat-dong: expected `Vietnamese / English`, got 'có ít nhất một vị trí'; add the English half",
    ),
    "a description without its English half": (
        replaced(PAGES / "phan-anh.yaml", " / Without duplicates and cases that are nobody's\n     competence.", ""),
        "charts/phan-anh-da-xu-ly: expected `Vietnamese / English`, got 'Không kể vụ trùng",
    ),
    "a note longer than its box shows": (
        replaced(PAGES / "tau-ca.yaml", "at least one position", "at least one position in the last day"),
        "charts/tau-ca-hoat-dong: expected a note of at most 34 characters in a box this wide, got 37",
    ),
    "a wrong column in the English SQL": (
        replaced(PAGES / "tong-quan.yaml", "coalesce(label_en, label_vi)", "coalesce(label_gb, label_vi)"),
        "datasets/headlines/label_shown: Binder Error",
    ),
    "an English title": (
        replaced(PAGES / "phan-anh.yaml", "title: Số phản ánh", "title: Cases"),
        "charts/phan-anh-tong-so: expected a Vietnamese title, got 'Cases / Cases'",
    ),
    "an id": (
        replaced(PAGES / "tau-ca.yaml", "title: Tàu cá", "title: Tàu cá\nid: 7"),
        "got id; ids, owners and times do not belong here",
    ),
    "an owner of a chart": (
        replaced(PAGES / "phan-anh.yaml", "slug: tong-so", "slug: tong-so, owner: admin"),
        "got owner; ids, owners and times do not belong here",
    ),
    "a page without its age": (
        replaced(MARTS / "feedback/_feedback__models.yml", "newest_events:", "oldest_events:"),
        "dashboards/phan-anh: expected `meta.newest_events` of a mart of feedback for feedback.requests, got none",
    ),
    "a page without its map": (
        replaced(PAGES / "phan-anh.yaml", "kind: map, mart: feedback_on_map", "kind: pie, mart: feedback_cases"),
        "dashboards/phan-anh: expected a map, since marts of feedback have shapes, got none",
    ),
    "a row too wide": (
        replaced(PAGES / "phan-anh.yaml", "width: 8", "width: 12"),
        "dashboards/phan-anh: expected row 4 12 columns wide, badges counted, got [12, 0]",
    ),
    "a feed of another domain": (
        replaced(PAGES / "dich-benh.yaml", "feeds: [health.disease_cases]", "feeds: [feedback.requests]"),
        "dashboards/dich-benh: expected feeds of health, got feedback.requests",
    ),
    "a lost dashboard": (
        removed(PAGES / "phan-anh.yaml"),
        "dashboards/phan-anh: expected a file, since contracts/domains.yaml lists it, got none",
    ),
    "a dashboard of no domain": (
        renamed(PAGES / "phan-anh.yaml", PAGES / "phan-hoi.yaml"),
        "dashboards/phan-hoi: expected a domain of contracts/domains.yaml that names dashboard phan-hoi, got none",
    ),
    "a domain that is not listed": (
        replaced(DOMAINS, "id: feedback,", "id: complaints,"),
        "marts/feedback: expected a domain of contracts/domains.yaml, got feedback",
    ),
    "a mart column without a Vietnamese label": (
        replaced(MARTS / "quality/_quality__models.yml", "Số bản ghi nhận / Records received.", "Records received."),
        "expected `Vietnamese / English`, got 'Records received.'",
    ),
}


def test_every_link_from_dashboard_to_mart_column_holds() -> None:
    command = [sys.executable, str(PROJECT / "superset" / "check_assets.py")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.stderr == ""
    views = 2
    marts, pages = len(list((PROJECT / MARTS).glob("*/*.sql"))) + views, len(list((PROJECT / PAGES).glob("*.yaml")))
    assert min(marts, pages) >= 8
    assert re.fullmatch(rf"{marts} datasets, \d+ charts, {pages} dashboards: every link holds\n", result.stdout)
    assert result.returncode == 0


@pytest.mark.parametrize("name", sorted(BREAKS))
def test_the_check_sees(checkout: Path, check: Check, capsys: pytest.CaptureFixture[str], name: str) -> None:
    change, expected = BREAKS[name]
    change(checkout)
    assert check(checkout) == 1
    assert expected in capsys.readouterr().err


def test_the_check_finds_nothing_in_an_unbroken_copy(checkout: Path, check: Check) -> None:
    assert check(checkout) == 0


def test_the_superset_folder_does_not_hide_the_package_of_that_name() -> None:
    assert not (PROJECT / "superset" / "__init__.py").exists()


def test_no_table_shows_a_code_where_people_expect_a_word() -> None:
    columns = {
        (model["name"], column["name"]): column
        for path in (PROJECT / MARTS).rglob("*__models.yml")
        for model in yaml.safe_load(path.read_text(encoding="utf-8"))["models"]
        for column in model.get("columns", [])
    }
    shown = [
        (chart["mart"], name)
        for path in (PROJECT / PAGES).glob("*.yaml")
        for page in [yaml.safe_load(path.read_text(encoding="utf-8"))]
        for row in page["rows"]
        for chart in row["charts"]
        if chart["kind"] == "table"
        for name in (*chart.get("columns", []), *chart.get("groupby", []))
        if name not in page.get("marts", {}).get(chart["mart"], {}).get("columns", {})
    ]
    of_marts = [(mart, name) for mart, name in shown if (mart, name) in columns]
    assert len(of_marts) > 100
    assert [key for key in of_marts if columns[key].get("data_type") == "boolean" or codes_of(columns[key])] == []


def codes_of(column: dict[str, Any]) -> list[str]:
    """Return the values of a column that are words of the code, in lower case."""
    tests = [test for test in column.get("data_tests", []) if isinstance(test, dict)]
    values = [
        value for test in tests for value in test.get("accepted_values", {}).get("arguments", {}).get("values", [])
    ]
    return [str(value) for value in values if re.fullmatch(r"[a-z_]+", str(value))]
