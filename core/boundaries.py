"""The reference list of the communes' boundaries, `dbt_project/seeds/commune_boundaries.csv`, made from a province's GeoJSON file.

Shapes that cross themselves are mended, slivers between neighbours are closed, and all are simplified together, so that neighbours go on
sharing their border, until the list is small enough for a page to send with every map. A row is one ring, since Superset's map draws one
ring a row: a commune with islands has several. Holes are not kept: a commune that lies in another is drawn later, on top of it, because
the larger area is drawn first.
"""

import csv
import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import shapely
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from core.commune_shapes import CommuneShape
from core.errors import ConfigurationError
from core.settings import PROJECT

LIST = PROJECT / "dbt_project" / "seeds" / "commune_boundaries.csv"
HEADER = ("commune_code", "part_number", "ring", "area_km2")
MOST_BYTES = 100_000
"""Of the list: the maps of a page send it several times over."""

GRID_DEGREES = 1e-5
"""Coordinates have five decimals: about a metre."""

GAP_DEGREES = 5e-4
"""Gaps between neighbours up to this width are closed: about 50 m."""

MOST_CHANGE_PERCENT = 25
"""Of a commune's area: those of five real provinces change by less than 10; more tells of shapes on top of each other."""

FIRST_TOLERANCE_DEGREES, TOLERANCE_GROWTH = 1e-4, 1.25
DEGREE_KM = 111.32
"""Length of a degree of latitude."""


@dataclass(frozen=True)
class Boundaries:
    """The list, and what was done to make it: the communes that were mended and why, and by how much all were simplified.

    `tolerance_degrees` is 0 if nothing was simplified; `holes` counts those left out; `change_percent` is by how much the area of a
    commune differs from that of its file, of the commune where it is most.
    """

    text: str
    communes: int
    mended: tuple[tuple[str, str], ...]
    holes: int
    most_changed: str
    change_percent: float
    tolerance_degrees: float
    positions_before: int
    positions_after: int


def make_boundaries(shapes: Sequence[CommuneShape], most_bytes: int = MOST_BYTES) -> Boundaries:
    """Mend and simplify the communes' shapes; raises ConfigurationError naming communes that too little is left of."""
    mended: list[tuple[str, str]] = []
    polygons: list[MultiPolygon] = []
    for shape in shapes:
        polygon, why = _mend(shape)
        mended += [(f"{shape.commune_name} ({shape.commune_code})", reason) for reason in why]
        polygons.append(polygon)
    clean = [_on_grid(polygon) for polygon in _without_slivers(polygons)]
    tolerance, kept = 0.0, clean
    text = _text(shapes, kept)
    while len(text.encode()) > most_bytes:
        tolerance = tolerance * TOLERANCE_GROWTH or FIRST_TOLERANCE_DEGREES
        kept = [_on_grid(polygon) for polygon in shapely.coverage_simplify(clean, tolerance)]
        text = _text(shapes, kept)
    names = [f"{shape.commune_name} ({shape.commune_code})" for shape in shapes]
    changes = [100 * abs(after.area / before.area - 1) for before, after in zip(polygons, kept, strict=True)]
    if lost := [name for name, change in zip(names, changes, strict=True) if change > MOST_CHANGE_PERCENT]:
        raise ConfigurationError(
            f"{', '.join(lost)}: expected shapes that keep their area to {MOST_CHANGE_PERCENT} % beside their neighbours', "
            f"got {max(changes):.0f} % of change; correct those that lie on top of each other"
        )
    change_percent, most_changed = max(zip(changes, names, strict=True))
    return Boundaries(
        text=text,
        communes=len(shapes),
        mended=tuple(mended),
        holes=sum(len(part.interiors) for polygon in kept for part in polygon.geoms),
        most_changed=most_changed,
        change_percent=change_percent,
        tolerance_degrees=tolerance,
        positions_before=sum(len(ring) for shape in shapes for polygon in shape.polygons for ring in polygon),
        positions_after=sum(len(part.exterior.coords) for polygon in kept for part in polygon.geoms),
    )


def write_boundaries(boundaries: Boundaries, path: Path = LIST) -> bool:
    """Replace the list, if it differs; return whether it did."""
    if path.exists() and path.read_text(encoding="utf-8") == boundaries.text:
        return False
    unfinished = path.with_suffix(".tmp")
    unfinished.write_text(boundaries.text, encoding="utf-8")
    unfinished.replace(path)
    return True


def _mend(shape: CommuneShape) -> tuple[MultiPolygon, list[str]]:
    """Return a valid polygon of a commune, and what had to be mended."""
    reasons = [f"{shape.others} lines or points left out"] if shape.others else []
    drawn: BaseGeometry = MultiPolygon([(polygon[0], polygon[1:]) for polygon in shape.polygons])
    if not drawn.is_valid:
        reasons.append(shapely.is_valid_reason(drawn).partition("[")[0].strip())
        drawn = shapely.make_valid(drawn, method="structure", keep_collapsed=False)
    polygon = _polygons_of(drawn)
    if polygon.is_empty:
        name, got = f"{shape.commune_name} ({shape.commune_code})", "; ".join(reasons) or "none"
        raise ConfigurationError(f"{name}: expected a polygon with an area, got {got}; draw it again")
    return polygon, reasons


def _without_slivers(polygons: list[MultiPolygon]) -> list[MultiPolygon]:
    """Close the gaps and overlaps of neighbours that were drawn apart."""
    return [_polygons_of(cleaned) for cleaned in shapely.coverage_clean(polygons, gap_width=GAP_DEGREES)]


def _on_grid(geometry: BaseGeometry) -> MultiPolygon:
    return _polygons_of(shapely.set_precision(geometry, GRID_DEGREES))


def _polygons_of(geometry: BaseGeometry) -> MultiPolygon:
    """Return the polygons of a geometry, the largest first; lines and points, which have no area, are left out."""
    parts = [part for part in shapely.get_parts(shapely.get_parts(geometry)) if isinstance(part, Polygon) and part.area]
    return MultiPolygon(sorted(parts, key=lambda part: (-part.area, part.bounds)))


def _text(shapes: Sequence[CommuneShape], polygons: Sequence[MultiPolygon]) -> str:
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\n")
    rows.writerow(HEADER)
    for shape, polygon in zip(shapes, polygons, strict=True):
        for number, part in enumerate(polygon.geoms, start=1):
            ring = [[round(longitude, 5), round(latitude, 5)] for longitude, latitude in part.exterior.coords]
            rows.writerow(
                (shape.commune_code, number, json.dumps(ring, separators=(",", ":")), f"{_area_km2(part):.3f}")
            )
    return written.getvalue()


def _area_km2(part: Polygon) -> float:
    """Return the area within the outer ring, on a plane at its own latitude."""
    outline = Polygon(part.exterior)
    return float(outline.area) * DEGREE_KM**2 * math.cos(math.radians(outline.centroid.y))
