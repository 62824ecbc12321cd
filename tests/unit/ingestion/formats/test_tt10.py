"""Station files: circular TT 10/2021, annex 15."""

from collections.abc import Callable
from typing import Any

import pytest

from core.errors import DeliveryError

Read = Callable[..., Any]
FEED = "environment.station_readings"
NAME = "46_KCN1_KK01_20261120080500.txt"


@pytest.mark.parametrize(
    ("name", "station"),
    [
        (NAME, "46_KCN1_KK01"),
        ("outbox/2026/KK02_20261120080500.TXT", "KK02"),
        ("46_20261120080000_20261120080500.txt", "46_20261120080000"),
    ],
)
def test_the_station_stands_in_the_name(name: str, station: str, read: Read) -> None:
    assert read("tt10", FEED, b"NO2\t24.0\tug/m3\t20261120080500\t00\r\n", names=[name]).rows == [
        {
            "station_id": station,
            "parameter_code": "NO2",
            "measured_at": "20261120080500",
            "value": "24.0",
            "unit": "ug/m3",
            "status_code": "00",
        }
    ]


@pytest.mark.parametrize(
    "name", ["readings.txt", "KK01_2026112008050.txt", "KK01_20261120080500.csv", "_20261120080500.txt"]
)
def test_a_name_without_station_refuses_the_file(name: str, read: Read) -> None:
    with pytest.raises(DeliveryError, match=r"<station>_<yyyymmddhhmmss>\.txt") as caught:
        read("tt10", FEED, b"", names=[name])
    assert caught.value.values["reason"] == "file_name_without_station"


@pytest.mark.parametrize("symbol", ["PM2,5", "PM25", "PM2.5"])
def test_the_three_spellings_of_fine_dust_become_one(symbol: str, read: Read) -> None:
    content = f"{symbol}\t38.1\tug/m3\t20261120080500\t00\nPM\t1\tug/m3\t20261120080500\t00".encode()
    assert [row["parameter_code"] for row in read("tt10", FEED, content, names=[NAME]).rows] == ["PM2.5", "PM"]


def test_a_line_needs_exactly_five_fields(read: Read) -> None:
    content = b"a\tb\tc\td\na\tb\tc\td\te\na\tb\tc\td\te\tf\n  \n\t\t\t\t\n"
    delivered = read("tt10", FEED, content, names=[NAME])
    assert delivered.reasons == [(1, "wrong_column_count", 4), (3, "wrong_column_count", 4)]
    assert delivered.skipped == {"blank_line": 1}
    assert delivered.rows[1] == {"station_id": "46_KCN1_KK01"}, "fields present but empty are null"
    assert delivered.reading.records["_position"].to_list() == [2, 5]
