"""Verbs for contracts: check them, and generate files from them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from cli.output import AsJson, Row, ends_well, show
from cli.progress import each
from codegen.compatibility import read_released, require_compatible
from codegen.generate import generated_files, stale_files
from core.agencies import agencies
from core.contract import Contract, read_contracts
from core.domains import require_listed_domains
from core.errors import ContractError
from core.settings import PROJECT, Settings
from stack.sftp.accounts import accounts_of

MODELS = PROJECT / "dbt_project" / "models"
LAYERS = ("staging", "marts")
"""Folders of models without which a domain has nothing to build or release."""

app = typer.Typer(help="The contracts, and the files generated from them.", no_args_is_help=True)


@app.command()
@ends_well
def check(as_json: AsJson = False) -> None:
    """Read every contract; compare it with its released version, the list of domains and the generated files."""
    contracts = read_contracts()
    require_listed_domains(contracts.values())
    require_whole_domains(contracts, MODELS)
    agencies(contracts)
    accounts_of(Settings(), contracts)
    require_compatible(contracts, read_released())
    rows: list[Row] = [
        {"feed": one.feed, "version": one.contract_version, "columns": len(one.columns), "rules": len(one.rules)}
        for one in contracts.values()
    ]
    show(rows, "Contracts", as_json=as_json)
    stale = stale_files(contracts)
    if stale:
        raise ContractError(
            f"{', '.join(stale)}: expected what the contracts generate, got other content; run `ioc contracts generate`"
        )


@app.command()
@ends_well
def generate(
    retire: Annotated[list[str] | None, typer.Option(help="A released feed to be removed.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write every generated file; refused if a contract changed without raising its version."""
    contracts = read_contracts()
    released = {feed: shape for feed, shape in read_released().items() if feed not in (retire or ())}
    require_compatible(contracts, released)
    rows: list[Row] = []
    for path, text in each(list(generated_files(contracts).items()), "files", "written", lambda item: item[0].name):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        rows.append({"file": str(path), "lines": text.count("\n")})
    show(rows, "Generated", as_json=as_json)


def require_whole_domains(contracts: Mapping[str, Contract], models: Path) -> None:
    """Raise ContractError naming every domain without a staging model or a mart, since its build or audit would fail."""
    wrong: list[str] = []
    for domain in sorted({contract.domain for contract in contracts.values()}):
        missing = [
            f"a model in dbt_project/models/{layer}/{domain}"
            for layer in LAYERS
            if not any((models / layer / domain).glob("*.sql"))
        ]
        if missing:
            wrong.append(
                f"{domain}: expected {', '.join(missing)}, got none; add it, or the domain cannot be built and audited"
            )
    if wrong:
        raise ContractError("\n".join(wrong))
