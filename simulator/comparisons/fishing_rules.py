"""The rules of fishing vessels, fix by fix: what the marts must find in the true positions.

Written as one would check a vessel's day by hand, and without a line of the pipeline's SQL; the limits are those of the reference
list `thresholds`, the places those of `ports` and `maritime_boundaries`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import dropwhile, groupby, pairwise
from math import cos, floor, hypot, inf, radians, sqrt

from simulator.entities import Boundary, Port
from simulator.local_time import LOCAL
from simulator.seeds import read_seed

SLOT = timedelta(hours=2)
SILENCE, LOST = timedelta(hours=6), timedelta(days=10)
LATE_PACKETS = timedelta(minutes=30)
OPERATOR_SILENCE, LEAST_VESSELS = timedelta(hours=3), 3
PORT_KNOTS, OUTLIER_KNOTS, TELEPORT_KNOTS = 1.0, 25.0, 40.0
OBLIGED_METRES = 15.0
NEAR_MILES = 5.0
REACH_MILES = 100.0
KILOMETRES_PER_MILE = 1.852

Times = tuple[datetime, datetime | None]
"""Start and end; None while it lasts."""


@dataclass(frozen=True)
class Position:
    """A true position: degrees (WGS 84), knots or None if no speed was reported."""

    at: datetime
    latitude: float
    longitude: float
    speed_knots: float | None


@dataclass(frozen=True)
class Registered:
    """What a list says about a vessel."""

    vessel_id: str
    mmsi: str
    length_m: float
    commune_code: str
    licence_expires: date | None
    operator_code: str | None
    listed_at: datetime

    @property
    def is_obliged(self) -> bool:
        """Whether it must carry a satellite device."""
        return self.length_m >= OBLIGED_METRES


@dataclass(frozen=True)
class Places:
    """Ports and the boundary."""

    ports: tuple[Port, ...]
    boundary: Boundary

    def is_in_port(self, position: Position) -> bool:
        """Whether a position is within a port's circle and slower than a knot; without a speed the place alone counts."""
        return bool(self.ports_at(position)) and (position.speed_knots or 0.0) < PORT_KNOTS

    def ports_at(self, position: Position) -> list[str]:
        """Return the ports in whose circle a position lies."""
        return sorted(
            port.port_code
            for port in self.ports
            if miles(position.latitude, position.longitude, port.latitude, port.longitude) * KILOMETRES_PER_MILE
            <= port.radius_km
        )

    def miles_to_the_line(self, position: Position) -> float:
        """Return the nautical miles to the nearest point of the line, on either side."""
        width = 60 * cos(radians(position.latitude))
        nearest = inf
        for (south, west), (north, east) in self._edges():
            x, y = (west - position.longitude) * width, (south - position.latitude) * 60
            along_x, along_y = (east - west) * width, (north - south) * 60
            share = -(x * along_x + y * along_y) / (along_x**2 + along_y**2)
            share = min(1.0, max(0.0, share))
            nearest = min(nearest, sqrt((x + share * along_x) ** 2 + (y + share * along_y) ** 2))
        return nearest

    def zone(self, position: Position) -> str:
        """Return inside, near, across, or away: so far beyond the line that the position does not count."""
        crossings = 0
        for (south, west), (north, east) in self._edges():
            if (south > position.latitude) != (north > position.latitude):
                crossing = west + (east - west) * (position.latitude - south) / (north - south)
                crossings += crossing > position.longitude
        distance = self.miles_to_the_line(position)
        if crossings % 2 == 0:
            return "across" if distance <= REACH_MILES else "away"
        return "near" if distance <= NEAR_MILES else "inside"

    def _edges(self) -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
        return pairwise((*self.boundary.vertices, self.boundary.vertices[0]))


def read_places() -> Places:
    """Read the ports and the simulated line from the reference lists."""
    ports = tuple(
        Port(row["port_code"], row["port_name"], *(float(row[name]) for name in ("latitude", "longitude", "radius_km")))
        for row in read_seed("ports")
    )
    vertices = tuple(
        (float(row["latitude"]), float(row["longitude"]))
        for row in read_seed("maritime_boundaries")
        if row["boundary_code"] == "ranh_gioi_gia_lap"
    )
    return Places(ports, Boundary("ranh_gioi_gia_lap", vertices))


def miles(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """Return the nautical miles between two points on a flat map."""
    middle = radians((latitude + other_latitude) / 2)
    return 60 * hypot(other_latitude - latitude, (other_longitude - longitude) * cos(middle))


def is_in_east_sea(position: Position) -> bool:
    """Whether a position lies in the sea of interest."""
    return 5 <= position.latitude <= 23 and 99 <= position.longitude <= 118


def slot_of(moment: datetime) -> int:
    """Return the number of the two-hour slot of a moment in local time."""
    return floor((moment.astimezone(LOCAL).replace(tzinfo=UTC)).timestamp() / SLOT.total_seconds())


def day_of_slot(slot: int) -> date:
    """Return the local day of a slot."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + slot * SLOT).date()


def operator_silences(
    tracks: Mapping[str, Sequence[Position]], registry: Mapping[str, Registered], places: Places, clock: datetime
) -> dict[str, list[Times]]:
    """Find, by operator, when none of its vessels was heard for three hours although three of them were at sea."""
    silences: dict[str, list[Times]] = {}
    for operator in sorted({vessel.operator_code for vessel in registry.values() if vessel.operator_code}):
        own = {vessel: fixes for vessel, fixes in tracks.items() if _operator(registry, vessel) == operator}
        moments = sorted({fix.at for fixes in own.values() for fix in fixes})
        for start, end in pairwise((*moments, None)):
            if start is None or (end or clock - LATE_PACKETS) - start <= OPERATOR_SILENCE:
                continue
            at_sea = [
                vessel
                for vessel, fixes in own.items()
                if any(start - SILENCE <= fix.at <= start and not places.is_in_port(fix) for fix in fixes)
            ]
            if len(at_sea) >= LEAST_VESSELS:
                silences.setdefault(operator, []).append((start, end))
    return silences


def silences_of(
    fixes: Sequence[Position], hidden: Sequence[Times], places: Places, clock: datetime
) -> Iterator[tuple[str, datetime, datetime | None, float]]:
    """Yield a vessel's findings of silence: kind, start, end, and the hours known without the operator's own silence."""
    for fix, following in pairwise((*fixes, None)):
        if fix is None or places.is_in_port(fix):
            continue
        until = following.at if following else clock - LATE_PACKETS
        known = max(until - fix.at, timedelta())
        for start, end in hidden:
            known -= max(min(until, end or clock - LATE_PACKETS) - max(fix.at, start), timedelta())
        if known > SILENCE:
            kind = "silent_10d" if known > LOST else "silent_6h"
            yield kind, fix.at, following.at if following else None, known / timedelta(hours=1)


def slot_days(
    fixes: Sequence[Position], hidden: Sequence[Times], places: Places, clock: datetime
) -> dict[date, tuple[int, int, int]]:
    """Count a vessel's slots at sea by day: received, unknown, missed."""
    days: dict[date, list[int]] = {}
    by_slot = {slot: list(group) for slot, group in groupby(fixes, lambda fix: slot_of(fix.at))}
    is_at_sea = False
    for slot in range(min(by_slot), slot_of(clock)):
        if heard := by_slot.get(slot):
            is_at_sea = not places.is_in_port(heard[-1])
            outcome = 0 if any(not places.is_in_port(fix) for fix in heard) else None
        elif is_at_sea:
            is_hidden = any(slot_of(start) <= slot <= slot_of(end or clock) for start, end in hidden)
            outcome = 1 if is_hidden else 2
        else:
            outcome = None
        if outcome is not None:
            days.setdefault(day_of_slot(slot), [0, 0, 0])[outcome] += 1
    return {day: (received, unknown, missed) for day, (received, unknown, missed) in days.items()}


def boundary_events(fixes: Sequence[Position], places: Places) -> list[tuple[str, datetime, datetime, float]]:
    """Return a vessel's changes of zone: zone, first fix of the two that confirm it, second fix, miles to the line.

    A vessel is judged from its first fix within reach of the line on, and everywhere after that.
    """
    fixes = list(dropwhile(lambda fix: places.zone(fix) == "away", fixes))
    events, zone, is_across, is_close = [], "inside", False, False
    for before, fix in pairwise(fixes):
        zones = tuple("across" if zone == "away" else zone for zone in (places.zone(before), places.zone(fix)))
        if len({one == "across" for one in zones}) == 1:
            is_across = zones[1] == "across"
        if len({one == "inside" for one in zones}) == 1:
            is_close = zones[1] != "inside"
        found = "across" if is_across else "near" if is_close else "inside"
        if found != zone:
            events.append((found, before.at, fix.at, round(places.miles_to_the_line(fix), 3)))
            zone = found
    return events


def expired_at_sea(fixes: Sequence[Position], lists: Sequence[Registered], places: Places) -> list[tuple[Times, float]]:
    """Return the journeys after a licence's last day, by the list of the time: start, end, and the most days since then."""
    days = []
    for fix in fixes:
        expires = as_of(lists, fix.at).licence_expires
        days.append(float((fix.at.astimezone(LOCAL).date() - expires).days) if expires else 0.0)
    is_found = [late > 0 and not places.is_in_port(fix) for late, fix in zip(days, fixes, strict=True)]
    return _runs(fixes, is_found, days)


def as_of(lists: Sequence[Registered], moment: datetime) -> Registered:
    """Return what the register said at a moment, from its lists in their order; before the first list, what that one says."""
    return next((entry for entry in reversed(lists) if entry.listed_at <= moment), lists[0])


def speed_outliers(fixes: Sequence[Position]) -> list[tuple[Times, float]]:
    """Return the runs of fixes that reported more than 25 knots: start, end, highest speed."""
    speeds = [fix.speed_knots or 0.0 for fix in fixes]
    return _runs(fixes, [speed > OUTLIER_KNOTS for speed in speeds], speeds)


def teleports(fixes: Sequence[Position]) -> list[tuple[Times, float]]:
    """Return the jumps, there and back counted as one: from the fix before to the last fix, highest implied speed."""
    implied = [0.0] + [
        miles(before.latitude, before.longitude, fix.latitude, fix.longitude)
        / ((fix.at - before.at) / timedelta(hours=1))
        for before, fix in pairwise(fixes)
    ]
    jumps: list[tuple[Times, float]] = []
    for is_jump, group in groupby(range(len(fixes)), lambda index: implied[index] > TELEPORT_KNOTS):
        if is_jump:
            run = list(group)
            jumps.append(((fixes[run[0] - 1].at, fixes[run[-1]].at), max(implied[index] for index in run)))
    return jumps


def _runs(fixes: Sequence[Position], is_found: Sequence[bool], values: Sequence[float]) -> list[tuple[Times, float]]:
    runs: list[tuple[Times, float]] = []
    for found, group in groupby(range(len(fixes)), lambda index: is_found[index]):
        if found:
            run = list(group)
            end = fixes[run[-1] + 1].at if run[-1] + 1 < len(fixes) else None
            runs.append(((fixes[run[0]].at, end), max(values[index] for index in run)))
    return runs


def _operator(registry: Mapping[str, Registered], vessel_id: str) -> str | None:
    return registry[vessel_id].operator_code if vessel_id in registry else None
