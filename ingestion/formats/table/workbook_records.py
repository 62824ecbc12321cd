"""Reading workbooks: the rows of each sheet that has the form's header.

The header is in one of the first 12 used rows of a sheet, below titles; it is repeated where pages were joined. A sheet without it belongs
to something else: its rows are skipped under its name. So are those of a hidden sheet, which is an old copy or a source of formulas that
nobody checks before sending. `sheets.py` says what a cell may hold.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from core.contract import Contract
from core.errors import DeliveryError
from core.table_forms import Form
from ingestion.formats.base import Envelope, Reading, Shape, empty_records, empty_skipped, empty_unreadable
from ingestion.formats.headers import Matched
from ingestion.formats.table.columns import part_by_reason, read_columns
from ingestion.formats.table.file_times import find_file_time
from ingestion.formats.table.headings import absent_headers, match_form, required_headers
from ingestion.formats.table.sheets import Sheet, read_sheet, sheets_of, skip_sheet

HEADER_ROWS = 12
OWN = ("_delivery", "_position", "_raw")

Headed = tuple[Sheet, int, Matched]
"""A sheet, the index of its header among its rows, and where the header has which column."""


def read_workbooks(pieces: pl.DataFrame, form: Form, contract: Contract, envelopes: Mapping[int, Envelope]) -> Reading:
    """Read rows; raise DeliveryError if no sheet of a delivery has the form's header, or its name lacks the day that the form needs."""
    held, unreadable, skipped, shapes = [], [empty_unreadable()], [empty_skipped()], {}
    for (number,), rows in pieces.group_by("_delivery", maintain_order=True):
        delivery = int(str(number))
        file_time = find_file_time(envelopes[delivery].source_name, form, contract.feed, delivery)
        sheets, broken = sheets_of(rows)
        headed, others = _with_headers(sheets, form, contract, delivery)
        unreadable.append(broken)
        skipped += others
        for sheet, place, matched in headed:
            records, ill, asides = read_sheet(sheet, place, matched, form, contract)
            held.append(records.with_columns(pl.lit(file_time, pl.String).alias("file_time")))
            unreadable.append(ill)
            skipped.append(asides)
        shapes[delivery] = Shape(
            tuple(name for _, _, matched in headed for name in matched.unknown),
            tuple(name for _, _, matched in headed for name in absent_headers(matched, form)),
        )
    if not held:
        return Reading(empty_records(contract.column_names), pl.concat(unreadable), pl.concat(skipped), shapes)
    rows = pl.concat(held)
    read = rows.select(OWN).hstack(read_columns(rows, "record, file_time", form, contract))
    kept, refused, passed = part_by_reason(read.rename({"refused": "reason"}), form, contract)
    return Reading(kept, pl.concat([*unreadable, refused]), pl.concat([*skipped, passed]), shapes)


def _with_headers(
    sheets: Sequence[Sheet], form: Form, contract: Contract, delivery: int
) -> tuple[list[Headed], list[pl.DataFrame]]:
    """Return the sheets that have the form's header, and how many rows of the others are skipped; raise DeliveryError if none has it."""
    required = required_headers(form, contract)
    headed: list[Headed] = []
    others: list[pl.DataFrame] = []
    best, found = list(required), list[str]()
    for sheet in sheets:
        if sheet.is_hidden:
            others.append(skip_sheet(sheet, "hidden_sheet"))
            continue
        place, matched, missing = _find_header(sheet, form, required)
        if missing or matched is None:
            others.append(skip_sheet(sheet, "other_sheet"))
            if len(missing) < len(best):
                best, found = missing, [*matched.places, *matched.unknown] if matched else []
            continue
        if matched.twice:
            raise DeliveryError(
                f"{contract.feed}: expected each column once, got {', '.join(matched.twice)} twice, one of them perhaps hidden; "
                "delete the one that is not meant and send the file again",
                reason="column_twice",
                delivery=delivery,
            )
        headed.append((sheet, place, matched))
    if sheets and not headed:
        promised = list(form.headers)
        raise DeliveryError(
            f"{contract.feed}: expected a header with {', '.join(promised)} in the first {HEADER_ROWS} rows of a sheet that is not "
            f"hidden, got none: {', '.join(best)} missing; correct the header and send the file again",
            reason="missing_column",
            delivery=delivery,
            missing=best,
            found=found,
            promised=promised,
        )
    return headed, others


def _find_header(sheet: Sheet, form: Form, required: Sequence[str]) -> tuple[int, Matched | None, list[str]]:
    """Return the first row that holds every required column; otherwise what the best row lacks.

    A row that holds less than half of them is not a header: none of its cells is reported, since they may be a person's.
    """
    lacking = list(required)
    nearest: Matched | None = None
    for place in range(min(HEADER_ROWS, len(sheet.rows))):
        matched = match_form(sheet.texts(place), form)
        missing = [name for name in required if name not in matched.places]
        if not missing:
            return place, matched, []
        if len(missing) < len(lacking):
            lacking, nearest = missing, matched if 2 * len(missing) <= len(required) else None
    return 0, nearest, lacking
