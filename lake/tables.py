"""The tables that ingestion writes: bronze from the contracts, the ledger, the quarantine, the releases."""

import duckdb

from ingestion.contract import Contract

BRONZE_ENVELOPE = {
    "_delivery_id": "VARCHAR",
    "_position": "BIGINT",
    "_record_count": "BIGINT",
    "_content_hash": "UBIGINT",
    "_warnings": "VARCHAR[]",
    "_received_at": "TIMESTAMPTZ",
    "_loaded_at": "TIMESTAMPTZ",
    "_load_id": "VARCHAR",
}
"""Beside the contract's columns: where a row came from (`_position` counts pieces from 1), what it weighs, when it came."""

LEDGER_DELIVERIES = {
    "delivery_id": "VARCHAR",
    "feed": "VARCHAR",
    "object_key": "VARCHAR",
    "sha256": "VARCHAR",
    "bytes": "BIGINT",
    "source_name": "VARCHAR",
    "received_at": "TIMESTAMPTZ",
    "load_id": "VARCHAR",
    "loaded_at": "TIMESTAMPTZ",
    "status": "VARCHAR",
    "pieces": "BIGINT",
    "skipped": "BIGINT",
    "skipped_reasons": "VARCHAR",
    "received": "BIGINT",
    "accepted": "BIGINT",
    "duplicate": "BIGINT",
    "quarantined": "BIGINT",
    "first_event_at": "TIMESTAMPTZ",
    "last_event_at": "TIMESTAMPTZ",
}

LEDGER_RULE_RESULTS = {
    "load_id": "VARCHAR",
    "feed": "VARCHAR",
    "rule": "VARCHAR",
    "column_name": "VARCHAR",
    "error_group": "INTEGER",
    "axis": "VARCHAR",
    "is_identifier": "BOOLEAN",
    "evaluated": "BIGINT",
    "failed": "BIGINT",
    "loaded_at": "TIMESTAMPTZ",
}

LEDGER_DRIFT = {
    "feed": "VARCHAR",
    "delivery_id": "VARCHAR",
    "column_name": "VARCHAR",
    "kind": "VARCHAR",
    "expected": "VARCHAR",
    "came": "VARCHAR",
    "records": "BIGINT",
    "is_stopped": "BOOLEAN",
    "seen_at": "TIMESTAMPTZ",
}
"""One row a delivery and column that is not the contract's; `is_stopped` where the delivery was set aside for it."""

LEDGER_OBJECT_RESULTS = {
    "load_id": "VARCHAR",
    "feed": "VARCHAR",
    "object_id": "VARCHAR",
    "received": "BIGINT",
    "accepted": "BIGINT",
    "duplicate": "BIGINT",
    "quarantined": "BIGINT",
    "wrong": "BIGINT",
    "missing": "BIGINT",
    "garbage": "BIGINT",
    "late": "BIGINT",
    "unplaced_slots": "BIGINT",
    "last_event_at": "TIMESTAMPTZ",
    "last_heard_at": "TIMESTAMPTZ",
    "loaded_at": "TIMESTAMPTZ",
}
"""One row a load and object (station, agency, vessel …; null where a record did not tell a believable one); see `ingestion/objects.py`."""

LEDGER_RECAPTURES = {
    "feed": "VARCHAR",
    "object_id": "VARCHAR",
    "window_start_at": "TIMESTAMPTZ",
    "window_end_at": "TIMESTAMPTZ",
    "asked_at": "TIMESTAMPTZ",
    "outcome": "VARCHAR",
}
"""One row an attempt to fetch missing slots of an object again; `outcome` is found, empty or failed."""

QUARANTINE_RECORDS = {
    "feed": "VARCHAR",
    "delivery_id": "VARCHAR",
    "position": "BIGINT",
    "raw": "VARCHAR",
    "record_count": "BIGINT",
    "reason": "VARCHAR",
    "error_group": "INTEGER",
    "failures": "STRUCT(rule VARCHAR, column_name VARCHAR, error_group INTEGER)[]",
    "quarantined_at": "TIMESTAMPTZ",
    "load_id": "VARCHAR",
    "object_id": "VARCHAR",
    "event_at": "TIMESTAMPTZ",
    "slot_at": "TIMESTAMPTZ",
}
"""`object_id`, `event_at`, `slot_at`: of which object, time and slot the record speaks; null where it cannot be believed in it."""

QUARANTINE_REPAIRS = {
    "feed": "VARCHAR",
    "delivery_id": "VARCHAR",
    "position": "BIGINT",
    "repair_id": "VARCHAR",
    "repair": "VARCHAR",
    "repaired_by": "VARCHAR",
    "repaired_at": "TIMESTAMPTZ",
    "why": "VARCHAR",
    "outcome": "VARCHAR",
    "replayed_at": "TIMESTAMPTZ",
    "load_id": "VARCHAR",
    "quarantined_since": "TIMESTAMPTZ",
}
"""One row a record that a replay took up: a record of quarantine is open while it has none. `repair_id` is the delivery id of the repair
document; a record that was refused again stands below it in quarantine, and `quarantined_since` keeps its first day."""

BUILDS = {
    "domain": "VARCHAR",
    "snapshot_id": "BIGINT",
    "models": "BIGINT",
    "tests": "BIGINT",
    "built_at": "TIMESTAMPTZ",
    "lake_version_before": "BIGINT",
    "lake_version_after": "BIGINT",
}
"""One row a build whose every model and test passed; only such a snapshot can be audited. The build saw every row of the lake up to the
version before it began, and none that is newer than the version after its end."""

RELEASES = {
    "release_id": "BIGINT",
    "domain": "VARCHAR",
    "snapshot_id": "BIGINT",
    "verdict": "VARCHAR",
    "action": "VARCHAR",
    "reason": "VARCHAR",
    "scores": "VARCHAR",
    "last_event_at": "TIMESTAMPTZ",
    "published_at": "TIMESTAMPTZ",
}


COMPARISONS = {
    "release_id": "BIGINT",
    "previous_release_id": "BIGINT",
    "domain": "VARCHAR",
    "changed_figures": "BIGINT",
    "explained_figures": "BIGINT",
    "compared_at": "TIMESTAMPTZ",
}
"""One row a release that was compared with the one before it."""

RESTATEMENTS = {
    "release_id": "BIGINT",
    "previous_release_id": "BIGINT",
    "domain": "VARCHAR",
    "mart": "VARCHAR",
    "row_key": "VARCHAR",
    "period": "VARCHAR",
    "column_name": "VARCHAR",
    "before_value": "DOUBLE",
    "after_value": "DOUBLE",
    "cause": "VARCHAR",
    "delivery_ids": "VARCHAR[]",
}
"""One row a figure that the previous release showed and the release shows otherwise; `row_key` is JSON of the mart's key."""


def bronze_columns(contract: Contract) -> dict[str, str]:
    """Give the columns of a feed's bronze table and their DuckDB types, in order."""
    return {column.name: column.physical_type for column in contract.columns} | BRONZE_ENVELOPE


def create_tables(connection: duckdb.DuckDBPyConnection, contracts: dict[str, Contract]) -> None:
    """Create every table that does not exist yet, and add the columns that a contract gained; nothing is ever dropped.

    Each statement commits alone; call it under `exclusive("tables")` where several processes may start at once.
    """
    for schema in ("bronze", "ledger", "quarantine"):
        connection.execute(f"create schema if not exists lake.{schema}")
    connection.execute("create schema if not exists marts.operations")
    tables = {f"lake.bronze.{contract.table}": bronze_columns(contract) for contract in contracts.values()} | {
        "lake.ledger.deliveries": LEDGER_DELIVERIES,
        "lake.ledger.rule_results": LEDGER_RULE_RESULTS,
        "lake.ledger.drift": LEDGER_DRIFT,
        "lake.ledger.object_results": LEDGER_OBJECT_RESULTS,
        "lake.ledger.recaptures": LEDGER_RECAPTURES,
        "lake.quarantine.records": QUARANTINE_RECORDS,
        "lake.quarantine.repairs": QUARANTINE_REPAIRS,
        "marts.operations.builds": BUILDS,
        "marts.operations.releases": RELEASES,
        "marts.operations.comparisons": COMPARISONS,
        "marts.operations.restatements": RESTATEMENTS,
    }
    for table, columns in tables.items():
        typed = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
        connection.execute(f"create table if not exists {table} ({typed})")
        present = {str(row[0]) for row in connection.execute(f"describe {table}").fetchall()}
        for name, kind in columns.items():
            if name not in present:
                connection.execute(f'alter table {table} add column "{name}" {kind}')
