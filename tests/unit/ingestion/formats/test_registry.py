"""Formats are found by what the contract says."""

from dataclasses import replace

import pytest

from core.contract import TABLE, find_contract, read_contracts
from core.errors import UnknownNameError
from ingestion.formats.registry import FORMATS, find_format

GAUGES = find_contract("environment.river_levels")


def test_every_contract_names_a_format_that_exists() -> None:
    names = {contract.format for contract in read_contracts().values()}
    assert len(names) >= 5
    assert names <= {TABLE, *FORMATS}


def test_each_name_gives_its_own_format() -> None:
    assert len({type(find_format(replace(GAUGES, format=name))) for name in (TABLE, *FORMATS)}) == len(FORMATS) + 1


def test_an_unknown_name_is_refused_with_the_names_that_exist() -> None:
    with pytest.raises(
        UnknownNameError, match=rf"expected a format of {', '.join(sorted((TABLE, *FORMATS)))}, got tt11"
    ) as caught:
        find_format(replace(GAUGES, format="tt11"))
    assert caught.value.values == {"format": "tt11"}
