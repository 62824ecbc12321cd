"""Maintenance changes no row, and proves it by counting every table in ways that contradict each other if one is wrong."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from cli.verbs import app
from core.contract import find_contract
from core.errors import CountError
from core.settings import PROJECT
from ingestion.collect.landing import Landing
from ingestion.load.load import load_feed
from ingestion.repair.quarantine import Selection, export_lines, find_records
from ingestion.repair.repair_request import Request, request_edit
from ingestion.repair.replay import replay_feed
from lake import maintenance
from lake.connection import CatalogName, connected
from lake.counts import QUARANTINE, count_tables
from lake.maintenance import tidy
from lake.releases import releases_of
from stack.roles import LAKE_DATABASE, MARTS_DATABASE, connect
from tests.faults.deliveries import LEVELS, NOON, level_files
from tests.faults.readers import DOMAIN, publish_version, write_version
from tests.faults.scene import Scene
from transform.build import require_build

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]

AIS = "fisheries.ais_messages"
BRONZE = f"lake.bronze.{find_contract(LEVELS).table}"
MART = f"marts.{DOMAIN}.twins"
GAUGES = "station_id,station_name,river,value,timestamp,status\n"


@pytest.fixture(scope="module")
def loaded(empty: Scene) -> Scene:
    """A saved lake with bronze in files, records of several pieces, quarantine, a replay that repaired a record, and a release."""
    settings, contract = empty.settings, find_contract(LEVELS)
    many = [f"46_TV01,Kim Long,Hương,1.5,2026-11-20T{n // 60:02}:{n % 60:02}:00+07:00,rising\n" for n in range(300)]
    bad = "46_TV02,Phú Ốc,Bồ,high,2026-11-20T08:00:00+07:00,stable\n"
    empty.land(LEVELS, [*level_files(0), ("many.csv", (GAUGES + "".join(many) + bad).encode())])
    empty.land(AIS, [("stream.nmea", (PROJECT / "tests/golden/fisheries/ais_messages/stream.nmea").read_bytes())])
    for feed in (LEVELS, AIS):
        load_feed(settings, find_contract(feed))
    with connected(settings) as connection:
        records = find_records(connection, LEVELS, Selection())
    lines = [json.loads(line) for line in export_lines(records)]
    mended = [json.dumps(line | {"raw": line["raw"].replace("high", "1.75")}) for line in lines]
    request_edit(Landing(settings), contract, records, mended, Request("Trần Thị Ghi", NOON, "read from the gauge"))
    (replayed,) = {row.accepted > 0 for row in replay_feed(settings, contract)}
    assert replayed
    for version in (0, 1):
        publish_version(settings, version)
    empty.keep("loaded")
    return empty


@pytest.fixture
def lake(loaded: Scene) -> Scene:
    """The loaded lake, restored."""
    loaded.restore("loaded")
    return loaded


def versions(scene: Scene, catalog: str) -> set[int]:
    """Return the snapshots that a catalog still has."""
    with connected(scene.settings) as connection:
        rows = connection.execute(f"select snapshot_id from {catalog}.snapshots()").fetchall()
    return {int(row[0]) for row in rows}


def with_newest(scene: Scene, catalog: str, needed: set[int]) -> bool:
    """Whether a catalog has exactly the needed snapshots and its newest one, which a merge of files may have created."""
    known = versions(scene, catalog)
    return known == needed | {max(known)}


def files_to_delete(scene: Scene) -> int:
    """Count the files of the marts that are scheduled for deletion."""
    with connect(scene.settings, MARTS_DATABASE) as server:
        rows = server.execute("select path from ducklake_files_scheduled_for_deletion").fetchall()
    return len(rows)


def test_maintenance_leaves_every_row_and_the_snapshot_that_wrote_it(lake: Scene) -> None:
    def rows_by_snapshot() -> list[tuple[object, ...]]:
        with connected(lake.settings) as connection:
            return connection.execute(
                f"select '{LEVELS}', snapshot_id, count(*) from {BRONZE} group by all union all "
                "select 'releases', snapshot_id, count(*) from marts.operations.releases group by all order by all"
            ).fetchall()

    with connected(lake.settings) as connection:
        before = count_tables(connection)
    written_by = rows_by_snapshot()
    tidy(lake.settings)
    with connected(lake.settings) as connection:
        after = count_tables(connection)
    assert after == before
    assert rows_by_snapshot() == written_by
    assert after[BRONZE].scanned > 300
    assert any(count.records not in (None, count.scanned) for count in after.values())
    assert after[QUARANTINE].ledger
    assert after[MART].scanned == 100
    assert {table.split(".")[0] for table in after} == {"lake", "marts"}


def test_the_status_tells_snapshots_files_inlined_rows_and_rows(lake: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in lake.settings.child_environment().items():
        if name.startswith("IOC_"):
            monkeypatch.setenv(name, value)
    told = json.loads(CliRunner().invoke(app, ["status", "--lake", "--json"]).stdout)
    with connected(lake.settings) as connection:
        counts = count_tables(connection)
        (files, size) = connection.execute(
            f"select count(*), sum(data_file_size_bytes) from ducklake_list_files('marts', 'twins', schema => '{DOMAIN}')"
        ).fetchall()[0]
        ((first,), (mended,)) = connection.execute(
            f"select count(*) as records from {BRONZE} group by _load_id order by records desc"
        ).fetchall()
    tables = {f"{table['catalog']}.{table['table']}": table for table in told["tables"]}
    assert {name: table["rows"] for name, table in tables.items()} == {
        name: one.counted for name, one in counts.items()
    }
    mart = tables[MART]
    assert (mart["files"], mart["small_files"], mart["bytes"], mart["inlined_rows"]) == (files, files, size, 0)
    levels = tables[BRONZE]
    assert (levels["files"], levels["rows"], levels["inlined_rows"]) == (1, first + mended, mended)
    assert {catalog["catalog"]: catalog["snapshots"] for catalog in told["catalogs"]} == {
        name: len(versions(lake, name)) for name in ("lake", "marts")
    }
    lake_state, marts_state = told["catalogs"]
    with connected(lake.settings) as connection:
        released = [release.marts_version for release in releases_of(connection, DOMAIN)]
    assert marts_state["oldest_needed"] == released[0]
    assert (lake_state["oldest_needed"], lake_state["needed"]) == (0, lake_state["snapshots"])
    by_hand = CliRunner().invoke(app, ["status", "--lake"])
    assert (by_hand.exit_code, f"{DOMAIN}.twins" in by_hand.stdout) == (0, True)


@dataclass(frozen=True)
class Wrong:
    """A corruption of a table: where and how it is made, and by how much each count then differs."""

    what: str
    table: str
    statement: str
    in_postgres: str = ""
    counted: int = 0
    scanned: int = 0
    records: int = 0


FILES = (
    "update ducklake_data_file set record_count = record_count + {} where file_size_bytes > 0 and end_snapshot is null"
)
WRONGS = (
    Wrong("the catalog counts a row too many", BRONZE, FILES.format(1), LAKE_DATABASE, counted=1),
    Wrong("the catalog counts a row too few", BRONZE, FILES.format(-1), LAKE_DATABASE, counted=-1),
    Wrong("a row of bronze is lost", BRONZE, f"delete from {BRONZE} where rowid = 7", "", -1, -1, -1),
    Wrong("a row of bronze is doubled", BRONZE, f"insert into {BRONZE} from {BRONZE} limit 1", "", 1, 1, 1),
    Wrong("a row weighs more", BRONZE, f"update {BRONZE} set _record_count = 3 where rowid = 7", "", 0, 0, 2),
    Wrong("a quarantined row is lost", QUARANTINE, f"delete from {QUARANTINE} where position = 302", "", -1, -1, -1),
)


def do(lake: Scene, wrong: Wrong) -> None:
    """Corrupt a table."""
    if wrong.in_postgres:
        with connect(lake.settings, wrong.in_postgres) as server:
            assert server.execute(wrong.statement).rowcount > 0
    else:
        with connected(lake.settings) as connection:
            connection.execute(wrong.statement)


@pytest.mark.parametrize("wrong", WRONGS, ids=lambda wrong: wrong.what)
def test_a_table_that_contradicts_itself_or_its_ledger_stops_maintenance_before_it_begins(
    wrong: Wrong, lake: Scene
) -> None:
    with connected(lake.settings) as connection:
        right = count_tables(connection, with_a_ledger=True)[wrong.table]
    do(lake, wrong)
    before = versions(lake, "lake")
    with pytest.raises(CountError, match="before maintenance") as raised:
        tidy(lake.settings)
    assert raised.value.values == {
        "table": wrong.table,
        "counted": right.counted + wrong.counted,
        "scanned": right.scanned + wrong.scanned,
        "records": (right.records or 0) + wrong.records,
        "ledger": right.ledger,
    }
    assert versions(lake, "lake") == before


def test_a_table_without_a_ledger_must_count_what_it_holds(lake: Scene) -> None:
    of_mart = " and table_id in (select table_id from ducklake_table where table_name = 'twins')"
    do(lake, Wrong("a mart", MART, FILES.format(1) + of_mart, MARTS_DATABASE))
    with pytest.raises(CountError, match="101 counted, 100 scanned") as raised:
        tidy(lake.settings)
    assert (raised.value.values["table"], raised.value.values["ledger"]) == (MART, None)


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        (f"insert into {MART} values (7, 7)", "got 101 counted, 101 scanned"),
        (f"update {MART} set version = 7 where id = 50", "got other rows"),
    ],
    ids=["a row came back", "a value changed"],
)
def test_harm_that_maintenance_does_is_told_and_no_file_is_deleted(
    statement: str, told: str, lake: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = maintenance.snapshots_needed

    def harmful(connection: duckdb.DuckDBPyConnection, *arguments: Any) -> Mapping[CatalogName, frozenset[int]]:
        connection.execute(statement)
        return original(connection, *arguments)

    monkeypatch.setattr(maintenance, "snapshots_needed", harmful)
    later = lake.settings.model_copy(update={"now": datetime.now(UTC) + timedelta(days=3)})
    with pytest.raises(CountError, match=f"after files were merged and snapshots expired.*{told}") as raised:
        tidy(later)
    assert raised.value.values["table"] == MART
    assert files_to_delete(lake) > 0


@pytest.fixture
def emptied(empty: Scene) -> Iterator[Scene]:
    """An empty lake, restored afterwards, since these tests delete files for good."""
    empty.restore("empty")
    yield empty
    empty.empty()
    empty.keep("empty")


def test_snapshots_stay_that_a_release_a_build_or_the_grace_needs(emptied: Scene) -> None:
    """Six releases of ten weeks ago, two in each of three hours; then an unpublished build, and earlier ones of the same domain."""
    today = datetime.now(UTC) + timedelta(days=3)
    began = (today - timedelta(days=70)).replace(minute=0, second=0)
    settings = emptied.settings
    for number in range(6):
        at = began + timedelta(hours=number // 2, minutes=20 * (number % 2))
        publish_version(settings.model_copy(update={"now": at}), number)
    with connected(settings) as connection:
        releases = {release.release_id: release.marts_version for release in releases_of(connection, DOMAIN)}
        read = [write_version(connection, settings, version) for version in (6, 7)]
        built = require_build(connection, DOMAIN, read[1])
    released = {releases[2], releases[4], releases[6]}
    young = versions(emptied, "lake")
    tidy(settings.model_copy(update={"now": datetime.now(UTC) + timedelta(hours=23)}))
    assert young <= versions(emptied, "lake")
    assert with_newest(emptied, "marts", released)
    tidy(settings.model_copy(update={"now": today}))
    assert with_newest(emptied, "lake", {built.snapshot_id, built.written})
    assert with_newest(emptied, "marts", released)
    with connected(settings) as connection:
        for release in (2, 4, 6):
            shown = connection.execute(f"select min(version), count(*) from {MART} at (version => {releases[release]})")
            assert shown.fetchone() == (release - 1, 100)


def test_old_files_are_deleted_after_the_grace_and_the_rows_are_there(emptied: Scene) -> None:
    for version in range(4):
        publish_version(emptied.settings, version)
    now = datetime.now(UTC)
    tidy(emptied.settings.model_copy(update={"now": now + timedelta(hours=23)}))
    assert files_to_delete(emptied) > 0
    tidy(emptied.settings.model_copy(update={"now": now + timedelta(days=2)}))
    assert files_to_delete(emptied) == 0
    with connected(emptied.settings) as connection:
        assert connection.execute(f"select min(version), count(*) from {MART}").fetchone() == (3, 100)
