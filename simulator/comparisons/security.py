"""What the marts of public order must show, worked out from the versions of incidents that came out; small numbers hidden by trial."""

from collections.abc import Iterator
from datetime import datetime

import polars as pl

from core.reference import Reference
from simulator.comparisons.base import LOCAL, Comparison, Query, Truth, compare_headlines, compare_map, compare_rows
from simulator.comparisons.small_cells import LEAST, hidden

SERIOUS = (3, 4)
MAP = "security.incidents_on_map"


def comparisons(truth: Truth, query: Query, clock: datetime) -> Iterator[Comparison]:  # noqa: ARG001
    """Compare days, kinds, communes, the map, and the headlines of the newest day and of a history shorter than 30 days."""
    incidents = _incidents(truth["incident_versions"])
    days, kinds = _days(incidents), _kinds(incidents)
    communes = _communes(incidents, kinds)
    yield compare_rows("security.incident_days", days, query("select * from security.incident_days"))
    yield compare_rows("security.incident_kind_months", kinds, query("select * from security.incident_kind_months"))
    shown = query("select * from security.incident_commune_months")
    yield compare_rows("security.incident_commune_months", communes, shown)
    yield compare_map(MAP, _on_map(communes), query)
    newest = days.sort("local_date").row(-1, named=True)
    figures = {
        "incidents_handled": 100.0 * int(days["handled_incidents"].sum()) / int(days["judged_incidents"].sum()),
        "incident_response": newest["median_response_minutes"],
        "incidents": float(newest["incidents"]),
    }
    yield compare_headlines("security", figures, query)


def _incidents(versions: pl.DataFrame) -> pl.DataFrame:
    local = pl.col("reported_at").dt.convert_time_zone(LOCAL).dt.date()
    return (
        versions.sort("updated_at")
        .unique("incident_id", keep="last")
        .with_columns(
            local.alias("local_date"),
            local.dt.truncate("1mo").alias("month_date"),
            (pl.col("status_code") == "da_xu_ly").alias("is_handled"),
            ((pl.col("first_response_at") - pl.col("reported_at")).dt.total_seconds() / 60).alias("minutes"),
        )
    )


def _days(incidents: pl.DataFrame) -> pl.DataFrame:
    return _percent(
        incidents.group_by("local_date").agg(
            *_figures(), pl.col("severity").is_in(SERIOUS).sum().cast(pl.Int64).alias("serious_incidents")
        )
    )


def _figures() -> list[pl.Expr]:
    return [
        pl.len().cast(pl.Int64).alias("incidents"),
        pl.col("is_handled").count().cast(pl.Int64).alias("judged_incidents"),
        pl.col("is_handled").sum().cast(pl.Int64).alias("handled_incidents"),
        pl.col("minutes").count().cast(pl.Int64).alias("known_responses"),
        pl.col("minutes").median().alias("median_response_minutes"),
    ]


def _percent(counted: pl.DataFrame) -> pl.DataFrame:
    share = 100 * pl.col("handled_incidents") / pl.col("judged_incidents")
    return counted.with_columns(pl.when(pl.col("judged_incidents") > 0).then(share).alias("handled_percent"))


def _kinds(incidents: pl.DataFrame) -> pl.DataFrame:
    counts = ("incidents", "judged_incidents", "handled_incidents", "known_responses")
    counted = _percent(
        incidents.select("month_date")
        .unique()
        .join(_kind_list(), how="cross")
        .join(incidents.group_by("month_date", "kind_code").agg(_figures()), on=["month_date", "kind_code"], how="left")
        .with_columns(pl.col(counts).fill_null(0))
    )
    small: set[tuple[object, ...]] = set()
    for month in counted["month_date"].unique():
        persons = counted.filter((pl.col("month_date") == month) & pl.col("concerns_persons"))
        cells = dict(persons.select("kind_code", "incidents").rows())
        is_few = 0 < sum(cells.values()) < LEAST
        small |= {(month, kind) for kind in (cells if is_few else hidden(cells))}
    return _hidden(counted, small, (*counts, "handled_percent", "median_response_minutes"))


def _kind_list() -> pl.DataFrame:
    kinds = Reference().list_of("incident_kinds")
    return kinds.select("kind_code", pl.col("concerns_persons").cast(pl.String).str.to_lowercase() == "true")


def _hidden(
    counted: pl.DataFrame, small: set[tuple[object, ...]], columns: tuple[str, ...], keys: tuple[str, ...] = ()
) -> pl.DataFrame:
    """Empty the columns of the rows whose month, kind and further keys are among the small ones."""
    rows = counted.select("month_date", "kind_code", *keys).rows()
    flagged = counted.with_columns(pl.Series("is_small_cell", [row in small for row in rows]))
    return flagged.with_columns(pl.when(~pl.col("is_small_cell")).then(pl.col(columns)))


def _communes(incidents: pl.DataFrame, kinds: pl.DataFrame) -> pl.DataFrame:
    keys = ["month_date", "kind_code", "commune_code"]
    told = incidents.group_by(keys).agg(_figures()).select(*keys, "incidents", "judged_incidents", "handled_incidents")
    counts = ("incidents", "judged_incidents", "handled_incidents")
    counted = (
        kinds.select("month_date", "kind_code", "concerns_persons", pl.col("is_small_cell").alias("is_small_kind"))
        .join(Reference().list_of("communes").select("commune_code"), how="cross")
        .join(told, on=keys, how="left")
        .with_columns(pl.col(counts).fill_null(0))
    )
    small: set[tuple[object, ...]] = set()
    for (month, kind, is_small), cells in counted.filter("concerns_persons").group_by(
        "month_date", "kind_code", "is_small_kind"
    ):
        by_commune = dict(cells.select("commune_code", "incidents").rows())
        small |= {(month, kind, commune) for commune in (by_commune if is_small else hidden(by_commune))}
    shown = _hidden(counted, small, ("incidents",), ("commune_code",)).drop("is_small_kind")
    return shown.with_columns(
        pl.when(~pl.col("concerns_persons")).then(pl.col("judged_incidents", "handled_incidents"))
    )


def _on_map(communes: pl.DataFrame) -> pl.DataFrame:
    newest = communes.filter((pl.col("month_date") == pl.col("month_date").max()) & ~pl.col("concerns_persons"))
    return _percent(
        newest.group_by("commune_code", "month_date").agg(
            pl.col("incidents", "judged_incidents", "handled_incidents").sum()
        )
    )
