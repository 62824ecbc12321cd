"""Our own warnings in CAP 1.2 (OASIS), for other systems: what the released marts say must be warned of.

So far the danger of forest fires: one message for each level from IV on, with the communes at that level on the newest day. What a message
says follows from the released rows alone, so that the same release gives the same bytes, and whoever receives it twice has it once. The
order of the elements is that of the standard's schema. Urgency, severity and certainty of a level are a design.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from xml.etree.ElementTree import Element, SubElement, indent, tostring
from zoneinfo import ZoneInfo

import duckdb

from core.errors import ConfigurationError
from core.local_time import ZONE

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
SEVERITIES = {4: "Severe", 5: "Extreme"}
IN_DANGER = """
    select level_number, any_value(level_label), local_date, max(current_until_at), max(observed_at),
        list(struct_pack(code := commune_code, name := commune_name) order by commune_code)
    from forest.fire_danger_days
    where is_latest and level_number >= 4
    group by level_number, local_date
    order by level_number
"""


@dataclass(frozen=True)
class Warned:
    """A warning to be sent; times have a zone, `communes` are code and name."""

    identifier: str
    sender: str
    sent_at: datetime
    category: str
    event: str
    urgency: str
    severity: str
    certainty: str
    effective_at: datetime
    expires_at: datetime
    headline: str
    communes: tuple[tuple[str, str], ...]
    risk_level: int | None = None

    def __post_init__(self) -> None:
        if set(" ,<&") & set(self.sender + self.identifier) or not self.sender:
            raise ConfigurationError(
                f"warnings: expected a sender and an identifier without spaces, commas, < and &, got {self.sender!r} and "
                f"{self.identifier!r}; name the sender as canhbao@<domain of the province>"
            )
        if self.expires_at <= self.sent_at:
            raise ConfigurationError(
                f"warnings: {self.identifier}: expected an end after {_iso(self.sent_at)}, got {_iso(self.expires_at)}; "
                "what it is based on is no longer current"
            )


def write_cap(warning: Warned) -> bytes:
    """Return a warning as a public alert message."""
    alert = Element("alert", xmlns=NAMESPACE)
    _add(alert, identifier=warning.identifier, sender=warning.sender, sent=_iso(warning.sent_at))
    _add(alert, status="Actual", msgType="Alert", scope="Public")
    info = SubElement(alert, "info")
    _add(info, language="vi-VN", category=warning.category, event=warning.event, urgency=warning.urgency)
    _add(info, severity=warning.severity, certainty=warning.certainty, effective=_iso(warning.effective_at))
    _add(info, expires=_iso(warning.expires_at), headline=warning.headline)
    if warning.risk_level is not None:
        _add(SubElement(info, "parameter"), valueName="cap_do_rui_ro", value=str(warning.risk_level))
    for code, name in warning.communes:
        area = SubElement(info, "area")
        _add(area, areaDesc=name)
        _add(SubElement(area, "geocode"), valueName="ma_dvhc", value=code)
    indent(alert)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(alert, encoding="unicode").encode() + b"\n"


def fire_warnings(marts: duckdb.DuckDBPyConnection, sender: str, now: datetime) -> Iterator[Warned]:
    """Yield the warnings of forest fires that the released marts call for and that are current at `now`."""
    for level, label, day, until, observed_at, communes in marts.sql(IN_DANGER).fetchall():
        if until <= now:
            continue
        yield Warned(
            identifier=f"chay-rung-{day:%Y%m%d}-cap-{level}",
            sender=sender,
            sent_at=observed_at,
            category="Fire",
            event="Cháy rừng",
            urgency="Expected",
            severity=SEVERITIES[level],
            certainty="Likely",
            effective_at=observed_at,
            expires_at=until,
            headline=f"{label}: {len(communes)} xã, phường",
            communes=tuple((commune["code"], commune["name"]) for commune in communes),
        )


def _add(element: Element, **texts: str) -> None:
    for name, text in texts.items():
        SubElement(element, name).text = text


def _iso(moment: datetime) -> str:
    """Write a time as the standard does, with its offset."""
    return moment.astimezone(ZoneInfo(ZONE)).isoformat(timespec="seconds")
