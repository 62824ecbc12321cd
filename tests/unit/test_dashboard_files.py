"""A dashboard file holds little; what Superset gets is derived from it, from the marts and from the contracts."""

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
import pytest
import yaml

from core.contract import read_contracts
from core.domains import read_domains
from core.settings import PROJECT
from stack.superset import made_of

COLUMNS = [
    {"name": "road_code", "data_type": "varchar", "description": "Mã đường / Road."},
    {"name": "counted_at", "data_type": "timestamp with time zone", "description": "Thời điểm đếm / When counted."},
    {"name": "vehicles", "data_type": "bigint", "description": "Số xe / Vehicles."},
    {"name": "speed_kmh", "data_type": "double", "description": "Tốc độ (km/h) / Mean speed."},
    {"name": "place_level", "data_type": "varchar", "description": "Loại / commune or road."},
    {"name": "place_name", "data_type": "varchar", "description": "Tên / Name."},
    {"name": "shape", "data_type": "varchar", "description": "Hình / Ring."},
    {"name": "area_km2", "data_type": "double", "description": "Diện tích / Area."},
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
  - {title: Bản đồ, kind: map, mart: road_counts, beside: [counted_at],
     areas: {figure: speed_kmh, levels: {green: ≥ 40, yellow: 20.5 ≤ x < 40, red: < 20.5}},
     points: {figure: state_shown, levels: {black: "Đóng, sửa chữa"}}}
  - {title: Từng đường, kind: table, mart: road_counts, columns: [road_code, counted_at, speed_kmh], order: speed_kmh desc, width: 4}
marts:
  road_counts:
    columns:
      state_shown: {label: Tình trạng, sql: "case when vehicles = 0 then 'Đóng, sửa chữa' end"}
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
        "dbt_project/seeds/feeds.csv": "feed,domain,owner,freshness_minutes,freshness_limit_minutes\n"
        f"traffic.counts,traffic,Sở Xây dựng,{freshness[0]},{freshness[1]}\n",
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
    assert (age["title"], age["dataset"]) == ("Tuổi dữ liệu (giờ) / Age of the data (hours)", "road_counts")
    assert age["params"]["subtitle"] == "cho phép 2 giờ; đỏ từ 8 giờ / up to 2 hours allowed; red from 8"
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
    assert [text.partition(" / ")[0] for text in (age["title"], age["params"]["subtitle"])] == [title, note]
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
            "traffic.counts_of_months,traffic,Sở Xây dựng,43200,86400\ntraffic.counts,",
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
    assert assets.files["charts"]["giao-thong-thang-tuoi-du-lieu"]["title"].startswith("Tuổi dữ liệu (ngày)")


def test_a_metric_that_is_named_after_a_column_needs_no_sql(pages: ModuleType, tmp_path: Path) -> None:
    metrics = pages.read_assets(checkout_of(tmp_path)).files["datasets"]["road_counts"]["metrics"]
    found = {metric["name"]: (metric["label"], metric["expression"], metric.get("format")) for metric in metrics}
    assert found["vehicles_total"] == ("Tổng số xe", "sum(vehicles)", ",d")
    assert found["speed_kmh_mean"] == ("Tốc độ (km/h) / Speed kmh", "avg(speed_kmh)", ",.1f")
    assert found["row_count"] == ("Số dòng / Rows", "count(*)", ",d")


def test_a_map_is_coloured_by_the_number_of_a_level_and_what_is_not_known_is_no_zero(
    pages: ModuleType, tmp_path: Path
) -> None:
    assets = pages.read_assets(checkout_of(tmp_path))
    assert assets.faults == ()
    chart, dataset = assets.files["charts"]["giao-thong-ban-do"], assets.files["datasets"]["road_counts"]
    (metric,) = [found for found in dataset["metrics"] if found["name"] == chart["params"]["metric"]]
    shown = {column["name"]: (column["label"], column["expression"]) for column in dataset["columns"]}
    assert chart["viz_type"] == "deck_polygon"
    assert "filters" not in chart  # points are drawn too
    rows = [
        *(
            (level, "commune", speed, 9)
            for level, speed in ((1, 40), (2, 39.9), (2, 20.5), (3, 20.4), (3, 0), (0, None))
        ),
        (101, "road", None, 0),
        (100, "road", None, 9),
    ]
    with duckdb.connect() as connection:
        connection.execute("create table road_counts (n int, place_level text, speed_kmh double, vehicles bigint)")
        connection.executemany(
            "insert into road_counts values (?, ?, ?, ?)", [(n, *row[1:]) for n, row in enumerate(rows)]
        )
        told = [
            text for name, text in ((name, sql) for name, (_, sql) in shown.items()) if name.startswith("giao_thong")
        ]
        query = f"select {metric['expression']}, {', '.join(f'any_value({text})' for text in told)} from road_counts group by n order by n"
        found = connection.execute(query).fetchall()
    assert [row[0] for row in found] == [row[0] for row in rows]
    assert [row[1:] for row in found] == [
        *((text, None) for text in ("40,0", "39,9", "20,5", "20,4", "0,0", "Chưa có số liệu")),
        (None, "Đóng, sửa chữa"),
        (None, "Chưa có số liệu"),
    ]


def test_a_map_has_a_colour_for_each_level_a_legend_and_a_tooltip(
    pages: ModuleType, bundle: ModuleType, tmp_path: Path
) -> None:
    assets = pages.read_assets(checkout_of(tmp_path))
    chart = assets.files["charts"]["giao-thong-ban-do"]
    colours = {(level["minValue"], level["maxValue"]): level["color"] for level in chart["params"]["color_breakpoints"]}
    assert {level: (colour["r"], colour["g"], colour["b"]) for level, colour in colours.items()} == {
        (-1, -1): (244, 246, 248),
        (0, 0): (201, 206, 212),
        (1, 1): (42, 157, 111),
        (2, 2): (242, 194, 48),
        (3, 3): (200, 68, 58),
        (100, 100): (201, 206, 212),
        (101, 101): (59, 68, 76),
    }
    assert [(line["mark"], line["text"]) for line in chart["legend"]] == [
        ("", "Tốc độ (km/h) / Speed kmh"),
        ("■", "từ 40 / from 40"),
        ("■", "từ 20,5 đến dưới 40 / from 20.5 to below 40"),
        ("■", "dưới 20,5 / below 20.5"),
        ("■", "Chưa có số liệu / No figures"),
        ("", "Tình trạng"),
        ("●", "Đóng, sửa chữa"),
        ("●", "Chưa có số liệu / No figures"),
    ]
    assert [(item["verbose_name"], item["column_name"]) for item in chart["params"]["tooltip_contents"]] == [
        ("Tên / Place name", "place_name"),
        ("Tốc độ (km/h) / Speed kmh", "giao_thong_ban_do_areas"),
        ("Tình trạng", "giao_thong_ban_do_points"),
        ("Thời điểm đếm / Counted at", "counted_at_on_map"),
    ]
    assert chart["params"]["filter_nulls"] is False
    files = bundle.make_bundle(assets)
    (query,) = json.loads(yaml.safe_load(files["charts/giao-thong-ban-do.yaml"])["query_context"])["queries"]
    assert query["columns"] == [
        *("shape", "area_km2", "place_name", "giao_thong_ban_do_areas", "giao_thong_ban_do_points", "counted_at_on_map")
    ]
    assert (query["metrics"], query["orderby"]) == (["giao_thong_ban_do_level"], [["area_km2", False]])


def test_a_map_stands_above_its_legend(pages: ModuleType, bundle: ModuleType, tmp_path: Path) -> None:
    files = bundle.make_bundle(pages.read_assets(checkout_of(tmp_path)))
    page = yaml.safe_load(files["dashboards/giao-thong.yaml"])
    position = page["position"]
    assert position["ROW-3"]["children"] == ["COLUMN-6", "CHART-7"]
    assert position["COLUMN-6"]["children"] == ["CHART-6", "MARKDOWN-6"]
    assert position["CHART-6"]["parents"] == ["ROOT_ID", "GRID_ID", "ROW-3", "COLUMN-6"]
    assert position["CHART-6"]["meta"]["sliceName"] == "Bản đồ"
    assert position["MARKDOWN-6"]["meta"]["code"].splitlines()[:2] == ["- Tốc độ (km/h)", "- từ 40"]
    heights = [position[name]["meta"]["height"] for name in ("CHART-6", "MARKDOWN-6", "CHART-7")]
    assert heights == [40, 8, 50]  # with the gap between the two, as high as what stands beside them
    assert "#MARKDOWN-6 li:nth-child(2)::before { content: '■ '; color: #2a9d6f }" in page["css"].splitlines()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("red: < 20.5", "pink: < 20.5", "expected colours of green"),
        ("figure: speed_kmh", "figure: speed", "expected a column of the mart, got speed"),
        ("beside: [counted_at]", "beside: [counted]", "expected a column of the mart, got counted"),
        ("figure: speed_kmh, levels", "levels", "expected figure, got none"),
    ],
)
def test_a_map_that_contradicts_its_mart_is_a_fault(
    pages: ModuleType, tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert old in PAGE
    (fault,) = pages.read_assets(checkout_of(tmp_path, page=PAGE.replace(old, new))).faults
    assert fault.startswith(f"charts/giao-thong-ban-do: {message}")


def test_a_map_without_points_draws_the_communes_alone(pages: ModuleType) -> None:
    chart = pages.read_assets(PROJECT).files["charts"]["dich-vu-cong-ban-do"]
    assert chart["filters"] == [{"column": "place_level", "operator": "==", "value": "commune"}]


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


FILTERED = PAGE.replace(
    "rows:",
    """filters:
- period: [so-xe]
- {column: road_code, title: Tuyến đường, except: [toc-do-trung-binh], where: {vehicles: {">": 0}}}
rows:""",
    1,
)


def test_a_filter_reaches_the_charts_of_its_column_and_of_its_list(
    pages: ModuleType, bundle: ModuleType, tmp_path: Path
) -> None:
    files = bundle.make_bundle(pages.read_assets(checkout_of(tmp_path, page=FILTERED)))
    page = yaml.safe_load(files["dashboards/giao-thong.yaml"])
    numbers = {
        node["meta"]["sliceName"]: node["meta"]["chartId"]
        for node in page["position"].values()
        if isinstance(node, dict) and node["type"] == "CHART"
    }
    badges = {"Dữ liệu mới nhất lúc", "Tuổi dữ liệu (giờ)", "Điểm tin cậy"}
    assert set(numbers) == badges | {"Số xe", "Tốc độ trung bình", "Bản đồ", "Từng đường"}
    metadata = page["metadata"]
    period, road = metadata["native_filter_configuration"]

    def outside(scope: Any) -> set[str]:
        return {title for title, number in numbers.items() if number in scope["excluded"]}

    assert (period["name"], period["filterType"], period["targets"]) == ("Kỳ", "filter_time", [{}])
    assert outside(period["scope"]) == set(numbers) - {"Số xe"}
    dataset = yaml.safe_load(files["datasets/marts/road_counts.yaml"])["uuid"]
    assert (road["name"], road["filterType"]) == ("Tuyến đường", "filter_select")
    assert road["targets"] == [{"datasetUuid": dataset, "column": {"name": "road_code"}}]
    assert [(entry["subject"], entry["operator"], entry["comparator"]) for entry in road["adhoc_filters"]] == [
        ("vehicles", ">", 0)
    ]
    assert outside(road["scope"]) == badges | {"Tốc độ trung bình", "Bản đồ"}
    assert metadata["cross_filters_enabled"]
    assert outside(metadata["global_chart_configuration"]["scope"]) == badges | {"Tốc độ trung bình", "Bản đồ"}
    assert len({period["id"], road["id"]}) == 2


def test_a_period_is_put_into_the_queries_of_its_charts_alone(
    pages: ModuleType, bundle: ModuleType, tmp_path: Path
) -> None:
    files = bundle.make_bundle(pages.read_assets(checkout_of(tmp_path, page=FILTERED)))
    found = {}
    for name in ("so-xe", "ban-do"):
        chart = yaml.safe_load(files[f"charts/giao-thong-{name}.yaml"])
        (query,) = json.loads(chart["query_context"])["queries"]
        assert [entry["subject"] for entry in chart["params"]["adhoc_filters"]] == [f["col"] for f in query["filters"]]
        found[name] = query["filters"]
    assert found == {"so-xe": [{"col": "counted_at", "op": "TEMPORAL_RANGE", "val": "No filter"}], "ban-do": []}


def test_numbers_are_split_by_words_and_flags_and_not_by_records(pages: ModuleType, bundle: ModuleType) -> None:
    files = bundle.make_bundle(pages.read_assets(PROJECT))
    columns = yaml.safe_load(files["datasets/marts/feedback_cases.yaml"])["columns"]
    split = {column["column_name"] for column in columns if column["groupby"]}
    assert {"agency_name", "commune_name", "service_name", "is_overdue"} <= split
    assert not split & {"service_request_id", "agency_code", "latitude", "hours_to_close", "requested_at"}


BILINGUAL = (
    PAGE.replace("title: Giao thông", "title: Giao thông / Road traffic")
    .replace("title: Số xe,", "title: Số xe / Vehicles,")
    .replace("Đường nào đông.", "Đường nào đông. / Which roads are busy.")
    .replace("vehicles_total: Tổng số xe", "vehicles_total: Tổng số xe / All vehicles")
)


def test_a_page_has_a_twin_in_english_with_charts_and_datasets_of_its_own(
    pages: ModuleType, bundle: ModuleType, tmp_path: Path
) -> None:
    files = bundle.make_bundle(pages.read_assets(checkout_of(tmp_path, page=BILINGUAL)))
    found = {name: yaml.safe_load(text) for name, text in files.items()}
    vietnamese, english = found["dashboards/giao-thong.yaml"], found["dashboards/en-giao-thong.yaml"]
    assert (vietnamese["dashboard_title"], english["dashboard_title"]) == ("Giao thông", "Road traffic")
    chart, copy = found["charts/giao-thong-so-xe.yaml"], found["charts/en-giao-thong-so-xe.yaml"]
    assert (chart["slice_name"], copy["slice_name"]) == ("Số xe", "Vehicles")
    assert chart["query_context"] == copy["query_context"]
    dataset, its_copy = found["datasets/marts/road_counts.yaml"], found["datasets/marts/en-road_counts.yaml"]
    assert copy["dataset_uuid"] == its_copy["uuid"] != dataset["uuid"]
    assert its_copy["sql"] == "select * from traffic.road_counts"
    assert {(m["metric_name"], m["verbose_name"]) for m in its_copy["metrics"]} >= {
        ("vehicles_total", "All vehicles"),
        ("newest_event", "Newest data at"),
        ("event_age_hours", "Age of the data (hours)"),
    }
    assert [(column["verbose_name"], column["description"]) for column in its_copy["columns"][:2]] == [
        ("Road code", "Road."),
        ("Counted at", "When counted."),
    ]
    placed = [node["meta"]["uuid"] for node in english["position"].values() if str(node).startswith("{'type': 'CHART'")]
    assert len(placed) == 7
    assert set(placed) <= {content["uuid"] for name, content in found.items() if name.startswith("charts/en-")}
    assert [name for name in found if name.startswith("datasets/marts/en-")] == [
        "datasets/marts/en-feed_scores.yaml",
        "datasets/marts/en-road_counts.yaml",
    ]


def test_a_page_begins_with_what_it_shows_and_from_whom(pages: ModuleType, bundle: ModuleType, tmp_path: Path) -> None:
    files = bundle.make_bundle(pages.read_assets(checkout_of(tmp_path, page=BILINGUAL)))
    texts = {
        slug: yaml.safe_load(files[f"dashboards/{slug}.yaml"])["position"]["MARKDOWN-0"]["meta"]["code"]
        for slug in ("giao-thong", "en-giao-thong")
    }
    assert texts == {
        "giao-thong": "Đường nào đông. **Nguồn:** Sở Xây dựng. Số liệu đến thời điểm ghi ở ô đầu tiên. "
        "[English](/superset/dashboard/en-giao-thong/)",
        "en-giao-thong": "Which roads are busy. **Sources:** Sở Xây dựng. Figures are as of the time in the first box. "
        "[Tiếng Việt](/superset/dashboard/giao-thong/)",
    }


def test_no_text_of_ours_is_in_two_languages_at_once(pages: ModuleType, bundle: ModuleType) -> None:
    files = bundle.make_bundle(pages.read_assets(PROJECT))

    def texts(value: Any) -> Iterator[str]:
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            for key, entry in value.items():
                if key not in {"expression", "query_context", "sql", "css"} and not (
                    key == "description" and "verbose_name" in value
                ):  # formulas divide
                    yield from (str(key), *texts(entry))
        elif isinstance(value, list):
            for entry in value:
                yield from texts(entry)

    english = {
        name: [*texts(yaml.load(text, yaml.CSafeLoader) | ({"description": ""} if name.startswith("datasets") else {}))]
        for name, text in files.items()
        if "/en-" in name
    }
    assert len(english) >= 100
    assert {
        name: found for name, every in english.items() if (found := [text for text in every if " / " in text])
    } == {}
    titles = {
        yaml.safe_load(text).get("slice_name", "") for name, text in files.items() if name.startswith("charts/en-")
    }
    assert {
        title for title in titles if set(title.lower()) & set("ăâđêôơưạảấầẩậắằẳặẹẻếềểệịỉọỏốồổộớờởợụủứừửựỳỵỷỹ")
    } == set()


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("station_name", "Station name"),
        ("compliance_percent", "Compliance (%)"),
        ("pm2_5_ug_m3", "PM2.5 (µg/m³)"),
        ("vn_aqi", "VN AQI"),
        ("is_reported", "Reported"),
        ("status_label", "Status"),
        ("level_m", "Level (m)"),
    ],
)
def test_the_english_label_of_a_column_is_its_name(pages: ModuleType, name: str, label: str) -> None:
    assert importlib.import_module("asset_files").english_label(name) == label


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
    assert len(ages) == sum(len(domain.dashboards) for domain in read_domains())
    for chart in ages:
        unit = chart["title"].partition(" / ")[0].removeprefix("Tuổi dữ liệu (").removesuffix(")")
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
