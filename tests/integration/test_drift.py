"""Deliveries whose columns are not the contract's, on a real lake."""

import json

import polars as pl
import pytest

from .conftest import Lake

pytestmark = pytest.mark.stack

LEVELS, DOSSIERS = "environment.river_levels", "public_services.dossiers"
PERSON = "Nguyễn Thị Kín"


def levels(header: str, value: str, count: int = 30) -> str:
    """Make a poll of a river."""
    return "\n".join([header, *(f"G{number},2026-11-20T01:00:00Z,{value}" for number in range(count))])


def dossiers(name: str, count: int = 30, **more: str) -> str:
    """Make dossiers whose time of submission is sent under a given name."""
    return "\n".join(
        json.dumps({"MaHoSo": f"H{n}", "MaTTHC": "1", "KenhThucHien": "1", name: "20261120080000", "TrangThaiHoSo": "1",
                    "DonViXuLy": "1", **more}, ensure_ascii=False)
        for n in range(count)
    )  # fmt: skip


def drift(lake: Lake) -> list[tuple[object, ...]]:
    """Return what the ledger says about columns."""
    return lake.query(
        "select source_name, column_name, kind, expected, came, records, is_stopped from lake.ledger.drift "
        "inner join lake.ledger.deliveries using (feed, delivery_id) where kind <> 'missing' or is_stopped "
        "order by source_name, column_name"
    )


def test_a_drifted_delivery_stops_before_a_row_of_it_is_written_and_its_siblings_load(lake: Lake) -> None:
    lake.land(LEVELS, "a_new.csv", levels("station_id,timestamp,value,ghi chú", f"0.5,{PERSON}"))
    lake.land(LEVELS, "b_renamed.csv", levels("station_id,timestmps,value", "0.5"))
    lake.land(LEVELS, "c_retyped.csv", levels("station_id,timestamp,value", "cao"))
    lake.land(LEVELS, "d_missing.csv", levels("station_id,timestamp,x", "0.5"))
    rows = {row.delivery.source_name: row for row in lake.load(LEVELS)}
    assert {name: (row.status.value, row.pieces, row.received) for name, row in rows.items()} == {
        "a_new.csv": ("loaded", 31, 30),
        "b_renamed.csv": ("unreadable", 1, 1),
        "c_retyped.csv": ("unreadable", 1, 1),
        "d_missing.csv": ("unreadable", 1, 1),
    }
    assert drift(lake) == [
        ("a_new.csv", "ghi chú", "added", None, "ghi chú", 30, False),
        ("b_renamed.csv", "timestamp", "renamed", "timestamp", "timestmps", 31, True),
        ("c_retyped.csv", "value", "retyped", "DOUBLE", "text", 30, True),
        ("d_missing.csv", "value", "missing", "value", None, 31, True),
        ("d_missing.csv", "x", "added", None, "x", 31, True),
    ]
    known = lake.query("select distinct _delivery_id from lake.bronze.environment__river_levels")
    assert known == [(rows["a_new.csv"].delivery.delivery_id,)]
    assert lake.query("select position, reason from lake.quarantine.records where position > 0") == []
    assert sorted(lake.query("select reason from lake.quarantine.records")) == [
        ("missing_column",), ("renamed_column",), ("retyped_column",),
    ]  # fmt: skip
    ((message,),) = lake.query("select raw from lake.quarantine.records where reason = 'renamed_column'")
    assert "expected timestamp, got (a name of 9 characters) in its place" in str(message)
    assert lake.query("select evaluated, failed from lake.ledger.rule_results where rule = 'level_m_format'") == [
        (30, 0)
    ]  # a stopped delivery is no bad value


def test_the_values_of_a_new_column_stay_in_landing(lake: Lake) -> None:
    lake.land(DOSSIERS, "a.ndjson", dossiers("NgayNopHoSo", TenMe=PERSON))
    (row,) = lake.load(DOSSIERS)
    assert [change.told() for change in row.changes] == ["added (a name of 5 characters)"]
    for table in ("bronze.public_services__dossiers", "ledger.drift", "ledger.deliveries"):
        frame: pl.DataFrame = lake.connection.execute(f"from lake.{table}").pl()
        assert PERSON not in str(frame.to_dicts()), table


def test_a_renamed_member_stops_a_list_of_objects_and_a_later_block_is_not_counted(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingestion.load.load.READ_CHARACTERS", 1_000)
    monkeypatch.setattr("ingestion.formats.base.BLOCK_BYTES", 5_000)
    lake.land(DOSSIERS, "a.ndjson", dossiers("NgayNop", 300))
    (row,) = lake.load(DOSSIERS)
    assert (row.status.value, row.pieces, row.received, row.quarantined) == ("unreadable", 1, 1, 1)
    assert [change.told() for change in row.changes] == ["renamed NgayNopHoSo to (a name of 7 characters)"]
    assert lake.query("select count(*) from lake.bronze.public_services__dossiers") == [(0,)]
