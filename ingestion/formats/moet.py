"""Excel exports (.xlsx) of the education ministry's school database, as schools mail them.

The header is in one of the first 12 used rows of a sheet, below titles; it is repeated where pages were joined;
names and values mix Unicode forms and case (`headers.py`). A sheet without the feed's header belongs to something else: its rows are
skipped under its name. So are those of a hidden sheet, which is an old copy or a source of formulas that nobody checks before sending.
`table/sheets.py` says what a cell may hold.

The time of the export is in the file's name (`HocSinh_46-01_20261115.xlsx`, the time of day after the date if there is one, UTC+7): it is
the version of its rows.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import BinaryIO

import polars as pl

from core.contract import Contract
from core.errors import DeliveryError
from ingestion.formats import base
from ingestion.formats.base import Envelope, Pieces, Reading, Shape, empty_reading, join_readings
from ingestion.formats.documents import read_document
from ingestion.formats.headers import Matched, match_header
from ingestion.formats.table.sheets import Sheet, read_sheet, sheets_of, skip_sheet
from ingestion.formats.table.workbook import split_workbook, unpack_workbook

HEADER_ROWS = 12
EXPORTED = re.compile(r"(?<!\d)(20\d{6})(?:[T_-]?(\d{4})(?:\d\d)?)?(?!\d)")
NOT_IN_SHEETS = ("record_status",)
KNOWN = ("STT",)


class Moet:
    """Rows of the sheets of a workbook."""

    def split(self, content: BinaryIO, envelope: Envelope) -> Iterator[Pieces]:  # noqa: ARG002
        """Cut a workbook into its rows, all of them one block; raise DeliveryError for anything but an .xlsx."""
        document = read_document(content, content.read(base.BLOCK_BYTES))
        if document:
            yield split_workbook(unpack_workbook(document))

    def read(self, pieces: pl.DataFrame, contract: Contract, envelopes: Mapping[int, Envelope]) -> Reading:
        """Read rows; raise DeliveryError if no sheet of a delivery has the feed's header, or its name has no date."""
        readings = []
        for (number,), rows in pieces.group_by("_delivery", maintain_order=True):
            delivery = int(str(number))
            exported = _exported_at(envelopes[delivery].source_name, contract, delivery)
            readings.append(_read_delivery(rows, contract, delivery, exported))
        return join_readings([empty_reading(contract.column_names), *readings])


def exported_at(source_name: str) -> str | None:
    """Return the local time in a file's name, ISO 8601; None if there is none."""
    for day, minute in EXPORTED.findall(source_name):
        try:
            return datetime.strptime(f"{day}{minute or '0000'}", "%Y%m%d%H%M").strftime("%Y-%m-%dT%H:%M:00+07:00")  # noqa: DTZ007
        except ValueError:
            continue
    return None


def _exported_at(source_name: str, contract: Contract, delivery: int) -> str:
    found = exported_at(source_name)
    if found is None:
        raise DeliveryError(
            f"{contract.feed}: expected a file name with the day of the export, yyyymmdd, got one without; "
            "rename the file and send it again",
            reason="file_name_without_date",
            delivery=delivery,
        )
    return found


def _read_delivery(rows: pl.DataFrame, contract: Contract, delivery: int, exported: str) -> Reading:
    sheets, unreadable = sheets_of(rows, contract)
    wire = _wire(contract)
    readings = [unreadable]
    shape = Shape()
    best: list[str] | None = None
    others: list[str] = []
    headed = 0
    for sheet in sheets:
        if sheet.is_hidden:
            readings.append(skip_sheet(sheet, "hidden_sheet", contract))
            continue
        place, matched, missing = _find_header(sheet, contract)
        if missing or matched is None:
            if best is None or len(missing) < len(best):
                best = missing
                others = [*_names_at(matched, contract), *matched.unknown] if matched else []
            readings.append(skip_sheet(sheet, "other_sheet", contract))
            continue
        if matched.twice:
            raise DeliveryError(
                f"{contract.feed}: expected each column once, got {', '.join(matched.twice)} twice, one of them perhaps hidden; "
                "delete the one that is not meant and send the file again",
                reason="column_twice",
                delivery=delivery,
            )
        headed += 1
        absent = [name for name in wire.values() if name not in _names_at(matched, contract)]
        shape = Shape((*shape.unknown, *matched.unknown), (*shape.absent, *absent))
        read = read_sheet(sheet, place, matched, contract)
        readings.append(replace(read, records=_with_export(read.records, contract, exported)))
    if sheets and not headed:
        raise DeliveryError(
            f"{contract.feed}: expected a header with {', '.join(wire.values())} in the first {HEADER_ROWS} rows of a sheet that is not "
            f"hidden, got none: {', '.join(best or wire.values())} missing; correct the header and send the file again",
            reason="missing_column",
            delivery=delivery,
            missing=best or list(wire.values()),
            found=others,
            promised=list(wire.values()),
        )
    return replace(join_readings(readings), shapes={delivery: shape})


def _find_header(sheet: Sheet, contract: Contract) -> tuple[int, Matched | None, list[str]]:
    """Return the first row that holds every required column; otherwise what the best row lacks.

    A row that holds less than half of them is not a header: none of its cells is reported, since they may be a person's.
    """
    wire = _wire(contract)
    required = [column.name for column in contract.columns if column.is_required and column.name in wire]
    lacking = [wire[name] for name in required]
    nearest: Matched | None = None
    for place in range(min(HEADER_ROWS, len(sheet.rows))):
        matched = match_header(sheet.texts(place), wire, KNOWN)
        missing = [wire[name] for name in required if name not in matched.places]
        if not missing:
            return place, matched, []
        if len(missing) < len(lacking):
            lacking, nearest = missing, matched if 2 * len(missing) <= len(required) else None
    return 0, nearest, lacking


def _names_at(matched: Matched, contract: Contract) -> list[str]:
    return [wire for name, wire in _wire(contract).items() if name in matched.places]


def _wire(contract: Contract) -> dict[str, str]:
    others = (*NOT_IN_SHEETS, contract.version)
    return {column.name: column.wire_name for column in contract.columns if column.name not in others}


def _with_export(records: pl.DataFrame, contract: Contract, exported: str) -> pl.DataFrame:
    """Add what no sheet holds: the version, and that a record is in force."""
    told = {name: "active" for name in NOT_IN_SHEETS if name in contract.column_names}
    told |= {contract.version: exported} if contract.version is not None else {}
    return records.with_columns(pl.lit(text).alias(name) for name, text in told.items())
