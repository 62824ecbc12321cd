"""The verb for our own warnings: write those that the released marts call for as CAP 1.2, a file each."""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from cli.output import AsJson, Row, ends_well, show
from core.settings import Settings
from lake.serving import begin_reading, end_reading, open_marts
from reporting.cap import fire_warnings, write_cap

app = typer.Typer(help="Our own warnings, for other systems.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Our own warnings, for other systems."""


@app.command()
@ends_well
def export(
    sender: Annotated[str, typer.Option(help="Who warns, as canhbao@<domain of the province>.")],
    into: Annotated[Path, typer.Option(help="A folder; a file that is there already has the same warning.")],
    as_json: AsJson = False,
) -> None:
    """Write the warnings of the releases in force, so far those of forest fires from level IV on, as files `<identifier>.cap`."""
    settings = Settings()
    with closing(open_marts(settings)) as marts:
        begin_reading(marts)
        try:
            warnings = list(fire_warnings(marts, sender, settings.clock()))
        finally:
            end_reading(marts)
    into.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    for warning in warnings:
        file = into / f"{warning.identifier}.cap"
        file.write_bytes(write_cap(warning))
        rows.append({"identifier": warning.identifier, "communes": len(warning.communes), "file": str(file)})
    show(rows, "Warnings", as_json=as_json)
