"""Rows for a table or for JSON, by SQL: from the lake's ledger, from the scores in force, and from a person's query.

The ledger has types that we chose. A person's query may have any type, and Python cannot hold all their values: it has no date before
year 1 and no infinite time. DuckDB itself therefore turns what JSON cannot express into text.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import count

import duckdb
from duckdb.sqltypes import DuckDBPyType

from cli.output import Cell, Row
from core.domains import QUALITY
from core.settings import Settings
from lake.connection import connected
from lake.releases import last_release

Values = Sequence[str | int | None]

INTEGERS = frozenset(
    f"{sign}{size}" for sign in ("", "u") for size in ("tinyint", "smallint", "integer", "bigint", "hugeint")
)
FLOATS = frozenset({"float", "double"})
LISTS = frozenset({"list", "array"})
"""Kinds of types, by DuckDB's type ids. An integer of any size is a JSON number, and so is a float."""

DATE_AND_CLOCK = re.compile(r"^([\d-]+) (?=\d\d:)")
WHOLE_HOURS = re.compile(r"(?<=:)([\d.]+[+-]\d\d)$")
"""Where DuckDB's text of a time differs from ISO 8601: a space before the time, an offset of whole hours at the end."""


def rows_of(cursor: duckdb.DuckDBPyConnection) -> list[Row]:
    """Return the rows of a query as mappings by column name."""
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def rows_of_any_type(relation: duckdb.DuckDBPyRelation, *, as_json: bool) -> list[Row]:
    """Return the rows of a query with columns of any type, for a table or for JSON.

    In both, integers are integers, times are ISO 8601 with their offset, and decimals, blobs, intervals and all other types without a
    JSON form are DuckDB's text. In JSON, lists, structs and maps keep their shape, with map keys as text, and floats are numbers; in a
    table they are text. A union, or a struct with unnamed fields, is always text.
    """
    names = _told_apart(relation.columns)
    types = relation.types
    casts = [f"cast(#{place} as {_shown_as(each, as_json=as_json)})" for place, each in enumerate(types, 1)]
    return [
        {name: _with_iso_times(value, each) for name, value, each in zip(names, row, types, strict=True)}
        for row in relation.select(", ".join(casts)).fetchall()
    ]


def book_rows(sql: str, values: Values = ()) -> list[Row]:
    """Query the lake with the pipeline's credentials."""
    with connected(Settings()) as connection:
        return rows_of(connection.execute(sql, list(values)))


def quality_rows(sql: str, values: Values = ()) -> list[Row]:
    """Query the released marts of the quality domain, as `marts.quality.<mart>`; no rows before its first release."""
    with connected(Settings()) as connection:
        if last_release(connection, QUALITY) is None:
            return []
        return rows_of(connection.execute(sql, list(values)))


def _told_apart(columns: Sequence[str]) -> list[str]:
    """Number columns whose name is already taken, because names in a JSON object are unique."""
    names: list[str] = []
    for column in columns:
        numbered = (f"{column}_{number}" for number in count(2))
        is_new = column not in names
        names.append(column if is_new else next(name for name in numbered if name not in {*names, *columns}))
    return names


def _shown_as(each: DuckDBPyType, *, as_json: bool) -> str:
    """Return the type to cast a value to: the same shape, with text for each part that JSON cannot express."""
    if each.id == "boolean" or each.id in INTEGERS or (as_json and each.id in FLOATS):
        return str(each)
    if not as_json or each.id not in {"struct", "map", *LISTS}:
        return "VARCHAR"
    parts = _parts(each)
    if each.id == "struct" and "" not in parts:
        fields = (f"{_quoted(name)} {_shown_as(part, as_json=True)}" for name, part in parts.items())
        return f"STRUCT({', '.join(fields)})"
    if each.id == "map":
        return f"MAP(VARCHAR, {_shown_as(parts['value'], as_json=True)})"
    if each.id in LISTS:
        return f"{_shown_as(parts['child'], as_json=True)}[{dict(each.children).get('size', '')}]"
    return "VARCHAR"  # a struct with unnamed fields


def _with_iso_times(value: Cell, each: DuckDBPyType) -> Cell:
    """Rewrite times in a value as ISO 8601; times before year 1 and infinite ones stay as DuckDB writes them."""
    if isinstance(value, str):
        return WHOLE_HOURS.sub(r"\1:00", DATE_AND_CLOCK.sub(r"\1T", value)) if each.id.startswith("time") else value
    if isinstance(value, Sequence):
        child = _parts(each)["child"]
        return [_with_iso_times(item, child) for item in value]
    if isinstance(value, Mapping):
        parts = _parts(each)
        if each.id == "map":
            keys = [str(_with_iso_times(key, parts["key"])) for key in value]
            return {key: _with_iso_times(item, parts["value"]) for key, item in zip(keys, value.values(), strict=True)}
        return {name: _with_iso_times(item, parts[name]) for name, item in value.items()}
    return value


def _parts(each: DuckDBPyType) -> dict[str, DuckDBPyType]:
    """Return the types inside a type: the fields of a struct, the key and value of a map, the child of a list."""
    return {name: part for name, part in each.children if isinstance(part, DuckDBPyType)}


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
