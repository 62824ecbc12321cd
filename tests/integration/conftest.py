"""A lake with its tables, emptied before each test that asks for it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile

import duckdb
import pytest

from core.contract import Contract, read_contracts
from core.reference import Reference
from core.settings import Settings
from ingestion.collect.landing import BUCKET, Landing
from ingestion.load.ledger import LedgerRow
from ingestion.load.load import Loader
from ingestion.receipts.receipt_store import BUCKET as RECEIPTS
from ingestion.repair.replay import Replayer
from lake.connection import connected
from lake.tables import create_tables
from lake.transaction import transaction

NOON = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)
"""Noon in Huế: when the deliveries of these tests are received."""


EMPTY = "empty"
"""The message of the commit that empties the tables."""


@dataclass(frozen=True)
class Lake:
    """A connection to an empty lake, and what a test does with it."""

    settings: Settings
    connection: duckdb.DuckDBPyConnection
    landing: Landing
    contracts: dict[str, Contract]

    def land(self, feed: str, name: str, content: bytes | str, minute: int = 0) -> str:
        """Land one delivery some minutes after noon; return its id."""
        raw = content.encode() if isinstance(content, str) else content
        return self.landing.land(self.contracts[feed], name, raw, NOON + timedelta(minutes=minute)).delivery_id

    def load(self, feed: str) -> list[LedgerRow]:
        """Load what is new."""
        return Loader(self.settings, self.connection, self.landing, Reference()).load_new(self.contracts[feed])

    def replay(self, feed: str) -> list[LedgerRow]:
        """Replay the requested repairs."""
        return Replayer(self.settings, self.connection, self.landing, Reference()).replay_new(self.contracts[feed])

    def empty(self) -> None:
        """Empty every table that was written since this was last done, which takes a second for all of them, and every bucket."""
        tables = self.query(
            "select table_id::varchar, 'lake.' || schema_name || '.' || table_name "
            "from __ducklake_metadata_lake.ducklake_table as tables "
            "inner join __ducklake_metadata_lake.ducklake_schema as schemas using (schema_id) "
            "where tables.end_snapshot is null and schemas.end_snapshot is null "
            "and schema_name in ('bronze', 'ledger', 'quarantine')"
        )
        assert len(tables) >= len(self.contracts) + 3
        written = self._written()
        with transaction(self.connection, "lake", EMPTY, {}):
            for number, table in tables:
                if written is None or number in written:
                    self.connection.execute(f"delete from {table}")
        for bucket in (BUCKET, RECEIPTS):
            for item in self.landing._client.list_objects(bucket, recursive=True):
                self.landing._client.remove_object(bucket, str(item.object_name))

    def _written(self) -> set[object] | None:
        """Return the numbers of the tables in which the snapshots since the last emptying changed rows; None if not all are kept."""
        snapshots = self.connection.execute(
            "select snapshot_id, changes, commit_message from lake.snapshots() order by snapshot_id desc"
        ).fetchall()
        since = list(takewhile(lambda snapshot: snapshot[2] != EMPTY, snapshots))
        if len(since) == len(snapshots) or snapshots[len(since)][0] != snapshots[0][0] - len(since):
            return None
        return {table for _, changes, _ in since for changed in changes.values() for table in changed}

    def query(self, sql: str) -> list[tuple[object, ...]]:
        """Return the rows of a query."""
        return self.connection.execute(sql).fetchall()


@pytest.fixture
def lake(stack_settings: Settings) -> Iterator[Lake]:
    """An empty lake whose clock stands at noon."""
    settings = stack_settings.model_copy(update={"now": NOON})
    contracts = read_contracts()
    landing = Landing(settings)
    with connected(settings) as connection:
        create_tables(connection, contracts)
        lake = Lake(settings, connection, landing, contracts)
        lake.empty()
        yield lake
