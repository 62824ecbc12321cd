"""The declared format: which form a delivery has, and the reader of its container.

The kind of file was checked before (`first_look.py`), so a delivery here is text: JSON, XML, or else separated lines. If a
contract has several forms of one container, `when` tells them apart by a name in the first record or header.
"""

import codecs
import io
from collections.abc import Iterator, Mapping
from typing import BinaryIO

import polars as pl

from core.contract import Contract
from core.table_forms import UTF_8, Container, Form
from ingestion.formats import base
from ingestion.formats.base import Envelope, Pieces, Reading, empty_reading, join_readings
from ingestion.formats.csv import split_whole
from ingestion.formats.documents import read_document
from ingestion.formats.lines import IS_BLANK, without_mark
from ingestion.formats.table.encodings import decoded
from ingestion.formats.table.json_documents import split_json
from ingestion.formats.table.json_records import read_json
from ingestion.formats.table.separated import read_separated
from ingestion.formats.table.xml_records import read_xml, split_xml

READERS = {Container.CSV: read_separated, Container.JSON: read_json, Container.XML: read_xml}


class Table:
    """Records as a contract declares them."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract

    def split(self, content: BinaryIO, envelope: Envelope) -> Iterator[Pieces]:  # noqa: ARG002
        """Cut a delivery as its container says; raise DeliveryError for a container without a form in the contract."""
        beginning = content.read(base.BLOCK_BYTES)
        encoding = self._contract.forms[0].encoding
        if encoding != UTF_8 and not beginning.startswith(codecs.BOM_UTF8):
            content, beginning = io.BytesIO(), decoded(read_document(content, beginning), encoding)
        beginning = without_mark(beginning)
        container = _container_of(beginning)
        forms = self._forms(container)
        if container is Container.JSON and forms:
            yield from split_json(content, beginning, forms[0])
        elif container is Container.XML and forms:
            yield from split_xml(content, beginning, forms[0])
        elif container is Container.CSV and not forms:
            yield from split_json(content, beginning, self._forms(Container.JSON)[0])
        else:
            yield from split_whole(content, beginning)

    def read(self, pieces: pl.DataFrame, contract: Contract, envelopes: Mapping[int, Envelope]) -> Reading:  # noqa: ARG002
        """Read pieces, those of each form together."""
        filled = pieces.filter(~IS_BLANK & pl.col("_problem").is_null())
        firsts = filled.group_by("_delivery", maintain_order=True).agg(pl.col("_raw").first())
        form_of = {number: self._form_of(first) for number, first in firsts.rows()}
        empty = pieces.filter(~pl.col("_delivery").is_in(list(form_of)))
        readings = [empty_reading(contract.column_names)]
        for form in contract.forms:
            mine = pieces.filter(
                pl.col("_delivery").is_in([number for number, other in form_of.items() if other is form])
            )
            if form is contract.forms[0]:
                mine = pl.concat([empty, mine])
            if mine.height:
                readings.append(READERS[form.container](mine, form, contract))
        return join_readings(readings)

    def _forms(self, container: Container) -> list[Form]:
        return [form for form in self._contract.forms if form.container is container]

    def _form_of(self, first: str) -> Form:
        forms = self._forms(_container_of(first.encode())) or list(self._contract.forms)
        told = [form for form in forms if form.when is not None and form.when.casefold() in first.casefold()]
        return (told or [form for form in forms if form.when is None] or forms)[0]


def _container_of(beginning: bytes) -> Container:
    first = beginning.lstrip()[:1]
    return Container.JSON if first in (b"{", b"[") else Container.XML if first == b"<" else Container.CSV
