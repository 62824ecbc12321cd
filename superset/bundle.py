"""The bundle that Superset imports, generated from the assets of pages.py.

Everything that follows from a person's decision is generated here: UUIDs (uuid5 of the slug), column lists and labels (from the
descriptions of the marts), the query a chart sends, the coordinates on the grid. So a diff shows only decisions, and a renamed mart
column is found from files alone.
"""

import json
from collections.abc import Mapping

import yaml
from asset_files import DATABASE, TIMESTAMP, Column, Json, Mart, Tree, as_list, as_tree, as_trees, uuid_of
from badges import LOCAL_TIME_ZONE
from pages import Assets

VERSION = "1.0.0"
FROM_FILES: Tree = {"version": VERSION, "is_managed_externally": True}
"""Superset then offers no edit button: the files are authoritative."""


def make_bundle(assets: Assets) -> dict[str, str]:
    """Return the files of a bundle in Superset's own format, name → YAML text; raise ValueError if the assets have faults."""
    if assets.faults:
        raise ValueError("\n".join(assets.faults))
    bundle: dict[str, Tree] = {
        "metadata.yaml": {"version": VERSION, "type": "assets", "timestamp": "2000-01-01T00:00:00+00:00"}
    }
    for slug, database in assets.files["databases"].items():
        bundle[f"databases/{slug}.yaml"] = _database(slug, database)
    for slug, dataset in assets.files["datasets"].items():
        bundle[f"datasets/{DATABASE}/{slug}.yaml"] = _dataset(slug, dataset, assets.marts[str(dataset["mart"])])
    for slug, chart in assets.files["charts"].items():
        bundle[f"charts/{slug}.yaml"] = _chart(slug, chart)
    for slug, dashboard in assets.files["dashboards"].items():
        bundle[f"dashboards/{slug}.yaml"] = _dashboard(slug, dashboard, assets.files["charts"])
    return {name: yaml.safe_dump(content, allow_unicode=True, sort_keys=False) for name, content in bundle.items()}


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
        "table_name": mart.name,
        "schema": mart.domain,
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


def _mart_column(column: Column) -> Tree:
    return {
        "column_name": column.name,
        "verbose_name": column.label,
        "description": column.description,
        "type": column.data_type.upper(),
        "is_dttm": column.is_time,
        "groupby": True,
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


def _local(column: Column) -> str | None:
    """Return SQL for a time in local time; Superset itself would show UTC."""
    return f"timezone('{LOCAL_TIME_ZONE}', {column.name})" if column.data_type == TIMESTAMP else None


def _chart(slug: str, chart: Tree) -> Tree:
    params: Tree = dict(as_tree(chart.get("params", {})))
    filters = as_trees(chart.get("filters", []))
    params |= {
        "viz_type": chart["viz_type"],
        "time_range": "No filter",
        "row_limit": params.get("row_limit", 1000),
        "adhoc_filters": [
            {
                "expressionType": "SIMPLE",
                "clause": "WHERE",
                "subject": entry["column"],
                "operator": entry["operator"],
                "comparator": entry.get("value"),
            }
            for entry in filters
        ],
    }
    return {
        "slice_name": chart["title"],
        "description": chart.get("description"),
        "viz_type": chart["viz_type"],
        "params": params,
        "query_context": json.dumps(
            {"force": False, "queries": [query_of(params)], "result_format": "json", "result_type": "full"}
        ),
        "uuid": str(uuid_of("charts", slug)),
        "dataset_uuid": str(uuid_of("datasets", str(chart["dataset"]))),
        **FROM_FILES,
    }


def query_of(params: Tree) -> Tree:
    """Return the query of a chart's settings, so that its numbers can be requested without opening a page."""
    metrics = [*as_list(params.get("metrics")), *(params[key] for key in ("metric", "x", "y", "size") if key in params)]
    columns: list[Json] = [*as_list(params.get("groupby")), *as_list(params.get("all_columns"))]
    columns += [params[key] for key in ("series", "entity") if params.get(key)]
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
        "metrics": metrics,
        "filters": filters,
        "orderby": orderby,
        "row_limit": params["row_limit"],
    }


def _dashboard(slug: str, dashboard: Tree, charts: Mapping[str, Tree]) -> Tree:
    return {
        "dashboard_title": dashboard["title"],
        "description": dashboard["description"],
        "css": dashboard.get("css", ""),
        "slug": slug,
        "published": True,
        "position": _position(str(dashboard["title"]), as_trees(dashboard["rows"]), charts),
        "metadata": {
            "color_scheme": "ioc",
            "label_colors": dashboard.get("colours", {}),
            "refresh_frequency": 60,
            "cross_filters_enabled": False,
            "native_filter_configuration": [],
        },
        "uuid": str(uuid_of("dashboards", slug)),
        **FROM_FILES,
    }


def _position(title: str, rows: list[Tree], charts: Mapping[str, Tree]) -> Tree:
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
    count = 0
    for number, row in enumerate(rows):
        row_id, children = f"ROW-{number}", []
        for entry in as_trees(row["items"]):
            count += 1
            kind = "CHART" if "chart" in entry else "MARKDOWN"
            child = f"{kind}-{count}"
            meta: Tree = {"width": entry["width"], "height": row["height"]}
            if kind == "CHART":
                chart = str(entry["chart"])
                meta |= {"chartId": count, "uuid": str(uuid_of("charts", chart)), "sliceName": charts[chart]["title"]}
            else:
                meta["code"] = entry["text"]
            position[child] = {
                "type": kind,
                "id": child,
                "children": [],
                "meta": meta,
                "parents": ["ROOT_ID", "GRID_ID", row_id],
            }
            children.append(child)
        position[row_id] = {
            "type": "ROW",
            "id": row_id,
            "children": [*children],
            "meta": {"background": "BACKGROUND_TRANSPARENT"},
            "parents": ["ROOT_ID", "GRID_ID"],
        }
    return position
