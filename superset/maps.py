"""The kind `map`: communes as polygons coloured by a figure, and points on top, drawn by deck.gl on white, without tiles or keys.

    - {title: Bản đồ phản ánh, kind: map, mart: feedback_on_map, beside: [received_cases, due_cases],
       areas: {figure: on_time_of_due_percent, levels: {green: ≥ 95, yellow: 85 ≤ x < 95, red: < 85}},
       points: {figure: overdue_age_label, levels: {yellow: Dưới 1 ngày, red: Từ 7 ngày}}}

The mart is one that a map draws (macros/map_shapes.sql). `areas` and `points` each name a column and its levels, a condition or a text
by colour; without `areas` only the borders of the communes are drawn, without `points` only communes. Whatever has no level is grey. A
pointer on a shape shows its name, its figure and the columns of `beside`.

The polygon chart of Superset colours by a number, takes what is not known for 0, and writes numbers alone into its legend. So a map has a
metric, the number of the level (0: not known), a text of its figure, and a legend of ours under it. It is one chart, since Superset's
chart of several layers has no legend, needs a permission that leaders lack, and is not drawn anew when a page is refreshed.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from asset_files import TIMESTAMP, Column, Json, Tree, as_list, as_tree
from chart_kinds import CONDITION

from core.local_time import ZONE

VIZ_TYPE = "deck_polygon"
KEYS = frozenset({"areas", "points", "beside"})
DRAWN = ("place_level", "place_name", "shape", "area_km2")
"""Columns of a mart that a map draws."""

COLOURS = {
    "green": "#2a9d6f",
    "yellow": "#f2c230",
    "orange": "#ee7b23",
    "red": "#c8443a",
    "purple": "#8f3f97",
    "brown": "#7e0023",
    "blue": "#1f6fb2",
    "grey": "#8a949e",
    "black": "#3b444c",
    "blue_1": "#dbe9f6",
    "blue_2": "#a6cbe6",
    "blue_3": "#5fa0d0",
    "blue_4": "#2b79bd",
}
"""Of levels; the numbered blues are for quantities, the palest first."""

UNKNOWN, NO_FIGURE, BORDER = "#c9ced4", "#f4f6f8", "#3f4850"
UNKNOWN_TEXT, UNKNOWN_LEGEND = "Chưa có số liệu", "Chưa có số liệu / No figures"
FIRST_POINT_LEVEL = 100
OPERATORS = {"≤": "<=", "≥": ">=", "≠": "<>"}
WORDS = {
    "vi": {"=": "{}", "≠": "khác {}", "<": "dưới {}", "≤": "đến {}", ">": "trên {}", "≥": "từ {}"},
    "en": {"=": "{}", "≠": "not {}", "<": "below {}", "≤": "up to {}", ">": "above {}", "≥": "from {}"},
}
FROM_WORDS = {"vi": {"<": "trên", "≤": "từ"}, "en": {"<": "above", "≤": "from"}}
TO_WORDS = {"vi": {"<": "đến dưới", "≤": "đến"}, "en": {"<": "to below", "≤": "to"}}
MOST_SHAPES = 10_000


@dataclass(frozen=True)
class Entry:
    """A line of a legend: its mark and colour, both empty for a heading, and its text."""

    mark: str
    colour: str
    text: str


@dataclass(frozen=True)
class _Figure:
    """The figure by which areas or points are coloured: its label, its SQL, its text in SQL, and its levels as colour and condition."""

    label: str
    expression: str
    text: str
    levels: tuple[tuple[str, str], ...]

    def level(self, first: int) -> str:
        """Return SQL for the number of a row's level, the unknown one being `first`."""
        cases = [
            f"when {self.condition(text)} then {first + number}" for number, (_, text) in enumerate(self.levels, 1)
        ]
        return f"case {' '.join(cases)} else {first} end"

    def condition(self, text: str) -> str:
        found = CONDITION.fullmatch(text)
        if found is None:
            return f"{self.expression} = '{text.replace(chr(39), chr(39) * 2)}'"
        low, after_low, before_high, high, operator, value = found.groups()
        if operator:
            return f"{self.expression} {OPERATORS.get(operator, operator)} {value}"
        after, before = (OPERATORS.get(sign, sign) for sign in (after_low, before_high))
        return f"{low} {after} {self.expression} and {self.expression} {before} {high}"

    def legend(self, mark: str) -> Iterator[Entry]:
        yield Entry("", "", self.label)
        for colour, text in self.levels:
            yield Entry(mark, COLOURS[colour], _in_words(text))
        yield Entry(mark, UNKNOWN, UNKNOWN_LEGEND)


@dataclass(frozen=True)
class PlaceMap:
    """A map of a dashboard file: what of it becomes a chart's params, and what its dataset must hold for it."""

    name: str
    figures: Mapping[str, tuple[int, _Figure]]
    """Of areas and points: the number of its unknown level, and the figure."""
    told: tuple[tuple[str, str, str], ...]
    """What a pointer shows: the name of a column, its label, and its SQL; none for a column of the mart itself."""

    @property
    def where(self) -> Tree:
        """The filter of a map without points, as its mart may have some."""
        return {} if "points" in self.figures else {"place_level": "commune"}

    def params(self) -> Tree:
        """Return the params of the chart."""
        colours = [(-1, NO_FIGURE)]
        for first, figure in self.figures.values():
            colours += [
                (first, UNKNOWN),
                *((first + n, COLOURS[colour]) for n, (colour, _) in enumerate(figure.levels, 1)),
            ]
        breakpoints: list[Json] = [
            {"minValue": level, "maxValue": level, "color": _rgba(colour)} for level, colour in colours
        ]
        contents: list[Json] = [
            {"item_type": "column", "column_name": name, "verbose_name": label} for name, label, _ in self.told
        ]
        return {
            "line_column": "shape",
            "line_type": "json",
            "metric": f"{self.name}_level",
            "color_scheme_type": "color_breakpoints",
            "color_breakpoints": breakpoints,
            "default_breakpoint_color": _rgba(UNKNOWN),
            "legend_position": None,
            "tooltip_contents": contents,
            "filter_nulls": False,
            "filled": True,
            "stroked": True,
            "extruded": False,
            "fill_color_picker": _rgba(UNKNOWN),
            "stroke_color_picker": _rgba(BORDER),
            "line_width": 1,
            "line_width_unit": "pixels",
            "opacity": 100,
            "autozoom": True,
            "viewport": {"longitude": 107, "latitude": 16, "zoom": 7, "bearing": 0, "pitch": 0},
            "mapbox_style": "",
            "js_columns": ["area_km2"],
            "order_by_cols": ['["area_km2", false]'],
            "row_limit": MOST_SHAPES,
            "table_filter": True,  # a click would filter the other charts by the text of a ring, which none of them has
        }

    def metric(self) -> Tree:
        """Return the metric that the map colours by: the number of a shape's level."""
        levels = {kind: figure.level(first) for kind, (first, figure) in self.figures.items()}
        of_areas, of_points = levels.get("areas", "-1"), levels.get("points", "-1")
        level = f"case when place_level = 'commune' then {of_areas} else {of_points} end"
        return {
            "name": f"{self.name}_level",
            "label": "Mức trên bản đồ / Level on the map",
            "expression": f"max({level})",
            "format": ",d",
        }

    def columns(self) -> list[Tree]:
        """Return the columns that a pointer shows, as texts: the chart's own tooltip leaves out zeros."""
        return [{"name": name, "label": label, "expression": sql} for name, label, sql in self.told if sql]

    def legend(self) -> list[Entry]:
        """Return the lines of the legend; points that are coloured like the areas have none of their own."""
        distinct = {figure: kind for kind, (_, figure) in reversed([*self.figures.items()])}
        marks = {"areas": "■", "points": "●"}
        return [
            entry
            for kind, (_, figure) in self.figures.items()
            if distinct[figure] == kind
            for entry in figure.legend(marks[kind])
        ]


def read_map(slug: str, chart: Tree, mart: str, columns: Mapping[str, Column], derived: Tree) -> PlaceMap:
    """Read a map from a dashboard file; `derived` are the mart's columns of its page. Raises ValueError if it contradicts the mart."""
    if missing := [name for name in DRAWN if name not in columns]:
        raise ValueError(f"expected a mart that a map draws, got {mart} without {', '.join(missing)}")
    name = slug.replace("-", "_")
    figures: dict[str, tuple[int, _Figure]] = {}
    told = [("place_name", columns["place_name"].label, "")]
    for kind, first, rows in (("areas", 0, "= 'commune'"), ("points", FIRST_POINT_LEVEL, "<> 'commune'")):
        if kind in chart:
            said = as_tree(chart[kind])
            levels = tuple((colour, str(text)) for colour, text in as_tree(said["levels"]).items())
            if unknown := sorted({colour for colour, _ in levels} - set(COLOURS)):
                raise ValueError(f"expected colours of {', '.join(COLOURS)}, got {', '.join(unknown)}")
            figure = _Figure(*_column(str(said["figure"]), columns, derived), levels)
            figures[kind] = (first, figure)
            shown = f"case when place_level {rows} then coalesce({figure.text}, '{UNKNOWN_TEXT}') end"
            told.append((f"{name}_{kind}", figure.label, shown))
    if not figures:
        raise ValueError("expected areas or points, got neither; name a figure and its levels")
    for beside in map(str, as_list(chart.get("beside", []))):
        label, _, text = _column(beside, columns, derived)
        told.append((f"{beside}_on_map", label, text))
    return PlaceMap(name, figures, tuple(told))


def _column(name: str, columns: Mapping[str, Column], derived: Tree) -> tuple[str, str, str]:
    """Return the label of a column, its SQL, and SQL for its text in Vietnamese; a derived column is a text or a whole number."""
    if name in derived:
        said = as_tree(derived[name])
        return str(said["label"]), f"({said['sql']})", f"cast({said['sql']} as varchar)"
    if name not in columns:
        raise ValueError(f"expected a column of the mart, got {name}; correct the name")
    column = columns[name]
    if column.data_type == "double":
        return column.label, name, f"translate(format('{{:,.1f}}', {name}), ',.', '.,')"
    if column.data_type in {"bigint", "integer"}:
        return column.label, name, f"translate(format('{{:,}}', {name}), ',', '.')"
    if column.data_type == TIMESTAMP:
        return column.label, name, f"strftime(timezone('{ZONE}', {name}), '%H:%M %d/%m/%Y')"
    if column.data_type == "date":
        return column.label, name, f"strftime({name}, '%d/%m/%Y')"
    return column.label, name, name


def _in_words(text: str) -> str:
    """Return a condition in words, `Vietnamese / English`; any other text is a value, the same in both."""
    found = CONDITION.fullmatch(text)
    if found is None:
        return text
    return " / ".join(_in_words_of(language, found) for language in WORDS)


def _in_words_of(language: str, found: re.Match[str]) -> str:
    decimal = "," if language == "vi" else "."
    low, after_low, before_high, high, operator, value = (
        part and part.replace(".", decimal) for part in found.groups()
    )
    if operator:
        return WORDS[language][operator].format(value)
    return f"{FROM_WORDS[language][after_low]} {low} {TO_WORDS[language][before_high]} {high}"


def _rgba(colour: str) -> Json:
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return {"r": red, "g": green, "b": blue, "a": 1}
