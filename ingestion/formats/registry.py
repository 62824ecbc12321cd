"""Which wire format a contract means by its word `format`: the one that it declares, or one with a grammar of its own."""

from core.contract import TABLE, Contract
from core.errors import UnknownNameError
from ingestion.formats.base import Format
from ingestion.formats.giamdinhhs import Giamdinhhs
from ingestion.formats.moet import Moet
from ingestion.formats.naf import Naf
from ingestion.formats.nmea import Nmea
from ingestion.formats.school_exports import SchoolExports
from ingestion.formats.table.table import Table
from ingestion.formats.tt10 import Tt10

FORMATS: dict[str, type[Format]] = {
    "giamdinhhs": Giamdinhhs,
    "moet": Moet,
    "naf": Naf,
    "nmea": Nmea,
    "school_exports": SchoolExports,
    "tt10": Tt10,
}


def find_format(contract: Contract) -> Format:
    """Return the format of a contract; raise UnknownNameError naming the formats that exist."""
    if contract.format == TABLE:
        return Table(contract)
    if contract.format not in FORMATS:
        raise UnknownNameError(
            f"{contract.feed}: expected a format of {', '.join(sorted((TABLE, *FORMATS)))}, got {contract.format}",
            format=contract.format,
        )
    return FORMATS[contract.format]()
