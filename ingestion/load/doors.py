"""The doors: which of the held records are new, which are already known, and which contradict a known one.

Records are compared by key and version (the contract's), with each other and with bronze: the first one is accepted, a later equal one is
a duplicate, a different one under the same key and version is a conflict and goes to quarantine (error group 3). Equality means that of the
typed columns, so that the order of keys in a JSON object does not matter. This module reads the temporary tables of `holding_area.py`, adds
the table `verdicts` (`_delivery, _position, _record_count, verdict, event_at`) and puts conflicts into `refused`.
"""

from dataclasses import dataclass
from datetime import datetime

import duckdb

from core.contract import Contract
from core.local_time import ZONE

DUPLICATE_GROUP = 3


@dataclass(frozen=True)
class Doors:
    """How many pieces of a delivery left by each door, and the span of event time of those that passed."""

    accepted: int
    duplicate: int
    quarantined: int
    first_event_at: datetime | None
    last_event_at: datetime | None


def choose_doors(connection: duckdb.DuckDBPyConnection, contract: Contract) -> None:
    """Assign each held record its verdict: accepted, duplicate or conflict. Call it inside the transaction."""
    identity = [*contract.key, *([contract.version] if contract.version else [])]
    by = ", ".join(f'"{name}"' for name in identity)
    same = " and ".join(f'bronze."{name}" is not distinct from held."{name}"' for name in identity)
    connection.execute(
        f"""
        create or replace temp table verdicts as
        with bronze as (
            select {by}, _content_hash from lake.bronze.{contract.table} {_span(connection, contract, identity)}
        ),
        ordered as (
            select _delivery, _position, _record_count, _content_hash, {by}, "{contract.event_time}" as _event_at,
                row_number() over same_record as place,
                first_value(_content_hash) over same_record as first_hash
            from held
            window same_record as (partition by {by} order by _delivery, _position)
        )
        select
            held._delivery,
            held._position,
            held._record_count,
            case
                when coalesce(bronze._content_hash, held.first_hash) <> held._content_hash then 'conflict'
                when bronze._content_hash is not null or held.place > 1 then 'duplicate'
                else 'accepted'
            end as verdict,
            held._event_at as event_at
        from ordered as held
        left join bronze on {same}
        """
    )
    _compare_conflicts(connection, contract, same)
    connection.execute(
        f"""
        insert into refused
        select
            _delivery, _position, held._raw, held._record_count, 'conflicting_version', ?,
            [{{rule: 'conflicting_version', column_name: null, error_group: ?}}], {object_of(contract)}, verdicts.event_at,
            {slot_of(contract)}, {list_key_of(contract)}
        from held
        inner join verdicts using (_delivery, _position)
        where verdict = 'conflict'
        """,
        [DUPLICATE_GROUP, DUPLICATE_GROUP],
    )


def object_of(contract: Contract) -> str:
    """Return SQL over `held` for the object of a record; null if the contract names none."""
    return f'held."{contract.object_column}"::varchar' if contract.object_column else "null"


def slot_of(contract: Contract) -> str:
    """Return SQL over `held` for the time by which a record fills a slot; null if the contract names none."""
    name = contract.slots.time
    if name is None:
        return "null"
    is_date = contract.column(name).physical_type == "DATE"
    return f"timezone('{ZONE}', held.\"{name}\"::timestamp)" if is_date else f'held."{name}"'


def list_key_of(contract: Contract) -> str:
    """Return SQL over `held` for what identifies a record within a full list; null if the feed has no full lists."""
    values = ", ".join(f'held."{name}"::varchar' for name in contract.list_key)
    return f"[{values}]" if contract.full_list else "null"


def count_doors(connection: duckdb.DuckDBPyConnection) -> dict[int, Doors]:
    """Count the pieces behind each door by delivery; a delivery without any is absent."""
    rows = connection.execute(
        """
        with doors as (
            select _delivery, verdict as door, _record_count, event_at from verdicts where verdict <> 'conflict'
            union all
            select _delivery, 'quarantined', _record_count, null from refused
        )
        select
            _delivery,
            coalesce(sum(_record_count) filter (door = 'accepted'), 0)::bigint,
            coalesce(sum(_record_count) filter (door = 'duplicate'), 0)::bigint,
            coalesce(sum(_record_count) filter (door = 'quarantined'), 0)::bigint,
            min(event_at),
            max(event_at)
        from doors
        group by _delivery
        """
    ).fetchall()
    return {row[0]: Doors(*row[1:]) for row in rows}


def _compare_conflicts(connection: duckdb.DuckDBPyConnection, contract: Contract, same: str) -> None:
    """Compare the columns themselves where hashes differ, since the engine may change its hash from one version to the next."""
    equal = " and ".join(f'bronze."{name}" is not distinct from held."{name}"' for name in contract.column_names)
    conflicts = connection.execute("select count(*) from verdicts where verdict = 'conflict'").fetchone()
    if conflicts and conflicts[0]:
        connection.execute(
            f"""
            update verdicts set verdict = 'duplicate'
            where verdict = 'conflict' and (_delivery, _position) in (
                select (held._delivery, held._position)
                from held
                inner join verdicts using (_delivery, _position)
                inner join lake.bronze.{contract.table} as bronze on {same} and {equal}
                where verdicts.verdict = 'conflict'
            )
            """
        )


def _span(connection: duckdb.DuckDBPyConnection, contract: Contract, identity: list[str]) -> str:
    """Limit the comparison with bronze to the batch's span of event time, if event time is part of the identity."""
    name = contract.event_time
    if name not in identity:
        return ""
    row = connection.execute(
        f'select min("{name}")::varchar, max("{name}")::varchar, count(*) filter ("{name}" is null) from held'
    ).fetchone()
    if row is None or row[0] is None:
        return f'where "{name}" is null'
    missing = f'or "{name}" is null' if row[2] else ""
    return f"where \"{name}\" between '{row[0]}'::timestamptz and '{row[1]}'::timestamptz {missing}"
