"""What the marts of rain must show, worked out hour by hour from the readings that came out."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import polars as pl

from core.reference import Reference
from simulator.comparisons.base import Comparison, Query, Truth, compare_headlines, compare_rows

HOUR, DAY = timedelta(hours=1), timedelta(hours=24)
RAINY_MM = 16
Spans = Sequence[tuple[datetime, datetime, float]]
"""When a stretch of rain at a station began and ended, and its millimetres, in order."""


def comparisons(truth: Truth, query: Query, clock: datetime) -> Iterator[Comparison]:  # noqa: ARG001
    """Compare the rain of every hour, and the headlines."""
    hours = _rain_hours(_spans(truth["rain_readings"]))
    yield compare_rows("water.rain_hours", hours, query("select * from water.rain_hours"))
    newest = hours.filter(pl.col("hour_end_at") == pl.col("hour_end_at").max())
    yield compare_headlines("water", {"rain_24h": newest["rain_24h_mm"].max()}, query)  # type: ignore[dict-item]


def _spans(readings: pl.DataFrame) -> Mapping[str, Spans]:
    kinds = dict(Reference().list_of("rain_stations").select("station_id", "reading_kind").rows())
    spans: dict[str, list[tuple[datetime, datetime, float]]] = {station: [] for station in kinds}
    before: dict[str, tuple[datetime, float]] = {}
    for station, at, told, _ in readings.filter(pl.col("status_code") == "00").sort("measured_at").iter_rows():
        if kinds[station] == "interval":
            spans[station].append((at - HOUR, at, told))
        elif station in before:
            earlier_at, earlier = before[station]
            spans[station].append((earlier_at, at, told - earlier if told >= earlier else told))
        before[station] = (at, told)
    return spans


def _rain_hours(spans: Mapping[str, Spans]) -> pl.DataFrame:
    ends = [end for told in spans.values() for _, end, _ in told]
    count = (max(ends) - min(ends)) // HOUR + 1
    rows = [_row(station, told, min(ends) + n * HOUR) for station, told in spans.items() for n in range(count)]
    return pl.DataFrame(rows, infer_schema_length=None)


def _row(station: str, spans: Spans, end: datetime) -> dict[str, object]:
    figures: dict[str, object] = {"station_id": station, "hour_end_at": end}
    for hours in (1, 3, 6, 24):
        figures[f"rain_{hours}h_mm"] = _sum(spans, end - hours * HOUR, end)
    for hours in (48, 72):
        figures[f"rain_{hours}h_before_mm"] = _sum(spans, end - DAY - hours * HOUR, end - DAY)
    return figures | {"rainy_days_before": _rainy_days(spans, end)}


def _rainy_days(spans: Spans, end: datetime) -> int | None:
    for days in range(3):
        rain = _sum(spans, end - (days + 2) * DAY, end - (days + 1) * DAY)
        if rain is None or rain < RAINY_MM:
            return None if rain is None else days
    return 3


def _sum(spans: Spans, start: datetime, end: datetime) -> float | None:
    """Add up the rain from start to end; None unless stretches fill that time."""
    inside = [span for span in spans if span[0] >= start and span[1] <= end]
    if sum((until - since for since, until, _ in inside), timedelta()) != end - start:
        return None
    return sum(rain for _, _, rain in inside)
