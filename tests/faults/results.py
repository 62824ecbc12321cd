"""What was measured, kept as JSON lines below `.ioc/faults/`, from which `report.py` writes the tables of docs/reliability.md."""

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
    """The results of one run: kept where it is the long one, thrown away otherwise.

    The first row of a table replaces what an earlier run found.
    """

    is_kept: bool
    begun: set[str] = field(default_factory=set)

    def add(self, table: str, row: Row) -> None:
        """Keep one row of a table."""
        if self.is_kept:
            FOLDER.mkdir(parents=True, exist_ok=True)
            with (FOLDER / f"{table}.jsonl").open("a" if table in self.begun else "w", encoding="utf-8") as file:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
            self.begun.add(table)

    def compare(self, table: str, row: Row, expected: Facts, found: Facts, unbalanced: int, **measured: float) -> None:
        """Keep a row with what was lost, doubled and unbalanced beside what is known of it; fail where anything was."""
        counts = {"lost": lost(expected, found), "doubled": doubled(expected, found), "unbalanced": unbalanced}
        self.add(table, {**row, **counts, **measured})
        wrong = difference(expected, found)
        if wrong or unbalanced:
            raise AssertionError(f"{row}: {unbalanced} deliveries unbalanced, {wrong}")


def read_rows(table: str, folder: Path = FOLDER) -> list[Row]:
    """Give the rows of a table; none where it was not measured."""
    path = folder / f"{table}.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def lost(expected: Facts, found: Facts) -> int:
    """Count the rows that should be there and are not."""
    return sum((rows - found.get(table, NOTHING)).total() for table, rows in expected.items())


def doubled(expected: Facts, found: Facts) -> int:
    """Count the rows that are there and should not be."""
    return lost(found, expected)


def difference(expected: Facts, found: Facts) -> Mapping[str, object]:
    """Show a few of the rows that differ, for a person who reads a failure."""
    tables = sorted({*expected, *found})
    return {
        table: {
            "missing": list(expected.get(table, NOTHING) - found.get(table, NOTHING))[:3],
            "too many": list(found.get(table, NOTHING) - expected.get(table, NOTHING))[:3],
        }
        for table in tables
        if expected.get(table) != found.get(table)
    }
