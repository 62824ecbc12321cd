"""What an agency is told of its deliveries, and where one record went, on a real lake and a real object store."""

import io
import json
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import urllib3
import xlsxwriter

from cli import receipts as verbs
from core.errors import UnknownNameError
from core.settings import PROJECT
from ingestion.receipts.receipt_store import BUCKET, ReceiptStore
from ingestion.receipts.receipts import find_receipt
from ingestion.receipts.trace import Way, find_delivery, trace_piece

from .conftest import NOON, Lake

pytestmark = pytest.mark.stack

READINGS, REQUESTS, LEVELS = "environment.station_readings", "feedback.requests", "environment.river_levels"
NAME = "46_KK01_20261120080500.txt"
FILE = (
    "PM10\t62.4\tug/m3\t20261120080500\t00\r\n"
    "PM2,5\t38.1\tug/m3\t20261120080500\t00\r\n"
    "PM2,5\t38.1\tug/m3\t20261120080500\t00\r\n"
    "CO\t8x2\tug/m3\t20261120080500\t01\r\n"
    "NO2\tx\tug/m3\t20261120080500\t00\r\n"
    "SO2\t1\tug/m3\t20261120080500\t00\r\n"
    "NO\tx\tug/m3\t20261120080500\t00\r\n"
    "\r\n"
)
AGENCY = "so-nong-nghiep-va-moi-truong"


def stored(lake: Lake) -> dict[str, str]:
    """Return every object of the bucket by its key."""
    client = lake.landing._client
    keys = [str(item.object_name) for item in client.list_objects(BUCKET, recursive=True)]
    return {key: client.get_object(BUCKET, key).read().decode() for key in keys}


def test_every_delivery_has_a_receipt_that_says_what_the_ledger_says(lake: Lake) -> None:
    first, second = lake.land(READINGS, NAME, FILE), lake.land(READINGS, "no_station.txt", "secret 0912345678")
    row = next(row for row in lake.load(READINGS) if row.delivery.delivery_id == first)
    ((key, content),) = stored(lake).items()
    assert key == f"{AGENCY}/{READINGS}/2026-11-20/{row.load_id.partition('@')[2]}.jsonl"
    by_id = {one["delivery_id"]: one for one in map(json.loads, content.splitlines())}
    assert set(by_id) == {first, second}
    assert by_id[first] == {
        "schema": "ioc.receipt/1",
        "delivery_id": first,
        "feed": READINGS,
        "agency": "Sở Nông nghiệp và Môi trường",
        "source_name": NAME,
        "sha256": row.sha256,
        "bytes": len(FILE),
        "received_at": "2026-11-20T05:00:00Z",
        "loaded_at": "2026-11-20T05:00:00Z",
        "load_id": row.load_id,
        "status": "loaded",
        "pieces": 8,
        "skipped": {"blank_line": 1},
        "received": 7,
        "accepted": 3,
        "duplicate": 1,
        "quarantined": 3,
        "quarantine": [{"reason": "value_format", "error_group": 4, "records": 3, "positions": "4-5,7"}],
        "columns": [],
        "replayed": {},
        "is_balanced": True,
    }
    assert (by_id[second]["status"], by_id[second]["quarantine"]) == (
        "unreadable",
        [{"reason": "file_name_without_station", "error_group": 4, "records": 1, "positions": "0"}],
    )
    assert "0912345678" not in content
    assert "8x2" not in content


def test_the_stored_receipt_is_compared_with_the_ledger(lake: Lake) -> None:
    delivery_id = lake.land(READINGS, NAME, FILE)
    lake.load(READINGS)
    receipt = find_receipt(lake.connection, lake.contracts, delivery_id)
    store = ReceiptStore(lake.settings)
    assert store.find(lake.contracts[READINGS], receipt) == receipt.line()
    lake.connection.execute("update lake.ledger.deliveries set accepted = 4")
    changed = find_receipt(lake.connection, lake.contracts, delivery_id)
    assert not changed.is_balanced
    assert store.find(lake.contracts[READINGS], receipt) != changed.line()


CHILD = """
import os, signal
from ingestion.receipts.receipt_store import ReceiptStore
ReceiptStore._put = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
from core.contract import find_contract
from ingestion.load.load import load_feed
from core.settings import Settings
load_feed(Settings(), find_contract("environment.station_readings"))
"""


def test_a_replay_is_told_beside_the_receipt_and_leaves_the_stored_copy(lake: Lake) -> None:
    delivery_id = lake.land(READINGS, NAME, FILE)
    lake.load(READINGS)
    lake.connection.execute(
        "insert into lake.quarantine.repairs by name "
        "select feed, delivery_id, position, 'repair-1' as repair_id, 'as_is' as repair, "
        "if(position = 4, 'accepted', 'quarantined') as outcome, quarantined_at as replayed_at from lake.quarantine.records"
    )
    receipt = find_receipt(lake.connection, lake.contracts, delivery_id)
    assert receipt.replayed == {"accepted": 1, "quarantined": 2}
    assert ReceiptStore(lake.settings).find(lake.contracts[READINGS], receipt) == receipt.at_load().line()
    assert trace(lake, READINGS, NAME, 4).replay == "as_is by repair-1: accepted"


def test_a_crash_after_the_commit_is_healed_by_the_next_load_even_of_nothing(lake: Lake) -> None:
    delivery_id = lake.land(READINGS, NAME, FILE)
    killed = subprocess.run(
        [sys.executable, "-c", CHILD],
        env=lake.settings.child_environment(),
        cwd=PROJECT,
        check=False,
        capture_output=True,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert lake.query("select delivery_id from lake.ledger.deliveries") == [(delivery_id,)]
    assert stored(lake) == {}
    assert lake.load(READINGS) == []
    healed = stored(lake)
    assert json.loads(next(iter(healed.values())))["delivery_id"] == delivery_id
    lake.load(READINGS)
    assert stored(lake) == healed


def test_a_load_that_was_not_receipted_long_ago_is_receipted_when_the_next_one_comes(lake: Lake) -> None:
    lake.land(READINGS, NAME, FILE)
    lake.load(READINGS)
    (first,) = stored(lake)
    lake.connection.execute("update lake.ledger.deliveries set loaded_at = loaded_at - interval 30 day")
    lake.landing._client.remove_object(BUCKET, first)
    lake.land(READINGS, "46_KK02_20261120080500.txt", FILE)
    lake.load(READINGS)
    assert [key.split("/")[2] for key in sorted(stored(lake))] == ["2026-10-21", "2026-11-20"]


def test_an_agency_reads_its_own_receipts_and_nobody_elses(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = lake.land(READINGS, NAME, FILE)
    other = lake.land(REQUESTS, "page.json", json.dumps([{"service_request_id": "1"}]))
    lake.load(READINGS)
    lake.load(REQUESTS)
    monkeypatch.setattr(verbs, "Settings", lambda: lake.settings)
    verbs.receipts(AGENCY, into=tmp_path, as_json=True)
    written = {path.relative_to(tmp_path).as_posix(): path.read_text() for path in tmp_path.rglob("*.json")}
    assert list(written) == [f"{READINGS}/2026-11-20/{mine}.json"]
    assert find_receipt(lake.connection, lake.contracts, mine).line() + "\n" in written.values()
    assert other not in "".join(written.values())
    with pytest.raises(UnknownNameError, match="no such agency"):
        verbs.receipts.__wrapped__("so-khong-co", into=tmp_path)  # type: ignore[attr-defined]


def test_a_signed_address_reads_one_object_and_no_other(lake: Lake) -> None:
    lake.land(READINGS, NAME, FILE)
    lake.land(REQUESTS, "page.json", json.dumps([{"service_request_id": "1"}]))
    lake.load(READINGS)
    lake.load(REQUESTS)
    store, contents = ReceiptStore(lake.settings), stored(lake)
    (mine,) = store.keys(lake.contracts[READINGS])
    (other,) = store.keys(lake.contracts[REQUESTS])
    landed = next(lake.landing.deliveries(lake.contracts[READINGS])).object_key
    link = store.link(mine, timedelta(hours=1))
    http = urllib3.PoolManager()
    assert http.request("GET", link).data.decode() == contents[mine]
    assert http.request("GET", link.replace(mine, other)).status == 403
    assert http.request("GET", link.replace(f"{BUCKET}/{mine}", f"landing/{landed}")).status == 403
    assert http.request("GET", link.partition("?")[0]).status == 403
    assert http.request("PUT", link, body=b"forged").status == 403
    assert stored(lake) == contents


def trace(lake: Lake, feed: str, name: str, position: int, *, with_raw: bool = False) -> Way:
    """Trace one piece."""
    contract = lake.contracts[feed]
    found = find_delivery(lake.connection, contract, name)
    return trace_piece(lake.settings, lake.connection, contract, found, position, with_raw=with_raw)


def test_every_record_of_a_delivery_is_found_behind_its_door(lake: Lake) -> None:
    delivery_id = lake.land(READINGS, NAME, FILE)
    lake.load(READINGS)
    before = lake.query("select max(snapshot_id) from ducklake_snapshots('lake')")
    ways = {position: trace(lake, READINGS, NAME, position) for position in range(1, 9)}
    assert [way.door for way in ways.values()] == [
        "accepted", "accepted", "duplicate", "quarantined", "quarantined", "accepted", "quarantined", "skipped",
    ]  # fmt: skip
    assert ways[1].key == {"station_id": "46_KK01", "parameter_code": "PM10", "measured_at": "2026-11-20 01:05:00+00"}
    assert ways[1].state == "current"
    assert ways[3].duplicate_of == f"{delivery_id}:2"
    assert (ways[4].reason, ways[4].error_group, ways[4].rules) == ("value_format", 4, ("value_format",))
    assert ways[8].reason == "blank_line"
    assert {way.raw for way in ways.values()} == {None}
    assert trace(lake, READINGS, delivery_id, 4, with_raw=True).raw == "CO\t8x2\tug/m3\t20261120080500\t01"
    assert trace(lake, READINGS, delivery_id[:-3], 1) == ways[1]
    assert lake.query("select max(snapshot_id) from ducklake_snapshots('lake')") == before


def test_a_record_of_another_delivery_is_the_one_it_repeats_and_a_version_is_superseded(lake: Lake) -> None:
    page = [{"service_request_id": "P1", "status": "open", "requested_datetime": "2026-11-20T07:00:00+07:00",
             "updated_datetime": f"2026-11-20T0{hour}:00:00+07:00", "ext": {"ma_co_quan": agency()}} for hour in (8, 9)]  # fmt: skip
    first = lake.land(REQUESTS, "a.json", json.dumps(page[:1]))
    lake.load(REQUESTS)
    again = lake.land(REQUESTS, "b.json", json.dumps(page))
    lake.load(REQUESTS)
    repeated = lake.land(REQUESTS, "b.json", json.dumps(page))
    lake.load(REQUESTS)
    old, same, new = (trace(lake, REQUESTS, *piece) for piece in ((first, 1), (again, 1), (again, 2)))
    assert (old.door, old.state, old.superseded_by) == ("accepted", "superseded", f"{again}:2")
    assert (same.door, same.duplicate_of) == ("duplicate", f"{first}:1")
    assert (new.door, new.state, new.superseded_by) == ("accepted", "current", None)
    way = trace(lake, REQUESTS, repeated, 2)
    assert (way.door, way.reason, way.duplicate_of) == ("duplicate", "duplicate_delivery", f"{again}:2")
    with pytest.raises(UnknownNameError, match=r"expected one delivery of feedback\.requests, got 2"):
        trace(lake, REQUESTS, "b.json", 1)


def agency() -> str:
    """The code of an agency that exists."""
    header, first = (PROJECT / "dbt_project/seeds/agencies.csv").read_text(encoding="utf-8").splitlines()[:2]
    return dict(zip(header.split(","), first.split(","), strict=False))["agency_code"]


def test_a_skipped_piece_tells_its_reason_among_several_and_a_position_beyond_is_refused(lake: Lake) -> None:
    lake.land(LEVELS, "l.csv", "station_id,timestamp,value\n\nstation_id,timestamp,value\nG,2026-11-20T01:00:00Z,1\n")
    lake.load(LEVELS)
    assert [trace(lake, LEVELS, "l.csv", position).reason for position in (2, 3)] == ["blank_line", "header"]
    for position in (0, 5):
        with pytest.raises(UnknownNameError, match="which has pieces 1 to 4"):
            trace(lake, LEVELS, "l.csv", position)
    with pytest.raises(UnknownNameError, match="in the ledger, got none"):
        trace(lake, LEVELS, "m.csv", 1)
    with pytest.raises(UnknownNameError, match="received on 2026-11-19"):
        find_delivery(lake.connection, lake.contracts[LEVELS], "l.csv", (NOON - timedelta(days=1)).date())


def test_a_row_of_a_workbook_is_told_as_excel_counts_it(lake: Lake) -> None:
    header = ["Mã trường", "Mã lớp", "Ngày điểm danh", "Sĩ số", "Có mặt", "Vắng có phép", "Vắng không phép"]
    day = ["20/11/2026", 12, 11, 1, 0]
    written = io.BytesIO()
    with xlsxwriter.Workbook(written, {"in_memory": True}) as book:
        sheet = book.add_worksheet("ChuyenCan")
        sheet.write_row(4, 0, header)
        for place, code in ((5, "6A"), (7, "#REF!"), (8, "#REF!"), (10, "#REF!")):
            sheet.write_row(place, 0, ["469900101", code, *day])
    feed, name = "education.attendance", "ChuyenCan_202611201100.xlsx"
    delivery_id = lake.land(feed, name, written.getvalue())
    lake.load(feed)
    (refusal,) = find_receipt(lake.connection, lake.contracts, delivery_id).quarantine
    assert (refusal.reason, refusal.positions, refusal.places) == ("class_code_error_cell", "4-5,7", "ChuyenCan!8-9,11")
    assert [trace(lake, feed, name, position).place for position in (1, 2, 3, 4)] == [
        "ChuyenCan!5",
        None,
        "ChuyenCan!7",
        "ChuyenCan!8",
    ]


def test_a_pupil_is_traced_without_being_named(lake: Lake) -> None:
    golden = PROJECT / "tests" / "golden" / "education" / "students" / "HocSinh_469900101_20261115.xlsx"
    lake.land("education.students", golden.name, golden.read_bytes())
    (row,) = lake.load("education.students")
    ways = [trace(lake, "education.students", golden.name, position) for position in range(1, row.pieces + 1)]
    accepted = [way for way in ways if way.door == "accepted"]
    assert len(accepted) == row.accepted
    assert accepted[0].key is not None
    assert accepted[0].key["student_id"] == "(not shown)"
    assert sum(way.door == "quarantined" for way in ways) == row.quarantined
    assert sum(way.door == "skipped" for way in ways) == row.skipped
