"""What the marts of fishing vessels must show."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from core.settings import PROJECT
from simulator.comparisons import fishing_rules
from simulator.comparisons.base import Comparison, Query, Truth, compare_headlines, compare_rows
from simulator.comparisons.fishing_rules import Places, Position, Registered, Times, is_in_east_sea
from simulator.truth import TIME

Schema = dict[str, pl.DataType | type[pl.DataType]]
SILENCE = timedelta(hours=6)
FISHING = "30"
NEVER_HEARD, NOT_OBLIGED = "never_heard", "not_obliged"
IS_SILENT = {"silent_6h": True, "silent_10d": True, "at_sea": False, "in_port": False}
"""By status; a vessel whose status is unknown is neither."""

LAST_SEEN_SQL = """
    select source_code, vessel_id, vessel_code, last_fix_at, latitude, longitude, is_silent_6h, is_registered, is_obliged, is_in_port,
        status_code
    from fisheries.vessels_last_seen
"""
GAPS_SQL = """
    select vessel_id, gap_started_at as started_at, gap_ended_at as ended_at
    from fisheries.vessel_gaps where is_silence_6h and source_code = 'vms' and gap_ended_at is not null
"""
SLOTS_SQL = """
    select vessel_id, local_date, at_sea_slots, received_slots, unknown_slots, missed_slots, compliance_percent
    from fisheries.vessel_slot_days
"""
EVENTS_SQL = """
    select vessel_key, zone_code, started_at, confirmed_at, boundary_distance_nm from fisheries.vessel_boundary_events
"""
ALERTS_SQL = """
    select kind_code, subject_code, started_at, ended_at, measured_value, operator_code from fisheries.vessel_alerts
"""


@dataclass(frozen=True)
class Fleet:
    """The truth as the rules need it: tracks by source and identity, what each list says about a vessel, silent operators."""

    vms: dict[str, list[Position]]
    ais: dict[str, list[Position]]
    lists: dict[str, list[Registered]]
    fishing_mmsi: set[str]
    places: Places
    silences: dict[str, list[Times]]
    clock: datetime

    @property
    def registry(self) -> dict[str, Registered]:
        """What the newest list says about each vessel."""
        return {vessel: entries[-1] for vessel, entries in self.lists.items()}

    @property
    def by_mmsi(self) -> dict[str, Registered]:
        """The registered vessels by MMSI."""
        return {vessel.mmsi: vessel for vessel in self.registry.values()}

    def hidden(self, vessel_id: str) -> list[Times]:
        """Return the times when a vessel's operator was silent."""
        known = self.registry.get(vessel_id)
        return self.silences.get(known.operator_code, []) if known and known.operator_code else []

    def is_obliged(self, vessel_id: str) -> bool:
        """Whether a vessel must report; a vessel on no list is assumed to."""
        known = self.registry.get(vessel_id)
        return known is None or known.is_obliged

    def findings(self, vessel_id: str) -> list[tuple[str, datetime, datetime | None, float]]:
        """Return a vessel's findings of silence."""
        fixes = self.vms[vessel_id] if self.is_obliged(vessel_id) else []
        return list(fishing_rules.silences_of(fixes, self.hidden(vessel_id), self.places, self.clock))


def comparisons(truth: Truth, query: Query, clock: datetime) -> list[Comparison]:
    """Compare the domain's marts; `clock` is the clock of the build."""
    fleet = fleet_of(truth, clock)
    seen, found = last_seen(fleet), alerts(fleet)
    return [
        compare_rows("fisheries.vessels_last_seen", seen, query(LAST_SEEN_SQL)),
        compare_rows("fisheries.vessel_gaps", _silences(truth, fleet), query(GAPS_SQL)),
        compare_rows("fisheries.vessel_slot_days", slot_days(fleet), query(SLOTS_SQL)),
        compare_rows("fisheries.vessel_boundary_events", boundary_events(fleet), query(EVENTS_SQL)),
        compare_rows("fisheries.vessel_alerts", found, query(ALERTS_SQL)),
        compare_headlines("fisheries", _headlines(seen, found), query),
    ]


def fleet_of(truth: Truth, clock: datetime) -> Fleet:
    """Arrange the truth as the rules need it."""
    vms = _tracks(truth["vms_positions"], "vessel_id", "fixed_at")
    ais = _tracks(truth["ais_positions"].drop_nulls(["latitude", "longitude"]), "mmsi", "heard_at")
    lists: dict[str, list[Registered]] = {}
    columns = ("vessel_id", "mmsi", "length_m", "commune_code", "licence_expires_date", "operator_code", "listed_at")
    for vessel, *said in truth["vessel_registry"].sort("listed_at").select(columns).iter_rows():
        lists.setdefault(vessel, []).append(Registered(vessel, *said))
    registry = {vessel: entries[-1] for vessel, entries in lists.items()}
    fishing = set(truth["ais_statics"].filter(pl.col("ship_type_code") == FISHING)["mmsi"])
    places = fishing_rules.read_places()
    silences = fishing_rules.operator_silences(vms, registry, places, clock)
    return Fleet(vms, ais, lists, fishing, places, silences, clock)


def last_seen(fleet: Fleet) -> pl.DataFrame:
    """Return the last position and the status of each vessel."""
    rows: list[tuple[object, ...]] = [
        (
            "vms",
            vessel,
            vessel,
            None,
            None,
            None,
            None,
            True,
            is_obliged,
            False,
            NEVER_HEARD if is_obliged else NOT_OBLIGED,
        )
        for vessel in sorted(set(fleet.registry) - set(fleet.vms))
        for is_obliged in (fleet.is_obliged(vessel),)
    ]
    for source, tracks in (("vms", fleet.vms), ("ais", fleet.ais)):
        for vessel, fixes in tracks.items():
            last = fixes[-1]
            silent_for = fleet.clock - last.at
            known = (fleet.registry if source == "vms" else fleet.by_mmsi).get(vessel)
            in_port = fleet.places.is_in_port(last)
            status = "in_port" if in_port else _status_at_sea(fleet, source, vessel, silent_for)
            code = known.vessel_id if known else f"{source}:{vessel}"
            where = (last.at, last.latitude, last.longitude)
            is_obliged = known.is_obliged if known else None
            rows.append(
                (source, vessel, code, *where, IS_SILENT.get(status), known is not None, is_obliged, in_port, status)
            )
    schema: Schema = {
        "source_code": pl.String,
        "vessel_id": pl.String,
        "vessel_code": pl.String,
        "last_fix_at": TIME,
        "latitude": pl.Float64,
        "longitude": pl.Float64,
        "is_silent_6h": pl.Boolean,
        "is_registered": pl.Boolean,
        "is_obliged": pl.Boolean,
        "is_in_port": pl.Boolean,
        "status_code": pl.String,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def _status_at_sea(fleet: Fleet, source: str, vessel: str, silent_for: timedelta) -> str:
    if source == "ais" or not fleet.is_obliged(vessel):
        return "unknown" if silent_for > SILENCE else "at_sea"
    lasting = [kind for kind, _, end, _ in fleet.findings(vessel) if end is None]
    if lasting:
        return lasting[0]
    last = fleet.vms[vessel][-1]
    has_missed = fishing_rules.slot_of(fleet.clock) - fishing_rules.slot_of(last.at) > 1 or silent_for > SILENCE
    is_hidden = any(end is None for _, end in fleet.hidden(vessel))
    return "unknown" if has_missed and is_hidden else "at_sea"


def slot_days(fleet: Fleet) -> pl.DataFrame:
    """Count the two-hour slots of each vessel's days at sea."""
    rows = [
        (vessel, day, sum(counts), *counts, _share(counts))
        for vessel, fixes in fleet.vms.items()
        if fleet.is_obliged(vessel)
        for day, counts in fishing_rules.slot_days(fixes, fleet.hidden(vessel), fleet.places, fleet.clock).items()
    ]
    schema: Schema = {
        "vessel_id": pl.String,
        "local_date": pl.Date,
        "at_sea_slots": pl.Int64,
        "received_slots": pl.Int64,
        "unknown_slots": pl.Int64,
        "missed_slots": pl.Int64,
        "compliance_percent": pl.Float64,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def _share(counts: tuple[int, int, int]) -> float | None:
    received, _, missed = counts
    return 100 * received / (received + missed) if received + missed else None


def boundary_events(fleet: Fleet) -> pl.DataFrame:
    """Return every confirmed change of zone."""
    rows = [
        (f"{source}:{vessel}", *event)
        for source, tracks in (("vms", fleet.vms), ("ais", fleet.ais))
        for vessel, fixes in tracks.items()
        for event in fishing_rules.boundary_events(fixes, fleet.places)
    ]
    schema: Schema = {
        "vessel_key": pl.String,
        "zone_code": pl.String,
        "started_at": TIME,
        "confirmed_at": TIME,
        "boundary_distance_nm": pl.Float64,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def _headlines(seen: pl.DataFrame, found: pl.DataFrame) -> dict[str, float | None]:
    kinds = pl.read_csv(PROJECT / "dbt_project" / "seeds" / "vessel_alert_kinds.csv")
    critical = kinds.filter(pl.col("severity_code") == "critical")["kind_code"]
    is_open = pl.col("ended_at").is_null() & pl.col("kind_code").is_in(critical.implode())
    return {
        "critical_vessel_alerts": float(found.filter(is_open).height),
        "silent_vessels": float(seen["status_code"].is_in(["silent_6h", "silent_10d"]).sum()),
    }


def alerts(fleet: Fleet) -> pl.DataFrame:
    """Return every finding."""
    schema: Schema = {
        "kind_code": pl.String,
        "subject_code": pl.String,
        "started_at": TIME,
        "ended_at": TIME,
        "measured_value": pl.Float64,
        "operator_code": pl.String,
    }
    return pl.DataFrame(list(_alerts(fleet)), schema=schema, orient="row")


def _alerts(fleet: Fleet) -> Iterator[tuple[object, ...]]:
    for silent_operator, silences in fleet.silences.items():
        for start, end in silences:
            hours = ((end or fleet.clock - fishing_rules.LATE_PACKETS) - start) / timedelta(hours=1)
            yield "operator_silent", silent_operator, start, end, hours, silent_operator
    for source, tracks in (("vms", fleet.vms), ("ais", fleet.ais)):
        known = fleet.registry if source == "vms" else fleet.by_mmsi
        for vessel, fixes in tracks.items():
            key, registered = f"{source}:{vessel}", known.get(vessel)
            operator = registered.operator_code if registered else None
            for kind, (start, end), value in _of_vessel(fleet, source, vessel, fixes, registered):
                yield kind, key, start, end, value, operator


def _of_vessel(
    fleet: Fleet, source: str, vessel: str, fixes: list[Position], registered: Registered | None
) -> Iterator[tuple[str, Times, float]]:
    is_leading = source == "vms" or (registered is not None and registered.vessel_id not in fleet.vms)
    if source == "ais" and registered is None:
        fixes = [fix for fix in fixes if is_in_east_sea(fix)]
    if fixes and registered is None and (source == "vms" or vessel in fleet.fishing_mmsi):
        yield "unknown_vessel", (fixes[0].at, None), float(len(fixes))
    for times, value in fishing_rules.teleports(fixes):
        yield "teleport", times, value
    for times, value in fishing_rules.speed_outliers(fixes):
        yield "speed_outlier", times, value
    if source == "vms":
        for kind, start, end, hours in fleet.findings(vessel):
            yield kind, (start, end), hours
    if is_leading:
        lists = fleet.lists[registered.vessel_id] if registered else []
        for times, value in fishing_rules.expired_at_sea(fixes, lists, fleet.places) if lists else []:
            yield "licence_expired_at_sea", times, value
        events = fishing_rules.boundary_events(fixes, fleet.places)
        for index, (zone, start, _, distance) in enumerate(events):
            if zone != "inside":
                end = events[index + 1][1] if index + 1 < len(events) else None
                yield f"{zone}_boundary", (start, end), distance


def _tracks(positions: pl.DataFrame, identity: str, time: str) -> dict[str, list[Position]]:
    tracks: dict[str, list[Position]] = {}
    for vessel, at, latitude, longitude, speed in (
        positions.sort(time).select(identity, time, "latitude", "longitude", "speed_knots").iter_rows()
    ):
        tracks.setdefault(vessel, []).append(Position(at, latitude, longitude, speed))
    return tracks


def _silences(truth: Truth, fleet: Fleet) -> pl.DataFrame:
    is_obliged = pl.col("vessel_id").is_in([vessel for vessel in fleet.vms if fleet.is_obliged(vessel)])
    fixes = truth["vms_positions"].filter(is_obliged).sort("vessel_id", "fixed_at")
    pairs = fixes.select(
        "vessel_id",
        pl.col("fixed_at").alias("started_at"),
        pl.col("fixed_at").shift(-1).over("vessel_id").alias("ended_at"),
    )
    return pairs.filter(pl.col("ended_at") - pl.col("started_at") > SILENCE)
