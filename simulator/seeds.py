"""The seeds of the dbt project, as rows of text."""

import csv
from pathlib import Path

from core.reference import SEEDS


def read_seed(name: str, folder: Path = SEEDS) -> list[dict[str, str]]:
    """Return the rows of a seed, each by the names of its columns."""
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
