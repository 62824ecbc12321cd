"""Verbs for the agencies' SFTP accounts: list them, show or renew a password. They concern the accounts of this stack only."""

from typing import Annotated

import typer

from cli.output import AsJson, Row, ends_well, say, show, show_document
from core.contract import read_contracts
from core.settings import Settings
from stack.sftp.accounts import ensure_accounts, find_account, renew_password

app = typer.Typer(help="The agencies' SFTP accounts, created from the contracts.", no_args_is_help=True)


@app.command("list")
@ends_well
def list_accounts(as_json: AsJson = False) -> None:
    """List the accounts and their folders, creating those of new contracts; passwords are not shown."""
    accounts = ensure_accounts(Settings(), read_contracts())
    rows: list[Row] = [
        {"account": one.name, "owner": one.owner, "feeds": list(one.feeds), "folders": list(one.folders)}
        for one in accounts.values()
    ]
    show(rows, "SFTP accounts", as_json=as_json)


@app.command()
@ends_well
def password(
    account: Annotated[str, typer.Argument(help="An account of `ioc agencies list`.")],
    renew: Annotated[
        bool, typer.Option("--renew", help="Generate a new one; sessions that use the old one end.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print the password of an account, to hand over to its agency."""
    settings = Settings()
    accounts = ensure_accounts(settings, read_contracts())
    found = renew_password(settings, account) if renew else find_account(accounts, account)
    if as_json:
        show_document({"account": found.name, "password": found.password})
    else:
        say(found.password)
