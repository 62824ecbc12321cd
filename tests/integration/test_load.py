"""A delivery's way through the doors, on real PostgreSQL and a real object store."""

import json
from pathlib import Path

import duckdb
import pytest

from core.contract import Contract
from core.errors import LedgerError
from core.settings import PROJECT
from ingestion.formats.archives import pack, unpack
from ingestion.load.doors import choose_doors
from ingestion.load.ledger import LedgerRow

from .conftest import NOON, Lake

pytestmark = pytest.mark.stack

READINGS = "environment.station_readings"
FILE = (
    "PM10\t62.4\tug/m3\t20261120080500\t00\r\n"
    "PM2,5\t38.1\tug/m3\t20261120080500\t00\r\n"
    "PM2,5\t38.1\tug/m3\t20261120080500\t00\r\n"
    "CO\t8x2\tug/m3\t20261120080500\t01\r\n"
    "NO2\t24.0\tug/m3\t20261120080500\r\n"
    "\r\n"
)
NAME = "46_KK01_20261120080500.txt"


def doors(row: LedgerRow) -> dict[str, object]:
    """Return what a ledger row says about its records."""
    return {
        "status": row.status.value,
        "pieces": row.pieces,
        "skipped": dict(row.skipped_reasons),
        "received": row.received,
        "accepted": row.accepted,
        "duplicate": row.duplicate,
        "quarantined": row.quarantined,
    }


def test_load_splits_a_delivery_by_its_doors(lake: Lake) -> None:
    lake.land(READINGS, NAME, FILE)
    (row,) = lake.load(READINGS)
    assert doors(row) == {
        "status": "loaded",
        "pieces": 6,
        "skipped": {"blank_line": 1},
        "received": 5,
        "accepted": 2,
        "duplicate": 1,
        "quarantined": 2,
    }
    assert lake.query(
        "select station_id, parameter_code, measured_at::varchar, value, unit, status_code, _position "
        "from lake.bronze.environment__station_readings order by _position"
    ) == [
        ("46_KK01", "PM10", "2026-11-20 01:05:00+00", 62.4, "ug/m3", "00", 1),
        ("46_KK01", "PM2.5", "2026-11-20 01:05:00+00", 38.1, "ug/m3", "00", 2),
    ]
    assert lake.query("select position, reason, error_group, raw from lake.quarantine.records order by position") == [
        (4, "value_format", 4, "CO\t8x2\tug/m3\t20261120080500\t01"),
        (5, "wrong_column_count", 4, "NO2\t24.0\tug/m3\t20261120080500"),
    ]


def test_load_twice_is_load_once(lake: Lake) -> None:
    lake.land(READINGS, NAME, FILE)
    lake.load(READINGS)
    before = lake.query("from lake.bronze.environment__station_readings order by all")
    assert lake.load(READINGS) == []
    assert lake.query("from lake.bronze.environment__station_readings order by all") == before
    assert lake.query("select count(*) from lake.ledger.deliveries") == [(1,)]


def test_the_same_bytes_again_are_a_duplicate_delivery_and_load_nothing(lake: Lake) -> None:
    for _ in range(2):
        lake.land(READINGS, NAME, FILE)
    assert [row.status.value for row in lake.load(READINGS)] == ["loaded", "duplicate_delivery"]
    lake.land(READINGS, NAME, FILE)
    assert [row.status.value for row in lake.load(READINGS)] == ["duplicate_delivery"]
    assert lake.query("select count(*) from lake.bronze.environment__station_readings") == [(2,)]


def test_a_record_that_bronze_holds_is_a_duplicate_and_a_different_one_a_conflict(lake: Lake) -> None:
    lake.land(READINGS, NAME, "PM10\t62.4\tug/m3\t20261120080500\t00\n")
    lake.load(READINGS)
    lake.land(READINGS, NAME, "PM10\t62.40\tug/m3\t20261120080500\t00\nPM10\t99\tug/m3\t20261120080500\t00\n")
    (row,) = lake.load(READINGS)
    assert (row.accepted, row.duplicate, row.quarantined) == (0, 1, 1)
    assert lake.query("select reason, error_group, position from lake.quarantine.records") == [
        ("conflicting_version", 3, 2)
    ]
    assert lake.query("select value from lake.bronze.environment__station_readings") == [(62.4,)]


def test_a_record_is_a_duplicate_also_where_bronze_has_it_under_another_hash(lake: Lake) -> None:
    lake.land(READINGS, NAME, "PM10\t62.4\tug/m3\t20261120080500\t00\n")
    lake.load(READINGS)
    lake.connection.execute("update lake.bronze.environment__station_readings set _content_hash = 1")
    lake.land(READINGS, NAME, "PM10\t62.40\tug/m3\t20261120080500\t00\nPM10\t99\tug/m3\t20261120080500\t00\n")
    (row,) = lake.load(READINGS)
    assert (row.accepted, row.duplicate, row.quarantined) == (0, 1, 1)


def feedback(version: str, status: str, **more: object) -> dict[str, object]:
    """Make a request of one version."""
    return {
        "service_request_id": "PAHT-1",
        "status": status,
        "requested_datetime": "2026-11-20T07:00:00+07:00",
        "updated_datetime": version,
        "lat": 16.46,
        "long": 107.59,
        **more,
    }


def test_a_correction_is_a_new_version(lake: Lake) -> None:
    code = lake_agency()
    first = feedback("2026-11-20T08:00:00+07:00", "open", ext={"ma_co_quan": code})
    second = feedback("2026-11-20T09:00:00+07:00", "closed", ext={"ma_co_quan": code})
    lake.land("feedback.requests", "page1.json", json.dumps([first, second, first]))
    (row,) = lake.load("feedback.requests")
    assert (row.received, row.accepted, row.duplicate, row.quarantined) == (3, 2, 1, 0)
    assert lake.query("select status from lake.bronze.feedback__requests order by version_at") == [
        ("open",),
        ("closed",),
    ]


def test_equal_bytes_of_two_stations_are_two_deliveries(lake: Lake) -> None:
    for station in ("46_KK01", "46_KK02"):
        lake.land(READINGS, f"{station}_20261120080500.txt", FILE)
    assert [row.accepted for row in lake.load(READINGS)] == [2, 2]


def test_a_hashed_key_still_tells_duplicates_and_conflicts_of_two_loads(lake: Lake) -> None:
    golden = PROJECT / "tests" / "golden" / "education" / "students" / "HocSinh_469900101_20261115.xlsx"
    other = unpack(golden.read_bytes())
    strings = other["xl/sharedStrings.xml"]
    other["xl/sharedStrings.xml"] = strings.replace("Vận động".encode(), "Nhìn".encode())
    assert other["xl/sharedStrings.xml"] != strings
    for name, content in (("a", golden.read_bytes()), ("b", pack(unpack(golden.read_bytes()))), ("c", pack(other))):
        lake.land("education.students", f"HocSinh_{name}_20261115.xlsx", content)
        (row,) = lake.load("education.students")
        assert (row.accepted, row.duplicate, row.quarantined) == {"a": (3, 0, 1), "b": (0, 3, 1), "c": (0, 2, 2)}[name]
    known = lake.query("select student_id, full_name, citizen_number from lake.bronze.education__students")
    assert all(len(str(value)) == 64 for row in known for value in row if value is not None)
    assert lake.query("select distinct reason from lake.quarantine.records order by all") == [
        ("conflicting_version",),
        ("date_of_birth_format",),
    ]


def lake_agency() -> str:
    """The code of an agency that exists."""
    header, first = (PROJECT / "dbt_project/seeds/agencies.csv").read_text(encoding="utf-8").splitlines()[:2]
    return dict(zip(header.split(","), first.split(","), strict=False))["agency_code"]


def test_a_delivery_that_cannot_be_read_is_set_aside_and_its_siblings_load(lake: Lake) -> None:
    lake.land(READINGS, "no_station_here.txt", FILE)
    lake.land(READINGS, NAME, FILE)
    lake.land(READINGS, "46_KK02_20261120080500.txt", "PM10\t1\tug/m3\t20261120080500\t00".encode("utf-16"))
    rows = {row.delivery.source_name: doors(row) for row in lake.load(READINGS)}
    assert rows["no_station_here.txt"]["status"] == "unreadable"
    assert rows["46_KK02_20261120080500.txt"]["status"] == "unreadable"
    assert rows["no_station_here.txt"]["quarantined"] == 1
    assert rows[NAME]["accepted"] == 2
    assert lake.query("select reason from lake.quarantine.records where position = 0 order by reason") == [
        ("file_name_without_station",),
        ("not_utf8",),
    ]


def test_a_delivery_of_too_many_pieces_is_set_aside_and_its_siblings_load(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingestion.formats.base.PIECES_LIMIT", 50)
    lake.land(READINGS, NAME, FILE)
    lake.land(READINGS, "46_KK02_20261120080500.txt", FILE + "\r\n" * 50)
    rows = {row.delivery.source_name: doors(row) for row in lake.load(READINGS)}
    assert rows[NAME]["accepted"] == 2
    assert rows["46_KK02_20261120080500.txt"] == {
        "status": "unreadable",
        "pieces": 1,
        "skipped": {},
        "received": 1,
        "accepted": 0,
        "duplicate": 0,
        "quarantined": 1,
    }
    assert lake.query("select reason, error_group from lake.quarantine.records where position = 0") == [
        ("too_many_pieces", 4)
    ]


def test_an_empty_delivery_is_a_finding(lake: Lake) -> None:
    lake.land(READINGS, NAME, b"")
    (row,) = lake.load(READINGS)
    assert doors(row) == {
        "status": "empty",
        "pieces": 0,
        "skipped": {},
        "received": 0,
        "accepted": 0,
        "duplicate": 0,
        "quarantined": 0,
    }


def test_a_hostile_file_name_lands_as_one_harmless_part(lake: Lake) -> None:
    delivery = lake.landing.land(lake.contracts[READINGS], "../../etc/passwd\x00.txt", b"x", NOON)
    assert delivery.source_name == "passwd.txt"
    assert "/../" not in delivery.object_key


def test_books_that_do_not_balance_commit_nothing(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    def lose_a_record(connection: duckdb.DuckDBPyConnection, contract: Contract) -> None:
        choose_doors(connection, contract)
        connection.execute("delete from verdicts where _position = 1")

    monkeypatch.setattr("ingestion.load.load.choose_doors", lose_a_record)
    lake.land(READINGS, NAME, FILE)
    with pytest.raises(LedgerError, match="received 5 = accepted 1"):
        lake.load(READINGS)
    monkeypatch.undo()
    assert lake.query("select count(*) from lake.ledger.deliveries") == [(0,)]
    assert lake.query("select count(*) from lake.bronze.environment__station_readings") == [(0,)]
    assert lake.query("select count(*) from lake.quarantine.records") == [(0,)]
    assert [row.accepted for row in lake.load(READINGS)] == [2]


def test_bytes_that_changed_in_landing_are_refused(lake: Lake) -> None:
    delivery = lake.landing.land(lake.contracts[READINGS], NAME, FILE.encode(), NOON)
    import io  # noqa: PLC0415

    lake.landing._client.put_object("landing", delivery.object_key, io.BytesIO(b"forged"), 6)
    with pytest.raises(LedgerError, match="as landed, got"):
        lake.load(READINGS)


SAMPLES = PROJECT.parent / "shared" / "samples"


@pytest.mark.parametrize(
    ("feed", "pattern"),
    [
        ("education.schools", "education/oneroster_*.zip"),
        ("education.classes", "education/oneroster_*.zip"),
        ("education.students", "education/oneroster_*.zip"),
        ("environment.river_levels", "environment/river_ea/*.csv"),
        ("fisheries.vms_positions", "vms/naf_messages_monitorfish.txt"),
        ("fisheries.ais_messages", "ais/dma_stream_example.txt"),
        ("fisheries.ais_messages", "ais/libais_*"),
        ("feedback.requests", "open311/open311status_*requests*"),
        ("forest.hotspots", "fire/firms_modis_*.csv"),
    ],
)
def test_real_samples_load_with_every_record_accounted_for(lake: Lake, feed: str, pattern: str) -> None:
    paths: list[Path] = sorted(SAMPLES.glob(pattern))
    if not paths:
        pytest.skip(f"real samples {pattern} are not here")
    for path in paths:
        lake.land(feed, path.name, path.read_bytes())
    rows = lake.load(feed)
    assert len(rows) == len(paths)
    assert sum(row.received for row in rows) > 0
    assert sum(row.pieces for row in rows) == sum(
        row.skipped + row.accepted + row.duplicate + row.quarantined for row in rows
    )
    kept = lake.query(f"select coalesce(sum(_record_count), 0)::bigint from lake.bronze.{feed.replace('.', '__')}")
    assert kept == [(sum(row.accepted for row in rows),)]
    aside = lake.query("select coalesce(sum(record_count), 0)::bigint from lake.quarantine.records")
    assert aside == [(sum(row.quarantined for row in rows),)]


def test_a_load_tells_what_came_of_each_object_and_what_cannot_be_placed(lake: Lake) -> None:
    def line(time: str, value: str = "20") -> str:
        return f"PM2.5\t{value}\tug/m3\t20261120{time}\t00\n"

    lake.land(READINGS, "46_KK01_20261120080000.txt", line("080000") * 2 + line("080500", "-1") + line("235900"))
    lake.land(READINGS, "46_XX99_20261120080000.txt", line("080000"))
    lake.land(READINGS, "46_KK02_20261120080000.txt", "garbage\n" + line("080000", ""))
    lake.land(READINGS, "without.txt", line("080000"))
    lake.load(READINGS)
    columns = "received, accepted, duplicate, quarantined, wrong, missing, garbage, inconsistent, misidentified, late, unplaced_slots"
    told = lake.query(
        f"select object_id, {columns}, last_event_at::varchar, last_heard_at::varchar from lake.ledger.object_results order by object_id"
    )
    noon, eight, five_past = "2026-11-20 05:00:00+00", "2026-11-20 01:00:00+00", "2026-11-20 01:05:00+00"
    assert told == [
        ("46_KK01", 4, 1, 1, 2, 2, 0, 0, 0, 0, 0, 0, eight, noon),
        ("46_KK02", 1, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, None, eight),
        (None, 3, 0, 0, 3, 0, 0, 2, 1, 1, 0, 2, None, noon),
    ]
    assert lake.query(
        "select reason, object_id, event_at::varchar, slot_at::varchar from lake.quarantine.records order by reason, object_id"
    ) == [
        ("file_name_without_station", None, None, None),
        ("not_from_the_future", "46_KK01", None, None),
        ("station_id_reference", None, eight, eight),
        ("value_required", "46_KK02", eight, eight),
        ("value_within_limits", "46_KK01", five_past, five_past),
        ("wrong_column_count", None, None, None),
    ]
