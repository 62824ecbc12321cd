"""What a release shows differently from the one before it, and which deliveries caused that.

The catalog keeps the change feed of every publication: of each updated row the values before and after. In marts that
declare a period (quality/marts.py) each figure that differs is a restatement. The deliveries named as its cause are those whose records
meet the mart's condition and became visible between the two snapshots of the lake that the releases show, by the catalog's own versions
and not by any clock. A figure that changed without one changed because of the build's clock, a rule or a reference list, which is
reported as `no_delivery`. Marts of the current state (a case, a vessel) and findings that begin and end are not compared: they have no
closed period. Nothing is stored: the answer is available as long as the release is kept.
"""

from dataclasses import dataclass
from itertools import pairwise

import duckdb

from core.contract import find_contract
from lake.releases import Release, releases_of
from lake.snapshots import changed_rows, columns_of
from quality.marts import Mart, marts_of
from quality.release import tables_of_release


@dataclass(frozen=True)
class Restatement:
    """A figure that a release shows differently from the release before; `row_key` is JSON of the mart's key."""

    domain: str
    release_id: int
    previous_release_id: int
    mart: str
    row_key: str
    period: str
    column_name: str
    before_value: float | None
    after_value: float | None
    cause: str
    delivery_ids: list[str]


def find_restatements(
    connection: duckdb.DuckDBPyConnection, domain: str, release_id: int | None = None
) -> list[Restatement]:
    """Return the restatements of a domain's releases that are kept, or of one of them, release by release and mart by mart."""
    found = []
    for before, after in pairwise(releases_of(connection, domain)):
        if release_id in (None, after.release_id):
            shown = tables_of_release(connection, after)
            for mart in marts_of(domain):
                if mart.period and mart.name in shown:
                    found += _compare(connection, mart, before, after)
    return found


def _compare(connection: duckdb.DuckDBPyConnection, mart: Mart, before: Release, after: Release) -> list[Restatement]:
    columns = columns_of(connection, "marts", after.domain, mart.name, after.marts_version)
    figures = tuple(figure for figure in mart.figures if figure in columns)  # a mart may have gained some since
    if not {mart.period, *mart.key} <= {*columns} or not figures:
        return []
    if not changed_rows(connection, after.domain, mart.name, after.marts_version, figures):
        return []
    _find_causes(connection, mart, before, after)
    otherwise = "rollback" if after.action == "rollback" else "no_delivery"
    row_key = ", ".join(f"'{name}', \"{name}\"" for name in mart.key)
    rows = connection.execute(
        f"""
        with figures as (
            select _number, json_object({row_key})::varchar as row_key, "{mart.period}"::varchar as period, unnest(_figures) as figure
            from changed_rows
        ),
        deliveries as (
            select _number, list(distinct delivery_id order by delivery_id) as delivery_ids from causes group by _number
        )
        select row_key, period, figure.name, figure.before, figure.after,
            case when delivery_ids is null then ? else 'delivery' end, coalesce(delivery_ids, [])
        from figures
        left join deliveries using (_number)
        where figure.before is distinct from figure.after
        order by row_key, figure.name
        """,
        [otherwise],
    ).fetchall()
    return [Restatement(after.domain, after.release_id, before.release_id, mart.name, *row) for row in rows]


def _find_causes(connection: duckdb.DuckDBPyConnection, mart: Mart, before: Release, after: Release) -> None:
    """Put into `causes` the deliveries that each changed row is computed from and that came between the two snapshots."""
    connection.execute("create or replace temp table causes (_number bigint, delivery_id varchar)")
    for cause in mart.causes if after.action != "rollback" else ():
        connection.execute(
            f"""
            insert into causes
            select distinct mart._number, bronze._delivery_id
            from changed_rows as mart
            inner join lake.bronze.{find_contract(cause.feed).table} as bronze on {cause.match}
            where bronze.snapshot_id > ? and bronze.snapshot_id <= ?
            """,
            [before.lake_snapshot, after.lake_snapshot],
        )
