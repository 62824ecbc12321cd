"""Keep CSV and XLSX exports free of formulas.

A cell that an agency filled, or a column that an analyst named, such as `=1+1`, is a formula to a spreadsheet. Superset escapes the cells
of some of its exports, but not headers, streamed or pivoted exports, or what XLSX takes for a formula. Here every CSV is escaped on its
way out, whichever page made it, and workbooks hold only text. The escape is an apostrophe, by which spreadsheets recognise text.
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

csv.field_size_limit(sys.maxsize)  # the outline of a commune is one cell

SEPARATORS = r";\t\r\n"
"""Where a spreadsheet may start a new cell inside one of ours: it separates by `;` in locales with a decimal comma."""

NUMBER = rf"[+-]?\d+(?:[.,]\d+)*(?:[eE][+-]?\d+)?(?:[{SEPARATORS}]|\Z)"
FORMULA = re.compile(
    rf"(?:\A|(?<=[{SEPARATORS}]))(?=[\s\u200b\ufeff]*(?:\{{?=|[+\-@|%\uff1d\uff0b\uff0d\uff20]))(?!{NUMBER})"
)
"""Matches the position before a formula; East Asian spreadsheets also accept full-width signs."""


def harmless(text: str) -> str:
    """Return the text with an apostrophe before everything that a spreadsheet would evaluate; numbers stay as they are."""
    return FORMULA.sub("'", text)


def harmless_csv(chunks: Iterable[str]) -> Iterator[str]:
    """Escape a CSV that arrives in chunks of any length; yield it row by row."""
    page = io.StringIO()
    writer = csv.writer(page)
    for row in csv.reader(_lines(chunks)):
        writer.writerow(map(harmless, row))
        yield page.getvalue()
        page.seek(0)
        page.truncate()


def harmless_workbook(frame: pd.DataFrame, **options: Any) -> bytes:
    """Return a workbook with escaped headers, labels and cells, in which text stays text: no formulas, no links."""
    shown = frame.rename(columns=_harmless_cell, index=_harmless_cell).apply(
        lambda column: column.map(_harmless_cell) if column.dtype == object else column
    )
    output = io.BytesIO()
    settings = {"options": {"strings_to_formulas": False, "strings_to_urls": False}}
    with pd.ExcelWriter(output, engine="xlsxwriter", engine_kwargs=settings) as writer:
        shown.to_excel(writer, **options)
    return output.getvalue()


def escape_exports(application: Flask) -> None:
    """Escape every CSV that Superset sends, alone or in an archive, and replace its writer of workbooks by ours."""
    from superset.utils import csv as superset_csv  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415
    from superset.utils import excel  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415

    superset_csv.df_to_escaped_csv = (
        pd.DataFrame.to_csv
    )  # escaped once, on the way out: a pivot needs the original names of its columns
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
    """Split at line feeds; a lone carriage return, which pandas writes unquoted and which would also end a row, becomes a space."""
    rest = ""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split("\n")
        yield from (re.sub(r"\r(?!\n)", " ", f"{line}\n") for line in whole)
    if rest:
        yield re.sub(r"\r(?!\n)", " ", rest)
