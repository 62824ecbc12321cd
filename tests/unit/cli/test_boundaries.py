"""`ioc boundaries load` replaces the list as a whole, or refuses the file and changes nothing."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.boundaries import app
from core.boundaries import write_boundaries
from core.reference import SEEDS
from simulator.commune_map import draw_communes
from simulator.entities import read_communes


@pytest.fixture
def city() -> dict[str, Any]:
    """The boundaries that the simulator draws."""
    return json.loads(json.dumps(draw_communes(read_communes(SEEDS))))  # type: ignore[no-any-return]


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the list is kept in these tests."""
    path = tmp_path / "commune_boundaries.csv"
    monkeypatch.setattr("cli.boundaries.write_boundaries", partial(write_boundaries, path=path))
    return path


def load(folder: Path, content: object, *options: str) -> Any:
    file = folder / "wards.geojson"
    file.write_text(json.dumps(content), encoding="utf-8")
    return CliRunner().invoke(app, ["load", str(file), *options])


def test_a_file_is_loaded_once(tmp_path: Path, kept: Path, city: dict[str, Any]) -> None:
    first = load(tmp_path, city)
    assert first.exit_code == 0, first.output
    assert "40 communes, 280 positions, not simplified to 280" in first.output
    assert "The next build draws them" in first.output
    text = kept.read_bytes()
    again = load(tmp_path, city, "--json")
    assert again.exit_code == 0, again.output
    told = json.loads(again.output)
    assert (told["communes"], told["mended"], told["is_changed"]) == (40, [], False)
    assert kept.read_bytes() == text


def test_a_property_of_another_name_holds_the_code(tmp_path: Path, kept: Path, city: dict[str, Any]) -> None:
    for feature in city["features"]:
        feature["properties"] = {"MA_XA": feature["properties"]["code"]}
    assert load(tmp_path, city, "--code", "MA_XA").exit_code == 0
    assert kept.exists()


def test_a_refused_file_changes_nothing(tmp_path: Path, kept: Path, city: dict[str, Any]) -> None:
    assert load(tmp_path, city).exit_code == 0
    text = kept.read_bytes()
    city["features"][3]["geometry"]["coordinates"][0].pop()
    refused = load(tmp_path, city)
    assert refused.exit_code == 1
    assert "expected rings that end where they begin, got an open one" in " ".join(refused.output.split())
    assert kept.read_bytes() == text


def test_what_was_mended_is_told(tmp_path: Path, kept: Path, city: dict[str, Any]) -> None:
    geometry = city["features"][0]["geometry"]
    lines = [{"type": "Point", "coordinates": [107.5, 16.4]}]
    city["features"][0]["geometry"] = {"type": "GeometryCollection", "geometries": [geometry, *lines]}
    told = load(tmp_path, city)
    assert "Phường Phú Xuân (19753): mended (1 lines or points left out)" in told.output
