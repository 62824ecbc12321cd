"""The citizens' days: 300 cases and every version of them, as an Open311 server (GeoReport v2) serves them.

The server lists each change of a case (`simulator/server.py` cuts windows and pages from them), so what is collected does not depend
on how often one asks. A version becomes visible when it is made, or later if it is `late`. Some first versions carry no
`updated_datetime`, as many real servers leave it out. Texts and telephone numbers are invented.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import TypedDict

from simulator.chance import chance
from simulator.emitters.server_book import write_book
from simulator.entities import Agency, City
from simulator.faults import FEEDBACK, FaultKind, FaultProfile, deal_faults
from simulator.local_time import FUTURE, in_utc, midnight
from simulator.truth import Books, Emission

CASES = 300
SILENT_AGENCIES = 9
"""How many of the agencies have no case at all."""

DAYS_BEFORE = 8
"""How many days before the simulated one the first case was sent, at most."""

FILE = "requests.json"
CHANNELS = ("app", "web", "hotline", "zalo")
SCENES = (
    "Rác tồn đọng đầu hẻm",
    "Đèn đường không sáng",
    "Ổ gà trên mặt đường",
    "Lấn chiếm vỉa hè",
    "Cống thoát nước bị tắc",
)


class Wire(TypedDict):
    """One request as GeoReport v2 writes it; `ext` holds what the city adds."""

    service_request_id: str
    status: str
    status_notes: str | None
    service_code: str
    service_name: str
    description: str
    agency_responsible: str
    service_notice: str
    requested_datetime: str
    updated_datetime: str | None
    expected_datetime: str | None
    address: str
    address_id: None
    zipcode: None
    lat: float
    long: float
    media_url: str | None
    ext: dict[str, str | int | None]


@dataclass(frozen=True)
class Version:
    """One version of one case. `has_updated` is false if the source leaves `updated_datetime` out."""

    case_id: str
    changed_at: datetime
    status: str
    notes: str | None
    agency: Agency
    commune_code: str
    service: tuple[str, str]
    description: str
    requested_at: datetime
    expected_at: datetime | None
    address: str
    latitude: float
    longitude: float
    channel: str
    rating: int | None
    has_updated: bool = True

    def wire(self) -> Wire:
        """Return the version as the server sends it."""
        return {
            "service_request_id": self.case_id,
            "status": self.status,
            "status_notes": self.notes,
            "service_code": self.service[0],
            "service_name": self.service[1],
            "description": self.description,
            "agency_responsible": self.agency.agency_name,
            "service_notice": "",
            "requested_datetime": self.requested_at.isoformat(),
            "updated_datetime": self.changed_at.isoformat() if self.has_updated else None,
            "expected_datetime": self.expected_at.isoformat() if self.expected_at else None,
            "address": self.address,
            "address_id": None,
            "zipcode": None,
            "lat": self.latitude,
            "long": self.longitude,
            "media_url": None,
            "ext": {
                "ma_xa": self.commune_code,
                "ma_co_quan": self.agency.agency_code,
                "luong": "co_thoi_gian" if self.expected_at else "tuc_thoi",
                "kenh": self.channel,
                "hai_long": self.rating,
            },
        }


def emit_feedback(city: City, day: date, seed: int, profile: FaultProfile, folder: Path) -> Emission:
    """Write the server's book, sorted by time of change, into a folder that the caller has made."""
    stream = chance(seed, "feedback/cases")
    versions = sorted(
        (version for number in range(CASES) for version in _versions(city, day, number, _busy(city, seed), stream)),
        key=lambda version: (version.changed_at, version.case_id),
    )
    faults = chance(seed, "feedback/faults")
    dealt = deal_faults(profile, FEEDBACK, versions, lambda version, fault: _can_have(version, fault, day), faults)
    books = Books(FEEDBACK)
    accepted = write_book(
        folder / FILE,
        versions,
        dealt,
        books,
        faults,
        entry_key="request",
        wires=_wires,
        id_of=lambda version: version.case_id,
    )
    versions_told = [_version_row(version) for version in accepted]
    return Emission(books, {"feedback_versions": versions_told, "feedback_cases": list(_cases(accepted))})


def _wires(version: Version, fault: FaultKind | None) -> list[Wire]:
    wire, again = version.wire(), version.wire()
    match fault:
        case FaultKind.DUPLICATE:
            return [wire, again]
        case FaultKind.CONFLICT:
            again["status_notes"] = "Ghi chú khác cho cùng một lần cập nhật"
            return [wire, again]
        case FaultKind.MALFORMED:
            wire["requested_datetime"] = f"{version.requested_at:%Y-%m-%dT%H:%M:%S}"
        case FaultKind.MISSING_VALUE:
            wire["ext"]["ma_co_quan"] = None
        case FaultKind.UNKNOWN_CODE:
            wire["ext"]["ma_co_quan"] = version.agency.agency_code.replace(".H57", ".H75")
        case FaultKind.SWAPPED_COORDINATES:
            wire["lat"], wire["long"] = wire["long"], wire["lat"]
        case FaultKind.OUT_OF_RANGE:
            wire["ext"]["hai_long"] = 9
        case FaultKind.WRONG_ORDER:
            wire["updated_datetime"] = (version.requested_at - timedelta(hours=1)).isoformat()
        case FaultKind.FUTURE_TIME:
            wire["updated_datetime"] = (version.changed_at + FUTURE).isoformat()
    return [wire]


def _can_have(version: Version, fault: FaultKind, day: date) -> bool:
    if fault == FaultKind.LATE:
        return midnight(day) <= version.changed_at < midnight(day) + timedelta(hours=22)
    return True


def _busy(city: City, seed: int) -> list[tuple[Agency, float]]:
    """Draw the agencies that have cases, and how often."""
    stream = chance(seed, "feedback/agencies")
    silent = set(stream.sample(range(len(city.agencies)), SILENT_AGENCIES))
    return [(agency, stream.uniform(0.2, 3)) for index, agency in enumerate(city.agencies) if index not in silent]


def _versions(
    city: City, day: date, number: int, busy: list[tuple[Agency, float]], stream: Random
) -> Iterator[Version]:
    end = midnight(day) + timedelta(days=1)
    hours_ago = min(stream.expovariate(1 / 40), DAYS_BEFORE * 24.0) + 0.05
    sent_at = (end - timedelta(hours=hours_ago)).replace(microsecond=0)
    agency, other = stream.choices([name for name, _ in busy], [weight for _, weight in busy], k=2)
    commune = stream.choice(city.communes)
    topic = stream.choice(city.topics)
    days_to_answer = stream.choice((1, 2, 3, 7, None))
    first = Version(
        case_id=f"PAHT-{day:%Y}-{number + 1:07d}",
        changed_at=sent_at,
        status="open",
        notes=None,
        agency=agency,
        commune_code=commune.commune_code,
        service=(topic.service_code, topic.service_name),
        description=f"{stream.choice(SCENES)}, liên hệ 0900 000 {number:03d}",
        requested_at=sent_at,
        expected_at=sent_at + timedelta(days=days_to_answer) if days_to_answer else None,
        address=f"Số {stream.randint(1, 300)}, {commune.commune_name}",
        latitude=round(commune.latitude + stream.uniform(-0.02, 0.02), 6),
        longitude=round(commune.longitude + stream.uniform(-0.02, 0.02), 6),
        channel=stream.choice(CHANNELS),
        rating=None,
        has_updated=stream.random() > 0.3,
    )
    history = [first]
    received = first.changed_at + timedelta(minutes=stream.randint(5, 300))
    history.append(
        replace(first, changed_at=received, status="assigned", notes="Đã chuyển cơ quan xử lý", has_updated=True)
    )
    if stream.random() < 0.15:
        moved = history[-1].changed_at + timedelta(minutes=stream.randint(20, 400))
        history.append(replace(history[-1], changed_at=moved, agency=other, notes="Chuyển lại đúng thẩm quyền"))
    if stream.random() < 0.4:
        begun = history[-1].changed_at + timedelta(minutes=stream.randint(10, 600))
        history.append(replace(history[-1], changed_at=begun, status="in_progress", notes="Đang xử lý"))
    closed = history[-1].changed_at + timedelta(minutes=round(stream.expovariate(1 / 1200)) + 15)
    history.append(replace(history[-1], changed_at=closed, status="closed", notes="Đã xử lý xong"))
    if stream.random() < 0.5:
        rated = closed + timedelta(minutes=stream.randint(30, 900))
        history.append(replace(history[-1], changed_at=rated, rating=stream.choices(range(1, 6), (1, 1, 2, 10, 12))[0]))
    return (version for version in history if version.changed_at < end)


def _version_row(version: Version) -> tuple[object, ...]:
    return (version.case_id, in_utc(version.changed_at), version.status, version.agency.agency_code)


def _cases(versions: list[Version]) -> Iterator[tuple[object, ...]]:
    """Yield the current version of each case.

    `closed_by_at` is the time of the first reported version that closed it. A later rating does not move it; if only a rated
    version was reported, the time of the closing itself, `closed_at`, is not known.
    """
    history: dict[str, list[Version]] = {}
    for version in versions:
        history.setdefault(version.case_id, []).append(version)
    for case_id, own in sorted(history.items()):
        current = own[-1]
        still_closed = len(own)
        while still_closed and own[still_closed - 1].status == "closed":
            still_closed -= 1
        closing = own[still_closed] if still_closed < len(own) else None
        closed_by_at = in_utc(closing.changed_at) if closing else None
        yield (
            case_id,
            current.agency.agency_code,
            current.commune_code,
            current.service[0],
            current.status,
            in_utc(current.requested_at),
            in_utc(current.changed_at),
            in_utc(current.expected_at) if current.expected_at else None,
            closed_by_at if closing and closing.rating is None else None,
            closed_by_at,
            current.rating,
            current.latitude,
            current.longitude,
        )
