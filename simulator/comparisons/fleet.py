"""What the marts of the fleet must show: each vessel once, by commune, by place; violations by month; reports by hand."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from core.reference import Reference
from simulator.comparisons.base import Comparison, Query, Truth, compare_map, compare_rows
from simulator.comparisons.fisheries import Fleet, alerts, fleet_of, last_seen
from simulator.comparisons.fishing_rules import LATE_PACKETS, SILENCE, Registered, as_of
from simulator.local_time import LOCAL

VIOLATIONS = ("silent_6h", "silent_10d", "across_boundary", "licence_expired_at_sea")
SILENT = ("silent_6h", "silent_10d")
ENDING = timedelta(days=30)

VESSELS_SQL = """
    select vessel_code, is_obliged, has_device, status_code, port_code, is_silent_while_ais_heard, licence_days_left
    from fisheries.fleet_vessels
"""
COMMUNES_SQL = """
    select commune_code, registered_vessels, obliged_vessels, equipped_vessels, equipped_percent, at_sea_vessels, silent_vessels,
        licence_ending_vessels, licence_expired_vessels
    from fisheries.fleet_communes
"""
PLACES_SQL = "select place_code, vessels from fisheries.fleet_places"
MONTHS_SQL = "select commune_code, month_date, kind_code, violations from fisheries.violation_months"
BY_HAND_SQL = (
    "select vessel_id, local_date, manual_reports, judged_reports, in_time_reports from fisheries.vessel_manual_days"
)


@dataclass(frozen=True)
class Vessel:
    """A vessel as both its sources show it: what the register says, the status that counts, and those of the sources."""

    code: str
    known: Registered | None
    status: str
    port: str | None
    by_satellite: tuple[str, datetime | None] | None
    by_ais: str | None

    def is_silent_while_heard(self, clock: datetime) -> bool | None:
        """Whether AIS hears it at sea while its device is silent; None if that cannot be known."""
        status, last = self.by_satellite or (None, None)
        if self.known is None or self.by_ais in (None, "unknown") or status == "unknown":
            return None
        is_silent = last is None or clock - LATE_PACKETS - last > SILENCE
        return self.known.is_obliged and self.by_ais == "at_sea" and is_silent

    def days_left(self, clock: datetime) -> int | None:
        """Return how many days the licence still runs."""
        if self.known is None or self.known.licence_expires is None:
            return None
        return (self.known.licence_expires - clock.astimezone(LOCAL).date()).days


def comparisons(truth: Truth, query: Query, clock: datetime) -> list[Comparison]:
    """Compare the marts of the fleet; `clock` is the clock of the build."""
    fleet = fleet_of(truth, clock)
    vessels = list(vessels_of(fleet))
    return [
        compare_rows("fisheries.fleet_vessels", _vessel_rows(vessels, clock), query(VESSELS_SQL)),
        compare_rows("fisheries.fleet_communes", _commune_rows(vessels, clock), query(COMMUNES_SQL)),
        compare_map("fisheries.vessels_on_map", _registered(vessels, clock), query),
        compare_rows("fisheries.fleet_places", _place_rows(fleet, vessels), query(PLACES_SQL)),
        compare_rows("fisheries.violation_months", _violation_rows(fleet), query(MONTHS_SQL)),
        compare_rows("fisheries.vessel_manual_days", _by_hand_rows(truth, fleet), query(BY_HAND_SQL)),
    ]


def vessels_of(fleet: Fleet) -> Iterator[Vessel]:
    """Merge what both sources say about a vessel."""
    told: dict[str, dict[str, tuple[str, str, datetime | None]]] = {}
    columns = ("vessel_code", "source_code", "vessel_id", "status_code", "last_fix_at")
    for code, source, vessel, status, last in last_seen(fleet).select(columns).iter_rows():
        told.setdefault(code, {})[source] = (vessel, status, last)
    for code, sources in told.items():
        satellite, ais = sources.get("vms"), sources.get("ais")
        is_by_satellite = satellite is not None and (satellite[2] is not None or ais is None)
        vessel, status, _ = satellite if satellite is not None and is_by_satellite else sources["ais"]
        tracks = fleet.vms if is_by_satellite else fleet.ais
        yield Vessel(
            code,
            fleet.registry.get(code),
            status,
            fleet.places.ports_at(tracks[vessel][-1])[0] if status == "in_port" else None,
            satellite and satellite[1:],
            ais and ais[1],
        )


def _vessel_rows(vessels: list[Vessel], clock: datetime) -> pl.DataFrame:
    rows = [
        (
            vessel.code,
            vessel.known and vessel.known.is_obliged,
            vessel.known and vessel.known.operator_code is not None,
            vessel.status,
            vessel.port,
            vessel.is_silent_while_heard(clock),
            vessel.days_left(clock),
        )
        for vessel in vessels
    ]
    return pl.DataFrame(
        rows,
        schema={
            "vessel_code": pl.String,
            "is_obliged": pl.Boolean,
            "has_device": pl.Boolean,
            "status_code": pl.String,
            "port_code": pl.String,
            "is_silent_while_ais_heard": pl.Boolean,
            "licence_days_left": pl.Int64,
        },
        orient="row",
    )


def _commune_rows(vessels: list[Vessel], clock: datetime) -> pl.DataFrame:
    communes: dict[str, list[tuple[Vessel, Registered]]] = {}
    for vessel in vessels:
        if vessel.known is not None:
            communes.setdefault(vessel.known.commune_code, []).append((vessel, vessel.known))
    rows = []
    for commune, own in communes.items():
        obliged = [known for _, known in own if known.is_obliged]
        equipped = sum(known.operator_code is not None for known in obliged)
        days = [left for vessel, _ in own if (left := vessel.days_left(clock)) is not None]
        rows.append(
            {
                "commune_code": commune,
                "registered_vessels": len(own),
                "obliged_vessels": len(obliged),
                "equipped_vessels": equipped,
                "equipped_percent": 100 * equipped / len(obliged) if obliged else None,
                "at_sea_vessels": sum(vessel.status == "at_sea" for vessel, _ in own),
                "silent_vessels": sum(vessel.status in SILENT for vessel, _ in own),
                "licence_ending_vessels": sum(0 <= left <= ENDING.days for left in days) if days else None,
                "licence_expired_vessels": sum(left < 0 for left in days) if days else None,
            }
        )
    return pl.DataFrame(rows, schema_overrides={"equipped_percent": pl.Float64})


def _registered(vessels: list[Vessel], clock: datetime) -> pl.DataFrame:
    """Count the vessels of every commune: those without one have none, as the register is known."""
    counted = _commune_rows(vessels, clock).select("commune_code", "registered_vessels", "silent_vessels")
    communes = Reference().list_of("communes").select("commune_code")
    return communes.join(counted, on="commune_code", how="left").fill_null(0)


def _place_rows(fleet: Fleet, vessels: list[Vessel]) -> pl.DataFrame:
    counts = Counter(
        vessel.port or ("at_sea" if vessel.status == "at_sea" else "unknown")
        for vessel in vessels
        if vessel.known is not None or vessel.by_satellite is not None
    )
    places = [*(port.port_code for port in fleet.places.ports), "at_sea", "unknown"]
    return pl.DataFrame({"place_code": places, "vessels": [counts[place] for place in places]})


def _violation_rows(fleet: Fleet) -> pl.DataFrame:
    counts: Counter[tuple[object, ...]] = Counter()
    for kind, subject, started_at in alerts(fleet).select("kind_code", "subject_code", "started_at").iter_rows():
        source, _, vessel = str(subject).partition(":")
        known = (fleet.registry if source == "vms" else fleet.by_mmsi).get(vessel)
        if kind in VIOLATIONS and known is not None:
            entry = as_of(fleet.lists[known.vessel_id], started_at)
            counts[entry.commune_code, _month(started_at), kind] += 1
    tracks = (*fleet.vms.values(), *fleet.ais.values())
    months = {_month(fix.at) for fixes in tracks for fix in fixes}
    communes = {known.commune_code for known in fleet.registry.values()}
    rows = [
        (commune, month, kind, counts[commune, month, kind])
        for commune in communes
        for month in months
        for kind in VIOLATIONS
    ]
    schema = {"commune_code": pl.String, "month_date": pl.Date, "kind_code": pl.String, "violations": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _month(moment: datetime) -> object:
    return moment.astimezone(LOCAL).date().replace(day=1)


def _by_hand_rows(truth: Truth, fleet: Fleet) -> pl.DataFrame:
    by_hand = set(
        truth["vms_positions"].filter(pl.col("message_type_code") == "MAN").select("vessel_id", "fixed_at").iter_rows()
    )
    days: dict[tuple[str, object], list[bool | None]] = {}
    for vessel, fixes in fleet.vms.items():
        for fix, following in zip(fixes, [*fixes[1:], None], strict=True):
            if (vessel, fix.at) not in by_hand or fleet.places.is_in_port(fix):
                continue
            passed = (following.at if following else fleet.clock - LATE_PACKETS) - fix.at
            in_time = False if passed > SILENCE else True if following else None
            days.setdefault((vessel, fix.at.astimezone(LOCAL).date()), []).append(in_time)
    rows = [
        (vessel, day, len(found), sum(one is not None for one in found), sum(one is True for one in found))
        for (vessel, day), found in days.items()
    ]
    schema = {
        "vessel_id": pl.String,
        "local_date": pl.Date,
        "manual_reports": pl.Int64,
        "judged_reports": pl.Int64,
        "in_time_reports": pl.Int64,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")
