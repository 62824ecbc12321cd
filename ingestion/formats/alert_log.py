"""The log into which security devices write: events of Suricata (EVE) and messages in CEF, mixed, one a line; or EVE events in one array.

The form of each line is recognised by itself. A line becomes one event of one kind:

* *alert*: an EVE event of the type `alert`, or a CEF message;
* *status*: a CEF message `alert_status`, by which the desk that handles an alert says how far it is (`externalId` is the alert, `dvchost`
  its source, `outcome` acknowledged, resolved or false_positive);
* *heartbeat*: an EVE event of the type `stats`, which Suricata writes every few seconds by default, or a CEF message `heartbeat`. It shows
  that a source lives.

The two names `alert_status` and `heartbeat` are a convention of this project. EVE events of other types (flow, dns, http ...) are traffic,
not alerts: skipped as `no_alert`. A line of any other form is unreadable, and its reason says what it looks like.

Who wrote a line is its `host` (EVE), its `dvchost` or the host of its syslog header; if it names none, the name of the file up to its first
`_` or `.`. User names are not read. Whether a machine is ours is known only here, since addresses are stored as hashes: it is the
destination if that is a private address, or else the source if that is one.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from ipaddress import ip_address, ip_network
from pathlib import PurePosixPath
from typing import BinaryIO, NamedTuple

import msgspec
import polars as pl

from core.contract import Contract
from ingestion.formats import base
from ingestion.formats.base import Envelope, Pieces, Reading
from ingestion.formats.cef import MARK, read_cef
from ingestion.formats.documents import BROKEN_JSON, array_pieces, read_document
from ingestion.formats.lines import IS_BLANK, as_unreadable, set_aside, split_lines, without_mark
from ingestion.formats.syslog import is_syslog

IS_ARRAY = re.compile(rb"\s*\[\s*(?:\{|\]|$)")
"""The beginning of a JSON array of objects; the log of Snort has lines that begin with `[**]`."""

OFFSET = re.compile(r"(?<=[+-]\d\d)(?=\d\d$)", re.ASCII)
"""Where Suricata leaves out the colon: `-0600`."""

OUR_NETWORKS = tuple(map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")))
"""Private networks: RFC 1918, RFC 4193."""

PORT = re.compile(r":\d{1,5}$", re.ASCII)
LEEF = re.compile(r"LEEF:\d", re.ASCII)
CEF_KINDS = {"alert_status": "status", "heartbeat": "heartbeat"}


class Alert(msgspec.Struct):
    """What an EVE event says about the rule that was matched."""

    action: str | None = None
    gid: int | None = None
    signature_id: int | None = None
    signature: str | None = None
    severity: int | None = None


class Http(msgspec.Struct):
    """The host that was asked for."""

    hostname: str | None = None


class Tls(msgspec.Struct):
    """The server name that was asked for."""

    sni: str | None = None


class Eve(msgspec.Struct):
    """The members of an EVE event that are used."""

    timestamp: str | None = None
    host: str | None = None
    flow_id: int | None = None
    src_ip: str | None = None
    dest_ip: str | None = None
    alert: Alert | None = None
    http: Http | None = None
    tls: Tls | None = None


class EventType(msgspec.Struct):
    """The type of an EVE event, which decides whether the rest is read."""

    event_type: str | None = None


class Event(NamedTuple):
    """One line in the columns of the wire, all of them text."""

    source_id: str | None
    event_id: str
    event_kind_code: str
    observed_at: str | None
    alert_id: str | None = None
    severity_code: str | None = None
    action_code: str | None = None
    signature_id: str | None = None
    signature: str | None = None
    status_code: str | None = None
    machine_address: str | None = None
    source_address: str | None = None
    destination_address: str | None = None
    destination_host: str | None = None


class Aside(NamedTuple):
    """Why a line is no event: skipped, or unreadable."""

    reason: str
    is_skipped: bool = False


class AlertLog:
    """Lines of EVE and CEF, or an array of EVE events."""

    def split(self, content: BinaryIO, envelope: Envelope) -> Iterator[Pieces]:  # noqa: ARG002
        """Cut an array into its objects, anything else into lines."""
        beginning = content.read(base.BLOCK_BYTES)
        if IS_ARRAY.match(without_mark(beginning)):
            yield array_pieces(read_document(content, without_mark(beginning)))
        else:
            yield from split_lines(content, beginning)

    def read(self, pieces: pl.DataFrame, contract: Contract, envelopes: Mapping[int, Envelope]) -> Reading:  # noqa: ARG002
        """Read each line by its own form."""
        lines, unreadable, skipped = set_aside(pieces, {"blank_line": IS_BLANK}, {})
        sources = {number: source_of(envelope) for number, envelope in envelopes.items()}
        read = [_read_line(raw, sources[number]) for number, raw in lines.select("_delivery", "_raw").iter_rows()]
        events = [event for event in read if isinstance(event, Event)]
        is_event = pl.Series([isinstance(event, Event) for event in read], dtype=pl.Boolean)
        records = lines.filter(is_event).with_columns(
            pl.lit(1, dtype=pl.Int64).alias("_record_count"),
            *(
                pl.Series(name, [event[place] for event in events], dtype=pl.String)
                for place, name in enumerate(Event._fields)
            ),
        )
        others = [aside for aside in read if isinstance(aside, Aside)]
        aside = lines.filter(~is_event).with_columns(
            pl.Series("reason", [other.reason for other in others], dtype=pl.String),
            pl.Series("is_skipped", [other.is_skipped for other in others], dtype=pl.Boolean),
        )
        passed = (
            aside.filter("is_skipped")
            .group_by("_delivery", "reason", maintain_order=True)
            .agg(pl.len().cast(pl.Int64).alias("pieces"))
        )
        refused = as_unreadable(aside.filter(~pl.col("is_skipped")))
        return Reading(records, pl.concat([unreadable, refused]), pl.concat([skipped, passed]))


def source_of(envelope: Envelope) -> str | None:
    """Return the source that a file's name tells: what stands before its first `_` or `.`."""
    return re.split(r"[_.]", PurePosixPath(envelope.source_name).name, maxsplit=1)[0] or None


def _read_line(raw: str, file_source: str | None) -> Event | Aside:
    line = raw.strip()
    if line.startswith("{"):
        return _read_eve(line, file_source)
    if MARK.search(line):
        return _read_cef(line, file_source)
    if LEEF.search(line):
        return Aside("leef_message")
    if line.startswith("[**]"):
        return Aside("snort_alert")
    return Aside("syslog_of_another_form" if is_syslog(line) else "unknown_form")


def _read_eve(line: str, file_source: str | None) -> Event | Aside:
    try:
        kind = msgspec.json.decode(line, type=EventType).event_type
        if kind not in ("alert", "stats"):
            return Aside("json_of_another_form") if kind is None else Aside("no_alert", is_skipped=True)
        eve = msgspec.json.decode(line, type=Eve)
    except msgspec.ValidationError:
        return Aside("json_of_another_form")
    except (*BROKEN_JSON, UnicodeEncodeError):
        return Aside("not_json")
    source, told_at = eve.host or file_source, eve.timestamp
    observed_at = _with_colon(told_at)
    if kind == "stats":
        return Event(source, f"stats/{told_at}", "heartbeat", observed_at)
    alert = eve.alert or Alert()
    parts = (eve.flow_id, alert.gid, alert.signature_id, told_at)
    alert_id = _digest(line) if None in parts else "/".join(map(str, parts))
    asked = (eve.http.hostname if eve.http else None) or (eve.tls.sni if eve.tls else None)
    return Event(
        source_id=source,
        event_id=alert_id,
        event_kind_code="alert",
        observed_at=observed_at,
        alert_id=alert_id,
        severity_code=None if alert.severity is None else f"eve:{alert.severity}",
        action_code=alert.action and alert.action.lower(),
        signature_id=None if alert.signature_id is None else str(alert.signature_id),
        signature=alert.signature,
        **_places(eve.src_ip, eve.dest_ip, asked),
    )


def _read_cef(line: str, file_source: str | None) -> Event | Aside:
    message = read_cef(line)
    if message is None:
        return Aside("broken_cef")
    source = message.first("dvchost") or message.header.host or file_source
    kind = CEF_KINDS.get(message.signature_id, "alert")
    alert_id, observed_at = message.first("externalId"), _with_colon(message.told_at)
    if kind == "heartbeat":
        return Event(source, f"heartbeat/{observed_at}", kind, observed_at)
    if kind == "status":
        status = message.first("outcome")
        return Event(
            source, f"{alert_id}/{status}/{observed_at}", kind, observed_at, alert_id=alert_id, status_code=status
        )
    alert_id = alert_id or _digest(line)
    return Event(
        source_id=source,
        event_id=alert_id,
        event_kind_code=kind,
        observed_at=observed_at,
        alert_id=alert_id,
        severity_code=f"cef:{message.severity.lower()}" if message.severity else None,
        action_code=(message.first("act") or "").lower() or None,
        signature_id=message.signature_id or None,
        signature=message.name or message.signature_id or None,
        **_places(message.first("src"), message.first("dst"), message.first("dhost")),
    )


def _with_colon(moment: str | None) -> str | None:
    return None if moment is None else OFFSET.sub(":", moment)


def _places(source: str | None, destination: str | None, host: str | None) -> dict[str, str | None]:
    """Return addresses and host in one spelling each, so that equal ones have equal hashes, and which address is the machine's."""
    (source, is_our_source), (destination, is_our_destination) = _address(source), _address(destination)
    return {
        "source_address": source,
        "destination_address": destination,
        "destination_host": PORT.sub("", host.strip().lower()).rstrip(".") or None if host else None,
        "machine_address": destination if is_our_destination else source if is_our_source else destination,
    }


def _address(text: str | None) -> tuple[str | None, bool]:
    """Return an address as it is usually written, and whether it is a private one; what is no address stays as it came."""
    try:
        address = ip_address((text or "").strip())
    except ValueError:
        return text, False
    return str(address), any(address in network for network in OUR_NETWORKS)


def _digest(line: str) -> str:
    return hashlib.sha256(line.encode("utf-8", errors="surrogatepass")).hexdigest()[:32]
