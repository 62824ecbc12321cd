"""Check the dashboards from files alone: dashboard → chart → dataset → mart → column, and what a leader must find on each page.

Run with the project's Python: `python superset/check_assets.py [CHECKOUT]`. Every metric and every chart's columns are tried on empty
tables shaped like the marts, so that a renamed column or a wrong type is found without a service. Prints one line a finding, exits 1
where there is one; where there is none, prints how many things it looked at.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import yaml
from asset_files import DATABASE, KINDS, Assets, Json, Mart, Tree, as_list, as_tree, as_trees, read_assets, uuid_of
from bundle import make_bundle, query_of

from core.settings import PROJECT, Settings
from lake.serving import define_clock

DASHBOARDS = {
    "moi-truong",
    "phan-anh",
    "tau-ca",
    "kham-chua-benh",
    "dung-du-sach-song",
    "dich-benh",
    "giao-duc",
    "dich-vu-cong",
}
LEAST = {"databases": 1, "datasets": 10, "charts": 45, "dashboards": len(DASHBOARDS)}
FORBIDDEN_IN_CHARTS = {"adhoc_filters", "sqlExpression", "datasource", "where", "having", "extras"}
MAP, BIG_NUMBER = "bubble_v2", "big_number_total"
WITHOUT_MAP = {"dung-du-sach-song"}
VIETNAMESE = frozenset("àáảãạăằắẳẵặâầấẩẫậèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵđ")
KEYS = {
    "databases": {"expose_in_sqllab", "cache_timeout"},
    "datasets": {"mart", "time_column", "columns", "metrics"},
    "charts": {"title", "description", "dataset", "lists_findings", "viz_type", "filters", "params"},
    "dashboards": {"title", "description", "colours", "rows", "css"},
}


def find_faults(assets: Assets) -> Iterator[str]:
    """Give what is wrong, one line each; nothing where all is well."""
    for kind in KINDS:
        count = len(assets.files[kind])
        if count < LEAST[kind]:
            yield f"{kind}: at least {LEAST[kind]} were promised, {count} are there"
        for slug, content in assets.files[kind].items():
            if unknown := sorted(set(content) - KEYS[kind]):
                yield f"{kind}/{slug}: ids, owners, times and unknown keys have no place here: {', '.join(unknown)}"
    yield from _links(assets)
    yield from _titles(assets)
    yield from _pages(assets)
    yield from _queries(assets)
    yield from _uuids(assets)


def _links(assets: Assets) -> Iterator[str]:
    for slug, dataset in assets.files["datasets"].items():
        if dataset["mart"] not in assets.marts:
            yield f"datasets/{slug}: a mart was promised, dbt describes no {dataset['mart']}"
    for slug, chart in assets.files["charts"].items():
        if chart["dataset"] not in assets.files["datasets"]:
            yield f"charts/{slug}: a dataset was promised, there is no {chart['dataset']}"
        if found := sorted(FORBIDDEN_IN_CHARTS & set(_keys(chart))):
            yield f"charts/{slug}: SQL and raw filters belong to the dataset, found {', '.join(found)}"
    placed = [slug for dashboard in assets.files["dashboards"].values() for slug in charts_of(dashboard)]
    for slug in sorted(set(placed) - set(assets.files["charts"])):
        yield f"dashboards: a chart was promised, there is no {slug}"
    for slug in sorted(set(assets.files["charts"]) - set(placed)):
        yield f"charts/{slug}: a place on a dashboard was promised, no dashboard shows it"
    for slug in sorted(
        set(assets.files["datasets"]) - {str(chart["dataset"]) for chart in assets.files["charts"].values()}
    ):
        yield f"datasets/{slug}: a use was promised, no chart reads it"


def _titles(assets: Assets) -> Iterator[str]:
    titles = [
        (f"{kind}/{slug}", str(content["title"])) for kind in KINDS[2:] for slug, content in assets.files[kind].items()
    ]
    for slug, dataset in assets.files["datasets"].items():
        titles += [(f"datasets/{slug}/{entry['name']}", str(entry["label"])) for entry in _entries(dataset)]
    for name, title in titles:
        if not VIETNAMESE & set(title.lower()) and not title.startswith(("VN_AQI", "PM")):
            yield f"{name}: a Vietnamese title was promised, {title!r} came"
    for mart in assets.marts.values():
        for column in mart.columns.values():
            if " / " not in column.description:
                yield f"{mart.domain}.{mart.name}.{column.name}: `Vietnamese / English` was promised, {column.description!r} came"


def _pages(assets: Assets) -> Iterator[str]:
    if missing := sorted(DASHBOARDS - set(assets.files["dashboards"])):
        yield f"dashboards: {', '.join(missing)} promised, not there"
    for slug, dashboard in assets.files["dashboards"].items():
        charts = [assets.files["charts"][name] for name in charts_of(dashboard) if name in assets.files["charts"]]
        metrics = {str(_params(chart).get("metric")) for chart in charts if chart["viz_type"] == BIG_NUMBER}
        if not any(metric.startswith("newest_") for metric in metrics) or not any(
            metric.startswith("age_") for metric in metrics
        ):
            yield f"dashboards/{slug}: an age badge (newest event and its age) was promised, none is there"
        if not any(metric.startswith("score_") for metric in metrics):
            yield f"dashboards/{slug}: a trust badge was promised, no big number shows a score"
        if slug not in WITHOUT_MAP and MAP not in {chart["viz_type"] for chart in charts}:
            yield f"dashboards/{slug}: a map was promised, none is there"
        for number, row in enumerate(as_trees(dashboard["rows"])):
            width = sum(int(str(item["width"])) for item in as_trees(row["items"]))
            if width != 12:
                yield f"dashboards/{slug}: row {number + 1} was promised 12 columns wide, it is {width}"


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
    if dataset.get("time_column") not in mart.columns:
        yield f"datasets/{slug}: a time column of {mart.name} was promised, {dataset.get('time_column')} came"
    names = [str(entry["name"]) for entry in _entries(dataset)]
    for name in sorted({name for name in names if names.count(name) > 1 or name in mart.columns}):
        yield f"datasets/{slug}: a name of its own was promised, {name} stands for two things"
    for entry in _entries(dataset):
        try:
            connection.execute(f'select {entry["expression"]} from "{mart.domain}"."{mart.name}"')  # noqa: S608  our own files
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
    used_metrics = {str(metric) for metric in as_list(query["metrics"])}
    if not used_metrics and not params.get("all_columns"):
        yield f"charts/{slug}: a metric or columns were promised, there is neither"
    formatted = {str(entry["column"]) for entry in as_trees(params.get("conditional_formatting", []))}
    formatted |= {
        *as_tree(params.get("column_config", {})),
        str(params.get("x_axis_sort", next(iter(used_metrics), ""))),
    } - {""}
    ordered = {str(as_list(entry)[0]) for entry in as_list(query["orderby"])}
    for name in sorted(used - columns):
        yield f"charts/{slug}: a column of {mart.domain}.{mart.name} was promised, there is no {name}"
    for name in sorted(used_metrics - metrics):
        yield f"charts/{slug}: a metric of dataset {chart['dataset']} was promised, there is no {name}"
    for name in sorted((formatted | ordered) - used - used_metrics):
        yield f"charts/{slug}: {name} is coloured, formatted or sorted by, and not shown"


def _uuids(assets: Assets) -> Iterator[str]:
    try:
        bundle = make_bundle(assets)
    except KeyError:
        return  # a missing link, named above
    for name, text in bundle.items():
        kind, _, slug = name.removesuffix(".yaml").removeprefix(f"datasets/{DATABASE}/").rpartition("/")
        if kind in KINDS[:1] + KINDS[2:] or name.startswith("datasets/"):
            expected = str(uuid_of(kind or "datasets", slug))
            if (found := yaml.safe_load(text)["uuid"]) != expected:
                yield f"{name}: uuid5 of the slug, {expected}, was promised, {found} came"


def charts_of(dashboard: Tree) -> list[str]:
    """Give the slugs of the charts on a dashboard, in reading order."""
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
    """Print the findings, or what was looked at; give the exit code."""
    assets = read_assets(project)
    faults = list(find_faults(assets))
    for fault in faults:
        print(fault, file=sys.stderr)
    if not faults:
        print(
            ", ".join(f"{len(assets.files[kind])} {kind}" for kind in KINDS),
            f"on {len(assets.marts)} marts: every link holds",
        )
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else PROJECT))
