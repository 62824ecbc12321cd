"""The area files of NASA FIRMS: VIIRS and MODIS have different headers, and times without leading zeros."""

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime

import polars as pl
import pytest

from core.contract import find_contract
from core.reference import Reference
from ingestion.load.checks import check
from tests.unit.ingestion.formats.conftest import Read

FEED = "forest.hotspots"
MODIS = (
    "latitude,longitude,brightness,scan,track,acq_date,acq_time,satellite,instrument,confidence,version,bright_t31,frp,daynight\n"
    "16.1,107.5,313,1,1,2026-04-18,5,Terra,MODIS,0,6.1NRT,297.3,6.6,N\n"
    "16.2,107.5,313,1,1,2026-04-18,730,Aqua,MODIS,100,6.1NRT,297.3,6.6,D\n"
    "16.2,107.5,313,1,1,2026-04-18,730,Aqua,MODIS,101,6.2NRT,297.3,6.6,D\n"
    "16.3,107.5,313,1,1,2026-04-18,2460,Aqua,MODIS,50,6.1NRT,297.3,6.6,D\n"
)


def checked(records: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    received = pl.lit(datetime(2026, 4, 20, tzinfo=UTC)).cast(pl.Datetime("us", "UTC")).alias("received_at")
    result = check(records.with_columns(received), find_contract(FEED), Reference())
    return result.passed, result.failed


def test_modis_says_in_percent_how_sure_it_is(read: Read) -> None:
    passed, failed = checked(read("table", FEED, MODIS.encode()).reading.records)
    assert passed.select(
        "acquired_at", "satellite", "confidence_code", "confidence_percent", "background_k"
    ).rows() == [
        (datetime(2026, 4, 18, 0, 5, tzinfo=UTC), "Terra", None, 0, 297.3),
        (datetime(2026, 4, 18, 7, 30, tzinfo=UTC), "Aqua", None, 100, 297.3),
    ]
    assert failed.select("_position", "reason").rows() == [(4, "confidence_percent_range"), (5, "acquired_at_format")]


def test_every_record_of_a_real_file_is_read_as_it_stands_there(
    read: Read, samples: Callable[[str], list[bytes]]
) -> None:
    files = samples("fire/firms_modis_*.csv")
    if not files:
        pytest.skip("the real samples of FIRMS are not on this machine")
    for content in files:
        delivered = read("table", FEED, content)
        passed, failed = checked(delivered.reading.records)
        meant = [
            (
                float(row["latitude"]),
                float(row["longitude"]),
                datetime.strptime(f"{row['acq_date']} {row['acq_time'].zfill(4)} +0000", "%Y-%m-%d %H%M %z"),
                row["satellite"],
                row["version"],
                row["instrument"],
                None,
                int(row["confidence"]),
                float(row["brightness"]),
                float(row["bright_t31"]),
                float(row["frp"]),
                row["daynight"],
            )
            for row in csv.DictReader(io.StringIO(content.decode()))
        ]
        assert len(meant) == content.count(b"\n") - 1 > 36_000
        assert (delivered.reasons, delivered.skipped) == ([], {"header": 1})
        assert failed.is_empty()
        assert passed.select(find_contract(FEED).column_names).rows() == meant
