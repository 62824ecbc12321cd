"""What the marts of rain, reservoirs and slopes must show, worked out time by time from the readings that came out."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import polars as pl

from core.reference import Reference
from simulator.comparisons.base import Comparison, Query, Truth, compare_headlines, compare_map, compare_rows

HOUR, DAY = timedelta(hours=1), timedelta(hours=24)
RAINY_MM = 16
LIMIT = timedelta(minutes=180)
"""How long a reading tells of now."""

MOVEMENTS = {"DISP": (5, 20, 100), "TILT": (2, 10, 50)}
CLOSED_FROM = 2
Spans = Sequence[tuple[datetime, datetime, float]]
"""When a stretch of rain at a station began and ended, and its millimetres, in order."""


def comparisons(truth: Truth, query: Query, clock: datetime) -> Iterator[Comparison]:
    """Compare every mart, what the map shows of communes, and the headlines; `clock` is that of the build."""
    hours = _rain_hours(_spans(truth["rain_readings"]))
    yield compare_rows("water.rain_hours", hours, query("select * from water.rain_hours"))
    newest = hours.filter(pl.col("hour_end_at") == pl.col("hour_end_at").max())
    reservoirs = _reservoir_levels(truth["reservoir_readings"])
    yield compare_rows("water.reservoir_levels", reservoirs, query("select * from water.reservoir_levels"))
    latest = reservoirs.sort("measured_at").unique("reservoir_id", keep="last")
    slopes = _slope_movements(truth["slope_readings"])
    yield compare_rows("water.slope_movements", slopes, query("select * from water.slope_movements"))
    risks = _landslide_risks(hours, slopes, clock)
    yield compare_rows("water.landslide_risks", risks, query("select * from water.landslide_risks"))
    roads = _roads(risks, clock)
    yield compare_rows("water.landslide_road_segments", roads, query("select * from water.landslide_road_segments"))
    yield compare_map("water.landslide_on_map", risks.select("commune_code", "rain_24h_mm", "unknown_reason"), query)
    in_force = risks.filter(pl.col("hour_end_at") > clock - LIMIT)["risk_level"].drop_nulls()
    figures: dict[str, float | None] = {
        "landslide_risk": float(max(in_force)) if in_force.len() else None,
        "rain_24h": max(newest["rain_24h_mm"].drop_nulls()),
        "reservoirs_spilling": float(latest["is_spilling"].sum()),
    }
    yield compare_headlines("water", figures, query)


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


QUANTITIES = {
    "WL_TL": "upstream_level_m",
    "WL_HL": "downstream_level_m",
    "QDEN": "inflow_m3_per_second",
    "QXA": "discharge_m3_per_second",
}


def _reservoir_levels(readings: pl.DataFrame) -> pl.DataFrame:
    channels = {row[0]: row[1:3] for row in Reference().list_of("reservoir_channels").iter_rows()}
    known = {row["reservoir_id"]: row for row in Reference().list_of("reservoirs").iter_rows(named=True)}
    polls: dict[tuple[str, datetime], dict[str, float]] = {}
    for channel, at, value, status in readings.iter_rows():
        reservoir, quantity = channels[channel]
        told = polls.setdefault((reservoir, at), {})
        if status == "1":
            told[QUANTITIES[quantity]] = value
    levels = {poll: told["upstream_level_m"] for poll, told in polls.items() if "upstream_level_m" in told}
    rows = [
        {"reservoir_id": reservoir, "measured_at": at}
        | {name: told.get(name) for name in QUANTITIES.values()}
        | _judged(known[reservoir], levels, at)
        for (reservoir, at), told in polls.items()
    ]
    return pl.DataFrame(rows, infer_schema_length=None)


def _judged(
    reservoir: Mapping[str, float], levels: Mapping[tuple[str, datetime], float], at: datetime
) -> dict[str, object]:
    names = ("fill_percent", "is_spilling", "rise_cm_per_hour", "hours_to_sill")
    code = str(reservoir["reservoir_id"])
    level = levels.get((code, at))
    if level is None:
        return dict.fromkeys(names)
    dead, normal, sill = (float(reservoir[f"{name}_level_m"]) for name in ("dead", "normal", "sill"))
    before = [one for other, one in levels if other == code and at - 2 * HOUR <= one <= at - HOUR]
    rise = 100 * (level - levels[code, max(before)]) / ((at - max(before)) / HOUR) if before else None
    is_rising = rise is not None and rise > 0 and level <= sill
    hours = 100 * (sill - level) / rise if is_rising and rise else None
    return dict(zip(names, (100 * (level - dead) / (normal - dead), level > sill, rise, hours), strict=True))


def _slope_movements(readings: pl.DataFrame) -> pl.DataFrame:
    rows = []
    for sensor in Reference().list_of("landslide_sensors").iter_rows(named=True):
        mine = readings.filter((pl.col("sensor_id") == sensor["sensor_id"]) & (pl.col("status_code") == "00"))
        told = dict(mine.select("measured_at", "value").rows())
        newest = max(told)
        before = [at for at in told if newest - DAY - 2 * HOUR <= at <= newest - DAY]
        moved = told[newest] - told[max(before)] if before else None
        limits = MOVEMENTS[sensor["quantity_code"]]
        level = None if moved is None else sum(abs(moved) >= limit for limit in limits)
        rows.append(
            {"sensor_id": sensor["sensor_id"], "commune_code": sensor["commune_code"], "measured_at": newest}
            | {"value": told[newest], "moved_24h": moved, "movement_level": level}
        )
    return pl.DataFrame(rows, infer_schema_length=None)


def _landslide_risks(hours: pl.DataFrame, slopes: pl.DataFrame, clock: datetime) -> pl.DataFrame:
    rows = []
    for zone in Reference().list_of("landslide_zones").iter_rows(named=True):
        known = hours.filter((pl.col("station_id") == zone["rain_station_id"]) & pl.col("rain_24h_mm").is_not_null())
        hour = known.sort("hour_end_at").row(-1, named=True) if known.height else {}
        level, reason = _risk(zone, hour.get("rain_24h_mm"), hour.get("rainy_days_before"))
        sensors = slopes.filter(pl.col("commune_code") == zone["commune_code"])
        heard = sensors.filter(pl.col("measured_at") > clock - LIMIT)["movement_level"].drop_nulls()
        rows.append(
            {"commune_code": zone["commune_code"], "hour_end_at": hour.get("hour_end_at"), "risk_level": level}
            | {"rain_24h_mm": hour.get("rain_24h_mm"), "unknown_reason": reason, "sensors": sensors.height}
            | {"known_sensors": heard.len(), "movement_level": max(heard) if heard.len() else None}
        )
    return pl.DataFrame(rows, infer_schema_length=None)


def _risk(zone: Mapping[str, str], rain: float | None, days: int | None) -> tuple[int | None, str | None]:
    """Return the level of a commune by the matrix, or why there is none."""
    if rain is None:
        return None, "Chưa biết lượng mưa 24 giờ"
    if round(rain, 6) < 100:
        return 0, None
    same = [
        cell
        for cell in Reference().list_of("landslide_risk_cells").iter_rows(named=True)
        if all(cell[name] == zone[name] for name in ("region_code", "susceptibility_code"))
    ]
    wanted = 3 if rain >= 400 else 2 if rain >= 200 else 1
    is_met = wanted == 3 or (days is not None and (days > 2 if wanted == 2 else 1 <= days <= 2))
    levels = [cell["risk_level"] for cell in same if int(cell["rain_class"]) == wanted]
    if is_met and levels[0] is not None:
        return int(levels[0]), None
    return None, "Chưa biết mưa những ngày trước" if days is None else "Bảng cấp rủi ro chưa có ô này"


def _roads(risks: pl.DataFrame, clock: datetime) -> pl.DataFrame:
    communes = {row["commune_code"]: row for row in risks.iter_rows(named=True)}
    rows = []
    for segment in Reference().list_of("landslide_roads").iter_rows(named=True):
        risk = communes[segment["commune_code"]]
        is_now = risk["hour_end_at"] is not None and risk["hour_end_at"] > clock - LIMIT
        level, moved = risk["risk_level"] if is_now else None, risk["movement_level"]
        is_to_close = True if max(level or 0, moved or 0) >= CLOSED_FROM else None
        if is_to_close is None and level is not None and risk["known_sensors"] == risk["sensors"]:
            is_to_close = False
        rows.append({"segment_id": segment["segment_id"], "risk_level": level, "is_to_close": is_to_close})
    return pl.DataFrame(rows, infer_schema_length=None)
