"""Excel exports (.xlsx) of the education ministry's school database, as schools mail them.

The header stands somewhere in the first 12 rows of a sheet, below titles; it comes again where pages were glued together; names and
values are of mixed Unicode forms and case (`headers.py`). A sheet without the feed's header is another sheet: its rows are skipped under
its name. A piece is a row, written as a line of comma-separated text with the sheet's name before it, so that `csv.py` reads it; line
breaks within a cell become spaces. Dates come as day/month/year text, as Excel serial numbers, or as date cells: all become ISO
dates; anything else stays as it is and fails its column's format. Days and months are never guessed.

When an export was made stands in the file's name (`HocSinh_46-01_20261115.xlsx`, the time behind it if there is one, UTC+7): that is the
version of its rows. A workbook is unpacked within bounds, and the extent of its sheets is measured before calamine reads
them, since it lays a sheet out whole. The old binary form (.xls) and workbooks with a password are refused.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import BinaryIO
from xml.parsers import expat

import fastexcel
import polars as pl

from core.contract import Contract
from core.errors import DeliveryError
from ingestion.formats import base
from ingestion.formats.archives import ZIP_MARK, pack, unpack
from ingestion.formats.base import (
    Envelope,
    Pieces,
    Reading,
    Shape,
    empty_reading,
    empty_records,
    join_readings,
    require_pieces,
)
from ingestion.formats.csv import Header, fields_of, read_rows
from ingestion.formats.documents import read_document
from ingestion.formats.headers import Matched, match_header
from ingestion.formats.lines import cut_piece, set_aside

MARK = "moet/"
"""Before the sheet's name, so that a line tells which wire form it is of."""

HEADER_ROWS = 12
CELLS_LIMIT = 4_000_000
"""Of one sheet, laid out from its first to its last cell."""

OLE_MARK = b"\xd0\xcf\x11\xe0"
WORKBOOK = "xl/workbook.xml"
SECTION = pl.col("_raw").str.splitn("\t", 2).struct.field("field_0")
LINE = pl.col("_raw").str.splitn("\t", 2).struct.field("field_1").fill_null("")
EXPORTED = re.compile(r"(?<!\d)(20\d{6})(?:[T_-]?(\d{4})(?:\d\d)?)?(?!\d)")
NOT_IN_SHEETS = ("record_status",)
KNOWN = ("STT",)
SERIAL_DAYS = (20_000, 60_000)
"""Excel serial numbers taken for dates: 1954 to 2064."""

TRUE, FALSE = ["x", "có", "co", "1", "true", "đạt", "dat"], ["không", "khong", "0", "false", "chưa", "chua"]


class Moet:
    """Rows of the sheets of a workbook."""

    def split(self, content: BinaryIO, envelope: Envelope) -> Iterator[Pieces]:  # noqa: ARG002
        """Cut a workbook into its rows, all of them one block; raise DeliveryError for what is no .xlsx."""
        document = read_document(content, content.read(base.BLOCK_BYTES))
        if document:
            yield workbook_pieces(unpack_workbook(document))

    def read(self, pieces: pl.DataFrame, contract: Contract, envelopes: Mapping[int, Envelope]) -> Reading:
        """Read rows; raise DeliveryError where no sheet of a delivery has the feed's header, or its name has no date."""
        readings = []
        for (number,), rows in pieces.group_by("_delivery", maintain_order=True):
            delivery = int(str(number))
            exported = _exported_at(envelopes[delivery].source_name, contract, delivery)
            readings.append(_read_delivery(rows, contract, delivery, exported))
        return join_readings([empty_reading(contract.column_names), *readings])


def unpack_workbook(document: bytes) -> dict[str, bytes]:
    """Give the members of a .xlsx; raise DeliveryError for anything else, old Excel and passwords by name."""
    if document.startswith(OLE_MARK):
        raise DeliveryError(
            "delivery: a workbook .xlsx without password was promised, an old .xls or an encrypted one came; "
            "save it as .xlsx without password and send it again",
            reason="legacy_excel",
        )
    members = unpack(document) if document.startswith(ZIP_MARK) else {}
    if WORKBOOK not in members:
        raise DeliveryError(
            "delivery: a workbook .xlsx was promised, another kind of file came", reason="not_a_workbook"
        )
    return members


def workbook_pieces(members: dict[str, bytes]) -> Pieces:
    """Cut an unpacked workbook into its rows; raise DeliveryError for a broken one or one without bounds."""
    for content in members.values():
        if content.removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"<"):
            _require_extent(content)
    raws: list[str] = []
    problems: dict[int, str] = {}
    try:
        workbook = fastexcel.read_excel(pack(members))
        for sheet in workbook.sheet_names:
            rows = workbook.load_sheet(sheet, header_row=None, dtypes="string").to_polars()
            for row in rows.iter_rows():
                text, problem = cut_piece(f"{MARK}{_one_line(sheet)}\t{_line(row)}".encode(errors="backslashreplace"))
                if problem:
                    problems[len(raws)] = problem
                raws.append(text)
            require_pieces(len(raws))
    except fastexcel.FastExcelError as error:
        raise _broken(type(error).__name__) from error
    return Pieces(1, raws, problems)


def exported_at(source_name: str) -> str | None:
    """Give the local time that stands in a file's name, ISO 8601; None where there is none."""
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
            f"{contract.feed}: a file name with the day of the export, yyyymmdd, was promised, none stands in it; "
            "rename the file and send it again",
            reason="file_name_without_date",
            delivery=delivery,
        )
    return found


def _read_delivery(rows: pl.DataFrame, contract: Contract, delivery: int, exported: str) -> Reading:
    is_blank = LINE.str.strip_chars(', "') == ""
    _, unreadable, skipped = set_aside(rows, {}, {})
    readable = rows.filter(pl.col("_problem").is_null())
    readings = [Reading(empty_records(contract.column_names), unreadable, skipped)]
    best: list[str] | None = None
    others: list[str] = []
    headed = 0
    shape = Shape()
    for (section,), sheet in readable.group_by(SECTION.alias("section"), maintain_order=True):
        filled = sheet.select("_delivery", "_position", "_raw", pl.lit(None, dtype=pl.String).alias("_problem"))
        place, matched, missing = _find_header(filled, contract)
        if missing or matched is None:
            if best is None or len(missing) < len(best):
                best = missing
                others = [*_names_at(matched, contract), *matched.unknown] if matched else []
            name = str(section).removeprefix(MARK)[:60]
            _, bad, other = set_aside(filled, {f"other_sheet: {name}": pl.lit(value=True)}, {})
            readings.append(Reading(empty_records(contract.column_names), bad, other))
            continue
        headed += 1
        absent = [wire for wire in _wire(contract).values() if wire not in _names_at(matched, contract)]
        shape = Shape((*shape.unknown, *matched.unknown), (*shape.absent, *absent))
        text = str(filled.select(LINE.alias("line"))["line"][place])
        lines, _, aside = set_aside(
            filled,
            {
                "blank_line": is_blank,
                matched.remark: _folded(LINE) == _folded(pl.lit(text)),
                "above_header": pl.col("_position") < int(filled["_position"][place]),
            },
            {},
        )
        width = len(fields_of(text, ",") or [text])
        read = read_rows(lines, Header(text, ",", width, matched.places), contract.column_names, LINE)
        readings.append(
            Reading(_in_own_types(read.records, contract, exported), read.unreadable, pl.concat([aside, read.skipped]))
        )
    if not headed and readable.height:
        raise DeliveryError(
            f"{contract.feed}: a header with {', '.join(_wire(contract).values())} was promised in {HEADER_ROWS} rows of a sheet, "
            f"none came: {', '.join(best or [])} missing; correct the header and send the file again",
            reason="missing_column",
            delivery=delivery,
            missing=best,
            found=others,
            promised=list(_wire(contract).values()),
        )
    return replace(join_readings(readings), shapes={delivery: shape})


def _find_header(sheet: pl.DataFrame, contract: Contract) -> tuple[int, Matched | None, list[str]]:
    """Give the first row that holds every required column; or what the best one lacks.

    A row that holds less than half of them is no header: none of its cells leaves, it may be a person's.
    """
    wire = _wire(contract)
    required = [column.name for column in contract.columns if column.is_required and column.name in wire]
    lacking = [wire[name] for name in required]
    nearest: Matched | None = None
    for place, line in enumerate(sheet.head(HEADER_ROWS).select(LINE.alias("line"))["line"]):
        matched = match_header(fields_of(line, ",") or [line], wire, KNOWN)
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


def _in_own_types(records: pl.DataFrame, contract: Contract, exported: str) -> pl.DataFrame:
    """Write dates, truth values and the version as the contract's casts read them."""
    readers = {"DATE": date_text, "BOOLEAN": truth_text}
    changed = [
        readers[column.physical_type](pl.col(column.name)).alias(column.name)
        for column in contract.columns
        if column.physical_type in readers
    ]
    if contract.version is not None:
        changed.append(pl.lit(exported).alias(contract.version))
    changed += [pl.lit("active").alias(name) for name in NOT_IN_SHEETS if name in contract.column_names]
    return records.with_columns(changed)


def date_text(text: pl.Expr) -> pl.Expr:
    """Make ISO dates of day/month/year, of Excel serial days and of date cells; leave what is none of these."""
    number = text.str.strip_chars().cast(pl.Int32, strict=False)
    serial = pl.lit("1899-12-30").str.to_date() + pl.duration(days=number)
    local = text.str.strip_chars().str.extract(r"^(\d{1,2}[/.-]\d{1,2}[/.-]\d{4})$").str.replace_all(r"[.-]", "/")
    cell = (
        text.str.strip_chars().str.extract(r"^(\d{4}-\d\d-\d\d)(?: 00:00:00)?$").str.to_date("%Y-%m-%d", strict=False)
    )
    is_serial = number.is_between(*SERIAL_DAYS)
    date = pl.when(is_serial).then(serial).otherwise(pl.coalesce(local.str.to_date("%d/%m/%Y", strict=False), cell))
    return pl.coalesce(date.dt.strftime("%Y-%m-%d"), text)


def truth_text(text: pl.Expr) -> pl.Expr:
    """Make true and false of the words and signs of a yes-no column; leave what is none of them."""
    word = text.str.normalize("NFC").str.strip_chars().str.to_lowercase()
    return pl.when(word.is_in(TRUE)).then(pl.lit("true")).when(word.is_in(FALSE)).then(pl.lit("false")).otherwise(text)


def _folded(line: pl.Expr) -> pl.Expr:
    return line.str.normalize("NFC").str.replace_all(r"\s+", " ").str.to_lowercase()


def _line(cells: tuple[str | None, ...]) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="").writerow([_one_line(cell or "") for cell in cells])
    return written.getvalue()


def _one_line(text: str) -> str:
    return re.sub(r"[\r\n\t\v\f\x1c-\x1e\x85\u2028\u2029]+", " ", text)


def _require_extent(sheet: bytes) -> None:
    """Measure up to where a member has cells, if it is a sheet, without laying it out; refuse a DTD wherever one stands."""
    columns, rows = 1, 1
    row_now = column_now = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal columns, rows, row_now, column_now
        local = name.rsplit(":", 1)[-1]
        if local == "row":
            row_now, column_now = int(attributes.get("r", row_now + 1)), 0
        elif local == "c":
            found = re.fullmatch(r"([A-Za-z]{0,4})(\d{0,8})", attributes.get("r", ""))
            if found is None:
                raise ValueError
            column_now = _column_number(found[1]) if found[1] else column_now + 1
            row_now = int(found[2]) if found[2] else row_now
        else:
            return
        columns, rows = max(columns, column_now), max(rows, row_now)

    def refuse(*_: object) -> None:
        raise ValueError

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(sheet, True)
    except (expat.ExpatError, ValueError, LookupError) as error:  # LookupError: an encoding nobody knows
        raise _broken(type(error).__name__) from error
    if columns * rows > CELLS_LIMIT:
        raise DeliveryError(
            f"delivery: a sheet of up to {CELLS_LIMIT} cells was promised, one of {rows} rows by {columns} columns came; "
            "delete what stands far outside the table",
            reason="sheet_too_large",
        )


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def _broken(what: str) -> DeliveryError:
    return DeliveryError(
        f"delivery: a workbook .xlsx was promised, {what} came while reading it; send it again",
        reason="broken_workbook",
    )
