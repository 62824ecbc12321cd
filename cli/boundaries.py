"""Verbs for the boundaries of the communes, which the maps draw."""

from pathlib import Path
from typing import Annotated

import typer

from cli.output import AsJson, ends_well, say, show_document
from core.boundaries import make_boundaries, write_boundaries
from core.commune_shapes import read_commune_shapes
from core.reference import Reference

app = typer.Typer(help="The boundaries of the communes, which the maps draw.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """The boundaries of the communes, which the maps draw."""


@app.command()
@ends_well
def load(
    file: Annotated[Path, typer.Argument(help="GeoJSON: one feature for each commune of the list, WGS 84.")],
    code: Annotated[str, typer.Option(help="The property of a feature that holds the code of its commune.")] = "code",
    name: Annotated[
        str | None, typer.Option(help="The property that holds its name, for a file without codes.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make the list of boundaries from a file; refused as a whole, and nothing changed, if a commune is at fault."""
    communes = Reference().list_of("communes").select("commune_code", "commune_name").rows()
    shapes = read_commune_shapes(file, dict(communes), code_property=code, name_property=name)
    made = make_boundaries(shapes)
    is_changed = write_boundaries(made)
    if as_json:
        show_document(
            {
                "communes": made.communes,
                "mended": [{"commune": commune, "reason": reason} for commune, reason in made.mended],
                "holes": made.holes,
                "positions_before": made.positions_before,
                "positions_after": made.positions_after,
                "tolerance_degrees": made.tolerance_degrees,
                "most_changed": made.most_changed,
                "change_percent": made.change_percent,
                "bytes": len(made.text.encode()),
                "is_changed": is_changed,
            }
        )
        return
    for commune, reason in made.mended:
        say(f"{commune}: mended ({reason})")
    if made.holes:
        say(f"{made.holes} holes left out: a commune that lies in one is drawn on top")
    simplified = f"simplified at {made.tolerance_degrees:.4f} degrees" if made.tolerance_degrees else "not simplified"
    say(
        f"{made.communes} communes, {made.positions_before:,} positions, {simplified} to {made.positions_after:,} "
        f"({len(made.text.encode()) / 1000:.0f} kB); no area changed by more than {made.change_percent:.1f} % ({made.most_changed})"
    )
    say("The next build draws them: `ioc run`" if is_changed else "The list held them already: nothing changed")
