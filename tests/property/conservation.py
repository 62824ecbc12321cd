"""The counts of a load, kept a second time: from the bytes and from the tables, without the ledger's own arithmetic."""

import html
import io
import json
import re
import zipfile
from dataclasses import dataclass
from xml.etree.ElementTree import ParseError, tostring

import duckdb
import polars as pl
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from core.contract import Contract
from core.errors import DeliveryError
from core.reference import Reference
from ingestion.collect.landing import Delivery
from ingestion.formats.archives import BROKEN_ZIP
from ingestion.formats.base import Envelope, Reading, join_pieces
from ingestion.formats.registry import find_format, split_delivery
from ingestion.load.checks import check
from ingestion.load.privacy import protect

WRAPPERS = re.compile(
    r"^(?:<HOSO MACSKCB=\"[^\"]*\" NGAYLAP=\"[^\"]*\" STT=\"\d+\">|zip/[^\t]*\t)|</HOSO>$|<!-- \d+ HOSO -->$"
)
"""What a format puts around a piece that cannot be understood alone."""

CELL = re.compile(rb"<(?:\w+:)?(?:t|v)(?:\s[^>]*)?>([^<]*)<")


@dataclass(frozen=True)
class Met:
    """What a delivery holds, read alone; None if it cannot be read at all."""

    pieces: int
    skipped: int
    received: int
    reading: Reading


def meet(content: bytes, source_name: str, contract: Contract) -> Met | None:
    """Cut and read a delivery alone."""
    envelope = Envelope(source_name)
    wire = find_format(contract)
    try:
        blocks = [(0, pieces) for pieces in split_delivery(contract, io.BytesIO(content), envelope)]
        reading = wire.read(join_pieces(blocks), contract, {0: envelope})
    except DeliveryError:
        return None
    received = int(reading.records["_record_count"].sum()) + reading.unreadable.height
    return Met(sum(len(pieces.raws) for _, pieces in blocks), int(reading.skipped["pieces"].sum()), received, reading)


@dataclass(frozen=True)
class Books:
    """The tables of a lake, as an independent reader sees them. `key` is the privacy key."""

    connection: duckdb.DuckDBPyConnection
    key: str

    def faults(self, contract: Contract, delivery: Delivery, content: bytes, met: Met | None) -> list[str]:
        """Return everything about a loaded delivery that does not add up."""
        row = self.connection.execute(
            "select status, pieces, skipped, received, accepted, duplicate, quarantined from lake.ledger.deliveries "
            "where delivery_id = ?",
            [delivery.delivery_id],
        ).fetchall()
        if len(row) != 1:
            return [f"{len(row)} rows in the ledger"]
        status, pieces, skipped, received, accepted, duplicate, quarantined = row[0]
        if status == "duplicate_delivery":
            return []
        in_bronze = self._count(
            f"sum(_record_count) from lake.bronze.{contract.table} where _delivery_id = ?", delivery
        )
        aside = self._count("sum(record_count) from lake.quarantine.records where delivery_id = ?", delivery)
        if (
            status == "withdrawn"
        ):  # nothing of it is anywhere, and each piece is counted under the door that it had left by
            left = (received, accepted, duplicate, quarantined, in_bronze, aside, pieces - skipped)
            return [f"withdrawn, and yet {left}"] if any(left) else []
        if met is None or status == "unreadable":  # the latter also if its columns are not the contract's
            found = (status, pieces, skipped, received, in_bronze, aside)
            return [] if found == ("unreadable", 1, 0, 1, 0, 1) else [f"unreadable, and yet {found}"]
        counted = {
            "pieces": (met.pieces, pieces),
            "skipped": (met.skipped, skipped),
            "received": (met.received, received),
            "pieces = received + skipped": (met.pieces, met.received + met.skipped),
            "accepted is in bronze": (accepted, in_bronze),
            "quarantined is in quarantine": (quarantined, aside),
            "duplicate is the rest": (duplicate, met.received - in_bronze - aside),
            "empty": (status == "empty", met.received == 0),
        }
        wrong = [f"{name}: {one} is not {other}" for name, (one, other) in counted.items() if one != other]
        return wrong + self._unaccounted(contract, delivery, met) + self._not_found_again(delivery, content)

    def _count(self, what: str, delivery: Delivery) -> int:
        row = self.connection.execute(f"select {what}", [delivery.delivery_id]).fetchone()
        return int(row[0] or 0) if row else 0

    def _unaccounted(self, contract: Contract, delivery: Delivery, met: Met) -> list[str]:
        """Search for the very values of each record that passes its checks: in bronze, or set aside at its position."""
        received_at = pl.lit(delivery.received_at).cast(pl.Datetime("us", "UTC")).alias("received_at")
        checked = check(met.reading.records.with_columns(received_at), contract, Reference())
        passed = protect(checked.passed, contract, self.key)
        same = " and ".join(f'bronze."{name}" is not distinct from passed."{name}"' for name in contract.column_names)
        self.connection.register("passed_frame", passed)
        rows = self.connection.execute(
            f"""
            select _position from passed_frame as passed
            anti join lake.bronze.{contract.table} as bronze on {same}
            anti join (select position from lake.quarantine.records where delivery_id = ?) as aside on _position = position
            """,
            [delivery.delivery_id],
        ).fetchall()
        self.connection.unregister("passed_frame")
        aside = self.connection.execute(
            "select position from lake.quarantine.records where delivery_id = ?", [delivery.delivery_id]
        ).fetchall()
        failed = set(checked.failed["_position"].to_list()) | set(met.reading.unreadable["_position"].to_list())
        wrong = [f"record {position} passed its checks and is nowhere" for (position,) in rows]
        return wrong + [f"record {one} failed and is not in quarantine" for one in failed - {row[0] for row in aside}]

    def _not_found_again(self, delivery: Delivery, content: bytes) -> list[str]:
        raws = self.connection.execute(
            "select position, raw from lake.quarantine.records where delivery_id = ?", [delivery.delivery_id]
        ).fetchall()
        texts = texts_of(content)
        return [
            f"the raw text of {position} is not in what was landed" for position, raw in raws if not holds(texts, raw)
        ]

    def silver_faults(self, contract: Contract) -> list[str]:
        """Return what does not add up between bronze and the newest version of each key: accepted = current + superseded."""
        key = ", ".join(f'"{name}"' for name in contract.key)
        version = f'"{contract.version}"' if contract.version else "0"
        row = self.connection.execute(
            f"""
            with accepted as (select {key}, {version} as version from lake.bronze.{contract.table}),
            current as (select {key}, max(version) as version from accepted group by all)
            select
                (select count(*) from accepted),
                (select count(*) from current),
                (select count(*) from accepted inner join current using ({key}) where accepted.version < current.version)
            """
        ).fetchone()
        assert row is not None
        accepted, current, superseded = row
        return [] if accepted == current + superseded else [f"accepted {accepted} is not {current} + {superseded}"]


def texts_of(content: bytes) -> list[str]:
    """Return the text of a delivery, of what is packed in it, and of each element of XML with namespaces, written to stand alone."""
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return [_text(content), *_members(content), *_elements(content)]
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [archive.read(name) for name in archive.namelist()]
    except BROKEN_ZIP:
        return []
    cells = [html.unescape(_text(cell)) for member in members for cell in CELL.findall(member)]
    return [*map(_text, members), "\n".join(" ".join(cell.split()) for cell in cells)]


def _members(content: bytes) -> list[str]:
    """Return the texts that an object of JSON has as members: one of them may be a document itself."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return []
    texts = document.values() if isinstance(document, dict) else ()
    return [text.replace("\0", "\\x00") for text in texts if isinstance(text, str)]


def _elements(content: bytes) -> list[str]:
    if b"xmlns" not in content:
        return []
    try:
        root = fromstring(content, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        return []
    return [tostring(element, encoding="unicode").strip() for element in root.iter()]


def holds(texts: list[str], raw: str) -> bool:
    """Whether a quarantined text is part of what was landed: as a whole, line by line, or cell by cell of a workbook's row."""
    if raw.startswith("workbook"):
        cells = [cell for cell in json.loads(raw.partition("\t")[2]) if isinstance(cell, str)]
        wanted = [" ".join(cell.split()) for cell in cells]
    else:
        inner = WRAPPERS.sub("", raw)
        wanted = [inner] if any(inner in text for text in texts) else inner.splitlines()
    return all(any(part in text for text in texts) for part in wanted)


def _text(content: bytes) -> str:
    """Decode as quarantine does: bytes that are not UTF-8, and zero bytes, are escaped."""
    return content.decode("utf-8", errors="backslashreplace").replace("\0", "\\x00")
