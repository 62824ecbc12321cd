"""The declared format: which form a delivery has, and the reader of its container.

The kind of file was checked before (`first_look.py`), so a delivery here is text - JSON, XML, or else separated lines - or a zip archive: a
workbook, or files of separated lines. Neither names nor first bytes tell these two apart; a workbook holds `xl/workbook.xml`. Their pieces
begin with their place, by which they are recognised again. If a contract has several forms of one container, `when` tells them apart
by a name in the first record or header; those of XML have roots of their own, and their records are recognised by their names.
"""

import codecs
import io
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import BinaryIO

import polars as pl

from core.contract import Contract
from core.table_forms import UTF_8, Container, Form
from ingestion.formats import base
from ingestion.formats.archives import ZIP_MARK, unpack
from ingestion.formats.base import Envelope, Pieces, Reading, empty_reading, join_readings
from ingestion.formats.csv import split_whole
from ingestion.formats.documents import BROWSERS_SENTENCE, read_document
from ingestion.formats.lines import IS_BLANK, without_mark
from ingestion.formats.table.archive_records import read_archives
from ingestion.formats.table.encodings import decoded
from ingestion.formats.table.json_documents import split_json
from ingestion.formats.table.json_records import read_json
from ingestion.formats.table.separated import read_separated
from ingestion.formats.table.sheets import ROW
from ingestion.formats.table.workbook import is_workbook, split_workbook, unpack_workbook
from ingestion.formats.table.workbook_records import read_workbooks
from ingestion.formats.table.xml_records import ELEMENT, read_xml, split_xml
from ingestion.formats.table.zip_of_csv import PLACE, split_zip

READERS = {Container.CSV: read_separated, Container.XML: read_xml}
READERS_WITH_NAMES = {Container.JSON: read_json, Container.XLSX: read_workbooks, Container.ZIP: read_archives}
"""Readers that may need the name of the file."""

PACKED = (Container.XLSX, Container.ZIP)
IS_PACKED = pl.col("_raw").str.contains(f"^{ROW.pattern}|{PLACE}")


class Table:
    """Records as a contract declares them."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract

    def split(self, content: BinaryIO, envelope: Envelope) -> Iterator[Pieces]:  # noqa: ARG002
        """Cut a delivery as its container says; raise DeliveryError for a container without a form in the contract."""
        beginning = content.read(base.BLOCK_BYTES)
        packed = [form.container in PACKED for form in self._contract.forms]
        if all(packed) or (any(packed) and beginning.startswith(ZIP_MARK)):
            yield from self._unpacked(read_document(content, beginning))
            return
        encoding = self._contract.forms[0].encoding
        if encoding != UTF_8 and not beginning.startswith(codecs.BOM_UTF8):
            content, beginning = io.BytesIO(), decoded(read_document(content, beginning), encoding)
        beginning = without_mark(beginning)
        container = _container_of(beginning)
        forms = self._forms(container)
        if container is Container.JSON and forms:
            yield from split_json(content, beginning, forms[0])
        elif container is Container.XML and forms:
            yield from split_xml(content, beginning, forms)
        elif container is Container.CSV and not forms:
            yield from split_json(content, beginning, self._forms(Container.JSON)[0])
        else:
            yield from split_whole(content, beginning)

    def _unpacked(self, document: bytes) -> Iterator[Pieces]:
        """Cut a workbook or an archive, all of it one block; nothing if it has no bytes."""
        if not document:
            return
        members = unpack(document) if document.startswith(ZIP_MARK) else {}
        takes_workbook = bool(self._forms(Container.XLSX)) and (is_workbook(members) or not members)
        if self._forms(Container.ZIP) and not takes_workbook:
            yield split_zip(members)
        else:
            yield split_workbook(members if is_workbook(members) else unpack_workbook(document))

    def read(self, pieces: pl.DataFrame, contract: Contract, envelopes: Mapping[int, Envelope]) -> Reading:
        """Read pieces, those of each form together; raise DeliveryError if a delivery breaks a rule of its form."""
        filled = pieces.filter(~IS_BLANK & (pl.col("_problem").is_null() | IS_PACKED))
        first = pl.col("_raw").first()
        if self._xml_records:
            is_record = pl.col("_raw").str.extract(ELEMENT).is_in(list(self._xml_records))
            is_xml = first.str.starts_with("<") | (first == BROWSERS_SENTENCE.decode())
            first = pl.coalesce(pl.when(is_xml).then(pl.col("_raw").filter(is_record).first()), first)
        firsts = filled.group_by("_delivery", maintain_order=True).agg(first)
        form_of = {number: self._form_of(first) for number, first in firsts.rows()}
        empty = pieces.filter(~pl.col("_delivery").is_in(list(form_of)))
        readings = [empty_reading(contract.column_names)]
        for form in contract.forms:
            mine = pieces.filter(
                pl.col("_delivery").is_in([number for number, other in form_of.items() if other is form])
            )
            if form is contract.forms[0]:
                mine = pl.concat([empty, mine])
            if mine.height and form.container in READERS_WITH_NAMES:
                readings.append(READERS_WITH_NAMES[form.container](mine, form, contract, envelopes))
            elif mine.height:
                readings.append(READERS[form.container](mine, form, contract))
        return join_readings(readings)

    def _forms(self, container: Container) -> list[Form]:
        return [form for form in self._contract.forms if form.container is container]

    @cached_property
    def _xml_records(self) -> Mapping[str, Form]:
        return {form.records[-1]: form for form in self._forms(Container.XML) if form.records}

    def _form_of(self, first: str) -> Form:
        container = self._packed_container(first) or _container_of(first.encode())
        if container is Container.XML and (name := re.match(ELEMENT, first)) and name[1] in self._xml_records:
            return self._xml_records[name[1]]
        forms = self._forms(container) or list(self._contract.forms)
        told = [form for form in forms if form.when is not None and form.when.casefold() in first.casefold()]
        return (told or [form for form in forms if form.when is None] or forms)[0]

    def _packed_container(self, first: str) -> Container | None:
        places = {Container.XLSX: ROW.pattern, Container.ZIP: PLACE}
        return next((one for one, place in places.items() if self._forms(one) and re.match(place, first)), None)


def _container_of(beginning: bytes) -> Container:
    first = beginning.lstrip().removeprefix(BROWSERS_SENTENCE).lstrip()[:1]
    return Container.JSON if first in (b"{", b"[") else Container.XML if first == b"<" else Container.CSV
