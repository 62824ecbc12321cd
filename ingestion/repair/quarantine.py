"""The quarantine: what is in it, and since when.

A quarantined record is open until a replay has taken it up (`ingestion/repair/replay.py`); one that the replay refused is open again, under
the repair document's delivery, and keeps its first day.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import duckdb


@dataclass(frozen=True)
class QuarantinedRecord:
    """A record in quarantine. `outcome` is None while it is open; `raw` can hold personal values."""

    feed: str
    delivery_id: str
    position: int
    source_name: str
    object_key: str
    sha256: str
    size_bytes: int
    reason: str
    error_group: int
    failed_rules: list[str]
    failed_columns: list[str | None]
    record_count: int
    raw: str
    since: datetime
    outcome: str | None
    repair_id: str | None
    repair: str | None
    repaired_by: str | None
    repaired_at: datetime | None
    why: str | None


@dataclass(frozen=True)
class Selection:
    """Selects open records; a field that is None restricts nothing."""

    reason: str | None = None
    delivery_id: str | None = None
    position: int | None = None


RECORDS = """
    with records as (
        select
            records.feed, records.delivery_id, records.position, deliveries.source_name, deliveries.object_key, deliveries.sha256,
            deliveries.bytes as size_bytes, records.reason, records.error_group,
            list_transform(records.failures, lambda failure: failure.rule) as failed_rules,
            list_transform(records.failures, lambda failure: failure.column_name) as failed_columns, records.record_count, records.raw,
            coalesce(earlier.quarantined_since, records.quarantined_at) as since, repairs.outcome, repairs.repair_id, repairs.repair,
            repairs.repaired_by, repairs.repaired_at, repairs.why
        from lake.quarantine.records as records
        inner join lake.ledger.deliveries as deliveries using (feed, delivery_id)
        left join lake.quarantine.repairs as repairs using (feed, delivery_id, position)
        left join lake.quarantine.repairs as earlier
            on earlier.feed = records.feed and earlier.repair_id = records.delivery_id
            and earlier.position in (0, records.position)
    )
"""


def count_reasons(
    connection: duckdb.DuckDBPyConnection, feed: str | None, *, with_closed: bool = False
) -> list[tuple[str, str, int, str | None, int, datetime]]:
    """Return feed, reason, error group, outcome, number of records and the time of the oldest; outcome is None for open ones."""
    rows = connection.execute(
        f"""
        {RECORDS}
        select feed, reason, error_group, outcome, sum(record_count)::bigint as records, min(since)
        from records
        where feed = coalesce($feed, feed) and (outcome is null or $with_closed)
        group by all
        order by feed, outcome nulls first, records desc, reason
        """,
        {"feed": feed, "with_closed": with_closed},
    ).fetchall()
    return [(row[0], row[1], row[2], row[3], row[4], row[5]) for row in rows]


def find_records(
    connection: duckdb.DuckDBPyConnection,
    feed: str,
    selection: Selection,
    *,
    with_closed: bool = False,
    limit: int | None = None,
) -> list[QuarantinedRecord]:
    """Return quarantined records, the oldest first."""
    rows = connection.execute(
        f"""
        {RECORDS}
        from records
        where feed = $feed and (outcome is null or $with_closed) and reason = coalesce($reason, reason)
            and delivery_id = coalesce($delivery, delivery_id) and position = coalesce($position, position)
        order by since, delivery_id, position
        limit $limit
        """,
        {
            "feed": feed,
            "with_closed": with_closed,
            "reason": selection.reason,
            "delivery": selection.delivery_id,
            "position": selection.position,
            "limit": limit,
        },
    ).fetchall()
    return [QuarantinedRecord(*row) for row in rows]


def brought_records(
    connection: duckdb.DuckDBPyConnection, feed: str, delivery_id: str, *, after: datetime | None = None
) -> bool:
    """Whether an agency's delivery, received after a moment, brought records that passed."""
    row = connection.execute(
        """
        select count(*)
        from lake.ledger.deliveries
        where feed = $feed and delivery_id = $delivery and status <> 'replayed' and accepted + duplicate > 0
            and ($after::timestamptz is null or received_at > $after)
        """,
        {"feed": feed, "delivery": delivery_id, "after": after},
    ).fetchone()
    return row is not None and row[0] > 0


def export_lines(records: Iterable[QuarantinedRecord]) -> Iterable[str]:
    """Yield records as lines of JSON, to be edited in `raw`."""
    for record in records:
        line = {
            "delivery_id": record.delivery_id,
            "position": record.position,
            "reason": record.reason,
            "failed_rules": record.failed_rules,
            "raw": record.raw,
        }
        yield json.dumps(line, ensure_ascii=False) + "\n"
