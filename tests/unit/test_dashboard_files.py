"""A dashboard file holds little; what Superset gets is derived from it, from the marts and from the contracts."""

import importlib
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from core.contract import read_contracts
from core.settings import PROJECT
from stack.superset import made_of

COLUMNS = [
    {"name": "road_code", "data_type": "varchar", "description": "Mã đường / Road."},
    {"name": "counted_at", "data_type": "timestamp with time zone", "description": "Thời điểm đếm / When counted."},
    {"name": "vehicles", "data_type": "bigint", "description": "Số xe / Vehicles."},
    {"name": "speed_kmh", "data_type": "double", "description": "Tốc độ (km/h) / Mean speed."},
    {"name": "latitude", "data_type": "double", "description": "Vĩ độ / Latitude."},
    {"name": "longitude", "data_type": "double", "description": "Kinh độ / Longitude."},
]
MART: dict[str, object] = {
    "name": "road_counts",
    "description": "Đếm xe. / Traffic counts. One row per road and time.",
    "config": {"meta": {"newest_events": [{"column": "counted_at", "feed": "traffic.counts"}]}},
    "columns": COLUMNS,
}
PAGE = """
title: Giao thông
description: Đường nào đông.
rows:
- charts:
  - {title: Số xe, kind: big_number, mart: road_counts, metric: vehicles_total,
     levels: {green: < 100, yellow: 100 ≤ x < 200.5, red: ≥ 200.5}}
  - {title: Tốc độ trung bình, kind: big_number, mart: road_counts, metric: speed_kmh_mean, where: {road_code: QL1}}
- charts:
  - {title: Bản đồ, kind: map, mart: road_counts, label: road_code, colour_by: road_code, size: vehicles_total}
  - {title: Từng đường, kind: table, mart: road_counts, columns: [road_code, counted_at, speed_kmh], order: speed_kmh desc, width: 4}
marts:
  road_counts:
    metrics:
      vehicles_total: Tổng số xe
"""


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(PROJECT / "superset"))
    return importlib.import_module("pages")


@pytest.fixture
def bundle(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(PROJECT / "superset"))
    return importlib.import_module("bundle")


def checkout_of(folder: Path, freshness: tuple[int, int] = (120, 480), page: str = PAGE) -> Path:
    """Write a checkout with one domain, one feed, one mart and one page, and the scores."""
    files = {
        "contracts/domains.yaml": "domains:\n- {id: traffic, label_vi: Giao thông, label_en: Traffic, dashboards: [giao-thong]}\n",
        "dbt_project/seeds/feeds.csv": "feed,domain,freshness_minutes,freshness_limit_minutes\n"
        f"traffic.counts,traffic,{freshness[0]},{freshness[1]}\n",
        "dbt_project/models/marts/traffic/_traffic__models.yml": yaml.safe_dump({"models": [MART]}, allow_unicode=True),
        "superset/dashboards/giao-thong.yaml": page,
    }
    scores = PROJECT / "dbt_project" / "models" / "marts" / "quality" / "_quality__models.yml"
    files["dbt_project/models/marts/quality/_quality__models.yml"] = scores.read_text(encoding="utf-8")
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def test_a_page_begins_with_the_badges_that_its_contract_and_its_mart_imply(pages: ModuleType, tmp_path: Path) -> None:
    assets = pages.read_assets(checkout_of(tmp_path))
    assert assets.faults == ()
    assert assets.files["dashboards"]["giao-thong"]["rows"][0] == {
        "height": 18,
        "items": [
            {"chart": "giao-thong-du-lieu-luc", "width": 4},
            {"chart": "giao-thong-tuoi-du-lieu", "width": 4},
            {"chart": "giao-thong-diem-tin-cay", "width": 4},
        ],
    }
    age = assets.files["charts"]["giao-thong-tuoi-du-lieu"]
    assert (age["title"], age["dataset"]) == ("Tuổi dữ liệu (giờ)", "road_counts")
    assert age["params"]["subtitle"] == "cho phép 2 giờ; đỏ từ 8 giờ"
    assert [
        rule.get("targetValue", (rule.get("targetValueLeft"), rule.get("targetValueRight"))) for rule in rules(age)
    ] == [
        2,
        (2, 8),
        8,
    ]
    trust = assets.files["charts"]["giao-thong-diem-tin-cay"]
    assert trust["filters"] == [{"column": "domain", "operator": "==", "value": "traffic"}]


def rules(chart: Any) -> Any:
    return chart["params"]["conditional_formatting"]


@pytest.mark.parametrize(
    ("freshness", "title", "note", "seconds"),
    [
        ((15, 60), "Tuổi dữ liệu (phút)", "cho phép 15 phút; đỏ từ 60 phút", "date_diff('minute'"),
        ((60, 240), "Tuổi dữ liệu (giờ)", "cho phép 1 giờ; đỏ từ 4 giờ", "/ 3600.0"),
        ((150, 360), "Tuổi dữ liệu (giờ)", "cho phép 2,5 giờ; đỏ từ 6 giờ", "/ 3600.0"),
        ((1440, 2880), "Tuổi dữ liệu (giờ)", "cho phép 24 giờ; đỏ từ 48 giờ", "/ 3600.0"),
        ((10080, 14400), "Tuổi dữ liệu (ngày)", "cho phép 7 ngày; đỏ từ 10 ngày", "/ 86400.0"),
    ],
)
def test_an_age_is_told_in_the_unit_of_its_promise(
    pages: ModuleType, tmp_path: Path, freshness: tuple[int, int], title: str, note: str, seconds: str
) -> None:
    assets = pages.read_assets(checkout_of(tmp_path, freshness))
    age = assets.files["charts"]["giao-thong-tuoi-du-lieu"]
    assert (age["title"], age["params"]["subtitle"]) == (title, note)
    (metric,) = [
        metric
        for metric in assets.files["datasets"]["road_counts"]["metrics"]
        if metric["name"] == age["params"]["metric"]
    ]
    assert seconds in metric["expression"]


def test_an_age_is_that_of_the_rows_that_tell_it_unless_several_feeds_share_them(pages: ModuleType) -> None:
    charts = pages.read_assets(PROJECT).files["charts"]
    assert "filters" not in charts["tau-ca-tuoi-du-lieu"]


def test_an_age_may_look_at_some_rows_only(pages: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    event = {"column": "counted_at", "feed": "traffic.counts", "where": {"road_code": "QL1"}}
    monkeypatch.setitem(MART, "config", {"meta": {"newest_events": [event]}})
    charts = pages.read_assets(checkout_of(tmp_path)).files["charts"]
    for badge in ("giao-thong-tuoi-du-lieu", "giao-thong-du-lieu-luc"):
        assert charts[badge]["filters"] == [{"column": "road_code", "operator": "==", "value": "QL1"}]


def test_pages_of_one_mart_keep_their_ages_apart(pages: ModuleType, tmp_path: Path) -> None:
    checkout = checkout_of(tmp_path)
    second = (
        PAGE.replace("Giao thông", "Giao thông theo tháng").partition("marts:")[0]
        + "feeds: [traffic.counts_of_months]\n"
    )
    (checkout / "superset/dashboards/giao-thong-thang.yaml").write_text(second, encoding="utf-8")
    for file, old, new in (
        ("contracts/domains.yaml", "[giao-thong]", "[giao-thong, giao-thong-thang]"),
        (
            "dbt_project/seeds/feeds.csv",
            "traffic.counts,",
            "traffic.counts_of_months,traffic,43200,86400\ntraffic.counts,",
        ),
        ("superset/dashboards/giao-thong.yaml", "rows:", "feeds: [traffic.counts]\nrows:"),
    ):
        path = checkout / file
        path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    mart = checkout / "dbt_project/models/marts/traffic/_traffic__models.yml"
    events = [{"column": "counted_at", "feed": feed} for feed in ("traffic.counts", "traffic.counts_of_months")]
    text = yaml.safe_dump({"models": [MART | {"config": {"meta": {"newest_events": events}}}]}, allow_unicode=True)
    mart.write_text(text, encoding="utf-8")
    assets = pages.read_assets(checkout)
    assert assets.faults == ()
    metrics = {metric["name"] for metric in assets.files["datasets"]["road_counts"]["metrics"]}
    assert {"event_age_hours", "event_age_days"} <= metrics
    assert assets.files["charts"]["giao-thong-thang-tuoi-du-lieu"]["title"] == "Tuổi dữ liệu (ngày)"


def test_a_metric_that_is_named_after_a_column_needs_no_sql(pages: ModuleType, tmp_path: Path) -> None:
    metrics = pages.read_assets(checkout_of(tmp_path)).files["datasets"]["road_counts"]["metrics"]
    found = {metric["name"]: (metric["label"], metric["expression"], metric.get("format")) for metric in metrics}
    assert found["vehicles_total"] == ("Tổng số xe", "sum(vehicles)", ",d")
    assert found["speed_kmh_mean"] == ("Tốc độ (km/h)", "avg(speed_kmh)", ",.1f")
    assert found["latitude_degrees"] == ("Vĩ độ", "avg(latitude)", ",.2f")
    assert found["row_count"] == ("Số dòng", "count(*)", ",d")


def test_a_row_shares_its_width_and_what_is_no_number_is_high(pages: ModuleType, tmp_path: Path) -> None:
    rows = pages.read_assets(checkout_of(tmp_path)).files["dashboards"]["giao-thong"]["rows"]
    assert [(row["height"], [item["width"] for item in row["items"]]) for row in rows[1:]] == [
        (18, [6, 6]),
        (50, [8, 4]),
    ]


@pytest.mark.parametrize(
    ("said", "widths"),
    [
        ([None], [12]),
        ([None] * 5, [2, 2, 2, 3, 3]),
        ([7, None], [7, 5]),
        ([None, 3, None, 3], [3, 3, 3, 3]),
    ],
)
def test_widths_fill_the_grid(pages: ModuleType, said: list[int | None], widths: list[int]) -> None:
    assert pages.widths_of([{} if width is None else {"width": width} for width in said]) == widths


def test_levels_are_superset_rules(pages: ModuleType, tmp_path: Path) -> None:
    chart = pages.read_assets(checkout_of(tmp_path)).files["charts"]["giao-thong-so-xe"]
    common = {"column": "vehicles_total", "useGradient": False}
    assert rules(chart) == [
        {**common, "colorScheme": "#1e8e5a", "operator": "<", "targetValue": 100},
        {**common, "colorScheme": "#d99000", "operator": "≤ x <", "targetValueLeft": 100, "targetValueRight": 200.5},
        {**common, "colorScheme": "#c8443a", "operator": "≥", "targetValue": 200.5},
    ]


def test_a_bundle_asks_what_the_file_says(pages: ModuleType, bundle: ModuleType, tmp_path: Path) -> None:
    files = bundle.make_bundle(pages.read_assets(checkout_of(tmp_path)))
    chart = yaml.safe_load(files["charts/giao-thong-tung-duong.yaml"])
    (query,) = json.loads(chart["query_context"])["queries"]
    assert (query["columns"], query["orderby"]) == (["road_code", "counted_at", "speed_kmh"], [["speed_kmh", False]])
    assert chart["params"]["column_config"] == {"speed_kmh": {"d3NumberFormat": ",.1f"}}
    assert chart["params"]["table_timestamp_format"] == "%H:%M %d/%m"


def test_a_bundle_is_not_made_of_files_that_are_at_fault(pages: ModuleType, bundle: ModuleType, tmp_path: Path) -> None:
    assets = pages.read_assets(checkout_of(tmp_path, page=PAGE.replace("kind: map", "kind: globe")))
    with pytest.raises(ValueError, match="charts/giao-thong-ban-do: expected a kind of"):
        bundle.make_bundle(assets)


def test_a_uuid_stays_what_it_was_in_every_installation(pages: ModuleType, bundle: ModuleType) -> None:
    files = bundle.make_bundle(pages.read_assets(PROJECT))
    found = {
        name: yaml.safe_load(files[name])["uuid"]
        for name in ("charts/phan-anh-tong-so.yaml", "dashboards/phan-anh.yaml", "datasets/marts/feedback_cases.yaml")
    }
    assert found == {
        "charts/phan-anh-tong-so.yaml": "61c5c8c3-3d68-57c4-8e9b-9d1d3f24fb14",
        "dashboards/phan-anh.yaml": "5fe78b30-e0a9-5715-a4da-4cfeaa44d2f8",
        "datasets/marts/feedback_cases.yaml": "9045bf0d-0a47-5e26-8571-36eb0ba6cdb7",
    }


def test_the_limits_of_every_page_are_those_of_a_contract(pages: ModuleType) -> None:
    assets = pages.read_assets(PROJECT)
    limits = {
        (contract.freshness.total_seconds(), contract.freshness_limit.total_seconds())
        for contract in read_contracts().values()
    }
    seconds = {"phút": 60, "giờ": 3600, "ngày": 86400}
    ages = [chart for slug, chart in assets.files["charts"].items() if slug.endswith("-tuoi-du-lieu")]
    assert len(ages) == len(assets.files["dashboards"])
    for chart in ages:
        unit = chart["title"].removeprefix("Tuổi dữ liệu (").removesuffix(")")
        green, _, red = rules(chart)
        assert (green["targetValue"] * seconds[unit], red["targetValue"] * seconds[unit]) in limits


def test_dashboards_are_imported_anew_when_any_file_they_are_made_of_changes() -> None:
    program = (
        "import sys; from pathlib import Path; opened = []\n"
        "sys.addaudithook(lambda event, told: opened.append(str(told[0])) if event == 'open' else None)\n"
        "from pages import read_assets; from roles import RELEASED_MARTS; from core.settings import PROJECT; read_assets(PROJECT)\n"
        "print(*sorted({name for name in opened if name.endswith(('.yml', '.yaml', '.csv'))}), sep='\\n')"
    )
    paths = f"{PROJECT / 'superset'}:{PROJECT}"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env={"PYTHONPATH": paths}, capture_output=True, text=True, check=True)
    read = {Path(name) for name in done.stdout.split("\n") if name}
    assert len(read) >= 15
    assert read <= {*made_of()}
