"""The tables that the steps write: bronze from the contracts, the ledger, the quarantine, builds, audits and releases."""

from collections import defaultdict
from collections.abc import Mapping

import duckdb

from core.contract import Contract
from core.domains import domain_names
from lake.transaction import transaction

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
"""Added to the contract's columns: where a row came from (`_position` counts pieces from 1), how many records it holds, when it arrived."""

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
"""One row per delivery and column that differs from the contract; `is_stopped` if the delivery was set aside because of it."""

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
    "inconsistent": "BIGINT",
    "misidentified": "BIGINT",
    "late": "BIGINT",
    "unplaced_slots": "BIGINT",
    "last_event_at": "TIMESTAMPTZ",
    "last_heard_at": "TIMESTAMPTZ",
    "loaded_at": "TIMESTAMPTZ",
}
"""One row per load and object (station, agency, vessel …; null if a record named no valid one); see `ingestion/load/objects.py`."""

LEDGER_RECAPTURES = {
    "feed": "VARCHAR",
    "object_id": "VARCHAR",
    "window_start_at": "TIMESTAMPTZ",
    "window_end_at": "TIMESTAMPTZ",
    "asked_at": "TIMESTAMPTZ",
    "outcome": "VARCHAR",
}
"""One row per attempt to fetch missing slots of an object again; `outcome` is found, empty or failed."""

LEDGER_WITHDRAWALS = {
    "feed": "VARCHAR",
    "delivery_id": "VARCHAR",
    "withdrawal_id": "VARCHAR",
    "withdrawn_by": "VARCHAR",
    "withdrawn_at": "TIMESTAMPTZ",
    "why": "VARCHAR",
    "status": "VARCHAR",
    "accepted": "BIGINT",
    "duplicate": "BIGINT",
    "quarantined": "BIGINT",
    "load_ids": "VARCHAR[]",
}
"""One row per withdrawn delivery: `withdrawal_id` is the delivery id of the withdrawal document, status and counts are those from before
the withdrawal, `load_ids` the loads whose ledger rows were rewritten without it."""

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
    "list_key": "VARCHAR[]",
}
"""`object_id`, `event_at`, `slot_at`: the object, time and slot of the record; null if its value is not valid. `list_key`: for a feed of
full lists, what identifies the record (`Contract.list_key`), hashed as in bronze."""

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
"""One row per replayed record; a quarantined record is open until it has one. `repair_id` is the delivery id of the repair document; a
record refused again is quarantined under that id, and `quarantined_since` keeps the time it was first quarantined."""

QUARANTINE_REVEALS = {
    "feed": "VARCHAR",
    "delivery_id": "VARCHAR",
    "position": "BIGINT",
    "verb": "VARCHAR",
    "revealed_by": "VARCHAR",
    "revealed_at": "TIMESTAMPTZ",
}
"""One row per record and time that it was shown in the clear; `verb` is the command, `revealed_by` the operating-system account."""

BUILDS = {
    "domain": "VARCHAR",
    "snapshot_read": "BIGINT",
    "snapshot_written": "BIGINT",
    "outcome": "VARCHAR",
    "reason": "VARCHAR",
    "models": "BIGINT",
    "tests": "BIGINT",
    "code": "VARCHAR",
    "fingerprints": "VARCHAR",
    "built_at": "TIMESTAMPTZ",
}
"""One row per finished build. It read the lake as of `snapshot_read`, and its candidates are in `snapshot_written`; `outcome` is passed
or failed, `code` the digest of the project's code, `fingerprints` a JSON object of model name to digest."""

AUDITS = {
    "domain": "VARCHAR",
    "snapshot_read": "BIGINT",
    "suite": "VARCHAR",
    "passed": "BOOLEAN",
    "reason": "VARCHAR",
    "checks": "VARCHAR",
    "audited_at": "TIMESTAMPTZ",
}
"""One row per audit of the build that read `snapshot_read`; `suite` is the digest of the checks that were run."""

RELEASES = {
    "release_id": "BIGINT",
    "domain": "VARCHAR",
    "lake_snapshot": "BIGINT",
    "verdict": "VARCHAR",
    "suite": "VARCHAR",
    "action": "VARCHAR",
    "reason": "VARCHAR",
    "scores": "VARCHAR",
    "last_event_at": "TIMESTAMPTZ",
    "published_at": "TIMESTAMPTZ",
}
"""One row per release, written by the transaction that publishes it; `lake_snapshot` is the snapshot that its figures describe."""

BUILT_SCHEMAS = ("silver", "reference", "operations")
"""Schemas of the lake shared by all builds; each domain has one of its own, named after it, for its candidate marts."""


def bronze_columns(contract: Contract) -> dict[str, str]:
    """Return the columns of a feed's bronze table and their DuckDB types, in order."""
    return {column.name: column.physical_type for column in contract.columns} | BRONZE_ENVELOPE


def create_tables(connection: duckdb.DuckDBPyConnection, contracts: dict[str, Contract]) -> None:
    """Create the tables that do not exist yet, and add columns that contracts have gained; nothing is ever dropped.

    What a catalog lacks is created in one commit; call this under `exclusive("tables")` if several processes may start at once.
    """
    schemas = [f"lake.{name}" for name in ("bronze", "ledger", "quarantine", *BUILT_SCHEMAS, *domain_names())]
    tables = {f"lake.bronze.{contract.table}": bronze_columns(contract) for contract in contracts.values()} | {
        "lake.ledger.deliveries": LEDGER_DELIVERIES,
        "lake.ledger.rule_results": LEDGER_RULE_RESULTS,
        "lake.ledger.drift": LEDGER_DRIFT,
        "lake.ledger.object_results": LEDGER_OBJECT_RESULTS,
        "lake.ledger.recaptures": LEDGER_RECAPTURES,
        "lake.ledger.withdrawals": LEDGER_WITHDRAWALS,
        "lake.quarantine.records": QUARANTINE_RECORDS,
        "lake.quarantine.repairs": QUARANTINE_REPAIRS,
        "lake.quarantine.reveals": QUARANTINE_REVEALS,
        "lake.operations.builds": BUILDS,
        "lake.operations.audits": AUDITS,
        "marts.operations.releases": RELEASES,
    }
    missing = _missing(connection, [*schemas, "marts.operations"], tables)
    for catalog in ("lake", "marts"):
        statements = [statement for name, statement in missing if name.startswith(f"{catalog}.")]
        if statements:
            with transaction(connection, catalog, "tables", {}):
                for statement in statements:
                    connection.execute(statement)


def _missing(
    connection: duckdb.DuckDBPyConnection, schemas: list[str], tables: Mapping[str, Mapping[str, str]]
) -> list[tuple[str, str]]:
    """Return the statements that create what is not there yet, each with the name of its schema or table."""
    known = "select database_name || '.' || schema_name from duckdb_schemas() where database_name in ('lake', 'marts')"
    existing = {str(row[0]) for row in connection.execute(known).fetchall()}
    missing = [(schema, f"create schema {schema}") for schema in schemas if schema not in existing]
    columns = (
        "select database_name || '.' || schema_name || '.' || table_name, column_name "
        "from duckdb_columns() where database_name in ('lake', 'marts')"
    )
    present: dict[str, set[str]] = defaultdict(set)
    for table, column in connection.execute(columns).fetchall():
        present[table].add(column)
    for table, kinds in tables.items():
        if table not in present:
            typed = ", ".join(f'"{name}" {kind}' for name, kind in kinds.items())
            missing.append((table, f"create table {table} ({typed})"))
            continue
        added = [name for name in kinds if name not in present[table]]
        missing += [(table, f'alter table {table} add column "{name}" {kinds[name]}') for name in added]
    return missing
