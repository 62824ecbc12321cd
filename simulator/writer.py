"""Writes what a contract reads: records in a form that it declares, the inverse of `ingestion/formats/table`.

A record is texts by the contract's columns; a column without text is left out, as by a source that does not know it. Columns that the
contract derives from several are not part of it: their parts are given by path, as `sources`.
"""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from core.contract import Contract
from core.table_forms import TCVN3, Container, Form

NUMBERS = ("DOUBLE", "DECIMAL(18,2)", "INTEGER", "BIGINT")

Texts = Mapping[str, str | None]


def write_table(contract: Contract, records: Sequence[Texts], form: Form | None = None) -> bytes:
    """Return a delivery of records in a form of the contract, the first one where none is named.

    A key of a record is a column of the contract, or a path among the form's sources. Raises ValueError for an encoding that can only
    be read (TCVN3).
    """
    chosen = form or contract.forms[0]
    if chosen.encoding == TCVN3:
        raise ValueError(f"{contract.feed}: expected an encoding that can be written, got {TCVN3}")
    placed = [_at_their_paths(contract, record, chosen) for record in records]
    writers = {Container.CSV: _csv, Container.JSON: _json, Container.XML: _xml}
    return writers[chosen.container](placed, chosen).encode(chosen.encoding)


def _at_their_paths(contract: Contract, record: Texts, form: Form) -> dict[str, str]:
    kinds = {column.name: column.physical_type for column in contract.columns}
    return {
        form.columns.get(name, name): _as_written(text, form) if kinds.get(name) in NUMBERS else text
        for name, text in record.items()
        if text is not None
    }


def _as_written(number: str, form: Form) -> str:
    """Write a plain number with the marks of the form."""
    if form.decimal_mark == "." and form.thousands_mark is None:
        return number
    whole, point, rest = number.lstrip("-").partition(".")
    grouped = f"{int(whole):,}".replace(",", form.thousands_mark) if form.thousands_mark else whole
    return f"{'-' if number.startswith('-') else ''}{grouped}{form.decimal_mark if point else ''}{rest}"


def _csv(records: Sequence[Mapping[str, str]], form: Form) -> str:
    written = io.StringIO()
    table = csv.DictWriter(written, list(form.paths), restval="", lineterminator="\r\n")
    table.writeheader()
    table.writerows(records)
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
