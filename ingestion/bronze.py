"""The only writer of bronze, quarantine and ledger; `load.py` calls it in its transaction, once the books of a batch balance."""

import duckdb
import polars as pl

from ingestion.ledger import LedgerRow
from ingestion.staging import Staging
from lake.tables import LEDGER_DELIVERIES, LEDGER_DRIFT, LEDGER_RULE_RESULTS, bronze_columns


def write(connection: duckdb.DuckDBPyConnection, staging: Staging, rows: list[LedgerRow]) -> None:
    """Write bronze, quarantine, rule results and ledger. Call it inside the transaction, after the books balanced."""
    table = staging.contract.table
    delivered = pl.DataFrame(
        {
            "_delivery": list(staging.tallies),
            "delivery_id": [tally.delivery.delivery_id for tally in staging.tallies.values()],
            "received_at": [tally.delivery.received_at for tally in staging.tallies.values()],
        },
        schema={"_delivery": pl.UInt32, "delivery_id": pl.String, "received_at": pl.Datetime("us", "UTC")},
    )
    connection.register("delivered_frame", delivered)
    connection.execute("create or replace temp table delivered as from delivered_frame")
    connection.unregister("delivered_frame")
    columns = ", ".join(f'staged."{name}"' for name in staging.contract.column_names)
    names = ", ".join(f'"{name}"' for name in bronze_columns(staging.contract))
    connection.execute(
        f"""
        insert into lake.bronze.{table} ({names})
        select {columns}, delivered.delivery_id, staged._position, staged._record_count, staged._content_hash,
            staged._warnings, delivered.received_at, ?, ?
        from staged
        inner join verdicts using (_delivery, _position)
        inner join delivered using (_delivery)
        where verdict = 'accepted'
        """,
        [staging.now, staging.load_id],
    )
    connection.execute(
        """
        insert into lake.quarantine.records
        select ?, delivered.delivery_id, refused._position, refused._raw, refused._record_count, refused.reason,
            refused.error_group, refused.failures, ?, ?
        from refused
        inner join delivered using (_delivery)
        """,
        [staging.contract.feed, staging.now, staging.load_id],
    )
    _insert(connection, "lake.ledger.deliveries", LEDGER_DELIVERIES, [row.values() for row in rows])
    _insert(connection, "lake.ledger.drift", LEDGER_DRIFT, [values for row in rows for values in row.drift_values()])
    _insert(connection, "lake.ledger.rule_results", LEDGER_RULE_RESULTS, staging.rule_results(rows))


def _insert(
    connection: duckdb.DuckDBPyConnection, table: str, columns: dict[str, str], rows: list[tuple[object, ...]]
) -> None:
    if not rows:
        return
    frame = pl.DataFrame(rows, schema=list(columns), orient="row", infer_schema_length=None)
    connection.register("rows_frame", frame)
    connection.execute(f"insert into {table} select * from rows_frame")
    connection.unregister("rows_frame")
