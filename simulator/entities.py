"""Who lives in the city: stations, gauges, agencies and communes from the reference lists, and vessels drawn from the seed.

The lists are the seeds of the dbt project, so that the simulator, the checks and the marts know the same city. Vessels are in no
list, as no contract refers to one; they are made here and written into the truth.
"""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from random import Random

from simulator.seeds import read_seed

VESSELS = 200
CALL_LETTERS = "ABCDEFGHKLMNPQRSTUVWXY"


@dataclass(frozen=True)
class Station:
    """An automatic monitoring station; `kind` is air or water."""

    station_id: str
    kind: str


@dataclass(frozen=True)
class Gauge:
    """A river gauge."""

    gauge_id: str
    gauge_name: str
    river_name: str


@dataclass(frozen=True)
class Commune:
    """A commune with its centre, WGS 84, degrees."""

    commune_code: str
    commune_name: str
    latitude: float
    longitude: float


@dataclass(frozen=True)
class Agency:
    """An agency that handles citizens' reports."""

    agency_code: str
    agency_name: str
    commune_code: str


@dataclass(frozen=True)
class Topic:
    """What a citizen can report."""

    service_code: str
    service_name: str


@dataclass(frozen=True)
class Port:
    """A fishing port: a circle of `radius_km` round a point, WGS 84, degrees."""

    port_code: str
    port_name: str
    latitude: float
    longitude: float
    radius_km: float


@dataclass(frozen=True)
class Facility:
    """A facility that treats patients."""

    facility_code: str
    beds: int
    commune_code: str


@dataclass(frozen=True)
class School:
    """A registered school."""

    school_code: str
    school_name: str
    level_code: str
    ownership_code: str
    commune_code: str


@dataclass(frozen=True)
class Vessel:
    """A fishing vessel of at least 15 m; `ais_class` is A, B, or empty for a vessel without AIS."""

    vessel_id: str
    vessel_name: str
    call_sign: str
    mmsi: str
    length_m: float
    ais_class: str
    port: Port
    commune_code: str


@dataclass(frozen=True)
class Boundary:
    """A closed line around the waters in which the vessels may be: its vertices, latitude and longitude, WGS 84, degrees."""

    boundary_code: str
    vertices: tuple[tuple[float, float], ...]

    def eastern_longitude(self, latitude: float) -> float:
        """Return the longitude at which a vessel sailing due east on a latitude crosses the line last."""
        crossings = [
            west + (east - west) * (latitude - south) / (north - south)
            for (south, west), (north, east) in pairwise((*self.vertices, self.vertices[0]))
            if (south > latitude) != (north > latitude)
        ]
        return max(crossings)


@dataclass(frozen=True)
class City:
    """The city, each list in the order of its file."""

    stations: tuple[Station, ...]
    gauges: tuple[Gauge, ...]
    communes: tuple[Commune, ...]
    agencies: tuple[Agency, ...]
    topics: tuple[Topic, ...]
    ports: tuple[Port, ...]
    boundary: Boundary
    schools: tuple[School, ...]
    vessels: tuple[Vessel, ...]
    facilities: tuple[Facility, ...]


def read_city(seeds: Path, stream: Random) -> City:
    """Read the city from the reference lists in a folder, and draw its vessels."""
    ports = tuple(
        Port(
            row["port_code"], row["port_name"], float(row["latitude"]), float(row["longitude"]), float(row["radius_km"])
        )
        for row in read_seed("ports", seeds)
    )
    communes = read_communes(seeds)
    return City(
        stations=tuple(Station(row["station_id"], row["kind"]) for row in read_seed("stations", seeds)),
        gauges=tuple(
            Gauge(row["gauge_id"], row["gauge_name"], row["river_name"]) for row in read_seed("gauges", seeds)
        ),
        communes=communes,
        agencies=tuple(
            Agency(row["agency_code"], row["agency_name"], row["commune_code"]) for row in read_seed("agencies", seeds)
        ),
        topics=tuple(Topic(row["service_code"], row["service_name"]) for row in read_seed("feedback_topics", seeds)),
        ports=ports,
        boundary=Boundary(
            "ranh_gioi_gia_lap",
            tuple(
                (float(row["latitude"]), float(row["longitude"]))
                for row in read_seed("maritime_boundaries", seeds)
                if row["boundary_code"] == "ranh_gioi_gia_lap"
            ),
        ),
        vessels=tuple(_vessels(ports, communes, stream)),
        facilities=tuple(
            Facility(row["facility_code"], int(row["beds"]), row["commune_code"])
            for row in read_seed("facilities", seeds)
        ),
        schools=tuple(
            School(
                row["school_code"],
                row["school_name"],
                row["level_code"],
                row["ownership_code"],
                row["commune_code"],
            )
            for row in read_seed("registered_schools", seeds)
        ),
    )


def read_communes(seeds: Path) -> tuple[Commune, ...]:
    """Read the communes from the reference lists in a folder."""
    return tuple(
        Commune(row["commune_code"], row["commune_name"], float(row["latitude"]), float(row["longitude"]))
        for row in read_seed("communes", seeds)
    )


def _vessels(ports: tuple[Port, ...], communes: tuple[Commune, ...], stream: Random) -> list[Vessel]:
    numbers = stream.sample(range(90_000, 100_000), VESSELS)
    tails = stream.sample(range(10_000), VESSELS)
    vessels = []
    for index, number in enumerate(numbers):
        letters = "".join(stream.choice(CALL_LETTERS) for _ in range(2))
        vessels.append(
            Vessel(
                vessel_id=f"TTH-{number}-TS",
                vessel_name=f"TTH {number} TS",
                call_sign=f"XV{letters}{index % 10}",
                mmsi=f"57401{tails[index]:04d}",
                length_m=round(stream.uniform(15, 28), 1),
                ais_class=("A", "B", "")[min(index % 5, 2)],
                port=stream.choice(ports),
                commune_code=stream.choice(communes).commune_code,
            )
        )
    return vessels
