"""Warnings in the Common Alerting Protocol, CAP 1.2 (OASIS), XML.

A record is one alert message, with all its infos and areas: a message is issued, updated and cancelled as a whole, and is signed as a
whole. A delivery is usually one message. Those within an EDXL-DE distribution, an Atom feed or an RSS channel are found wherever they
stand; a part of such a wrapper that only points to a message elsewhere is unreadable, `no_alert_inside`, so that nobody takes it for
delivered. Messages of CAP 1.0 and 1.1 are unreadable too, each under a reason of its own: their code lists and times differ, and what
they warn of must not be guessed. XML is read without DTD and entities (defusedxml), and a signature is kept in landing but not checked.
"""

import re
from collections.abc import Iterator, Mapping
from typing import BinaryIO
from xml.etree.ElementTree import Element

import polars as pl
from defusedxml.ElementTree import fromstring

from core.contract import Contract
from core.errors import DeliveryError
from ingestion.formats.base import SKIPPED_SCHEMA, UNREADABLE_SCHEMA, Envelope, Pieces, Reading
from ingestion.formats.cap_message import ALERT, AREAS_LIMIT, NAMESPACE, read_message, repeated_elements
from ingestion.formats.documents import (
    BROKEN_XML,
    element_pieces,
    local_name,
    read_document,
    too_deep,
    xml_root,
)
from ingestion.formats.lines import FORMAT_ERROR, cut_piece, without_mark

WRAPPERS = {"EDXLDistribution": "contentObject", "feed": "entry", "rss": "item"}
"""Documents that carry messages, by the name of their root, and the part of them that carries one."""

OLDER = {
    "http://www.incident.com/cap/1.0": "cap_1_0",
    "urn:oasis:names:tc:emergency:cap:1.0": "cap_1_0",
    "urn:oasis:names:tc:emergency:cap:1.1": "cap_1_1",
}
DECLARED = re.compile(rb"\s*<\?xml[^>]*?\bencoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")
BEFORE_THE_ROOT = re.compile(r"(?:\s+|<\?.*?\?>|<!--.*?-->)*", re.DOTALL)

META = {"_delivery": pl.UInt32, "_position": pl.Int64, "_raw": pl.String, "_record_count": pl.Int64}


class Cap:
    """Alert messages, alone or in a wrapper."""

    def split(self, content: BinaryIO, envelope: Envelope) -> Iterator[Pieces]:  # noqa: ARG002
        """Cut a delivery into its messages; raise DeliveryError for broken XML, a DTD or another root."""
        document = without_mark(read_document(content, b""))
        if not document.strip():
            return
        root = xml_root(document)
        kind = local_name(root)
        if kind == ALERT:
            yield _own_text(document) or element_pieces([root])
        elif kind in WRAPPERS:
            parts = _parts_in(root, WRAPPERS[kind])
            problems = {place: "no_alert_inside" for place, part in enumerate(parts) if local_name(part) != ALERT}
            yield element_pieces(parts, problems)
        else:
            raise DeliveryError(
                f"delivery: expected XML with the root {ALERT}, {', '.join(WRAPPERS)}, got another; export the warning as CAP 1.2",
                reason="another_root",
            )

    def read(self, pieces: pl.DataFrame, contract: Contract, envelopes: Mapping[int, Envelope]) -> Reading:  # noqa: ARG002
        """Read messages; times and numbers stay text."""
        records: list[dict[str, object]] = []
        unreadable: list[tuple[int, int, str, str, int]] = []
        for delivery, position, raw, problem in pieces.select("_delivery", "_position", "_raw", "_problem").iter_rows():
            read = problem or _read(raw)
            if isinstance(read, str):
                unreadable.append((delivery, position, raw, read, FORMAT_ERROR))
            else:
                own = {"_delivery": delivery, "_position": position, "_raw": raw, "_record_count": 1}
                records.append({**own, **read})
        return Reading(
            pl.DataFrame(records, schema=META | dict.fromkeys(contract.column_names, pl.String)),
            pl.DataFrame(unreadable, schema=UNREADABLE_SCHEMA, orient="row"),
            pl.DataFrame(schema=SKIPPED_SCHEMA),
        )


def _own_text(document: bytes) -> Pieces | None:
    """Return the text of a lone message as it was sent, without what precedes its root; None if its encoding is not known to Python."""
    declared = DECLARED.match(document)
    try:
        text = document.decode(declared[1].decode() if declared else "utf-8")
    except (UnicodeDecodeError, LookupError):
        return None
    begun = BEFORE_THE_ROOT.match(text)
    raw, problem = cut_piece(text[begun.end() if begun else 0 :].rstrip().encode())
    return Pieces(1, [raw], {0: problem} if problem else {})


def _parts_in(root: Element, carrier: str) -> list[Element]:
    try:
        return list(_parts_of(root, carrier))
    except RecursionError as error:
        raise too_deep() from error


def _parts_of(element: Element, carrier: str) -> Iterator[Element]:
    """Yield the messages below an element, and the carriers without one, in their order."""
    for child in element:
        if local_name(child) == ALERT:
            yield child
        elif found := list(_parts_of(child, carrier)):
            yield from found
        elif local_name(child) == carrier:
            yield child


def _read(raw: str) -> Mapping[str, object] | str:
    """Return the columns of a message, or why it is none."""
    try:
        alert = fromstring(raw, forbid_dtd=True)
    except BROKEN_XML:
        return "not_xml"
    if local_name(alert) != ALERT:
        return "another_root"
    namespace = alert.tag.rpartition("}")[0].removeprefix("{")
    if namespace != NAMESPACE:
        return OLDER.get(namespace, "no_cap_namespace")
    if repeated_elements(alert):
        return "repeated_element"
    return read_message(alert) or f"more_than_{AREAS_LIMIT}_areas"
