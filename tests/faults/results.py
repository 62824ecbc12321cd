"""Results of the fault tests, kept as JSON Lines below `.ioc/faults/RUN/`; `report.py` makes the tables of docs/reliability.md of them."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.settings import PROJECT
from tests.faults.scene import Facts

FOLDER = PROJECT / ".ioc" / "faults"
Row = dict[str, str | int | float]
NOTHING = Counter[str]()


@dataclass(frozen=True)
class Results:
    """The results of a long run, to which several processes may add; a short run, which has no name, keeps none.

    The results of a table are those of the last run that measured it.
    """

    run: str | None
    folder: Path = FOLDER

    def add(self, table: str, row: Row) -> None:
        """Store one row of a table."""
        if self.run is not None:
            path = self.folder / self.run / f"{table}.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")

    def compare(self, table: str, row: Row, expected: Facts, found: Facts, unbalanced: int, **measured: float) -> None:
        """Store a row with the counts of lost, doubled and unbalanced rows; fail if any is not zero."""
        counts = {"lost": lost(expected, found), "doubled": doubled(expected, found), "unbalanced": unbalanced}
        self.add(table, {**row, **counts, **measured})
        wrong = difference(expected, found)
        if wrong or unbalanced:
            raise AssertionError(f"{row}: {unbalanced} deliveries unbalanced, {wrong}")


def read_rows(table: str, folder: Path = FOLDER) -> list[Row]:
    """Return the rows of a table from the last run that measured it; empty if none did."""
    path = max(folder.glob(f"*/{table}.jsonl"), key=lambda path: path.stat().st_mtime_ns, default=None)
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path else []


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
