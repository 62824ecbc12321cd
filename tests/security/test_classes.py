"""Every text that nothing bounds has its privacy class on purpose: `text_columns.tsv` says why. A new one is refused until it stands there.

A code list, a pattern or a reference list bounds what a value can say; of other text only its class says whether it may be seen.
"""

import csv
from pathlib import Path

from core.contract import CLASSES, Contract, read_contracts

DECISIONS = Path(__file__).parent / "text_columns.tsv"


def unbounded(contract: Contract) -> list[tuple[str, str, str]]:
    """Name the texts of a contract that may say anything, with their classes."""
    return [
        (contract.feed, column.name, column.classification)
        for column in contract.columns
        if column.logical_type == "string" and not (column.allowed or column.pattern or column.reference)
    ]


def test_every_text_that_nothing_bounds_has_its_class_on_purpose() -> None:
    with DECISIONS.open(encoding="utf-8", newline="") as file:
        decided = [*csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]
    assert {one["class"] for one in decided} == set(CLASSES)
    assert [one for one in decided if not one["why"].strip()] == []
    texts = [text for contract in read_contracts().values() for text in unbounded(contract)]
    assert sorted((one["feed"], one["column"], one["class"]) for one in decided) == sorted(texts)
