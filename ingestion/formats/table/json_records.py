"""Reading JSON: objects, cut by `json_documents.py`, into records. Numbers may come as numbers or as text."""

import json
from collections.abc import Mapping

import msgspec
import polars as pl

from core.contract import Contract
from core.table_forms import Form
from ingestion.formats.base import Envelope, Reading
from ingestion.formats.documents import BROKEN_JSON
from ingestion.formats.lines import IS_BLANK, set_aside
from ingestion.formats.members import member_shapes
from ingestion.formats.table.columns import part_by_reason, read_columns
from ingestion.formats.table.file_times import find_file_time
from ingestion.formats.table.json_faults import find_faults, signs_of_faults
from ingestion.formats.table.paths import Structure, structure_of, type_of


def read_json(pieces: pl.DataFrame, form: Form, contract: Contract, envelopes: Mapping[int, Envelope]) -> Reading:
    """Read objects into records; raise DeliveryError for a file whose name lacks the time that the form needs."""
    is_document = (pl.col("_position") == 1) if form.document else pl.lit(value=False)
    readable, unreadable, skipped = set_aside(
        pieces,
        {"blank_line": IS_BLANK, "header": is_document},
        {
            f"not_a_{form.item}": ~pl.col("_raw").str.strip_chars_start().str.starts_with("{"),
            "nul_byte": pl.col("_raw").str.contains("\\u0000", literal=True),
        },
    )
    structure = structure_of(form.paths)
    held = _with_file_time(_with_document(readable, pieces, form), form, contract, envelopes)
    document = ", document" if form.document else ""
    beside = f"{document}, file_time" if form.needs_file_time else document
    records = f"_raw, try(json_transform(_raw, '{_as_sql(structure)}')) as record{beside}"
    read = held.hstack(read_columns(held, records, form, contract, further=signs_of_faults(structure)))
    reason = (
        pl.when(~pl.col("is_read"))
        .then(pl.lit("not_json"))
        .when(pl.col("refused").is_not_null())
        .then(pl.col("refused"))
    )
    marked = read.with_columns(reason.alias("reason"))
    marked = marked.with_columns(
        pl.when(pl.col("reason").is_null())
        .then(find_faults(marked, structure, form, contract))
        .otherwise(pl.col("reason"))
        .alias("reason")
    )
    kept, broken, passed = part_by_reason(marked, form, contract)
    shapes = member_shapes(readable, form.columns, _known(form))
    return Reading(kept, pl.concat([unreadable, broken]), pl.concat([skipped, passed]), shapes)


def _known(form: Form) -> tuple[str, ...]:
    return (*form.known, *structure_of(form.paths))


def _as_sql(structure: Structure) -> str:
    return json.dumps(structure).replace("'", "''")


def _with_document(readable: pl.DataFrame, pieces: pl.DataFrame, form: Form) -> pl.DataFrame:
    """Add the members beside the list to each of its records."""
    if not form.document:
        return readable
    structure = structure_of(form.document)
    headers = pieces.filter((pl.col("_position") == 1) & pl.col("_problem").is_null()).select("_delivery", "_raw")
    read = [_header(raw, form) for raw in headers["_raw"]]
    known = headers.select("_delivery").with_columns(pl.Series("document", read, dtype=type_of(structure)))
    return readable.join(known, on="_delivery", how="left", maintain_order="left")


def _with_file_time(
    readable: pl.DataFrame, form: Form, contract: Contract, envelopes: Mapping[int, Envelope]
) -> pl.DataFrame:
    """Add the time in the name of its file to each record, if the form needs it."""
    if not form.needs_file_time:
        return readable
    times = {
        number: find_file_time(envelopes[number].source_name, form, contract.feed, number)
        for number in readable["_delivery"].unique(maintain_order=True)
    }
    return readable.with_columns(pl.col("_delivery").replace_strict(times, return_dtype=pl.String).alias("file_time"))


def _header(raw: str, form: Form) -> dict[str, str | None] | None:
    try:
        members = msgspec.json.decode(raw)
    except (*BROKEN_JSON, UnicodeEncodeError):
        return None
    return {name: _text(members.get(name)) for name in form.document}


def _text(value: object) -> str | None:
    return None if value is None else value if isinstance(value, str) else json.dumps(value)
