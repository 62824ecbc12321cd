"""Separated files: columns by name, rows by line."""

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from core.errors import DeliveryError
from ingestion.formats import csv, lines

Read = Callable[..., Any]
FEED = "environment.river_levels"
HEADER = b"station_id,timestamp,value\n"
ROW = {"gauge_id": "G1", "measured_at": "2026-11-20T01:00:00Z", "level_m": "0.5"}


@pytest.mark.parametrize(
    "content",
    [
        HEADER + b"G1,2026-11-20T01:00:00Z,0.5\n",
        b"value;station_id;timestamp\n0.5;G1;2026-11-20T01:00:00Z\n",
        b"value\tstation_id\ttimestamp\n0.5\tG1\t2026-11-20T01:00:00Z\n",
        b"\xef\xbb\xbf\r\n Station_ID , TIMESTAMP,remark,value\r\nG1,2026-11-20T01:00:00Z,dropped,0.5\r\n",
        b'"station_id","timestamp","value"\n"G1","2026-11-20T01:00:00Z","0.5"\n',
    ],
)
def test_columns_are_found_by_name_whatever_the_separator(content: bytes, read: Read) -> None:
    assert read("table", FEED, content).rows == [ROW]


def test_a_decimal_comma_survives_a_semicolon(read: Read) -> None:
    assert read("table", FEED, b"station_id;timestamp;value\nG1;t;0,5\n").rows[0]["level_m"] == "0,5"


def test_quotes_hold_separators_and_quotes_but_no_newline(read: Read) -> None:
    delivered = read("table", FEED, HEADER + b'"a, ""b""",t,1\n"a\nb",t,2\nG"4,t,3\n,,\n')
    assert delivered.rows == [
        {"gauge_id": 'a, "b"', "measured_at": "t", "level_m": "1"},
        {},
    ]
    assert delivered.reasons == [(3, "broken_quotes", 4), (4, "broken_quotes", 4), (5, "broken_quotes", 4)]


def test_rows_of_another_width_are_unreadable_and_headers_skipped(read: Read) -> None:
    content = HEADER + b"G1,t\nG1,t,1,\nStation_id,timestamp,VALUE\n\nG1,t,1\n"
    delivered = read("table", FEED, content)
    assert delivered.reasons == [(2, "wrong_column_count", 4), (3, "wrong_column_count", 4)]
    assert delivered.skipped == {"blank_line": 1, "header": 2}
    assert delivered.reading.records["_position"].to_list() == [6]


def test_a_header_of_too_many_columns_is_refused_and_its_siblings_are_named_no_fault(read: Read) -> None:
    wide = HEADER.strip() + b",x" * 1_998 + b"\n"
    with pytest.raises(DeliveryError, match="expected up to 2000 columns, got 2001") as caught:
        read("table", FEED, HEADER, wide)
    assert (caught.value.values["reason"], caught.value.values["delivery"]) == ("too_many_columns", 1)
    assert read("table", FEED, wide.replace(b",x", b"", 1)).rows == []


@pytest.mark.parametrize("row", [b"," * 100_000, b'"",' * 100_000], ids=["plain", "quoted"])
def test_a_row_of_too_many_fields_is_unreadable_and_not_laid_out(
    row: bytes, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    laid_out: list[int] = []
    as_unreadable = lines.as_unreadable

    def look(rows: pl.DataFrame) -> pl.DataFrame:
        if "fields" in rows.columns:
            laid_out.extend(rows["fields"].list.len().to_list())
        return as_unreadable(rows)

    monkeypatch.setattr(csv, "as_unreadable", look)
    delivered = read("table", FEED, HEADER + row + b"\nG1,t,1\n")
    assert delivered.reasons == [(2, "wrong_column_count", 4)]
    assert len(delivered.rows) == 1
    assert laid_out == [0]


def test_a_missing_column_names_what_was_promised_and_what_came(read: Read) -> None:
    with pytest.raises(
        DeliveryError, match=r"timestamp, value, status, got 2 columns \(timestamp, value missing\)"
    ) as caught:
        read("table", FEED, HEADER, b"station_id,level\nG1,1\n")
    values = caught.value.values
    assert (values["reason"], values["delivery"], values["missing"]) == ("missing_column", 1, ["timestamp", "value"])
    assert values["found"] == ["station_id", "level"]


def test_a_column_that_stands_twice_is_refused(read: Read) -> None:
    with pytest.raises(DeliveryError, match="value twice") as caught:
        read("table", FEED, b"station_id,timestamp,value,Value\n")
    assert caught.value.values["reason"] == "column_twice"


def test_203_polls_of_a_river_are_602_rows_of_541_measurements(
    read: Read, samples: Callable[[str], list[bytes]]
) -> None:
    polls = samples("environment/river_ea/*.csv")
    delivered = read("table", FEED, *polls)
    assert len(polls) == 203
    assert len(delivered.rows) == 602
    assert len({(row["gauge_id"], row["measured_at"]) for row in delivered.rows}) == 541
    assert delivered.reasons == []
    assert delivered.skipped == {"header": 203}
    assert delivered.rows[0] == {
        "gauge_id": "L1602",
        "gauge_name": "Apperley Bridge",
        "river_name": "River Aire",
        "measured_at": "2025-11-05T00:30:00Z",
        "level_m": "0.566",
        "trend_code": "dropping",
    }
