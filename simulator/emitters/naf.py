"""The satellite operator's day: hourly files of NAF messages, one a line, `//SR//…//ER//` (UTC, speed in knots times ten).

Devices differ without being faulty: the order of keys varies, some messages carry no speed and course, vessels with a broken
device report by hand (`TM/MAN`). A vessel that falls silent, or all those of one operator at once, or a device that reports an impossible
position or speed once are events of the day, not faults. The last reports of the lost vessels are in files of that earlier day.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random

from simulator.chance import chance
from simulator.faults import VMS, FaultKind, FaultProfile, deal_faults
from simulator.local_time import FUTURE, LOCAL, in_utc, midnight
from simulator.truth import Books, Emission
from simulator.vessel_tracks import Fix, Voyage, full_circle

JUMP_DEGREES = 3.0
IMPOSSIBLE_KNOTS = 31.0
LAST_REPORTS = tuple(timedelta(hours=hours) for hours in (4, 2, 0))
"""How long before it fell silent a lost vessel last reported."""
SILENCE = timedelta(hours=6)
ORDERS = (
    ("TM", "FS", "RC", "NA", "XR", "DA", "TI", "LT", "LG", "SP", "CO"),
    ("FS", "NA", "RC", "XR", "DA", "TI", "LT", "LG", "SP", "CO", "TM"),
    ("TM", "NA", "RC", "FS", "XR", "IR", "DA", "TI", "LT", "LG", "SP", "CO", "FR"),
)


@dataclass(frozen=True)
class Report:
    """One position of one vessel; its file is that of the local `day` and `hour`."""

    voyage: Voyage
    number: int
    fixed_at: datetime
    day: date
    hour: int
    fix: Fix
    has_speed: bool

    @property
    def is_manual(self) -> bool:
        """Whether the crew reported it by hand."""
        return self.voyage.behaviour == "manual"

    def fields(self) -> dict[str, str]:
        """Return the message's fields in the device's own order."""
        vessel, moment = self.voyage.vessel, self.fixed_at.astimezone(UTC)
        values = {
            "TM": "MAN" if self.is_manual else "POS",
            "FS": "VNM",
            "FR": "VNM",
            "RC": vessel.call_sign,
            "NA": vessel.vessel_name,
            "XR": vessel.vessel_id,
            "IR": f"VNM{vessel.mmsi}",
            "DA": f"{moment:%Y%m%d}",
            "TI": f"{moment:%H%M}",
            "LT": f"{self.fix.latitude:+.3f}",
            "LG": f"{self.fix.longitude:+.3f}",
            "SP": str(round(self.fix.speed_knots * 10)),
            "CO": str(full_circle(self.fix.course_degrees)),
        }
        missing = () if self.has_speed else ("SP", "CO")
        order = ORDERS[int(vessel.mmsi) % len(ORDERS)]
        return {key: values[key] for key in order if key not in missing}

    @property
    def text(self) -> str:
        """The message without its line end."""
        return _message(self.fields())

    def row(self) -> tuple[object, ...]:
        """Return the row of the truth: numbers as they are on the wire."""
        speed = round(self.fix.speed_knots * 10) / 10 if self.has_speed else None
        course = float(full_circle(self.fix.course_degrees)) if self.has_speed else None
        position = (float(f"{self.fix.latitude:.3f}"), float(f"{self.fix.longitude:.3f}"))
        kind = "MAN" if self.is_manual else "POS"
        return (self.voyage.vessel.vessel_id, in_utc(self.fixed_at), kind, *position, speed, course)


def emit_vms(voyages: list[Voyage], day: date, seed: int, profile: FaultProfile, folder: Path) -> Emission:
    """Write the day's files into a folder that the caller has made."""
    stream = chance(seed, "vms/reports")
    reports = sorted(
        (report for voyage in voyages for report in _reports(voyage, day, stream)),
        key=lambda report: (report.day, report.hour, report.fixed_at, report.voyage.vessel.vessel_id),
    )
    faults = chance(seed, "vms/faults")
    dealt = deal_faults(
        profile, VMS, reports, lambda report, fault: report.day == day and _can_have(report, fault), faults
    )
    books = Books(VMS)
    rows: list[tuple[object, ...]] = []
    files: dict[tuple[date, int], list[str]] = {(day, hour): [] for hour in range(24)}
    for index, report in enumerate(reports):
        fault = dealt.get(index)
        hour = min(report.hour + faults.randint(2, 8), 23) if fault == FaultKind.LATE else report.hour
        lines = _lines(report, fault, index)
        files.setdefault((report.day, hour), []).extend(lines)
        if fault is None or fault in (FaultKind.LATE, FaultKind.DUPLICATE, FaultKind.CONFLICT):
            rows.append(report.row())
            books.accept()
        if fault is not None:
            outcome = _enter(books, fault)
            vessel, records = report.voyage.vessel.vessel_id, int(outcome != "missing")
            name = _name(report.day, hour)
            books.note(fault, vessel, in_utc(report.fixed_at), name, outcome=outcome, records=records)
    for (of_day, hour), messages in files.items():
        (folder / _name(of_day, hour)).write_text(
            "".join(f"{line}\n" for line in messages), encoding="utf-8", newline=""
        )
        books.deliver()
    return Emission(books, {"vms_positions": rows, "vessel_events": _events(voyages), "vessel_gaps": _gaps(rows)})


def _enter(books: Books, fault: FaultKind) -> str:
    match fault:
        case FaultKind.MISSING_SLOT:
            return "missing"
        case FaultKind.LATE:
            return "accepted"
        case FaultKind.DUPLICATE:
            books.repeat()
            return "duplicate"
        case _:
            books.quarantine(fault)
            return "quarantined"


def _lines(report: Report, fault: FaultKind | None, index: int) -> list[str]:
    fields, lines = report.fields(), [report.text]
    match fault:
        case FaultKind.MISSING_SLOT:
            lines = []
        case FaultKind.DUPLICATE:
            lines = [*lines, *lines]
        case FaultKind.CONFLICT:
            moved = replace(report, fix=replace(report.fix, latitude=report.fix.latitude + 0.2))
            lines = [*lines, moved.text]
        case FaultKind.MALFORMED:
            lines = [report.text.removesuffix("//ER//") if index % 2 else _message({**fields, "LT": "LOL"})]
        case FaultKind.MISSING_VALUE:
            lines = [_message({key: value for key, value in fields.items() if key != "TI"})]
        case FaultKind.SWAPPED_COORDINATES:
            lines = [_message({**fields, "LT": fields["LG"], "LG": fields["LT"]})]
        case FaultKind.FUTURE_TIME:
            lines = [replace(report, fixed_at=report.fixed_at + FUTURE).text]
    return lines


def _reports(voyage: Voyage, day: date, stream: Random) -> list[Report]:
    start, reports = midnight(day), _last_reports(voyage)
    moment, number, odd_at = start + voyage.offset, 0, voyage.odd_at
    while moment < start + timedelta(days=1):
        fixed_at = moment + timedelta(minutes=stream.randint(0, 3))
        sent_at = fixed_at + timedelta(minutes=stream.randint(1, 9))
        has_speed = stream.random() > 0.03
        if fixed_at < start + timedelta(days=1) and not _is_silent(voyage, fixed_at):
            hour = 23 if sent_at >= start + timedelta(days=1) else sent_at.astimezone(LOCAL).hour
            fix = voyage.trip.fix(fixed_at)
            if odd_at is not None and fixed_at >= odd_at:
                fix, has_speed, odd_at = _impossible(voyage, fix), True, None
            reports.append(Report(voyage, number, fixed_at, day, hour, fix, has_speed))
        moment, number = moment + voyage.interval, number + 1
    return reports


def _is_silent(voyage: Voyage, moment: datetime) -> bool:
    lost_operator = voyage.operator_silent_from is not None and moment >= voyage.operator_silent_from
    return lost_operator or voyage.is_silent(moment)


def _impossible(voyage: Voyage, fix: Fix) -> Fix:
    if voyage.behaviour == "jumping":
        return replace(fix, latitude=fix.latitude + JUMP_DEGREES)
    return replace(fix, speed_knots=IMPOSSIBLE_KNOTS)


def _last_reports(voyage: Voyage) -> list[Report]:
    """Return what a vessel reported before it was lost, in files of that day."""
    if voyage.behaviour != "lost" or voyage.silent_from is None:
        return []
    moments = [voyage.silent_from.replace(second=0, microsecond=0) - before for before in LAST_REPORTS]
    return [
        Report(voyage, number, moment, moment.date(), moment.hour, voyage.trip.fix(moment), has_speed=True)
        for number, moment in enumerate(moments, -len(moments))
    ]


def _events(voyages: list[Voyage]) -> list[tuple[object, ...]]:
    """Return what the vessels did: silences, journeys, reports by hand, and everything that must raise an alert."""
    names = {"silent": "silent_at_sea", "in_port": "device_off_in_port", "lost": "lost_at_sea"}
    rows: list[tuple[object, ...]] = []
    alerts = {
        "near_boundary": "near_boundary",
        "across_boundary": "across_boundary",
        "expired": "licence_expired_at_sea",
        "unlisted": "unknown_vessel",
        "jumping": "teleport",
        "too_fast": "speed_outlier",
    }
    for voyage in voyages:
        vessel, trip = voyage.vessel.vessel_id, voyage.trip
        if voyage.silent_from is not None and voyage.silent_to is not None:
            rows.append((vessel, names[voyage.behaviour], in_utc(voyage.silent_from), in_utc(voyage.silent_to)))
        if voyage.behaviour != "in_port":
            rows.append((vessel, "journey", in_utc(trip.left_at), in_utc(trip.home_at)))
        if voyage.behaviour in alerts:
            since = voyage.odd_at or trip.left_at
            rows.append((vessel, alerts[voyage.behaviour], in_utc(since), in_utc(trip.home_at)))
        if voyage.operator_silent_from is not None:
            rows.append((vessel, "operator_silent", in_utc(voyage.operator_silent_from), in_utc(trip.home_at)))
        if voyage.behaviour == "manual":
            rows.append((vessel, "reports_by_hand", in_utc(trip.left_at), in_utc(trip.home_at)))
    return rows


def _gaps(rows: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """Return every pair of consecutive fixes of a vessel more than six hours apart."""
    fixes: dict[str, list[datetime]] = {}
    for vessel, fixed_at, *_ in rows:
        if isinstance(vessel, str) and isinstance(fixed_at, datetime):
            fixes.setdefault(vessel, []).append(fixed_at)
    return [
        (vessel, before, after, (after - before).total_seconds() / 3600)
        for vessel, moments in sorted(fixes.items())
        for before, after in pairwise(sorted(moments))
        if after - before > SILENCE
    ]


def _can_have(report: Report, fault: FaultKind) -> bool:
    return fault != FaultKind.LATE or report.hour < 20


def _message(fields: dict[str, str]) -> str:
    return "//SR" + "".join(f"//{key}/{value}" for key, value in fields.items()) + "//ER//"


def _name(day: date, hour: int) -> str:
    return f"vms_{day:%Y%m%d}_{hour:02d}.naf"
