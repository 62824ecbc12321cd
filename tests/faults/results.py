"""Results of the fault tests, kept as JSON Lines below `.ioc/faults/`, from which `report.py` writes the tables of docs/reliability.md."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from core.settings import PROJECT
from tests.faults.scene import Facts

FOLDER = PROJECT / ".ioc" / "faults"
Row = dict[str, str | int | float]
NOTHING = Counter[str]()


@dataclass(frozen=True)
class Results:
    """The results of one run: stored in a long run, discarded otherwise.

    The first row of a table replaces the results of earlier runs.
    """

    is_kept: bool
    begun: set[str] = field(default_factory=set)

    def add(self, table: str, row: Row) -> None:
        """Store one row of a table."""
        if self.is_kept:
            FOLDER.mkdir(parents=True, exist_ok=True)
            with (FOLDER / f"{table}.jsonl").open("a" if table in self.begun else "w", encoding="utf-8") as file:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
            self.begun.add(table)

    def compare(self, table: str, row: Row, expected: Facts, found: Facts, unbalanced: int, **measured: float) -> None:
        """Store a row with the counts of lost, doubled and unbalanced rows; fail if any is not zero."""
        counts = {"lost": lost(expected, found), "doubled": doubled(expected, found), "unbalanced": unbalanced}
        self.add(table, {**row, **counts, **measured})
        wrong = difference(expected, found)
        if wrong or unbalanced:
            raise AssertionError(f"{row}: {unbalanced} deliveries unbalanced, {wrong}")


def read_rows(table: str, folder: Path = FOLDER) -> list[Row]:
    """Return the rows of a table; empty if it was not measured."""
    path = folder / f"{table}.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def lost(expected: Facts, found: Facts) -> int:
    """Count the rows that are expected but missing."""
    return sum((rows - found.get(table, NOTHING)).total() for table, rows in expected.items())


def doubled(expected: Facts, found: Facts) -> int:
    """Count the rows that exist but are not expected."""
    return lost(found, expected)


def difference(expected: Facts, found: Facts) -> Mapping[str, object]:
    """Return a few of the rows that differ, for the failure message."""
    tables = sorted({*expected, *found})
    return {
        table: {
            "missing": list(expected.get(table, NOTHING) - found.get(table, NOTHING))[:3],
            "too many": list(found.get(table, NOTHING) - expected.get(table, NOTHING))[:3],
        }
        for table in tables
        if expected.get(table) != found.get(table)
    }
