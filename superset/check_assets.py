"""Check the dashboards from files alone: dashboard → chart or filter → dataset → mart → column, and what every page must have.

Run with the project's Python: `python superset/check_assets.py [CHECKOUT]`. Every metric and the columns of every chart are tried on empty
tables with the columns of the marts, so that a renamed column or a wrong type is found without a service. Prints one line per finding and
exits with 1; without findings, prints how many assets it checked.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
from asset_files import KINDS, Checkout, Json, Mart, Tree, as_list, as_tree, as_trees, read_checkout
from bundle import make_bundle, query_of
from maps import DRAWN, VIZ_TYPE
from pages import GRID_COLUMNS, Assets, work_out

from core.settings import PROJECT, Settings
from lake.serving import define_clock

FORBIDDEN_IN_CHARTS = {"adhoc_filters", "sqlExpression", "datasource", "extras", "having", "sql"}
NOTE_CHARACTERS = 17
"""A box of one column shows this many characters of a note in letters that can still be read on a screen 1,600 pixels wide."""
VIETNAMESE = frozenset("àáảãạăằắẳẵặâầấẩẫậèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵđ")


def find_faults(checkout: Checkout) -> Iterator[str]:
    """Yield the faults, one line each."""
    assets = work_out(checkout)
    yield from assets.faults
    yield from _pages_of_domains(checkout)
    yield from _sql_in_charts(checkout)
    yield from _titles(assets)
    yield from _notes(assets)
    yield from _pages(checkout, assets)
    yield from _queries(assets)
    if not assets.faults:
        make_bundle(assets)


def _pages_of_domains(checkout: Checkout) -> Iterator[str]:
    listed = [slug for domain in checkout.domains for slug in domain.dashboards]
    for slug in sorted(set(listed) - set(checkout.pages)):
        yield f"dashboards/{slug}: expected a file, since contracts/domains.yaml lists it, got none; write it, or remove it from the list"
    for domain in sorted(
        {mart.domain for mart in checkout.marts.values()} - {domain.id for domain in checkout.domains}
    ):
        yield f"marts/{domain}: expected a domain of contracts/domains.yaml, got {domain}; add it there"


def _sql_in_charts(checkout: Checkout) -> Iterator[str]:
    for slug, page in checkout.pages.items():
        for chart in (chart for row in as_trees(page.get("rows", [])) for chart in as_trees(row["charts"])):
            if found := sorted(FORBIDDEN_IN_CHARTS & set(_keys(chart))):
                yield f"dashboards/{slug}: expected no SQL in chart {chart.get('title')}, got {', '.join(found)}; define a metric"


def _titles(assets: Assets) -> Iterator[str]:
    titles = [
        (f"{kind}/{slug}", str(content["title"])) for kind in KINDS[2:] for slug, content in assets.files[kind].items()
    ]
    for slug, dataset in assets.files["datasets"].items():
        titles += [(f"datasets/{slug}/{entry['name']}", str(entry["label"])) for entry in _entries(dataset)]
    titles += [(f"dashboards/{slug}/filters", one.title) for slug, filters in assets.filters.items() for one in filters]
    for name, title in titles:
        vietnamese, found, english = title.partition(" / ")
        if not VIETNAMESE & set(vietnamese.lower()) and not vietnamese.startswith(("VN_AQI", "PM")):
            yield f"{name}: expected a Vietnamese title, got {title!r}"
        elif not found or not english:
            yield f"{name}: expected `Vietnamese / English`, got {title!r}; add the English half"
    for mart in assets.marts.values():
        for column in mart.columns.values():
            if " / " not in column.description:
                yield f"{mart.domain}.{mart.name}.{column.name}: expected `Vietnamese / English`, got {column.description!r}"


def _notes(assets: Assets) -> Iterator[str]:
    """Find texts without an English half, and notes that a number's box shows only in letters too small to read."""
    charts = assets.files["charts"]
    texts = [(f"dashboards/{slug}", page.get("description")) for slug, page in assets.files["dashboards"].items()]
    texts += [(f"charts/{slug}", chart.get("description")) for slug, chart in charts.items()]
    texts += [(f"charts/{slug}", _params(chart).get("subtitle")) for slug, chart in charts.items()]
    for name, text in texts:
        if text and " / " not in str(text):
            yield f"{name}: expected `Vietnamese / English`, got {text!r}; add the English half"
    for dashboard in assets.files["dashboards"].values():
        for item in (item for row in as_trees(dashboard["rows"]) for item in as_trees(row["items"])):
            slug, most = str(item["chart"]), NOTE_CHARACTERS * int(str(item["width"]))
            note = str(_params(charts.get(slug, {"params": {}})).get("subtitle", ""))
            if too_long := next((text for text in note.split(" / ") if len(text) > most), None):
                yield (
                    f"charts/{slug}: expected a note of at most {most} characters in a box this wide, got {len(too_long)}: {too_long!r}; "
                    "shorten it and put the rest into `description`"
                )


def _pages(checkout: Checkout, assets: Assets) -> Iterator[str]:
    for slug, dashboard in assets.files["dashboards"].items():
        charts = [assets.files["charts"][name] for name in charts_of(dashboard) if name in assets.files["charts"]]
        domains = {domain.id for domain in checkout.domains if slug in domain.dashboards}
        has_shapes = any(set(DRAWN) <= set(mart.columns) for mart in checkout.marts.values() if mart.domain in domains)
        if has_shapes and VIZ_TYPE not in {chart["viz_type"] for chart in charts}:
            yield f"dashboards/{slug}: expected a map, since marts of {', '.join(domains)} have shapes, got none"
        for number, row in enumerate(as_trees(dashboard["rows"])):
            widths = [int(str(item["width"])) for item in as_trees(row["items"])]
            if sum(widths) != GRID_COLUMNS or min(widths) < 1:
                yield f"dashboards/{slug}: expected row {number + 1} {GRID_COLUMNS} columns wide, badges counted, got {widths}"


def _queries(assets: Assets) -> Iterator[str]:
    with duckdb.connect() as connection:
        define_clock(connection, Settings(now=None))
        for mart in assets.marts.values():
            _create(connection, mart)
        for slug, dataset in assets.files["datasets"].items():
            if described := assets.marts.get(str(dataset["mart"])):
                yield from _try_dataset(connection, slug, dataset, described)
    for slug, chart in assets.files["charts"].items():
        dataset = assets.files["datasets"].get(str(chart["dataset"]), {})
        if described := assets.marts.get(str(dataset.get("mart"))):
            yield from _try_chart(slug, chart, dataset, described)


def _create(connection: duckdb.DuckDBPyConnection, mart: Mart) -> None:
    columns = ", ".join(f'"{column.name}" {column.data_type}' for column in mart.columns.values())
    connection.execute(f'create schema if not exists "{mart.domain}"')
    connection.execute(f'create table "{mart.domain}"."{mart.name}" ({columns})')


def _try_dataset(connection: duckdb.DuckDBPyConnection, slug: str, dataset: Tree, mart: Mart) -> Iterator[str]:
    if dataset.get("time_column") not in (None, *mart.columns):
        yield f"datasets/{slug}: expected a time column of {mart.name}, got {dataset.get('time_column')}; correct `time`"
    names = [str(entry["name"]) for entry in _entries(dataset)]
    for name in sorted({name for name in names if names.count(name) > 1 or name in mart.columns}):
        yield f"datasets/{slug}: expected a unique name, got {name} for two things; rename one"
    for entry in _entries(dataset):
        for expression in (entry[key] for key in ("expression", "expression_en") if key in entry):
            try:
                connection.execute(f'select {expression} from "{mart.domain}"."{mart.name}"')  # noqa: S608  our own files
            except duckdb.Error as error:
                yield f"datasets/{slug}/{entry['name']}: {str(error).splitlines()[0]}"


def _try_chart(slug: str, chart: Tree, dataset: Tree, mart: Mart) -> Iterator[str]:
    columns = {*mart.columns, *(str(entry["name"]) for entry in as_trees(dataset.get("columns", [])))}
    metrics = {str(entry["name"]) for entry in as_trees(dataset["metrics"])}
    params = _params(chart)
    query = query_of({**params, "row_limit": 1, "adhoc_filters": []})
    used = {
        str(column["sqlExpression"]) if isinstance(column, dict) else str(column)
        for column in as_list(query["columns"])
    }
    used |= {str(entry["column"]) for entry in as_trees(chart.get("filters", []))}
    used_metrics = {str(metric) for metric in as_list(query.get("metrics"))}
    if not used_metrics and not params.get("all_columns"):
        yield f"charts/{slug}: expected a metric or columns, got neither"
    formatted = {str(entry["column"]) for entry in as_trees(params.get("conditional_formatting", []))}
    formatted |= {
        *as_tree(params.get("column_config", {})),
        str(params.get("x_axis_sort", next(iter(used_metrics), ""))),
    } - {""}
    ordered = {str(as_list(entry)[0]) for entry in as_list(query["orderby"])}
    for name in sorted(used - columns):
        yield f"charts/{slug}: expected a column of {mart.domain}.{mart.name}, got {name}"
    for name in sorted(used_metrics - metrics):
        yield f"charts/{slug}: expected a metric of {chart['dataset']}, got {name}; define it under `marts`"
    sortable = used | used_metrics | (columns if params.get("all_columns") else set())
    for name in sorted((formatted - used - used_metrics) | (ordered - sortable)):
        yield f"charts/{slug}: expected to colour, format and sort by columns that are shown, got {name}; add it to the chart"


def charts_of(dashboard: Tree) -> list[str]:
    """Return the slugs of the charts on a dashboard, in reading order."""
    return [
        str(item["chart"]) for row in as_trees(dashboard["rows"]) for item in as_trees(row["items"]) if "chart" in item
    ]


def _entries(dataset: Tree) -> list[Tree]:
    return [*as_trees(dataset.get("columns", [])), *as_trees(dataset["metrics"])]


def _params(chart: Tree) -> Tree:
    return as_tree(chart["params"])


def _keys(value: Json) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _keys(inner)


def main(project: Path) -> int:
    """Print the findings, or how many assets were checked; return the exit code."""
    checkout = read_checkout(project)
    faults = list(find_faults(checkout))
    for fault in faults:
        print(fault, file=sys.stderr)
    if not faults:
        files = work_out(checkout).files
        print(", ".join(f"{len(files[kind])} {kind}" for kind in KINDS[1:]) + ": every link holds")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else PROJECT))
