"""What the marts of a domain declare in their yml entries: their keys, and which of them are compared from release to release.

A mart whose rows belong to a period (an hour, a day, a month) declares it under `meta.restatements`:

    period       the column that places a row in time
    caused_by    which rows of bronze a figure is made of: a feed, and a condition between `bronze` and `mart`

A mart that shows how current a feed is names the column under `meta.newest_events`; one that may be empty says `meta.may_be_empty`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml

from core.contract import Contract
from core.settings import PROJECT
from transform.lineage import lineage_of, model_texts, seeds_of

MARTS = PROJECT / "dbt_project" / "models" / "marts"
NUMBERS = ("bigint", "integer", "double", "decimal")
NO_FIGURES = ("latitude", "longitude", "source_version")
"""Numbers that place a row or say what it was built from."""


@dataclass(frozen=True)
class Cause:
    """Rows of a feed's bronze table that a figure is computed from: `match` is a condition between `bronze` and `mart`."""

    feed: str
    match: str


@dataclass(frozen=True)
class NewestEvent:
    """The column of a mart with the newest event of a feed, or of all feeds if none is named; `only`: a column and its value."""

    column: str
    feed: str | None
    only: tuple[str, object] | None


@dataclass(frozen=True)
class Mart:
    """A mart as declared. `period` is None if its rows are the current state, which is not compared."""

    name: str
    key: tuple[str, ...]
    figures: tuple[str, ...]
    period: str | None
    causes: tuple[Cause, ...]
    newest_events: tuple[NewestEvent, ...]
    may_be_empty: bool


@cache
def marts_of(domain: str) -> tuple[Mart, ...]:
    """Read the marts of a domain, in the order of their names; none for a domain without marts."""
    models = [
        model
        for path in sorted((MARTS / domain).glob("_*__models.yml"))
        for model in yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)["models"]
    ]
    return tuple(sorted((_mart(model) for model in models), key=lambda mart: mart.name))


def keys_of(domain: str) -> dict[str, tuple[str, ...]]:
    """Return the key columns of each mart of a domain, by its name."""
    return {mart.name: mart.key for mart in marts_of(domain)}


def feeds_of(mart: str, contracts: Mapping[str, Contract]) -> frozenset[str]:
    """Return the feeds that a mart is computed from, through the models before it; `contracts` are by feed."""
    tables = _tables_of(mart)
    return frozenset(feed for feed, contract in contracts.items() if contract.table in tables)


@cache
def _tables_of(mart: str) -> frozenset[str]:
    texts, seeds = _texts()
    return frozenset(lineage_of(mart, texts, seeds).tables)


@cache
def _texts() -> tuple[Mapping[str, str], frozenset[str]]:
    project = PROJECT / "dbt_project"
    return model_texts(project), frozenset(seeds_of(project))


def _mart(model: Mapping[str, Any]) -> Mart:
    key = _key(model)
    meta = model.get("config", {}).get("meta", {})
    declared = meta.get("restatements", {})
    figures = tuple(
        column["name"]
        for column in model["columns"]
        if column["data_type"].startswith(NUMBERS) and column["name"] not in (*key, *NO_FIGURES)
    )
    causes = tuple(Cause(**cause) for cause in declared.get("caused_by", ()))
    events = tuple(
        NewestEvent(entry["column"], entry.get("feed"), next(iter(entry.get("where", {}).items()), None))
        for entry in meta.get("newest_events", ())
    )
    return Mart(
        model["name"], key, figures, declared.get("period"), causes, events, bool(meta.get("may_be_empty", False))
    )


def _key(model: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the columns that a uniqueness test names; a mart without one has no key."""
    for test in model.get("data_tests", ()):
        if isinstance(test, Mapping) and "unique_combination" in test:
            return tuple(test["unique_combination"]["arguments"]["columns"])
    return tuple(column["name"] for column in model["columns"] if "unique" in column.get("data_tests", ()))[:1]
