"""Formats are found by the word of the contract."""

import pytest

from ingestion.contract import read_contracts
from ingestion.errors import UnknownNameError
from ingestion.formats.registry import FORMATS, find_format


def test_every_contract_names_a_format_that_exists() -> None:
    names = {contract.format for contract in read_contracts().values()}
    assert len(names) >= 5
    assert names <= set(FORMATS)


def test_each_name_gives_its_own_format() -> None:
    assert [type(find_format(name)).__name__ for name in sorted(FORMATS)] == [
        "Csv",
        "Moet",
        "Naf",
        "Nmea",
        "Open311",
        "SchoolExports",
        "Tt10",
    ]


def test_an_unknown_name_is_refused_with_the_names_that_exist() -> None:
    with pytest.raises(
        UnknownNameError, match=r"tt11: .*csv, moet, naf, nmea, open311, school_exports, tt10"
    ) as caught:
        find_format("tt11")
    assert caught.value.values == {"format": "tt11"}
