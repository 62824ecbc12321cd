"""The fault switch: which faults are injected into which feed, how often, and the record of each.

A fault affects one item of a feed (a station's five-minute slot, a poll, a version of a case, a position, a message), and no item has
two, so that each has one outcome that can be predicted. What a city does without any injected fault - a status
01, a vessel that falls silent, a poll that repeats the last reading - is no fault and belongs to the truth.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from random import Random
from typing import TypeVar

from core.errors import ConfigurationError, UnknownNameError

Item = TypeVar("Item")

READINGS = "environment.station_readings"
RIVERS = "environment.river_levels"
FEEDBACK = "feedback.requests"
VMS = "fisheries.vms_positions"
AIS = "fisheries.ais_messages"
REGISTRY = "fisheries.vessels"
CLAIMS = "health.claims"
DISEASES = "health.disease_cases"
SCHOOLS = "education.schools"
CLASSES = "education.classes"
STUDENTS = "education.students"
ATTENDANCE = "education.attendance"
DOSSIERS = "public_services.dossiers"
RATINGS = "public_services.ratings"
CALLS = "hotline.calls"
WARNINGS = "warnings.messages"
INCIDENTS = "security.incidents"
PRESS = "press.articles"
FLOWS = "traffic.flows"
ACCIDENTS = "traffic.accidents"
CLOSURES = "traffic.closures"
ALERTS = "cyber.alerts"
INDICATORS = "cyber.indicators"
RAIN = "water.rain"
RESERVOIRS = "water.reservoirs"
SLOPES = "water.landslide_sensors"


class FaultKind(StrEnum):
    """What can go wrong; the comment says what must become of it."""

    MISSING_SLOT = "missing_slot"  # nothing is sent: missing from the marts
    LATE = "late"  # sent with or after later items: accepted
    DUPLICATE = "duplicate"  # the same record twice: once accepted, once duplicate
    DUPLICATE_FILE = "duplicate_file"  # the same bytes again, under another name: every record a duplicate
    CONFLICT = "conflict"  # the same key and version with another content, later: quarantined, group 3
    MALFORMED = "malformed"  # not of the declared form: quarantined, group 4
    TRUNCATED = "truncated"  # the file ends in the middle of its last record: that record quarantined, group 4
    WRONG_ENCODING = "wrong_encoding"  # bytes that are not UTF-8: quarantined, group 4
    EMPTY_FILE = "empty_file"  # a file without a byte: missing from the marts
    MISSING_VALUE = "missing_value"  # a required field is empty: quarantined, group 1
    WRONG_UNIT = "wrong_unit"  # right number, wrong unit, so outside the limits: quarantined, group 2
    OUT_OF_RANGE = "out_of_range"  # beyond what is possible: quarantined, group 2
    SWAPPED_COORDINATES = "swapped_coordinates"  # latitude and longitude exchanged: quarantined, group 2
    UNKNOWN_CODE = "unknown_code"  # a station, agency or commune that no list has: quarantined, group 5
    UNKNOWN_PARAMETER = "unknown_parameter"  # a symbol that no list has: quarantined, group 5
    UNKNOWN_UNIT = "unknown_unit"  # a unit that no list has: quarantined, group 5
    BAD_WEEK = "bad_week"  # a week that its year does not have: quarantined, group 2
    WRONG_ORDER = "wrong_order"  # changed before it was sent: quarantined, group 6
    FUTURE_TIME = "future_time"  # ten years too late: quarantined, group 6
    STUCK_SENSOR = "stuck_sensor"  # fourteen identical values in a row: accepted, suspicious
    BAD_CHECKSUM = "bad_checksum"  # a sentence damaged on its way: quarantined, group 4
    ORPHAN_FRAGMENT = "orphan_fragment"  # one half of a message: quarantined, group 4
    BAD_BASE64 = "bad_base64"  # an inner file that cannot be decoded: quarantined, group 4
    ORPHAN_LINES = "orphan_lines"  # files of a claim without its summary: quarantined, group 5
    WRONG_SUM = "wrong_sum"  # a total that is not the sum of its parts: the record with the total quarantined, group 6
    WRONG_COUNT = (
        "wrong_count"  # a message states another number of claims than it holds: the count quarantined, group 6
    )
    RESEND = "resend"  # a claim sent again a day later with another content: accepted, replaces the earlier one
    HEADER_MOVED = "header_moved"  # the header of a workbook in row 7: accepted
    HEADER_MISSPELT = "header_misspelt"  # letters of a header doubled: accepted, reported in the ledger
    HEADER_REPEATED = "header_repeated"  # the header again every twenty rows: accepted
    EXCEL_SERIAL = "excel_serial"  # a date as the number of its day: accepted
    UNKNOWN_STATUS = "unknown_status"  # a state of a pupil that is none of the twelve: quarantined, group 5
    OLD_IDENTITY = "old_identity"  # a citizen's number of nine digits: quarantined, group 4
    NO_END = "no_end"  # finished, without saying when: quarantined, group 6
    NO_REFERENCE = "no_reference"  # a cancel that does not say of what: quarantined, group 6
    ENTITY_ATTACK = "entity_attack"  # XML with a DTD: the delivery quarantined whole, group 4
    BROKEN_DOCUMENT = "broken_document"  # XML that ends in the middle: quarantined whole, group 4


ERROR_GROUPS: Mapping[FaultKind, int] = {
    FaultKind.MISSING_VALUE: 1,
    FaultKind.WRONG_UNIT: 2,
    FaultKind.OUT_OF_RANGE: 2,
    FaultKind.SWAPPED_COORDINATES: 2,
    FaultKind.BAD_WEEK: 2,
    FaultKind.CONFLICT: 3,
    FaultKind.MALFORMED: 4,
    FaultKind.TRUNCATED: 4,
    FaultKind.WRONG_ENCODING: 4,
    FaultKind.BAD_CHECKSUM: 4,
    FaultKind.ORPHAN_FRAGMENT: 4,
    FaultKind.BAD_BASE64: 4,
    FaultKind.OLD_IDENTITY: 4,
    FaultKind.BROKEN_DOCUMENT: 4,
    FaultKind.ENTITY_ATTACK: 4,
    FaultKind.NO_END: 6,
    FaultKind.NO_REFERENCE: 6,
    FaultKind.UNKNOWN_CODE: 5,
    FaultKind.ORPHAN_LINES: 5,
    FaultKind.WRONG_SUM: 6,
    FaultKind.WRONG_COUNT: 6,
    FaultKind.UNKNOWN_PARAMETER: 5,
    FaultKind.UNKNOWN_UNIT: 5,
    FaultKind.UNKNOWN_STATUS: 5,
    FaultKind.WRONG_ORDER: 6,
    FaultKind.FUTURE_TIME: 6,
}
"""Error group of what is quarantined, by the letter 4856/BCA-TTDLQG."""

DEMO_COUNTS: Mapping[str, Mapping[str, int]] = {
    READINGS: {
        "missing_slot": 25,
        "late": 8,
        "duplicate": 10,
        "duplicate_file": 6,
        "conflict": 4,
        "malformed": 10,
        "truncated": 4,
        "wrong_encoding": 3,
        "empty_file": 2,
        "wrong_unit": 6,
        "out_of_range": 6,
        "unknown_code": 3,
        "unknown_parameter": 4,
        "unknown_unit": 4,
        "future_time": 4,
        "stuck_sensor": 2,
    },
    RIVERS: {"missing_slot": 3, "malformed": 2, "missing_value": 2, "out_of_range": 2, "future_time": 1},
    FEEDBACK: {
        "late": 4,
        "duplicate": 6,
        "conflict": 3,
        "malformed": 4,
        "missing_value": 3,
        "out_of_range": 2,
        "swapped_coordinates": 5,
        "unknown_code": 5,
        "wrong_order": 3,
        "future_time": 2,
    },
    VMS: {
        "missing_slot": 12,
        "late": 10,
        "duplicate": 8,
        "conflict": 3,
        "malformed": 6,
        "missing_value": 3,
        "swapped_coordinates": 4,
        "future_time": 3,
    },
    CLAIMS: {
        "duplicate": 3,
        "malformed": 2,
        "missing_value": 3,
        "unknown_code": 2,
        "wrong_order": 2,
        "bad_base64": 3,
        "orphan_lines": 3,
        "wrong_sum": 3,
        "wrong_count": 2,
        "resend": 4,
    },
    SCHOOLS: {"header_moved": 1, "duplicate": 1, "malformed": 1, "missing_value": 1, "unknown_code": 1},
    CLASSES: {"header_misspelt": 1, "duplicate": 2, "malformed": 2, "missing_value": 2, "unknown_code": 2},
    STUDENTS: {
        "header_moved": 2,
        "header_misspelt": 2,
        "header_repeated": 2,
        "excel_serial": 40,
        "duplicate": 8,
        "conflict": 4,
        "malformed": 8,
        "missing_value": 6,
        "unknown_code": 5,
        "unknown_status": 6,
    },
    ATTENDANCE: {
        "header_moved": 1,
        "header_repeated": 1,
        "excel_serial": 20,
        "duplicate": 4,
        "malformed": 4,
        "missing_value": 4,
        "unknown_code": 3,
        "wrong_sum": 6,
    },
    AIS: {"missing_slot": 20, "late": 10, "duplicate": 12, "bad_checksum": 12, "orphan_fragment": 5, "future_time": 4},
    REGISTRY: {
        "duplicate": 4,
        "conflict": 2,
        "malformed": 4,
        "missing_value": 3,
        "out_of_range": 2,
        "unknown_code": 3,
    },
    DISEASES: {
        "duplicate": 6,
        "conflict": 4,
        "malformed": 3,
        "missing_value": 4,
        "out_of_range": 3,
        "bad_week": 2,
        "unknown_code": 4,
        "unknown_parameter": 3,
        "wrong_order": 3,
        "future_time": 2,
    },
    DOSSIERS: {
        "late": 5,
        "duplicate": 12,
        "conflict": 5,
        "malformed": 6,
        "missing_value": 5,
        "unknown_code": 6,
        "old_identity": 8,
        "wrong_order": 6,
        "no_end": 5,
        "future_time": 4,
    },
    RATINGS: {
        "duplicate": 4,
        "conflict": 3,
        "malformed": 4,
        "missing_value": 3,
        "out_of_range": 3,
        "unknown_code": 3,
        "future_time": 2,
    },
    CALLS: {
        "duplicate": 4,
        "conflict": 3,
        "malformed": 3,
        "missing_value": 3,
        "out_of_range": 3,
        "unknown_code": 3,
        "wrong_order": 3,
        "future_time": 2,
    },
    WARNINGS: {
        "duplicate": 1,
        "conflict": 1,
        "malformed": 1,
        "missing_value": 1,
        "swapped_coordinates": 1,
        "unknown_code": 1,
        "wrong_order": 1,
        "future_time": 1,
        "no_reference": 1,
        "entity_attack": 1,
    },
    INCIDENTS: {
        "duplicate": 5,
        "conflict": 3,
        "malformed": 3,
        "missing_value": 3,
        "out_of_range": 3,
        "unknown_code": 3,
        "wrong_order": 3,
        "future_time": 2,
    },
    FLOWS: {
        "duplicate": 6,
        "conflict": 3,
        "malformed": 3,
        "missing_value": 3,
        "out_of_range": 3,
        "unknown_code": 3,
        "future_time": 2,
    },
    ACCIDENTS: {
        "duplicate": 3,
        "conflict": 2,
        "malformed": 2,
        "missing_value": 2,
        "out_of_range": 2,
        "unknown_code": 2,
        "wrong_order": 2,
        "future_time": 1,
    },
    CLOSURES: {
        "duplicate": 1,
        "conflict": 1,
        "missing_value": 1,
        "unknown_code": 1,
        "wrong_order": 1,
    },
    PRESS: {
        "duplicate": 5,
        "conflict": 3,
        "malformed": 3,
        "missing_value": 3,
        "future_time": 2,
        "broken_document": 2,
        "entity_attack": 1,
    },
    ALERTS: {"duplicate": 5, "conflict": 3, "malformed": 4, "missing_value": 3, "unknown_code": 3, "future_time": 2},
    INDICATORS: {"duplicate": 2, "conflict": 1, "malformed": 2, "missing_value": 2, "wrong_order": 2, "future_time": 1},
    RAIN: {
        "duplicate": 4,
        "conflict": 3,
        "malformed": 2,
        "missing_value": 2,
        "out_of_range": 2,
        "unknown_code": 2,
        "future_time": 2,
    },
    RESERVOIRS: {
        "duplicate": 3,
        "conflict": 2,
        "malformed": 2,
        "missing_value": 2,
        "out_of_range": 2,
        "unknown_code": 2,
    },
    SLOPES: {
        "duplicate": 2,
        "conflict": 1,
        "malformed": 1,
        "missing_value": 1,
        "out_of_range": 1,
        "unknown_code": 1,
        "future_time": 1,
    },
}
"""Faults of the demonstration, by feed: every kind that a feed can have."""


@dataclass(frozen=True)
class FaultProfile:
    """How often each fault is injected: (feed, fault, count), no pair twice."""

    counts: tuple[tuple[str, FaultKind, int], ...]

    def __post_init__(self) -> None:
        pairs = [(feed, fault) for feed, fault, _ in self.counts]
        if len(set(pairs)) != len(pairs) or any(count < 0 for _, _, count in self.counts):
            raise ConfigurationError(
                "faults: expected each pair of feed and fault once, with a count of 0 or more, got others"
            )

    def of(self, feed: str) -> tuple[tuple[FaultKind, int], ...]:
        """Return the faults of one feed with their counts."""
        return tuple((fault, count) for name, fault, count in self.counts if name == feed)


@dataclass(frozen=True)
class Fault:
    """One injected fault. `error_group` is None if nothing is quarantined; `records` counts the records with this `outcome`."""

    feed: str
    fault: FaultKind
    object_id: str
    event_at: datetime
    source_name: str
    outcome: str
    error_group: int | None
    records: int


NO_FAULTS = FaultProfile(())
DEMO_FAULTS = FaultProfile(
    tuple((feed, FaultKind(fault), count) for feed, counts in DEMO_COUNTS.items() for fault, count in counts.items())
)


def fault_profile(text: str) -> FaultProfile:
    """Read a fault switch: `none`, `demo` (all kinds), or some kinds separated by commas, as often as in the demonstration.

    Raises UnknownNameError for a kind that does not exist.
    """
    if text == "none":
        return NO_FAULTS
    if text == "demo":
        return DEMO_FAULTS
    wanted = {name.strip() for name in text.split(",")}
    unknown = sorted(wanted - set(FaultKind))
    if unknown:
        raise UnknownNameError(
            f"faults: expected none, demo or some of {', '.join(FaultKind)}, got {', '.join(unknown)}; correct the names",
            faults=unknown,
        )
    return FaultProfile(tuple(entry for entry in DEMO_FAULTS.counts if entry[1] in wanted))


def deal_faults(
    profile: FaultProfile,
    feed: str,
    items: Sequence[Item],
    can_have: Callable[[Item, FaultKind], bool],
    stream: Random,
) -> dict[int, FaultKind]:
    """Choose the items of a feed that get a fault: index to fault, at most one each.

    Raises ConfigurationError if a fault is asked for more often than there are items that can have it.
    """
    dealt: dict[int, FaultKind] = {}
    for fault, count in profile.of(feed):
        free = [index for index, item in enumerate(items) if index not in dealt and can_have(item, fault)]
        if count > len(free):
            raise ConfigurationError(
                f"{feed}: expected {count} items that can have {fault}, got {len(free)}; ask for fewer"
            )
        dealt.update((index, fault) for index in stream.sample(free, count))
    return dealt
