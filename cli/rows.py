"""Rows for a table or for JSON, by SQL: of the lake's books, of the scores in force, and of what a person asks.

The books hold types that we chose. A person's query may hold any, and Python cannot hold all of them: it has no day before year 1 and no
infinite time. DuckDB itself therefore turns what JSON has no word for into text.
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
"""Kinds of types, by the ids that DuckDB gives them. An integer of any size is a JSON number, and so is a float."""

DATE_AND_CLOCK = re.compile(r"^([\d-]+) (?=\d\d:)")
WHOLE_HOURS = re.compile(r"(?<=:)([\d.]+[+-]\d\d)$")
"""Where DuckDB writes a time otherwise than ISO 8601: a space before the clock, an offset of whole hours at the end."""


def rows_of(cursor: duckdb.DuckDBPyConnection) -> list[Row]:
    """Give what a query found, by the names of its columns."""
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def rows_of_any_type(relation: duckdb.DuckDBPyRelation, *, as_json: bool) -> list[Row]:
    """Return what a query finds, whatever its types, for a table or for JSON.

    For both: integers are integers, times ISO 8601 with their offset, and decimals, blobs, intervals and all other types without a
    JSON form DuckDB's text. For JSON, lists, structs and maps keep their shape, the keys of maps as text, and floats are numbers; a table
    holds the text of them. A union, or a struct whose fields have no names, is text.
    """
    names = _told_apart(relation.columns)
    types = relation.types
    casts = [f"cast(#{place} as {_shown_as(each, as_json=as_json)})" for place, each in enumerate(types, 1)]
    return [
        {name: _with_iso_times(value, each) for name, value, each in zip(names, row, types, strict=True)}
        for row in relation.select(", ".join(casts)).fetchall()
    ]


def book_rows(sql: str, values: Values = ()) -> list[Row]:
    """Query the books of the lake and of the operations, with the pipeline's credentials."""
    with connected(Settings()) as connection:
        return rows_of(connection.execute(sql, list(values)))


def quality_rows(sql: str, values: Values = ()) -> list[Row]:
    """Query the released marts of the domain quality, as `marts.quality.<mart>`; nothing where none was published yet."""
    with connected(Settings()) as connection:
        if last_release(connection, QUALITY) is None:
            return []
        return rows_of(connection.execute(sql, list(values)))


def _told_apart(columns: Sequence[str]) -> list[str]:
    """Number the columns that have the name of one before them, because a JSON object holds a name once."""
    names: list[str] = []
    for column in columns:
        numbered = (f"{column}_{number}" for number in count(2))
        is_new = column not in names
        names.append(column if is_new else next(name for name in numbered if name not in {*names, *columns}))
    return names


def _shown_as(each: DuckDBPyType, *, as_json: bool) -> str:
    """Name the type as which a value is fetched: the same shape, with text for each part that JSON has no word for."""
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
    return "VARCHAR"  # a struct whose fields have no names


def _with_iso_times(value: Cell, each: DuckDBPyType) -> Cell:
    """Write the times in a value as ISO 8601 has them; one before year 1, or without end, stays as DuckDB writes it."""
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
    """Name the types inside a type: the fields of a struct, the key and value of a map, the child of a list."""
    return {name: part for name, part in each.children if isinstance(part, DuckDBPyType)}


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
