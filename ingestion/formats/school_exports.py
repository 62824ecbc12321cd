"""What schools send, told apart by its content: a workbook of the ministry's database, or a OneRoster archive.

Both are zip archives, so neither the name nor the first bytes tell them apart; a workbook holds `xl/workbook.xml`. One contract takes
both, as some schools run software of their own. Each line carries the mark of its form, by which `read` separates them again.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import BinaryIO

import polars as pl

from core.contract import Contract
from ingestion.formats import base, moet, oneroster
from ingestion.formats.archives import ZIP_MARK, unpack
from ingestion.formats.base import Envelope, Pieces, Reading, join_readings
from ingestion.formats.documents import read_document
from ingestion.formats.table.workbook import is_workbook, split_workbook, unpack_workbook
from ingestion.formats.table.zip_of_csv import MARK, split_zip


class SchoolExports:
    """Rows of a workbook, or lines of the files of a OneRoster archive."""

    def split(self, content: BinaryIO, envelope: Envelope) -> Iterator[Pieces]:  # noqa: ARG002
        """Cut a delivery into its rows, all of them one block; raise DeliveryError for anything else."""
        document = read_document(content, content.read(base.BLOCK_BYTES))
        if not document:
            return
        members = unpack(document) if document.startswith(ZIP_MARK) else {}
        if members and not is_workbook(members):
            yield split_zip(members)
        else:
            yield split_workbook(members or unpack_workbook(document))

    def read(self, pieces: pl.DataFrame, contract: Contract, envelopes: Mapping[int, Envelope]) -> Reading:
        """Read rows, each by its own form; raise DeliveryError if a delivery breaks a rule of its form."""
        is_roster = pl.col("_raw").str.starts_with(MARK)
        readings = [
            oneroster.read_archives(pieces.filter(is_roster), contract, envelopes),
            moet.Moet().read(pieces.filter(~is_roster), contract, envelopes),
        ]
        joined = join_readings(readings)
        return replace(joined, records=joined.records.sort("_delivery", "_position"))
