"""The kinds of chart in dashboard files, and their Superset parameters; all defaults are set here.

A chart holds what a person decided, in a line or a few:

    - {title: Số phản ánh, kind: big_number, mart: feedback_cases, metric: cases, note: từ đầu kỳ}

Every kind takes title, mart, description, where (column: value, or column: {operator: value}), width (of the 12 columns of a row),
slug (if not that of the title), lists_findings (it may be empty), format (of its numbers) and params (any other Superset parameters).

    big_number   metric, note, levels
    table        raw rows: columns, order (`place, at desc`), limit; or totals: groupby and metrics, sorted by the first. formats, levels
    map          areas, points: see maps.py
    line, bar    x: a time, with grain hour, day, week or month; for bars also x: any column without a grain. metrics, by, stack, sort
    pie          metric, groupby

`levels` colours numbers: `score`, `no_finding`, or conditions by colour, as in {green: ≥ 95, yellow: 85 ≤ x < 95, red: < 85}; for a table,
levels by column.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from asset_files import Column, Json, Tree, as_list, as_tree


@dataclass(frozen=True)
class Shown:
    """What a chart may show: the columns of its mart, and the formats of its metrics."""

    columns: Mapping[str, Column]
    formats: Mapping[str, str | None]


Kind = Callable[[Tree, Shown], Tree]
"""A function that returns the params of a chart."""

TEXT_COLOURS = {"green": "#1e8e5a", "yellow": "#d99000", "red": "#c8443a"}
CELL_COLOURS = {"green": "#c9ecd9", "yellow": "#fdeab8", "red": "#f6c6c1"}
NAMED_LEVELS: Mapping[str, Mapping[str, str]] = {
    "score": {"green": "≥ 90", "yellow": "75 ≤ x < 90", "red": "< 75"},
    "no_finding": {"green": "= 0", "red": "> 0"},
}
NUMBER = r"-?\d+(?:\.\d+)?"
CONDITION = re.compile(rf"({NUMBER}) ([<≤]) x ([<≤]) ({NUMBER})|([=≠<>≤≥]) ({NUMBER})")

GRAINS = {
    "hour": ("PT1H", "%H:%M %d/%m"),
    "day": ("P1D", "%d/%m"),
    "week": ("P1W", "%d/%m/%Y"),
    "month": ("P1M", "%m/%Y"),
}
"""Superset's name of a grain, and the format of its times."""
TIME_FORMAT, DATE_FORMAT = "%H:%M %d/%m", "%d/%m/%Y"
COUNT, SHARE = ",d", ",.1f"
MARGINS: Tree = {"x_axis_title_margin": 15, "y_axis_title_margin": 15}
LEGEND: Tree = {"show_legend": True, "legendOrientation": "top", "rich_tooltip": True, "truncate_metric": True}


MAP_DESCRIPTION = (
    "Ranh giới các xã, phường. Màu xám: chưa có số liệu. Chỉ vào một hình để xem tên và số liệu. / "
    "Borders of the communes. Grey: no figures. Point at a shape to see its name and figures."
)


def description_of(chart: Tree) -> Json:
    """Return the description of a chart, or the default of its kind."""
    return chart.get("description", MAP_DESCRIPTION if chart.get("kind") == "map" else None)


def conditions(column: str, levels: Json, colours: Mapping[str, str]) -> list[Json]:
    """Return Superset's rules that colour a column by levels; raise ValueError if a condition or a colour is unknown."""
    named = NAMED_LEVELS.get(levels) if isinstance(levels, str) else as_tree(levels)
    if named is None:
        raise ValueError(f"expected levels of {', '.join(NAMED_LEVELS)} or by colour, got {levels}")
    return [_condition(column, colour, str(text), colours) for colour, text in named.items()]


def _condition(column: str, colour: str, text: str, colours: Mapping[str, str]) -> Json:
    found = CONDITION.fullmatch(text)
    if found is None or colour not in colours:
        raise ValueError(
            f"expected a condition such as `≥ 90` or `75 ≤ x < 90` by green, yellow or red, got {colour}: {text}"
        )
    low, after_low, before_high, high, operator, value = found.groups()
    rule: Tree = {"column": column, "colorScheme": colours[colour], "useGradient": False}
    if operator:
        return rule | {"operator": operator, "targetValue": _number(value)}
    operator = f"{after_low} x {before_high}"
    return rule | {"operator": operator, "targetValueLeft": _number(low), "targetValueRight": _number(high)}


def _number(text: str) -> int | float:
    return float(text) if "." in text else int(text)


def big_number(chart: Tree, shown: Shown) -> Tree:
    metric = str(chart["metric"])
    params: Tree = {
        "metric": metric,
        "header_font_size": 0.6,
        "subtitle": chart.get("note", ""),
        "subtitle_font_size": 0.2,
    }
    if chart.get("is_time"):
        return params | {"header_font_size": 0.4, "time_format": "%H:%M %d/%m/%Y", "force_timestamp_formatting": True}
    params["y_axis_format"] = chart.get("format", shown.formats.get(metric))
    if "levels" in chart:
        params["conditional_formatting"] = conditions(metric, chart["levels"], TEXT_COLOURS)
    return params


def table(chart: Tree, shown: Shown) -> Tree:
    params: Tree = {"page_length": 0, "show_cell_bars": False}
    if "columns" in chart:
        names = [str(name) for name in as_list(chart["columns"])]
        types = {shown.columns[name].data_type for name in names if name in shown.columns}
        numbers = {name: SHARE for name in names if name in shown.columns and shown.columns[name].data_type == "double"}
        numbers |= {name: str(form) for name, form in as_tree(chart.get("formats", {})).items()}
        orders = [entry.split() for entry in str(chart["order"]).split(",")]
        params |= {
            "query_mode": "raw",
            "all_columns": [*names],
            "order_by_cols": [json.dumps([column, direction != ["desc"]]) for column, *direction in orders],
            "column_config": {name: {"d3NumberFormat": form} for name, form in numbers.items()},
        }
        if types & {"timestamp with time zone", "date"}:
            params["table_timestamp_format"] = TIME_FORMAT if "timestamp with time zone" in types else DATE_FORMAT
        if "limit" in chart:
            params["row_limit"] = chart["limit"]
    else:
        metrics = as_list(chart["metrics"])
        params |= {
            "query_mode": "aggregate",
            "groupby": chart["groupby"],
            "metrics": metrics,
            "timeseries_limit_metric": chart.get("order", metrics[0]),
            "order_desc": True,
            "include_search": True,
        }
    if "levels" in chart:
        rules = [
            rule for name, levels in as_tree(chart["levels"]).items() for rule in conditions(name, levels, CELL_COLOURS)
        ]
        params["conditional_formatting"] = rules
    return params


def over_time(chart: Tree, shown: Shown) -> Tree:
    grain, written = GRAINS[str(chart["grain"])]
    return {
        "x_axis": chart["x"],
        "time_grain_sqla": grain,
        "metrics": chart["metrics"],
        "groupby": [chart["by"]] if "by" in chart else [],
        "x_axis_time_format": written,
        "show_empty_columns": True,
        "y_axis_format": chart.get("format", _format_of(chart, shown)),
        **LEGEND,
        **MARGINS,
    }


def line(chart: Tree, shown: Shown) -> Tree:
    """A value between two that are not known has no line to either, so that each value has a mark of its own."""
    return over_time(chart, shown) | {"markerEnabled": True, "markerSize": 5}


def bar(chart: Tree, shown: Shown) -> Tree:
    if "grain" in chart:
        return over_time(chart, shown)
    params: Tree = {
        "x_axis": chart["x"],
        "metrics": chart["metrics"],
        "groupby": [chart["by"]] if "by" in chart else [],
        "orientation": "horizontal",
        "xAxisForceCategorical": True,
        "y_axis_format": chart.get("format", _format_of(chart, shown)),
        **LEGEND,
        **MARGINS,
    }
    if chart.get("stack", True):
        params["stack"] = "Stack"
    if sort := chart.get("sort", as_list(chart["metrics"])[0]):
        params |= {"x_axis_sort": sort, "x_axis_sort_asc": True}
    if "limit" in chart:
        params["row_limit"] = chart["limit"]
    return params


def pie(chart: Tree, shown: Shown) -> Tree:
    return {
        "groupby": chart["groupby"],
        "metric": chart["metric"],
        "row_limit": chart.get("limit", 20),
        "donut": True,
        "label_type": "key_value",
        "show_labels": True,
        "show_legend": False,
        "number_format": chart.get("format", shown.formats.get(str(chart["metric"]))),
        "innerRadius": 40,
        "outerRadius": 70,
        "sort_by_metric": True,
    }


def _format_of(chart: Tree, shown: Shown) -> str | None:
    return shown.formats.get(str(as_list(chart["metrics"])[0]))


KINDS_OF_CHART: Mapping[str, tuple[str, Kind, frozenset[str]]] = {
    "big_number": ("big_number_total", big_number, frozenset({"metric", "note", "levels", "is_time"})),
    "table": ("table", table, frozenset({"columns", "order", "limit", "groupby", "metrics", "formats", "levels"})),
    "line": ("echarts_timeseries_line", line, frozenset({"x", "grain", "metrics", "by"})),
    "bar": ("echarts_timeseries_bar", bar, frozenset({"x", "grain", "metrics", "by", "stack", "sort", "limit"})),
    "pie": ("pie", pie, frozenset({"metric", "groupby", "limit"})),
}
"""Superset's name of a kind, the function for its params, and the keys only it takes. Maps, which add to their dataset, are in maps.py."""

KEYS_OF_ALL = frozenset(
    {"title", "slug", "kind", "mart", "where", "description", "width", "lists_findings", "format", "params"}
)
