"""Writes what a contract reads: records in a form that it declares, the inverse of `ingestion/formats/table`.

A record is texts by the contract's columns; a column without text is left out, as by a source that does not know it. Columns that the
contract derives from several are not part of it: their parts are given by path, as `sources`. The same records give the same bytes:
workbooks have a fixed time of creation, archives a fixed time of their members.
"""

import csv
import io
import json
import zipfile
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

import xlsxwriter

from core.contract import Contract
from core.table_forms import TCVN3, Container, Form

NUMBERS = ("DOUBLE", "DECIMAL(18,2)", "INTEGER", "BIGINT")
CREATED = datetime(2026, 1, 1)  # noqa: DTZ001  a property of the file, without zone in Excel

Cell = str | int | None
Texts = Mapping[str, str | None]
Cells = Mapping[str, Cell]
"""A record whose whole numbers are cells with a number, as Excel stores them; in another container they are text."""


def write_table(
    contract: Contract,
    records: Sequence[Texts],
    form: Form | None = None,
    members: Mapping[str, Sequence[Texts]] | None = None,
) -> bytes:
    """Return a delivery of records in a form of the contract, the first one where none is named.

    A key of a record is a column of the contract, or a path among the form's sources. `members` are the rows of an archive's further files
    by name, with all columns that they name. Raises ValueError for an encoding that can only be read (TCVN3).
    """
    chosen = form or contract.forms[0]
    if chosen.encoding == TCVN3:
        raise ValueError(f"{contract.feed}: expected an encoding that can be written, got {TCVN3}")
    if chosen.container is Container.XLSX:
        return write_workbook({contract.name: sheet_rows(contract, records, chosen)})
    placed = [_at_their_paths(contract, record, chosen) for record in records]
    header = (*chosen.paths, *chosen.known)
    if chosen.container is Container.ZIP:
        further = {
            name: _csv(rows, list(dict.fromkeys(chain.from_iterable(rows)))) for name, rows in (members or {}).items()
        }
        return _zip({chosen.member: _csv(placed, header), **further})
    if chosen.container is Container.CSV:
        return _csv(placed, header).encode(chosen.encoding)
    return (_json if chosen.container is Container.JSON else _xml)(placed, chosen).encode(chosen.encoding)


def sheet_rows(contract: Contract, records: Sequence[Cells], form: Form | None = None) -> list[list[Cell]]:
    """Return the header and the rows of a sheet that holds the records."""
    chosen = form or contract.forms[0]
    header = [*chosen.paths, *chosen.known]
    rows: list[list[Cell]] = [list(header)]
    for record in records:
        cells: dict[str, Cell] = {}
        for name, cell in record.items():
            if isinstance(cell, str):
                cells.update(_parts(name, cell, chosen))
            else:
                cells[chosen.columns.get(name, name)] = cell
        rows.append([cells.get(path) for path in header])
    return rows


def write_workbook(sheets: Mapping[str, Sequence[Sequence[Cell]]]) -> bytes:
    """Return a workbook of sheets by name, each a sequence of rows; texts stay texts."""
    written = io.BytesIO()
    as_they_are = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(written, as_they_are) as book:
        book.set_properties({"created": CREATED})
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for place, cells in enumerate(rows):
                sheet.write_row(place, 0, cells)
    return written.getvalue()


def cut_rows(content: bytes, rows: Collection[int], fields: int) -> bytes:
    """Cut the last fields off some rows of a CSV file, as a writer that broke down leaves them; rows count from 0."""
    header, *lines = content.splitlines()
    cut = [line.rsplit(b",", fields)[0] if row in rows else line for row, line in enumerate(lines)]
    return b"".join(line + b"\r\n" for line in (header, *cut))


def _at_their_paths(contract: Contract, record: Texts, form: Form) -> dict[str, str]:
    kinds = {column.name: column.physical_type for column in contract.columns}
    placed: dict[str, str] = {}
    for name, text in record.items():
        if text is not None:
            placed |= _parts(name, _as_written(text, form) if kinds.get(name) in NUMBERS else text, form)
    return placed


def _parts(name: str, text: str, form: Form) -> dict[str, str]:
    """Return the text of a column by header or path: in several parts if it is joined of them, numbers without leading zeros."""
    paths = form.joined.get(name)
    parts = zip(paths, text.split(" "), strict=True) if paths else [(form.columns.get(name, name), text)]
    return {path: (part.lstrip("0") or "0") if path in form.digits else part for path, part in parts}


def _as_written(number: str, form: Form) -> str:
    """Write a plain number with the marks of the form."""
    if form.decimal_mark == "." and form.thousands_mark is None:
        return number
    whole, point, rest = number.lstrip("-").partition(".")
    grouped = f"{int(whole):,}".replace(",", form.thousands_mark) if form.thousands_mark else whole
    return f"{'-' if number.startswith('-') else ''}{grouped}{form.decimal_mark if point else ''}{rest}"


def _csv(records: Sequence[Mapping[str, str | None]], names: Sequence[str]) -> str:
    written = io.StringIO()
    table = csv.DictWriter(written, names, restval="", lineterminator="\r\n")
    table.writeheader()
    table.writerows(records)
    return written.getvalue()


def _zip(members: Mapping[str, str]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, text in members.items():
            archive.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)
    return written.getvalue()


def _json(records: Sequence[Mapping[str, str]], form: Form) -> str:
    document: object = [_nested(record) for record in records]
    for name in reversed(form.records):
        document = {name: document}
    if form.error_path and isinstance(document, dict):
        place = document
        for name in form.error_path[:-1]:
            place = place.setdefault(name, {})
        place[form.error_path[-1]] = form.error_fine
    if form.text_of:
        document = {form.text_of: json.dumps(document, ensure_ascii=False)}
    return json.dumps(document, ensure_ascii=False, indent=0) + "\n"


def _nested(record: Mapping[str, str]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for path, text in record.items():
        *parents, leaf = path.split(".")
        place = nested
        for name in parents:
            place = place.setdefault(name, {})
        place[leaf] = text
    return nested


def _xml(records: Sequence[Mapping[str, str]], form: Form) -> str:
    root_name, *parents = form.records[:-1] or form.records
    root = place = Element(root_name)
    for name in parents:
        place = SubElement(place, name)
    for record in records:
        _fill(SubElement(place, form.records[-1]), _nested(record))
    return tostring(root, encoding="unicode")


def _fill(element: Element, members: Mapping[str, Any]) -> None:
    for name, value in members.items():
        if name.startswith("@"):
            element.set(name[1:], value)
        elif isinstance(value, dict):
            _fill(SubElement(element, name), value)
        else:
            SubElement(element, name).text = value
