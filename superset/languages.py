"""The pages in Vietnamese and in English, from one source.

Superset translates its own words, never a title or a label. So every text of ours is written `Vietnamese / English`, the assets are derived
once with both halves, and each language gets charts and pages of its own. The English ones have slugs that begin with `en-`, and read their
marts through datasets of their own, because labels belong to datasets. Values in the marts (states, names, reasons) stay as they are,
unless a column of a dashboard file has `sql_en` beside its `sql`.
"""

from collections.abc import Mapping
from dataclasses import replace

from asset_files import Json, Mart, Tree, as_list, as_tree, as_trees, slug_in
from page_filters import Filter
from pages import GRID_COLUMNS, Assets

from core.text import half

VIETNAMESE, ENGLISH = "vi", "en"
LANGUAGES = (ENGLISH, VIETNAMESE)
"""In the order of import: Superset lists first what was changed last."""
SQL = frozenset({"expression", "expression_en", "css"})
"""Keys whose values are not words."""
HEIGHT_OF_LEAD, HEIGHT_OF_NARROW_LEAD = 7, 10
WORDS: Mapping[str, Mapping[str, str]] = {
    "sources": {VIETNAMESE: "Nguồn", ENGLISH: "Sources"},
    "until": {
        VIETNAMESE: "Số liệu đến thời điểm ghi ở ô đầu tiên.",
        ENGLISH: "Figures are as of the time in the first box.",
    },
    "twin": {VIETNAMESE: "English", ENGLISH: "Tiếng Việt"},
}


def in_language(assets: Assets, language: str) -> Assets:
    """Return the assets in one language; those in English have other slugs, and only the datasets that pages show."""
    files = {
        kind: {slug: as_tree(_in(language, content)) for slug, content in of_kind.items()}
        for kind, of_kind in assets.files.items()
    }
    twin = next(one for one in LANGUAGES if one != language)
    for slug, page in files["dashboards"].items():
        page["rows"] = [_lead(language, page, slug_in(twin, slug)), *as_list(page["rows"])]
    filters = {
        slug: [replace(one, title=half(one.title, language)) for one in found] for slug, found in assets.filters.items()
    }
    marts = {name: _mart_in(language, mart) for name, mart in assets.marts.items()}
    if language == VIETNAMESE:
        return replace(assets, marts=marts, files=files, filters=filters)
    return _renamed(replace(assets, marts=marts, files=files, filters=filters))


def _english(slug: str) -> str:
    return slug_in(ENGLISH, slug)


def _in(language: str, value: Json) -> Json:
    if isinstance(value, str):
        return half(value, language)
    if isinstance(value, list):
        return [_in(language, entry) for entry in value]
    if isinstance(value, dict):
        return {half(key, language): entry if key in SQL else _in(language, entry) for key, entry in value.items()}
    return value


def _mart_in(language: str, mart: Mart) -> Mart:
    columns = {
        name: replace(column, label=half(column.label, language), description=half(column.description, language))
        for name, column in mart.columns.items()
    }
    return replace(mart, description=half(mart.description, language), columns=columns)


def _lead(language: str, page: Tree, twin: str) -> Tree:
    """Return the first row of a page: what it shows, from whom, until when, and the way to the same page in the other language."""
    owners = "; ".join(map(str, as_list(page["owners"])))
    told = f" **{WORDS['sources'][language]}:** {owners}. {WORDS['until'][language]}" if owners else ""
    text = f"{page['description']}{told} [{WORDS['twin'][language]}](/superset/dashboard/{twin}/)"
    height = HEIGHT_OF_NARROW_LEAD if page.get("is_narrow") else HEIGHT_OF_LEAD
    return {"height": height, "items": [{"text": text, "width": GRID_COLUMNS}]}


def _renamed(assets: Assets) -> Assets:
    """Give charts, pages and datasets the slugs of the English ones; leave out datasets that no page shows."""
    charts, pages = assets.files["charts"], assets.files["dashboards"]
    shown = {str(chart["dataset"]) for chart in charts.values()}
    files: dict[str, Mapping[str, Tree]] = {
        "databases": {},
        "datasets": {
            _english(slug): {
                **content,
                "is_copy": True,
                "columns": [*map(_column_renamed, as_trees(content["columns"]))],
            }
            for slug, content in assets.files["datasets"].items()
            if slug in shown
        },
        "charts": {
            _english(slug): {**chart, "dataset": _english(str(chart["dataset"]))} for slug, chart in charts.items()
        },
        "dashboards": {
            _english(slug): {**page, "rows": [*map(_row_renamed, as_trees(page["rows"]))]}
            for slug, page in pages.items()
        },
    }
    filters = {_english(slug): [*map(_filter_renamed, found)] for slug, found in assets.filters.items()}
    return replace(assets, files=files, filters=filters)


def _column_renamed(column: Tree) -> Tree:
    """Return a column of a dashboard file with its own SQL for English, if it has one."""
    return {**column, "expression": column.get("expression_en", column["expression"])}


def _row_renamed(row: Tree) -> Tree:
    items = [
        {**item, "chart": _english(str(item["chart"]))} if "chart" in item else item for item in as_trees(row["items"])
    ]
    return {**row, "items": [*items]}


def _filter_renamed(said: Filter) -> Filter:
    return replace(
        said,
        dataset=said.dataset and _english(said.dataset),
        charts=tuple(map(_english, said.charts)),
        excepted=tuple(map(_english, said.excepted)),
    )
