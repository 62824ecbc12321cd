"""A lake with its tables, emptied before each test that asks for it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

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
        """Empty every table and bucket."""
        tables = self.query(
            "select database_name || '.' || schema_name || '.' || table_name from duckdb_tables() "
            "where database_name = 'lake' and schema_name in ('bronze', 'ledger', 'quarantine')"
        )
        assert len(tables) >= len(self.contracts) + 3
        with transaction(self.connection, "lake", "empty", {}):
            for (table,) in tables:
                self.connection.execute(f"delete from {table}")
        for bucket in (BUCKET, RECEIPTS):
            for item in self.landing._client.list_objects(bucket, recursive=True):
                self.landing._client.remove_object(bucket, str(item.object_name))

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
