"""Turn the files of a checkout into complete datasets, charts and dashboards, every text `Vietnamese / English`.

Every mart is a dataset. Its metrics are those that a dashboard file defines under `marts`, and those derived from the mart itself:

    row_count                           number of rows
    <column>_<total|mean|highest|lowest>   of a column, if a chart shows it; labelled like the column, or as in the file
    the level of each map of the mart, with its texts as columns (maps.py)

A dashboard has rows of charts on a grid of 12 columns; by default, widths are equal and heights depend on the kind of chart.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from asset_files import Checkout, Json, Mart, Tree, as_list, as_tree, as_trees, read_checkout
from badges import Age, age_of, badges, owners_of
from chart_kinds import (
    COUNT,
    KEYS_OF_ALL,
    KINDS_OF_CHART,
    SHARE,
    Shown,
    description_of,
)
from maps import KEYS, VIZ_TYPE, PlaceMap, read_map
from page_filters import Filter, ShownChart, filters_of

from core.text import half, slug_of

AGGREGATES = {"total": "sum", "mean": "avg", "highest": "max", "lowest": "min"}
"""SQL function by the suffix of a metric's name."""
GRID_COLUMNS = 12
HEIGHT_OF_NUMBERS, HEIGHT_OF_LONG_TITLES, HEIGHT = 18, 21, 50
"""Heights of a row of big numbers, of one in which a title takes two lines, and of any other row, in Superset's units of 8 pixels."""
TITLE_CHARACTERS = 10
"""A box of one column shows this many characters of a title in a line."""
PAGE_KEYS = frozenset(
    {
        "title",
        "description",
        "is_narrow",
        "feeds",
        "newest_by",
        "slug_prefix",
        "colours",
        "css",
        "filters",
        "marts",
        "rows",
    }
)
ROW_KEYS = frozenset({"height", "charts"})
MART_KEYS = frozenset({"time", "columns", "metrics"})


@dataclass(frozen=True)
class Assets:
    """Complete datasets, charts and dashboards by kind and slug, filters by dashboard, and the faults found in their files."""

    marts: Mapping[str, Mart]
    files: Mapping[str, Mapping[str, Tree]]
    filters: Mapping[str, list[Filter]]
    faults: tuple[str, ...]


@dataclass(frozen=True)
class _Chart:
    """A chart of a file: its slug, its dashboard, its entry in the file, and whether it is a badge, which no file holds."""

    slug: str
    page: str
    said: Tree
    is_badge: bool


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
        marks: list[Tree] = []
        owners: list[str] = []
        try:
            marks, owners = badges(slug, page, checkout), owners_of(slug, page, checkout)
            if marks:
                age = age_of(slug, page, checkout)
                ages.setdefault(age.event.mart, []).append(age)
        except ValueError as error:
            faults.append(f"dashboards/{slug}: {error}")
        rows: list[Tree] = as_trees(page.get("rows", []))
        if marks:
            rows = [{"charts": [*marks]}, *rows]
        placed = [
            [_Chart(_slug(slug, page, said), slug, said, said in marks) for said in as_trees(row["charts"])]
            for row in rows
        ]
        charts += [chart for row in placed for chart in row]
        dashboards[slug] = {
            **{
                key: value
                for key, value in page.items()
                if key in ("title", "description", "is_narrow", "colours", "css")
            },
            "owners": [*owners],
            "rows": [_row(slug, row, of_row, faults) for row, of_row in zip(rows, placed, strict=True)],
        }
    maps = dict(_maps(charts, checkout.marts, told, faults))
    datasets = {
        name: _dataset(
            mart,
            told.get(name, {}),
            ages.get(name, []),
            {metric for chart in charts for metric in _named(chart, name)},
            [maps[chart.slug] for chart in charts if chart.slug in maps and chart.said["mart"] == name],
        )
        for name, mart in checkout.marts.items()
    }
    made: dict[str, Tree] = {}
    for chart in charts:
        if chart.slug in made:
            faults.append(f"charts/{chart.slug}: expected a unique slug, got this one twice; set `slug`")
        try:
            made[chart.slug] = _chart(chart, checkout.marts, datasets, maps.get(chart.slug))
        except (ValueError, TypeError) as error:
            faults.append(f"charts/{chart.slug}: {error}")
        except KeyError as error:
            faults.append(f"charts/{chart.slug}: expected {error.args[0]}, got none; add it")
    filters = {}
    for slug, page in checkout.pages.items():
        shown = [
            _shown(chart, checkout.marts, datasets) for chart in charts if chart.page == slug and chart.slug in made
        ]
        try:
            filters[slug] = filters_of(page.get("filters"), shown)
        except (ValueError, TypeError) as error:
            faults.append(f"dashboards/{slug}: {error}")
        by_period = {name for one in filters.get(slug, []) if one.column is None for name in one.charts}
        for entry in shown:
            if entry.slug in by_period:
                made[entry.slug]["time_column"] = entry.time_column
    databases: dict[str, Tree] = {"marts": {"expose_in_sqllab": True, "cache_timeout": None}}
    files = {"databases": databases, "datasets": datasets, "charts": made, "dashboards": dashboards}
    marts = {f"{mart.domain}.{mart.name}": mart for mart in checkout.marts.values()}
    return Assets(marts, files, filters, tuple(faults))


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
    return f"{page.get('slug_prefix', dashboard)}-{_name(said)}"


def _name(said: Tree) -> str:
    return str(said.get("slug") or slug_of(half(str(said.get("title", "")), "vi")))


def _shown(chart: _Chart, marts: Mapping[str, Mart], datasets: Mapping[str, Tree]) -> ShownChart:
    """Describe a chart to the filters of its page; badges and maps have no columns, so that none applies to them."""
    name = str(chart.said["mart"])
    if chart.is_badge or chart.said["kind"] == "map":
        return ShownChart(_name(chart.said), chart.slug, name, {}, None)
    columns = {column.name: column.label for column in marts[name].columns.values()}
    columns |= {str(column["name"]): str(column["label"]) for column in as_trees(datasets[name]["columns"])}
    time = chart.said["x"] if "grain" in chart.said else datasets[name]["time_column"]
    return ShownChart(_name(chart.said), chart.slug, name, columns, _text(time))


def _row(dashboard: str, row: Tree, charts: list[_Chart], faults: list[str]) -> Tree:
    faults += _unknown(f"dashboards/{dashboard}", row, ROW_KEYS)
    numbers = all(chart.said.get("kind") == "big_number" for chart in charts)
    widths = widths_of([chart.said for chart in charts])
    titles = [max(map(len, str(chart.said.get("title", "")).split(" / "))) for chart in charts]
    is_long = any(title > TITLE_CHARACTERS * width for title, width in zip(titles, widths, strict=True))
    lowest = (HEIGHT_OF_LONG_TITLES if is_long else HEIGHT_OF_NUMBERS) if numbers else HEIGHT
    return {
        "height": row.get("height", lowest),
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
    named = [*as_list(said.get("metrics", [])), *([said["metric"]] if "metric" in said else [])]
    return [str(name) for name in named] if said.get("mart") == mart else []


def _maps(
    charts: list[_Chart], marts: Mapping[str, Mart], told: Mapping[str, Tree], faults: list[str]
) -> Iterator[tuple[str, PlaceMap]]:
    """Yield the maps of all pages, by the slug of their charts."""
    for chart in charts:
        mart = marts.get(str(chart.said.get("mart")))
        if chart.said.get("kind") == "map" and mart:
            derived = as_tree(told.get(mart.name, {}).get("columns", {}))
            try:
                yield chart.slug, read_map(chart.slug, chart.said, mart.name, mart.columns, derived)
            except (ValueError, TypeError) as error:
                faults.append(f"charts/{chart.slug}: {error}")
            except KeyError as error:
                faults.append(f"charts/{chart.slug}: expected {error.args[0]}, got none; add it")


def _dataset(mart: Mart, said: Tree, ages: list[Age], wanted: set[str], maps: Iterable[PlaceMap]) -> Tree:
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
        if metric := _of_column(mart, name, None):
            metrics[name] = metric
    for one in maps:
        metrics[f"{one.name}_level"] = one.metric()
    metrics["row_count"] = {"name": "row_count", "label": "Số dòng / Rows", "expression": "count(*)", "format": COUNT}
    columns: dict[str, Tree] = {
        name: {
            "name": name,
            "label": as_tree(value)["label"],
            "expression": as_tree(value)["sql"],
            **({"expression_en": as_tree(value)["sql_en"]} if "sql_en" in as_tree(value) else {}),
        }
        for name, value in as_tree(said.get("columns", {})).items()
    }
    columns |= {str(column["name"]): column for one in maps for column in one.columns()}
    return {
        "mart": f"{mart.domain}.{mart.name}",
        "time_column": said.get("time", mart.time_column),
        "columns": [*columns.values()],
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


def _chart(chart: _Chart, marts: Mapping[str, Mart], datasets: Mapping[str, Tree], place_map: PlaceMap | None) -> Tree:
    said, name = chart.said, str(chart.said["mart"])
    if name not in marts:
        raise ValueError(f"expected a mart described in dbt, got {name}; correct the name")
    kind = str(said["kind"])
    if kind not in {*KINDS_OF_CHART, "map"}:
        raise ValueError(f"expected a kind of {', '.join(KINDS_OF_CHART)} or map, got {kind}")
    viz_type, make_params, keys = KINDS_OF_CHART.get(kind, (VIZ_TYPE, None, KEYS))
    if fault := next(_unknown("it", said, KEYS_OF_ALL | keys), None):
        raise ValueError(fault.removeprefix("it: "))
    formats = {str(metric["name"]): _text(metric.get("format")) for metric in as_trees(datasets[name]["metrics"])}
    full: Tree = {"title": said["title"], "dataset": name, "viz_type": viz_type}
    if description := description_of(said):
        full["description"] = description
    if "lists_findings" in said:
        full["lists_findings"] = said["lists_findings"]
    where = as_tree(said.get("where", {})) | (place_map.where if place_map else {})
    if where:
        full["filters"] = [*conditions_of(where)]
    params = make_params(said, Shown(marts[name].columns, formats)) if make_params else {}
    if place_map:
        params = place_map.params()
        full["legend"] = [{"mark": line.mark, "colour": line.colour, "text": line.text} for line in place_map.legend()]
    full["params"] = {**params, **as_tree(said.get("params", {}))}
    return full


def _text(value: Json) -> str | None:
    return None if value is None else str(value)


def conditions_of(where: Tree) -> list[Tree]:
    """Return the conditions of a `where`: column: value, or column: {operator: value}."""
    return [
        {"column": column, "operator": operator, "value": wanted}
        for column, value in where.items()
        for operator, wanted in (value.items() if isinstance(value, dict) else [("==", value)])
    ]
