"""What builds read from the lake, copied to the Iceberg catalog of a real object store: equal after every copy, however it went before."""

from collections.abc import Callable, Iterator

import duckdb
import pytest

from core.contract import read_contracts
from core.errors import ConfigurationError, CountError, ServiceError
from core.settings import Settings
from ingestion.collect.landing import Landing
from lake import copies
from lake.connection import connected
from lake.copies import Copied, copy_to_iceberg, on_iceberg

from .catalogs import empty_catalogs
from .conftest import NOON, Lake

LEVELS = "environment.river_levels"
BRONZE = "bronze.environment__river_levels"
HEADER = "station_id,station_name,river,value,timestamp,status\n"


@pytest.fixture(scope="module")
def store(new_settings: Callable[[], Settings]) -> Iterator[Settings]:
    """A stack of its own, whose object store has an Iceberg catalog."""
    settings = new_settings()
    with_catalog = settings.model_copy(update={"now": NOON, "iceberg_port": settings.s3_port + 9})
    with empty_catalogs(with_catalog):
        yield with_catalog


@pytest.fixture
def lake(store: Settings) -> Iterator[Lake]:
    """An empty lake, of which nothing was copied."""
    with connected(store) as connection:
        lake = Lake(store, connection, Landing(store), read_contracts())
        lake.empty()
        connection.execute("create schema if not exists lake.reference")
        connection.execute(
            "create or replace table lake.reference.gauges as select '46_TV01' as gauge_id, 9::utinyint as place"
        )
        yield lake
        connection.execute("drop table lake.reference.gauges")
    with copies.both(store) as both:
        for schema, table in both.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = 'scale'"
        ).fetchall():
            both.execute(f"drop table scale.{schema}.{table}")


def levels(lake: Lake, name: str, *readings: tuple[int, str], minute: int = 0) -> None:
    """Land a file of readings at hours of the day, and load it."""
    lines = [f"46_TV01,Kim Long,Hương,{level},2026-11-20T{hour:02d}:00:00+07:00,stable\n" for hour, level in readings]
    lake.land(LEVELS, name, HEADER + "".join(lines), minute)
    lake.load(LEVELS)


def copy(lake: Lake) -> dict[str, Copied]:
    """Copy, and check that every table is there with the rows of the lake."""
    copied = {one.table: one for one in copy_to_iceberg(lake.settings)}
    assert {f"bronze.{contract.table}" for contract in lake.contracts.values()} <= copied.keys()
    assert {"ledger.deliveries", "quarantine.records", "reference.gauges"} <= copied.keys()
    with copies.both(lake.settings) as both:
        for table in (BRONZE, "ledger.deliveries", "quarantine.records", "reference.gauges"):
            assert differences(both, table) == 0, table
    return copied


def differences(both: duckdb.DuckDBPyConnection, table: str) -> int:
    """Count the rows that only one side has, by all columns and the snapshot that wrote them."""
    names = [str(row[0]) for row in both.execute(f"describe lake.{table}").fetchall()]
    own = [] if table.startswith("reference") else ["snapshot_id"]
    columns = ", ".join(f'cast("{name}" as varchar)' for name in [*names, *own])
    here, there = f"select {columns} from lake.{table}", f"select {columns} from scale.{table}"
    row = both.execute(
        f"select count(*) from (({here} except all {there}) union all ({there} except all {here}))"
    ).fetchone()
    assert row is not None
    return int(row[0])


def changes(copied: dict[str, Copied], table: str) -> tuple[int, int, int, bool]:
    one = copied[table]
    return one.rows, one.added, one.removed, one.is_whole


@pytest.mark.stack
def test_only_what_is_new_is_copied(lake: Lake) -> None:
    levels(lake, "a.csv", (7, "1.2"), (8, "high"))
    assert changes(copy(lake), BRONZE) == (1, 1, 0, True)
    assert changes(copy(lake), BRONZE) == (1, 0, 0, False)
    levels(lake, "b.csv", (9, "1.3"), (10, "1.4"), minute=1)
    copied = copy(lake)
    assert changes(copied, BRONZE) == (3, 2, 0, False)
    assert changes(copied, "reference.gauges") == (1, 0, 0, False)
    assert copied["quarantine.records"].rows == 1


@pytest.mark.stack
def test_rows_that_were_changed_or_removed_follow(lake: Lake) -> None:
    levels(lake, "a.csv", (7, "1.2"), (8, "1.3"), (9, "1.4"))
    copy(lake)
    lake.connection.execute(f"update lake.{BRONZE} set level_m = 2.5 where level_m = 1.2")
    lake.connection.execute(f"delete from lake.{BRONZE} where level_m = 1.3")
    lake.connection.execute("update lake.ledger.deliveries set accepted = 2, received = 2")
    lake.connection.execute("update lake.reference.gauges set gauge_id = '46_TV02'")
    copied = copy(lake)
    assert changes(copied, BRONZE) == (2, 1, 2, False)
    assert changes(copied, "reference.gauges") == (1, 1, 1, True)


@pytest.mark.stack
def test_a_copy_that_was_cut_short_is_repeated(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    levels(lake, "a.csv", (7, "1.2"))
    copy(lake)
    levels(lake, "b.csv", (8, "1.3"), minute=1)
    with monkeypatch.context() as patched:
        patched.setattr(copies, "_require_the_ledger", lambda _: exec("raise KeyboardInterrupt"))
        with pytest.raises(KeyboardInterrupt):
            copy_to_iceberg(lake.settings)
    lake.connection.execute(f"update lake.{BRONZE} set level_m = 2.5")
    assert copy(lake)[BRONZE].rows == 2


@pytest.mark.stack
def test_a_table_with_another_column_or_without_its_past_is_copied_whole(lake: Lake) -> None:
    levels(lake, "a.csv", (7, "1.2"))
    copy(lake)
    lake.connection.execute(f"alter table lake.{BRONZE} add column remark varchar")
    try:
        assert changes(copy(lake), BRONZE) == (1, 1, 1, True)
    finally:
        lake.connection.execute(f"alter table lake.{BRONZE} drop column remark")
    copy(lake)
    levels(lake, "b.csv", (8, "1.3"), minute=1)
    lake.connection.execute("call ducklake_expire_snapshots('lake', older_than => now())")
    assert changes(copy(lake), BRONZE) == (2, 2, 1, True)


@pytest.mark.stack
def test_counts_that_contradict_the_ledger_are_told(lake: Lake) -> None:
    levels(lake, "a.csv", (7, "1.2"), (8, "1.3"))
    copy(lake)
    lake.connection.execute("update lake.ledger.deliveries set accepted = 3, received = 3")
    with pytest.raises(CountError, match="expected the 3 records that the ledger accepted, got 2"):
        copy_to_iceberg(lake.settings)


@pytest.mark.stack
def test_a_copy_that_lost_a_row_is_told(lake: Lake) -> None:
    levels(lake, "a.csv", (7, "1.2"), (8, "1.3"))
    copy(lake)
    with copies.both(lake.settings) as both:
        both.execute(f"delete from scale.{BRONZE} where level_m = 1.2")
    with pytest.raises(CountError, match="expected the 2 rows of the lake, got 1"):
        copy_to_iceberg(lake.settings)


@pytest.mark.stack
def test_a_catalog_that_is_not_there_is_told(lake: Lake) -> None:
    with pytest.raises(ConfigurationError, match="set IOC_ICEBERG_PORT"):
        copy_to_iceberg(lake.settings.model_copy(update={"iceberg_port": 0}))
    with pytest.raises(ServiceError, match=r"expected an Iceberg catalog at http://127\.0\.0\.1:"):
        copy_to_iceberg(lake.settings.model_copy(update={"iceberg_port": lake.settings.s3_port + 15}))


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("UTINYINT", "INTEGER"),
        ("STRUCT(a UBIGINT, b JSON)[]", "STRUCT(a DECIMAL(20,0), b VARCHAR)[]"),
        ("TIMESTAMP WITH TIME ZONE", "TIMESTAMP WITH TIME ZONE"),
        ("DECIMAL(18,3)", "DECIMAL(18,3)"),
    ],
)
def test_a_type_that_iceberg_lacks_becomes_one_that_holds_its_values(kind: str, expected: str) -> None:
    assert on_iceberg(kind) == expected
