"""The files under superset/assets and the marts they speak of, as they stand in a checkout.

A file says what a person decided: a title, a mart, a metric, a place on a page. What follows from that is made in bundle.py.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias
from uuid import NAMESPACE_URL, UUID, uuid5

import yaml

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"
Tree: TypeAlias = dict[str, Json]

NAMESPACE = uuid5(NAMESPACE_URL, "https://ioc.invalid/superset")
DATABASE = "marts"
KINDS = ("databases", "datasets", "charts", "dashboards")


def uuid_of(kind: str, slug: str) -> UUID:
    """Give the UUID of an asset: the same in every installation, so that an import replaces and never doubles."""
    return uuid5(NAMESPACE, f"{kind}/{slug}")


@dataclass(frozen=True)
class Column:
    """A column of a mart: its DuckDB type and its description, `Vietnamese / English`."""

    name: str
    data_type: str
    description: str

    @property
    def label(self) -> str:
        """Give the Vietnamese half of the description."""
        return self.description.partition(" / ")[0].strip()

    @property
    def is_time(self) -> bool:
        return self.data_type in {"timestamp with time zone", "date"}


@dataclass(frozen=True)
class Mart:
    """A published table as dbt describes it."""

    domain: str
    name: str
    description: str
    columns: Mapping[str, Column]


@dataclass(frozen=True)
class Assets:
    """What the files say, by kind and slug, and the marts they speak of by `<domain>.<mart>`."""

    marts: Mapping[str, Mart]
    files: Mapping[str, Mapping[str, Tree]]


def read_assets(project: Path) -> Assets:
    """Read the asset files and the marts of a checkout."""
    folder = project / "superset" / "assets"
    files = {kind: {path.stem: _read(path) for path in sorted((folder / kind).glob("*.yaml"))} for kind in KINDS}
    return Assets({f"{mart.domain}.{mart.name}": mart for mart in _marts(project)}, files)


def _read(path: Path) -> Tree:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise TypeError(f"{path.name}: a mapping was promised, {type(content).__name__} came")
    return content


def _marts(project: Path) -> Iterator[Mart]:
    for path in sorted((project / "dbt_project" / "models" / "marts").glob("*/_*__models.yml")):
        for model in yaml.safe_load(path.read_text(encoding="utf-8"))["models"]:
            columns = [Column(entry["name"], entry["data_type"], entry["description"]) for entry in model["columns"]]
            yield Mart(
                path.parent.name, model["name"], model["description"], {column.name: column for column in columns}
            )


def as_list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def as_tree(value: Json) -> Tree:
    if not isinstance(value, dict):
        raise TypeError(f"a mapping was promised, {value!r} came")
    return value


def as_trees(value: Json) -> list[Tree]:
    return [as_tree(entry) for entry in as_list(value)]
