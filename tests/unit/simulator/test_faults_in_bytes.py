"""Each recorded fault is really in the bytes, and a naive reader of the bytes finds the truth."""

import csv
import json
import re
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from core.settings import PROJECT
from simulator.city import SimulatedDay
from simulator.faults import (
    ACCIDENTS,
    AIS,
    ALERTS,
    CALLS,
    CLAIMS,
    CLOSURES,
    DEMO_FAULTS,
    DOSSIERS,
    FEEDBACK,
    FLOWS,
    INCIDENTS,
    INDICATORS,
    PRESS,
    RAIN,
    RATINGS,
    READINGS,
    REGISTRY,
    RESERVOIRS,
    RIVERS,
    SLOPES,
    VMS,
    WARNINGS,
    FaultKind,
)

SEEDS = PROJECT / "dbt_project" / "seeds"
FOLDERS = {READINGS: "environment", RIVERS: "river_levels", FEEDBACK: "feedback", VMS: "vms", AIS: "ais"}


def lines_of(content: bytes) -> list[str]:
    return content.decode("utf-8-sig", errors="backslashreplace").splitlines()


def fields_of(content: bytes) -> list[list[str]]:
    return [line.split("\t") for line in lines_of(content)]


def is_repeated(items: list[str]) -> bool:
    return max(Counter(items).values()) > 1


def keys_differ(content: bytes) -> bool:
    keys = Counter((row[0], row[3]) for row in fields_of(content) if len(row) == 5)
    return max(keys.values()) > 1 and not is_repeated(lines_of(content))


READING_SIGNS: dict[FaultKind, Callable[[bytes], bool]] = {
    FaultKind.LATE: lambda content: len({row[3] for row in fields_of(content)}) == 2,
    FaultKind.DUPLICATE: lambda content: is_repeated(lines_of(content)),
    FaultKind.DUPLICATE_FILE: lambda content: len(content) > 100,
    FaultKind.CONFLICT: keys_differ,
    FaultKind.MALFORMED: lambda content: 4 in {len(row) for row in fields_of(content)},
    FaultKind.TRUNCATED: lambda content: not content.endswith(b"\n") and len(fields_of(content)[-1]) == 2,
    FaultKind.WRONG_ENCODING: lambda content: b"\xb5g/m3" in content.replace(b"\xc2\xb5", b""),
    FaultKind.EMPTY_FILE: lambda content: content == b"",
    FaultKind.WRONG_UNIT: lambda content: any(row[0] == "PM10" and row[2] == "mg/m3" for row in fields_of(content)),
    FaultKind.OUT_OF_RANGE: lambda content: any(row[1].startswith("-") for row in fields_of(content)),
    FaultKind.UNKNOWN_CODE: lambda content: len(content) > 100,
    FaultKind.UNKNOWN_PARAMETER: lambda content: b"XX9\t" in content,
    FaultKind.UNKNOWN_UNIT: lambda content: b"\tppb\t" in content,
    FaultKind.FUTURE_TIME: lambda content: b"\t2036" in content,
    FaultKind.STUCK_SENSOR: lambda content: len(content) > 100,
}


def noted(day: SimulatedDay, feed: str) -> list[tuple[FaultKind, str, datetime, str]]:
    rows = (
        day.truth["faults"]
        .filter(pl.col("feed") == feed)
        .select("fault", "object_id", "event_at", "source_name")
        .rows()
    )
    return [(FaultKind(fault), object_id, event_at, name) for fault, object_id, event_at, name in rows]


@pytest.mark.parametrize("fault", [fault for feed, fault, _ in DEMO_FAULTS.counts if feed == READINGS])
def test_each_fault_of_the_stations_is_in_the_file_that_is_named(fault: FaultKind, faulty_day: SimulatedDay) -> None:
    names = [name for kind, _, _, name in noted(faulty_day, READINGS) if kind == fault]
    folder = faulty_day.folder / "environment"
    if fault == FaultKind.MISSING_SLOT:
        assert [name for name in names if (folder / name).exists()] == []
    else:
        assert [name for name in names if not READING_SIGNS[fault]((folder / name).read_bytes())] == []


def test_no_sign_of_a_fault_shows_on_a_good_day(good_day: SimulatedDay) -> None:
    harmless = {FaultKind.DUPLICATE_FILE, FaultKind.UNKNOWN_CODE, FaultKind.STUCK_SENSOR}
    signs = [sign for fault, sign in READING_SIGNS.items() if fault not in harmless]
    contents = [path.read_bytes() for path in (good_day.folder / "environment").iterdir()]
    assert [content for content in contents for sign in signs if sign(content)] == []


def test_duplicate_files_are_the_bytes_of_another_file(faulty_day: SimulatedDay) -> None:
    contents = Counter(path.read_bytes() for path in (faulty_day.folder / "environment").iterdir())
    names = [name for kind, _, _, name in noted(faulty_day, READINGS) if kind == FaultKind.DUPLICATE_FILE]
    assert [contents[(faulty_day.folder / "environment" / name).read_bytes()] for name in names] == [2] * 6


def test_a_naive_reader_of_the_station_files_finds_the_true_readings(faulty_day: SimulatedDay) -> None:
    stations = set(pl.read_csv(SEEDS / "stations.csv", infer_schema=False)["station_id"])
    limits = {
        row["parameter_code"]: (float(row["minimum_value"]), float(row["maximum_value"]))
        for row in pl.read_csv(SEEDS / "parameters.csv", infer_schema=False).iter_rows(named=True)
    }
    units = {
        row["unit"]: float(row["factor"])
        for row in pl.read_csv(SEEDS / "units.csv", infer_schema=False).iter_rows(named=True)
    }
    found: dict[tuple[str, str, datetime], tuple[object, ...]] = {}
    for path in sorted((faulty_day.folder / "environment").iterdir()):
        station = path.stem.rsplit("_", 1)[0]
        for row in fields_of(path.read_bytes()):
            if len(row) != 5 or station not in stations or row[2] not in units:
                continue
            symbol = row[0].replace("PM2,5", "PM2.5").replace("PM25", "PM2.5")
            value = float(row[1]) * units[row[2]]
            measured_at = datetime.strptime(row[3] + "+0700", "%Y%m%d%H%M%S%z").astimezone(UTC)
            low, high = limits.get(symbol, (1.0, 0.0))
            if low <= value <= high and measured_at <= faulty_day.ends_at:
                found.setdefault((station, symbol, measured_at), (float(row[1]), row[2], row[4], value))
    rows = [(*key, *rest) for key, rest in found.items()]
    truth = faulty_day.truth["readings"]
    assert_frame_equal(pl.DataFrame(rows, schema=truth.schema, orient="row"), truth, check_row_order=False)


def test_a_naive_reader_of_the_polls_finds_the_true_levels(faulty_day: SimulatedDay) -> None:
    found: dict[tuple[str, datetime], tuple[object, ...]] = {}
    for path in sorted((faulty_day.folder / "river_levels").iterdir()):
        for row in csv.DictReader(lines_of(path.read_bytes())):
            if None not in row.values() and row["value"] and float(row["value"]) <= 200:
                measured_at = datetime.fromisoformat(row["timestamp"])
                if measured_at <= faulty_day.ends_at:
                    found.setdefault((row["station_id"], measured_at), (float(row["value"]), row["status"]))
    truth = faulty_day.truth["river_levels"]
    rows = [(*key, *rest) for key, rest in found.items()]
    assert_frame_equal(pl.DataFrame(rows, schema=truth.schema, orient="row"), truth, check_row_order=False)


def test_each_fault_of_the_cases_is_in_the_book_of_the_server(faulty_day: SimulatedDay) -> None:
    entries = json.loads((faulty_day.folder / "feedback" / "requests.json").read_bytes())
    agencies = set(pl.read_csv(SEEDS / "agencies.csv", infer_schema=False)["agency_code"])
    versions = Counter((e["request"]["service_request_id"], e["changed_at"]) for e in entries)
    whole = Counter(json.dumps(e["request"], sort_keys=True) for e in entries)
    repeated = sum(count - 1 for count in whole.values())
    counted = Counter[FaultKind]({FaultKind.DUPLICATE: repeated})
    counted[FaultKind.CONFLICT] = sum(count - 1 for count in versions.values()) - repeated
    for entry in entries:
        request, ext = entry["request"], entry["request"]["ext"]
        updated = request["updated_datetime"]
        counted[FaultKind.LATE] += entry["visible_at"] > entry["changed_at"]
        counted[FaultKind.MALFORMED] += not request["requested_datetime"].endswith("+07:00")
        counted[FaultKind.MISSING_VALUE] += ext["ma_co_quan"] is None
        counted[FaultKind.UNKNOWN_CODE] += ext["ma_co_quan"] is not None and ext["ma_co_quan"] not in agencies
        counted[FaultKind.SWAPPED_COORDINATES] += request["lat"] > 100
        counted[FaultKind.OUT_OF_RANGE] += ext["hai_long"] == 9
        counted[FaultKind.FUTURE_TIME] += updated is not None and updated.startswith("2036")
        counted[FaultKind.WRONG_ORDER] += updated is not None and updated < request["requested_datetime"][:19]
    assert dict(counted) == dict(DEMO_FAULTS.of(FEEDBACK))


def test_each_fault_of_the_dossiers_is_in_the_book_of_the_server(
    faulty_day: SimulatedDay, good_day: SimulatedDay
) -> None:
    assert dossier_counts(faulty_day) == dict(DEMO_FAULTS.of(DOSSIERS))
    assert sum(dossier_counts(good_day).values()) == 0


def test_each_fault_of_the_ratings_is_in_its_file(faulty_day: SimulatedDay, good_day: SimulatedDay) -> None:
    assert rating_counts(faulty_day) == dict(DEMO_FAULTS.of(RATINGS))
    assert sum(rating_counts(good_day).values()) == 0


def test_each_fault_of_the_calls_is_in_their_files(faulty_day: SimulatedDay, good_day: SimulatedDay) -> None:
    assert call_counts(faulty_day) == dict(DEMO_FAULTS.of(CALLS))
    assert sum(call_counts(good_day).values()) == 0


def call_counts(day: SimulatedDay) -> Counter[FaultKind]:
    contents = [path.read_bytes() for path in (day.folder / "hotline_calls").iterdir()]
    rows = [row for content in contents for row in csv.DictReader(lines_of(content))]
    repeated = sum(count - 1 for count in Counter(tuple(row.values()) for row in rows).values())
    sent_again = sum(count - 1 for count in Counter(row["call_id"] for row in rows).values())
    counted = Counter[FaultKind]({FaultKind.DUPLICATE: repeated, FaultKind.CONFLICT: sent_again - repeated})
    for row in rows:
        is_malformed = "/" in row["bat_dau"]
        counted[FaultKind.MALFORMED] += is_malformed
        counted[FaultKind.MISSING_VALUE] += not row["huong"]
        counted[FaultKind.OUT_OF_RANGE] += row["diem_hai_long"] == "9"
        counted[FaultKind.UNKNOWN_CODE] += row["trang_thai"] == "lost"
        counted[FaultKind.WRONG_ORDER] += not is_malformed and row["ket_thuc"] < row["bat_dau"]
        counted[FaultKind.FUTURE_TIME] += row["ket_thuc"][:4] == "2036"
    return counted


@pytest.mark.parametrize("feed", [RAIN, RESERVOIRS, SLOPES])
def test_each_fault_of_the_water_is_in_its_files(faulty_day: SimulatedDay, good_day: SimulatedDay, feed: str) -> None:
    assert water_counts(faulty_day, feed) == dict(DEMO_FAULTS.of(feed))
    assert sum(water_counts(good_day, feed).values()) == 0


def water_readings(day: SimulatedDay, feed: str) -> Iterator[tuple[str, str, str]]:
    """Yield object, time and value of each reading, as they were sent."""
    for path in (day.folder / feed.replace(".", "_")).iterdir():
        if path.suffix == ".json":
            for sent in json.loads(json.loads(path.read_text())["d"])["Data"]:
                yield sent["CnlNum"], path.name, sent.get("Val", "")
        else:
            for code, at, value, _ in list(csv.reader(path.read_text().splitlines()))[1:]:
                yield code, at, value


def water_counts(day: SimulatedDay, feed: str) -> Counter[FaultKind]:
    readings = list(water_readings(day, feed))
    repeated = sum(count - 1 for count in Counter(readings).values())
    sent_again = sum(count - 1 for count in Counter((code, at) for code, at, _ in readings).values())
    counted = Counter[FaultKind]({FaultKind.DUPLICATE: repeated, FaultKind.CONFLICT: sent_again - repeated})
    for code, at, value in readings:
        counted[FaultKind.MISSING_VALUE] += value == ""
        counted[FaultKind.MALFORMED] += value.isalpha()
        counted[FaultKind.OUT_OF_RANGE] += value == "123456"
        counted[FaultKind.UNKNOWN_CODE] += code.startswith("46_XX")
        counted[FaultKind.FUTURE_TIME] += at[:4] > str(day.day.year) and at[:1].isdigit()
    return +counted


def test_each_fault_of_the_incidents_is_in_their_files(faulty_day: SimulatedDay, good_day: SimulatedDay) -> None:
    assert incident_counts(faulty_day) == dict(DEMO_FAULTS.of(INCIDENTS))
    assert sum(incident_counts(good_day).values()) == 0


def incident_counts(day: SimulatedDay) -> Counter[FaultKind]:
    contents = [path.read_bytes() for path in (day.folder / "security_incidents").iterdir()]
    rows = [row for content in contents for row in json.loads(content)["vu_viec"]]
    repeated = sum(count - 1 for count in Counter(json.dumps(row) for row in rows).values())
    sent_again = sum(count - 1 for count in Counter((row["ma_vu_viec"], row["cap_nhat_luc"]) for row in rows).values())
    counted = Counter[FaultKind]({FaultKind.DUPLICATE: repeated, FaultKind.CONFLICT: sent_again - repeated})
    for row in rows:
        is_malformed = "/" in row["tiep_nhan_luc"]
        counted[FaultKind.MALFORMED] += is_malformed
        counted[FaultKind.MISSING_VALUE] += "muc_do" not in row
        counted[FaultKind.OUT_OF_RANGE] += row.get("muc_do") == "9"
        counted[FaultKind.UNKNOWN_CODE] += row["loai_vu_viec"] == "loai_la"
        counted[FaultKind.WRONG_ORDER] += not is_malformed and row.get("xay_ra_luc", "") > row["tiep_nhan_luc"]
        counted[FaultKind.FUTURE_TIME] += row["cap_nhat_luc"][:4] == "2036"
    return counted


def test_each_fault_of_the_press_is_in_its_feeds(faulty_day: SimulatedDay, good_day: SimulatedDay) -> None:
    assert press_counts(faulty_day) == dict(DEMO_FAULTS.of(PRESS))
    assert sum(press_counts(good_day).values()) == 0


def test_each_fault_of_traffic_is_in_its_files(faulty_day: SimulatedDay, good_day: SimulatedDay) -> None:
    for feed, counts in ((FLOWS, flow_counts), (ACCIDENTS, accident_counts), (CLOSURES, closure_counts)):
        assert counts(faulty_day) == dict(DEMO_FAULTS.of(feed))
        assert sum(counts(good_day).values()) == 0


def repetitions(rows: list[dict[str, str]], *key: str) -> Counter[FaultKind]:
    """Count the rows that are there once more, and those that say something else under the same key."""
    repeated = len(rows) - len({json.dumps(row) for row in rows})
    sent_again = len(rows) - len({tuple(row[name] for name in key) for row in rows})
    return Counter({FaultKind.DUPLICATE: repeated, FaultKind.CONFLICT: sent_again - repeated})


def flow_counts(day: SimulatedDay) -> Counter[FaultKind]:
    rows = [row for path in (day.folder / "traffic_flows").iterdir() for row in json.loads(path.read_bytes())]
    counted = repetitions(rows, "refRoadSegment", "laneId", "vehicleType", "dateObservedFrom")
    counted[FaultKind.MALFORMED] = sum("/" in row["dateObservedFrom"] for row in rows)
    counted[FaultKind.MISSING_VALUE] = sum("intensity" not in row for row in rows)
    counted[FaultKind.OUT_OF_RANGE] = sum(row.get("intensity") == "-1" for row in rows)
    counted[FaultKind.UNKNOWN_CODE] = sum(row["refRoadSegment"] == "DUONG-LA" for row in rows)
    counted[FaultKind.FUTURE_TIME] = sum(row["dateObservedTo"][:4] == "2036" for row in rows)
    return counted


def accident_counts(day: SimulatedDay) -> Counter[FaultKind]:
    (path,) = (day.folder / "traffic_accidents").iterdir()
    rows = pl.read_csv(path, infer_schema=False).fill_null("").rows(named=True)
    counted = repetitions(rows, "ma_vu", "cap_nhat_luc")
    counted[FaultKind.MALFORMED] = sum(len(row["thoi_gian"]) == len("08:00") for row in rows)
    counted[FaultKind.MISSING_VALUE] = sum(not row["so_nguoi_chet"] for row in rows)
    counted[FaultKind.OUT_OF_RANGE] = sum(row["so_nguoi_bi_thuong"] == "1000" for row in rows)
    counted[FaultKind.UNKNOWN_CODE] = sum(row["ma_xa"] == "00000" for row in rows)
    counted[FaultKind.WRONG_ORDER] = sum(row["thoi_gian"] > row["cap_nhat_luc"] for row in rows)
    counted[FaultKind.FUTURE_TIME] = sum(row["cap_nhat_luc"][:4] == "2036" for row in rows)
    return counted


def closure_counts(day: SimulatedDay) -> Counter[FaultKind]:
    text = "".join(path.read_text(encoding="utf-8") for path in (day.folder / "traffic_closures").iterdir())
    situations = re.findall(r"<d2:situation .*?</d2:situation>", text)
    versions = {re.findall(r'id="([^"]+)".*?VersionTime>([^<]+)', one)[0] for one in situations}
    repeated = len(situations) - len(set(situations))
    times = [re.search(r"StartTime>([^<]+).*?EndTime>([^<]+)", one) for one in situations]
    return Counter(
        {
            FaultKind.DUPLICATE: repeated,
            FaultKind.CONFLICT: len(situations) - len(versions) - repeated,
            FaultKind.MISSING_VALUE: text.count("<d2:validity><d2:validityTimeSpecification>"),
            FaultKind.UNKNOWN_CODE: text.count(">road_is_shut<"),
            FaultKind.WRONG_ORDER: sum(found[2] < found[1] for found in times if found),
        }
    )


def press_counts(day: SimulatedDay) -> Counter[FaultKind]:
    counted = Counter[FaultKind]()
    for path in (day.folder / "press_articles").iterdir():
        text = path.read_text(encoding="utf-8")
        counted[FaultKind.BROKEN_DOCUMENT] += not text.endswith(">\n")
        counted[FaultKind.ENTITY_ATTACK] += "<!ENTITY x SYSTEM" in text
        counted[FaultKind.DUPLICATE] += text.count("utm_source=rss")
        counted[FaultKind.CONFLICT] += text.count("Nội dung khác")
        counted[FaultKind.MALFORMED] += len(re.findall(r"<(?:pubDate|updated)>\d\d/\d\d/", text))
        counted[FaultKind.MISSING_VALUE] += len(re.findall(r"<(?:item|entry)><title[^>]*></title>", text))
        counted[FaultKind.FUTURE_TIME] += len(re.findall(r"<(?:pubDate|updated)>[^<]*2036", text))
    return counted


def test_each_fault_of_the_alerts_is_in_their_files(faulty_day: SimulatedDay, good_day: SimulatedDay) -> None:
    assert alert_counts(faulty_day) == dict(DEMO_FAULTS.of(ALERTS))
    assert sum(alert_counts(good_day).values()) == 0


def alert_counts(day: SimulatedDay) -> Counter[FaultKind]:
    texts = [path.read_text(encoding="utf-8") for path in (day.folder / "cyber_alerts").iterdir()]
    lines = [line.removesuffix(",") for text in texts for line in text.splitlines() if line not in "[]"]
    repeated = sum(count - 1 for count in Counter(lines).values())
    counted = Counter[FaultKind]({FaultKind.DUPLICATE: repeated})
    for line in lines:
        is_whole = line.endswith("}") or " rt=" in line or "|rt=" in line or "|0|dvchost=" in line
        is_eve_without = '"event_type": "alert"' in line and '"severity"' not in line
        counted[FaultKind.CONFLICT] += "alert-2" in line
        counted[FaultKind.MALFORMED] += not is_whole
        counted[FaultKind.MISSING_VALUE] += is_whole and (is_eve_without or "||" in line)
        counted[FaultKind.UNKNOWN_CODE] += '"severity": 42' in line or "|42|" in line
        counted[FaultKind.FUTURE_TIME] += '"2036-' in line or "rt=21" in line
    return counted


def test_each_fault_of_the_indicators_is_in_their_bundles(faulty_day: SimulatedDay, good_day: SimulatedDay) -> None:
    assert indicator_counts(faulty_day) == dict(DEMO_FAULTS.of(INDICATORS))
    assert sum(indicator_counts(good_day).values()) == 0


def indicator_counts(day: SimulatedDay) -> Counter[FaultKind]:
    bundles = [json.loads(path.read_bytes()) for path in (day.folder / "cyber_indicators").iterdir()]
    sent = [found for bundle in bundles for found in bundle["objects"]]
    repeated = sum(count - 1 for count in Counter(json.dumps(found) for found in sent).values())
    sent_again = sum(count - 1 for count in Counter((found["id"], found["modified"]) for found in sent).values())
    counted = Counter[FaultKind]({FaultKind.DUPLICATE: repeated, FaultKind.CONFLICT: sent_again - repeated})
    for found in sent:
        counted[FaultKind.MALFORMED] += "/" in found["modified"]
        counted[FaultKind.MISSING_VALUE] += "pattern" not in found
        counted[FaultKind.WRONG_ORDER] += found.get("valid_until", "9") < found["valid_from"]
        counted[FaultKind.FUTURE_TIME] += found["modified"].startswith("2036")
    return counted


def rating_counts(day: SimulatedDay) -> Counter[FaultKind]:
    agencies = set(pl.read_csv(SEEDS / "agencies.csv", infer_schema=False)["agency_code"])
    files = {path.name: path.read_bytes() for path in (day.folder / "public_services_ratings").iterdir()}
    rows = [(name, row) for name, content in files.items() for row in csv.DictReader(lines_of(content))]
    versions = Counter((row["MaHoSo"], row["ThoiDiemDanhGia"]) for _, row in rows)
    repeated = sum(count - 1 for count in Counter(tuple(row.values()) for _, row in rows).values())
    counted = Counter[FaultKind]({FaultKind.DUPLICATE: repeated})
    counted[FaultKind.CONFLICT] = sum(count - 1 for count in versions.values()) - repeated
    for name, row in rows:
        counted[FaultKind.MALFORMED] += "/" in row["ThoiDiemDanhGia"]
        counted[FaultKind.MISSING_VALUE] += not row["MucDoHaiLong"]
        counted[FaultKind.OUT_OF_RANGE] += row["MucDoHaiLong"] == "9"
        counted[FaultKind.UNKNOWN_CODE] += row["DonViXuLy"] not in agencies
        counted[FaultKind.FUTURE_TIME] += row["ThoiDiemDanhGia"][:4] == "2036"
        told = row["ThoiDiemDanhGia"]
        assert not told.startswith("2026") or told <= f"{name[8:16]}170000", (name, row)
    return counted


def dossier_counts(day: SimulatedDay) -> Counter[FaultKind]:
    entries = json.loads((day.folder / "public_services" / "dossiers.json").read_bytes())
    agencies = set(pl.read_csv(SEEDS / "agencies.csv", infer_schema=False)["agency_code"])
    versions = Counter((entry["dossier"]["MaHoSo"], entry["changed_at"]) for entry in entries)
    repeated = sum(count - 1 for count in Counter(json.dumps(e["dossier"], sort_keys=True) for e in entries).values())
    counted = Counter[FaultKind]({FaultKind.DUPLICATE: repeated})
    counted[FaultKind.CONFLICT] = sum(count - 1 for count in versions.values()) - repeated
    for entry in entries:
        dossier = entry["dossier"]
        finished, identity = dossier["NgayKetThucXuLy"], dossier["DinhDanhCHS"][0]
        counted[FaultKind.LATE] += entry["visible_at"] > entry["changed_at"]
        counted[FaultKind.MALFORMED] += "/" in dossier["NgayNopHoSo"]
        counted[FaultKind.MISSING_VALUE] += not dossier["MaTTHC"]
        counted[FaultKind.UNKNOWN_CODE] += dossier["DonViXuLy"] not in agencies
        counted[FaultKind.OLD_IDENTITY] += identity["LoaiDinhDanh"] == "1" and len(identity["SoDinhDanh"]) == 9
        counted[FaultKind.WRONG_ORDER] += bool(finished) and finished < dossier["NgayTiepNhan"]
        counted[FaultKind.NO_END] += dossier["TrangThaiHoSo"] in ("9", "10") and not finished
        counted[FaultKind.FUTURE_TIME] += any(step["ThoiDiemXuLy"] >= "2036" for step in dossier["TienTrinh"])
    return counted


def vms_counts(folder: Path, ends_at: datetime) -> Counter[FaultKind]:
    lines = [line for path in sorted((folder / "vms").iterdir()) for line in lines_of(path.read_bytes())]
    counted: Counter[FaultKind] = Counter()
    fixes: Counter[tuple[str, str, str]] = Counter()
    for line in lines:
        fields = dict(part.split("/", 1) for part in line.removeprefix("//SR//").removesuffix("//ER//").split("//"))
        if not line.endswith("//ER//") or fields["LT"] == "LOL":
            counted[FaultKind.MALFORMED] += 1
        elif "TI" not in fields:
            counted[FaultKind.MISSING_VALUE] += 1
        elif abs(float(fields["LT"])) > 90:
            counted[FaultKind.SWAPPED_COORDINATES] += 1
        elif datetime.strptime(fields["DA"] + fields["TI"], "%Y%m%d%H%M").replace(tzinfo=UTC) > ends_at:
            counted[FaultKind.FUTURE_TIME] += 1
        else:
            fixes[fields["XR"], fields["DA"], fields["TI"]] += 1
    repeated = sum(count - 1 for count in Counter(lines).values())
    counted[FaultKind.DUPLICATE] = repeated
    counted[FaultKind.CONFLICT] = sum(count - 1 for count in fixes.values()) - repeated
    return counted


def registry_counts(folder: Path) -> Counter[FaultKind]:
    communes = set(pl.read_csv(SEEDS / "communes.csv", infer_schema=False)["commune_code"])
    counted: Counter[FaultKind] = Counter()
    rows = [row for path in (folder / "vessels").iterdir() for row in csv.DictReader(lines_of(path.read_bytes()))]
    versions: Counter[tuple[str, str]] = Counter()
    for row in rows:
        if None in row.values() or len(row["mmsi"]) != 9:
            counted[FaultKind.MALFORMED] += 1
            continue
        versions[row["so_dang_ky"], row["ngay_lap"]] += 1
        counted[FaultKind.MISSING_VALUE] += row["chieu_dai_m"] == ""
        counted[FaultKind.OUT_OF_RANGE] += row["chieu_dai_m"] == "0"
        counted[FaultKind.UNKNOWN_CODE] += row["ma_xa"] not in communes
    counted[FaultKind.DUPLICATE] = sum(count - 1 for count in Counter(str(row) for row in rows).values())
    counted[FaultKind.CONFLICT] = sum(count - 1 for count in versions.values()) - counted[FaultKind.DUPLICATE]
    return counted


def test_each_fault_of_the_registry_is_in_its_lists(faulty_day: SimulatedDay, good_day: SimulatedDay) -> None:
    assert dict(registry_counts(faulty_day.folder)) == dict(DEMO_FAULTS.of(REGISTRY))
    assert sum(registry_counts(good_day.folder).values()) == 0


def test_each_fault_of_the_satellite_positions_is_in_the_files(
    faulty_day: SimulatedDay, good_day: SimulatedDay
) -> None:
    asked = Counter(dict(DEMO_FAULTS.of(VMS)))
    missing = good_day.truth["vms_positions"].height - faulty_day.truth["vms_positions"].height
    quarantined = sum(
        asked[fault]
        for fault in (
            FaultKind.MALFORMED,
            FaultKind.MISSING_VALUE,
            FaultKind.SWAPPED_COORDINATES,
            FaultKind.FUTURE_TIME,
        )
    )
    assert missing == asked.pop(FaultKind.MISSING_SLOT) + quarantined
    late = [(event_at, name) for kind, _, event_at, name in noted(faulty_day, VMS) if kind == FaultKind.LATE]
    hours = [int(name[-6:-4]) - (event_at + timedelta(hours=7)).hour for event_at, name in late]
    assert len(hours) == asked.pop(FaultKind.LATE)
    assert min(hours) >= 2
    assert vms_counts(faulty_day.folder, faulty_day.ends_at) == asked
    assert sum(vms_counts(good_day.folder, good_day.ends_at).values()) == 0


def ais_counts(folder: Path, ends_at: datetime) -> Counter[FaultKind]:
    counted: Counter[FaultKind] = Counter()
    for path in sorted((folder / "ais").iterdir()):
        lines = path.read_text().splitlines()
        counted[FaultKind.DUPLICATE] += sum(count - 1 for count in Counter(lines).values())
        for index, line in enumerate(lines):
            _, block, sentence = line.split("\\")
            body, checksum = sentence[1:].split("*")
            total = 0
            for character in body:
                total ^= ord(character)
            counted[FaultKind.BAD_CHECKSUM] += total != int(checksum, 16)
            is_first = not body.startswith("AIVDM,2,2")
            is_future = int(block.split("c:")[1].split("*")[0]) > ends_at.timestamp()
            counted[FaultKind.FUTURE_TIME] += is_future and is_first
            followers = lines[index + 1 : index + 2]
            if body.startswith("AIVDM,2,1") and not any("!AIVDM,2,2" in follower for follower in followers):
                counted[FaultKind.ORPHAN_FRAGMENT] += 1
    return counted


def test_each_fault_of_the_ais_is_in_the_logs(faulty_day: SimulatedDay, good_day: SimulatedDay) -> None:
    asked = Counter(dict(DEMO_FAULTS.of(AIS)))
    late = [(event_at, name) for kind, _, event_at, name in noted(faulty_day, AIS) if kind == FaultKind.LATE]
    hours = [int(name[-7:-5]) - (event_at + timedelta(hours=7)).hour for event_at, name in late]
    assert len(hours) == asked.pop(FaultKind.LATE)
    assert min(hours) >= 1
    told = {name: faulty_day.truth[name].height for name in ("ais_positions", "ais_statics")}
    before = {name: good_day.truth[name].height for name in told}
    lost = asked.pop(FaultKind.MISSING_SLOT) + sum(
        asked[fault] for fault in (FaultKind.BAD_CHECKSUM, FaultKind.ORPHAN_FRAGMENT, FaultKind.FUTURE_TIME)
    )
    assert sum(before.values()) - sum(told.values()) == lost
    counted = ais_counts(faulty_day.folder, faulty_day.ends_at)
    repeated_sentences = faulty_day.truth["ledger"].filter(pl.col("feed") == AIS)["duplicate"].item()
    assert counted.pop(FaultKind.DUPLICATE) == repeated_sentences
    asked.pop(FaultKind.DUPLICATE)
    assert counted == asked
    assert sum(ais_counts(good_day.folder, good_day.ends_at).values()) == 0


def claim_counts(folder: Path) -> Counter[FaultKind]:
    """Read the messages as a clerk would, without a line of the pipeline: what is wrong, by kind."""
    counted: Counter[FaultKind] = Counter()
    made: dict[str, set[str]] = {}
    for path in sorted((folder / "health_claims").iterdir()):
        text = path.read_text(encoding="utf-8")
        dossiers = re.findall(r"<HOSO>(.*?)</HOSO>", text, re.DOTALL)
        counted[FaultKind.DUPLICATE] += len(dossiers) - len(set(dossiers))
        counted[FaultKind.WRONG_COUNT] += f"<SOLUONGHOSO>{len(dossiers)}</SOLUONGHOSO>" not in text
        for dossier in set(dossiers):
            files = dict(re.findall(r"<LOAIHOSO>(\w+)</LOAIHOSO><NOIDUNGFILE>([^<]*)<", dossier))
            inner = {}
            for kind, encoded in files.items():
                try:
                    inner[kind] = b64decode(encoded, validate=True).decode()
                except ValueError:
                    counted[FaultKind.BAD_BASE64] += 1
            counted[FaultKind.MALFORMED] += sum(not body.endswith(">") for body in inner.values())
            if "XML0" in files:
                continue
            if "<MACSKCB>46999<" in text:
                counted[FaultKind.UNKNOWN_CODE] += 1
                continue
            if "XML1" not in files:
                counted[FaultKind.ORPHAN_LINES] += 1
                continue
            claim = dict(re.findall(r"<(\w+)>([^<]*)</", inner["XML1"]))
            made.setdefault(claim["MA_LK"], set()).add(text.split("<NGAYLAP>")[1][:8])
            counted[FaultKind.MISSING_VALUE] += claim["MA_BENH_CHINH"] == ""
            counted[FaultKind.WRONG_ORDER] += claim["NGAY_RA"] < claim["NGAY_VAO"]
            lines = re.findall(r"<THANH_TIEN_BV>([^<]*)<", inner.get("XML2", ""))
            counted[FaultKind.WRONG_SUM] += bool(lines) and sum(map(Decimal, lines)) != Decimal(claim["T_THUOC"])
    counted[FaultKind.RESEND] = sum(len(days) - 1 for days in made.values())
    return counted


def test_each_fault_of_the_claims_is_in_the_messages(faulty_day: SimulatedDay, good_day: SimulatedDay) -> None:
    assert dict(claim_counts(faulty_day.folder)) == dict(DEMO_FAULTS.of(CLAIMS))
    assert sum(claim_counts(good_day.folder).values()) == 0


def test_each_fault_of_the_warnings_is_in_their_files(faulty_day: SimulatedDay, good_day: SimulatedDay) -> None:
    assert warning_counts(faulty_day) == dict(DEMO_FAULTS.of(WARNINGS))
    assert sum(warning_counts(good_day).values()) == 0


def warning_counts(day: SimulatedDay) -> Counter[FaultKind]:
    counted = Counter[FaultKind]()
    for path in (day.folder / "warnings_messages").iterdir():
        text = path.read_text(encoding="utf-8")
        told = {name: re.findall(f"<{name}>([^<]*)</{name}>", text) for name in ("sent", "expires", "scope", "event")}
        is_twice = len(told["sent"]) == 2
        counted[FaultKind.DUPLICATE] += is_twice and len({*told["event"]}) == 1
        counted[FaultKind.CONFLICT] += is_twice and len({*told["event"]}) == 2
        counted[FaultKind.ENTITY_ATTACK] += "<!DOCTYPE" in text
        counted[FaultKind.MALFORMED] += len(told["sent"][0]) == 19
        counted[FaultKind.MISSING_VALUE] += not told["scope"] or not told["scope"][0]
        counted[FaultKind.UNKNOWN_CODE] += ">Cao<" in text
        counted[FaultKind.WRONG_ORDER] += len(told["sent"][0]) == 25 and told["expires"][0] <= told["sent"][0]
        counted[FaultKind.FUTURE_TIME] += told["sent"][0][:4] == "2036"
        counted[FaultKind.NO_REFERENCE] += ">Cancel<" in text and "<references>" not in text
        counted[FaultKind.SWAPPED_COORDINATES] += "<polygon>10" in text
    return counted
