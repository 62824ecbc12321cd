"""What the simulator writes for a declared form is what the reader reads: for every declared contract, and for what one can declare."""

import io
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.contract import TABLE, Contract, find_contract, read_contracts
from core.table_forms import Container, Form
from ingestion.formats.base import Envelope, join_pieces
from ingestion.formats.registry import find_format, split_delivery
from simulator.writer import write_table

GAUGES = find_contract("environment.river_levels")
WIRE = {column.name: column.wire_name for column in GAUGES.columns}
NESTED = {**WIRE, "gauge_id": "gauge.id", "gauge_name": "gauge.name.vi"}
OTHERS = {
    "csv with other marks": Form(Container.CSV, columns=WIRE, decimal_mark=",", thousands_mark="."),
    "csv in UTF-16": Form(Container.CSV, columns=WIRE, encoding="utf-16"),
    "json below a path": Form(Container.JSON, columns=NESTED, records=("result", "items")),
    "json with an error code": Form(
        Container.JSON, columns=NESTED, records=("data",), error_path=("status", "code"), error_fine="0"
    ),
    "a workbook": Form(Container.XLSX, columns=WIRE, known=("STT",)),
    "an archive": Form(Container.ZIP, columns=WIRE, member="levels.csv", known=("note",)),
    "xml with attributes": Form(Container.XML, columns={**NESTED, "trend_code": "@trend"}, records=("a", "b", "gauge")),
}
CASES = {
    **{
        f"{feed} {form.container} {form.when or ''}".strip(): replace(contract, forms=(form,))
        for feed, contract in read_contracts().items()
        if contract.format == TABLE
        for form in contract.forms
        if any(not contract.column(name).is_key for name in form.columns)
    },
    **{name: replace(GAUGES, forms=(form,)) for name, form in OTHERS.items()},
}
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=12).filter(
    lambda text: not text.startswith(("{", "[")) and text not in ("true", "false")
)
NUMBERS = st.decimals(-10_000_000, 10_000_000, places=2).map(lambda number: f"{number:.2f}")


def records_of(contract: Contract) -> st.SearchStrategy[list[dict[str, str | None]]]:
    form = contract.forms[0]
    values: dict[str, st.SearchStrategy[str | None]] = {}
    for column in contract.columns:
        if column.name in form.columns:
            text = TEXTS if column.physical_type == "VARCHAR" else NUMBERS
            values[column.name] = text if column.is_required else st.none() | text
    return st.lists(st.fixed_dictionaries(values), min_size=1, max_size=4)


def test_every_declared_form_is_written() -> None:
    assert len(CASES) >= len(OTHERS) + 5


@pytest.mark.parametrize("name", CASES)
def test_what_is_written_is_read(name: str) -> None:
    contract = CASES[name]

    @settings(deadline=None, max_examples=25)
    @given(records_of(contract))
    def is_read(records: list[dict[str, str | None]]) -> None:
        envelope = Envelope("a_20261120")
        content = io.BytesIO(write_table(contract, records))
        blocks = [(0, pieces) for pieces in split_delivery(contract, content, envelope)]
        reading = find_format(contract).read(join_pieces(blocks), contract, {0: envelope})
        assert reading.unreadable.is_empty(), reading.unreadable
        assert reading.records.select(list(records[0])).to_dicts() == records

    is_read()
