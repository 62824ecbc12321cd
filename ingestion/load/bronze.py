"""The only writer of bronze, quarantine and ledger; `load.py` calls it in its transaction, once the counts of a batch balance."""

import duckdb
import polars as pl

from core.errors import LedgerError
from ingestion.load.holding_area import HoldingArea
from ingestion.load.ledger import LedgerRow
from ingestion.load.objects import write_object_results
from lake.tables import LEDGER_DELIVERIES, LEDGER_DRIFT, LEDGER_RULE_RESULTS, bronze_columns


def write(connection: duckdb.DuckDBPyConnection, holding: HoldingArea, rows: list[LedgerRow]) -> None:
    """Write bronze, quarantine, rule results and ledger. Call it inside the transaction, after the balance was checked."""
    table = holding.contract.table
    delivered = pl.DataFrame(
        {
            "_delivery": list(holding.tallies),
            "delivery_id": [tally.delivery.delivery_id for tally in holding.tallies.values()],
            "received_at": [tally.origin.received_at for tally in holding.tallies.values()],
            "source_name": [tally.origin.source_name for tally in holding.tallies.values()],
        },
        schema={
            "_delivery": pl.UInt32,
            "delivery_id": pl.String,
            "received_at": pl.Datetime("us", "UTC"),
            "source_name": pl.String,
        },
    )
    connection.register("delivered_frame", delivered)
    connection.execute("create or replace temp table delivered as from delivered_frame")
    connection.unregister("delivered_frame")
    columns = ", ".join(f'held."{name}"' for name in holding.contract.column_names)
    names = ", ".join(f'"{name}"' for name in bronze_columns(holding.contract))
    connection.execute(
        f"""
        insert into lake.bronze.{table} ({names})
        select {columns}, delivered.delivery_id, held._position, held._record_count, held._content_hash,
            held._warnings, delivered.received_at, ?, ?
        from held
        inner join verdicts using (_delivery, _position)
        inner join delivered using (_delivery)
        where verdict = 'accepted'
        """,
        [holding.now, holding.load_id],
    )
    connection.execute(
        """
        insert into lake.quarantine.records (feed, delivery_id, position, raw, record_count, reason, error_group, failures,
            quarantined_at, load_id, object_id, event_at, slot_at, list_key)
        select ?, delivered.delivery_id, refused._position, refused._raw, refused._record_count, refused.reason,
            refused.error_group, refused.failures, ?, ?, refused.object_id,
            refused.event_at, refused.slot_at, refused.list_key
        from refused
        inner join delivered using (_delivery)
        """,
        [holding.contract.feed, holding.now, holding.load_id],
    )
    write_object_results(connection, holding)
    _insert(connection, "lake.ledger.deliveries", LEDGER_DELIVERIES, [row.values() for row in rows])
    _insert(connection, "lake.ledger.drift", LEDGER_DRIFT, [values for row in rows for values in row.drift_values()])
    _insert(connection, "lake.ledger.rule_results", LEDGER_RULE_RESULTS, holding.rule_results(rows))


def write_repairs(
    connection: duckdb.DuckDBPyConnection, holding: HoldingArea, replayed: list[tuple[object, ...]]
) -> None:
    """Close the records that a replay took up, each with the outcome of its door. Call it inside the transaction, after `write`.

    `replayed` holds rows of the number of the repair document in this load, delivery, position and the position at which the record leaves,
    then repair_id, repair, repaired_by, repaired_at, why, quarantined_since. Raises LedgerError if a record left by no door.
    """
    if not replayed:
        return
    columns: dict[str, pl.DataType] = {
        "_delivery": pl.UInt32(),
        "delivery_id": pl.String(),
        "position": pl.Int64(),
        "door": pl.Int64(),
        "repair_id": pl.String(),
        "repair": pl.String(),
        "repaired_by": pl.String(),
        "repaired_at": pl.Datetime("us", "UTC"),
        "why": pl.String(),
        "quarantined_since": pl.Datetime("us", "UTC"),
    }
    connection.register("replayed_frame", pl.DataFrame(replayed, schema=columns, orient="row"))
    connection.execute(
        """
        create or replace temp table replayed as
        select replayed.*,
            case
                when refused._position is not null then 'quarantined'
                when verdicts.verdict is not null then verdicts.verdict
                when replayed.position = 0 then 'accepted'
            end as outcome
        from replayed_frame as replayed
        left join refused on replayed._delivery = refused._delivery and replayed.door = refused._position
        left join verdicts on replayed._delivery = verdicts._delivery and replayed.door = verdicts._position
        """
    )
    connection.unregister("replayed_frame")
    lost = connection.execute("select delivery_id, position from replayed where outcome is null").fetchone()
    if lost is not None:
        raise LedgerError(
            f"{lost[0]}: expected a door for each replayed record, got none at position {lost[1]}; nothing was committed, report it"
        )
    connection.execute(
        """
        insert into lake.quarantine.repairs
        select ?, delivery_id, position, repair_id, repair, repaired_by, repaired_at, why, outcome, ?, ?, quarantined_since
        from replayed
        """,
        [holding.contract.feed, holding.now, holding.load_id],
    )


def _insert(
    connection: duckdb.DuckDBPyConnection, table: str, columns: dict[str, str], rows: list[tuple[object, ...]]
) -> None:
    if not rows:
        return
    frame = pl.DataFrame(rows, schema=list(columns), orient="row", infer_schema_length=None)
    connection.register("rows_frame", frame)
    connection.execute(f"insert into {table} select * from rows_frame")
    connection.unregister("rows_frame")
