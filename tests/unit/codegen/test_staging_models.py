"""A plain feed needs no staging model written by hand; one written by hand is left alone."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from codegen.staging_models import HEADER, current_model, staging_files, staging_model
from core.contract import Contract, find_contract


@pytest.fixture
def contract() -> Contract:
    return find_contract("environment.river_levels")


def test_a_plain_feed_has_its_columns_and_its_newest_versions(contract: Contract, tmp_path: Path) -> None:
    versioned = replace(contract, version="measured_at")
    files = staging_files({contract.feed: versioned}, tmp_path)
    assert sorted(str(path.relative_to(tmp_path)) for path in files) == [
        "intermediate/environment/_generated__models.yml",
        "intermediate/environment/int_environment__river_levels_current.sql",
        "staging/environment/_generated__models.yml",
        "staging/environment/stg_environment__river_levels.sql",
    ]
    sql = files[tmp_path / "staging/environment/stg_environment__river_levels.sql"]
    assert sql == f"-- {HEADER}\n{staging_model(contract)}"
    assert [line.strip(" ,") for line in sql.partition("renamed as (")[2].partition("from source")[0].splitlines()] == [
        "",
        "",
        "select",
        *contract.column_names,
        "_record_count",
        "_source_version",
        "",
    ]
    assert (
        "newest_versions(ref('stg_environment__river_levels'), 'gauge_id, measured_at', 'measured_at')"
        in current_model(versioned)
    )
    for path, text in files.items():
        assert text.startswith(("-- ", "# ")[path.suffix == ".yml"] + HEADER)


def test_a_feed_without_versions_is_current_as_it_is(contract: Contract, tmp_path: Path) -> None:
    files = staging_files({contract.feed: replace(contract, version=None)}, tmp_path)
    assert {path.parent.parent.name for path in files} == {"staging"}


def test_a_restricted_column_stays_in_bronze(contract: Contract) -> None:
    first, *others = contract.columns
    told = replace(
        contract, columns=(first, *(replace(one, classification="restricted") for one in others[:1]), *others[1:])
    )
    assert others[0].name in staging_model(contract)
    assert others[0].name not in staging_model(told)


def test_a_key_is_tested_and_the_grain_is_told(contract: Contract, tmp_path: Path) -> None:
    files = staging_files({contract.feed: contract}, tmp_path)
    (model,) = yaml.safe_load(files[tmp_path / "staging/environment/_generated__models.yml"])["models"]
    assert model["description"].endswith(contract.grain)
    assert model["data_tests"][0]["unique_combination"]["arguments"]["columns"] == ["gauge_id", "measured_at"]


def test_a_typed_model_is_left_alone_and_a_generated_one_kept_current(contract: Contract, tmp_path: Path) -> None:
    path = tmp_path / "staging" / "environment" / "stg_environment__river_levels.sql"
    path.parent.mkdir(parents=True)
    path.write_text("-- Gauges report in local time.\nselect 1\n", encoding="utf-8")
    assert staging_files({contract.feed: contract}, tmp_path) == {}
    path.write_text(f"-- {HEADER}\nselect 1\n", encoding="utf-8")
    assert path in staging_files({contract.feed: contract}, tmp_path)
