"""The privacy class of every free-text column is deliberate: `text_columns.tsv` gives the reason. A new column fails until it is listed.

A code list, a pattern or a reference list restricts the values; of other text, only its class says whether it may be seen.
"""

import csv
from pathlib import Path

from core.contract import CLASSES, Contract, read_contracts

DECISIONS = Path(__file__).parent / "text_columns.tsv"


def unbounded(contract: Contract) -> list[tuple[str, str, str]]:
    """Return the free-text columns of a contract, with their classes."""
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
