"""Missing tables and columns are created, and only these."""

import pytest

from lake.snapshots import newest_snapshot
from lake.tables import QUARANTINE_REVEALS, create_tables

from .conftest import Lake

pytestmark = pytest.mark.stack

TABLE = "lake.quarantine.reveals"


def test_a_missing_table_and_a_missing_column_are_created_and_nothing_else(lake: Lake) -> None:
    def columns() -> dict[str, str]:
        described = lake.query(f"select column_name, column_type from (describe {TABLE})")
        return {str(name): str(kind).replace(" WITH TIME ZONE", "TZ") for name, kind in described}

    lake.connection.execute(f"drop table {TABLE}")
    lake.connection.execute(f"create table {TABLE} as select 'a.feed' as feed")
    create_tables(lake.connection, lake.contracts)
    assert columns() == QUARANTINE_REVEALS
    assert lake.query(f"select feed, verb from {TABLE}") == [("a.feed", None)]
    before = newest_snapshot(lake.connection)
    create_tables(lake.connection, lake.contracts)
    assert newest_snapshot(lake.connection) == before
    lake.connection.execute(f"drop table {TABLE}")
    create_tables(lake.connection, lake.contracts)
    assert columns() == QUARANTINE_REVEALS
    assert lake.query(f"from {TABLE}") == []
