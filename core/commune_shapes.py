"""A province's GeoJSON file of its communes (RFC 7946): read it, and refuse what cannot be drawn, naming each commune.

A feature is matched with the list of communes by the code in one of its properties, or by a name where the file has no codes, as the
files of the national portal (sapnhap.bando.com.vn) have none. Names match whatever their accents and wherever the type of the commune
stands: `10_duong_no_phuong` is `Phường Dương Nỗ`. Every commune of the list must have a feature, or a map would leave it out.
"""

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any  # the file's own JSON

from core.errors import ConfigurationError
from core.text import slug_of

LONGITUDES, LATITUDES = (102.0, 118.0), (6.0, 24.0)
"""A box round Viet Nam with its islands and sea, Hoàng Sa and Trường Sa included; WGS 84, degrees."""

TYPES = ("xa", "phuong", "dac-khu")
FEWEST_POSITIONS = 4
"""Of a closed ring, the repeated first position counted (RFC 7946, 3.1.6)."""

FAULTS_SHOWN = 10

Position = tuple[float, float]
"""Longitude and latitude."""

Ring = tuple[Position, ...]


@dataclass(frozen=True)
class CommuneShape:
    """A commune and its polygons as they came, each an outer ring and its holes; `others` counts lines and points left out."""

    commune_code: str
    commune_name: str
    polygons: tuple[tuple[Ring, ...], ...]
    others: int = 0


def read_commune_shapes(
    path: Path, communes: Mapping[str, str], *, code_property: str = "code", name_property: str | None = None
) -> list[CommuneShape]:
    """Read the shapes of the communes (names by code), in the order of the list.

    Features are matched by `name_property` if it is given, else by `code_property`. Raises ConfigurationError naming every commune at
    fault.
    """
    features = _features(path)
    codes = [_code_of(feature, communes, code_property, name_property) for feature in features]
    faults = [code for code in codes if isinstance(code, _Fault)]
    known = [(code, feature) for code, feature in zip(codes, features, strict=True) if not isinstance(code, _Fault)]
    faults += _counted(Counter(code for code, _ in known), communes) if not faults else []
    shapes: dict[str, CommuneShape] = {}
    for code, feature in known:
        reader = _Reader(f"{communes[code]} ({code})")
        polygons = tuple(reader.polygons(feature.get("geometry")))
        shapes[code] = CommuneShape(code, communes[code], polygons, reader.others)
        faults += reader.faults
    if faults:
        more = f"\nand {len(faults) - FAULTS_SHOWN} more" if len(faults) > FAULTS_SHOWN else ""
        raise ConfigurationError("\n".join(fault.text for fault in faults[:FAULTS_SHOWN]) + more, faults=len(faults))
    return [shapes[code] for code in communes]


@dataclass(frozen=True)
class _Fault:
    text: str


def _features(path: Path) -> list[dict[str, Any]]:
    wanted = f"{path.name}: expected a GeoJSON FeatureCollection"
    advice = "export the communes as GeoJSON, UTF-8, WGS 84"
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigurationError(f"{path}: expected a file to read, got {error.strerror}; correct the path") from error
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{wanted}, got text that is not JSON; {advice}") from error
    kind = content.get("type") if isinstance(content, dict) else type(content).__name__
    features = content.get("features") if kind == "FeatureCollection" else None
    if not isinstance(features, list) or not features:
        raise ConfigurationError(f"{wanted} with features, got {kind}; {advice}")
    if not all(isinstance(feature, dict) and isinstance(feature.get("properties"), dict) for feature in features):
        raise ConfigurationError(f"{wanted} of features with properties, got others; {advice}")
    return features


def _code_of(
    feature: dict[str, Any], communes: Mapping[str, str], code_property: str, name_property: str | None
) -> str | _Fault:
    """Return the code of a feature's commune."""
    read = name_property or code_property
    value = feature["properties"].get(read)
    told = ", ".join(f"{name} {value}" for name, value in feature["properties"].items())
    if value in (None, ""):
        options = "name the property with --code, or that of the commune's name with --name"
        return _Fault(f"feature ({told}): expected a value of the property {read}, got none; {options}")
    if name_property is None:
        if str(value) in communes:
            return str(value)
        return _Fault(f"feature ({told}): expected a code of the list of communes, got {value}; {LIST_ADVICE}")
    found = [code for code, name in communes.items() if _spellings(name) & _spellings(str(value))]
    if len(found) == 1:
        return found[0]
    got = f"that of {', '.join(found)}" if found else str(value)
    return _Fault(f"feature ({told}): expected the name of one commune of the list, got {got}; {LIST_ADVICE}")


LIST_ADVICE = "correct the file, or dbt_project/seeds/communes.csv"


def _spellings(name: str) -> set[str]:
    """Return a name without accents or a leading number: as it is written, and with the type of the commune moved to the front.

    A name that begins with its type may also be told without it.
    """
    number, _, rest = slug_of(name).partition("-")
    words = rest if number.isdigit() and rest else slug_of(name)
    moved = {f"{kind}-{words.removesuffix(f'-{kind}')}" for kind in TYPES if words.endswith(f"-{kind}")}
    return {words, *moved, *(words.removeprefix(f"{kind}-") for kind in TYPES)}


def _counted(features: Counter[str], communes: Mapping[str, str]) -> list[_Fault]:
    """Return the communes without a feature, and those with several."""
    return [
        _Fault(
            f"{name} ({code}): expected one feature, got {features[code] or 'none'}; "
            + ("join them" if features[code] else "add it, or the maps would leave the commune out")
        )
        for code, name in communes.items()
        if features[code] != 1
    ]


class _Reader:
    """Reads the geometry of one commune; what is wrong with it is collected in `faults`, once for each kind."""

    def __init__(self, commune: str) -> None:
        self._commune = commune
        self.faults: list[_Fault] = []
        self.others = 0

    def polygons(self, geometry: Any) -> Iterator[tuple[Ring, ...]]:
        kind = geometry.get("type") if isinstance(geometry, dict) else None
        read = list(self._parts(geometry, str(kind)))
        if not read and not self.faults:
            self._fault("a Polygon or MultiPolygon", str(kind or "none"), "draw the commune as a polygon")
        yield from read

    def _parts(self, geometry: Any, kind: str) -> Iterator[tuple[Ring, ...]]:
        if kind == "GeometryCollection":
            for part in geometry.get("geometries") or ():
                yield from self._parts(part, str(part.get("type") if isinstance(part, dict) else None))
        elif kind == "Polygon":
            yield self._rings(geometry.get("coordinates"))
        elif kind == "MultiPolygon":
            yield from map(self._rings, geometry.get("coordinates") or ())
        else:
            self.others += 1

    def _rings(self, rings: Any) -> tuple[Ring, ...]:
        if not isinstance(rings, list) or not rings:
            self._fault("rings of positions", "none", "export the commune again")
            return ()
        return tuple(map(self._ring, rings))

    def _ring(self, ring: Any) -> Ring:
        if not isinstance(ring, list) or not all(map(_is_position, ring)):
            self._fault(
                "positions of two numbers, longitude and latitude", "something else", "export the commune again"
            )
            return ()
        positions = tuple((float(position[0]), float(position[1])) for position in ring)
        outside = [place for place in positions if not _is_in_box(*place)]
        if outside and all(_is_in_box(latitude, longitude) for longitude, latitude in outside):
            self._fault("longitude before latitude", "them swapped", "swap the axes")
        elif outside:
            box = (
                f"longitudes {LONGITUDES[0]:g} to {LONGITUDES[1]:g} and latitudes {LATITUDES[0]:g} to {LATITUDES[1]:g}"
            )
            self._fault(f"{box}, degrees", f"{outside[0][0]:g}, {outside[0][1]:g}", "export in WGS 84 (EPSG:4326)")
        elif len(positions) < FEWEST_POSITIONS:
            self._fault(f"rings of at least {FEWEST_POSITIONS} positions", f"{len(positions)}", "draw the ring again")
        elif positions[0] != positions[-1]:
            self._fault("rings that end where they begin", "an open one", "close the ring")
        return positions

    def _fault(self, expected: str, got: str, advice: str) -> None:
        fault = _Fault(f"{self._commune}: expected {expected}, got {got}; {advice}")
        if fault not in self.faults:
            self.faults.append(fault)


def _is_position(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) >= 2
        and all(isinstance(number, int | float) and not isinstance(number, bool) for number in value[:2])
        and all(math.isfinite(number) for number in value[:2])
    )


def _is_in_box(longitude: float, latitude: float) -> bool:
    return LONGITUDES[0] <= longitude <= LONGITUDES[1] and LATITUDES[0] <= latitude <= LATITUDES[1]
