"""The gate for SQL written by people: it admits one query that reads released marts, and nothing else.

What a query does is not guessed from its text. DuckDB itself parses it into a tree (`json_serialize_sql`), which it does only for a
SELECT; the gate walks the tree and requires everything in it to be known: each kind of table, each table, each function. The instance
behind the gate holds nothing else (lake/serving.py).
"""

import json
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cache
from typing import Any

import duckdb

from core.errors import ConfigurationError

MOST_CHARACTERS = 200_000
MOST_NODES = 100_000

TABLE_FUNCTIONS = frozenset({"unnest", "range", "generate_series", "json_each", "json_tree"})
"""Table functions that make rows only from what is in the query; any other may read a file, a setting or another server."""

DRAWN = frozenset({"random", "uuid", "gen_random_uuid", "uuidv4", "uuidv7"})
"""Functions whose only side effect is that their result differs from call to call."""

OF_THE_CATALOG = frozenset({"pg_typeof", "format_type", "current_database", "current_schema", "pg_size_pretty"})
"""Macros of PostgreSQL's catalog that describe the query; the others describe the server, or sleep."""

NEVER = frozenset(
    {
        *("current_setting", "getenv", "getvariable", "json_serialize_plan"),
        *("levenshtein", "editdist3", "damerau_levenshtein"),
    }
)
"""Functions that DuckDB lists as free of side effects but that are refused here: they reveal facts about the machine, plan SQL that the
gate has not seen, or compare two long texts for minutes without checking for an interrupt, so that no time limit stops them."""

MAKERS = {
    "repeat": 1,
    "lpad": 1,
    "rpad": 1,
    "list_resize": 1,
    "array_resize": 1,
    "bitstring": 1,
    "range": 0,
    "generate_series": 0,
}
"""Functions that make a long value from a short one, and the position of the first argument that says how long.

DuckDB evaluates one call without checking for an interrupt: no time limit stops it and no memory limit counts it. So the length must be
a literal, and all calls of a query together may make at most MOST_MADE values.
"""

MOST_MADE = 10_000_000
MOST_LAMBDAS = 2
MAKE_ROWS = "make rows of it: from generate_series(...), unnest(...)"
PATTERNS = frozenset({"printf", "format"})
WIDTH = re.compile(r"\d{4}|\*")
"""What in the pattern of a PATTERNS function would make a very long text."""

OURS = frozenset({"clock_now"})
HINT = "see docs/security.md for what a query may hold"
HINTS = {"pivot": "name the values: pivot ... on column in (...) using ..."}

KINDS_OF_TABLES = frozenset(
    {"BASE_TABLE", "EMPTY", "EXPRESSION_LIST", "JOIN", "PIVOT", "SHOW_REF", "SUBQUERY", "TABLE_FUNCTION"}
)

Tree = dict[str, Any]  # DuckDB's own tree, parsed from JSON
Table = tuple[str, str]
"""Schema and name, in lower case."""


class RefusedQueryError(ConfigurationError):
    """A query that does more than read released marts."""


@dataclass(frozen=True)
class Scope:
    """The scope at one place of a query: the names of visible common table expressions, in lower case, and the depth of lambdas."""

    defined: frozenset[str] = frozenset()
    lambdas: int = 0

    def defining(self, name: str) -> "Scope":
        """Return the scope after a definition."""
        return replace(self, defined=self.defined | {name.lower()})


@dataclass(frozen=True)
class Gate:
    """Admits queries that read only these tables; `may_read` says whether this reader may read a schema.

    `what` is the prefix of error messages.
    """

    what: str
    tables: Collection[Table]
    may_read: Callable[[str], bool] = lambda _: True

    def admit(self, query: str) -> None:
        """Admit a query, or raise RefusedQueryError naming what is not allowed in it."""
        waiting: list[tuple[object, Scope]] = [(self._parse(query), Scope())]
        made = 1
        for _ in range(MOST_NODES):
            if not waiting:
                return
            node, scope = waiting.pop()
            if isinstance(node, dict):
                made *= self._count_made(node)
                waiting.extend(self._enter(node, scope))
            elif isinstance(node, list):
                waiting.extend((item, scope) for item in node)
            if made > MOST_MADE:
                raise self._refusal(f"at most {MOST_MADE} values made from one", f"{made}", MAKE_ROWS)
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

    def _enter(self, node: Tree, scope: Scope) -> Iterator[tuple[object, Scope]]:
        """Check a node; yield what is below it, each with its scope."""
        for entry in node.get("cte_map", {}).get("map", []):
            yield entry["value"], scope
            scope = scope.defining(entry["key"])
        match node:
            case {"type": "RECURSIVE_CTE_NODE", "cte_name": str(name), "right": step}:
                yield step, scope.defining(name)
                node = {**node, "right": None}
            case {"class": "FUNCTION" | "WINDOW", "function_name": str(name)}:
                self._check_function(name, node)
            case {"class": "LAMBDA"}:
                scope = self._enter_lambda(scope)
            case {"type": "BASE_TABLE"}:
                self._check_table(node, scope)
            case {"type": "TABLE_FUNCTION", "function": function}:
                self._check_table_function(str(function["function_name"]))
                yield {key: part for key, part in function.items() if key not in {"class", "function_name"}}, scope
                node = {**node, "function": None}
            case {"type": "SHOW_REF", "query": None}:
                raise self._refusal("a query that reads a mart", "a list of tables", HINT)
            case {"from_table": {"type": kind}} if kind not in KINDS_OF_TABLES:
                raise self._refusal("a table, a join or a subquery", str(kind), HINT)
        for key, below in node.items():
            if key != "cte_map" and isinstance(below, dict | list):
                yield below, scope

    def _enter_lambda(self, scope: Scope) -> Scope:
        if scope.lambdas == MOST_LAMBDAS:
            raise self._refusal(f"at most {MOST_LAMBDAS} lambdas inside one another", "more", MAKE_ROWS)
        return replace(scope, lambdas=scope.lambdas + 1)

    def _count_made(self, node: Tree) -> int:
        """Return how many values or characters a call makes from one; 1 for all other nodes."""
        name = str(node.get("function_name", "")).lower()
        if name in PATTERNS:
            pattern = _figure(node["children"][:1])
            if not isinstance(pattern, str) or WIDTH.search(pattern):
                raise self._refusal(
                    f"a literal pattern with widths of at most three digits in {name}(...)", "another", MAKE_ROWS
                )
        if name not in MAKERS:
            return 1
        told = [_figure([value]) for value in node["children"][MAKERS[name] :][: 1 if MAKERS[name] else None]]
        numbers = [abs(value) for value in told if isinstance(value, int)]
        if len(numbers) < len(told):
            raise self._refusal(f"a literal length in {name}(...)", "a computed one", MAKE_ROWS)
        return max([1, *numbers])

    def _check_table(self, node: Tree, scope: Scope) -> None:
        catalog, schema, name = (str(node[key]) for key in ("catalog_name", "schema_name", "table_name"))
        if not catalog and not schema and name.lower() in scope.defined - _views():
            return
        full = ".".join(part for part in (catalog, schema, name) if part)
        table = (schema.lower(), name.lower())
        if catalog.lower() not in {"", "marts"} or table not in self.tables or not self.may_read(table[0]):
            readable = [f"{each}.{mart}" for each, mart in sorted(self.tables) if self.may_read(each)]
            near = get_close_matches(".".join(table), readable)
            domains = ", ".join(dict.fromkeys(mart.partition(".")[0] for mart in readable)) or "none"
            hint = f"did you mean {' or '.join(near)}?" if near else f"released domains: {domains}"
            raise self._refusal("a released mart, as <domain>.<mart>", full, hint)

    def _check_table_function(self, name: str) -> None:
        if name.lower() not in TABLE_FUNCTIONS:
            allowed = ", ".join(sorted(TABLE_FUNCTIONS))
            raise self._refusal(f"a released mart, or one of {allowed}", f"{name}(...)", "ask a mart by its name")

    def _check_function(self, name: str, node: Tree) -> None:
        if str(node.get("catalog") or "system").lower() not in {"system", "memory"} or name.lower() not in functions():
            near = get_close_matches(name.lower(), functions())
            hint = f"did you mean {' or '.join(near)}?" if near else HINT
            raise self._refusal("a function that works on values", f"{name}(...)", hint)

    def _refusal(self, expected: str, came: str, hint: str) -> RefusedQueryError:
        return RefusedQueryError(f"{self.what}: expected {expected}, got {came}; {hint}")


@cache
def functions() -> frozenset[str]:
    """Return the functions a query may call, in lower case: those that compute a value from values, by DuckDB's own list."""
    harmless = """
        select lower(function_name) from duckdb_functions()
        where function_type in ('scalar', 'aggregate', 'macro') and internal
            and not coalesce(has_side_effects, false) and schema_name <> 'pg_catalog'
    """
    rows = _parser().cursor().execute(harmless)
    return frozenset(str(name) for (name,) in rows.fetchall()) - NEVER | DRAWN | OF_THE_CATALOG | OURS | TABLE_FUNCTIONS


def _figure(values: Sequence[Tree]) -> object:
    """Return the value of a literal; None if it is computed, or there is none."""
    return values[0]["value"]["value"] if values and values[0]["class"] == "CONSTANT" else None


@cache
def _views() -> frozenset[str]:
    """Return the unqualified names that DuckDB itself resolves, in lower case; a common table expression may not shadow them."""
    unqualified = "select lower(view_name) from duckdb_views() where schema_name in ('main', 'pg_catalog')"
    rows = _parser().cursor().execute(unqualified)
    return frozenset(str(name) for (name,) in rows.fetchall())


@cache
def _parser() -> duckdb.DuckDBPyConnection:
    """Return an instance for parsing, with nothing attached."""
    return duckdb.connect(config={"autoload_known_extensions": "false", "enable_external_access": "false"})


def _serialised(query: str) -> str:
    row = _parser().cursor().execute("select json_serialize_sql(?::varchar)", [query]).fetchone()
    return str(row[0]) if row else ""


def tables_in(connection: duckdb.DuckDBPyConnection) -> frozenset[Table]:
    """Return the tables of `marts`, all of which are released, and its views over them."""
    rows = connection.execute(
        """
        select lower(schema_name), lower(table_name) from duckdb_tables() where database_name = 'marts'
        union all
        select lower(schema_name), lower(view_name) from duckdb_views() where database_name = 'marts' and not internal
        """
    )
    return frozenset((str(schema), str(table)) for schema, table in rows.fetchall())
