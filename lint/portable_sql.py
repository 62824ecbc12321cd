"""Check that every model is written in the SQL that DuckDB and Trino share, without either of them.

    lint/.venv/bin/python lint/portable_sql.py [DBT-PROJECT]

Each model is rendered as Trino gets it and read with Trino's grammar. What stands in it must be on the list below: what an engine writes
differently, or means differently under the same name, goes through a macro of `macros/engine/dispatch.sql`, and the finding names it.
Types, and whether a name can be resolved, only Trino itself can tell (tests/integration/test_trino.py). Prints one line a finding, exits 1
where there is one or no model.
"""

import sys
from collections.abc import Collection, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import sqlglot
import yaml
from rendering import Rendering, Text
from sqlglot import exp
from sqlglot.tokens import TokenType

PROJECT = Path(__file__).parents[1] / "dbt_project"

SHARED = frozenset(
    """
    Select Star From With Table CTE Identifier TableAlias Where Subquery Column Alias Join Group Having Order Ordered
    Union Distinct Values Tuple Exists In
    Literal Null Boolean EQ NEQ GT GTE LT LTE Is NullSafeEQ NullSafeNEQ Between Like And Or Not Paren Neg Add Sub Mul Div
    Mod DPipe Case If Coalesce Nullif Cast TryCast DataType DataTypeParam Interval Var Extract
    Abs Floor Round Pow Exp Sqrt Cos Radians Lower Substring StrPosition SplitPart Replace Translate ConcatWs DateTrunc
    TimestampTrunc
    Count Sum Avg Min Max StddevSamp LogicalAnd LogicalOr Filter Window WindowSpec RowNumber Rank Lag Lead FirstValue
    LastValue IgnoreNulls
    ArrayMax ArrayMin ArrayFilter Array Lambda ArgMax ArgMin AtTimeZone FromISO8601TimestampNanos TimeToUnix UnixToTime
    DateAdd DateDiff Unnest GenerateSeries Flatten Format Transform YearOfWeek DayOfWeekIso Ceil Trunc Split Try StrToTime
    Bracket RegexpReplace RegexpLike RegexpExtract ArraySort ArrayAgg ArraySize JSONFormat ArrayToString
    ParseJSON JSONExtractScalar JSONPath JSONPathKey JSONPathRoot
    """.split()  # noqa: SIM905  a list of this length reads best as text
)
"""The kinds of nodes, in sqlglot's words, that a model may have once it is rendered for Trino: queries, values and operators, functions,
aggregates and windows, and in the last five lines what only the macros of the engine write."""

FUNCTIONS = ("with_timezone",)
"""Functions that sqlglot has no kind for, and that Trino has; the macros of the engine write them."""

INSTEAD = {
    "Greatest": "greatest_known: with a NULL among its values DuckDB gives the greatest of the others, Trino NULL",
    "Least": "least_known: with a NULL among its values DuckDB gives the least of the others, Trino NULL",
    "PercentileCont": "percentile: Trino has approximate ones only",
    "Median": "median_over or percentile: Trino has no median",
    "IntDiv": "whole_quotient",
    "Explode": "parts_of, members_of or numbers_from_to, joined",
    "TimeBucket": "time_slot",
    "Left": "substr(text, 1, …)",
    "Right": "substr(text, -…)",
    "DateFromParts": "date_of",
    "GroupConcat": "joined_texts",
    "List": "sorted_list",
    "make_date": "date_of",
    "epoch": "hours_between or local_slot_number",
    "arg_max": "value_at_greatest",
    "arg_min": "value_at_least",
    "time_bucket": "time_slot",
    "timezone": "local_time_of or instant_of_local_time",
    "len": "members_in",
    "list": "sorted_list",
    "string_agg": "joined_texts",
    "regexp_matches": "matches",
    "to_minutes": "minutes_after",
    "generate_series": "numbers_from_to or days_from_to",
    "range": "numbers_from_to",
    "list_extract": "member_at",
}
"""What to write instead of a construct; one that is not named has no macro yet."""

PARTS = ("YEAR", "MONTH", "WEEK", "DAY", "DOY", "HOUR", "MINUTE")
"""The parts of a date or an instant that both engines extract."""

ADDED_UP = (exp.Sum, exp.Avg, exp.StddevSamp)
"""Aggregates that add up: over doubles, in the order in which the rows come."""

DOUBLES = (exp.Exp, exp.Sqrt, exp.Cos, exp.Radians, exp.Pow, exp.TimeToUnix)
"""Functions whose value is a double whatever they are given."""


def find_faults(text: Text, doubles: Collection[str]) -> Iterator[str]:
    """Return what a model says that the engines do not share, one line each: the construct, and what to write; `doubles` names columns."""
    try:
        tokens = sqlglot.tokenize(text.sql, read="trino")
        tree = sqlglot.parse_one(text.sql, read="trino")
    except sqlglot.errors.SqlglotError as error:
        told = getattr(error, "errors", None) or [{"description": str(error), "line": "?", "highlight": ""}]
        yield f"expected SQL that Trino can read, got `{told[0].get('highlight')}` in line {told[0].get('line')} of the rendered text"
        return
    for word, following in pairwise(tokens):
        if (
            word.token_type == TokenType.INTERVAL
            and following.token_type == TokenType.STRING
            and not following.text.strip().isdigit()
        ):
            yield f"`interval '{following.text}'`: write the number as text and the unit as a word, interval '60' minute"
        if word.token_type == TokenType.GROUP_BY and following.text.lower() == "all":
            yield "`group by all`: write the columns"
    for node in tree.walk():
        yield from _node_faults(node)
        if isinstance(node, ADDED_UP) and not node.find_ancestor(exp.Round) and _adds_doubles(node, doubles):
            yield f"`{_shown(node)}`: its last digits depend on the order of the rows; write it in the macro six_decimals"


def _adds_doubles(node: exp.Expression, doubles: Collection[str]) -> bool:
    if isinstance(node, exp.StddevSamp) or _shows_a_double(node.this) or node.this.find(exp.Div):
        return True
    return any(column.name in doubles for column in node.this.find_all(exp.Column) if _is_value(column, node))


def _is_value(column: exp.Expression, within: exp.Expression) -> bool:
    """Whether a column is among the values of an expression, not among the conditions of a `case`."""
    inner = column
    while inner.parent is not within:
        inner, of = inner.parent, inner
        if isinstance(inner, exp.If) and inner.this is of:
            return False
    return True


def double_columns(project: Path) -> set[str]:
    """Return the names of the columns that any model declares as doubles."""
    read = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted((project / "models").rglob("*.yml"))]
    return {
        column["name"]
        for document in read
        for model in document.get("models") or []
        for column in model.get("columns") or []
        if str(column.get("data_type")).lower() == "double"
    }


def _node_faults(node: exp.Expression) -> Iterator[str]:
    kind, written = type(node).__name__, _shown(node)
    if isinstance(node, exp.Anonymous):
        if node.name.lower() not in FUNCTIONS:
            yield f"`{written}`: {_instead(node.name.lower())}"
        return
    if kind not in SHARED:
        yield f"`{written}`: {_instead(kind)}"
    elif isinstance(node, exp.Extract) and node.name.upper() not in PARTS:
        yield f"`{written}`: Trino does not extract it; iso_year and iso_weekday are macros"
    elif isinstance(node, exp.Star) and any(node.args.get(name) for name in ("except_", "except", "replace", "rename")):
        yield f"`{written}`: Trino has neither exclude nor replace; write the columns"
    elif isinstance(node, exp.Window) and isinstance(node.this, exp.Filter):
        yield f"`{written}`: Trino has no filter over a window; count(case when … then 1 end) over (…)"
    elif isinstance(node, exp.Div) and not (_shows_a_double(node.left) or _shows_a_double(node.right)):
        yield f"`{written}`: DuckDB divides as doubles, Trino does not; write 100e0 * …, or cast one side as double"
    elif isinstance(node, exp.Select):
        yield from _select_faults(node)
    elif isinstance(node, exp.DataType):
        yield from _type_faults(node)
    elif isinstance(node, (exp.Add, exp.Sub)) and _is_date(node.left) and not isinstance(node.right, exp.Interval):
        yield f"`{written}`: days_after or days_between; Trino neither adds a number to a date nor gives one for a difference"


def _select_faults(select: exp.Select) -> Iterator[str]:
    joined = {name.name for join in select.args.get("joins") or [] for name in join.args.get("using") or []}
    if joined:
        for column in _of_select(select, exp.Column):
            if column.table and (column.name in joined or isinstance(column.this, exp.Star)):
                yield f"`using ({', '.join(sorted(joined))})` and `{_shown(column)}`: Trino cannot resolve it after `using`; join with `on`"
    known = {count.this.sql() for count in _of_select(select, exp.Count) if isinstance(count.this, exp.Column)}
    for counted in _of_select(select, exp.Filter):
        flag = counted.expression.this
        if isinstance(counted.this, exp.Count) and isinstance(counted.this.this, exp.Star) and flag.sql() in known:
            name = flag.sql()
            yield f"`{_shown(counted)}` beside `count({name})`: Trino counts the same for both; count(case when {name} then 1 end)"
    aliases = {part.alias: part.this for part in select.expressions if isinstance(part, exp.Alias)}
    group = select.args.get("group")
    for column in group.expressions if group else []:
        if isinstance(column, exp.Column) and not column.table and column.name in aliases:
            made = aliases[column.name]
            if not (isinstance(made, exp.Column) and made.name == column.name):
                yield f"`group by {column.name}`: Trino does not group by a column that the select list makes; write its expression"
    for part in select.expressions:
        if part.unalias().find(exp.Unnest) and not part.unalias().find(exp.Select):
            yield f"`{_shown(part)}`: parts_of, members_of or numbers_from_to, joined; Trino has no unnest in a select list"


def _of_select(select: exp.Select, kind: type[exp.Expression]) -> list[Any]:
    """Return the nodes of a kind in a select list, without those of queries inside it."""
    return [
        node for part in select.expressions for node in part.find_all(kind) if node.find_ancestor(exp.Select) is select
    ]


def _type_faults(kind: exp.DataType) -> Iterator[str]:
    if kind.this == exp.DataType.Type.TIMESTAMPTZ and not kind.expressions:
        yield f"`{_shown(kind)}`: instant_type; Trino's has no microseconds unless they are asked for"


def _shows_a_double(node: exp.Expression) -> bool:
    return any(
        (isinstance(part, exp.Literal) and not part.is_string and "e" in part.name.lower())
        or (isinstance(part, (exp.Cast, exp.TryCast)) and part.to.this == exp.DataType.Type.DOUBLE)
        or isinstance(part, DOUBLES)
        for part in node.walk()
    )


def _is_date(node: exp.Expression) -> bool:
    """Whether something is a date by its name (`_date` is one, docs of the columns say) or by a cast."""
    if isinstance(node, exp.Cast):
        return bool(node.to.this == exp.DataType.Type.DATE)
    return isinstance(node, exp.Column) and node.name.endswith("_date")


def _instead(construct: str) -> str:
    known = INSTEAD.get(construct)
    return (
        f"write the macro {known}"
        if known
        else f"{construct} is not in the shared SQL; add a macro to macros/engine/ for it"
    )


def _shown(node: exp.Expression) -> str:
    text = " ".join(node.sql(dialect="trino").split())
    return text if len(text) <= 90 else f"{text[:87]}…"


def main(project: Path) -> int:
    """Print the findings of the models of a dbt project."""
    models = list(Rendering(project, "trino").texts())
    doubles = double_columns(project)
    faults = {
        f"{text.path.relative_to(project)}: {fault}": None for text in models for fault in find_faults(text, doubles)
    }
    if not models:
        faults = {f"{project}: expected models in models/**/*.sql, got none; name the folder of a dbt project": None}
    print(
        "\n".join(faults) or f"{len({text.model for text in models})} models are in the SQL that DuckDB and Trino share"
    )
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else PROJECT))
