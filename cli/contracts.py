"""Verbs for contracts: check them, and generate what follows from them."""

import typer

from cli.output import AsJson, Row, ends_well, show
from ingestion.contract import read_contracts
from ingestion.errors import ContractError
from ingestion.generate import generated_files, stale_files

app = typer.Typer(help="The contracts, and what is generated from them.", no_args_is_help=True)


@app.command()
@ends_well
def check(as_json: AsJson = False) -> None:
    """Read every contract, and compare what is generated from them with what stands in the tree."""
    contracts = read_contracts()
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
def generate(as_json: AsJson = False) -> None:
    """Write every generated file anew."""
    rows: list[Row] = []
    for path, text in generated_files(read_contracts()).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        rows.append({"file": str(path), "lines": text.count("\n")})
    show(rows, "Generated", as_json=as_json)
