"""One day of the city: every feed's bytes, the faults among them, and the truth, all from one seed.

    <into>/environment/*.txt      <into>/river_levels/*.csv     <into>/vms/*.naf     <into>/ais/*.nmea
    <into>/vessels/*.csv (the registry)
    <into>/health_claims/*.xml
    <into>/disease/*.{json,csv}
    <into>/education_*/*.xlsx, *.zip
    <into>/public_services_ratings/*.csv
    <into>/hotline_calls/*.csv
    <into>/warnings_messages/*.cap
    <into>/security_incidents/*.json
    <into>/press_articles/*.xml
    <into>/traffic_flows/*.json, <into>/traffic_accidents/*.csv, <into>/traffic_closures/*.xml
    <into>/cyber_alerts/*.log     <into>/cyber_indicators/*.json
    <into>/water_{rain,landslide_sensors}/*.csv, <into>/water_reservoirs/*.json
    <into>/feedback/requests.json, <into>/public_services/dossiers.json (what simulator/server.py serves)
    <into>/truth/*.parquet

The same day, seed and faults give the same bytes. An existing folder is replaced only if it holds a simulated day.
"""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path

import polars as pl

from core.contract import Contract, read_contracts
from core.errors import ConfigurationError
from core.reference import SEEDS
from simulator.chance import chance
from simulator.declared import declared_contracts, emit_declared
from simulator.emitters.alert_log import emit_alerts
from simulator.emitters.calls import emit_calls
from simulator.emitters.cap import emit_warnings
from simulator.emitters.csv_polls import emit_river_levels
from simulator.emitters.disease import emit_diseases
from simulator.emitters.education import emit_attendance, emit_classes, emit_schools, emit_students
from simulator.emitters.giamdinhhs import emit_claims
from simulator.emitters.incidents import emit_incidents
from simulator.emitters.indicators import emit_indicators
from simulator.emitters.naf import emit_vms
from simulator.emitters.nmea import emit_ais
from simulator.emitters.one_stop import emit_dossiers
from simulator.emitters.open311 import emit_feedback
from simulator.emitters.press import emit_press
from simulator.emitters.ratings import emit_ratings
from simulator.emitters.traffic import emit_accidents, emit_closures, emit_flows
from simulator.emitters.tt10 import emit_readings
from simulator.emitters.vessel_registry import emit_vessel_registry
from simulator.emitters.water import emit_rain, emit_reservoirs, emit_slopes
from simulator.entities import City, read_city
from simulator.faults import NO_FAULTS, FaultProfile
from simulator.local_time import midnight
from simulator.truth import Emission, frame_of, frames_of_books, write_truth
from simulator.vessel_tracks import plan_voyages

FOLDERS = (
    "environment",
    "river_levels",
    "feedback",
    "vms",
    "ais",
    "vessels",
    "health_claims",
    "disease",
    "education_schools",
    "education_classes",
    "education_students",
    "education_attendance",
    "public_services",
    "public_services_ratings",
    "hotline_calls",
    "warnings_messages",
    "security_incidents",
    "press_articles",
    "traffic_flows",
    "traffic_accidents",
    "traffic_closures",
    "cyber_alerts",
    "cyber_indicators",
    "water_rain",
    "water_reservoirs",
    "water_landslide_sensors",
)
TRUTH = "truth"


@dataclass(frozen=True)
class SimulatedDay:
    """A day that was written: where, and what is true about it. After `ends_at` (UTC+7) nothing in it lies in the future."""

    day: date
    seed: int
    folder: Path
    ends_at: datetime
    files: Mapping[str, int]
    truth: Mapping[str, pl.DataFrame]


def simulate(
    day: date, seed: int, faults: FaultProfile | None, into: Path, report: Callable[[str], None] = lambda _: None
) -> SimulatedDay:
    """Write one day below a folder; `faults` None means none, `report` is called with each feed as it is done.

    Raises ConfigurationError if the folder holds anything but a simulated day, or if a fault is asked for too often.
    """
    _clear(into)
    profile = faults or NO_FAULTS
    city = read_city(SEEDS, chance(seed, "vessels"))
    voyages = plan_voyages(city.vessels, city.boundary, day, chance(seed, "voyages"))
    emitters: dict[str, Callable[[Path], Emission]] = {
        "environment": lambda folder: emit_readings(city, day, seed, profile, folder),
        "river_levels": lambda folder: emit_river_levels(city, day, seed, profile, folder),
        "feedback": lambda folder: emit_feedback(city, day, seed, profile, folder),
        "vms": lambda folder: emit_vms(voyages, day, seed, profile, folder),
        "ais": lambda folder: emit_ais(voyages, day, seed, profile, folder),
        "vessels": lambda folder: emit_vessel_registry(voyages, day, seed, profile, folder),
        "health_claims": lambda folder: emit_claims(city, day, seed, profile, folder),
        "disease": lambda folder: emit_diseases(city, day, seed, profile, folder),
        "education_schools": lambda folder: emit_schools(city, day, seed, profile, folder),
        "education_classes": lambda folder: emit_classes(city, day, seed, profile, folder),
        "education_students": lambda folder: emit_students(city, day, seed, profile, folder),
        "education_attendance": lambda folder: emit_attendance(city, day, seed, profile, folder),
        "public_services": lambda folder: emit_dossiers(city, day, seed, profile, folder),
        "public_services_ratings": lambda folder: emit_ratings(city, day, seed, profile, folder),
        "hotline_calls": lambda folder: emit_calls(day, seed, profile, folder),
        "warnings_messages": lambda folder: emit_warnings(city, day, seed, profile, folder),
        "security_incidents": lambda folder: emit_incidents(city, day, seed, profile, folder),
        "press_articles": lambda folder: emit_press(day, seed, profile, folder),
        "traffic_flows": lambda folder: emit_flows(day, seed, profile, folder),
        "traffic_accidents": lambda folder: emit_accidents(city, day, seed, profile, folder),
        "traffic_closures": lambda folder: emit_closures(day, seed, profile, folder),
        "cyber_alerts": lambda folder: emit_alerts(day, seed, profile, folder),
        "cyber_indicators": lambda folder: emit_indicators(day, seed, profile, folder),
        "water_rain": lambda folder: emit_rain(day, seed, profile, folder),
        "water_reservoirs": lambda folder: emit_reservoirs(day, seed, profile, folder),
        "water_landslide_sensors": lambda folder: emit_slopes(day, seed, profile, folder),
    }
    declared = {folder_of(contract): contract for contract in declared_contracts(read_contracts())}
    emitters |= {name: partial(emit_declared, contract, day, seed, profile) for name, contract in declared.items()}
    emissions = []
    for name in emitters:
        (into / name).mkdir(parents=True)
        emissions.append(emitters[name](into / name))
        report(name)
    truth = {"vessels": frame_of("vessels", _vessel_rows(city))}
    for emission in emissions:
        truth |= {table: frame_of(table, rows) for table, rows in emission.rows.items()} | dict(emission.tables)
    truth |= frames_of_books([emission.books for emission in emissions])
    write_truth(truth, into / TRUTH)
    files = {name: sum(1 for _ in (into / name).iterdir()) for name in emitters}
    return SimulatedDay(day, seed, into, midnight(day) + timedelta(days=1), files, truth)


def folder_of(contract: Contract) -> str:
    """Return the name of a declared feed's folder: that of its source, if it comes by folder."""
    return str(contract.option("folder", contract.table))


def _vessel_rows(city: City) -> list[tuple[object, ...]]:
    return [
        (
            vessel.vessel_id,
            vessel.vessel_name,
            vessel.call_sign,
            vessel.mmsi,
            vessel.length_m,
            vessel.ais_class,
            vessel.port.port_code,
        )
        for vessel in city.vessels
    ]


def _clear(into: Path) -> None:
    """Empty a folder that an earlier simulation filled; refuse a folder with anything else in it."""
    present = {path.name for path in into.iterdir()} if into.exists() else set()
    declared = {folder_of(contract) for contract in declared_contracts(read_contracts())}
    strangers = sorted(present - {*FOLDERS, *declared, TRUTH})
    if strangers:
        raise ConfigurationError(
            f"{into.name}: expected an empty folder or a simulated day, got {', '.join(strangers[:3])} in it; name another",
            folder=str(into),
        )
    for name in present:
        shutil.rmtree(into / name)
