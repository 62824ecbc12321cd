"""The sources of the dashboards in a checkout: the dashboard files, the marts, the feeds and the domains.

A dashboard file holds only what a person decided; pages.py derives the rest from it, from the marts and from the contracts.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias
from uuid import NAMESPACE_URL, UUID, uuid5

import yaml

from core.domains import Domain, read_domains

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"
Tree: TypeAlias = dict[str, Json]

NAMESPACE = uuid5(NAMESPACE_URL, "https://ioc.invalid/superset")
DATABASE = "marts"
KINDS = ("databases", "datasets", "charts", "dashboards")
TIMESTAMP = "timestamp with time zone"


def uuid_of(kind: str, slug: str) -> UUID:
    """Return the UUID of an asset: the same in every installation, so that an import replaces and never duplicates."""
    return uuid5(NAMESPACE, f"{kind}/{slug}")


@dataclass(frozen=True)
class Column:
    """A column of a mart: its DuckDB type and its description, `Vietnamese / English`."""

    name: str
    data_type: str
    description: str

    @property
    def label(self) -> str:
        """The Vietnamese half of the description."""
        return self.description.partition(" / ")[0].strip()

    @property
    def is_time(self) -> bool:
        return self.data_type in {TIMESTAMP, "date"}


@dataclass(frozen=True)
class NewestEvent:
    """The column of a mart that holds the time of its newest event, for `feed` (None: every feed) and the rows of `where`."""

    mart: str
    column: str
    feed: str | None
    where: Tree


@dataclass(frozen=True)
class Mart:
    """A published table as dbt describes it. `time_column` is the one Superset filters by: its period, or its first time."""

    domain: str
    name: str
    description: str
    columns: Mapping[str, Column]
    time_column: str | None
    newest_events: tuple[NewestEvent, ...]


@dataclass(frozen=True)
class Feed:
    """A feed, the age of its newest event up to which it is green, and the age from which it is red."""

    feed: str
    domain: str
    freshness_minutes: int
    freshness_limit_minutes: int


@dataclass(frozen=True)
class Checkout:
    """The content of a checkout: marts by name, feeds, domains, and dashboard files by slug."""

    marts: Mapping[str, Mart]
    feeds: tuple[Feed, ...]
    domains: tuple[Domain, ...]
    pages: Mapping[str, Tree]


def read_checkout(project: Path) -> Checkout:
    """Read the files of a checkout."""
    return Checkout(
        marts={mart.name: mart for mart in _marts(project)},
        feeds=tuple(_feeds(project / "dbt_project" / "seeds" / "feeds.csv")),
        domains=read_domains(project / "contracts" / "domains.yaml"),
        pages={path.stem: _read(path) for path in sorted((project / "superset" / "dashboards").glob("*.yaml"))},
    )


def _yaml(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)


def _read(path: Path) -> Tree:
    content = _yaml(path)
    if not isinstance(content, dict):
        raise TypeError(f"{path.name}: expected a mapping, got {type(content).__name__}")
    return content


def _marts(project: Path) -> Iterator[Mart]:
    for path in sorted((project / "dbt_project" / "models" / "marts").glob("*/_*__models.yml")):
        for model in _yaml(path)["models"]:
            columns = [Column(entry["name"], entry["data_type"], entry["description"]) for entry in model["columns"]]
            meta = model.get("config", {}).get("meta", {})
            events = [
                NewestEvent(model["name"], entry["column"], entry.get("feed"), entry.get("where", {}))
                for entry in meta.get("newest_events", ())
            ]
            yield Mart(
                path.parent.name,
                model["name"],
                model["description"],
                {column.name: column for column in columns},
                meta.get("restatements", {}).get("period") or _first_time(columns),
                tuple(events),
            )


def _first_time(columns: list[Column]) -> str | None:
    times = sorted((column for column in columns if column.is_time), key=lambda column: column.data_type != TIMESTAMP)
    return times[0].name if times else None


def _feeds(path: Path) -> Iterator[Feed]:
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            yield Feed(row["feed"], row["domain"], int(row["freshness_minutes"]), int(row["freshness_limit_minutes"]))


def as_list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def as_tree(value: Json) -> Tree:
    if not isinstance(value, dict):
        raise TypeError(f"expected a mapping, got {value!r}")
    return value


def as_trees(value: Json) -> list[Tree]:
    return [as_tree(entry) for entry in as_list(value)]
