"""One alert message of CAP 1.2 as the columns of the contract.

What the standard demands of the parts of a message is counted or named here, where the parts are at hand, and judged by the rules of
the contract. The areas come out flat, one for each info and area (one for an info without areas), so that a mart needs one step to
reach them: a JSON list whose objects repeat what their info says. Times in it are UTC, yyyyMMddTHHmmssZ. A position is `lat,lon`, as CAP
writes it. What was written for people - headline, description, instruction - stands apart, because it may name somebody; whom to
contact is not taken.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from xml.etree.ElementTree import Element

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
ALERT = "alert"
AREAS_LIMIT = 10_000
"""A message with more pairs of info and area is refused: a province has some hundred communes."""

CODES: Mapping[str, frozenset[str]] = {
    "category": frozenset(
        ("Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport", "Infra", "CBRNE", "Other")
    ),
    "responseType": frozenset(
        ("Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear", "None")
    ),
    "urgency": frozenset(("Immediate", "Expected", "Future", "Past", "Unknown")),
    "severity": frozenset(("Extreme", "Severe", "Moderate", "Minor", "Unknown")),
    "certainty": frozenset(("Observed", "Likely", "Possible", "Unlikely", "Unknown")),
}
"""The code lists of an info; those of the message itself stand in the contract."""

MANDATORY = ("category", "event", "urgency", "severity", "certainty")
SINGLE = ("identifier", "sender", "sent", "status", "msgType", "scope", "references")
SINGLE_IN_INFO = ("language", "event", "urgency", "severity", "certainty", "effective", "onset", "expires")
TIMES = ("effective", "onset", "expires")
TEXTS = ("headline", "description", "instruction")
COMMUNE, RISK, LEVELS = "ma_dvhc", "cap_do_rui_ro", frozenset("12345")
"""Names of our profile: a geocode that is an administrative unit, a parameter that is the level of disaster risk (QĐ 18/2021/QĐ-TTg)."""

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)", re.ASCII)
NUMBER = r"-?\d{1,3}(?:\.\d{1,12})?"
POSITION = re.compile(rf"({NUMBER}),({NUMBER})", re.ASCII)
CIRCLE = re.compile(rf"({NUMBER}),({NUMBER}) +\d{{1,5}}(?:\.\d{{1,12}})?", re.ASCII)
TRIPLET = re.compile(r"[^\s,<&]+,[^\s,<&]+,\S+")

Columns = dict[str, object]


def repeated_elements(alert: Element) -> list[str]:
    """Return the names of elements that may stand once and stand twice: which of two statuses holds is not for us to say."""
    groups = [(alert, SINGLE), *((info, SINGLE_IN_INFO) for info in _children(alert, "info"))]
    return [name for element, names in groups for name in names if len(_children(element, name)) > 1]


def read_message(alert: Element) -> Columns | None:
    """Return the columns of a message, all as text; None if it has too many areas."""
    infos = _children(alert, "info")
    if sum(max(len(_children(info, "area")), 1) for info in infos) > AREAS_LIMIT:
        return None
    sent = _text(alert, "sent")
    sent_at = _instant(sent)
    references = (_text(alert, "references") or "").split()
    faults = Counter[str]()
    missing: set[str] = set()
    unknown: set[str] = set()
    ill_timed: set[str] = set()
    zulu = [sent] if (sent or "").endswith("Z") else []
    for info in infos:
        missing |= {name for name in MANDATORY if not _texts(info, name)}
        unknown |= {name for name, codes in CODES.items() if not codes.issuperset(_texts(info, name))}
        times = {name: text for name in TIMES if (text := _text(info, name))}
        ill_timed |= {name for name, text in times.items() if _instant(text) is None}
        zulu += [text for text in times.values() if text.endswith("Z")]
        expires = _instant(times.get("expires"))
        faults["expired_info_count"] += expires is not None and sent_at is not None and expires <= sent_at
        faults["ill_risk_count"] += any(level not in LEVELS for level in _named(info, "parameter", RISK))
        for area in _children(info, "area"):
            missing |= set() if _text(area, "areaDesc") else {"areaDesc"}
            faults.update(_faults_of(area))
    return {
        "identifier": _text(alert, "identifier"),
        "sender": _text(alert, "sender"),
        "sent_at": sent if sent_at is None else sent_at.isoformat(),
        "status_code": _text(alert, "status"),
        "message_type_code": _text(alert, "msgType"),
        "scope_code": _text(alert, "scope"),
        "referenced_messages": " ".join(references) or None,
        "reference_count": str(len(references)),
        "ill_reference_count": str(sum(not TRIPLET.fullmatch(text) for text in references)),
        "incidents": _text(alert, "incidents"),
        "info_count": str(len(infos)),
        "areas": _json([flat for number, info in enumerate(infos, 1) for flat in _flat(number, info)]),
        "texts": _json(
            [{name: text for name in ("language", *TEXTS) if (text := _text(info, name))} for info in infos]
        ),
        "missing_elements": _names(missing),
        "unknown_code_elements": _names(unknown),
        "ill_timed_elements": _names(ill_timed),
        "zulu_time_count": str(len(zulu)),
        **{
            name: str(faults[name])
            for name in (
                "expired_info_count",
                "ill_risk_count",
                "open_polygon_count",
                "misplaced_shape_count",
                "ill_circle_count",
            )
        },
    }


def _flat(number: int, info: Element) -> Iterator[dict[str, object]]:
    """Yield an info with each of its areas, or once alone; what is not told is left out."""
    risks = [level for level in _named(info, "parameter", RISK) if level in LEVELS]
    shared = {
        "info": number,
        "language": _text(info, "language"),
        "categories": " ".join(_texts(info, "category")),
        "responses": " ".join(_texts(info, "responseType")),
        "event": _text(info, "event"),
        "urgency": _text(info, "urgency"),
        "severity": _text(info, "severity"),
        "certainty": _text(info, "certainty"),
        **{name: _digits(_text(info, name)) for name in TIMES},
        "risk_level": risks[0] if risks else None,
    }
    for place, area in enumerate(_children(info, "area") or [None], 1):
        own = {} if area is None else _area(area)
        yield {name: value for name, value in {**shared, "area": place, **own}.items() if value}


def _area(area: Element) -> dict[str, str | None]:
    return {
        "description": _text(area, "areaDesc"),
        "units": " ".join(_named(area, "geocode", COMMUNE)),
        "polygons": ";".join(" ".join(text.split()) for text in _texts(area, "polygon")),
        "circles": ";".join(" ".join(text.split()) for text in _texts(area, "circle")),
    }


def _faults_of(area: Element) -> Counter[str]:
    found = Counter[str]()
    for text in _texts(area, "polygon"):
        positions = text.split()
        is_closed = len(positions) > 3 and positions[0] == positions[-1]
        found["open_polygon_count"] += not (is_closed and all(map(POSITION.fullmatch, positions)))
        found["misplaced_shape_count"] += not all(map(_is_on_earth, POSITION.findall(text)))
    for text in _texts(area, "circle"):
        found["ill_circle_count"] += CIRCLE.fullmatch(text) is None
        found["misplaced_shape_count"] += not all(map(_is_on_earth, POSITION.findall(text)))
    return found


def _is_on_earth(position: tuple[str, str]) -> bool:
    """Tell whether a position can be one; longitudes of Viet Nam cannot be latitudes, so that swapped ones are found."""
    return abs(float(position[0])) <= 90 and abs(float(position[1])) <= 180


def _children(element: Element, name: str) -> list[Element]:
    return element.findall(f"{{{NAMESPACE}}}{name}")


def _texts(element: Element, name: str) -> list[str]:
    return [text for child in _children(element, name) if (text := (child.text or "").strip())]


def _text(element: Element, name: str) -> str | None:
    return next(iter(_texts(element, name)), None)


def _named(element: Element, kind: str, name: str) -> list[str]:
    """Return the values of the pairs of a kind - parameters, geocodes - that bear a name."""
    return [
        value
        for pair in _children(element, kind)
        if _text(pair, "valueName") == name
        for value in _texts(pair, "value")
    ]


def _instant(text: str | None) -> datetime | None:
    """Return an instant written with its zone; None for any other text."""
    if text is None or not TIME.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _digits(text: str | None) -> str | None:
    instant = _instant(text)
    return None if instant is None else f"{instant:%Y%m%dT%H%M%SZ}"


def _names(names: set[str]) -> str | None:
    return " ".join(sorted(names)) or None


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
