"""Corrupted, repaired and replayed equals never corrupted, on real PostgreSQL and a real object store."""

import json
import os
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.verbs import app
from core.errors import ConfigurationError, LedgerError
from ingestion.collect.landing import Delivery
from ingestion.load.ledger import LedgerRow
from ingestion.repair.quarantine import QuarantinedRecord, Selection, export_lines, find_records
from ingestion.repair.repair import make_repair
from ingestion.repair.repair_request import Request, request_edit, request_repair
from ingestion.repair.replay import replay_feed

from .conftest import NOON, Lake
from .test_load import feedback, lake_agency
from .warehouse import Warehouse

pytestmark = pytest.mark.stack

READINGS, LEVELS, REQUESTS = "environment.station_readings", "environment.river_levels", "feedback.requests"
AIS = "fisheries.ais_messages"
FILE_NAME = "46_KK01_20261120080500.txt"
WHO = Request("Nguyễn Thị Sửa", NOON, "the logger was set wrong, see letter 12")
LEAST_BRONZE = "_delivery_id, _load_id, _loaded_at"
"""What may differ between a record that came right and one that was repaired."""

GOOD_READINGS = (
    "PM10\t62.4\tug/m3\t20261120080500\t00\r\n"
    "PM2,5\t38.1\tug/m3\t20261120080500\t00\r\n"
    "\r\n"
    "NO2\t24.5\tug/m3\t20261120080500\t00\r\n"
    "CO\t812\tug/m3\t20261120080500\t01\r\n"
)
BAD_READINGS = (
    "PM10\t0.0624\tmg/m³\t20261120080500\t00\r\n"
    "PM2,5\t38.1\tug/m3\t20261120080500\t0\r\n"
    "\r\n"
    "NO2\t0.0245\tmg/m³\t20261120080500\t0\r\n"
    "CO\t812\tug/m3\t20261120080500\t01\r\n"
)
TO_MICROGRAMS = {"column": "value", "unit_column": "unit", "from_unit": "mg/m³", "to_unit": "ug/m3", "factor": 1000}
TWO_DIGITS = {"column": "status_code", "width": 2}

HEADER = "station_id,station_name,river,value,timestamp,status\n"
GOOD_LEVELS = (
    f"{HEADER}46_TV02,Phú Ốc,Bồ,1.25,2026-11-20T08:00:00+07:00,stable\n"
    "46_TV01,Kim Long,Hương,0.5,2026-11-20T08:00:00+07:00,rising\n"
    "46_TV03,Thượng Nhật,Tả Trạch,12.4,2026-11-20T08:00:00+07:00,rising\n"
)
IN_TCVN3 = (
    HEADER.encode()
    + b"46_TV02,Ph\xf3 \xffc,B\xe5,1.25,2026-11-20T08:00:00+07:00,stable\n"
    + "46_TV01,Kim Long,Hương,0.5,2026-11-20T08:00:00+07:00,rising\n".encode()
    + b"46_TV03,Th\xad\xeeng Nh\xcbt,T\xb6 Tr\xb9ch,12.4,2026-11-20T08:00:00+07:00,rising\n"
)


def requests(**changes: object) -> str:
    """Return a page of two requests, the second with changes."""
    known = {"updated_at": "2026-11-20T09:00:00+07:00", "ext": {"ma_co_quan": lake_agency(), "ma_xa": "99001"}}
    first = feedback(str(known["updated_at"]), "open", ext=known["ext"], service_request_id="PAHT-1")
    second = feedback(str(known["updated_at"]), "open", ext=known["ext"]) | {"service_request_id": "PAHT-2"}
    return json.dumps([first, second | changes], ensure_ascii=False)


@dataclass(frozen=True)
class Case:
    """A delivery as it should have come, as it came, and what was done: repairs with the reason they were chosen by."""

    feed: str
    name: str
    good: str | bytes
    bad: str | bytes
    repairs: tuple[tuple[str, dict[str, object], str | None], ...]


CASES = {
    "a unit, a code, and both in one record of a station's file": Case(
        READINGS,
        FILE_NAME,
        GOOD_READINGS,
        BAD_READINGS,
        (("convert_unit", TO_MICROGRAMS, "unit_reference"), ("pad_code", TWO_DIGITS, None)),
    ),
    "swapped coordinates in JSON": Case(
        REQUESTS, "p.json", requests(), requests(lat=107.59, long=16.46), (("swap_coordinates", {}, None),)
    ),
    "a commune of before the merger in JSON": Case(
        REQUESTS,
        "p.json",
        requests(),
        requests(ext={"ma_co_quan": lake_agency(), "ma_xa": "98001"}),
        (("map_commune", {}, "commune_code_reference"),),
    ),
    "millimetres in CSV": Case(
        LEVELS,
        "levels.csv",
        GOOD_LEVELS,
        GOOD_LEVELS.replace("12.4", "12400"),
        (("convert_unit", {"column": "level_m", "factor": "0.001"}, None),),
    ),
    "TCVN3 in CSV": Case(LEVELS, "levels.csv", GOOD_LEVELS, IN_TCVN3, (("decode_tcvn3", {}, "not_utf8"),)),
    "TCVN3 that was taken for Latin-1 has no repair by itself but one by column": Case(
        LEVELS,
        "levels.csv",
        GOOD_LEVELS,
        GOOD_LEVELS.replace("Thượng Nhật", "Th­îng NhËt").replace("12.4", "12400"),
        (
            ("decode_tcvn3", {"column": "gauge_name"}, None),
            ("convert_unit", {"column": "level_m", "factor": "0.001"}, None),
        ),
    ),
}


def bronze(lake: Lake, feed: str) -> list[tuple[object, ...]]:
    """Return a feed's bronze rows without the columns that say how they came."""
    table = lake.contracts[feed].table
    return lake.query(f"select * exclude ({LEAST_BRONZE}) from lake.bronze.{table} order by all")


def open_records(lake: Lake, feed: str, reason: str | None = None) -> list[QuarantinedRecord]:
    """Return the open records."""
    return find_records(lake.connection, feed, Selection(reason))


def ask(
    lake: Lake, feed: str, name: str, arguments: dict[str, object], reason: str | None = None, minute: int = 0
) -> list[Delivery]:
    """Ask for a named repair of what is open, some minutes after noon."""
    request = replace(WHO, at=NOON + timedelta(minutes=minute))
    records = open_records(lake, feed, reason)
    return request_repair(lake.landing, lake.contracts[feed], records, make_repair(name, arguments), request)


def edit(lake: Lake, feed: str, change: Callable[[str], str]) -> list[Delivery]:
    """Export what is open, change the raw text of each line, and ask for that repair."""
    records = open_records(lake, feed)
    lines = [json.loads(line) for line in export_lines(records)]
    changed = [json.dumps(line | {"raw": change(line["raw"])}) for line in lines]
    return request_edit(lake.landing, lake.contracts[feed], records, changed, WHO)


def counts(rows: list[LedgerRow]) -> list[tuple[object, ...]]:
    """Return what ledger rows say."""
    return [
        (row.status.value, row.pieces, dict(row.skipped_reasons), row.received, row.accepted, row.duplicate, row.quarantined)
        for row in rows
    ]  # fmt: skip


def outcomes(lake: Lake) -> list[tuple[object, ...]]:
    """Return the outcome of every record that was replayed."""
    return lake.query("select position, repair, outcome from lake.quarantine.repairs order by all")


def books_agree(lake: Lake) -> bool:
    """Whether quarantined = open + replayed, and the replays received what was replayed."""
    ledger = lake.query(
        "select sum(quarantined), sum(received) filter (status = 'replayed') from lake.ledger.deliveries"
    )
    records = lake.query(
        """
        select sum(record_count), sum(record_count) filter (outcome is not null)
        from lake.quarantine.records left join lake.quarantine.repairs using (feed, delivery_id, position)
        """
    )
    return ledger == records


@pytest.mark.parametrize("name", CASES)
def test_corrupted_repaired_replayed_equals_never_corrupted(lake: Lake, name: str) -> None:
    case = CASES[name]
    lake.land(case.feed, case.name, case.good)
    lake.load(case.feed)
    never_corrupted = bronze(lake, case.feed)
    lake.empty()

    lake.land(case.feed, case.name, case.bad)
    (sent,) = lake.load(case.feed)
    assert sent.quarantined > 0
    assert bronze(lake, case.feed) != never_corrupted
    for repair, arguments, reason in case.repairs:
        ask(lake, case.feed, repair, arguments, reason, minute=90)
        assert lake.replay(case.feed) != []
    assert bronze(lake, case.feed) == never_corrupted
    assert open_records(lake, case.feed) == []
    assert books_agree(lake)

    assert lake.replay(case.feed) == []
    assert lake.load(case.feed) == []
    assert bronze(lake, case.feed) == never_corrupted
    raws = lake.query("select raw from lake.quarantine.records where delivery_id not like 'repair-%'")
    assert len(raws) == sent.quarantined


def test_a_record_with_two_faults_is_refused_once_more_and_its_second_repair_begins_where_the_first_ended(
    lake: Lake,
) -> None:
    lake.land(READINGS, FILE_NAME, BAD_READINGS)
    lake.load(READINGS)
    ask(lake, READINGS, "convert_unit", TO_MICROGRAMS, "unit_reference")
    assert counts(lake.replay(READINGS)) == [("replayed", 2, {}, 2, 1, 0, 1)]
    assert outcomes(lake) == [(1, "convert_unit", "accepted"), (4, "convert_unit", "quarantined")]
    later = replace(lake, settings=lake.settings.model_copy(update={"now": NOON + timedelta(days=9)}))
    found = {(record.position, record.reason): record for record in open_records(lake, READINGS)}
    assert list(found) == [(2, "status_code_allowed"), (4, "status_code_allowed")]
    again = found[4, "status_code_allowed"]
    assert (again.delivery_id.startswith("repair-"), again.raw) == (True, "NO2\t0.0245\tmg/m³\t20261120080500\t0")
    ask(later, READINGS, "pad_code", TWO_DIGITS)
    assert counts(later.replay(READINGS)) == [("replayed", 1, {}, 1, 1, 0, 0)] * 2
    assert lake.query("select distinct quarantined_since from lake.quarantine.repairs") == [(NOON,)]
    assert books_agree(lake)


def test_landing_alone_gives_every_table_again(lake: Lake) -> None:
    lake.land(READINGS, FILE_NAME, BAD_READINGS)
    lake.load(READINGS)
    ask(lake, READINGS, "convert_unit", TO_MICROGRAMS, "unit_reference")
    lake.replay(READINGS)
    ask(lake, READINGS, "pad_code", TWO_DIGITS)
    lake.replay(READINGS)
    tables = ("bronze.environment__station_readings", "quarantine.records", "quarantine.repairs", "ledger.deliveries")
    shown = {
        name: f"select * exclude ({'_load_id' if 'bronze' in name else 'load_id'}) from lake.{name} order by all"
        for name in tables
    }
    before = {name: lake.query(sql) for name, sql in shown.items()}
    for name in tables:
        lake.connection.execute(f"delete from lake.{name}")
    lake.load(READINGS)
    assert len(lake.replay(READINGS)) == 3
    assert {name: lake.query(sql) for name, sql in shown.items()} == before


def test_who_repaired_what_when_and_why_is_kept_as_bytes_and_as_a_row(lake: Lake) -> None:
    sent = lake.land(READINGS, FILE_NAME, BAD_READINGS)
    lake.load(READINGS)
    (document,) = ask(lake, READINGS, "pad_code", TWO_DIGITS, "status_code_allowed")
    assert document.object_key.startswith("repairs/environment/station_readings/2026-11-20/")
    with lake.landing.read(document).stream as stream:
        said = json.load(stream)
    assert said.pop("sha256") == lake.query("select sha256 from lake.ledger.deliveries")[0][0]
    assert str(said.pop("object_key")).startswith("environment/station_readings/2026-11-20/")
    assert said == {
        "feed": READINGS,
        "delivery_id": sent,
        "size_bytes": len(BAD_READINGS.encode()),
        "repair": "pad_code",
        "arguments": TWO_DIGITS,
        "edits": {},
        "positions": [2],
        "repaired_by": WHO.by,
        "repaired_at": "2026-11-20T05:00:00Z",
        "why": WHO.why,
    }
    (row,) = lake.replay(READINGS)
    assert lake.query("select * from lake.quarantine.repairs") == [
        (
            READINGS,
            sent,
            2,
            document.delivery_id,
            "pad_code",
            WHO.by,
            NOON,
            WHO.why,
            "accepted",
            NOON,
            row.load_id,
            NOON,
        )
    ]
    assert lake.query("select _delivery_id, _position from lake.bronze.environment__station_readings order by all") == [
        (sent, 5),
        (document.delivery_id, 2),
    ]
    assert lake.query("select count(distinct load_id) from lake.ledger.rule_results") == [(1,)]


def test_the_same_repair_asked_for_twice_is_replayed_once(lake: Lake) -> None:
    lake.land(REQUESTS, "p.json", requests(lat=107.59, long=16.46))
    lake.load(REQUESTS)
    for _ in range(2):
        ask(lake, REQUESTS, "swap_coordinates", {})
    assert counts(lake.replay(REQUESTS)) == [
        ("replayed", 1, {}, 1, 1, 0, 0),
        ("replayed", 1, {"already_replayed": 1}, 0, 0, 0, 0),
    ]
    assert lake.query("select count(*) from lake.bronze.feedback__requests") == [(2,)]
    assert outcomes(lake) == [(2, "swap_coordinates", "accepted")]
    assert books_agree(lake)


def test_two_replays_at_once_are_one(lake: Lake) -> None:
    lake.land(READINGS, FILE_NAME, BAD_READINGS)
    lake.load(READINGS)
    ask(lake, READINGS, "as_is", {}, "unit_reference")
    ask(lake, READINGS, "as_is", {}, "status_code_allowed", minute=1)
    ask(lake, READINGS, "pad_code", TWO_DIGITS, minute=2)
    with ThreadPoolExecutor(2) as pool:
        both = pool.map(lambda _: replay_feed(lake.settings, lake.contracts[READINGS]), range(2))
        rows = [row for found in both for row in found]
    assert sorted(counts(rows), key=str) == [
        ("replayed", 1, {}, 1, 0, 0, 1),
        ("replayed", 2, {}, 2, 0, 0, 2),
        ("replayed", 3, {"already_replayed": 3}, 0, 0, 0, 0),
    ]
    assert books_agree(lake)


def test_a_replay_that_fails_commits_nothing_and_the_next_one_does_all(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.land(READINGS, FILE_NAME, BAD_READINGS)
    lake.load(READINGS)
    ask(lake, READINGS, "pad_code", TWO_DIGITS, "status_code_allowed")
    tables = ("bronze.environment__station_readings", "quarantine.records", "quarantine.repairs", "ledger.deliveries")
    before = {table: lake.query(f"from lake.{table} order by all") for table in tables}

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ingestion.repair.replay.write_repairs", crash)
    with pytest.raises(KeyboardInterrupt):
        lake.replay(READINGS)
    monkeypatch.undo()
    assert {table: lake.query(f"from lake.{table} order by all") for table in tables} == before
    assert counts(lake.replay(READINGS)) == [("replayed", 1, {}, 1, 1, 0, 0)]


def test_a_record_that_leaves_by_no_door_is_not_closed(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    lake.land(READINGS, FILE_NAME, BAD_READINGS)
    lake.load(READINGS)
    ask(lake, READINGS, "pad_code", TWO_DIGITS, "status_code_allowed")
    monkeypatch.setattr("ingestion.repair.replay.Replayer._read_block", lambda *_: {2: 2})
    with pytest.raises(LedgerError, match="expected pieces 1 = received 0"):
        lake.replay(READINGS)
    assert outcomes(lake) == []


def test_an_edited_export_is_replayed_and_lines_left_alone_are_not(lake: Lake) -> None:
    lake.land(LEVELS, "levels.csv", GOOD_LEVELS)
    lake.load(LEVELS)
    never_corrupted = bronze(lake, LEVELS)
    lake.empty()
    lake.land(LEVELS, "levels.csv", GOOD_LEVELS.replace("1.25,", "1,25,").replace("0.5,", "O.5,"))
    lake.load(LEVELS)
    assert [record.reason for record in open_records(lake, LEVELS)] == ["wrong_column_count", "level_m_format"]
    edit(lake, LEVELS, lambda raw: raw.replace("1,25,", "1.25,"))
    assert counts(lake.replay(LEVELS)) == [("replayed", 1, {}, 1, 1, 0, 0)]
    assert [record.position for record in open_records(lake, LEVELS)] == [3]
    edit(lake, LEVELS, lambda raw: raw.replace("O.5,", "5OO,"))
    assert counts(lake.replay(LEVELS)) == [("replayed", 1, {}, 1, 0, 0, 1)]
    (bad,) = open_records(lake, LEVELS)
    assert (bad.position, bad.reason) == (3, "level_m_format")
    assert bad.raw == "46_TV01,Kim Long,Hương,5OO,2026-11-20T08:00:00+07:00,rising"
    edit(lake, LEVELS, lambda raw: raw.replace("5OO,", "500,"))
    lake.replay(LEVELS)
    ask(lake, LEVELS, "convert_unit", {"column": "level_m", "factor": "0.001"})
    lake.replay(LEVELS)
    assert bronze(lake, LEVELS) == never_corrupted
    assert books_agree(lake)


def test_a_record_cannot_be_edited_away(lake: Lake) -> None:
    lake.land(READINGS, FILE_NAME, BAD_READINGS)
    lake.load(READINGS)
    edit(lake, READINGS, lambda _: "")
    assert counts(lake.replay(READINGS)) == [("replayed", 3, {}, 3, 0, 0, 3)]
    assert {record.reason for record in open_records(lake, READINGS)} == {"no_record"}


def test_an_edited_sentence_takes_its_siblings_with_it_where_the_repair_names_them(lake: Lake) -> None:
    first = "!AIVDM,2,1,4,A,55O0W7`00001L@gCWGA2uItLth@DqtL5@F22220j1h742t0Ht0000000,0*08,1795150000"
    second = "!AIVDM,2,2,4,A,000000000000000,2*20"
    lake.land(AIS, "a.nmea", f"{first}\n{second}\n")
    lake.load(AIS)
    never_corrupted = bronze(lake, AIS)
    assert len(never_corrupted) == 1
    lake.empty()
    lake.land(AIS, "a.nmea", f"{first.replace('*08', '*09')}\n{second}\n")
    lake.load(AIS)
    assert [record.reason for record in open_records(lake, AIS)] == ["bad_checksum", "orphan_fragment"]
    edit(lake, AIS, lambda raw: raw.replace("*09", "*08"))
    assert counts(lake.replay(AIS)) == [("replayed", 1, {}, 1, 0, 0, 1)]
    assert {record.reason for record in open_records(lake, AIS)} == {"needs_other_pieces", "orphan_fragment"}
    assert books_agree(lake)


def test_a_delivery_that_could_not_be_read_is_replayed_whole_and_by_nothing_else(lake: Lake) -> None:
    lake.land(LEVELS, "levels.csv", GOOD_LEVELS)
    lake.load(LEVELS)
    never_corrupted = bronze(lake, LEVELS)
    lake.empty()
    right = lake.contracts[LEVELS]
    (form,) = right.forms
    lake.contracts[LEVELS] = replace(right, forms=(replace(form, columns={**form.columns, "level_m": "height"}),))
    content = GOOD_LEVELS + "46_TV01,Kim Long,Hương,O.5,2026-11-20T08:15:00+07:00,rising\n"
    sent = lake.land(LEVELS, "levels.csv", content)
    assert counts(lake.load(LEVELS)) == [("unreadable", 1, {}, 1, 0, 0, 1)]
    with pytest.raises(ConfigurationError, match=rf"the first {sent}, missing_column\); land a corrected file"):
        ask(lake, LEVELS, "pad_code", {"column": "gauge_id", "width": 4})
    with pytest.raises(ConfigurationError, match="position 0, a delivery that could not be read; land a corrected"):
        edit(lake, LEVELS, lambda raw: raw + "x")
    ask(lake, LEVELS, "as_is", {})
    assert counts(lake.replay(LEVELS)) == [("replayed", 1, {}, 1, 0, 0, 1)]
    assert outcomes(lake) == [(0, "as_is", "quarantined")]
    lake.contracts[LEVELS] = right
    ask(lake, LEVELS, "as_is", {})
    assert counts(lake.replay(LEVELS)) == [("replayed", 5, {"header": 1}, 4, 3, 0, 1)]
    assert bronze(lake, LEVELS) == never_corrupted
    edit(lake, LEVELS, lambda raw: raw.replace("O.5", "0.5"))
    assert counts(lake.replay(LEVELS)) == [("replayed", 1, {}, 1, 1, 0, 0)]
    assert open_records(lake, LEVELS) == []


def test_what_an_agency_sent_again_is_closed_as_known_and_only_if_it_came(lake: Lake) -> None:
    broken = lake.land(LEVELS, "levels.csv", GOOD_LEVELS.replace(",value,", ",height,"))
    lake.load(LEVELS)
    assert [record.position for record in open_records(lake, LEVELS)] == [0]
    ask(lake, LEVELS, "resent", {"resent_in": broken})  # brought nothing itself
    assert counts(lake.replay(LEVELS)) == [("replayed", 1, {}, 1, 0, 0, 1)]
    assert [record.reason for record in open_records(lake, LEVELS)] == ["not_resent"]
    right = lake.land(LEVELS, "levels.csv", GOOD_LEVELS, minute=1)
    lake.load(LEVELS)
    loaded = bronze(lake, LEVELS)
    ask(lake, LEVELS, "resent", {"resent_in": right}, minute=2)
    assert counts(lake.replay(LEVELS)) == [("replayed", 1, {}, 1, 0, 1, 0)]
    assert outcomes(lake) == [(0, "resent", "duplicate"), (0, "resent", "quarantined")]
    assert open_records(lake, LEVELS) == []
    assert bronze(lake, LEVELS) == loaded
    assert books_agree(lake)


def test_records_are_not_closed_by_what_came_before_them(lake: Lake) -> None:
    earlier = lake.land(READINGS, FILE_NAME, GOOD_READINGS)
    lake.land(READINGS, FILE_NAME, BAD_READINGS, minute=1)
    lake.load(READINGS)
    positions = [record.position for record in open_records(lake, READINGS)]
    assert len(positions) == 3
    ask(lake, READINGS, "resent", {"resent_in": earlier}, minute=2)
    assert counts(lake.replay(READINGS)) == [("replayed", 3, {}, 3, 0, 0, 3)]
    assert {record.reason for record in open_records(lake, READINGS)} == {"not_resent"}
    later = lake.land(READINGS, FILE_NAME, GOOD_READINGS + GOOD_READINGS[-1:], minute=3)
    lake.load(READINGS)
    ask(lake, READINGS, "resent", {"resent_in": later}, minute=4)
    assert counts(lake.replay(READINGS)) == [("replayed", 3, {}, 3, 0, 3, 0)]
    assert open_records(lake, READINGS) == []
    assert books_agree(lake)


def test_what_was_sent_again_meanwhile_is_a_duplicate_and_something_else_a_conflict(lake: Lake) -> None:
    lake.land(READINGS, FILE_NAME, BAD_READINGS)
    lake.land(READINGS, FILE_NAME, GOOD_READINGS.replace("62.4", "99"))
    lake.load(READINGS)
    ask(lake, READINGS, "convert_unit", TO_MICROGRAMS, "unit_reference")
    ask(lake, READINGS, "pad_code", TWO_DIGITS, "status_code_allowed")
    assert sorted(counts(lake.replay(READINGS)), key=str) == [
        ("replayed", 1, {}, 1, 0, 1, 0),
        ("replayed", 2, {}, 2, 0, 0, 2),
    ]
    assert sorted(record.reason for record in open_records(lake, READINGS)) == [
        "conflicting_version",
        "status_code_allowed",
    ]
    assert outcomes(lake)[1:] == [(2, "pad_code", "duplicate"), (4, "convert_unit", "quarantined")]


def test_what_was_landed_before_a_replay_is_loaded_after_it(lake: Lake) -> None:
    lake.land(READINGS, FILE_NAME, BAD_READINGS)
    lake.load(READINGS)
    lake.land(READINGS, "46_KK02_20261120080500.txt", GOOD_READINGS)
    late = replace(WHO, at=NOON + timedelta(days=30))
    records = open_records(lake, READINGS)
    request_repair(lake.landing, lake.contracts[READINGS], records, make_repair("as_is", {}), late)
    assert [row.quarantined for row in lake.replay(READINGS)] == [3]
    assert counts(lake.load(READINGS)) == [("loaded", 5, {"blank_line": 1}, 4, 4, 0, 0)]


def test_a_delivery_that_changed_in_landing_is_not_replayed(lake: Lake) -> None:
    lake.land(READINGS, FILE_NAME, BAD_READINGS)
    lake.load(READINGS)
    ask(lake, READINGS, "as_is", {})
    (sent,) = lake.landing.deliveries(lake.contracts[READINGS])
    forged = Path(lake.settings.home_folder / "forged")
    forged.write_text("x", encoding="utf-8")
    lake.landing._client.fput_object("landing", sent.object_key, str(forged))
    with pytest.raises(LedgerError, match="as landed, got"):
        lake.replay(READINGS)


@pytest.mark.timeout(1800)
def test_marts_after_repair_and_replay_equal_those_of_the_run_that_was_never_corrupted(lake: Lake) -> None:
    warehouse = Warehouse(lake.settings, lake.connection)
    names = ("air_quality_hours", "station_uptime_days")
    models = ("--select", *(f"+{name}" for name in (*names, "ledger_totals", "quarantine_reasons", "quarantine_ages")))
    lines = [
        f"{parameter}\t{value}\t{{unit}}\t2026112007{minute:02}00\t{{status}}\r\n"
        for parameter, value in (("PM10", "62.4"), ("PM2,5", "38.1"), ("NO2", "24.5"))
        for minute in range(0, 60, 5)
    ]
    good = "".join(line.format(unit="ug/m3", status="00") for line in lines)
    bad = "".join(
        line.replace("62.4", "0.0624")
        .replace("24.5", "0.0245")
        .format(unit="ug/m3" if line.startswith("PM2,5") else "mg/m³", status="00" if line.startswith("PM10") else "0")
        for line in lines
    )

    def marts() -> dict[str, list[tuple[object, ...]]]:
        shown = "* exclude (source_version)"  # in which commit a row came, a matter of the run
        return {name: lake.query(f"select {shown} from lake.environment.{name} order by all") for name in names}

    lake.land(READINGS, FILE_NAME, good)
    lake.load(READINGS)
    warehouse.build_untested(NOON, *models)
    never_corrupted = marts()
    assert len(never_corrupted["air_quality_hours"]) == 1
    lake.empty()
    lake.land(READINGS, FILE_NAME, bad)
    lake.load(READINGS)
    ask(lake, READINGS, "convert_unit", TO_MICROGRAMS, "unit_reference")
    lake.replay(READINGS)
    warehouse.build_models(NOON, *models, "--full-refresh")
    assert marts() != never_corrupted
    totals = (
        "select received, accepted, quarantined, replayed, quarantined_again, repaired, open, is_balanced "
        f"from lake.quality.ledger_totals where feed = '{READINGS}'"
    )
    reasons = "select reason, records, repaired_records from lake.quality.quarantine_reasons order by all"
    ages = "select reason, stage, records, oldest_at from lake.quality.quarantine_ages order by all"
    assert lake.query(totals) == [(36, 0, 36, 24, 12, 12, 24, True)]
    assert lake.query(reasons) == [("status_code_allowed", 24, 0), ("unit_reference", 0, 12)]
    assert lake.query(ages) == [("status_code_allowed", "in_time", 24, NOON)]
    ask(lake, READINGS, "pad_code", TWO_DIGITS)
    lake.replay(READINGS)
    buildable = ("--exclude-resource-type", "seed", "--indirect-selection", "buildable")
    statuses = warehouse.dbt("build", NOON, *models, *buildable)
    assert {name: status for name, status in statuses.items() if status not in ("success", "pass")} == {}
    assert marts() == never_corrupted
    assert lake.query(totals) == [(36, 0, 36, 48, 12, 36, 0, True)]
    assert lake.query(reasons) == [("status_code_allowed", 0, 24), ("unit_reference", 0, 12)]
    assert lake.query(ages) == []


@pytest.fixture
def ioc(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """The command, on the stack of the tests."""
    monkeypatch.setenv("IOC_HOME", str(lake.settings.home_folder))
    for name, value in lake.settings.child_environment().items():
        if name.startswith("IOC_"):
            monkeypatch.setenv(name, value)
    return lambda *arguments: CliRunner().invoke(app, ["quarantine", *arguments])


def test_the_command_lists_exports_repairs_and_replays(
    lake: Lake, ioc: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.land(READINGS, FILE_NAME, BAD_READINGS)
    lake.load(READINGS)
    monkeypatch.setenv("IOC_NOW", (NOON + timedelta(days=14)).isoformat())
    listed = json.loads(ioc("list", READINGS, "--json").stdout)
    common = {"feed": READINGS, "state": "open", "oldest_at": NOON.isoformat()}
    assert listed == [
        {**common, "reason": "unit_reference", "error_group": 5, "records": 2, "working_days": 10, "stage": "review_due"},
        {**common, "reason": "status_code_allowed", "error_group": 5, "records": 1, "working_days": 10, "stage": "review_due"},
    ]  # fmt: skip
    file = tmp_path / "open.jsonl"
    exported = ioc("export", READINGS, "--into", str(file), "--reason", "status_code_allowed", "--json")
    assert json.loads(exported.stdout) == [{"feed": READINGS, "file": str(file), "records": 1}]
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
    assert ioc("export", READINGS, "--into", str(file)).exit_code == 1
    line = json.loads(file.read_text(encoding="utf-8"))
    assert (line["position"], line["reason"], line["failed_rules"]) == (
        2,
        "status_code_allowed",
        ["status_code_allowed"],
    )
    file.write_text(json.dumps(line | {"raw": line["raw"] + "0"}), encoding="utf-8")
    written = json.loads(ioc("repair", READINGS, "--edited", str(file), "--why", "w", "--by", "An", "--json").stdout)
    assert [(one["feed"], one["repair"]) for one in written] == [(READINGS, "edit")]
    units = ["--column", "value", "--unit-column", "unit", "--from", "mg/m³", "--to", "ug/m3", "--factor", "1000"]
    chosen = ["--reason", "unit_reference", "--position", "1", "--why", "w"]
    assert ioc("repair", READINGS, "convert_unit", *units, *chosen).exit_code == 0
    replayed = json.loads(ioc("replay", READINGS, "--json").stdout)
    assert [(row["status"], row["accepted"]) for row in replayed] == [("replayed", 1), ("replayed", 1)]
    shown = json.loads(ioc("show", READINGS, "--all", "--reveal", "--json").stdout)
    assert [(row["position"], row["state"], row["repair"], row["stage"], row["raw"]) for row in shown] == [
        (1, "accepted", "convert_unit", None, "PM10\t0.0624\tmg/m³\t20261120080500\t00"),
        (2, "accepted", "edit", None, "PM2,5\t38.1\tug/m3\t20261120080500\t0"),
        (4, "open", None, "review_due", "NO2\t0.0245\tmg/m³\t20261120080500\t0"),
    ]
    assert [row["position"] for row in json.loads(ioc("show", READINGS, "--json").stdout)] == [4]


REFUSED_COMMANDS: list[tuple[tuple[str, ...], str]] = [
    (("repair", "environment.nothing", "as_is", "--why", "w"), "environment.nothing: no such feed; there are"),
    (("repair", READINGS, "pad", "--why", "w"), "pad: expected a repair of as_is, pad_code"),
    (("repair", READINGS, "pad_code", "--column", "code", "--width", "2", "--why", "w"), "got code; correct the name"),
    (
        ("repair", READINGS, "swap_coordinates", "--why", "w"),
        "expected a column of the contract (station_id, ",
    ),
    (
        ("repair", READINGS, "as_is", "--column", "x", "--why", "w"),
        "as_is: expected no arguments, got column",
    ),
    (
        ("repair", READINGS, "resent", "--resent-in", "20261120T050000", "--why", "w"),
        "expected a delivery that brought records, got 20261120T050000; see `ioc ledger",
    ),
    (("repair", READINGS, "as_is"), "expected the name of a person and a reason"),
    (("repair", READINGS, "--why", "w"), "expected either a repair with its options, or --edited"),
    (("repair", READINGS, "as_is", "--why", "w", "--position", "99"), "expected open records to repair, got none"),
    (("repair", READINGS, "--edited", "absent.jsonl", "--why", "w"), "expected an edited export in UTF-8"),
    (("replay", "environment.nothing"), "environment.nothing: no such feed"),
    (("list", "environment.nothing"), "environment.nothing: no such feed"),
]


def test_what_cannot_be_repaired_is_refused_before_anything_is_written(lake: Lake, ioc: Callable[..., Result]) -> None:
    lake.land(READINGS, FILE_NAME, BAD_READINGS)
    lake.load(READINGS)
    for arguments, message in REFUSED_COMMANDS:
        answer = ioc(*arguments, "--json")
        assert (answer.exit_code, answer.stdout) == (1, ""), arguments
        assert message in json.loads(answer.stderr)["message"]
    assert list(lake.landing.repairs(lake.contracts[READINGS])) == []


REFUSED_EXPORTS: list[tuple[Callable[[list[str]], list[str]], str]] = [
    (lambda lines: ["{", *lines], "expected JSON with delivery_id, position and raw in line 1"),
    (lambda lines: ['{"delivery_id": "d", "position": 1}'], "raw in line 1, got something else"),
    (lambda lines: [lines[0], "", lines[0]], r"again \(line 3\)"),
    (lambda lines: [lines[0].replace('"position": 1', '"position": 3')], "at position 3; export again"),
    (lambda lines: lines, "expected edited records, got all 3 unchanged"),
]


def test_an_edited_export_that_is_none_is_refused_before_anything_is_written(lake: Lake) -> None:
    lake.land(READINGS, FILE_NAME, BAD_READINGS)
    lake.load(READINGS)
    records = open_records(lake, READINGS)
    contract = lake.contracts[READINGS]
    for change, message in REFUSED_EXPORTS:
        with pytest.raises(ConfigurationError, match=message):
            request_edit(lake.landing, contract, records, change(list(export_lines(records))), WHO)
    assert list(lake.landing.repairs(contract)) == []
