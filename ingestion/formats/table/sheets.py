"""Rows of a workbook's sheets as records of a form: which rows are records, and which cells can be trusted.

Whether a cell can be trusted depends on its kind. An error (`#N/A`, `#REF!` …) is not an empty cell, nor is a formula whose value the
program that wrote the workbook did not store: it is not known what was there, so its row is quarantined, whether the column is required
or not. A cell that Excel stores as a number has lost its leading zeros, and a long one its last digits; a date or a truth value in a text
column is what Excel made of a code such as `6/1`. So in a column of text:

    a date, a truth value         quarantined
    a number                      taken where the contract can confirm it: by a pattern, by allowed values or by a reference list, which
                                  then judge its digits; and in columns that identify nothing (a name of a class, a remark)
    a number in another           quarantined: in a key, an identifier or a personal column it may be somebody else's code
    text in E notation (4.6E+08)  like a number

Date columns take date cells, day/month/year as text, and numbers as Excel's serial days, which count from 1900. In a workbook that counts
from 1904 a plain number may be of either, and is left to fail its column's format. Days and months are never guessed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec
import polars as pl

from core.contract import Column, Contract
from core.table_forms import Form
from ingestion.formats.headers import Matched, plain
from ingestion.formats.lines import set_aside
from ingestion.formats.table.columns import E_NOTATION, must_be_exact
from ingestion.formats.table.workbook import FROM_1904, HIDDEN, MARK, Cell

ROW = re.compile(rf"{MARK}((?:\+\w+)*)/(.*)!\d+\t")
CELLS = msgspec.json.Decoder(list[str | int | float | bool | dict[str, str] | None])

ERROR = (
    r"^(?:#(?:NULL|DIV/0|VALUE|REF|NUM|N/A|NAME|GETTING_DATA|SPILL|CALC|FIELD|BLOCKED|CONNECT|UNKNOWN|BUSY|PYTHON|EXTERNAL|TIMEOUT)[!?]?"
    r"|Err:\d{3})$"
)
"""Errors of Excel and LibreOffice, in error cells and where they were copied as text."""

SERIAL_DAYS = (20_000, 60_000)
"""Excel serial numbers that are accepted as dates: 1954 to 2064."""

TRUE, FALSE = ["x", "có", "co", "1", "true", "đạt", "dat"], ["không", "khong", "0", "false", "chưa", "chua"]


@dataclass(frozen=True)
class Sheet:
    """A sheet of one delivery: its name and flags, and row by row the piece (PIECES_SCHEMA) and the cells."""

    name: str
    flags: str
    pieces: pl.DataFrame
    rows: list[list[Cell]] = field(repr=False)

    @property
    def is_hidden(self) -> bool:
        """Whether the sheet is invisible to the sender."""
        return HIDDEN in self.flags

    @property
    def is_from_1904(self) -> bool:
        """Whether the workbook counts its days from 1904."""
        return FROM_1904 in self.flags

    def texts(self, index: int) -> list[str]:
        """Return the cells of a row as text, an empty cell as empty text."""
        return [_text(cell) or "" for cell in self.rows[index]]


def sheets_of(pieces: pl.DataFrame) -> tuple[list[Sheet], pl.DataFrame]:
    """Split the rows of one workbook by sheet; the second result are the rows that cannot be read at all (UNREADABLE_SCHEMA)."""
    sheets: dict[tuple[str, str], tuple[list[int], list[list[Cell]]]] = {}
    broken: list[int] = []
    for index, (raw, problem) in enumerate(pieces.select("_raw", "_problem").iter_rows()):
        row = None if problem else _cells(raw)
        if row is None:
            broken.append(index)
            continue
        flags, name, cells = row
        indexes, rows = sheets.setdefault((flags, name), ([], []))
        indexes.append(index)
        rows.append(cells)
    _, unreadable, _ = set_aside(pieces[broken], {}, {"broken_row": pl.lit(value=True)})
    return [Sheet(name, flags, pieces[indexes], rows) for (flags, name), (indexes, rows) in sheets.items()], unreadable


def _cells(raw: str) -> tuple[str, str, list[Cell]] | None:
    place = ROW.match(raw)
    if place is None:
        return None
    try:
        return place[1], place[2], CELLS.decode(raw[place.end() :])
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return None


def skip_sheet(sheet: Sheet, reason: str) -> pl.DataFrame:
    """Count every row of a sheet as skipped (SKIPPED_SCHEMA), under a reason with the sheet's name."""
    return set_aside(sheet.pieces, {f"{reason}: {sheet.name[:60]}": pl.lit(value=True)}, {})[2]


def read_sheet(
    sheet: Sheet, header: int, matched: Matched, form: Form, contract: Contract
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Split the rows of a sheet with a header: those below it with their `record`, UNREADABLE_SCHEMA and SKIPPED_SCHEMA.

    A record is text, with dates and truth values in the form of the contract's casts; a header that the sheet lacks is null.
    """
    columns = {path: contract.column(name) for name, path in form.columns.items()}
    cells = {path: _column(sheet.rows, place) for path, place in matched.places.items()}
    frame = sheet.pieces.with_columns(
        pl.Series("why", list(_asides(sheet, header, matched)), dtype=pl.String),
        *(pl.Series(f"cell {path}", [_text(cell) for cell in each], dtype=pl.String) for path, each in cells.items()),
        *(pl.Series(f"kind {path}", [_kind(cell) for cell in each], dtype=pl.String) for path, each in cells.items()),
    )
    doubts = [
        pl.when(doubt).then(pl.lit(reason)) for path in cells for reason, doubt in _doubts(path, columns.get(path))
    ]
    judged = frame.with_columns(pl.when(pl.col("why").is_null()).then(pl.coalesce(*doubts)).alias("_problem"))
    asides = ("blank_line", matched.remark, "above_header")
    rows, unreadable, skipped = set_aside(judged, {reason: pl.col("why") == reason for reason in asides}, {})
    read = [_read(path, columns.get(path), sheet) if path in cells else pl.lit(None, pl.String) for path in form.paths]
    record = pl.struct(text.alias(path) for text, path in zip(read, form.paths, strict=True)).alias("record")
    kept = frame.join(rows.select("_position"), on="_position", how="semi", maintain_order="left")
    return kept.select("_delivery", "_position", "_raw", record), unreadable, skipped


def _column(rows: list[list[Cell]], place: int) -> list[Cell]:
    return [row[place] if place < len(row) else None for row in rows]


def _asides(sheet: Sheet, header: int, matched: Matched) -> Iterator[str | None]:
    """Yield, row by row, why it is not a record: blank, a header or its repetition, above the header; None for a record."""
    names = _folded(sheet.texts(header))
    first = next(index for index, name in enumerate(names) if name)
    for index, row in enumerate(sheet.rows):
        if not any(cell is not None and (not isinstance(cell, str) or cell.strip()) for cell in row):
            yield "blank_line"
        elif (
            len(row) > first
            and _folded([_text(row[first]) or ""]) == names[first : first + 1]
            and _folded(sheet.texts(index)) == names
        ):
            yield matched.remark
        else:
            yield "above_header" if index < header else None


def _folded(texts: list[str]) -> list[str]:
    return [plain(text).casefold() for text in texts]


def _text(cell: Cell) -> str | None:
    if cell is None or isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return next(iter(cell.values()), None) if isinstance(cell, dict) else str(cell)


def _kind(cell: Cell) -> str | None:
    """Return the kind of a cell that is not text."""
    if cell is None or isinstance(cell, str):
        return None
    return "truth" if isinstance(cell, bool) else next(iter(cell), None) if isinstance(cell, dict) else "number"


def _doubts(path: str, column: Column | None) -> Iterator[tuple[str, pl.Expr]]:
    """Yield what makes the cells below a header untrustworthy, each as a reason for quarantine; `column` is None for a part of one."""
    text, kind = pl.col(f"cell {path}"), pl.col(f"kind {path}")
    name = f"{column.name}_" if column else ""
    yield f"{name}error_cell", text.str.strip_chars().str.contains(ERROR)
    yield f"{name}formula_without_value", kind == "formula"
    if column is None or column.logical_type != "string":
        return
    yield f"{name}date_cell", kind == "date"
    yield f"{name}truth_cell", kind == "truth"
    if must_be_exact(column):
        yield f"{name}number_cell", (kind == "number") | text.str.strip_chars().str.contains(E_NOTATION)


def _read(path: str, column: Column | None, sheet: Sheet) -> pl.Expr:
    text = pl.col(f"cell {path}")
    if column is not None and column.physical_type == "DATE":
        return date_text(text, takes_serials=not sheet.is_from_1904)
    return truth_text(text) if column is not None and column.physical_type == "BOOLEAN" else text


def date_text(text: pl.Expr, *, takes_serials: bool = True) -> pl.Expr:
    """Convert day/month/year, Excel serial days and date cells to ISO dates; leave anything else."""
    number = text.str.strip_chars().cast(pl.Int32, strict=False)
    serial = pl.lit("1899-12-30").str.to_date() + pl.duration(days=number)
    local = text.str.strip_chars().str.extract(r"^(\d{1,2}[/.-]\d{1,2}[/.-]\d{4})$").str.replace_all(r"[.-]", "/")
    cell = (
        text.str.strip_chars().str.extract(r"^(\d{4}-\d\d-\d\d)(?: 00:00:00)?$").str.to_date("%Y-%m-%d", strict=False)
    )
    is_serial = number.is_between(*SERIAL_DAYS) & pl.lit(takes_serials)
    date = pl.when(is_serial).then(serial).otherwise(pl.coalesce(local.str.to_date("%d/%m/%Y", strict=False), cell))
    return pl.coalesce(date.dt.strftime("%Y-%m-%d"), text)


def truth_text(text: pl.Expr) -> pl.Expr:
    """Convert the words and signs of a yes-no column to true and false; leave anything else."""
    word = text.str.normalize("NFC").str.strip_chars().str.to_lowercase()
    return pl.when(word.is_in(TRUE)).then(pl.lit("true")).when(word.is_in(FALSE)).then(pl.lit("false")).otherwise(text)
