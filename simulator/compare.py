"""Compare the released marts with the truth of a simulated day: the ledger first, then every domain."""

import importlib
import pkgutil
from collections.abc import Collection, Iterator
from datetime import datetime

import simulator.comparisons
from simulator.comparisons.base import Comparison, Query, Truth, compare_rows

LEDGER_SQL = "select feed, received, accepted, duplicate, quarantined from quality.ledger_totals"


def compare(truth: Truth, query: Query, clock: datetime) -> list[Comparison]:
    """Compare every mart; `clock` is the clock of the build."""
    books = compare_rows("quality.ledger_totals", truth["ledger"].drop("deliveries"), query(LEDGER_SQL))
    return [books, *comparisons_of(None, truth, query, clock)]


def comparisons_of(names: Collection[str] | None, truth: Truth, query: Query, clock: datetime) -> Iterator[Comparison]:
    """Yield the comparisons of each module of `simulator/comparisons` that has any: of those with these names, or of all."""
    for found in pkgutil.iter_modules(simulator.comparisons.__path__):
        module = importlib.import_module(f"simulator.comparisons.{found.name}")
        if hasattr(module, "comparisons") and (names is None or found.name in names):
            yield from module.comparisons(truth, query, clock)
