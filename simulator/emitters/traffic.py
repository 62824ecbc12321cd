"""Traffic of a day: a JSON file each five minutes with what the counters saw, a CSV of the accidents, and DATEX II of the closures.

A day begins with the accidents of more than a year before, so that it can be compared. One counter is silent for two hours, and counters
of some sections do not tell whether they see congestion.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from xml.etree.ElementTree import Element, SubElement, register_namespace, tostring

from core.reference import Reference
from simulator.chance import chance
from simulator.emitters.file_records import write_records
from simulator.entities import City
from simulator.faults import ACCIDENTS, CLOSURES, FLOWS, FaultKind, FaultProfile
from simulator.local_time import FUTURE, LOCAL, in_utc, midnight
from simulator.truth import Emission
from simulator.writer import Texts

SLOT = timedelta(minutes=5)
LANES = 2
SHARES = {"motorcycle": 0.75, "car": 0.2, "bus": 0.02, "lorry": 0.03}
PCU_A_VEHICLE = 0.55
LOAD = (5, 4, 4, 4, 6, 15, 48, 104, 72, 55, 52, 60, 50, 48, 52, 58, 80, 108, 70, 48, 40, 28, 16, 9)
"""Volume by local hour, percent of the capacity."""
SILENT_FROM, SILENT_TO = 2, 4

ACCIDENT_DAYS, ACCIDENTS_A_DAY = 400, 1.6
CAUSES = {
    "toc_do": 20, "nong_do_con": 12, "sai_lan": 18, "khong_nhuong_duong": 22, "vuot_den_do": 6, "ky_thuat_xe": 3, "ha_tang": 2, "khac": 7,
}  # fmt: skip
ROADS = ("QL1A", "QL49", "ĐT10", None)
CAUSE_KNOWN_SHARE, DIES_LATER_SHARE = 0.85, 0.05

TYPE = "http://www.w3.org/2001/XMLSchema-instance"
DATEX = "http://datex2.eu/schema/2/2_0"
register_namespace("xsi", TYPE)
register_namespace("d2", DATEX)


@dataclass(frozen=True)
class Observation:
    """What the counter of a lane saw of one type of vehicle in five minutes; what is None was not told."""

    section_code: str
    lane_number: int
    vehicle_type: str
    started_at: datetime
    vehicles: int
    speed_kmh: float | None
    is_congested: bool | None

    @property
    def object_id(self) -> str:
        """The section."""
        return self.section_code

    @property
    def happened_at(self) -> datetime:
        """When the five minutes began."""
        return self.started_at

    @property
    def file_name(self) -> str:
        """The file of the five minutes."""
        return f"TFO_{self.started_at:%Y%m%d_%H%M}.json"

    def record(self, fault: FaultKind | None) -> Texts:
        """Return the record of the file."""
        started_at = self.started_at + (FUTURE if fault == FaultKind.FUTURE_TIME else timedelta())
        texts: dict[str, str | None] = {
            "section_code": "DUONG-LA" if fault == FaultKind.UNKNOWN_CODE else self.section_code,
            "lane_number": str(self.lane_number),
            "vehicle_type": self.vehicle_type,
            "started_at": f"{started_at:%d/%m/%Y %H:%M}" if fault == FaultKind.MALFORMED else started_at.isoformat(),
            "ended_at": (started_at + SLOT).isoformat(),
            "vehicles": None if fault == FaultKind.MISSING_VALUE else str(self.vehicles),
            "speed_kmh": None if self.speed_kmh is None else str(self.speed_kmh),
            "is_congested": None if self.is_congested is None else str(self.is_congested).lower(),
        }
        return {**texts, "vehicles": "-1"} if fault == FaultKind.OUT_OF_RANGE else texts

    def contradicted(self) -> "Observation":
        """Return the observation with another count."""
        return replace(self, vehicles=self.vehicles + 1)


@dataclass(frozen=True)
class Accident:
    """One version of an accident; what is None is not established."""

    accident_id: str
    updated_at: datetime
    occurred_at: datetime
    commune_code: str
    road_number: str | None
    deaths: int
    injured: int
    cause_code: str | None
    export_day: date

    @property
    def object_id(self) -> str:
        """The accident."""
        return self.accident_id

    @property
    def happened_at(self) -> datetime:
        """When the version was written."""
        return self.updated_at

    @property
    def file_name(self) -> str:
        """The file of the day on which it is exported."""
        return f"TNGT_{self.export_day:%Y%m%d}.csv"

    def record(self, fault: FaultKind | None) -> Texts:
        """Return the record of the file."""
        written_at = self.updated_at + (FUTURE if fault == FaultKind.FUTURE_TIME else timedelta())
        is_wrong = fault == FaultKind.WRONG_ORDER
        occurred_at = written_at + timedelta(minutes=1) if is_wrong else self.occurred_at
        texts: dict[str, str | None] = {
            "accident_id": self.accident_id,
            "updated_at": written_at.isoformat(),
            "occurred_at": f"{occurred_at:%H:%M}" if fault == FaultKind.MALFORMED else occurred_at.isoformat(),
            "commune_code": "00000" if fault == FaultKind.UNKNOWN_CODE else self.commune_code,
            "road_number": self.road_number,
            "deaths": None if fault == FaultKind.MISSING_VALUE else str(self.deaths),
            "injured": "1000" if fault == FaultKind.OUT_OF_RANGE else str(self.injured),
            "cause_code": self.cause_code,
        }
        return texts

    def contradicted(self) -> "Accident":
        """Return the version with another number of injured."""
        return replace(self, injured=self.injured + 1)


@dataclass(frozen=True)
class Closure:
    """One version of a closure."""

    situation_id: str
    version_at: datetime
    management_code: str
    status_code: str
    starts_at: datetime
    ends_at: datetime | None
    cause_code: str | None
    road_number: str
    latitude: float
    longitude: float
    way_round: str | None

    @property
    def object_id(self) -> str:
        """The situation."""
        return self.situation_id

    @property
    def happened_at(self) -> datetime:
        """When the version was written."""
        return self.version_at

    @property
    def file_name(self) -> str:
        """The file of the quarter of an hour in which it was written."""
        return f"DATEX_{self.version_at:%Y%m%d_%H}{self.version_at.minute // 15 * 15:02}.xml"

    def record(self, fault: FaultKind | None) -> Texts:
        """Return the texts from which the situation is written."""
        version_at = self.version_at + (FUTURE if fault == FaultKind.FUTURE_TIME else timedelta())
        is_wrong = fault == FaultKind.WRONG_ORDER
        ends_at = self.starts_at - timedelta(hours=1) if is_wrong else self.ends_at
        is_malformed = fault == FaultKind.MALFORMED
        return {
            "situation_id": self.situation_id,
            "version_at": version_at.isoformat(),
            "management_code": "road_is_shut" if fault == FaultKind.UNKNOWN_CODE else self.management_code,
            "status_code": None if fault == FaultKind.MISSING_VALUE else self.status_code,
            "starts_at": "sáng mai" if is_malformed else self.starts_at.isoformat(),
            "ends_at": ends_at.isoformat() if ends_at else None,
            "cause_code": self.cause_code,
            "road_number": self.road_number,
            "latitude": str(self.latitude),
            "longitude": str(self.longitude),
            "way_round": self.way_round,
        }

    def contradicted(self) -> "Closure":
        """Return the version on another road."""
        return replace(self, road_number="QL99")


def emit_flows(day: date, seed: int, profile: FaultProfile, folder: Path) -> Emission:
    """Write the day's files of the counters into a folder that the caller has made."""
    observations = list(_observations(day, chance(seed, FLOWS)))
    books, accepted = write_records(FLOWS, observations, profile, chance(seed, f"{FLOWS}/faults"), folder)
    rows: list[tuple[object, ...]] = [
        (
            one.section_code,
            one.lane_number,
            one.vehicle_type,
            in_utc(one.started_at),
            one.vehicles,
            one.speed_kmh,
            one.is_congested,
        )
        for one in accepted
    ]
    return Emission(books, {"traffic_flows": rows})


def emit_accidents(city: City, day: date, seed: int, profile: FaultProfile, folder: Path) -> Emission:
    """Write the day's file of accidents into a folder that the caller has made."""
    before = (day - timedelta(days=number) for number in reversed(range(ACCIDENT_DAYS)))
    every = (one for each in before for one in _accidents(city, each, day, chance(seed, f"{ACCIDENTS}/{each}")))
    ends_at = midnight(day) + timedelta(days=1)
    versions = sorted(
        (one for one in every if one.updated_at < ends_at), key=lambda one: (one.updated_at, one.accident_id)
    )
    books, accepted = write_records(ACCIDENTS, versions, profile, chance(seed, f"{ACCIDENTS}/faults"), folder)
    rows: list[tuple[object, ...]] = [
        (
            one.accident_id,
            in_utc(one.updated_at),
            in_utc(one.occurred_at),
            one.commune_code,
            one.deaths,
            one.injured,
            one.cause_code,
        )
        for one in accepted
    ]
    return Emission(books, {"accident_versions": rows})


def emit_closures(day: date, seed: int, profile: FaultProfile, folder: Path) -> Emission:
    """Write the day's files of closures into a folder that the caller has made."""
    versions = sorted(_closures(day, chance(seed, CLOSURES)), key=lambda one: (one.version_at, one.situation_id))
    stream = chance(seed, f"{CLOSURES}/faults")
    books, accepted = write_records(CLOSURES, versions, profile, stream, folder, write=datex)
    rows: list[tuple[object, ...]] = [
        (
            one.situation_id,
            in_utc(one.version_at),
            one.management_code,
            one.status_code,
            in_utc(one.starts_at),
            in_utc(one.ends_at) if one.ends_at else None,
            one.cause_code,
            one.road_number,
            one.way_round,
        )
        for one in accepted
    ]
    return Emission(books, {"closure_versions": rows})


def datex(situations: Sequence[Texts]) -> bytes:
    """Return a publication of DATEX II, version 2, with a situation for each closure, its cause and its way round in records beside it."""
    model = Element(f"{{{DATEX}}}d2LogicalModel", {"modelBaseVersion": "2"})
    publication = _below(model, "payloadPublication")
    publication.set(f"{{{TYPE}}}type", "SituationPublication")
    publication.set("lang", "vi")
    for told in situations:
        situation = _below(publication, "situation")
        situation.set("id", str(told["situation_id"]))
        _closing_record(situation, told)
        if told["cause_code"]:
            cause = _record(situation, "EnvironmentalObstruction", told)
            _below(cause, "environmentalObstructionType", text=told["cause_code"])
        if told["way_round"]:
            rerouting = _record(situation, "ReroutingManagement", told)
            _below(rerouting, "reroutingItineraryDescription", "values", "value", text=told["way_round"])
    return bytes(tostring(model, encoding="utf-8", xml_declaration=True))


def _closing_record(situation: Element, told: Texts) -> None:
    closing = _record(situation, "RoadOrCarriagewayOrLaneManagement", told)
    validity = _below(closing, "validity")
    if told["status_code"]:
        _below(validity, "validityStatus", text=told["status_code"])
    times = _below(validity, "validityTimeSpecification")
    _below(times, "overallStartTime", text=told["starts_at"])
    if told["ends_at"]:
        _below(times, "overallEndTime", text=told["ends_at"])
    place = _below(closing, "groupOfLocations")
    shown = _below(place, "locationForDisplay")
    _below(shown, "latitude", text=told["latitude"])
    _below(shown, "longitude", text=told["longitude"])
    _below(place, "linearWithinLinearElement", "linearElement", "roadNumber", text=told["road_number"])
    _below(closing, "roadOrCarriagewayOrLaneManagementType", text=told["management_code"])


def _record(situation: Element, kind: str, told: Texts) -> Element:
    record = _below(situation, "situationRecord")
    record.set(f"{{{TYPE}}}type", kind)
    _below(record, "situationRecordVersionTime", text=told["version_at"])
    return record


def _below(element: Element, *names: str, text: str | None = None) -> Element:
    for name in names:
        element = SubElement(element, f"{{{DATEX}}}{name}")
    element.text = text
    return element


def _observations(day: date, stream: Random) -> Iterator[Observation]:
    sections = Reference().list_of("road_sections").rows(named=True)
    for number in range(int(timedelta(days=1) / SLOT)):
        started_at = midnight(day) + number * SLOT
        for place, section in enumerate(sections):
            if place == len(sections) - 1 and SILENT_FROM <= started_at.hour < SILENT_TO:
                continue
            load = LOAD[started_at.hour] / 100 * stream.uniform(0.85, 1.15)
            speed = float(section["free_flow_kmh"]) * max(1 - 0.5 * load**4, 0.15)
            lane_vehicles = float(section["capacity_pcu_hour"]) * load / 12 / PCU_A_VEHICLE / LANES
            for lane in range(1, LANES + 1):
                for vehicle_type, share in SHARES.items():
                    vehicles = round(lane_vehicles * share * stream.uniform(0.8, 1.2))
                    yield Observation(
                        section_code=section["section_code"],
                        lane_number=lane,
                        vehicle_type=vehicle_type,
                        started_at=started_at,
                        vehicles=vehicles,
                        speed_kmh=round(speed * stream.uniform(0.9, 1.1), 1) if vehicles else None,
                        is_congested=load > 1 if place % 2 == 0 else None,
                    )


def _accidents(city: City, local_day: date, export_day: date, stream: Random) -> Iterator[Accident]:
    """Yield the versions of the accidents of a day."""
    weights = [1 / (1 + place) for place, _ in enumerate(city.communes)]
    for place in range(int(stream.expovariate(1 / ACCIDENTS_A_DAY))):
        occurred_at = (midnight(local_day) + timedelta(minutes=stream.randrange(1_440))).astimezone(LOCAL)
        deaths = stream.choices((0, 1, 2), (80, 18, 2))[0]
        is_known = stream.random() < CAUSE_KNOWN_SHARE
        first = Accident(
            accident_id=f"TN-{local_day:%y%m%d}-{place:02}",
            updated_at=occurred_at + timedelta(minutes=20 + stream.randrange(300)),
            occurred_at=occurred_at,
            commune_code=stream.choices(city.communes, weights)[0].commune_code,
            road_number=stream.choice(ROADS),
            deaths=deaths,
            injured=stream.choices((0, 1, 2, 3), (20, 50, 20, 10))[0],
            cause_code=stream.choices([*CAUSES], [*CAUSES.values()])[0] if is_known else None,
            export_day=export_day,
        )
        yield first
        if first.injured and stream.random() < DIES_LATER_SHARE:
            later = first.updated_at + timedelta(hours=stream.randrange(6, 200))
            yield replace(first, updated_at=later, deaths=deaths + 1, injured=first.injured - 1)


def _closures(day: date, stream: Random) -> Iterator[Closure]:
    """Yield the versions of the closures of a day: some end in it, one is suspended, one begins on the next day."""
    plans = [
        ("landslips", "roadClosed", "QL49", "Đi theo ĐT14B đến ngã ba Bình Điền", -30, None),
        ("flooding", "roadClosed", "QL1A", "Đi theo đường tránh phía tây", 5, 9),
        ("rockfalls", "singleAlternateLineTraffic", "QL49", None, 8, 40),
        ("roadworks", "laneClosures", "ĐT10", None, 9, 16),
        (None, "laneClosures", "QL1A", None, 3, 20),
        ("flooding", "roadClosed", "ĐT4", "Đi theo ĐT6", 26, 50),
        ("fallenTrees", "roadClosed", "ĐT11", None, 14, 17),
        ("flooding", "narrowLanes", "ĐT8", None, 11, None),
    ]
    for number, (cause, management, road, way_round, start, end) in enumerate(plans, 1):
        starts_at = midnight(day) + timedelta(hours=start)
        told_at = midnight(day) + timedelta(hours=max(min(start, 22), 0), minutes=stream.randrange(50))
        first = Closure(
            situation_id=f"VN-HUE-{day:%y%m%d}-{number:02}",
            version_at=told_at,
            management_code=management,
            status_code="active" if start <= 22 else "definedByValidityTimeSpec",
            starts_at=starts_at,
            ends_at=midnight(day) + timedelta(hours=end) if end is not None else None,
            cause_code=cause,
            road_number=road,
            latitude=round(stream.uniform(16.3, 16.6), 4),
            longitude=round(stream.uniform(107.3, 107.7), 4),
            way_round=way_round,
        )
        yield first
        if number == len(plans):
            yield replace(first, version_at=told_at + timedelta(hours=2), status_code="suspended")
        elif cause == "landslips":
            yield replace(first, version_at=told_at + timedelta(hours=6), way_round=f"{way_round}, xe dưới 10 tấn")
