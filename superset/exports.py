"""What leaves as CSV or XLSX cannot compute anything where somebody opens it.

A cell that an agency filled, or a column that an analyst named, such as `=1+1`, is a formula to a spreadsheet. Superset escapes the cells
of some of its exports; it forgets headers, streamed exports, pivoted ones, and what XLSX takes for a formula. Here every CSV is escaped
on its way out, whichever page made it, and workbooks hold texts only. The mark is the apostrophe, by which spreadsheets know a text.
"""

import csv
import io
import re
import sys
from collections.abc import Iterable, Iterator
from typing import Any  # cells are of any type
from zipfile import ZIP_DEFLATED, ZipFile

import pandas as pd  # type: ignore[import-untyped, unused-ignore]
from flask import Flask, Response  # type: ignore[import-not-found, unused-ignore]

csv.field_size_limit(sys.maxsize)  # an outline of a commune is one cell

SEPARATORS = r";\t\r\n"
"""Where a spreadsheet may begin a cell within ours: its separator is `;` where numbers have a decimal comma."""

NUMBER = rf"[+-]?\d+(?:[.,]\d+)*(?:[eE][+-]?\d+)?(?:[{SEPARATORS}]|\Z)"
FORMULA = re.compile(
    rf"(?:\A|(?<=[{SEPARATORS}]))(?=[\s\u200b\ufeff]*(?:\{{?=|[+\-@|%\uff1d\uff0b\uff0d\uff20]))(?!{NUMBER})"
)
"""Before the text of a formula; full-width signs count in East Asian spreadsheets."""


def harmless(text: str) -> str:
    """Return the text with an apostrophe before everything in it that a spreadsheet would compute; numbers stay as they are."""
    return FORMULA.sub("'", text)


def harmless_csv(chunks: Iterable[str]) -> Iterator[str]:
    """Escape a CSV that comes in pieces of any length, and go on row by row."""
    page = io.StringIO()
    writer = csv.writer(page)
    for row in csv.reader(_lines(chunks)):
        writer.writerow(map(harmless, row))
        yield page.getvalue()
        page.seek(0)
        page.truncate()


def harmless_workbook(frame: pd.DataFrame, **options: Any) -> bytes:
    """Write a workbook whose headers, labels and cells are escaped, and whose texts are texts: no formula, no link."""
    shown = frame.rename(columns=_harmless_cell, index=_harmless_cell).apply(
        lambda column: column.map(_harmless_cell) if column.dtype == object else column
    )
    output = io.BytesIO()
    settings = {"options": {"strings_to_formulas": False, "strings_to_urls": False}}
    with pd.ExcelWriter(output, engine="xlsxwriter", engine_kwargs=settings) as writer:
        shown.to_excel(writer, **options)
    return output.getvalue()


def escape_exports(application: Flask) -> None:
    """Escape what this Superset sends as CSV, alone or in an archive, and have its workbooks written here."""
    from superset.utils import csv as superset_csv  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415
    from superset.utils import excel  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415

    superset_csv.df_to_escaped_csv = (
        pd.DataFrame.to_csv
    )  # once, on the way out: a pivot looks for its columns by their names
    excel.df_to_excel = harmless_workbook
    application.after_request(_harmless_response)


def _harmless_response(response: Response) -> Response:
    if response.mimetype == "text/csv":
        if response.is_streamed:
            response.response = harmless_csv(_texts(response.response))
        else:
            response.set_data(_harmless_bytes(response.get_data()))
    elif response.mimetype == "application/zip" and response.status_code == 200:
        response.set_data(_harmless_archive(response.get_data()))
    return response


def _harmless_archive(archive: bytes) -> bytes:
    """Escape the CSVs of an archive; other members stay as they are."""
    output = io.BytesIO()
    with ZipFile(io.BytesIO(archive)) as given, ZipFile(output, "w", ZIP_DEFLATED) as written:
        for member in given.infolist():
            content = given.read(member)
            written.writestr(member, _harmless_bytes(content) if member.filename.endswith(".csv") else content)
    return output.getvalue()


def _harmless_bytes(content: bytes) -> bytes:
    encoding = "utf-8-sig" if content.startswith(b"\xef\xbb\xbf") else "utf-8"
    return "".join(harmless_csv([content.decode(encoding)])).encode(encoding)


def _harmless_cell(value: Any) -> Any:
    return harmless(value) if isinstance(value, str) else value


def _texts(chunks: Iterable[str | bytes]) -> Iterator[str]:
    return (chunk if isinstance(chunk, str) else chunk.decode() for chunk in chunks)


def _lines(chunks: Iterable[str]) -> Iterator[str]:
    """Cut at line feeds; a carriage return without one, which pandas writes unquoted, would end a row too, and becomes a space."""
    rest = ""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split("\n")
        yield from (re.sub(r"\r(?!\n)", " ", f"{line}\n") for line in whole)
    if rest:
        yield re.sub(r"\r(?!\n)", " ", rest)
