"""The wire format that a contract names by its word `format`: the declared one, or one with a grammar of its own."""

from collections.abc import Iterator
from typing import BinaryIO

from core.contract import TABLE, Contract
from core.errors import UnknownNameError
from core.table_forms import Container
from ingestion.formats.alert_log import AlertLog
from ingestion.formats.base import Envelope, Format, Pieces
from ingestion.formats.cap import Cap
from ingestion.formats.first_look import Kind, look
from ingestion.formats.giamdinhhs import Giamdinhhs
from ingestion.formats.naf import Naf
from ingestion.formats.nmea import Nmea
from ingestion.formats.table.table import Table
from ingestion.formats.tt10 import Tt10

FORMATS: dict[str, type[Format]] = {
    "alert_log": AlertLog,
    "cap": Cap,
    "giamdinhhs": Giamdinhhs,
    "naf": Naf,
    "nmea": Nmea,
    "tt10": Tt10,
}


TEXT, XML = frozenset({Kind.TEXT}), frozenset({Kind.XML})
TAKES: dict[str, tuple[frozenset[Kind], str]] = {
    "alert_log": (
        frozenset({Kind.TEXT, Kind.JSON}),
        "a log of EVE events and CEF messages, or a JSON array of EVE events",
    ),
    "cap": (XML, "warnings in CAP 1.2"),
    "giamdinhhs": (XML, "XML GIAMDINHHS"),
    "naf": (TEXT, "NAF messages, one a line"),
    "nmea": (TEXT, "NMEA sentences, one a line"),
    "tt10": (TEXT, "lines of TAB-separated text"),
}
"""The kinds of delivery that a format reads, and a name of them for whoever sent another kind."""

CONTAINERS = {
    Container.CSV: (Kind.TEXT, "CSV"),
    Container.JSON: (Kind.JSON, "JSON"),
    Container.XML: (Kind.XML, "XML"),
    Container.XLSX: (Kind.ZIP, "a workbook .xlsx"),
    Container.ZIP: (Kind.ZIP, "an archive .zip of CSV files"),
}
"""The kind of file that a declared container is, and its name in words."""


def find_format(contract: Contract) -> Format:
    """Return the format of a contract; raise UnknownNameError, naming the formats that exist."""
    if contract.format == TABLE:
        return Table(contract)
    if contract.format not in FORMATS:
        raise UnknownNameError(
            f"{contract.feed}: expected a format of {', '.join(sorted((TABLE, *FORMATS)))}, got {contract.format}",
            format=contract.format,
        )
    return FORMATS[contract.format]()


def split_delivery(contract: Contract, content: BinaryIO, envelope: Envelope) -> Iterator[Pieces]:
    """Recognise the kind of a delivery, and cut it as its format says, see `Format.split`.

    Raises DeliveryError for a kind that the format does not read, naming what it is and what to send.
    """
    return find_format(contract).split(look(contract.feed, content, *_taken(contract)), envelope)


def _taken(contract: Contract) -> tuple[frozenset[Kind], str]:
    if contract.format != TABLE:
        return TAKES[contract.format]
    taken = [CONTAINERS[form.container] for form in contract.forms]
    kinds = {kind for kind, _ in taken}
    is_wide = any(form.encoding.startswith("utf-16") for form in contract.forms)
    words = " or ".join(dict.fromkeys(words for _, words in taken))
    return frozenset({*kinds, Kind.UTF_16} if is_wide else kinds), words
