"""Which wire format a contract means by its word `format`."""

from core.errors import UnknownNameError
from ingestion.formats.base import Format
from ingestion.formats.csv import Csv
from ingestion.formats.disease import Disease
from ingestion.formats.giamdinhhs import Giamdinhhs
from ingestion.formats.moet import Moet
from ingestion.formats.naf import Naf
from ingestion.formats.nmea import Nmea
from ingestion.formats.one_stop import OneStop
from ingestion.formats.open311 import Open311
from ingestion.formats.school_exports import SchoolExports
from ingestion.formats.tt10 import Tt10

FORMATS: dict[str, type[Format]] = {
    "csv": Csv,
    "giamdinhhs": Giamdinhhs,
    "disease": Disease,
    "moet": Moet,
    "naf": Naf,
    "nmea": Nmea,
    "one_stop": OneStop,
    "open311": Open311,
    "school_exports": SchoolExports,
    "tt10": Tt10,
}


def find_format(name: str) -> Format:
    """Give the format of a name; raise UnknownNameError naming the formats that exist."""
    if name not in FORMATS:
        raise UnknownNameError(f"{name}: no such wire format; there are {', '.join(sorted(FORMATS))}", format=name)
    return FORMATS[name]()
