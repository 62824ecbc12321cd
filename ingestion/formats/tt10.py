"""The text files of automatic monitoring stations: circular TT 10/2021/TT-BTNMT, annex 15, table 34.

One line per parameter, five TAB-separated fields without a header: parameter, value, unit, local time `yyyyMMddHHmmss`,
status of the device. A station sends one file of about ten lines every five minutes, so that a day of a hundred
stations is 28,800 small files: they are read together. The station is named only in the file's name.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import BinaryIO

import polars as pl

from core.contract import Contract
from core.errors import DeliveryError
from ingestion.formats.base import Envelope, Pieces, Reading
from ingestion.formats.lines import IS_BLANK, empty_as_null, set_aside, split_lines

FIELDS = ("parameter_code", "value", "unit", "measured_at", "status_code")

FILE_NAME = re.compile(r"(?P<station_id>.+)_\d{14}\.txt", re.IGNORECASE)
"""`<station>_<yyyymmddhhmmss>.txt`; the station may hold underscores itself."""

CANONICAL_SYMBOLS = {"PM2,5": "PM2.5", "PM25": "PM2.5"}
"""The annex prints the symbol with a decimal comma; stations also write it without any."""


class Tt10:
    """Lines of five TAB-separated fields."""

    def split(self, content: BinaryIO, envelope: Envelope) -> Iterator[Pieces]:
        """Cut a file into lines; raise DeliveryError if its name does not contain the station."""
        station_of(envelope)
        yield from split_lines(content)

    def read(self, pieces: pl.DataFrame, contract: Contract, envelopes: Mapping[int, Envelope]) -> Reading:  # noqa: ARG002
        """Read the lines of many stations' files; the columns are fixed by the circular, all of them text."""
        separators = pl.col("_raw").str.count_matches("\t", literal=True)
        lines, unreadable, skipped = set_aside(
            pieces, {"blank_line": IS_BLANK}, {"wrong_column_count": separators != len(FIELDS) - 1}
        )
        stations = {number: station_of(envelopes[number]) for number in pieces["_delivery"].unique().to_list()}
        records = (
            lines.with_columns(
                pl.lit(1, dtype=pl.Int64).alias("_record_count"),
                pl.col("_delivery").replace_strict(stations, return_dtype=pl.String).alias("station_id"),
                pl.col("_raw").str.split_exact("\t", len(FIELDS) - 1).struct.rename_fields(FIELDS).alias("fields"),
            )
            .unnest("fields")
            .with_columns(empty_as_null(pl.col(name)).alias(name) for name in FIELDS)
            .with_columns(pl.col("parameter_code").replace(CANONICAL_SYMBOLS))
        )
        return Reading(records, unreadable, skipped)


def station_of(envelope: Envelope) -> str:
    """Return the station in a file's name; raise DeliveryError if the name has another form."""
    name = PurePosixPath(envelope.source_name).name
    match = FILE_NAME.fullmatch(name)
    if match is None:
        raise DeliveryError(
            "delivery: expected a name of the form <station>_<yyyymmddhhmmss>.txt, got one of "
            f"{len(name)} characters; rename the file and send it again",
            reason="file_name_without_station",
        )
    return match["station_id"]
