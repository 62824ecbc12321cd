"""Verbs for contracts: check them, and generate what follows from them."""

from typing import Annotated

import typer

from cli.output import AsJson, Row, ends_well, show
from ingestion.compatibility import read_released, require_compatible
from ingestion.contract import read_contracts
from ingestion.errors import ContractError
from ingestion.generate import generated_files, stale_files
from ingestion.receipts import agencies

app = typer.Typer(help="The contracts, and what is generated from them.", no_args_is_help=True)


@app.command()
@ends_well
def check(as_json: AsJson = False) -> None:
    """Read every contract, compare it with its released version, and what is generated with what stands in the tree."""
    contracts = read_contracts()
    agencies(contracts)
    require_compatible(contracts, read_released())
    rows: list[Row] = [
        {"feed": one.feed, "version": one.contract_version, "columns": len(one.columns), "rules": len(one.rules)}
        for one in contracts.values()
    ]
    show(rows, "Contracts", as_json=as_json)
    stale = stale_files(contracts)
    if stale:
        raise ContractError(
            f"{', '.join(stale)}: generated from the contracts, no longer equal; run `ioc contracts generate`"
        )


@app.command()
@ends_well
def generate(
    retire: Annotated[list[str] | None, typer.Option(help="A feed that was released and shall be no more.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write every generated file anew; refused where a contract changed and its version has not risen for it."""
    contracts = read_contracts()
    released = {feed: shape for feed, shape in read_released().items() if feed not in (retire or ())}
    require_compatible(contracts, released)
    rows: list[Row] = []
    for path, text in generated_files(contracts).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        rows.append({"file": str(path), "lines": text.count("\n")})
    show(rows, "Generated", as_json=as_json)
