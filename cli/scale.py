"""Verbs for another engine over the same data, where one machine is outgrown."""

import typer

from cli.output import AsJson, Row, ends_well, show
from cli.pipeline import Domains, chosen_domains
from cli.progress import each

app = typer.Typer(help="Another engine over the same data, where one machine is outgrown.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Another engine over the same data, where one machine is outgrown."""


@app.command()
@ends_well
def sync(as_json: AsJson = False) -> None:
    """Copy what is new in the lake to Iceberg: bronze, ledger, quarantine and reference lists; counted against lake and ledger."""
    from core.settings import Settings  # noqa: PLC0415
    from lake.copies import copy_to_iceberg  # noqa: PLC0415  heavy

    rows: list[Row] = [
        {"table": one.table, "rows": one.rows, "added": one.added, "removed": one.removed, "whole": one.is_whole}
        for one in copy_to_iceberg(Settings())
    ]
    show(rows, "Copied to Iceberg", as_json=as_json)


@app.command()
@ends_well
def build(domains: Domains = None, full_refresh: bool = False, as_json: AsJson = False) -> None:
    """Build and test marts on Trino, from what `ioc scale sync` copied."""
    from core.settings import Settings  # noqa: PLC0415
    from quality import steps  # noqa: PLC0415  heavy

    settings = Settings()
    rows: list[Row] = []
    for domain in each(chosen_domains(domains), "domains", "built on Trino"):
        built = steps.build_domain_on_trino(settings, domain, full_refresh=full_refresh)
        rows.append({"domain": domain, "models": built.built, "tests": built.tested, "seconds": built.seconds})
    show(rows, "Built on Trino", as_json=as_json)
