"""Made-up boundaries for the communes of the simulated city: to each the land that is nearest to its centre.

    python -m simulator.commune_map FILE.geojson && ioc boundaries load FILE.geojson

The same list of communes gives the same boundaries.
"""

import json
import sys
from pathlib import Path

import shapely
from shapely.geometry import mapping

from core.reference import SEEDS
from simulator.entities import Commune, read_communes

REACH_DEGREES = 0.04
"""How far the city goes beyond its outermost centres."""


def draw_communes(communes: tuple[Commune, ...]) -> dict[str, object]:
    """Return the communes as a GeoJSON FeatureCollection."""
    centres = shapely.MultiPoint([(commune.longitude, commune.latitude) for commune in communes])
    city = centres.convex_hull.buffer(REACH_DEGREES, quad_segs=4)
    nearest = shapely.get_parts(shapely.voronoi_polygons(centres, extend_to=city, ordered=True))
    features = [
        {
            "type": "Feature",
            "properties": {"code": commune.commune_code, "name": commune.commune_name},
            "geometry": mapping(shapely.intersection(land, city)),
        }
        for commune, land in zip(communes, nearest, strict=True)
    ]
    return {"type": "FeatureCollection", "features": features}


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(draw_communes(read_communes(SEEDS))), encoding="utf-8")
