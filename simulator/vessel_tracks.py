"""Where each vessel is at any moment of the day: in port, on its way out, fishing in a wide circle, or on its way home.

Positions are a function of time, so that VMS and AIS of one vessel agree, and no two of them imply an impossible speed.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from math import atan2, cos, degrees, hypot, pi, radians, sin
from random import Random

from simulator.entities import Boundary, Port, Vessel
from simulator.local_time import midnight

KILOMETRES_PER_DEGREE = 111.2
KILOMETRES_PER_KNOT_HOUR = 1.852
FISHING_KNOTS = 3.0


@dataclass(frozen=True)
class Fix:
    """A position in degrees (WGS 84), speed over ground in knots, course in degrees from north."""

    latitude: float
    longitude: float
    speed_knots: float
    course_degrees: float
    is_fishing: bool = False


@dataclass(frozen=True)
class Trip:
    """One journey: out of port at `left_at`, `distance_km` on a bearing, then whole circles of `radius_km`, and back
    home by `home_at`."""

    port: Port
    left_at: datetime
    home_at: datetime
    bearing_degrees: float
    distance_km: float
    radius_km: float
    cruise_knots: float

    def fix(self, moment: datetime) -> Fix:
        """Return the vessel's position; before it leaves and after it is home it lies in port."""
        if not self.left_at <= moment < self.home_at:
            return Fix(self.port.latitude, self.port.longitude, 0.0, 0.0)
        hours_out = (moment - self.left_at).total_seconds() / 3600
        hours_left = (self.home_at - moment).total_seconds() / 3600
        passage = self.distance_km / (self.cruise_knots * KILOMETRES_PER_KNOT_HOUR)
        if min(hours_out, hours_left) < passage:
            travelled = min(hours_out, hours_left) / passage * self.distance_km
            course = self.bearing_degrees if hours_out <= hours_left else (self.bearing_degrees + 180) % 360
            return self._at(*self._along(travelled), self.cruise_knots, course)
        fishing = (self.home_at - self.left_at).total_seconds() / 3600 - 2 * passage
        turns = max(1, round(FISHING_KNOTS * KILOMETRES_PER_KNOT_HOUR * fishing / (2 * pi * self.radius_km)))
        angle = 2 * pi * turns * (hours_out - passage) / fishing
        east, north = self._along(self.distance_km)
        east, north = east + self.radius_km * (cos(angle) - 1), north + self.radius_km * sin(angle)
        knots = 2 * pi * turns * self.radius_km / fishing / KILOMETRES_PER_KNOT_HOUR
        return self._at(east, north, knots, degrees(atan2(-sin(angle), cos(angle))) % 360, is_fishing=True)

    def _along(self, kilometres: float) -> tuple[float, float]:
        return kilometres * sin(radians(self.bearing_degrees)), kilometres * cos(radians(self.bearing_degrees))

    def _at(self, east: float, north: float, speed: float, course: float, *, is_fishing: bool = False) -> Fix:
        latitude = self.port.latitude + north / KILOMETRES_PER_DEGREE
        width = KILOMETRES_PER_DEGREE * cos(radians(self.port.latitude))
        return Fix(latitude, self.port.longitude + east / width, speed, course, is_fishing)


@dataclass(frozen=True)
class Voyage:
    """A vessel's day: its trip, its reporting interval, and when it is silent (both ends in UTC+7, the end excluded).

    The operator carries its satellite reports; `odd_at` is when its device reports something impossible, once.
    """

    vessel: Vessel
    behaviour: str
    trip: Trip
    interval: timedelta
    offset: timedelta
    silent_from: datetime | None = None
    silent_to: datetime | None = None
    operator_code: str = ""
    operator_silent_from: datetime | None = None
    odd_at: datetime | None = None

    def is_silent(self, moment: datetime) -> bool:
        """Whether the device is silent at a moment."""
        if self.silent_from is None or self.silent_to is None:
            return False
        return self.silent_from <= moment < self.silent_to


BEHAVIOURS = (
    ("in_port", 40),
    ("at_sea", 89),
    ("leaving", 18),
    ("returning", 16),
    ("silent", 12),
    ("manual", 4),
    ("near_boundary", 4),
    ("across_boundary", 3),
    ("expired", 4),
    ("unlisted", 3),
    ("lost", 3),
    ("jumping", 2),
    ("too_fast", 2),
)
"""What the 200 vessels do in the day, and how many of them."""

INTERVALS = (timedelta(hours=2), timedelta(hours=2), timedelta(hours=1), timedelta(minutes=30))
OPERATORS = ("VMS-GL1", "VMS-GL2")
SILENT_OPERATOR = "VMS-GL3"
SILENT_OPERATOR_FROM = timedelta(hours=15)
SILENT_OPERATOR_SHARE = {"in_port": 6, "at_sea": 20}
"""How many vessels of each behaviour report through the operator that falls silent at 15:00."""

STILL_SILENT = 3
"""How many silent vessels have not been heard again by the end of the day."""

LOST_FOR = timedelta(days=11)
KILOMETRES_INSIDE, KILOMETRES_OUTSIDE = 5.0, 6.0
"""Where the vessels near the boundary and across it fish: this far from the line, whose inner margin is 9.3 km (5 NM) wide."""


def plan_voyages(vessels: Iterable[Vessel], boundary: Boundary, day: date, stream: Random) -> list[Voyage]:
    """Draw the day of each vessel.

    A silent vessel is at sea and reports nothing for 6.5 to 14 hours, a lost one for eleven days; a manual one has a broken device and
    reports by other means every six hours (NĐ 37/2024/NĐ-CP); one in port switches its device off, or goes on reporting. One operator
    falls silent with all its vessels, which go on fishing.
    """
    behaviours = [(name, number) for name, count in BEHAVIOURS for number in range(count)]
    start = midnight(day)
    voyages = []
    for vessel, (behaviour, number) in zip(vessels, behaviours, strict=True):
        has_silent_operator = number < SILENT_OPERATOR_SHARE.get(behaviour, 0)
        voyage = _voyage(vessel, behaviour, start, stream)
        if behaviour == "silent" and number < STILL_SILENT:
            silent_from = start + timedelta(hours=stream.uniform(10, 14))
            voyage = replace(voyage, silent_from=silent_from, silent_to=start + timedelta(days=1))
        if behaviour in ("near_boundary", "across_boundary"):
            voyage = _to_the_boundary(voyage, boundary, start, stream)
        voyages.append(
            replace(
                voyage,
                operator_code=SILENT_OPERATOR if has_silent_operator else stream.choice(OPERATORS),
                operator_silent_from=start + SILENT_OPERATOR_FROM if has_silent_operator else None,
            )
        )
    return voyages


def _voyage(vessel: Vessel, behaviour: str, start: datetime, stream: Random) -> Voyage:
    left_at, home_at = (
        start - timedelta(hours=stream.uniform(8, 96)),
        start + timedelta(hours=stream.uniform(30, 96)),
    )
    silent_from = silent_to = odd_at = None
    if behaviour == "in_port":
        left_at = home_at = start + timedelta(days=9)
        if stream.random() < 0.3:
            silent_from, silent_to = start + timedelta(hours=stream.uniform(2, 5)), start + timedelta(days=1)
    elif behaviour == "leaving":
        left_at = start + timedelta(hours=stream.uniform(2, 12))
    elif behaviour == "returning":
        home_at = start + timedelta(hours=stream.uniform(8, 20))
    elif behaviour == "silent":
        silent_from = start + timedelta(hours=stream.uniform(2.5, 9))
        silent_to = silent_from + timedelta(hours=stream.uniform(6.5, 14))
    elif behaviour == "lost":
        left_at = start - LOST_FOR - timedelta(hours=stream.uniform(24, 48))
        silent_from, silent_to = start - LOST_FOR, start + timedelta(days=1)
    elif behaviour in ("jumping", "too_fast"):
        odd_at = start + timedelta(hours=stream.uniform(8, 16))
    return Voyage(
        vessel,
        behaviour,
        Trip(
            port=replace(
                vessel.port,
                latitude=vessel.port.latitude + stream.uniform(-0.005, 0.005),
                longitude=vessel.port.longitude + stream.uniform(-0.005, 0.005),
            ),
            left_at=left_at,
            home_at=home_at,
            bearing_degrees=stream.uniform(30, 75),
            distance_km=stream.uniform(25, 65),
            radius_km=stream.uniform(3, 9),
            cruise_knots=stream.uniform(6.5, 9.5),
        ),
        interval=timedelta(minutes=350) if behaviour == "manual" else stream.choice(INTERVALS),
        offset=timedelta(minutes=stream.randint(3, 24)),
        silent_from=silent_from,
        silent_to=silent_to,
        odd_at=odd_at,
    )


def _to_the_boundary(voyage: Voyage, boundary: Boundary, start: datetime, stream: Random) -> Voyage:
    """Send a vessel due east at night, to fish on one side of the line or the other."""
    port = voyage.trip.port
    width = KILOMETRES_PER_DEGREE * cos(radians(port.latitude))
    to_the_line = (boundary.eastern_longitude(port.latitude) - port.longitude) * width
    beyond = KILOMETRES_OUTSIDE if voyage.behaviour == "across_boundary" else -KILOMETRES_INSIDE
    trip = replace(
        voyage.trip,
        left_at=start - timedelta(hours=stream.uniform(4, 8)),
        home_at=start + timedelta(hours=stream.uniform(40, 60)),
        bearing_degrees=90.0,
        distance_km=to_the_line + beyond,
        radius_km=1.5,
        cruise_knots=9.5,
    )
    return replace(voyage, trip=trip, interval=timedelta(minutes=30))


def full_circle(course_degrees: float) -> int:
    """Round a course to whole degrees, 0 to 359."""
    return round(course_degrees) % 360


def distance_km(first: Fix, second: Fix) -> float:
    """Return the distance of two positions on a flat map: exact to one part in a thousand over 100 km."""
    width = KILOMETRES_PER_DEGREE * cos(radians((first.latitude + second.latitude) / 2))
    return hypot(
        (first.latitude - second.latitude) * KILOMETRES_PER_DEGREE, (first.longitude - second.longitude) * width
    )
