"""Turn the files of a checkout into complete datasets, charts and dashboards.

Every mart is a dataset. Its metrics are those that a dashboard file defines under `marts`, and those derived from the mart itself:

    row_count                           number of rows
    <column>_<total|mean|highest|lowest>   of a column, if a chart shows it; labelled like the column, or as in the file
    longitude_degrees, latitude_degrees    of a mart with places

A dashboard has rows of charts on a grid of 12 columns; by default, widths are equal and heights depend on the kind of chart.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from asset_files import Checkout, Json, Mart, Tree, as_list, as_tree, as_trees, read_checkout
from badges import Age, age_of, badges
from chart_kinds import (
    COUNT,
    DEGREES,
    KEYS_OF_ALL,
    KINDS_OF_CHART,
    PLACE_METRICS,
    SHARE,
    Shown,
    description_of,
)

from core.text import slug_of

AGGREGATES = {"total": "sum", "mean": "avg", "highest": "max", "lowest": "min"}
"""SQL function by the suffix of a metric's name."""
PLACES: Mapping[str, tuple[str, str]] = dict(
    zip(PLACE_METRICS, (("Kinh độ", "longitude"), ("Vĩ độ", "latitude")), strict=True)
)
GRID_COLUMNS = 12
HEIGHT_OF_NUMBERS, HEIGHT = 18, 50
"""Heights of a row of big numbers, and of any other row, in Superset's units of 8 pixels."""
PAGE_KEYS = frozenset({"title", "description", "feeds", "newest_by", "slug_prefix", "colours", "css", "marts", "rows"})
ROW_KEYS = frozenset({"height", "charts"})
MART_KEYS = frozenset({"time", "columns", "metrics"})


@dataclass(frozen=True)
class Assets:
    """Complete datasets, charts and dashboards by kind and slug, and the faults found in their files."""

    marts: Mapping[str, Mart]
    files: Mapping[str, Mapping[str, Tree]]
    faults: tuple[str, ...]


@dataclass(frozen=True)
class _Chart:
    """A chart of a file: its slug, its dashboard, and its entry in the file."""

    slug: str
    page: str
    said: Tree


def read_assets(project: Path) -> Assets:
    """Read a checkout and return its assets."""
    return work_out(read_checkout(project))


def work_out(checkout: Checkout) -> Assets:
    """Derive all assets. Those that cannot be derived are left out and reported in `faults`, one line each."""
    faults: list[str] = []
    told = _told_marts(checkout, faults)
    ages: dict[str, list[Age]] = {}
    charts: list[_Chart] = []
    dashboards: dict[str, Tree] = {}
    for slug, page in checkout.pages.items():
        faults += _unknown(f"dashboards/{slug}", page, PAGE_KEYS)
        try:
            rows: list[Tree] = [{"charts": [*badges(slug, page, checkout)]}, *as_trees(page.get("rows", []))]
            age = age_of(slug, page, checkout)
            ages.setdefault(age.event.mart, []).append(age)
        except ValueError as error:
            faults.append(f"dashboards/{slug}: {error}")
            rows = as_trees(page.get("rows", []))
        placed = [[_Chart(_slug(slug, page, said), slug, said) for said in as_trees(row["charts"])] for row in rows]
        charts += [chart for row in placed for chart in row]
        dashboards[slug] = {
            **{key: value for key, value in page.items() if key in ("title", "description", "colours", "css")},
            "rows": [_row(slug, row, of_row, faults) for row, of_row in zip(rows, placed, strict=True)],
        }
    datasets = {
        name: _dataset(
            mart, told.get(name, {}), ages.get(name, []), {metric for chart in charts for metric in _named(chart, name)}
        )
        for name, mart in checkout.marts.items()
    }
    made: dict[str, Tree] = {}
    for chart in charts:
        if chart.slug in made:
            faults.append(f"charts/{chart.slug}: expected a unique slug, got this one twice; set `slug`")
        try:
            made[chart.slug] = _chart(chart, checkout.marts, datasets)
        except (ValueError, TypeError) as error:
            faults.append(f"charts/{chart.slug}: {error}")
        except KeyError as error:
            faults.append(f"charts/{chart.slug}: expected {error.args[0]}, got none; add it")
    databases: dict[str, Tree] = {"marts": {"expose_in_sqllab": True, "cache_timeout": None}}
    files = {"databases": databases, "datasets": datasets, "charts": made, "dashboards": dashboards}
    return Assets({f"{mart.domain}.{mart.name}": mart for mart in checkout.marts.values()}, files, tuple(faults))


def _unknown(where: str, said: Tree, known: frozenset[str]) -> Iterator[str]:
    if unknown := sorted(set(said) - known):
        yield (
            f"{where}: expected {', '.join(sorted(known))}, got {', '.join(unknown)}; ids, owners and times do not belong here, remove them"
        )


def _told_marts(checkout: Checkout, faults: list[str]) -> dict[str, Tree]:
    """Collect the `marts` entries of all files; each mart may be in one file only."""
    told: dict[str, Tree] = {}
    for slug, page in checkout.pages.items():
        for name, said in as_tree(page.get("marts", {})).items():
            where = f"dashboards/{slug}/marts/{name}"
            if name not in checkout.marts:
                faults.append(f"{where}: expected a mart described in dbt, got {name}; correct the name")
            if name in told:
                faults.append(
                    f"{where}: expected a mart in one dashboard file, got it in two; define its metrics in one"
                )
            told[name] = as_tree(said)
            faults += _unknown(where, told[name], MART_KEYS)
    return told


def _slug(dashboard: str, page: Tree, said: Tree) -> str:
    return f"{page.get('slug_prefix', dashboard)}-{said.get('slug') or slug_of(str(said.get('title', '')))}"


def _row(dashboard: str, row: Tree, charts: list[_Chart], faults: list[str]) -> Tree:
    faults += _unknown(f"dashboards/{dashboard}", row, ROW_KEYS)
    numbers = all(chart.said.get("kind") == "big_number" for chart in charts)
    widths = widths_of([chart.said for chart in charts])
    return {
        "height": row.get("height", HEIGHT_OF_NUMBERS if numbers else HEIGHT),
        "items": [{"chart": chart.slug, "width": width} for chart, width in zip(charts, widths, strict=True)],
    }


def widths_of(charts: list[Tree]) -> list[int]:
    """Return the widths of a row's charts: those given, and the rest shared among the others, the last ones being wider."""
    said = [int(str(chart.get("width", 0))) for chart in charts]
    free, sharing = GRID_COLUMNS - sum(said), said.count(0)
    shares = [(free + place) // sharing for place in range(sharing)]
    return [width or shares.pop(0) for width in said]


def _named(chart: _Chart, mart: str) -> list[str]:
    """Return the metrics of a mart that a chart shows."""
    said = chart.said
    named = [*as_list(said.get("metrics", [])), *(said[key] for key in ("metric", "size") if key in said)]
    if said.get("kind") == "map":
        named += PLACES
    return [str(name) for name in named] if said.get("mart") == mart else []


def _dataset(mart: Mart, said: Tree, ages: list[Age], wanted: set[str]) -> Tree:
    metrics: dict[str, Tree] = {}
    for name, value in as_tree(said.get("metrics", {})).items():
        if isinstance(value, dict):
            expression = value.get("sql")
            metrics[name] = {
                "name": name,
                "label": value["label"],
                "expression": expression,
                "format": value.get("format", COUNT),
            }
        elif metric := _of_column(mart, name, str(value)):
            metrics[name] = metric
        else:
            metrics[name] = {
                "name": name,
                "label": value,
                "expression": f"{name}: no sql, and no column of this name",
                "format": COUNT,
            }
    for metric in (metric for age in ages for metric in age.metrics()):
        metrics[str(metric["name"])] = metric
    for name in sorted(wanted - set(metrics)):
        if name in PLACES and PLACES[name][1] in mart.columns:
            label, column = PLACES[name]
            metrics[name] = {"name": name, "label": label, "expression": f"avg({column})", "format": DEGREES}
        elif metric := _of_column(mart, name, None):
            metrics[name] = metric
    metrics["row_count"] = {"name": "row_count", "label": "Số dòng", "expression": "count(*)", "format": COUNT}
    columns = [
        {"name": name, "label": as_tree(value)["label"], "expression": as_tree(value)["sql"]}
        for name, value in as_tree(said.get("columns", {})).items()
    ]
    return {
        "mart": f"{mart.domain}.{mart.name}",
        "time_column": said.get("time", mart.time_column),
        "columns": [*columns],
        "metrics": [*metrics.values()],
    }


def _of_column(mart: Mart, name: str, label: str | None) -> Tree | None:
    """Return the metric for a name such as `visits_total`; None if the mart has no such column."""
    column, _, ending = name.rpartition("_")
    if ending not in AGGREGATES or column not in mart.columns:
        return None
    found = mart.columns[column]
    is_whole = found.data_type in {"bigint", "integer"} and ending != "mean"
    return {
        "name": name,
        "label": label or found.label,
        "expression": f"{AGGREGATES[ending]}({column})",
        "format": COUNT if is_whole else SHARE,
    }


def _chart(chart: _Chart, marts: Mapping[str, Mart], datasets: Mapping[str, Tree]) -> Tree:
    said, name = chart.said, str(chart.said["mart"])
    if name not in marts:
        raise ValueError(f"expected a mart described in dbt, got {name}; correct the name")
    kind = str(said["kind"])
    if kind not in KINDS_OF_CHART:
        raise ValueError(f"expected a kind of {', '.join(KINDS_OF_CHART)}, got {kind}")
    viz_type, make_params, keys = KINDS_OF_CHART[kind]
    if fault := next(_unknown("it", said, KEYS_OF_ALL | keys), None):
        raise ValueError(fault.removeprefix("it: "))
    if kind == "map" and not set(PLACE_METRICS) <= {
        str(metric["name"]) for metric in as_trees(datasets[name]["metrics"])
    }:
        raise ValueError(f"expected a mart with latitude and longitude, got {name}")
    formats = {str(metric["name"]): _text(metric.get("format")) for metric in as_trees(datasets[name]["metrics"])}
    full: Tree = {"title": said["title"], "dataset": name, "viz_type": viz_type}
    if description := description_of(said):
        full["description"] = description
    if "lists_findings" in said:
        full["lists_findings"] = said["lists_findings"]
    if said.get("where"):
        full["filters"] = [_filter(column, value) for column, value in as_tree(said["where"]).items()]
    full["params"] = {**make_params(said, Shown(marts[name].columns, formats)), **as_tree(said.get("params", {}))}
    return full


def _text(value: Json) -> str | None:
    return None if value is None else str(value)


def _filter(column: str, value: Json) -> Tree:
    operator, wanted = next(iter(value.items())) if isinstance(value, dict) else ("==", value)
    return {"column": column, "operator": operator, "value": wanted}
