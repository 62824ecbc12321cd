"""The filters of a page: by period, and by the columns that its marts share.

A dashboard file lists them under `filters`, in the order in which they are shown:

    - period: [dien-bien, muc-nuoc]     a range of time, on these charts and no others
    - commune_name                      a column, on every chart whose mart has it
    - {column: place_name, title: Xã, except: [so-ca], where: {place_level: commune}}

A period changes what most numbers mean (the newest hour, the open cases), so its charts are named one by one. A column keeps the meaning of
a number and narrows its rows; charts where it would not are named in `except`, and take no cross-filters either. The values to choose from
are those of the first chart's mart, or of `mart`, in the rows of `where`. Badges are never filtered: the age and the trust of a page are
those of its whole data. Neither are maps: what fits their points would take their areas away.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from asset_files import Json, Tree, as_list, as_tree

PERIOD = "period"
PERIOD_TITLE = "Kỳ / Period"
FILTER_KEYS = frozenset({"column", "title", "except", "mart", "where"})


@dataclass(frozen=True)
class ShownChart:
    """A chart of a page as a filter sees it: its slug in the file and in Superset, its dataset and the columns that this has."""

    name: str
    slug: str
    dataset: str
    columns: Mapping[str, str]
    """Labels by column."""
    time_column: str | None


@dataclass(frozen=True)
class Filter:
    """A complete filter. Without a column it is a period, which each chart applies to its own time column."""

    title: str
    charts: tuple[str, ...]
    column: str | None = None
    dataset: str | None = None
    where: Tree = field(default_factory=dict)
    excepted: tuple[str, ...] = ()


def filters_of(said: Json, charts: list[ShownChart]) -> list[Filter]:
    """Return the filters that a page's file lists; raise ValueError for the first that its charts cannot have."""
    found = [_filter(entry, charts) for entry in as_list(said)]
    names = [one.column or PERIOD for one in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"filters: expected each column once, got {', '.join(twice)} twice; remove one")
    return found


def _filter(entry: Json, charts: list[ShownChart]) -> Filter:
    if isinstance(entry, str):
        return _of_column({"column": entry}, charts)
    entry = as_tree(entry)
    if PERIOD not in entry:
        return _of_column(entry, charts)
    chosen = [*_named(PERIOD, entry[PERIOD], charts)]
    if set(entry) != {PERIOD} or not chosen:
        raise ValueError(f"filter {PERIOD}: expected a list of charts and nothing else, got {entry}; name at least one")
    if timeless := sorted(chart.name for chart in chosen if chart.time_column is None):
        raise ValueError(
            f"filter {PERIOD}: expected charts of marts with a time, got {', '.join(timeless)}; remove them"
        )
    return Filter(PERIOD_TITLE, tuple(chart.slug for chart in chosen))


def _of_column(entry: Tree, charts: list[ShownChart]) -> Filter:
    name = str(entry.get("column"))
    if unknown := sorted(set(entry) - FILTER_KEYS):
        raise ValueError(
            f"filter {name}: expected {', '.join(sorted(FILTER_KEYS))}, got {', '.join(unknown)}; remove it"
        )
    having = [chart for chart in charts if name in chart.columns]
    excepted = {chart.name for chart in _named(name, entry.get("except", []), charts)}
    if useless := sorted(excepted - {chart.name for chart in having}):
        raise ValueError(
            f"filter {name}: expected exceptions among charts that have the column, got {', '.join(useless)}; remove them"
        )
    scope = [chart for chart in having if chart.name not in excepted]
    if not scope:
        raise ValueError(f"filter {name}: expected a chart whose mart has this column, got none; correct the name")
    source = next((chart for chart in having if chart.dataset == entry.get("mart", scope[0].dataset)), None)
    if source is None:
        raise ValueError(
            f"filter {name}: expected values from a mart of the page that has the column, got {entry['mart']}; correct `mart`"
        )
    where = as_tree(entry.get("where", {}))
    if unknown := sorted(set(where) - set(source.columns)):
        raise ValueError(
            f"filter {name}: expected `where` to name columns of {source.dataset}, got {', '.join(unknown)}; correct them"
        )
    title = str(entry.get("title", source.columns[name]))
    slugs = tuple(chart.slug for chart in scope)
    return Filter(title, slugs, name, source.dataset, where, tuple(c.slug for c in having if c.name in excepted))


def _named(name: str, said: Json, charts: list[ShownChart]) -> Iterator[ShownChart]:
    known = {chart.name: chart for chart in charts}
    for chart in map(str, as_list(said)):
        if chart not in known:
            raise ValueError(f"filter {name}: expected the slug of a chart of the page, got {chart}; correct it")
        yield known[chart]
