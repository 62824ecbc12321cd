"""A province's boundaries become a list that is whole, valid and small, or are refused with the communes at fault by name."""

import csv
import io
import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import shapely
from shapely.geometry import Polygon

from core.boundaries import LIST, MOST_BYTES, Boundaries, make_boundaries, write_boundaries
from core.commune_shapes import read_commune_shapes
from core.errors import ConfigurationError
from core.reference import SEEDS
from core.settings import PROJECT
from simulator.commune_map import draw_communes
from simulator.entities import read_communes

COMMUNES = {"00001": "Phường Dương Nỗ", "00002": "Xã Đào Xá", "00003": "Đặc khu Lý Sơn"}
SAMPLES = PROJECT.parent / "shared" / "samples" / "admin_units"
PROVINCES = {"hue": "Huế", "da_nang": "Đà Nẵng", "phu_tho": "Phú Thọ", "ca_mau": "Cà Mau"}


def square(west: float, south: float = 16.0, size: float = 0.1) -> list[list[float]]:
    east, north = west + size, south + size
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def feature(code: object, geometry: object, **properties: object) -> dict[str, object]:
    return {"type": "Feature", "properties": {"code": code, **properties}, "geometry": geometry}


def polygon(*rings: list[list[float]]) -> dict[str, object]:
    return {"type": "Polygon", "coordinates": [*rings]}


GOOD = [
    feature("00001", polygon(square(107.0))),
    feature("00002", polygon(square(107.1))),
    feature("00003", {"type": "MultiPolygon", "coordinates": [[square(109.1, 15.3, 0.01)], [square(107.2)]]}),
]


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """A function that writes features as a FeatureCollection."""

    def to_file(features: object, **others: object) -> Path:
        path = tmp_path / "wards.geojson"
        content = {"type": "FeatureCollection", "features": features, **others}
        path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        return path

    return to_file


def rows_of(made: Boundaries) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(made.text)))


def rings_of(made: Boundaries) -> list[Polygon]:
    return [Polygon(json.loads(row["ring"])) for row in rows_of(made)]


def test_a_commune_has_a_row_for_each_part_the_largest_first(write: Callable[..., Path]) -> None:
    made = make_boundaries(read_commune_shapes(write(GOOD), COMMUNES))
    rows = [(row["commune_code"], row["part_number"], float(row["area_km2"])) for row in rows_of(made)]
    assert [row[:2] for row in rows] == [("00001", "1"), ("00002", "1"), ("00003", "1"), ("00003", "2")]
    assert [round(row[2]) for row in rows] == [119, 119, 119, 1]
    assert (made.mended, made.holes, made.tolerance_degrees) == ((), 0, 0.0)
    assert made.change_percent < 1e-6
    ring = json.loads(rows_of(made)[0]["ring"])
    assert ring[0] == ring[-1]
    assert sorted(map(tuple, ring[:-1])) == [(107.0, 16.0), (107.0, 16.1), (107.1, 16.0), (107.1, 16.1)]


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("10_duong_no_phuong", "00001"),
        ("PHƯỜNG DƯƠNG NỖ", "00001"),
        ("Dương Nỗ", "00001"),
        ("25_đao_xa", "00002"),
        ("25_đao_xa_xa", "00002"),
        ("ly_son_dac_khu", "00003"),
    ],
)
def test_a_file_without_codes_names_its_communes(write: Callable[..., Path], told: str, name: str) -> None:
    others = [feature(None, part["geometry"], name=COMMUNES[code]) for code, part in zip(COMMUNES, GOOD, strict=True)]
    mine = [
        {**part, "properties": {"name": told}} if code == name else part
        for code, part in zip(COMMUNES, others, strict=True)
    ]
    shapes = read_commune_shapes(write(mine), COMMUNES, name_property="name")
    assert [shape.commune_code for shape in shapes] == [*COMMUNES]


def without(number: int, **change: object) -> list[dict[str, Any]]:
    """Return the good features, one of them changed."""
    return [part | change if place == number else part for place, part in enumerate(GOOD)]


def geometry(*rings: list[list[float]]) -> list[dict[str, Any]]:
    return without(0, geometry=polygon(*rings))


FAULTS: dict[str, tuple[list[dict[str, Any]], str]] = {
    "a commune that is missing": (GOOD[1:], r"Phường Dương Nỗ \(00001\): expected one feature, got none; add it"),
    "a commune that is there twice": (
        [*GOOD, GOOD[0]],
        r"Phường Dương Nỗ \(00001\): expected one feature, got 2; join them",
    ),
    "a code that the list does not know": (
        without(0, properties={"code": "1"}),
        r"feature \(code 1\): expected a code of the list of communes, got 1; correct the file",
    ),
    "no code": (
        without(0, properties={"ma1": 7}),
        r"feature \(ma1 7\): expected a value of the property code, got none; name the property with --code",
    ),
    "latitude before longitude": (
        geometry([[y, x] for x, y in square(107.0)]),
        r"Phường Dương Nỗ \(00001\): expected longitude before latitude, got them swapped; swap the axes",
    ),
    "metres": (
        geometry([[x * 100_000, y * 100_000] for x, y in square(5.6)]),
        r"\(00001\): expected longitudes 102 to 118 and latitudes 6 to 24, degrees, got 560000, 1.6e\+06; export in WGS 84",
    ),
    "an open ring": (
        geometry(square(107.0)[:-1]),
        r"\(00001\): expected rings that end where they begin, got an open one",
    ),
    "a ring of three positions": (
        geometry([[107.0, 16.0], [107.1, 16.0], [107.0, 16.0]]),
        r"\(00001\): expected rings of at least 4 positions, got 3",
    ),
    "a line": (
        without(0, geometry={"type": "LineString", "coordinates": square(107.0)}),
        r"\(00001\): expected a Polygon or MultiPolygon, got LineString",
    ),
    "no geometry": (without(0, geometry=None), r"\(00001\): expected a Polygon or MultiPolygon, got none"),
    "no rings": (geometry(), r"\(00001\): expected rings of positions, got none"),
    "text for a number": (
        without(0, geometry={"type": "Polygon", "coordinates": [[["107", "16"]] * 4]}),
        r"\(00001\): expected positions of two numbers",
    ),
    "infinity": (
        geometry([[107.0, float("inf")], *square(107.0)[1:]]),
        r"\(00001\): expected positions of two numbers",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_cannot_be_drawn_is_refused_by_name(write: Callable[..., Path], fault: str) -> None:
    features, message = FAULTS[fault]
    with pytest.raises(ConfigurationError, match=message):
        read_commune_shapes(write(features), COMMUNES)


def test_every_commune_at_fault_is_named_at_once(write: Callable[..., Path]) -> None:
    features = [part | {"geometry": None} for part in GOOD]
    with pytest.raises(ConfigurationError) as refused:
        read_commune_shapes(write(features), COMMUNES)
    assert [line.partition(":")[0] for line in str(refused.value).splitlines()] == [
        f"{name} ({code})" for code, name in COMMUNES.items()
    ]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"type": "Feature"}', '{"type": "FeatureCollection", "features": []}', "[" * 9999]
)
def test_what_is_no_feature_collection_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "wards.geojson"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"wards.geojson: expected a GeoJSON FeatureCollection"):
        read_commune_shapes(path, COMMUNES)


def test_a_name_that_two_communes_could_have_is_refused(write: Callable[..., Path]) -> None:
    communes = {"1": "Xã Tân An", "2": "Phường Tân An"}
    with pytest.raises(ConfigurationError, match=r"expected the name of one commune of the list, got that of 1, 2"):
        read_commune_shapes(
            write([feature(None, polygon(square(107.0)), name="Tân An")]), communes, name_property="name"
        )


def test_a_bow_tie_is_mended_and_told(write: Callable[..., Path]) -> None:
    bow_tie = [[107.0, 16.0], [107.1, 16.1], [107.1, 16.0], [107.0, 16.1], [107.0, 16.0]]
    made = make_boundaries(read_commune_shapes(write(geometry(bow_tie)), COMMUNES))
    assert made.mended == (("Phường Dương Nỗ (00001)", "Self-intersection"),)
    assert all(ring.is_valid for ring in rings_of(made))
    assert [row["part_number"] for row in rows_of(made) if row["commune_code"] == "00001"] == ["1", "2"]


def test_lines_beside_a_polygon_are_left_out_and_told(write: Callable[..., Path]) -> None:
    line = {"type": "LineString", "coordinates": square(107.0)[:2]}
    collection = {"type": "GeometryCollection", "geometries": [polygon(square(107.0)), line]}
    made = make_boundaries(read_commune_shapes(write(without(0, geometry=collection)), COMMUNES))
    assert made.mended == (("Phường Dương Nỗ (00001)", "1 lines or points left out"),)


def test_a_commune_without_an_area_is_refused(write: Callable[..., Path]) -> None:
    flat = [[107.0, 16.0], [107.05, 16.0], [107.1, 16.0], [107.0, 16.0]]
    shapes = read_commune_shapes(write(geometry(flat)), COMMUNES)
    with pytest.raises(ConfigurationError, match=r"Phường Dương Nỗ \(00001\): expected a polygon with an area"):
        make_boundaries(shapes)


def test_communes_on_top_of_each_other_are_refused(write: Callable[..., Path]) -> None:
    shapes = read_commune_shapes(write(without(1, geometry=polygon(square(107.02)))), COMMUNES)
    with pytest.raises(ConfigurationError, match=r"expected shapes that keep their area to 25 %"):
        make_boundaries(shapes)


def test_a_commune_in_another_is_drawn_after_it(write: Callable[..., Path]) -> None:
    town = square(107.03, 16.03, 0.02)
    features = without(0, geometry=polygon(square(107.0), town))
    features[1] = features[1] | {"geometry": polygon(town)}
    made = make_boundaries(read_commune_shapes(write(features), COMMUNES))
    areas = {row["commune_code"]: float(row["area_km2"]) for row in rows_of(made) if row["part_number"] == "1"}
    assert made.holes == 1
    assert areas["00001"] == pytest.approx(119, abs=1)  # the ring holds the town
    assert areas["00002"] == pytest.approx(4.8, abs=0.1)


def wavy(west: float, south: float, columns: int, rows: int, step: float) -> list[tuple[str, list[list[float]]]]:
    """Return squares with wavy borders that neighbours share to the last digit."""
    waves = 60

    def at(x: float, y: float) -> list[float]:
        shift = 0.04 * step * (((x * 7919) % 1) + ((y * 104_729) % 1) - 1)
        return [west + x * step + shift, south + y * step + shift]

    def side(start: tuple[int, int], end: tuple[int, int]) -> list[list[float]]:
        low, high = sorted((start, end))
        points = [
            at(low[0] + (high[0] - low[0]) * part / waves, low[1] + (high[1] - low[1]) * part / waves)
            for part in range(waves + 1)
        ]
        return (points if start == low else points[::-1])[:-1]

    found = []
    for row in range(rows):
        for column in range(columns):
            corners = [(column, row), (column + 1, row), (column + 1, row + 1), (column, row + 1), (column, row)]
            ring = [place for start, end in pairwise(corners) for place in side(start, end)]
            found.append((f"{row * columns + column:05d}", [*ring, ring[0]]))
    return found


def test_a_large_file_is_simplified_and_neighbours_go_on_sharing_their_border(write: Callable[..., Path]) -> None:
    communes = wavy(107.0, 15.0, 8, 8, 0.1)
    names = {code: f"Xã {code}" for code, _ in communes}
    shapes = read_commune_shapes(write([feature(code, polygon(ring)) for code, ring in communes]), names)
    made = make_boundaries(shapes)
    assert made.positions_before == 64 * 241
    assert made.tolerance_degrees > 0
    assert made.positions_after < made.positions_before / 2
    assert MOST_BYTES / 2 < len(made.text.encode()) <= MOST_BYTES
    rings = rings_of(made)
    assert shapely.coverage_is_valid(rings)
    assert shapely.union_all(rings).geom_type == "Polygon"
    assert not shapely.union_all(rings).interiors
    digits = [
        str(number).partition(".")[2] for row in rows_of(made) for place in json.loads(row["ring"]) for number in place
    ]
    assert max(map(len, digits)) == 5


def test_the_list_is_replaced_only_by_another(tmp_path: Path, write: Callable[..., Path]) -> None:
    made = make_boundaries(read_commune_shapes(write(GOOD), COMMUNES))
    path = tmp_path / "commune_boundaries.csv"
    assert write_boundaries(made, path)
    before = path.stat()
    assert not write_boundaries(made, path)
    assert path.stat() == before
    assert [child.name for child in tmp_path.iterdir() if child.suffix == ".tmp"] == []


def test_the_city_s_own_boundaries_are_those_that_the_simulator_draws(write: Callable[..., Path]) -> None:
    communes = read_communes(SEEDS)
    drawn = draw_communes(communes)
    names = {commune.commune_code: commune.commune_name for commune in communes}
    made = make_boundaries(read_commune_shapes(write(drawn["features"]), names))
    assert len(communes) == 40
    assert LIST.read_text(encoding="utf-8") == made.text


def official_communes(province: str) -> dict[str, str]:
    (path,) = SAMPLES.glob("post2025_simplified_json_*.json")
    provinces = json.loads(path.read_text(encoding="utf-8"))
    (wards,) = [found["Wards"] for found in provinces if found["Name"] == province]
    return {ward["Code"]: ward["FullName"] for ward in wards}


def sample(name: str) -> Path:
    path = SAMPLES / name
    if not path.exists():
        pytest.skip(f"{path} is not on this machine")
    return path


def require_drawable(made: Boundaries) -> None:
    assert len(made.text.encode()) <= MOST_BYTES
    rings = rings_of(made)
    assert all(ring.is_valid for ring in rings)
    assert shapely.coverage_is_valid(rings)
    assert made.change_percent < 10


@pytest.mark.parametrize("province", PROVINCES)
def test_a_real_province_loads_by_the_names_of_its_communes(province: str, tmp_path: Path) -> None:
    path = sample(f"wards_{province}_simplified.geojson")
    if province == "phu_tho":  # the sample cut one name short
        path = tmp_path / "wards.geojson"
        text = sample("wards_phu_tho_simplified.geojson").read_text(encoding="utf-8")
        path.write_text(text.replace('"34_hien_xa"', '"34_hien_quan_xa"'), encoding="utf-8")
    communes = official_communes(PROVINCES[province])
    made = make_boundaries(read_commune_shapes(path, communes, name_property="name"))
    assert made.communes == len(communes) == {"hue": 40, "da_nang": 94, "phu_tho": 148, "ca_mau": 64}[province]
    assert {row["commune_code"] for row in rows_of(made)} == {*communes}
    require_drawable(made)


@pytest.mark.parametrize(
    ("name", "communes", "mended"),
    [("wards_quang_ngai_simplified", 96, 4), ("ward_corrupted_dau_tieng", 1, 1)],
)
def test_real_shapes_with_faults_are_mended_by_name(name: str, communes: int, mended: int) -> None:
    path = sample(f"{name}.geojson")
    codes = [str(part["properties"]["ma1"]) for part in json.loads(path.read_text(encoding="utf-8"))["features"]]
    made = make_boundaries(read_commune_shapes(path, {code: f"Xã {code}" for code in codes}, code_property="ma1"))
    assert (made.communes, len(made.mended)) == (communes, mended)
    require_drawable(made)
