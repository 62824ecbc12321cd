"""The figures of charts that are drawn as pictures, as small tables of text: what stands in a picture can be neither searched nor copied.

They are read from the answers that the page itself got from Superset, so that picture and table cannot differ.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any  # Superset's answers

TEMPORAL = 2
"""Superset's number of the type of times (`GenericDataType`)."""
SHARE = "__contribution"
"""The end of the name under which Superset adds the shares of a pie."""
ROWS, COLUMNS = 40, 12
"""How many rows and columns of a chart are printed."""
HOUR, DAY = "%H:%M %d/%m/%Y", "%d/%m/%Y"
DAY_MILLISECONDS = 24 * 3_600_000
DECIMAL_COMMA = str.maketrans(",.", ".,")


@dataclass(frozen=True)
class Figures:
    """The figures of a chart as texts; `cut` says in Vietnamese what was left off, and is empty if nothing was."""

    title: str
    description: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    cut: str


def figures_of(
    title: str,
    description: str,
    answer: Mapping[str, Any],
    labels: Mapping[str, str],
    told: Sequence[str] = (),
) -> Figures:
    """Return the figures of a chart from the result of its query, under the labels of its columns.

    A chart over time keeps its newest rows, any other its first ones. Of a map only the columns are printed that it tells of a shape
    (`told`), and a place once, however many shapes it has.
    """
    kinds = dict(zip(answer["colnames"], answer["coltypes"], strict=True))
    names = [*told] or [name for name in kinds if not name.endswith(SHARE)]
    times = {name for name in names if kinds[name] == TEMPORAL}
    formats = {name: _time_format(row[name] for row in answer["data"]) for name in times}
    texts = [tuple(text_of(row[name], formats.get(name)) for name in names) for row in answer["data"]]
    rows = [*dict.fromkeys(texts)] if told else texts
    is_over_time = bool(names) and names[0] in times
    kept = rows[-ROWS:] if is_over_time else rows[:ROWS]
    return Figures(
        title,
        description,
        tuple(labels.get(name, name) for name in names[:COLUMNS]),
        tuple(row[:COLUMNS] for row in kept),
        _cut(len(rows), len(kept), len(names), min(len(names), COLUMNS), is_over_time=is_over_time),
    )


def text_of(value: object, time_format: str | None = None) -> str:
    """Write a value as Vietnamese readers expect it: 1.234,5; with a format, as a time; an unknown one is a dash."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "có" if value else "không"
    if isinstance(value, int | float):
        if time_format:  # Superset writes a local time as if it were UTC
            return datetime.fromtimestamp(value / 1000, UTC).strftime(time_format)
        return f"{round(Decimal(repr(value)), 2).normalize():,f}".translate(DECIMAL_COMMA)
    return str(value)


def _time_format(values: Iterable[object]) -> str:
    """Return the format of a column of times: of days if each begins one."""
    known = [value for value in values if isinstance(value, int | float)]
    return DAY if all(value % DAY_MILLISECONDS == 0 for value in known) else HOUR


def _cut(rows: int, kept: int, columns: int, shown: int, *, is_over_time: bool) -> str:
    parts = []
    if kept < rows:
        parts.append(f"{kept} dòng {'mới nhất' if is_over_time else 'đầu'} trong {rows}")
    if shown < columns:
        parts.append(f"{shown} cột đầu trong {columns}")
    return f"Chỉ in {' và '.join(parts)}; xem đủ trên trang." if parts else ""
