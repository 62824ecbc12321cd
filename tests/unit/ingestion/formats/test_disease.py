"""The three forms of the disease feed: periods of the calendar, defaults of a set, dates as people write them, foreign documents."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

from core.contract import find_contract
from core.errors import DeliveryError
from core.reference import Reference
from ingestion.load.checks import check

FEED = "health.disease_cases"
HEADER = "ma_ca,icd10,ngay_khoi_phat,ngay_bao_cao,ma_xa,tuoi,gioi,phan_loai,ket_qua"
GOOD_CASE = {
    "ma_ca": "C1",
    "icd10": "A91",
    "ngay_khoi_phat": "2026-11-18",
    "ngay_bao_cao": "2026-11-19 08:00",
    "ma_xa": "19753",
    "tuoi": "34",
    "gioi": "2",
    "phan_loai": "xac_dinh",
    "ket_qua": "khoi",
}
GOOD_VALUE = {"dataElement": "A91_MAC", "period": "2026W46", "orgUnit": "19753", "value": "12"}
DENGUE_HEADER = (
    "adm_0_name,adm_1_name,ISO_A0,calendar_start_date,calendar_end_date,dengue_total,"
    "case_definition_standardised,S_res,T_res,UUID"
)
NOON = datetime(2026, 11, 20, 5, tzinfo=UTC)

Read = Callable[..., Any]


def values(*changes: dict[str, object], **header: object) -> bytes:
    return json.dumps({**header, "dataValues": [{**GOOD_VALUE, **change} for change in changes]}).encode()


def cases(*changes: dict[str, str]) -> bytes:
    return "\n".join([HEADER, *(",".join({**GOOD_CASE, **change}.values()) for change in changes)]).encode()


def verdicts(read: Read, content: bytes) -> list[tuple[str, int] | None]:
    """Judge what a delivery holds, received at noon of 20 November 2026; None passes."""
    records = read("table", FEED, content).reading.records
    checked = check(records.with_columns(pl.lit(NOON).alias("received_at")), find_contract(FEED), Reference())
    failed = {row["_position"]: (row["reason"], row["error_group"]) for row in checked.failed.iter_rows(named=True)}
    return [failed.get(position) for position in records["_position"]]


@pytest.mark.parametrize(
    ("period", "kind", "start", "end"),
    [
        ("2026W47", "week", date(2026, 11, 16), date(2026, 11, 22)),
        ("2026W1", "week", date(2025, 12, 29), date(2026, 1, 4)),
        ("2026W01", "week", date(2025, 12, 29), date(2026, 1, 4)),
        ("2020W53", "week", date(2020, 12, 28), date(2021, 1, 3)),
        ("2021W52", "week", date(2021, 12, 27), date(2022, 1, 2)),
        ("2026W53", "week", date(2026, 12, 28), date(2027, 1, 3)),
        ("2025W53", "week", None, None),
        ("2026W0", "week", None, None),
        ("2026W60", "week", None, None),
        ("202402", "month", date(2024, 2, 1), date(2024, 2, 29)),
        ("202413", "month", None, None),
        ("2024", "year", date(2024, 1, 1), date(2024, 12, 31)),
        ("20240229", "day", date(2024, 2, 29), date(2024, 2, 29)),
        ("20230229", "day", None, None),
        ("2026SunW3", None, None, None),
        ("2026Q4", None, None, None),
    ],
)
def test_a_period_is_the_days_of_the_calendar(
    read: Read, period: str, kind: str | None, start: date | None, end: date | None
) -> None:
    row = read("table", FEED, values({"period": period})).rows[0]
    assert (row["period"], row.get("period_kind"), row.get("period_start"), row.get("period_end")) == (
        period,
        kind,
        start and str(start),
        end and str(end),
    )


def test_what_stands_beside_the_values_holds_for_those_without_their_own(read: Read) -> None:
    content = json.dumps(
        {
            "period": "2026W46",
            "orgUnit": "19753",
            "completeDate": "2026-11-16T08:00:00.000+0700",
            "dataValues": [{"dataElement": "A91_TV", "value": 0}, {**GOOD_VALUE, "orgUnit": "19789"}],
        }
    ).encode()
    rows = read("table", FEED, content).rows
    told = [(row["commune_code"], row["measure_code"], row["person_count"], row["reported_at"]) for row in rows]
    assert told == [
        ("19753", "TV", "0", "2026-11-16T08:00:00.000+07:00"),
        ("19789", "MAC", "12", "2026-11-16T08:00:00.000+07:00"),
    ]


def test_another_spelling_of_a_week_is_the_same_series(read: Read) -> None:
    rows = read("table", FEED, values({"period": "2026W5"}, {"period": "2026W05"})).rows
    assert rows[0]["record_code"] == rows[1]["record_code"]


@pytest.mark.parametrize(
    "content",
    [
        b'{"organisationUnits": [{"name": "Adonkia CHP", "id": "Rp268JB6Ne4"}]}',
        b'{"headers": [], "rows": [["a", "2024", "5"]]}',
        b'[{"dataElement": "A91_MAC"}]',
        b'{"dataValues": {"dataElement": "A91_MAC"}}',
        b'{"dataValues": [], "dataValues": [{}]}',
    ],
)
def test_another_document_is_refused_by_name(read: Read, content: bytes) -> None:
    with pytest.raises(DeliveryError, match="one list dataValues") as caught:
        read("table", FEED, content)
    assert caught.value.values["reason"] == "no_list"


def test_csv_of_another_feed_is_refused_for_its_header(read: Read) -> None:
    with pytest.raises(DeliveryError, match="ma_ca") as caught:
        read("table", FEED, b"station_id,value\nG1,2\n")
    assert caught.value.values["reason"] == "missing_column"


def test_elements_that_are_no_values_are_unreadable_and_their_siblings_are_read(read: Read) -> None:
    delivered = read(
        "table",
        FEED,
        b'{"dataValues": [7, {"dataElement": ["A91"]}, {"dataElement": "A91_MAC", "deleted": true}, {}]}',
    )
    assert delivered.reasons == [(2, "not_a_value", 4), (3, "dataElement_no_text", 4), (4, "deleted_value", 4)]
    assert len(delivered.rows) == 1


def test_a_day_is_read_day_first_and_a_date_is_its_local_midnight(read: Read) -> None:
    content = cases(
        {"ngay_khoi_phat": "03/11/2026", "ngay_bao_cao": "04/11/2026 07:30"},
        {"ngay_khoi_phat": "2026-11-03T23:30:00Z"},
    )
    rows = read("table", FEED, content).rows
    assert [(row["onset_at"], row["period_start"]) for row in rows] == [
        ("2026-11-03T00:00:00+07:00", "2026-11-03"),
        ("2026-11-03T23:30:00Z", "2026-11-04"),
    ]
    assert rows[0]["event_at"] == "2026-11-04T07:30:00+07:00"


def test_the_day_of_the_diagnosis_is_read_where_a_form_tells_it(read: Read) -> None:
    lines = cases({}, {}, {}).decode().splitlines()
    told = ["ngay_chan_doan", "19/11/2026", "2026-11-19 07:00", ""]
    rows = read("table", FEED, "\n".join(map(",".join, zip(lines, told, strict=True))).encode()).rows
    assert [row.get("diagnosed_at") for row in rows] == ["2026-11-19T00:00:00+07:00", "2026-11-19T07:00:00+07:00", None]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, None),
        ({"ma_ca": ""}, ("record_code_required", 1)),
        ({"icd10": "Z99"}, ("disease_code_reference", 5)),
        ({"ma_xa": "99999"}, ("commune_code_reference", 5)),
        ({"ma_xa": "4828"}, ("commune_code_reference", 5)),
        ({"ma_xa": ""}, ("place_is_given", 1)),
        ({"ngay_khoi_phat": "2026-11-20", "ngay_bao_cao": "2026-11-19 08:00"}, ("onset_before_report", 6)),
        ({"ngay_bao_cao": "2036-11-19 08:00"}, ("not_from_the_future", 6)),
        ({"ngay_bao_cao": "11/19/2026 08:00"}, ("reported_at_format", 4)),
        ({"ngay_bao_cao": "2026-11-19"}, ("reported_at_format", 4)),
        ({"ngay_khoi_phat": ""}, ("case_has_onset_and_report", 1)),
        ({"phan_loai": ""}, ("case_is_classified", 1)),
        ({"phan_loai": "maybe"}, ("classification_code_allowed", 5)),
        ({"tuoi": "121"}, ("age_years_range", 2)),
        ({"tuoi": "-1"}, ("age_years_range", 2)),
        ({"tuoi": "120", "gioi": "", "ket_qua": ""}, None),
        ({"gioi": "9"}, ("sex_code_allowed", 5)),
    ],
)
def test_a_case_is_judged(read: Read, change: dict[str, str], expected: tuple[str, int] | None) -> None:
    assert verdicts(read, cases(change)) == [expected]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, None),
        ({"value": 0}, None),
        ({"value": -1}, ("person_count_range", 2)),
        ({"value": "1.5"}, ("person_count_format", 4)),
        ({"value": None}, ("person_count_required", 1)),
        ({"dataElement": "Z99_MAC"}, ("disease_code_reference", 5)),
        ({"dataElement": "A91_HOPE"}, ("measure_code_reference", 5)),
        ({"dataElement": "A91"}, ("measure_code_required", 1)),
        ({"orgUnit": "DiszpKrYNg8"}, ("commune_code_reference", 5)),
        ({"orgUnit": None}, ("place_is_given", 1)),
        ({"period": None}, ("count_has_a_period", 1)),
        ({"period": "2025W53"}, ("period_exists", 2)),
        ({"period": "2026SunW3"}, ("period_pattern", 4)),
        ({"period": "2026W47"}, ("not_from_the_future", 6)),
        ({"lastUpdated": "2026-11-16T08:00:00.000"}, ("reported_at_format", 4)),
    ],
)
def test_a_count_is_judged(read: Read, change: dict[str, object], expected: tuple[str, int] | None) -> None:
    assert verdicts(read, values(change)) == [expected]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("VIET NAM,NA,VNM,1960-01-01,1960-12-31,100,Total,Admin0,Year,T-1", None),
        ("VIET NAM,HUE,VNM,2018-01-01,2018-01-31,0,Total,Admin1,Month,T-1", None),
        ("VIET NAM,NA,VNM,2018-12-30,2019-01-05,9,Total,Admin0,Week,T-1", None),
        ("LAOS,NA,LAO,2018-01-01,2018-01-31,9,Total,Admin0,Month,T-1", ("country_code_allowed", 5)),
        ("VIET NAM,NA,VNM,2018-01-01,2018-01-30,9,Total,Admin0,Month,T-1", ("period_is_as_long_as_its_kind", 6)),
        ("VIET NAM,NA,VNM,2018-01-01,2018-01-06,9,Total,Admin0,Week,T-1", ("period_is_as_long_as_its_kind", 6)),
        ("VIET NAM,NA,VNM,2018-02-01,2019-01-31,9,Total,Admin0,Year,T-1", ("period_is_as_long_as_its_kind", 6)),
        ("VIET NAM,NA,VNM,2018-02-30,2018-02-31,9,Total,Admin0,Month,T-1", ("period_exists", 2)),
        ("VIET NAM,HUE,VNM,2018-01-01,2018-01-31,0,Total,Admin2,Month,T-1", ("place_level_allowed", 5)),
        ("VIET NAM,HUE,VNM,2018-01-01,2018-01-31,NA,Total,Admin1,Month,T-1", ("person_count_required", 1)),
        ("VIET NAM,HUE,VNM,2018-01-01,2018-01-31,4,Total,Admin1,NA,T-1", ("count_has_a_period", 1)),
    ],
)
def test_an_opendengue_count_is_judged(read: Read, line: str, expected: tuple[str, int] | None) -> None:
    assert verdicts(read, f"{DENGUE_HEADER}\n{line}\n".encode()) == [expected]


def test_every_real_opendengue_row_is_read_at_its_own_resolution(
    read: Read, samples: Callable[[str], list[bytes]]
) -> None:
    [content] = samples("health/opendengue_vietnam_*.csv")
    delivered = read("table", FEED, content)
    records = delivered.reading.records
    assert (records.height, delivered.reasons, delivered.skipped) == (12_687, [], {"header": 1})
    assert dict(records.group_by("period_kind").len().rows()) == {"month": 12_348, "week": 285, "year": 54}
    assert records["record_code"].n_unique() == 12_687
    assert set(verdicts(read, content)) == {None}
    weeks = records.filter(pl.col("period_kind") == "week")
    assert set(weeks["period_start"].str.to_date().dt.weekday()) == {7}, (
        "epidemiological weeks begin on Sunday and are no ISO weeks"
    )


def test_real_dhis2_answers_are_read_or_refused_with_a_reason(
    read: Read, samples: Callable[[str], list[bytes]]
) -> None:
    [sent] = samples("health/dhis2_40_dataValueSets_*.json")
    delivered = read("table", FEED, sent)
    assert (delivered.pieces, len(delivered.rows), delivered.skipped) == ({0: 5}, 4, {"header": 1})
    assert verdicts(read, sent) == [("disease_code_reference", 5)] * 4
    others = [*samples("health/dhis2_*_analytics_*.json"), *samples("health/dhis2_*_organisationUnits_*.json")]
    assert len(others) == 9
    for content in others:
        with pytest.raises(DeliveryError, match="one list dataValues"):
            read("table", FEED, content)
