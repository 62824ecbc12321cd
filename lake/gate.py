"""The gate that SQL written by a person passes: one query that reads released marts, and nothing else.

What a query does is not guessed from its text. DuckDB itself parses it and writes it down as a tree (`json_serialize_sql`), which it does
for a SELECT only; the tree is walked, and everything in it must be known: each kind of table, each table, each function. The gate is the
second guard. The first is the instance behind it (lake/serving.py), which has nothing else to give.
"""

import json
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any

import duckdb

from ingestion.errors import ConfigurationError

MOST_CHARACTERS = 200_000
MOST_NODES = 100_000

TABLE_FUNCTIONS = frozenset({"unnest", "range", "generate_series", "json_each", "json_tree"})
"""Table functions that make rows of what the query itself holds; any other one may read a file, a setting or another server."""

DRAWN = frozenset({"random", "uuid", "gen_random_uuid", "uuidv4", "uuidv7"})
"""Functions whose answer differs from call to call, and that do nothing else."""

OF_THE_CATALOG = frozenset({"pg_typeof", "format_type", "current_database", "current_schema", "pg_size_pretty"})
"""Macros of PostgreSQL's catalog that tell of the query; the others tell of the server, or sleep."""

NEVER = frozenset({"current_setting", "getenv", "getvariable", "json_serialize_plan"})
"""Functions that DuckDB counts as harmless, and that tell of the machine or plan what nobody has looked at."""

OURS = frozenset({"clock_now"})
HINT = "see docs/security.md for what a query may hold"
HINTS = {"pivot": "name the values: pivot ... on column in (...) using ..."}

KINDS_OF_TABLES = frozenset(
    {"BASE_TABLE", "EMPTY", "EXPRESSION_LIST", "JOIN", "PIVOT", "SHOW_REF", "SUBQUERY", "TABLE_FUNCTION"}
)

Tree = dict[str, Any]  # DuckDB's own tree, as it came out of JSON
Table = tuple[str, str]
"""Schema and name, in small letters."""


class RefusedQueryError(ConfigurationError):
    """A query that is more than a question to released marts."""


@dataclass(frozen=True)
class Gate:
    """Lets queries through that read these tables; `may_read` further tells, for a schema of them, whether this reader may.

    `what` begins the text of an error.
    """

    what: str
    tables: Collection[Table]
    may_read: Callable[[str], bool] = lambda _: True

    def admit(self, query: str) -> None:
        """Let a query pass, or raise RefusedQueryError saying what is in it that may not be."""
        statement = self._parse(query)
        waiting: list[tuple[object, frozenset[str]]] = [(statement, frozenset())]
        for _ in range(MOST_NODES):
            if not waiting:
                return
            node, defined = waiting.pop()
            if isinstance(node, dict):
                waiting.extend(self._enter(node, defined))
            elif isinstance(node, list):
                waiting.extend((item, defined) for item in node)
        raise self._refusal(f"a query of at most {MOST_NODES} parts", "more", "ask for less at once")

    def _parse(self, query: str) -> Tree:
        if len(query) > MOST_CHARACTERS:
            raise self._refusal(
                f"a query of at most {MOST_CHARACTERS} characters", str(len(query)), "ask for less at once"
            )
        try:
            found = json.loads(_serialised(query))
        except (duckdb.Error, RecursionError, ValueError) as error:
            raise self._refusal("a query", "one that cannot be read", "write it with fewer levels") from error
        if found["error"] and found["error_type"] == "not implemented":
            verb = query.split(maxsplit=1)[0].lower()[:20]
            raise self._refusal("a query (select, from, with, describe, summarize)", verb, HINTS.get(verb, HINT))
        if found["error"]:
            raise RefusedQueryError(f"{self.what}: expected a query, got: {found['error_message']}")
        statements: list[Tree] = found["statements"]
        if len(statements) != 1:
            raise self._refusal("one query", f"{len(statements)} of them", "ask them one by one")
        return statements[0]

    def _enter(self, node: Tree, defined: frozenset[str]) -> Iterator[tuple[object, frozenset[str]]]:
        """Look at a node; yield what is below it, with the names that common table expressions have defined there."""
        for entry in node.get("cte_map", {}).get("map", []):
            yield entry["value"], defined
            defined |= {entry["key"].lower()}
        match node:
            case {"type": "RECURSIVE_CTE_NODE", "cte_name": str(name), "right": step}:
                yield step, defined | {name.lower()}
                node = {**node, "right": None}
            case {"class": "FUNCTION" | "WINDOW", "function_name": str(name)}:
                self._check_function(name, node)
            case {"class": _}:
                pass
            case {"type": "BASE_TABLE"}:
                self._check_table(node, defined)
            case {"type": "TABLE_FUNCTION", "function": {"function_name": str(name)}}:
                if name.lower() not in TABLE_FUNCTIONS:
                    allowed = ", ".join(sorted(TABLE_FUNCTIONS))
                    raise self._refusal(
                        f"a released mart, or one of {allowed}", f"{name}(...)", "ask a mart by its name"
                    )
            case {"type": "SHOW_REF", "query": None}:
                raise self._refusal("a question to a mart", "a list of what there is", HINT)
            case {"from_table": {"type": kind}} if kind not in KINDS_OF_TABLES:
                raise self._refusal("a table, a join or a subquery", str(kind), HINT)
        for key, below in node.items():
            if key != "cte_map" and isinstance(below, dict | list):
                yield below, defined

    def _check_table(self, node: Tree, defined: frozenset[str]) -> None:
        catalog, schema, name = (str(node[key]) for key in ("catalog_name", "schema_name", "table_name"))
        if not catalog and not schema and name.lower() in defined - _views():
            return
        full = ".".join(part for part in (catalog, schema, name) if part)
        table = (schema.lower(), name.lower())
        if catalog.lower() not in {"", "marts"} or table not in self.tables or not self.may_read(table[0]):
            readable = [f"{each}.{mart}" for each, mart in sorted(self.tables) if self.may_read(each)]
            near = get_close_matches(".".join(table), readable)
            domains = ", ".join(dict.fromkeys(mart.partition(".")[0] for mart in readable)) or "none"
            hint = f"did you mean {' or '.join(near)}?" if near else f"released domains: {domains}"
            raise self._refusal("a released mart, as <domain>.<mart>", full, hint)

    def _check_function(self, name: str, node: Tree) -> None:
        if str(node.get("catalog") or "system").lower() not in {"system", "memory"} or name.lower() not in functions():
            near = get_close_matches(name.lower(), functions())
            hint = f"did you mean {' or '.join(near)}?" if near else HINT
            raise self._refusal("a function that works on values", f"{name}(...)", hint)

    def _refusal(self, expected: str, came: str, hint: str) -> RefusedQueryError:
        return RefusedQueryError(f"{self.what}: expected {expected}, got {came}; {hint}")


@cache
def functions() -> frozenset[str]:
    """Name the functions a query may call: those that make a value of values, by DuckDB's own list, in small letters."""
    rows = (
        _parser()
        .cursor()
        .execute(
            """
        select lower(function_name) from duckdb_functions()
        where function_type in ('scalar', 'aggregate', 'macro') and internal
            and not coalesce(has_side_effects, false) and schema_name <> 'pg_catalog'
        """
        )
    )
    return frozenset(str(name) for (name,) in rows.fetchall()) - NEVER | DRAWN | OF_THE_CATALOG | OURS | TABLE_FUNCTIONS


@cache
def _views() -> frozenset[str]:
    """Name what DuckDB itself would find under a name without a schema, in small letters; no common table expression is called so."""
    rows = (
        _parser()
        .cursor()
        .execute("select lower(view_name) from duckdb_views() where schema_name in ('main', 'pg_catalog')")
    )
    return frozenset(str(name) for (name,) in rows.fetchall())


@cache
def _parser() -> duckdb.DuckDBPyConnection:
    """Return an instance that has nothing attached, for parsing."""
    return duckdb.connect(config={"autoload_known_extensions": "false", "enable_external_access": "false"})


def _serialised(query: str) -> str:
    row = _parser().cursor().execute("select json_serialize_sql(?::varchar)", [query]).fetchone()
    return str(row[0]) if row else ""


def tables_in(connection: duckdb.DuckDBPyConnection) -> frozenset[Table]:
    """Return the tables of `marts`: all of them are released."""
    rows = connection.execute(
        "select lower(schema_name), lower(table_name) from duckdb_tables() where database_name = 'marts'"
    )
    return frozenset((str(schema), str(table)) for schema, table in rows.fetchall())
