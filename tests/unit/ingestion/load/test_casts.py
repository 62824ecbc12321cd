"""Times on the wire: each form that a contract declares, and what looks like a time and is not one."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from core.contract import DATE_PARTS, ISO, Column, read_contracts
from core.reference import Reference
from ingestion.load.casts import cast, dates_in_text
from ingestion.load.checks import check

COLUMNS = {
    (column.logical_type, column.timestamp_format, column.timestamp_zone): column
    for contract in read_contracts().values()
    for column in contract.columns
    if column.timestamp_format is not None
}
"""One column of each form of a time that some contract declares."""
TIMES = [column for column in COLUMNS.values() if column.logical_type == "timestamp"]
TEXTS = [column for column in COLUMNS.values() if column.logical_type == "string"]


def written(column: Column, time: str) -> str:
    """Write a local time `HH:mm:ss` of 20 November 2026 as the column's contract declares it."""
    if column.timestamp_format == ISO:
        return f"2026-11-20T{time}+07:00"
    text = column.timestamp_format or ""
    for part, value in zip(DATE_PARTS, ("2026", "11", "20", *time.split(":")), strict=True):
        text = text.replace(part, value)
    return text


def read(column: Column, *texts: str) -> list[datetime | None]:
    """Cast texts from the wire."""
    frame = pl.DataFrame({"text": texts})
    return frame.select(cast(pl.col("text"), column, pl.String(), is_tidy=True))["text"].to_list()


@pytest.mark.parametrize("column", TIMES, ids=lambda column: f"{column.timestamp_format} {column.timestamp_zone}")
def test_no_form_of_a_time_rolls_into_the_next_minute_or_day(column: Column) -> None:
    told = column.timestamp_format or ""
    has_time, has_seconds = (told == ISO or part in told for part in ("HH", "ss"))
    good = ["09:59:59", "00:00:00", "23:59:59"] if has_seconds else ["09:59:00", "00:00:00", "23:59:00"]
    bad = ["24:00:00", "09:60:00"] if has_time else []
    bad += ["09:59:60", "23:59:60", "09:59:61", "09:59:99"] if has_seconds else []
    moments = read(column, *(written(column, time) for time in good))
    ahead = timedelta(hours=0 if column.timestamp_zone == "UTC" else 7)
    assert [f"{moment + ahead:%Y-%m-%d %H:%M:%S}" for moment in moments if moment] == (
        [f"2026-11-20 {time}" for time in good] if has_time else ["2026-11-20 00:00:00"] * 3
    )
    assert read(column, *(written(column, time) for time in bad)) == [None] * len(bad)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-20T09:59:60Z",
        "2026-11-20T09:59:60.5Z",
        "2026-11-20T23:59:60+07:00",
        "2026-11-20 09:59:60 +07:00",
        "2026-11-20t09:59: 60z",
        "2026-12-31T23:59:60Z",
    ],
)
def test_a_leap_second_is_no_time_in_any_spelling_of_iso_8601(text: str) -> None:
    (column,) = [column for column in TIMES if column.timestamp_format == ISO]
    assert read(column, text, text.replace("60", "59"))[0] is None
    assert read(column, text.replace("60", "59"))[0] is not None


@pytest.mark.parametrize("column", TEXTS, ids=lambda column: column.name)
def test_a_date_in_a_text_does_not_roll_either(column: Column) -> None:
    good, bad = written(column, "09:59:59"), written(column, "09:59:60")
    frame = pl.DataFrame({"text": [good, bad, f"{good}/{bad}"]})
    assert frame.select(dates_in_text(pl.col("text"), column))["text"].to_list() == [True, False, False]


def test_the_forms_of_the_contracts_are_all_here() -> None:
    assert {ISO, "yyyyMMddHHmmss", "yyyyMMddHHmm"} <= {column.timestamp_format for column in TIMES}
    assert {column.timestamp_format for column in TEXTS} == {"yyyyMMddHHmmss"}


def test_a_reading_of_second_60_is_refused_and_the_true_one_beside_it_stays() -> None:
    times = ["20261120095960", "20261120100000", "20261120100060", "20261120100000"]
    records = pl.DataFrame(
        {
            "_delivery": [0] * 4,
            "_position": [1, 2, 3, 4],
            "_raw": ["raw"] * 4,
            "_record_count": [1] * 4,
            "received_at": [datetime(2026, 11, 20, 3, 1, tzinfo=UTC)] * 4,
            "station_id": ["46_KK02"] * 4,
            "parameter_code": ["NO2", "NO2", "SO2", "O3"],
            "value": ["24.0", "31.0", "12.0", "40.0"],
            "unit": ["ug/m3"] * 4,
            "measured_at": times,
            "status_code": ["00"] * 4,
        }
    )
    checked = check(records, read_contracts()["environment.station_readings"], Reference())
    assert checked.passed.select("parameter_code", "value", "measured_at").rows() == [
        ("NO2", 31.0, datetime(2026, 11, 20, 3, tzinfo=UTC)),
        ("O3", 40.0, datetime(2026, 11, 20, 3, tzinfo=UTC)),
    ]
    assert checked.failed.select("_position", "reason", "error_group").rows() == [
        (1, "measured_at_format", 4),
        (3, "measured_at_format", 4),
    ]
