"""One check of the audit, and the few kinds that the suites are made of.

A critical check that fails keeps the domain on its last good release; a warning is reported and does not block. Silence of a source is
always a warning: a dead feed must not take away the dashboards of what is still known. Great Expectations takes seven seconds to
import, so it is imported only when the first check is built.
"""

import importlib
import math
import warnings
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Literal

from core.contract import Contract
from core.reference import Reference

Severity = Literal["critical", "warning"]

LEAST_SHARE_OF_RELEASED_ROWS = 0.8
"""A mart that lost more than a fifth of its rows since the last release is not trusted (a guard seen at mitodl)."""

CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far an agency's clock may be ahead of ours: the contracts allow as much."""


@dataclass(frozen=True)
class AuditFacts:
    """What a suite may know besides the marts.

    `released_rows`: rows by mart in the release in force; absent = never released. `sending_feeds`: those that ever sent a record that
    was accepted.
    """

    clock: datetime
    contracts: Mapping[str, Contract]
    reference: Reference
    released_rows: Mapping[str, int]
    sending_feeds: Collection[str]

    def objects_of(self, target: str) -> list[str]:
        """Return the values of `<seed>.<column>`, sorted."""
        return sorted(map(str, self.reference.values_of(target)))


@dataclass(frozen=True)
class Check:
    """An expectation about one mart. `says` and `expected` are plain words for a verdict; `error_group` is 1 to 8."""

    mart: str
    says: str
    expected: str
    error_group: int
    severity: Severity
    expectation: Any  # a Great Expectations object; its package has no types that mypy follows


@cache
def great_expectations() -> Any:
    """Import Great Expectations; the deprecation warnings of its own import are not ours to fix."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        importlib.import_module("great_expectations.expectations.row_conditions")
        return importlib.import_module("great_expectations")


def is_not_empty(mart: str, severity: Severity = "critical") -> Check:
    """Expect at least one row."""
    kind = great_expectations().expectations.ExpectTableRowCountToBeBetween
    return Check(mart, f"{mart} has rows", "at least 1 row", 1, severity, kind(min_value=1))


def has_not_shrunk(mart: str, facts: AuditFacts) -> list[Check]:
    """Expect at least 80 % of the rows of the release in force; no check if the mart was never released, or had a single row.

    A single row can only shrink to none, and Great Expectations answers two equal expectations once: the other would have no result.
    """
    released = facts.released_rows.get(mart, 0)
    least = math.ceil(released * LEAST_SHARE_OF_RELEASED_ROWS)
    if least <= 1:
        return []
    kind = great_expectations().expectations.ExpectTableRowCountToBeBetween
    expected = f"at least {least} rows, 80 % of the {released} released"
    return [Check(mart, f"{mart} did not shrink", expected, 1, "critical", kind(min_value=least))]


def covers(mart: str, column: str, objects: Collection[str], severity: Severity) -> Check:
    """Expect every object of a reference list to occur."""
    kind = great_expectations().expectations.ExpectColumnDistinctValuesToContainSet
    expectation = kind(column=column, value_set=sorted(objects))
    return Check(mart, f"{column} covers its reference list", f"all {len(objects)}", 1, severity, expectation)


def is_filled(mart: str, column: str, share: float, severity: Severity) -> Check:
    """Expect a share (0 to 1) of a column's values to be present."""
    kind = great_expectations().expectations.ExpectColumnValuesToNotBeNull
    expectation = kind(column=column, mostly=share)
    return Check(mart, f"{column} is filled", f"{share:.0%} of rows", 1, severity, expectation)


def is_between(
    mart: str, column: str, low: float | None, high: float | None, severity: Severity, *, share: float = 1.0
) -> Check:
    """Expect a share (0 to 1) of a column's present values within bounds, ends included."""
    kind = great_expectations().expectations.ExpectColumnValuesToBeBetween
    expectation = kind(column=column, min_value=low, max_value=high, mostly=share)
    bounds = f"{'-' if low is None else format(low, 'g')} to {'-' if high is None else format(high, 'g')}"
    says = f"{column} is in range" if severity == "critical" else f"{column} is in its usual range"
    return Check(mart, says, f"{bounds} in {share:.0%} of rows", 2, severity, expectation)


def is_one_of(mart: str, column: str, values: Collection[object], severity: Severity, share: float = 1.0) -> Check:
    """Expect a share (0 to 1) of a column's present values to be of a set."""
    kind = great_expectations().expectations.ExpectColumnValuesToBeInSet
    expectation = kind(column=column, value_set=list(values), mostly=share)
    words = ", ".join(map(str, values)) if len(values) <= 6 else f"one of {len(values)} values"
    says = f"{column} is known" if severity == "critical" else f"{column} is usual"
    return Check(mart, says, f"{words} in {share:.0%} of rows", 5, severity, expectation)


def has_mean(mart: str, column: str, low: float, high: float, severity: Severity) -> Check:
    """Expect the mean of a column's present values within bounds; a column without any fails."""
    kind = great_expectations().expectations.ExpectColumnMeanToBeBetween
    expectation = kind(column=column, min_value=low, max_value=high)
    return Check(mart, f"mean {column} is usual", f"{low:g} to {high:g}", 2, severity, expectation)


def is_fresh(mart: str, column: str, facts: AuditFacts, feed: str, only: tuple[str, object] | None = None) -> Check:
    """Expect the newest event within the feed's freshness limit before the clock, and not after it; always a warning.

    `only` is a column and the value it must have, for a mart that holds several feeds.
    """
    library = great_expectations().expectations
    earliest, latest = facts.clock - facts.contracts[feed].freshness_limit, facts.clock + CLOCK_TOLERANCE
    condition = None if only is None else library.row_conditions.Column(only[0]) == only[1]
    expectation = library.ExpectColumnMaxToBeBetween(
        column=column, min_value=earliest, max_value=latest, row_condition=condition
    )
    return Check(mart, f"{feed} is live", f"{in_utc(earliest)} to {in_utc(latest)}", 7, "warning", expectation)


def has_no_rows(mart: str, says: str, query: str, error_group: int, severity: Severity) -> Check:
    """Expect a query over `{batch}`, the mart as of the snapshot, to return no row: for rules without an expectation of their own."""
    kind = great_expectations().expectations.UnexpectedRowsExpectation
    return Check(mart, says, "no such row", error_group, severity, kind(unexpected_rows_query=query, description=says))


def in_utc(time: datetime) -> str:
    """Write a time in UTC, ISO 8601, to the second."""
    return time.astimezone(UTC).isoformat(timespec="seconds")
