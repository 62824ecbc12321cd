"""Formats are found by the word of the contract."""

import pytest

from core.contract import read_contracts
from core.errors import UnknownNameError
from ingestion.formats.registry import FORMATS, find_format


def test_every_contract_names_a_format_that_exists() -> None:
    names = {contract.format for contract in read_contracts().values()}
    assert len(names) >= 5
    assert names <= set(FORMATS)


def test_each_name_gives_its_own_format() -> None:
    assert len({type(find_format(name)) for name in FORMATS}) == len(FORMATS)


def test_an_unknown_name_is_refused_with_the_names_that_exist() -> None:
    with pytest.raises(UnknownNameError, match=rf"tt11: .*{', '.join(sorted(FORMATS))}") as caught:
        find_format("tt11")
    assert caught.value.values == {"format": "tt11"}
