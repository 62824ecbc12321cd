"""A value that a contract accepts breaks no build: neither by an error of conversion nor by a row for every day since the year 0."""

from collections.abc import Iterator
from datetime import timedelta

import polars as pl
import pytest

from core.contract import Contract, read_contracts
from core.reference import Reference
from core.settings import Settings
from ingestion.collect.landing import Delivery, Landing
from ingestion.formats.base import Reading, empty_skipped, empty_unreadable
from ingestion.load.bronze import write
from ingestion.load.doors import choose_doors
from ingestion.load.holding_area import HoldingArea
from ingestion.load.load import Loader
from lake.connection import connected
from lake.tables import create_tables
from lake.transaction import transaction

from .poison import RECEIVED, Poison, poisoned, whole_hours
from .warehouse import DOMAINS, Warehouse

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1800)]

CONTRACTS = read_contracts()
CLOCK = RECEIVED + timedelta(minutes=10)

HOURS = ("0001-01-01T00", "1970-01-01T00", "2026-11-22T06", "2026-11-22T07")
"""Local hours of which every five minutes are reported, so that an index is computed from them."""

NEVER_ACCEPTED = {
    ("health.claims", "missing_fields"),
    ("warnings.messages", "missing_elements"),
    ("warnings.messages", "unknown_code_elements"),
    ("warnings.messages", "ill_timed_elements"),
}
"""Columns whose every value is refused: a claim that names missing fields misses them, a warning its elements."""

NAMES = {
    "environment.station_readings": ("46_KK01_20261399000000.txt", "46_KK01_99991231235959.txt"),
    "feedback.requests": (
        "feedback_00010101T000000Z_99991231T235959Z_p1.json",
        "feedback_20261120T000000Z_20261121T000000Z_p99999999999999999999.json",
    ),
}
"""What files are called where models read a name: no time, a window of ten thousand years, a page that is no number."""

NOT_BY_NATURE = ("unique_combination_disease_history_*",)
"""Data tests that the poison breaks because it is made as it is: the format puts the `record_code` of a count together from what this test
calls unique, and here each record has one of its own."""

MOST_ROWS = 1_000_000
"""For one table: from a day of year 0 to today there are 740,000 days, and a row for each of 85 agencies would make 63 million."""


@pytest.fixture(scope="module")
def warehouse(stack_settings: Settings) -> Iterator[Warehouse]:
    """An empty lake on which nothing was built."""
    settings = stack_settings.model_copy(update={"now": CLOCK})
    with connected(settings) as connection:
        create_tables(connection, CONTRACTS)
        for table in ("deliveries", "rule_results", "object_results", "recaptures", "drift"):
            connection.execute(f"delete from lake.ledger.{table}")
        for table in (
            *(f"bronze.{contract.table}" for contract in CONTRACTS.values()),
            "quarantine.records",
            "quarantine.repairs",
        ):
            connection.execute(f"delete from lake.{table}")
        for schema in ("lake.silver", "lake.holding", *(f"lake.{domain}" for domain in DOMAINS)):
            connection.execute(f"drop schema if exists {schema} cascade")
        yield Warehouse(settings, connection)


def load(warehouse: Warehouse, contract: Contract, records: pl.DataFrame, name: str) -> set[int]:
    """Take records through checks, privacy, doors and ledger into bronze, as a load does; return the positions of those accepted."""
    settings, connection = warehouse.settings, warehouse.connection
    loader = Loader(settings, connection, Landing(settings), Reference())
    delivery = Delivery(f"{contract.feed}-{name}", contract.feed, name, name, RECEIVED, 1)
    with HoldingArea(connection, contract, delivery.delivery_id, CLOCK) as holding:
        holding.open(1, delivery, name, is_known=False).pieces = records.height
        loader.admit(holding, Reading(records, empty_unreadable(), empty_skipped()))
        with transaction(connection, "lake", f"load {delivery.delivery_id}", {}):
            choose_doors(connection, contract)
            rows = holding.ledger_rows()
            rows[0].require_balance()
            write(connection, holding, rows)
    accepted = connection.execute(
        f"select _position from lake.bronze.{contract.table} where _delivery_id = ?", [delivery.delivery_id]
    ).fetchall()
    return {int(position) for (position,) in accepted}


def test_nothing_that_a_contract_accepts_breaks_a_build(warehouse: Warehouse) -> None:
    """Loads each half of the poison and builds on it: one twin waits in the tables when the other comes.

    Takes more than 20 s: two builds of every domain, the second one with every data test.
    """
    reference = Reference()
    poisons = {feed: poisoned(contract, reference) for feed, contract in CONTRACTS.items()}
    assert len(poisons) == len(CONTRACTS) >= 13
    accepted: dict[str, set[int]] = {feed: set() for feed in poisons}

    def load_twin(twin: int) -> None:
        for feed, poison in poisons.items():
            records = poison.records.filter(pl.col("_position") % 2 == twin)
            name = NAMES.get(feed, ("twin-0", "twin-1"))[twin]
            accepted[feed] |= load(warehouse, CONTRACTS[feed], records, name)
        readings = CONTRACTS["environment.station_readings"]
        load(warehouse, readings, whole_hours(readings, HOURS[twin::2]), f"hours-{twin}.txt")

    load_twin(0)
    warehouse.dbt("seed", CLOCK)
    warehouse.build_models(CLOCK, "--select", "+config.materialized:incremental")
    load_twin(1)
    warehouse.build(CLOCK + timedelta(minutes=5), "--exclude", *NOT_BY_NATURE)

    assert set(untried(poisons, accepted)) == NEVER_ACCEPTED
    assert {table: rows for table, rows in sizes(warehouse).items() if rows > MOST_ROWS} == {}


def untried(poisons: dict[str, Poison], accepted: dict[str, set[int]]) -> Iterator[tuple[str, str]]:
    """Yield the columns of which no value reached bronze."""
    for feed, poison in poisons.items():
        tried = {name for position in accepted[feed] for name in poison.tried[position]}
        yield from ((feed, name) for name in CONTRACTS[feed].column_names if name not in tried)


def sizes(warehouse: Warehouse) -> dict[str, int]:
    """Return how many rows each built table has."""
    tables = warehouse.rows(
        "select table_catalog || '.' || table_schema || '.' || table_name from information_schema.tables "
        f"where (table_catalog in ('lake', 'marts') and table_schema in {(*DOMAINS, 'silver')}) and table_type = 'BASE TABLE'"
    )
    return {str(table): int(str(warehouse.rows(f"select count(*) from {table}")[0][0])) for (table,) in tables}
