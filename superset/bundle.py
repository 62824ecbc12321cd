"""The bundle that Superset imports, generated from the assets of pages.py.

Everything that follows from a person's decision is generated here: UUIDs (uuid5 of the slug), column lists and labels (from the
descriptions of the marts), the query a chart sends, the coordinates on the grid. So a diff shows only decisions, and a renamed mart
column is found from files alone.
"""

import json
from collections.abc import Iterator, Mapping

import yaml
from asset_files import DATABASE, TIMESTAMP, Column, Json, Mart, Tree, as_list, as_tree, as_trees, uuid_of
from languages import LANGUAGES, in_language
from page_filters import PERIOD, Filter
from pages import Assets, conditions_of

from core.local_time import ZONE

VERSION = "1.0.0"
NO_PERIOD = "No filter"
LEAD = "MARKDOWN-0"
CSS = (
    '[data-test="metadata-bar"] { display: none }\n'
    "td.dt-is-null { font-size: 0 }\n"
    'td.dt-is-null::after { content: "–"; font-size: 12px }\n'
)
"""Hides who changed a page and how long ago, which reads as the age of the data, and shows a dash where a table would say N/A."""
PANNED = (
    "@media (max-width: 900px) {\n"
    "  :has(> .dashboard-content) { min-width: 0 }\n"
    "  .dashboard-content { overflow-x: auto }\n"
    "  .dashboard-content .grid-container { min-width: 1280px }\n"
    "}\n"
)
"""Keeps the charts of a page at a readable size on a narrow screen, where a finger moves them sideways."""

FROM_FILES: Tree = {"version": VERSION, "is_managed_externally": True}
"""Superset then offers no edit button: the files are authoritative."""


SECONDS_OF_AN_AGE = 30
"""How long an answer that computes an age may be taken from the cache; any other is good until the next release."""

LEGEND_HEIGHT, GUTTER_HEIGHT = 10, 2
"""What the legend of a map takes of its height, and the gap between the two, in Superset's units of 8 pixels."""

LEGEND_STYLE = (
    "LEGEND .dashboard-component-chart-holder { padding: 6px 16px; font-size: 12px }\n"
    "LEGEND ul { list-style: none; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: 0 14px }\n"
    "LEGEND li { white-space: nowrap }\n"
)


def make_bundle(assets: Assets) -> dict[str, str]:
    """Return the files of a bundle in Superset's own format, name → YAML text; raise ValueError if the assets have faults."""
    if assets.faults:
        raise ValueError("\n".join(assets.faults))
    bundle: dict[str, Tree] = {
        "metadata.yaml": {"version": VERSION, "type": "assets", "timestamp": "2000-01-01T00:00:00+00:00"}
    }
    for language in LANGUAGES:
        bundle |= _of_language(in_language(assets, language))
    return {
        name: yaml.dump(content, Dumper=yaml.CSafeDumper, allow_unicode=True, sort_keys=False)
        for name, content in bundle.items()
    }


def _of_language(assets: Assets) -> dict[str, Tree]:
    bundle: dict[str, Tree] = {}
    for slug, database in assets.files["databases"].items():
        bundle[f"databases/{slug}.yaml"] = _database(slug, database)
    for slug, dataset in assets.files["datasets"].items():
        bundle[f"datasets/{DATABASE}/{slug}.yaml"] = _dataset(slug, dataset, assets.marts[str(dataset["mart"])])
    for slug, chart in assets.files["charts"].items():
        bundle[f"charts/{slug}.yaml"] = _chart(slug, chart, assets.files["datasets"][str(chart["dataset"])])
    for slug, dashboard in assets.files["dashboards"].items():
        bundle[f"dashboards/{slug}.yaml"] = _dashboard(slug, dashboard, assets)
    return bundle


def _database(slug: str, database: Tree) -> Tree:
    return {
        "database_name": slug,
        "sqlalchemy_uri": "duckdb:///:memory:",  # ignored: the configuration supplies the connection
        **database,
        "allow_run_async": False,
        "allow_ctas": False,
        "allow_cvas": False,
        "allow_dml": False,
        "allow_csv_upload": False,
        "extra": {"allows_virtual_table_explore": True, "disable_data_preview": False},
        "uuid": str(uuid_of("databases", slug)),
        **FROM_FILES,
    }


def _dataset(slug: str, dataset: Tree, mart: Mart) -> Tree:
    return {
        **_table_of(mart, is_copy="is_copy" in dataset),
        "description": mart.description,
        "main_dttm_col": dataset.get("time_column"),
        "filter_select_enabled": True,
        "columns": [
            *(_mart_column(column) for column in mart.columns.values()),
            *(_derived_column(column) for column in as_trees(dataset.get("columns", []))),
        ],
        "metrics": [
            {
                "metric_name": metric["name"],
                "verbose_name": metric["label"],
                "expression": metric["expression"],
                "d3format": metric.get("format"),
            }
            for metric in as_trees(dataset["metrics"])
        ],
        "uuid": str(uuid_of("datasets", slug)),
        "database_uuid": str(uuid_of("databases", DATABASE)),
        **FROM_FILES,
    }


def _table_of(mart: Mart, *, is_copy: bool) -> Tree:
    """Return what a dataset reads: its mart, or, since two may not read one table, a query of the whole of it."""
    if not is_copy:
        return {"table_name": mart.name, "schema": mart.domain}
    return {"table_name": f"{mart.name} (en)", "schema": mart.domain, "sql": f"select * from {mart.domain}.{mart.name}"}  # noqa: S608  our own names


def _mart_column(column: Column) -> Tree:
    return {
        "column_name": column.name,
        "verbose_name": column.label,
        "description": column.description,
        "type": column.data_type.upper(),
        "is_dttm": column.is_time,
        "groupby": is_dimension(column),
        "filterable": True,
        "expression": _local(column),
    }


def _derived_column(column: Tree) -> Tree:
    return {
        "column_name": column["name"],
        "verbose_name": column["label"],
        "type": "VARCHAR",
        "groupby": True,
        "filterable": True,
        "expression": column["expression"],
    }


def is_dimension(column: Column) -> bool:
    """Return whether numbers may be split by a column: by words, flags and days, not by single records (ids, keys) or measurements."""
    return column.data_type in {"boolean", "date"} or (
        column.data_type == "varchar" and not column.name.endswith(("_id", "_key", "_code", "_number", "shape"))
    )


def _local(column: Column) -> str | None:
    """Return SQL for a time in local time; Superset itself would show UTC."""
    return f"timezone('{ZONE}', {column.name})" if column.data_type == TIMESTAMP else None


def _chart(slug: str, chart: Tree, dataset: Tree) -> Tree:
    params: Tree = dict(as_tree(chart.get("params", {})))
    filters = as_trees(chart.get("filters", []))
    if "time_column" in chart:  # what a filter by period fills in
        filters.append({"column": chart["time_column"], "operator": "TEMPORAL_RANGE", "value": NO_PERIOD})
    params |= {
        "viz_type": chart["viz_type"],
        "time_range": NO_PERIOD,
        "row_limit": params.get("row_limit", 1000),
        "adhoc_filters": [*map(_adhoc_filter, filters)],
    }
    seconds = SECONDS_OF_AN_AGE if _tells_the_time(params, dataset) else None
    return {
        "slice_name": chart["title"],
        "description": chart.get("description"),
        "viz_type": chart["viz_type"],
        "params": params,
        "query_context": json.dumps(
            {
                "force": False,
                "queries": [query_of(params)],
                "result_format": "json",
                "result_type": "full",
                "custom_cache_timeout": seconds,
            }
        ),
        "cache_timeout": seconds,
        "uuid": str(uuid_of("charts", slug)),
        "dataset_uuid": str(uuid_of("datasets", str(chart["dataset"]))),
        **FROM_FILES,
    }


def _tells_the_time(params: Tree, dataset: Tree) -> bool:
    """Return whether a chart's answer changes while nothing is published, because it computes an age."""
    used = json.dumps(params)
    expressions = [*as_trees(dataset.get("columns", [])), *as_trees(dataset["metrics"])]
    return any("clock_now" in str(one["expression"]) and f'"{one["name"]}"' in used for one in expressions)


def _adhoc_filter(condition: Tree) -> Tree:
    return {
        "expressionType": "SIMPLE",
        "clause": "WHERE",
        "subject": condition["column"],
        "operator": condition["operator"],
        "comparator": condition.get("value"),
    }


def query_of(params: Tree) -> Tree:
    """Return the query of a chart's settings, so that its numbers can be requested without opening a page."""
    metrics = [*as_list(params.get("metrics")), *([params["metric"]] if "metric" in params else [])]
    columns: list[Json] = [*as_list(params.get("groupby")), *as_list(params.get("all_columns"))]
    if shape := params.get("line_column"):
        columns += [shape, *as_list(params["js_columns"])]
        columns += [entry["column_name"] for entry in as_trees(params["tooltip_contents"])]
    x_axis = params.get("x_axis")
    if x_axis and (grain := params.get("time_grain_sqla")):
        axis: Json = {
            "columnType": "BASE_AXIS",
            "sqlExpression": x_axis,
            "label": x_axis,
            "expressionType": "SQL",
            "timeGrain": grain,
        }
        columns.insert(0, axis)
    elif x_axis:
        columns.insert(0, x_axis)
    filters: list[Json] = [
        {"col": entry["subject"], "op": entry["operator"], "val": entry["comparator"]}
        for entry in as_trees(params["adhoc_filters"])
    ]
    orderby: list[Json] = [json.loads(str(order)) for order in as_list(params.get("order_by_cols"))]
    if metric := params.get("timeseries_limit_metric"):
        orderby.append([metric, not params.get("order_desc", True)])
    return {
        "columns": columns,
        **({"metrics": metrics} if metrics else {}),  # an empty list would group raw rows
        "filters": filters,
        "orderby": orderby,
        "row_limit": params["row_limit"],
    }


def _dashboard(slug: str, dashboard: Tree, assets: Assets) -> Tree:
    rows, filters = as_trees(dashboard["rows"]), assets.filters[slug]
    numbers = _numbers(rows)
    filtered = {chart for one in filters for chart in one.charts} - {chart for one in filters for chart in one.excepted}
    return {
        "dashboard_title": dashboard["title"],
        "description": dashboard["description"],
        "css": "".join(
            [
                CSS,
                "" if dashboard.get("is_narrow") else PANNED,
                str(dashboard.get("css", "")),
                *_legend_styles(numbers, assets.files["charts"]),
            ]
        ),
        "slug": slug,
        "published": True,
        "position": _position(str(dashboard["title"]), rows, numbers, assets.files["charts"]),
        "metadata": {
            "color_scheme": "ioc",
            "label_colors": dashboard.get("colours", {}),
            "refresh_frequency": 60,
            "filter_bar_orientation": "HORIZONTAL",
            "native_filter_configuration": [_filter(slug, one, numbers) for one in filters],
            "cross_filters_enabled": True,
            "chart_configuration": {},
            "global_chart_configuration": {"scope": _scope(numbers, filtered)},
        },
        "uuid": str(uuid_of("dashboards", slug)),
        **FROM_FILES,
    }


def _filter(slug: str, said: Filter, numbers: Mapping[str, int]) -> Tree:
    """Return a filter in the form of an export, which names datasets by UUID and charts by their number on the page."""
    choice: Tree = {"filterType": "filter_time", "targets": [{}], "controlValues": {"enableEmptyFilter": False}}
    if said.dataset is not None:
        choice = {
            "filterType": "filter_select",
            "targets": [{"datasetUuid": str(uuid_of("datasets", said.dataset)), "column": {"name": said.column}}],
            "controlValues": {
                "enableEmptyFilter": False,
                "defaultToFirstItem": False,
                "multiSelect": True,
                "searchAllOptions": True,
                "inverseSelection": False,
                "sortAscending": True,
            },
            "adhoc_filters": [*map(_adhoc_filter, conditions_of(said.where))],
        }
    return {
        "id": f"NATIVE_FILTER-{uuid_of('filters', f'{slug}/{said.column or PERIOD}')}",
        "type": "NATIVE_FILTER",
        "name": said.title,
        "description": "",
        "cascadeParentIds": [],
        "defaultDataMask": {"extraFormData": {}, "filterState": {}, "ownState": {}},
        "scope": _scope(numbers, {*said.charts}),
        **choice,
    }


def _scope(numbers: Mapping[str, int], filtered: set[str]) -> Tree:
    """Return the scope of a filter, which names the charts outside it."""
    return {"rootPath": ["ROOT_ID"], "excluded": [number for chart, number in numbers.items() if chart not in filtered]}


def _numbers(rows: list[Tree]) -> dict[str, int]:
    """Number the charts of a page in reading order; an import puts Superset's own ids in place of the numbers."""
    charts = [str(item["chart"]) for row in rows for item in as_trees(row["items"]) if "chart" in item]
    return {chart: number for number, chart in enumerate(charts, 1)}


def _position(title: str, rows: list[Tree], numbers: Mapping[str, int], charts: Mapping[str, Tree]) -> Tree:
    position: Tree = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"type": "ROOT", "id": "ROOT_ID", "children": ["GRID_ID"]},
        "GRID_ID": {
            "type": "GRID",
            "id": "GRID_ID",
            "children": [f"ROW-{row}" for row in range(len(rows))],
            "parents": ["ROOT_ID"],
        },
        "HEADER_ID": {"type": "HEADER", "id": "HEADER_ID", "meta": {"text": title}},
    }
    for number, row in enumerate(rows):
        row_id, children = f"ROW-{number}", []
        for entry in as_trees(row["items"]):
            if "chart" in entry:
                slug = str(entry["chart"])
                placed = _placed(numbers[slug], entry, int(str(row["height"])), charts[slug])
            else:
                meta: Tree = {"width": entry["width"], "height": row["height"], "code": entry["text"]}
                placed = {LEAD: ([], _component("MARKDOWN", LEAD, [], meta))}
            children.append(next(iter(placed)))
            for component, (parents, content) in placed.items():
                position[component] = {**content, "parents": ["ROOT_ID", "GRID_ID", row_id, *parents]}
        position[row_id] = {
            "type": "ROW",
            "id": row_id,
            "children": [*children],
            "meta": {"background": "BACKGROUND_TRANSPARENT"},
            "parents": ["ROOT_ID", "GRID_ID"],
        }
    return position


def _placed(count: int, entry: Tree, height: int, chart: Tree) -> dict[str, tuple[list[Json], Tree]]:
    """Return the components of a chart, the outermost first, each with those around it below the row: a map has its legend under it."""
    slug, width = str(entry["chart"]), entry["width"]
    legend = as_trees(chart.get("legend", []))
    holder, column, text = f"CHART-{count}", f"COLUMN-{count}", f"MARKDOWN-{count}"
    meta: Tree = {
        "width": width,
        "height": height - LEGEND_HEIGHT if legend else height,
        "chartId": count,
        "uuid": str(uuid_of("charts", slug)),
        "sliceName": chart["title"],
    }
    around: list[Json] = [column] if legend else []
    placed = {holder: (around, _component("CHART", holder, [], meta))}
    if not legend:
        return placed
    code = "\n".join(f"- {line['text']}" for line in legend)
    of_column: Tree = {"width": width, "background": "BACKGROUND_TRANSPARENT"}
    of_legend: Tree = {"width": width, "height": LEGEND_HEIGHT - GUTTER_HEIGHT, "code": code}
    return {
        column: ([], _component("COLUMN", column, [holder, text], of_column)),
        **placed,
        text: (around, _component("MARKDOWN", text, [], of_legend)),
    }


def _component(kind: str, name: str, children: list[Json], meta: Tree) -> Tree:
    return {"type": kind, "id": name, "children": children, "meta": meta}


def _legend_styles(numbers: Mapping[str, int], charts: Mapping[str, Tree]) -> Iterator[str]:
    """Yield the styles of a page's legends, whose text may hold no colours: each line has a mark before it, a heading has none."""
    for slug, count in numbers.items():
        for number, line in enumerate(as_trees(charts[slug].get("legend", [])), 1):
            if number == 1:
                yield LEGEND_STYLE.replace("LEGEND", f"#MARKDOWN-{count}")
            mark = f"content: '{line['mark']} '; color: {line['colour']}" if line["mark"] else "content: ''"
            yield f"#MARKDOWN-{count} li:nth-child({number})::before {{ {mark} }}\n"
