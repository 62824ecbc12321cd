"""What a release says otherwise than the one before it, and by which deliveries that came about.

A mart whose rows speak of a period (an hour, a day, a month) says so in its yml entry, under `meta.restatements`:

    period       the column that places a row in time
    caused_by    which rows of bronze a figure is made of: a feed, and a condition between `bronze` and `mart`

After each release its figures (numbers of rows that stand in both) are compared with those of the release before. The deliveries
named as the cause are those whose records meet the condition and became visible between the two builds, by the catalog's own versions and
not by any clock. A figure that changed without one moved by the clock of the build, a rule or a reference list, and says so: `no_delivery`.
Marts of the current state (a case, a vessel) and findings that begin and end are not compared: they have no period that was closed.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import pairwise

import duckdb
import yaml

from ingestion.contract import find_contract
from ingestion.settings import PROJECT, Settings
from lake.lock import exclusive
from lake.releases import Release, list_releases, tables_of
from lake.transaction import transaction

MARTS = PROJECT / "dbt_project" / "models" / "marts"
NUMBERS = ("bigint", "integer", "double", "decimal")
NO_FIGURES = ("latitude", "longitude", "source_version")
"""Numbers that place a row or tell what it was built from."""


@dataclass(frozen=True)
class Cause:
    """Rows of a feed's bronze table that a figure is made of: `match` is a condition between `bronze` and `mart`."""

    feed: str
    match: str


@dataclass(frozen=True)
class Compared:
    """A mart whose figures are compared from release to release."""

    name: str
    key: tuple[str, ...]
    period: str
    figures: tuple[str, ...]
    causes: tuple[Cause, ...]


@dataclass(frozen=True)
class Comparison:
    """How many figures of a domain's previous release this one shows otherwise, and how many of them a delivery explains."""

    release_id: int
    previous_release_id: int
    domain: str
    changed_figures: int
    explained_figures: int


@cache
def compared_marts(domain: str) -> tuple[Compared, ...]:
    """Read which marts of a domain are compared, from their yml entries."""
    found = []
    for path in sorted((MARTS / domain).glob("_*__models.yml")):
        for model in yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)["models"]:
            declared = model.get("config", {}).get("meta", {}).get("restatements")
            if declared is not None:
                key = next(test for test in model["data_tests"] if "unique_combination" in test)
                columns = tuple(key["unique_combination"]["arguments"]["columns"])
                figures = tuple(
                    column["name"]
                    for column in model["columns"]
                    if column["data_type"].startswith(NUMBERS) and column["name"] not in (*columns, *NO_FIGURES)
                )
                causes = tuple(Cause(**cause) for cause in declared["caused_by"])
                found.append(Compared(model["name"], columns, declared["period"], figures, causes))
    return tuple(found)


def compare_releases(connection: duckdb.DuckDBPyConnection, settings: Settings, domain: str) -> list[Comparison]:
    """Compare every release of a domain that was not compared yet with the one before it, and keep what changed.

    Each pair is one transaction, so that a crash leaves a pair whole or to the next call; publishers take turns.
    """
    with exclusive(settings, f"compare {domain}"):
        rows = connection.execute(
            "select release_id from marts.operations.comparisons where domain = ?", [domain]
        ).fetchall()
        known = {int(row[0]) for row in rows}
        releases = [release for release in list_releases(connection) if release.domain == domain]
        return [
            _compare(connection, before, after, settings.clock())
            for before, after in pairwise(releases)
            if after.release_id not in known
        ]


def _compare(
    connection: duckdb.DuckDBPyConnection, before: Release, after: Release, compared_at: datetime
) -> Comparison:
    shown = {*tables_of(connection, after.domain, before.snapshot_id)}
    shown &= {*tables_of(connection, after.domain, after.snapshot_id)}
    marts = [mart for mart in compared_marts(after.domain) if mart.name in shown]
    span = _lake_versions(connection, before, after)
    with transaction(connection, "marts", f"compare {after.domain}", {"release_id": after.release_id}):
        for mart in marts if before.snapshot_id != after.snapshot_id else ():
            _find_changed_rows(connection, mart, before, after)
            _find_causes(connection, mart, span)
            _keep_figures(connection, mart, before, after)
        counted = connection.execute(
            "select count(*), count(*) filter (cause <> 'no_delivery') from marts.operations.restatements where release_id = ?",
            [after.release_id],
        ).fetchone()
        comparison = Comparison(after.release_id, before.release_id, after.domain, *map(int, counted or (0, 0)))
        connection.execute(
            "insert into marts.operations.comparisons values (?, ?, ?, ?, ?, ?)",
            [
                comparison.release_id,
                comparison.previous_release_id,
                comparison.domain,
                comparison.changed_figures,
                comparison.explained_figures,
                compared_at,
            ],
        )
    return comparison


def _lake_versions(connection: duckdb.DuckDBPyConnection, before: Release, after: Release) -> tuple[int, int] | None:
    """Between which versions of the lake the cause lies; None where no build tells, or where the release is a rollback."""
    row = connection.execute(
        """
        select
            max(lake_version_before) filter (snapshot_id = ?), max(lake_version_after) filter (snapshot_id = ?)
        from marts.operations.builds
        where domain = ?
        """,
        [before.snapshot_id, after.snapshot_id, after.domain],
    ).fetchone()
    return None if row is None or None in row or after.action == "rollback" else (int(row[0]), int(row[1]))


def _find_changed_rows(connection: duckdb.DuckDBPyConnection, mart: Compared, before: Release, after: Release) -> None:
    """Put the rows of a mart that changed into `changed_rows`, numbered, each with all its figures."""
    table = f'marts."{after.domain}"."{mart.name}"'
    same_key = " and ".join(f'old."{name}" is not distinct from new."{name}"' for name in mart.key)
    differs = " or ".join(f'old."{name}" is distinct from new."{name}"' for name in mart.figures)
    row_key = ", ".join(f"'{name}', old.\"{name}\"" for name in mart.key)
    figures = ", ".join(
        f'{{name: \'{name}\', before: old."{name}"::double, after: new."{name}"::double}}' for name in mart.figures
    )
    connection.execute(
        f"""
        create or replace temp table changed_rows as
        select
            old.*,
            row_number() over () as _number,
            json_object({row_key})::varchar as _row_key,
            [{figures}] as _figures
        from (select * from {table} at (version => {before.snapshot_id})) as old
        inner join (select * from {table} at (version => {after.snapshot_id})) as new on {same_key}
        where {differs}
        """
    )


def _find_causes(connection: duckdb.DuckDBPyConnection, mart: Compared, span: tuple[int, int] | None) -> None:
    """Put the deliveries that each changed row is made of, and that came between the builds, into `causes`."""
    connection.execute("create or replace temp table causes (_number bigint, delivery_id varchar)")
    for cause in mart.causes if span else ():
        connection.execute(
            f"""
            insert into causes
            select distinct mart._number, bronze._delivery_id
            from changed_rows as mart
            inner join lake.bronze.{find_contract(cause.feed).table} as bronze on {cause.match}
            where bronze.snapshot_id > ? and bronze.snapshot_id <= ?
            """,
            span,
        )


def _keep_figures(connection: duckdb.DuckDBPyConnection, mart: Compared, before: Release, after: Release) -> None:
    otherwise = "rollback" if after.action == "rollback" else "no_delivery"
    connection.execute(
        f"""
        insert into marts.operations.restatements
        with figures as (
            select _number, _row_key, "{mart.period}"::varchar as period, unnest(_figures) as figure from changed_rows
        ),
        deliveries as (
            select _number, list(distinct delivery_id order by delivery_id) as delivery_ids from causes group by _number
        )
        select ?, ?, ?, ?, _row_key, period, figure.name, figure.before, figure.after,
            case when delivery_ids is null then ? else 'delivery' end, coalesce(delivery_ids, [])
        from figures
        left join deliveries using (_number)
        where figure.before is distinct from figure.after
        """,
        [after.release_id, before.release_id, after.domain, mart.name, otherwise],
    )
