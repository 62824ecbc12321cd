"""Maps in a running Superset: communes in the colour of their figure, unknown ones in grey, points on top, nothing from outside.

The pictures are what Chromium shows of WebGL, drawn by the processor. One module, so that Superset is started once; it takes a minute.
"""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest
from playwright.sync_api import Page

from core.boundaries import make_boundaries
from core.commune_shapes import read_commune_shapes
from core.settings import PROJECT, Settings
from lake.connection import connected
from reporting.browser import open_dashboard
from tests.browser.maps import BLUE, GREEN, MAPS, RED, UNKNOWN, find_colours, find_map, told_at
from tests.browser.truth import publish
from tests.long_run import a_few

pytestmark = [pytest.mark.browser, pytest.mark.services, pytest.mark.timeout(1800)]

PATIENCE_SECONDS = 90
"""A release is seen once what Superset has cached of the one before is too old."""

FEEDBACK = MAPS["phan-anh"][0]
PERCENT, RECEIVED, DUE = "Đúng hạn trên số đến hạn (%)", "Số tiếp nhận trong tháng", "Số đến hạn"
SAMPLES = PROJECT.parent / "shared" / "samples" / "admin_units"
PROVINCES = {"hue": "Huế", "da_nang": "Đà Nẵng", "phu_tho": "Phú Thọ", "ca_mau": "Cà Mau"}
CUT_SHORT = {'"34_hien_xa"': '"34_hien_quan_xa"'}
"""A name in the sample of Phú Thọ, and what it was."""


def test_a_shape_has_the_colour_of_its_figure_and_tells_its_name_and_figure(
    page: Page, superset_settings: Settings
) -> None:
    open_dashboard(page, superset_settings, "phan-anh")
    drawing = find_map(page, FEEDBACK)
    found = find_colours(page, drawing, GREEN, RED, BLUE, UNKNOWN)
    assert found[GREEN].pixels > found[RED].pixels > found[BLUE].pixels  # two parts, one part, a point
    assert {colour: told_at(page, drawing, patch).splitlines() for colour, patch in found.items()} == {
        GREEN: ["Tên: Phường Phú Xuân", f"{PERCENT}: 97,5", f"{RECEIVED}: 40", f"{DUE}: 40"],
        RED: ["Tên: Phường Thuận Hoá", f"{PERCENT}: 60,0", f"{RECEIVED}: 1.250", f"{DUE}: 1.250"],
        UNKNOWN: ["Tên: Phường Giả lập 01", f"{PERCENT}: Chưa có số liệu", f"{RECEIVED}: 0", f"{DUE}: 0"],
        BLUE: ["Tên: Cây xanh", "Quá hạn: Dưới 1 ngày"],
    }


def test_a_legend_names_every_colour(page: Page, superset_settings: Settings) -> None:
    open_dashboard(page, superset_settings, "phan-anh")
    lines = page.locator(".dashboard-markdown li").evaluate_all(
        "lines => lines.map(line => [line.innerText, getComputedStyle(line, '::before').color])"
    )
    assert [tuple(line) for line in lines][1:5] == [
        ("từ 95", "rgb(42, 157, 111)"),
        ("từ 85 đến dưới 95", "rgb(242, 194, 48)"),
        ("dưới 85", "rgb(200, 68, 58)"),
        ("Chưa có số liệu", "rgb(201, 206, 212)"),
    ]
    assert [lines[0][0], lines[5][0], lines[6][0]] == [PERCENT, "Quá hạn", "Dưới 1 ngày"]


def test_a_leader_sees_the_map(leader: Page, people: Settings) -> None:
    open_dashboard(leader, people, "phan-anh")
    assert find_colours(leader, find_map(leader, FEEDBACK), GREEN, UNKNOWN).keys() == {GREEN, UNKNOWN}


def official_communes(province: str) -> dict[str, str]:
    (path,) = SAMPLES.glob("post2025_simplified_json_*.json")
    provinces = json.loads(path.read_text(encoding="utf-8"))
    (wards,) = [found["Wards"] for found in provinces if found["Name"] == province]
    return {ward["Code"]: ward["FullName"] for ward in wards}


def percent_of(number: int) -> float | None:
    """Return the figure of a commune by its place in the list: green, red or not known."""
    return (98.0, 40.0, None)[number % 3]


@pytest.fixture
def a_province(
    request: pytest.FixtureRequest, superset_settings: Settings, tmp_path: Path
) -> Iterator[dict[str, float | None]]:
    """The communes of a real province on the map of feedback: their figures by name."""
    sample = SAMPLES / f"wards_{request.param}_simplified.geojson"
    if not sample.exists():
        pytest.skip(f"{sample} is not on this machine")
    text = sample.read_text(encoding="utf-8")
    for cut, whole in CUT_SHORT.items():
        text = text.replace(cut, whole)
    file = tmp_path / "wards.geojson"
    file.write_text(text, encoding="utf-8")
    communes = official_communes(PROVINCES[request.param])
    made = make_boundaries(read_commune_shapes(file, communes, name_property="name"))
    figures = {code: percent_of(number) for number, code in enumerate(communes)}
    rows = [
        (
            *("commune", row["commune_code"], communes[row["commune_code"]], int(row["part_number"])),
            *(row["ring"], float(row["area_km2"]), figures[row["commune_code"]]),
        )
        for row in csv.DictReader(io.StringIO(made.text))
    ]
    with connected(superset_settings) as connection:
        connection.execute("create temp table kept as select * from lake.feedback.feedback_on_map")
        connection.execute("delete from lake.feedback.feedback_on_map")
        connection.executemany(
            "insert into lake.feedback.feedback_on_map (place_level, place_code, place_name, shape_number, shape, area_km2,"
            " on_time_of_due_percent) values (?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
        publish(connection, "feedback")
        yield {communes[code]: percent for code, percent in figures.items()}
        connection.execute("delete from lake.feedback.feedback_on_map")
        connection.execute("insert into lake.feedback.feedback_on_map select * from kept")
        publish(connection, "feedback")


def name_of(told: str) -> str:
    return told.splitlines()[0].removeprefix("Tên: ")


@pytest.mark.parametrize("a_province", a_few(PROVINCES, ("phu_tho",)), indirect=True)
def test_a_real_province_is_drawn_and_answers(
    page: Page, superset_settings: Settings, a_province: dict[str, float | None]
) -> None:
    answered: list[str] = []
    page.on("response", lambda answer: answered.append(answer.url))
    until = monotonic() + PATIENCE_SECONDS
    name = ""
    while name not in a_province and monotonic() < until:
        open_dashboard(page, superset_settings, "phan-anh")
        drawing = find_map(page, FEEDBACK)
        found = find_colours(page, drawing, GREEN, RED, UNKNOWN)
        name = name_of(told_at(page, drawing, found[RED]))
    assert found.keys() == {GREEN, RED, UNKNOWN}
    for colour, percent, shown in ((GREEN, 98.0, "98,0"), (RED, 40.0, "40,0"), (UNKNOWN, None, "Chưa có số liệu")):
        told = told_at(page, drawing, found[colour]).splitlines()
        assert told == [f"Tên: {name_of(told[0])}", f"{PERCENT}: {shown}"]
        assert a_province[name_of(told[0])] == percent
    ours = f"{superset_settings.superset_address}/"
    assert len(answered) > 20
    assert [address for address in answered if not address.startswith((ours, "data:", "blob:"))] == []
