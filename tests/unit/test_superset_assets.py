"""The dashboards hold together, from files alone; and the check that says so sees each way in which they could not."""

import importlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from core.settings import PROJECT

ASSETS = Path("superset/assets")
MARTS = Path("dbt_project/models/marts")


Check = Callable[[Path], int]


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch) -> Check:
    """Give the check itself: prints its findings on stderr and gives its exit code."""
    monkeypatch.syspath_prepend(str(PROJECT / "superset"))
    main: Check = importlib.import_module("check_assets").main
    return main


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Copy what the check reads, so that a test may break it."""
    for part in (ASSETS, MARTS):
        shutil.copytree(PROJECT / part, tmp_path / part)
    return tmp_path


def replaced(path: Path, old: str, new: str) -> Callable[[Path], None]:
    def change(checkout: Path) -> None:
        text = (checkout / path).read_text(encoding="utf-8")
        assert old in text, f"{path} does not hold {old!r}"
        (checkout / path).write_text(text.replace(old, new), encoding="utf-8")

    return change


def removed(path: Path) -> Callable[[Path], None]:
    return lambda checkout: (checkout / path).unlink()


def copied(path: Path, target: Path) -> Callable[[Path], None]:
    def change(checkout: Path) -> None:
        shutil.copy(checkout / path, checkout / target)

    return change


BREAKS: dict[str, tuple[Callable[[Path], None], str]] = {
    "a renamed mart column in a metric": (
        replaced(MARTS / "environment/_environment__models.yml", "name: vn_aqi,", "name: vn_aqi_index,"),
        "datasets/air_quality_hours/vn_aqi_mean: Binder Error",
    ),
    "a renamed mart column in a chart": (
        replaced(MARTS / "feedback/_feedback__models.yml", "name: agency_group,", "name: agency_kind,"),
        "charts/phan-anh-xep-hang: a column of feedback.feedback_agency_days was promised, there is no agency_group",
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
        replaced(ASSETS / "datasets/river_levels.yaml", "environment.river_levels", "environment.rivers"),
        "datasets/river_levels: a mart was promised, dbt describes no environment.rivers",
    ),
    "a missing dataset": (
        removed(ASSETS / "datasets/vessel_gaps.yaml"),
        "charts/tau-ca-mat-tin-hieu: a dataset was promised, there is no vessel_gaps",
    ),
    "a missing chart": (
        removed(ASSETS / "charts/tau-ca-ban-do.yaml"),
        "dashboards: a chart was promised, there is no tau-ca-ban-do",
    ),
    "a chart on no page": (
        copied(ASSETS / "charts/tau-ca-ban-do.yaml", ASSETS / "charts/tau-ca-khac.yaml"),
        "charts/tau-ca-khac: a place on a dashboard was promised",
    ),
    "an unknown metric": (
        replaced(ASSETS / "charts/phan-anh-tong-so.yaml", "metric: cases", "metric: case_count"),
        "charts/phan-anh-tong-so: a metric of dataset feedback_cases was promised, there is no case_count",
    ),
    "an unknown filter column": (
        replaced(ASSETS / "charts/moi-truong-vn-aqi.yaml", "column: is_latest", "column: is_newest"),
        "charts/moi-truong-vn-aqi: a column of environment.air_quality_hours was promised, there is no is_newest",
    ),
    "SQL in a chart": (
        replaced(ASSETS / "charts/phan-anh-tong-so.yaml", "params:", "params:\n  where: 1 = 1"),
        "charts/phan-anh-tong-so: SQL and raw filters belong to the dataset, found where",
    ),
    "an English title": (
        replaced(ASSETS / "charts/phan-anh-tong-so.yaml", "title: Số phản ánh", "title: Cases"),
        "charts/phan-anh-tong-so: a Vietnamese title was promised, 'Cases' came",
    ),
    "an id": (
        replaced(ASSETS / "dashboards/tau-ca.yaml", "title: Tàu cá", "title: Tàu cá\nid: 7"),
        "dashboards/tau-ca: ids, owners, times and unknown keys have no place here: id",
    ),
    "a page without its age": (
        replaced(ASSETS / "charts/tau-ca-tuoi-du-lieu.yaml", "metric: age_hours", "metric: vessels"),
        "dashboards/tau-ca: an age badge",
    ),
    "a page without its trust": (
        replaced(ASSETS / "charts/tau-ca-diem-tin-cay.yaml", "metric: score_lowest", "metric: feeds"),
        "dashboards/tau-ca: a trust badge was promised",
    ),
    "a page without its map": (
        replaced(ASSETS / "charts/phan-anh-ban-do.yaml", "viz_type: bubble_v2", "viz_type: table"),
        "dashboards/phan-anh: a map was promised",
    ),
    "a row too wide": (
        replaced(
            ASSETS / "dashboards/tau-ca.yaml", "{chart: tau-ca-ban-do, width: 7}", "{chart: tau-ca-ban-do, width: 8}"
        ),
        "dashboards/tau-ca: row 3 was promised 12 columns wide, it is 13",
    ),
    "a lost dashboard": (
        removed(ASSETS / "dashboards/phan-anh.yaml"),
        "dashboards: phan-anh promised, not there",
    ),
    "a mart column without a Vietnamese label": (
        replaced(MARTS / "quality/_quality__models.yml", "Số bản ghi nhận / Records received.", "Records received."),
        "`Vietnamese / English` was promised",
    ),
    "a wrong UUID": (
        replaced(ASSETS / "databases/marts.yaml", "expose_in_sqllab: true", "expose_in_sqllab: true\nuuid: 1"),
        "databases/marts: ids, owners, times and unknown keys have no place here: uuid",
    ),
}


def test_every_link_from_dashboard_to_mart_column_holds() -> None:
    command = [sys.executable, str(PROJECT / "superset" / "check_assets.py")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.stderr == ""
    counted = [len(list((ASSETS / kind).glob("*.yaml"))) for kind in ("databases", "datasets", "charts", "dashboards")]
    assert min(counted) >= 1
    expected = "{} databases, {} datasets, {} charts, {} dashboards on ".format(*counted)
    assert result.stdout.startswith(expected)
    assert result.stdout.endswith(": every link holds\n")
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
