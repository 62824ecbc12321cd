"""`ioc contracts check` finds at noon what Airflow would find at night."""

from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.contracts import LAYERS, MODELS, app, require_whole_domains
from core.contract import Contract, read_contracts
from core.domains import require_listed_domains
from core.errors import ContractError


@pytest.fixture
def contracts() -> dict[str, Contract]:
    """The project's contracts, and one of a domain without models."""
    contracts = read_contracts()
    template = contracts["feedback.requests"]
    return contracts | {"tourism.stays": replace(template, feed="tourism.stays", domain="tourism")}


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder of models that has those of every domain, `tourism` included."""
    for layer in LAYERS:
        for domain in (MODELS / layer).iterdir():
            (tmp_path / layer / domain.name).mkdir(parents=True)
            (tmp_path / layer / domain.name / "a.sql").touch()
        (tmp_path / layer / "tourism").mkdir()
        (tmp_path / layer / "tourism" / "a.sql").touch()
    return tmp_path


def test_a_domain_with_models_is_whole(contracts: dict[str, Contract], models: Path) -> None:
    require_whole_domains(contracts, models)


def test_a_domain_that_is_not_listed_is_refused(contracts: dict[str, Contract]) -> None:
    with pytest.raises(
        ContractError,
        match=r"^tourism.stays: expected a domain of contracts/domains.yaml .*, got tourism; add it there$",
    ):
        require_listed_domains(contracts.values())


@pytest.mark.parametrize("layer", ["staging", "marts"])
def test_a_domain_without_models_is_refused(contracts: dict[str, Contract], models: Path, layer: str) -> None:
    (models / layer / "tourism" / "a.sql").unlink()
    (models / layer / "tourism" / "_tourism__models.yml").touch()
    with pytest.raises(
        ContractError, match=rf"^tourism: expected a model in dbt_project/models/{layer}/tourism, got none; "
    ):
        require_whole_domains(contracts, models)


def test_the_command_refuses_it(contracts: dict[str, Contract], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.contracts.read_contracts", lambda: contracts)
    answer = CliRunner().invoke(app, ["check"])
    assert answer.exit_code == 1
    assert "tourism.stays: expected a domain of contracts/domains.yaml" in answer.stderr.replace("\n", " ")


def test_the_command_passes_the_project() -> None:
    assert CliRunner().invoke(app, ["check"]).exit_code == 0
