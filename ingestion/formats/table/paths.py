"""Paths into a record, and the structure that all paths of a form make, as DuckDB's `json_transform` takes it.

A path is names joined by points; `[]` after a name means each object of a list: `steps[].time`. A last name with `[]` is a list whose
entries are read as text.
"""

from collections.abc import Iterable
from typing import Any

import polars as pl

Structure = dict[str, Any]
"""Name to `VARCHAR`, to a structure, or to a list of one of them."""

TEXT = "VARCHAR"


def structure_of(paths: Iterable[str]) -> Structure:
    """Return the structure in which every path has its place."""
    structure: Structure = {}
    for path in paths:
        place = structure
        *parents, leaf = path.split(".")
        for name in parents:
            place = _step(place, name)
        name, is_list = leaf.removesuffix("[]"), leaf.endswith("[]")
        place.setdefault(name, [TEXT] if is_list else TEXT)
    return structure


def _step(place: Structure, name: str) -> Structure:
    bare = name.removesuffix("[]")
    if place.get(bare) in (None, TEXT, [TEXT]):
        place[bare] = [{}] if name.endswith("[]") else {}
    below = place[bare]
    inner: Structure = below[0] if isinstance(below, list) else below
    return inner


def type_of(structure: Structure) -> pl.Struct:
    """Return the polars type of a structure."""
    return pl.Struct({name: _type(entry) for name, entry in structure.items()})


def _type(entry: Any) -> pl.DataType:
    if isinstance(entry, list):
        return pl.List(_type(entry[0]))
    return type_of(entry) if isinstance(entry, dict) else pl.String()


def sql_of(path: str) -> str:
    """Write a path without lists as SQL over `record`."""
    return ".".join(["record", *(quoted(name) for name in path.split("."))])


def quoted(name: str) -> str:
    """Write a name as SQL."""
    escaped = name.replace('"', '""')
    return f'"{escaped}"'
