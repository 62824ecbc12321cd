"""The output of the command: tables for people, JSON for machines, errors on standard error."""

import csv
import json
import math
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import wraps
from typing import Annotated, ParamSpec, TypeVar

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.progress import is_interrupted
from cli.visible import shortened, visible, visible_json
from core.errors import LakehouseError

Cell = str | int | float | bool | datetime | None | Sequence["Cell"] | Mapping[str, "Cell"]
Row = Mapping[str, Cell]
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]

PAGE_WIDTH = 140
"""Width of a table that goes to a file or a pipe, where there is no terminal width."""

LONGEST_CELL = 90

console = Console(width=None if sys.stdout.isatty() else PAGE_WIDTH)
complaints = Console(stderr=True, width=None if sys.stderr.isatty() else PAGE_WIDTH)


def show(
    rows: Sequence[Row],
    title: str,
    *,
    as_json: bool,
    columns: Sequence[str] | None = None,
    short: Collection[str] = ("reason",),
    has_marks: bool = True,
) -> None:
    """Print rows as a table (only `columns`, if given), or all their fields as a JSON list.

    In a table, cells of the columns `short` are cut to LONGEST_CELL characters, followed by their length; JSON is never cut. Counts have
    a mark at their thousands; `has_marks` is False where a number may as well be a year or a code.
    """
    if as_json:
        _write_json(rows)
        return
    table = Table(
        title=Text(visible(title), style="table.title"), title_justify="left", show_edge=False, pad_edge=False
    )
    names = list(columns or (rows[0] if rows else ()))
    for name in names:
        is_number = bool(rows) and all(isinstance(row.get(name), int | float | None) for row in rows)
        table.add_column(Text(visible(name)), justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        cells = [_cell(row.get(name), has_marks=has_marks) for name in names]
        cells = [
            shortened(cell, LONGEST_CELL) if name in short else cell for name, cell in zip(names, cells, strict=True)
        ]
        table.add_row(*(Text(visible(cell)) for cell in cells))  # as text: `[/]` in a value is not markup
    console.print(table)
    if not rows:
        console.print("(none)")


def show_csv(rows: Sequence[Row], columns: Sequence[str]) -> None:
    """Print rows as CSV (RFC 4180) under the names of the columns: nothing where a value is not known, `true` and `false`."""
    table = csv.writer(sys.stdout)
    table.writerow(columns)
    table.writerows(
        [str(value).lower() if isinstance(value, bool) else value for value in row.values()] for row in rows
    )


def show_document(document: Mapping[str, object]) -> None:
    """Print one JSON object, for machines."""
    _write_json(document)


def say(text: str, *, as_json: bool = False) -> None:
    """Print progress for people; silent with `as_json`."""
    if not as_json:
        console.print(visible(text, keeps_lines=True), markup=False, highlight=False)


def complain(error: LakehouseError, *, as_json: bool) -> None:
    """Print an error on standard error."""
    if as_json:
        answer = {"error": type(error).__name__, "message": str(error)}
        sys.stderr.write(visible_json(json.dumps(answer, ensure_ascii=False)) + "\n")
    else:
        complaints.print(f"[bold red]{type(error).__name__}[/]: ", end="")
        complaints.print(visible(str(error), keeps_lines=True), markup=False, highlight=False)


def ends_well(command: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """End a command with exit status 1 and a message if it raises one of our errors, unless Ctrl-C caused it."""

    @wraps(command)
    def guarded(*args: Arguments.args, **options: Arguments.kwargs) -> Result:
        try:
            return command(*args, **options)
        except LakehouseError as error:
            if is_interrupted():  # an error caused by the interruption is not a failure; see cli/interruption.py
                raise
            complain(error, as_json=bool(options.get("as_json", False)))
            raise typer.Exit(1) from error

    return guarded


def _cell(value: Cell, *, has_marks: bool = True) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, float):
        return f"{value:,.1f}"
    if isinstance(value, int):
        return f"{value:,}" if has_marks else str(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_cell(item)}" for name, item in value.items())
    return value if isinstance(value, str) else ", ".join(map(_cell, value))


def _write_json(value: object) -> None:
    text = json.dumps(_jsonable(value), default=_json, ensure_ascii=False, allow_nan=False, indent=2)
    sys.stdout.write(f"{visible_json(text)}\n")


def _jsonable(value: object) -> object:
    """Replace NaN and infinities, which JSON cannot express as numbers, with text."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {name: _jsonable(item) for name, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_jsonable(item) for item in value]
    return value


def _json(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
