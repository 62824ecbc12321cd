"""The day's warnings in CAP 1.2: fires, floods, landslides and storms, each message a file.

A warning is issued, some are updated, once or twice, and some cancelled, by a message that names the last or only the first of the chain.
Exercises, tests and messages for some are no faults: they are accepted and must not show. Every fourth warning tells its area by a
square round the commune's centre and not by the commune's code. No warning is real.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from xml.etree.ElementTree import Element, SubElement, tostring

from simulator.chance import chance
from simulator.entities import City, Commune
from simulator.faults import WARNINGS, FaultKind, FaultProfile, deal_faults
from simulator.local_time import FUTURE, in_utc, midnight
from simulator.truth import Books, Emission

NAMESPACE, ATOM = "urn:oasis:names:tc:emergency:cap:1.2", "http://www.w3.org/2005/Atom"
SENDER = "canhbao@giap.example"
HAZARDS = (("Cháy rừng", "Fire"), ("Lũ, ngập lụt", "Met"), ("Sạt lở đất", "Geo"), ("Dông, lốc, sét", "Met"))
SEVERITIES = {1: "Minor", 2: "Moderate", 3: "Severe", 4: "Extreme", None: "Unknown"}
WARNINGS_A_DAY = 36
HALF_SQUARE_DEGREES = 0.004
OTHER_STATES = (
    ("Exercise", "Public"),
    ("Test", "Public"),
    ("System", "Public"),
    ("Draft", "Public"),
    ("Actual", "Restricted"),
    ("Actual", "Private"),
)
"""Status and scope of every sixth warning."""
ATTACK = '<!DOCTYPE alert [<!ENTITY file SYSTEM "file:///etc/passwd">]>\n'
BOTH = (FaultKind.DUPLICATE, FaultKind.CONFLICT)


@dataclass(frozen=True)
class Warned:
    """One message; `follows` are the messages that it names."""

    identifier: str
    sent_at: datetime
    type_code: str
    event: str
    category: str
    level: int | None
    communes: tuple[Commune, ...]
    is_by_polygon: bool
    onset_at: datetime
    expires_at: datetime
    status: str = "Actual"
    scope: str = "Public"
    follows: tuple["Warned", ...] = ()

    @property
    def file_name(self) -> str:
        """The file of the message."""
        return f"{self.identifier}.cap"

    @property
    def reference(self) -> str:
        """How another message names this one."""
        return f"{SENDER},{self.identifier},{_iso(self.sent_at)}"


def emit_warnings(city: City, day: date, seed: int, profile: FaultProfile, folder: Path) -> Emission:
    """Write the day's files into a folder that the caller has made."""
    messages = sorted(_messages(city, day, chance(seed, WARNINGS)), key=lambda message: message.identifier)
    followed = {one.identifier for message in messages for one in message.follows}
    dealt = deal_faults(
        profile,
        WARNINGS,
        messages,
        lambda message, fault: _can_have(message, fault, is_followed=message.identifier in followed),
        chance(seed, f"{WARNINGS}/faults"),
    )
    books, accepted = Books(WARNINGS), []
    for index, message in enumerate(messages):
        fault = dealt.get(index)
        (folder / message.file_name).write_bytes(_written(message, fault))
        books.deliver()
        if fault in (None, *BOTH):
            accepted.append(message)
            books.accept()
        if fault == FaultKind.DUPLICATE:
            books.repeat()
        elif fault is not None:
            books.quarantine(fault)
        if fault is not None:
            outcome = "duplicate" if fault == FaultKind.DUPLICATE else "quarantined"
            books.note(fault, message.identifier, in_utc(message.sent_at), message.file_name, outcome=outcome)
    return Emission(
        books, {"warnings": [_row(message) for message in accepted], "warning_places": [*_places(accepted)]}
    )


def _messages(city: City, day: date, stream: Random) -> Iterator[Warned]:
    """Yield the day's messages; the last is sent before the day ends."""
    for number in range(WARNINGS_A_DAY):
        event, category = HAZARDS[number % len(HAZARDS)]
        sent_at = midnight(day) + timedelta(minutes=number * 30 + stream.randrange(25))
        is_other = number % 6 == 5
        status, scope = OTHER_STATES[number // 6] if is_other else ("Actual", "Public")
        alert = Warned(
            identifier=f"CB-{day:%Y%m%d}-{number:03}-0",
            sent_at=sent_at,
            type_code="Alert",
            event=event,
            category=category,
            level=stream.choice([*SEVERITIES]),
            communes=tuple(stream.sample(city.communes, stream.randint(1, 3))),
            is_by_polygon=number % 4 == 2,
            onset_at=sent_at + timedelta(minutes=stream.randrange(30, 360)),
            expires_at=sent_at + timedelta(hours=stream.choice([4, 8, 16, 30])),
            status=status,
            scope=scope,
        )
        yield alert
        chain = [alert]
        if is_other:
            continue
        for step in range((number % 3 == 0) + (number % 6 == 0)):
            last = chain[-1]
            level = stream.choice([*SEVERITIES])
            later = last.sent_at + timedelta(minutes=stream.randrange(30, 90))
            chain.append(
                replace(
                    last,
                    identifier=f"{alert.identifier[:-1]}{step + 1}",
                    type_code="Update",
                    sent_at=later,
                    level=level,
                    follows=(last,),
                    expires_at=later + timedelta(hours=12),
                )
            )
            yield chain[-1]
        if number % 6 != 1 and number % 9:
            continue
        named = chain[0] if number % 9 == 0 else chain[-1]  # who cancels a warning may name its first message only
        yield replace(
            chain[-1],
            identifier=f"{alert.identifier[:-1]}9",
            type_code="Cancel",
            sent_at=chain[-1].sent_at + timedelta(minutes=stream.randrange(20, 60)),
            follows=(named,),
        )


def _can_have(message: Warned, fault: FaultKind, *, is_followed: bool) -> bool:
    if fault == FaultKind.NO_REFERENCE:
        return message.type_code == "Cancel" and message.follows[0].type_code == "Alert"
    is_polygon = fault != FaultKind.SWAPPED_COORDINATES or message.is_by_polygon
    is_shown = (message.type_code, message.status, message.scope) == ("Alert", "Actual", "Public")
    return is_shown and not is_followed and is_polygon


def _written(message: Warned, fault: FaultKind | None) -> bytes:
    """Return the file of a message; two messages in one file are entries of a feed."""
    if fault in BOTH:
        other = message if fault == FaultKind.DUPLICATE else replace(message, event=f"{message.event} (sửa)")
        feed = Element("feed", xmlns=ATOM)
        for one in (message, other):
            SubElement(SubElement(feed, "entry"), "content", type="text/xml").append(_alert(one, None))
        return _document(feed)
    if fault == FaultKind.ENTITY_ATTACK:
        declaration, _, body = _document(_alert(message, None)).partition(b"\n")
        return b"\n".join((declaration, ATTACK.encode() + body.replace(b"</event>", b"&file;</event>")))
    later = FUTURE if fault == FaultKind.FUTURE_TIME else timedelta()
    moved = replace(
        message,
        sent_at=message.sent_at + later,
        onset_at=message.onset_at + later,
        expires_at=message.sent_at - timedelta(hours=1)
        if fault == FaultKind.WRONG_ORDER
        else message.expires_at + later,
    )
    return _document(_alert(moved, fault))


def _alert(message: Warned, fault: FaultKind | None) -> Element:
    alert = Element("alert", xmlns=NAMESPACE)
    sent = _iso(message.sent_at)
    references = " ".join(one.reference for one in message.follows)
    _add(alert, "identifier", message.identifier)
    _add(alert, "sender", SENDER)
    _add(alert, "sent", sent[:19] if fault == FaultKind.MALFORMED else sent)
    _add(alert, "status", message.status)
    _add(alert, "msgType", message.type_code)
    _add(alert, "scope", "" if fault == FaultKind.MISSING_VALUE else message.scope)
    if references and fault != FaultKind.NO_REFERENCE:
        _add(alert, "references", references)
    info = SubElement(alert, "info")
    _add(info, "language", "vi-VN")
    _add(info, "category", message.category)
    _add(info, "event", message.event)
    _add(info, "urgency", "Expected")
    _add(info, "severity", "Cao" if fault == FaultKind.UNKNOWN_CODE else SEVERITIES[message.level])
    _add(info, "certainty", "Likely")
    _add(info, "onset", _iso(message.onset_at))
    _add(info, "expires", _iso(message.expires_at))
    _add(info, "headline", f"{message.event}: {', '.join(commune.commune_name for commune in message.communes)}")
    if message.level is not None:
        _pair(info, "parameter", "cap_do_rui_ro", str(message.level))
    for commune in message.communes:
        area = SubElement(info, "area")
        _add(area, "areaDesc", commune.commune_name)
        if message.is_by_polygon:
            _add(area, "polygon", _square(commune, is_swapped=fault == FaultKind.SWAPPED_COORDINATES))
        else:
            _pair(area, "geocode", "ma_dvhc", commune.commune_code)
    return alert


def _square(commune: Commune, *, is_swapped: bool) -> str:
    corners = ((-1, -1), (-1, 1), (1, 1), (1, -1), (-1, -1))
    positions = [
        (
            f"{commune.latitude + north * HALF_SQUARE_DEGREES:.5f}",
            f"{commune.longitude + east * HALF_SQUARE_DEGREES:.5f}",
        )
        for north, east in corners
    ]
    return " ".join(",".join(reversed(position) if is_swapped else position) for position in positions)


def _row(message: Warned) -> tuple[object, ...]:
    return (
        message.identifier,
        in_utc(message.sent_at),
        message.status,
        message.scope,
        message.type_code,
        message.event,
        message.level,
        SEVERITIES[message.level],
        in_utc(message.onset_at),
        in_utc(message.expires_at),
        " ".join(one.identifier for one in message.follows),
    )


def _places(messages: Sequence[Warned]) -> Iterator[tuple[object, ...]]:
    for message in messages:
        for commune in message.communes:
            yield message.identifier, commune.commune_code


def _add(element: Element, name: str, text: str) -> None:
    SubElement(element, name).text = text


def _pair(element: Element, kind: str, name: str, value: str) -> None:
    pair = SubElement(element, kind)
    _add(pair, "valueName", name)
    _add(pair, "value", value)


def _document(root: Element) -> bytes:
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode").encode() + b"\n"


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
