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

from core.domains import OVERVIEW, Domain, read_shown_domains
from core.text import half

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"
Tree: TypeAlias = dict[str, Json]

NAMESPACE = uuid5(NAMESPACE_URL, "https://ioc.invalid/superset")
DATABASE = "marts"
KINDS = ("databases", "datasets", "charts", "dashboards")
TIMESTAMP = "timestamp with time zone"
UNITS = {
    "percent": " (%)",
    "hours": " (hours)",
    "minutes": " (minutes)",
    "days": " (days)",
    "vnd": " (VND)",
    "ug_m3": " (µg/m³)",
    "nm": " (NM)",
    "knots": " (knots)",
    "degrees": " (°)",
    "m": " (m)",
}
"""Units by the ending of a column's name."""
NAMES = {"aqi": "AQI", "vn": "VN", "vms": "VMS", "ais": "AIS", "icd10": "ICD-10", "pm2.5": "PM2.5", "pm10": "PM10"}
"""Words of column names that are not written in small letters."""


def uuid_of(kind: str, slug: str) -> UUID:
    """Return the UUID of an asset: the same in every installation, so that an import replaces and never duplicates."""
    return uuid5(NAMESPACE, f"{kind}/{slug}")


def slug_in(language: str, slug: str) -> str:
    """Return the slug of a page or of anything on it in a language: in Vietnamese that of its file."""
    return f"en-{slug}" if language == "en" else slug


@dataclass(frozen=True)
class Column:
    """A column of a mart: its DuckDB type, its label and its description, both `Vietnamese / English`."""

    name: str
    data_type: str
    label: str
    description: str

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
    """A feed, its owner, the age of its newest event up to which it is green, and the age from which it is red."""

    feed: str
    domain: str
    owner: str
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
        domains=read_shown_domains(project / "contracts" / "domains.yaml"),
        pages=read_pages(project),
    )


def read_pages(project: Path) -> dict[str, Tree]:
    """Read the dashboard files of a checkout, by slug."""
    return {path.stem: _read(path) for path in sorted((project / "superset" / "dashboards").glob("*.yaml"))}


def _yaml(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)


def _read(path: Path) -> Tree:
    content = _yaml(path)
    if not isinstance(content, dict):
        raise TypeError(f"{path.name}: expected a mapping, got {type(content).__name__}")
    return content


def _marts(project: Path) -> Iterator[Mart]:
    """Yield the marts that dbt builds, and the views over them, which dbt knows as sources."""
    models_of = project / "dbt_project" / "models"
    described = [(path, _yaml(path)["models"]) for path in sorted(models_of.glob("marts/*/_*__models.yml"))]
    views = models_of / OVERVIEW / f"_{OVERVIEW}__sources.yml"
    if views.exists():
        described.append((views, _yaml(views)["sources"][0]["tables"]))
    for path, models in described:
        for model in models:
            columns = [
                Column(entry["name"], entry["data_type"], _label(entry), entry["description"])
                for entry in model["columns"]
            ]
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


def _label(entry: Mapping[str, str]) -> str:
    """Return the label of a column: the Vietnamese half of its description is one, the English half defines it."""
    name = "feed" if entry["name"] == "label_vi" else entry["name"]
    return f"{half(entry['description'], 'vi')} / {english_label(name)}"


def english_label(name: str) -> str:
    """Return the label that a column's name makes, its unit in brackets: `delay_hours` is `Delay (hours)`."""
    bare, unit = next(
        ((name.removesuffix(f"_{ending}"), unit) for ending, unit in UNITS.items() if name.endswith(f"_{ending}")),
        (name, ""),
    )
    words = bare.removeprefix("is_").removesuffix("_label").replace("pm2_5", "pm2.5").split("_")
    label = " ".join(NAMES.get(word, word) for word in words)
    return f"{label[:1].upper()}{label[1:]}{unit}"


def _first_time(columns: list[Column]) -> str | None:
    times = sorted((column for column in columns if column.is_time), key=lambda column: column.data_type != TIMESTAMP)
    return times[0].name if times else None


def _feeds(path: Path) -> Iterator[Feed]:
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            yield Feed(
                row["feed"],
                row["domain"],
                row["owner"],
                int(row["freshness_minutes"]),
                int(row["freshness_limit_minutes"]),
            )


def as_list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def as_tree(value: Json) -> Tree:
    if not isinstance(value, dict):
        raise TypeError(f"expected a mapping, got {value!r}")
    return value


def as_trees(value: Json) -> list[Tree]:
    return [as_tree(entry) for entry in as_list(value)]
