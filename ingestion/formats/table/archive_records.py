"""Reading archives of CSV files (`zip_of_csv.py`): the rows of the form's member, with what its SQL takes from further members.

An archive may list its files in a manifest, a line `file.roles,bulk` each (OneRoster): a further member that it lists must be there.
"""

from collections.abc import Mapping

import polars as pl

from core.contract import Contract
from core.table_forms import Form
from ingestion.formats.base import Envelope, Reading, empty_reading, join_readings
from ingestion.formats.lines import set_aside
from ingestion.formats.table.columns import part_by_reason, read_columns
from ingestion.formats.table.file_times import find_file_time
from ingestion.formats.table.headings import required_headers
from ingestion.formats.table.zip_of_csv import IS_PLACED, Archive, Table

MANIFEST = Table(("propertyName", "value"), (), ())
SENT = ("bulk", "delta")
OWN = ("_delivery", "_position", "_raw")


def read_archives(pieces: pl.DataFrame, form: Form, contract: Contract, envelopes: Mapping[int, Envelope]) -> Reading:
    """Read lines; raise DeliveryError if an archive lacks the form's member, its header, or a member that is read by it is broken."""
    readings = [
        _read_archive(lines, form, contract, int(str(number)), envelopes[int(str(number))].source_name)
        for (number,), lines in pieces.group_by("_delivery", maintain_order=True)
    ]
    return join_readings([empty_reading(contract.column_names), *readings])


def _read_archive(pieces: pl.DataFrame, form: Form, contract: Contract, delivery: int, source_name: str) -> Reading:
    file_time = find_file_time(source_name, form, contract.feed, delivery)
    broken = pieces.filter(~IS_PLACED)
    archive = Archive(pieces.filter(IS_PLACED), _tables(form, contract), contract.feed, delivery)
    archive.promised = _promised(archive, form)
    own = archive.read(form.member)
    tables = {
        name.removesuffix(".csv"): archive.look_into(name).drop("_raw").rename({"_position": "line"})
        for name in form.members
    }
    held = own.records.select(
        *OWN, pl.struct(form.paths).alias("record"), pl.lit(file_time, pl.String).alias("file_time")
    )
    read = held.select(OWN).hstack(read_columns(held, "record, file_time", form, contract, tables=tables))
    kept, refused, passed = part_by_reason(read.rename({"refused": "reason"}), form, contract)
    _, ill, _ = set_aside(broken, {}, {"broken_row": pl.lit(value=True)})
    return Reading(
        kept,
        pl.concat([own.unreadable, refused, ill]),
        pl.concat([own.skipped, archive.skipped(form.member), passed]),
        own.shapes,
    )


def _tables(form: Form, contract: Contract) -> dict[str, Table]:
    further = {
        name: Table(tuple(dict.fromkeys((*one.requires, *one.sources))), one.requires, ())
        for name, one in form.members.items()
    }
    manifest = {form.manifest: MANIFEST} if form.manifest else {}
    return {form.member: Table(form.paths, required_headers(form, contract), form.known), **further, **manifest}


def _promised(archive: Archive, form: Form) -> set[str]:
    if form.manifest is None or not archive.has(form.manifest):
        return set()
    listed = archive.read(form.manifest).records.filter(pl.col("value").str.to_lowercase().is_in(SENT))
    return {
        f"{name.removeprefix('file.')}.csv" for name in listed["propertyName"].drop_nulls() if name.startswith("file.")
    }
