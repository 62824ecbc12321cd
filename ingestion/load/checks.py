"""Contract rules as polars expressions: a verdict for each row, and how often each rule was evaluated and failed.

Rules come from two places of a contract: the properties of a column (`<column>_required`, `_format`, `_range`, `_pattern`, `_date`,
`_allowed`, `_reference`), and the rules that are written out. All run vectorised over a whole batch. A rule is evaluated only where it has
something to judge: a missing value fails `required` and nothing else, and a malformed code is not looked up in a list, so that one
fault moves one axis.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import polars as pl

from core.contract import AXIS_OF_ERROR_GROUP, Axis, Column, Contract
from core.exact_values import allowed_values
from core.local_time import ZONE
from core.reference import Reference
from ingestion.load.casts import NUL, UNTIDY, cast, dates_in_text

CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far an event may lie ahead of its receipt, as the clocks of agencies differ (design value, as in the contracts' own rules)."""

FAILURE = pl.Struct({"rule": pl.String, "column_name": pl.String, "error_group": pl.Int32})

CAST = re.compile(r"\bcast\s*\(", re.IGNORECASE)
"""In a rule, a value that cannot be cast is unknown, and its column's own rules judge it: it must not stop the load of all the others."""


@dataclass(frozen=True)
class RuleResult:
    """The result of one rule over one batch, counted in rows."""

    rule: str
    column_name: str | None
    error_group: int
    is_identifier: bool
    evaluated: int
    failed: int

    @property
    def axis(self) -> Axis:
        """The axis that a failure moves."""
        return AXIS_OF_ERROR_GROUP[self.error_group]

    def plus(self, other: "RuleResult") -> "RuleResult":
        """Add the counts of the same rule over another batch."""
        return replace(self, evaluated=self.evaluated + other.evaluated, failed=self.failed + other.failed)


@dataclass(frozen=True)
class Checked:
    """A batch after its checks.

    `passed` holds the batch's own columns that begin with `_`, the contract's columns with their types, and `_warnings`
    (names of the failed rules that do not block). `failed` holds `_delivery, _position, _raw, _record_count`, `failures` (every
    failed blocking rule), `reason` and `error_group` (of the first), `object_id`, `event_at` and `slot_at` (the time by which it
    fills a slot), each null if the record's value cannot be trusted: a code that fails its rules, a time that is invalid or lies ahead
    of the receipt. `counts` holds for each delivery its `records`, and
    for each column how many of them sent a value (`<column> sent`) and how many of these could be read (`<column> read`).
    """

    passed: pl.DataFrame
    failed: pl.DataFrame
    results: tuple[RuleResult, ...]
    counts: pl.DataFrame


@dataclass(frozen=True)
class _Test:
    """A rule ready to run: `passes` is true, false, or null if there is nothing to judge."""

    rule: str
    column: Column | None
    error_group: int
    is_blocking: bool
    passes: pl.Expr


def check(records: pl.DataFrame, contract: Contract, reference: Reference) -> Checked:
    """Cast a batch to the contract's types and judge every row.

    `records` is what a format read, with `received_at` (UTC) added. A column that the format does not deliver counts as
    missing in every row.
    """
    own = [name for name in records.columns if name.startswith("_")]
    wire = records.select(*own, "received_at", *(_wire_column(column, records) for column in contract.columns))
    untidy = _untidy(wire, contract)
    typed = wire.with_columns(
        cast(pl.col(_wire(column)), column, wire.schema[_wire(column)], is_tidy=column.name not in untidy).alias(
            column.name
        )
        for column in contract.columns
    )
    with_nul = {column.name for column in contract.columns if column.name in untidy and _has_nul(wire, column)}
    tests = list(_tests(contract, reference, with_nul))
    judged = _with_lookups(typed, contract, reference).select(
        pl.int_range(pl.len()).alias("row"), *(test.passes.alias(test.rule) for test in tests)
    )
    is_failing = judged.select(
        pl.any_horizontal(pl.lit(value=False), *(~pl.col(test.rule) for test in tests if test.is_blocking))
        .fill_null(value=False)
        .alias("is_failing")
    )["is_failing"]
    warnings = [test for test in tests if not test.is_blocking]
    passed = typed.select(*own, *contract.column_names).with_columns(_names_of_failed(judged, warnings))
    return Checked(
        passed=passed.filter(~is_failing),
        failed=_failed(typed.filter(is_failing), judged.filter(is_failing), tests, contract),
        results=tuple(_result(test, judged[test.rule]) for test in tests),
        counts=_counts(typed, contract),
    )


def _counts(typed: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    counted = [pl.len().cast(pl.Int64).alias("records")]
    for column in contract.columns:
        counted.append(pl.col(_wire(column)).count().cast(pl.Int64).alias(f"{column.name} sent"))
        counted.append(pl.col(column.name).count().cast(pl.Int64).alias(f"{column.name} read"))
    if typed["_delivery"].n_unique() == 1:  # one large delivery: twice as fast
        return typed.select(pl.col("_delivery").first(), *counted)
    return typed.group_by("_delivery", maintain_order=True).agg(counted)


def _has_nul(wire: pl.DataFrame, column: Column) -> bool:
    text = wire[_wire(column)]
    return text.dtype == pl.String() and bool(text.str.contains(NUL, literal=True).any())


def _tests(contract: Contract, reference: Reference, with_nul: Collection[str]) -> Iterator[_Test]:
    for column in contract.columns:
        yield from _column_tests(column, reference, has_nul=column.name in with_nul)
    for rule in contract.rules:
        passes = pl.sql_expr(CAST.sub("try_cast(", rule.expression))
        judged = contract.column(rule.column) if rule.column else None
        yield _Test(rule.name, judged, rule.error_group, rule.is_blocking, _where_readable(passes, contract))


def _where_readable(passes: pl.Expr, contract: Contract) -> pl.Expr:
    """Apply a rule to a record only if every value it uses could be read: otherwise the format was wrong, not the meaning."""
    named = set(passes.meta.root_names())
    typed = [column for column in contract.columns if column.name in named and column.logical_type != "string"]
    unreadable = [pl.col(_wire(column)).is_not_null() & pl.col(column.name).is_null() for column in typed]
    return pl.when(~pl.any_horizontal(unreadable)).then(passes) if unreadable else passes


def _column_tests(column: Column, reference: Reference, *, has_nul: bool) -> Iterator[_Test]:
    value, wire = pl.col(column.name), pl.col(_wire(column))
    is_sent = wire.is_not_null()

    def test(kind: str, error_group: int, passes: pl.Expr) -> _Test:
        return _Test(f"{column.name}_{kind}", column, error_group, True, passes)

    if column.is_required:
        yield test("required", 1, is_sent)
    if column.logical_type != "string" or has_nul:
        yield test("format", 4, pl.when(is_sent).then(value.is_not_null()))
    if column.minimum is not None or column.maximum is not None:
        low = value >= column.minimum if column.minimum is not None else pl.lit(value=True)
        high = value <= column.maximum if column.maximum is not None else pl.lit(value=True)
        yield test("range", 2, pl.when(value.is_not_null()).then(low & high))
    is_formed = pl.lit(value=True) if column.pattern is None else value.str.contains(column.pattern)
    if column.pattern is not None:
        yield test("pattern", 4, is_formed)
    if column.logical_type == "string" and column.timestamp_format is not None:
        yield test("date", 4, pl.when(is_formed).then(dates_in_text(value, column)))
    if column.allowed:
        yield test(
            "allowed", 5, pl.when(is_formed).then(value.is_in(allowed_values(column.physical_type, column.allowed)))
        )
    if column.reference is not None:
        yield test(
            "reference", 5, pl.when(is_formed).then(value.is_in(reference.values_of(column.reference).to_list()))
        )


def _with_lookups(typed: pl.DataFrame, contract: Contract, reference: Reference) -> pl.DataFrame:
    """Join the reference lists that rules look into; their columns are named `<list>_<column>`."""
    joined = typed
    for name in dict.fromkeys(lookup for rule in contract.rules for lookup in rule.lookups):
        rows = reference.list_of(name)
        key = next(column for column in rows.columns if column in contract.column_names)
        prefixed = rows.rename({column: f"{name}_{column}" for column in rows.columns if column != key})
        joined = joined.join(prefixed, on=key, how="left", maintain_order="left", validate="m:1")
    return joined


def _names_of_failed(judged: pl.DataFrame, tests: list[_Test]) -> pl.Series:
    if not tests:
        return pl.repeat([], judged.height, dtype=pl.List(pl.String), eager=True).alias("_warnings")
    return judged.select(
        pl.concat_list(pl.when(~pl.col(test.rule)).then(pl.lit(test.rule)) for test in tests)
        .list.drop_nulls()
        .alias("_warnings")
    )["_warnings"]


def _failed(typed: pl.DataFrame, judged: pl.DataFrame, tests: list[_Test], contract: Contract) -> pl.DataFrame:
    blocking = [test for test in tests if test.is_blocking]
    own = typed.select("_delivery", "_position", "_raw", "_record_count")
    place = _place(typed, judged, tests, contract)
    if not blocking:
        return own.with_columns(
            _list_key(typed, contract),
            pl.lit(None, pl.List(FAILURE)).alias("failures"),
            pl.lit(None, pl.String).alias("reason"),
            pl.lit(None, pl.Int32).alias("error_group"),
        ).hstack(place)
    failures = judged.select(
        pl.concat_list(
            pl.when(~pl.col(test.rule)).then(
                pl.struct(
                    rule=pl.lit(test.rule),
                    column_name=pl.lit(test.column.name if test.column else None, dtype=pl.String),
                    error_group=pl.lit(test.error_group, dtype=pl.Int32),
                )
            )
            for test in blocking
        )
        .list.drop_nulls()
        .alias("failures")
    )["failures"]
    return own.with_columns(
        _list_key(typed, contract),
        failures,
        failures.list.first().struct.field("rule").alias("reason"),
        failures.list.first().struct.field("error_group").alias("error_group"),
    ).hstack(place)


def _list_key(typed: pl.DataFrame, contract: Contract) -> pl.Series:
    """Return the values of the columns that identify a record within a full list; null if the feed has no full lists."""
    if contract.full_list is None:
        return pl.repeat(None, typed.height, dtype=pl.List(pl.String), eager=True).alias("list_key")
    return typed.select(pl.concat_list(pl.col(contract.list_key).cast(pl.String)).alias("list_key"))["list_key"]


def _place(typed: pl.DataFrame, judged: pl.DataFrame, tests: list[_Test], contract: Contract) -> pl.DataFrame:
    """Return the object, time and slot of each failed record, as far as its values can be trusted."""
    name = contract.object_column
    of_object = [test.rule for test in tests if test.column is not None and test.column.name == name]
    is_believed = judged.select(
        is_believed=pl.all_horizontal(pl.col("row") >= 0, *(pl.col(rule).fill_null(value=True) for rule in of_object))
    )
    return typed.hstack(is_believed).select(
        pl.when(pl.col("is_believed")).then(pl.col(name).cast(pl.String) if name else None).alias("object_id"),
        _believed_time(contract.event_time, typed).alias("event_at"),
        _believed_time(contract.slots.time, typed).alias("slot_at"),
    )


def _believed_time(name: str | None, typed: pl.DataFrame) -> pl.Expr:
    if name is None:
        return pl.lit(None, dtype=pl.Datetime("us", "UTC"))
    at = pl.col(name)
    if typed.schema[name] == pl.Date:
        at = at.cast(pl.Datetime("us")).dt.replace_time_zone(ZONE).dt.convert_time_zone("UTC")
    return pl.when(at <= pl.col("received_at") + CLOCK_TOLERANCE).then(at)


def _result(test: _Test, passes: pl.Series) -> RuleResult:
    return RuleResult(
        rule=test.rule,
        column_name=test.column.name if test.column else None,
        error_group=test.error_group,
        is_identifier=test.column.is_identifier if test.column else False,
        evaluated=int(passes.count()),
        failed=int((~passes).sum() or 0),
    )


def _untidy(wire: pl.DataFrame, contract: Contract) -> set[str]:
    """Return the text columns of a batch in which some value needs tidying."""
    texts = [column for column in contract.columns if wire.schema[_wire(column)] == pl.String()]
    found = wire.select(pl.col(_wire(column)).str.contains(UNTIDY).any().alias(column.name) for column in texts)
    return {name for name in found.columns if found[name].item()}


def _wire(column: Column) -> str:
    return f"{column.name} on the wire"


def _wire_column(column: Column, records: pl.DataFrame) -> pl.Expr:
    if column.name not in records.columns:
        return pl.lit(None, dtype=pl.String).alias(_wire(column))
    if records.schema[column.name] != pl.String:
        return pl.col(column.name).alias(_wire(column))
    text = pl.col(column.name)
    return pl.when(text.str.strip_chars() != "").then(text).alias(_wire(column))
