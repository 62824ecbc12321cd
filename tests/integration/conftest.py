"""A lake with its tables, emptied before each test that asks for it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb
import pytest

from ingestion.contract import Contract, read_contracts
from ingestion.landing import BUCKET, Landing
from ingestion.ledger import LedgerRow
from ingestion.load import Loader
from ingestion.receipt_store import BUCKET as RECEIPTS
from ingestion.reference import Reference
from ingestion.settings import Settings
from lake.connection import connected
from lake.tables import create_tables

NOON = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)
"""Noon in Huế: when the deliveries of these tests are received."""


@dataclass(frozen=True)
class Lake:
    """A connection to an empty lake, and what a test does with it."""

    settings: Settings
    connection: duckdb.DuckDBPyConnection
    landing: Landing
    contracts: dict[str, Contract]

    def land(self, feed: str, name: str, content: bytes | str) -> str:
        """Land one delivery; give its id."""
        raw = content.encode() if isinstance(content, str) else content
        return self.landing.land(self.contracts[feed], name, raw, NOON).delivery_id

    def load(self, feed: str) -> list[LedgerRow]:
        """Load what is new."""
        return Loader(self.settings, self.connection, self.landing, Reference()).load_new(self.contracts[feed])

    def query(self, sql: str) -> list[tuple[object, ...]]:
        """Give the rows of a query."""
        return self.connection.execute(sql).fetchall()


@pytest.fixture
def lake(stack_settings: Settings) -> Iterator[Lake]:
    """Give an empty lake whose clock stands at noon."""
    settings = stack_settings.model_copy(update={"now": NOON})
    contracts = read_contracts()
    landing = Landing(settings)
    with connected(settings) as connection:
        create_tables(connection, contracts)
        for contract in contracts.values():
            connection.execute(f"delete from lake.bronze.{contract.table}")
        for table in ("ledger.deliveries", "ledger.rule_results", "ledger.drift", "quarantine.records"):
            connection.execute(f"delete from lake.{table}")
        for bucket in (BUCKET, RECEIPTS):
            for item in landing._client.list_objects(bucket, recursive=True):
                landing._client.remove_object(bucket, str(item.object_name))
        yield Lake(settings, connection, landing, contracts)
