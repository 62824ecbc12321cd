"""The command `ioc`: one flat list of verbs, and a few groups. Each verb is a few lines; the work is in the packages."""

import typer

from cli import (
    agencies,
    books,
    boundaries,
    completeness,
    contracts,
    pipeline,
    quarantine,
    queries,
    receipts,
    reports,
    scale,
    services,
    users,
    warnings,
    withdrawal,
)

app = typer.Typer(
    name="ioc",
    help="An open lakehouse for an Intelligent Operations Centre: feeds in, audited marts and dashboards out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
for module in (services, pipeline, books, completeness, receipts, withdrawal, queries, reports):
    for verb, function in module.VERBS.items():
        app.command(verb)(function)
app.add_typer(agencies.app, name="agencies")
app.add_typer(boundaries.app, name="boundaries")
app.add_typer(contracts.app, name="contracts")
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(scale.app, name="scale")
app.add_typer(users.app, name="users")
app.add_typer(warnings.app, name="warnings")
