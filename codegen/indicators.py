"""The page of indicators: each figure of each mart, its formula in words, what it is computed from, and who is responsible for it.

The words are those of the mart's entry. What a mart is computed from follows from its SQL: the feeds and the reference lists that it and
the models before it read. A list says of each row whether a checked source supports it (`verified`); the page says how many rows are not,
so that a reader knows which figures rest on values that an operator may have to correct.
"""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from core.contract import Contract
from core.domains import Domain
from transform.lineage import lineage_of, model_texts, seeds_of

NUMBERS = ("bigint", "integer", "double", "decimal")
NO_FIGURES = ("latitude", "longitude", "source_version", "display_order", "shape_number", "area_km2")


def indicators_page(
    contracts: Mapping[str, Contract],
    domains: tuple[Domain, ...],
    project: Path,
    header: str,
    written: Mapping[str, str] | None = None,
) -> str:
    """Write the page, its domains in the order in which leaders read them; `written` are models generated with it, by name."""
    models = model_texts(project / "dbt_project") | dict(written or {})
    seeds = seeds_of(project / "dbt_project")
    by_table = {contract.table: contract for contract in contracts.values()}
    lines = [
        "# Indicators",
        "",
        f"<!-- {header} -->",
        "",
        "Each figure of each mart: the label, and the formula in words, which says what it divides by and when it is unknown (NULL).",
        "*From* names the feeds and the reference lists; a list that is not verified in all its rows says so, and can be corrected",
        "without code.",
    ]
    for domain in domains:
        lines += ["", f"## {domain.label_vi} ({domain.id})"]
        for model in _marts(project / "dbt_project" / "models" / "marts" / domain.id):
            lineage = lineage_of(str(model["name"]), models, frozenset(seeds))
            feeds = [by_table[table] for table in lineage.tables if table in by_table]
            owners = ", ".join(dict.fromkeys(contract.owner for contract in feeds)) or "the centre itself"
            sources = [
                *(f"`{contract.feed}`" for contract in feeds),
                *(_list_told(seeds[name], domain.id) for name in lineage.lists),
            ]
            lines += [
                "",
                f"### {model['name']}",
                "",
                _one_line(model["description"]),
                "",
                f"From {', '.join(sources)}. Owner: {owners}.",
                "",
            ]
            lines += ["| figure | formula |", "|---|---|", *_figures(model)]
    return "\n".join(lines) + "\n"


def _marts(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob("_*__models.yml")):
        yield from yaml.safe_load(path.read_text(encoding="utf-8"))["models"]


def _figures(model: Mapping[str, Any]) -> Iterator[str]:
    for column in model["columns"]:
        name, kind = str(column["name"]), str(column.get("data_type", ""))
        if kind.startswith(NUMBERS) and name not in NO_FIGURES and not name.endswith(("_code", "_id")):
            yield f"| `{name}` | {_one_line(column['description'])} |"


def _list_told(path: Path, domain: str) -> str:
    """Name a reference list, and how many of its rows are not verified; of a list with domains, the rows of one."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row.get("domain", domain) == domain or "key" not in row]
    unverified = sum(row.get("verified", "true").lower() == "false" for row in rows)
    return f"`{path.stem}` ({unverified} of {len(rows)} rows unverified)" if unverified else f"`{path.stem}`"


def _one_line(text: str) -> str:
    return " ".join(str(text).split()).replace("|", "\\|")
