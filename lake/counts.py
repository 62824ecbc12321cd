"""Count the rows of a table in several independent ways, so that a mistake in one contradicts another.

    counted   `count(*)`, which the catalog answers without opening a file
    scanned   rows actually read, through a filter that no statistic can answer
    records   the sum of `_record_count` over the scanned rows (a row can be made of several records)
    ledger    how many records the ledger says were accepted, or quarantined
    digest    the sum of the row hashes over identifying columns

Bronze and the quarantine have a ledger (`lake.ledger.deliveries`, replays included, since a replay writes what it accepts). Other tables
have none: there the first two must agree, and the digest must be the same before and after maintenance. In bronze, by far the largest,
only the columns that identify a row are read; in other tables all columns are, so that a changed value is noticed too.

The reason for this care: merging rewrites files, expiring drops some, and there are open reports of deleted rows reappearing with a
catalog on PostgreSQL (duckdb/ducklake#1094, #1084).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from core.errors import CountError
from lake.connection import CatalogName

CATALOGS: tuple[CatalogName, ...] = ("lake", "marts")
BRONZE = "lake.bronze."
QUARANTINE = "lake.quarantine.records"
BRONZE_IDENTITY = ("_delivery_id", "_position")


WHAT_TO_DO = "maintenance stopped; see docs/maintenance.md"


@dataclass(frozen=True)
class Count:
    """The row counts of one table; `records` and `ledger` are None for a table without a ledger."""

    table: str
    counted: int
    scanned: int
    digest: int
    records: int | None = None
    ledger: int | None = None

    def require_agreement(self, when: str) -> None:
        """Raise CountError with the numbers if they contradict each other."""
        if self.counted != self.scanned or self.records != self.ledger:
            raise CountError(
                f"{self.table}: expected equal row counts {when}, got {self.told()}; {WHAT_TO_DO}",
                table=self.table,
                counted=self.counted,
                scanned=self.scanned,
                records=self.records,
                ledger=self.ledger,
            )

    def told(self) -> str:
        """Return the numbers as text for a message."""
        rows = f"{self.counted} counted, {self.scanned} scanned"
        return rows if self.ledger is None else f"{rows} with {self.records} records, {self.ledger} in the ledger"


def count_tables(connection: duckdb.DuckDBPyConnection, *, with_a_ledger: bool = False) -> dict[str, Count]:
    """Count the rows of every table of both catalogs, or of those with a ledger, at one instant; return the counts by full table name."""
    connection.execute("begin transaction read only")
    try:
        ledger = _ledger(connection)
        return {
            table: _count(connection, table, columns, ledger)
            for table, columns in _columns(connection).items()
            if _has_ledger(table) or not with_a_ledger
        }
    finally:
        connection.execute("rollback")


def require_agreement(counts: Mapping[str, Count], when: str) -> None:
    """Raise CountError naming the first table whose numbers contradict each other."""
    for count in counts.values():
        count.require_agreement(when)


def require_unchanged(before: Mapping[str, Count], after: Mapping[str, Count], when: str) -> None:
    """Raise CountError naming the first table that lost, gained or changed rows, or no longer exists."""
    for table, count in before.items():
        now = after.get(table)
        if now != count:
            found = "no such table" if now is None else "other rows" if now.told() == count.told() else now.told()
            raise CountError(
                f"{table}: expected the same rows as before {when}, {count.told()}, got {found}; {WHAT_TO_DO}",
                table=table,
                before=count,
                after=now,
            )


def _columns(connection: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    rows = connection.execute(
        """
        select concat_ws('.', database_name, schema_name, table_name), list(column_name order by column_index)
        from duckdb_columns()
        semi join duckdb_tables() using (database_name, schema_name, table_name)
        where database_name in (select unnest(?))
        group by all
        order by all
        """,
        [list(CATALOGS)],
    ).fetchall()
    return {str(table): [str(column) for column in columns] for table, columns in rows}


def _ledger(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Return how many records the ledger says each table holds, by full table name; tables without a delivery are left out."""
    rows = connection.execute(
        "select feed, sum(accepted)::bigint, sum(quarantined)::bigint from lake.ledger.deliveries group by feed"
    ).fetchall()
    accepted = {f"{BRONZE}{str(feed).replace('.', '__')}": int(records) for feed, records, _ in rows}
    return accepted | {QUARANTINE: sum(int(records) for *_, records in rows)}


def _has_ledger(table: str) -> bool:
    return table.startswith(BRONZE) or table == QUARANTINE


def _count(connection: duckdb.DuckDBPyConnection, table: str, columns: list[str], ledger: dict[str, int]) -> Count:
    has_ledger = _has_ledger(table)
    weight = "0" if not has_ledger else "record_count" if table == QUARANTINE else "_record_count"
    read = BRONZE_IDENTITY if table.startswith(BRONZE) else columns
    name = ".".join(f'"{part}"' for part in table.split("."))
    row_hash = f"""hash({", ".join(f'"{column}"' for column in read)})"""
    (counted,) = _numbers(connection, f"select count(*) from {name}")
    scanned, digest, records = _numbers(
        connection,
        f"select count(*), coalesce(sum({row_hash}::hugeint), 0), coalesce(sum({weight}), 0) "
        f"from {name} where {row_hash} % 2 < 2",
    )
    return Count(table, counted, scanned, digest, *((records, ledger.get(table, 0)) if has_ledger else ()))


def _numbers(connection: duckdb.DuckDBPyConnection, query: str) -> list[int]:
    return [int(number) for number in connection.execute(query).fetchall()[0]]
