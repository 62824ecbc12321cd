"""The files of the diseases hold what the truth says: a naive reader finds it, and every fault beside it."""

import csv
import json
from collections import Counter
from datetime import UTC, date, datetime

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from core.settings import PROJECT
from simulator.city import SimulatedDay
from simulator.faults import DEMO_FAULTS, DISEASES

KNOWN = {"A91", "B05"}


@pytest.fixture(scope="module")
def communes() -> set[str]:
    return set(pl.read_csv(PROJECT / "dbt_project" / "seeds" / "communes.csv", infer_schema=False)["commune_code"])


def test_a_naive_reader_of_the_data_values_finds_the_true_counts(faulty_day: SimulatedDay, communes: set[str]) -> None:
    found: dict[tuple[str, str, str, date], int] = {}
    refused = 0
    for path in sorted((faulty_day.folder / "disease").glob("*.json")):
        for value in json.loads(path.read_text())["dataValues"]:
            disease, measure = value["dataElement"].split("_")
            year, week = map(int, value["period"].split("W"))
            persons = int(value.get("value", -1))
            if persons < 0 or disease not in KNOWN or value["orgUnit"] not in communes or (year, week) == (2025, 53):
                refused += 1
            else:
                found.setdefault((disease, measure, value["orgUnit"], date.fromisocalendar(year, week, 1)), persons)
    truth = faulty_day.truth["disease_counts"]
    rows = [(*key, persons) for key, persons in found.items()]
    assert_frame_equal(pl.DataFrame(rows, schema=truth.schema, orient="row"), truth, check_row_order=False)
    assert refused > 0
    assert {date(2026, 10, 26), date(2021, 1, 4)} <= set(truth["week_start_date"])
    newest = truth.group_by("commune_code").agg(pl.col("week_start_date").max())["week_start_date"].value_counts()
    assert sorted(newest.rows()) == [(date(2026, 10, 26), 2), (date(2026, 11, 9), 38)], "two communes are late"
    assert 0 in truth["persons"]


def test_a_naive_reader_of_the_case_files_finds_the_true_lines(faulty_day: SimulatedDay, communes: set[str]) -> None:
    found: dict[tuple[str, datetime], tuple[object, ...]] = {}
    for path in sorted((faulty_day.folder / "disease").glob("cases_*.csv")):
        for row in csv.DictReader(path.read_text().splitlines()):
            if row["ket_qua"] is None or row["icd10"] not in KNOWN or row["ma_xa"] not in communes:
                continue
            reported_at, onset = datetime.fromisoformat(row["ngay_bao_cao"]), date.fromisoformat(row["ngay_khoi_phat"])
            if onset <= reported_at.date() and reported_at < faulty_day.ends_at:
                key = row["ma_ca"], reported_at.astimezone(UTC)
                told = (row["icd10"], onset, *key[1:], row["ma_xa"], int(row["tuoi"]), row["phan_loai"], row["ket_qua"])
                found.setdefault(key, told)
    truth = faulty_day.truth["disease_case_lines"]
    rows = [(code, *rest) for (code, _), rest in found.items()]
    assert_frame_equal(pl.DataFrame(rows, schema=truth.schema, orient="row"), truth, check_row_order=False)


def test_a_good_day_has_one_line_for_each_version_and_no_fault(good_day: SimulatedDay) -> None:
    lines = good_day.truth["disease_case_lines"]
    texts = [path.read_text().splitlines() for path in (good_day.folder / "disease").glob("cases_*.csv")]
    codes = Counter(row["ma_ca"] for part in texts for row in csv.DictReader(part))
    assert codes == Counter(lines["case_code"].to_list())
    assert lines.group_by("case_code").len()["len"].max() == 2


def test_years_of_the_extract_are_the_sums_of_their_months(good_day: SimulatedDay) -> None:
    published = good_day.truth["disease_published"].filter(pl.col("place_level") == "province")
    sums = published.group_by(pl.col("period_start_date").dt.year(), "period_kind").agg(pl.col("cases").sum())
    wide = sums.pivot("period_kind", index="period_start_date", values="cases")
    assert wide.height == 5
    assert (wide["month"] == wide["year"]).all()


def test_every_fault_of_the_feed_is_written_down(faulty_day: SimulatedDay) -> None:
    noted = faulty_day.truth["faults"].filter(pl.col("feed") == DISEASES).group_by("fault").len().rows()
    assert dict(noted) == {fault.value: count for fault, count in DEMO_FAULTS.of(DISEASES)}
