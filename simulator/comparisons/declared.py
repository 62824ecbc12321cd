"""What the marts of feeds that are simulated from their contract must show: the totals that each mart declares.

A mart says in `meta.truth` which of its columns is the total of which column of the feed, over the records that came out:

    truth: {feed: traffic.counts, totals: {vehicles: vehicle_count, slots: records}}

`records` is their number. The total of the truth is worked out here from what the simulator meant.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from core.contract import read_contracts
from core.settings import PROJECT
from simulator.comparisons.base import Comparison, Query, Truth, compare_rows
from simulator.declared import declared_contracts

MARTS = PROJECT / "dbt_project" / "models" / "marts"
RECORDS = "records"


@dataclass(frozen=True)
class Totals:
    """The totals of a mart: its column, and the column of the feed that is summed."""

    mart: str
    feed: str
    columns: tuple[tuple[str, str], ...]


def comparisons(truth: Truth, query: Query, clock: datetime) -> list[Comparison]:  # noqa: ARG001
    """Compare the totals of every mart that declares some for a feed that is simulated from its contract."""
    tables = {contract.feed: contract.table for contract in declared_contracts(read_contracts())}
    found = [totals for totals in _declared_totals(MARTS) if totals.feed in tables]
    return [_compare(totals, truth[tables[totals.feed]], query) for totals in found]


def _compare(totals: Totals, records: pl.DataFrame, query: Query) -> Comparison:
    meant = {
        shown: float(records.height if column == RECORDS else records[column].sum()) for shown, column in totals.columns
    }
    shown = ", ".join(f"sum({name})::double as {name}" for name, _ in totals.columns)
    return compare_rows(totals.mart, pl.DataFrame([meant]), query(f"select {shown} from {totals.mart}"))  # noqa: S608  names of the project


@cache
def _declared_totals(marts: Path) -> tuple[Totals, ...]:
    return tuple(totals for path in sorted(marts.glob("*/*.yml")) for totals in _totals_of(path))


def _totals_of(path: Path) -> Iterator[Totals]:
    models: list[dict[str, Any]] = (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("models", [])
    for model in models:
        told = ((model.get("config") or {}).get("meta") or {}).get("truth")
        if told:
            yield Totals(f"{path.parent.name}.{model['name']}", str(told["feed"]), tuple(told["totals"].items()))
