"""Publishing on real catalogs: only what differs is written, by key, whole or not at all; the change feed shows it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zlib import crc32

import duckdb
import pytest

from core.settings import Settings
from lake import publication
from lake.connection import connect, connected
from lake.publication import Publication, Source, publish_rows
from lake.releases import Release, find_release, last_release, releases_of, version_as_of
from lake.snapshots import attach_as_of, newest_snapshot, tables_of
from quality.marts import marts_of
from quality.restatements import Restatement, find_restatements

from .catalogs import empty_catalogs

pytestmark = pytest.mark.stack

NOON = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)
Rows = list[tuple[object, ...]]

HOURS = "station_id varchar, hour_at timestamptz, vn_aqi integer, pm2_5_ug_m3 double"
"""The columns of air quality that these tests need: keys and period of the real mart, two of its figures."""

NESTED = "key_code varchar, number integer, shape struct(kind varchar, sizes integer[]), tags varchar[], price decimal(18, 2)"


@dataclass
class Shop:
    """A lake in which candidates are written by hand, and the marts into which they are published, an hour apart."""

    connection: duckdb.DuckDBPyConnection
    domain: str
    keys: dict[str, tuple[str, ...]] = field(default_factory=dict)
    releases: list[Release] = field(default_factory=list)

    def create(self, mart: str, columns: str, *key: str) -> None:
        """Create an empty candidate, replacing an existing one."""
        self.keys[mart] = key
        self.run(f"create or replace table lake.{self.domain}.{mart} ({columns})")

    def run(self, statement: str) -> None:
        """Change something, in a commit of its own."""
        self.connection.execute(statement)

    def publish(self) -> Release:
        """Publish the candidates as they stand now."""
        snapshot = newest_snapshot(self.connection)
        return self._publish(Source("lake", snapshot), snapshot, "publish")

    def roll_back(self, earlier: Release) -> Release:
        """Publish what an earlier release showed."""
        return self._publish(Source("marts", earlier.marts_version), earlier.lake_snapshot, "rollback")

    def _publish(self, source: Source, lake_snapshot: int, action: str) -> Release:
        publication = Publication(
            domain=self.domain,
            source=source,
            keys=self.keys,
            lake_snapshot=lake_snapshot,
            suite="digest",
            action=action,
            reason="by hand",
            scores={f"{self.domain}.feed": {"correct": 99.5, "live": None}},
            last_event_at=NOON,
            published_at=NOON + timedelta(hours=len(self.releases)),
        )
        self.releases.append(publish_rows(self.connection, publication))
        return self.releases[-1]

    def released(self, mart: str, columns: str = "*") -> Rows:
        """Return the rows that readers see."""
        return self.connection.execute(f"select {columns} from marts.{self.domain}.{mart} order by all").fetchall()

    def candidate(self, mart: str) -> Rows:
        """Return the rows that were to be published."""
        return self.connection.execute(f"from lake.{self.domain}.{mart} order by all").fetchall()

    def shown(self) -> dict[str, Rows]:
        """Return everything that readers see of the domain."""
        tables = tables_of(self.connection, "marts", self.domain, newest_snapshot(self.connection, "marts"))
        return {table: self.released(table) for table in tables}

    def changes(self, mart: str, release: Release) -> dict[str, int]:
        """Count the rows of a release's change feed by what was done to them."""
        rows = self.connection.execute(
            f"select change_type, count(*) from ducklake_table_changes('marts', '{self.domain}', '{mart}', $version, $version) "
            "group by all order by all",
            {"version": release.marts_version},
        ).fetchall()
        return {str(kind): int(count) for kind, count in rows}


@pytest.fixture(scope="module")
def settings(new_settings: Callable[[], Settings]) -> Iterator[Settings]:
    """Start catalogs of their own, so that nobody else publishes into them."""
    with empty_catalogs(new_settings()) as settings:
        yield settings


@pytest.fixture
def shop(settings: Settings, request: pytest.FixtureRequest) -> Iterator[Shop]:
    """A domain of its own for each test."""
    domain = f"shop_{crc32(request.node.name.encode())}"
    with connected(settings) as connection:
        connection.execute(f"create schema lake.{domain}")
        yield Shop(connection, domain)


def test_the_first_publication_shows_the_candidates_and_writes_its_release_with_them(shop: Shop) -> None:
    shop.create("prices", "code varchar, price decimal(18, 2)", "code")
    shop.create("notes", "text varchar")
    shop.run(f"insert into lake.{shop.domain}.prices values ('00123', 12.50), ('007', null)")
    shop.run(f"insert into lake.{shop.domain}.notes values ('no key'), ('no key')")
    read = newest_snapshot(shop.connection)
    release = shop.publish()
    assert shop.shown() == {"notes": shop.candidate("notes"), "prices": shop.candidate("prices")}
    assert release == Release(
        release_id=release.release_id,
        domain=shop.domain,
        lake_snapshot=read,
        verdict="passed",
        suite="digest",
        action="publish",
        reason="by hand",
        scores={f"{shop.domain}.feed": {"correct": 99.5, "live": None}},
        last_event_at=NOON,
        published_at=NOON,
        marts_version=newest_snapshot(shop.connection, "marts"),
    )
    assert last_release(shop.connection, shop.domain) == release
    assert releases_of(shop.connection, shop.domain) == [release]
    assert find_release(shop.connection, shop.domain, release.release_id) == release


def test_what_is_published_is_what_stood_in_the_snapshot_and_not_what_came_since(shop: Shop) -> None:
    shop.create("prices", "code varchar, price integer", "code")
    shop.run(f"insert into lake.{shop.domain}.prices values ('a', 1)")
    snapshot = newest_snapshot(shop.connection)
    shop.run(f"update lake.{shop.domain}.prices set price = 9")
    shop._publish(Source("lake", snapshot), snapshot, "publish")
    assert shop.released("prices") == [("a", 1)]


def test_rows_are_updated_inserted_and_deleted_by_key_and_the_others_stay_as_they_are(shop: Shop) -> None:
    shop.create("parts", NESTED, "key_code", "number")
    table = f"lake.{shop.domain}.parts"
    shop.run(
        f"""
        insert into {table} values
            ('same', 1, {{'kind': 'box', 'sizes': [1, 2]}}, ['a'], 1.00),
            ('struct', 1, {{'kind': 'box', 'sizes': [1, 2]}}, ['a'], 1.00),
            ('list', 1, {{'kind': 'box', 'sizes': [1, 2]}}, ['a'], 1.00),
            ('to null', 1, {{'kind': 'box', 'sizes': [1, 2]}}, ['a'], 1.00),
            ('from null', 1, null, null, null),
            ('gone', 1, null, null, null),
            (null, 1, null, ['null key, same'], 1.00),
            (null, 2, null, ['null key, changed'], 1.00),
            (null, null, null, ['null key, gone'], 1.00)
        """
    )
    shop.publish()
    for statement in (
        f"update {table} set shape = {{'kind': 'box', 'sizes': [1, 3]}} where key_code = 'struct'",
        f"update {table} set tags = ['a', null] where key_code = 'list'",
        f"update {table} set shape = null, price = null where key_code = 'to null'",
        f"update {table} set tags = [], price = 0.01 where key_code = 'from null'",
        f"update {table} set price = 2 where key_code is null and number = 2",
        f"delete from {table} where key_code = 'gone' or key_code is null and number is null",
        f"insert into {table} values ('new', null, null, null, null), ('same', null, null, ['other key'], 3.00)",
    ):
        shop.run(statement)
    release = shop.publish()
    assert shop.released("parts") == shop.candidate("parts")
    assert len(shop.candidate("parts")) == 9
    assert shop.changes("parts", release) == {
        "delete": 2,
        "insert": 2,
        "update_postimage": 5,
        "update_preimage": 5,
    }


def test_a_publication_that_changes_nothing_writes_its_release_and_no_row_of_a_mart(shop: Shop) -> None:
    shop.create("parts", NESTED, "key_code", "number")
    table = f"lake.{shop.domain}.parts"
    shop.run(
        f"insert into {table} values (null, null, null, [null], null), ('a', 1, {{'kind': null, 'sizes': []}}, [], 1)"
    )
    shop.run(f"insert into {table} select 'many', number, null, ['x'], number from range(5000) as numbers (number)")
    first = shop.publish()
    files = _files(shop, "parts")
    second = shop.publish()
    assert second.release_id == first.release_id + 1
    assert shop.changes("parts", second) == {}
    assert _files(shop, "parts") == files
    assert shop.released("parts") == shop.candidate("parts")


def test_a_mart_of_nothing_but_its_key_gains_and_loses_rows(shop: Shop) -> None:
    shop.create("pairs", "one varchar, two varchar", "one", "two")
    shop.run(f"insert into lake.{shop.domain}.pairs values ('a', 'b'), ('a', null)")
    shop.publish()
    shop.run(f"delete from lake.{shop.domain}.pairs where two is null")
    shop.run(f"insert into lake.{shop.domain}.pairs values ('c', 'd')")
    release = shop.publish()
    assert shop.released("pairs") == [("a", "b"), ("c", "d")]
    assert shop.changes("pairs", release) == {"delete": 1, "insert": 1}


def test_a_mart_that_became_empty_is_shown_empty_and_fills_again(shop: Shop) -> None:
    shop.create("alerts", "code varchar, level integer", "code")
    shop.run(f"insert into lake.{shop.domain}.alerts values ('a', 1), ('b', 2)")
    shop.publish()
    shop.run(f"delete from lake.{shop.domain}.alerts")
    assert (shop.changes("alerts", shop.publish()), shop.released("alerts")) == ({"delete": 2}, [])
    shop.run(f"insert into lake.{shop.domain}.alerts values ('b', 3)")
    assert (shop.changes("alerts", shop.publish()), shop.released("alerts")) == ({"insert": 1}, [("b", 3)])


@pytest.mark.parametrize(
    "columns",
    [
        "code varchar, price double",
        "code varchar, price integer, unit varchar",
        "code varchar",
        "price integer, code varchar",
    ],
    ids=["another type", "one more", "one less", "another order"],
)
def test_a_mart_whose_columns_changed_is_written_anew(shop: Shop, columns: str) -> None:
    shop.create("prices", "code varchar, price integer", "code")
    shop.run(f"insert into lake.{shop.domain}.prices (code) values ('a'), ('b')")
    first = shop.publish()
    shop.create("prices", columns, "code")
    shop.run(f"insert into lake.{shop.domain}.prices (code) values ('b'), ('c')")
    second = shop.publish()
    assert shop.released("prices") == shop.candidate("prices")
    described = [str(row[0]) for row in shop.connection.execute(f"describe marts.{shop.domain}.prices").fetchall()]
    assert described == [column.split()[0] for column in columns.split(", ")]
    back = shop.roll_back(first)
    assert shop.released("prices", "code, price") == [("a", None), ("b", None)]
    assert [release.release_id for release in (first, second, back)] == [
        release.release_id for release in releases_of(shop.connection, shop.domain)
    ]


def test_a_mart_without_a_known_key_is_written_anew(shop: Shop) -> None:
    shop.create("notes", "text varchar")
    shop.run(f"insert into lake.{shop.domain}.notes values ('twice'), ('twice')")
    shop.publish()
    shop.run(f"insert into lake.{shop.domain}.notes values ('thrice')")
    shop.publish()
    assert shop.released("notes") == [("thrice",), ("twice",), ("twice",)]


def test_a_mart_that_is_gone_is_dropped_and_a_rollback_brings_it_back(shop: Shop) -> None:
    for mart in ("kept", "gone"):
        shop.create(mart, "code varchar", "code")
        shop.run(f"insert into lake.{shop.domain}.{mart} values ('{mart}')")
    first = shop.publish()
    shop.run(f"drop table lake.{shop.domain}.gone")
    shop.publish()
    assert shop.shown() == {"kept": [("kept",)]}
    shop.roll_back(first)
    assert shop.shown() == {"gone": [("gone",)], "kept": [("kept",)]}


def test_a_rollback_shows_the_earlier_release_row_for_row_and_is_one_more_release(shop: Shop) -> None:
    shop.create("parts", NESTED, "key_code", "number")
    table = f"lake.{shop.domain}.parts"
    shop.run(f"insert into {table} select 'n', number, null, ['x'], number from range(1000) as numbers (number)")
    shop.run(f"insert into {table} values (null, null, {{'kind': 'k', 'sizes': [1, null]}}, null, 1.5)")
    first = shop.publish()
    before = shop.released("parts")
    shop.run(f"update {table} set tags = null, price = price + 1 where number % 10 = 0 or number is null")
    shop.run(f"delete from {table} where number % 10 = 1")
    shop.run(f"insert into {table} select 'new', number, null, ['y'], number from range(100) as numbers (number)")
    second = shop.publish()
    back = shop.roll_back(first)
    assert shop.released("parts") == before
    assert shop.changes("parts", back) == {
        "delete": 100,
        "insert": 100,
        "update_postimage": 101,
        "update_preimage": 101,
    }
    assert (back.action, back.lake_snapshot, back.release_id) == (
        "rollback",
        first.lake_snapshot,
        second.release_id + 1,
    )


def test_what_was_known_at_a_past_hour_can_be_asked_with_a_readers_rights(shop: Shop, settings: Settings) -> None:
    shop.create("prices", "code varchar, price integer", "code")
    shop.run(f"insert into lake.{shop.domain}.prices values ('a', 1)")
    first = shop.publish()
    shop.run(f"update lake.{shop.domain}.prices set price = 2")
    second = shop.publish()
    shop.roll_back(first)
    seen = {}
    for hours in (0, 1, 2):
        with connected(settings, as_reader=True) as reader:
            version = version_as_of(reader, NOON + timedelta(hours=hours, minutes=59))
            assert version is not None
            attach_as_of(reader, "marts", version)
            seen[hours] = reader.execute(f"select price from {shop.domain}.prices").fetchall()
    assert seen == {0: [(1,)], 1: [(2,)], 2: [(1,)]}
    assert version_as_of(shop.connection, NOON - timedelta(hours=1)) is None
    assert version_as_of(shop.connection, second.published_at) == second.marts_version


_write_differences = publication._write_differences


@pytest.mark.parametrize("breaks_at", ["_write_differences", "insert_release"])
def test_a_crash_inside_the_transaction_leaves_nothing(
    shop: Shop, settings: Settings, monkeypatch: pytest.MonkeyPatch, breaks_at: str
) -> None:
    for mart in ("one", "two"):
        shop.create(mart, "code varchar, number integer", "code")
        shop.run(f"insert into lake.{shop.domain}.{mart} values ('a', 1), ('b', 1)")
    shop.publish()
    before, version = shop.shown(), newest_snapshot(shop.connection, "marts")
    for mart in ("one", "two"):
        shop.run(f"update lake.{shop.domain}.{mart} set number = 2")

    def crash(*arguments: object) -> None:
        if breaks_at == "_write_differences":
            _write_differences(*arguments)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(publication, breaks_at, crash)
        with pytest.raises(KeyboardInterrupt):
            shop.publish()
    assert (shop.shown(), newest_snapshot(shop.connection, "marts")) == (before, version)
    with connected(settings, as_reader=True) as reader:
        assert reader.execute(f"select distinct number from {shop.domain}.one").fetchall() == [(1,)]
    shop.publish()
    assert {number for rows in shop.shown().values() for _, number in rows} == {2}
    assert len(releases_of(shop.connection, shop.domain)) == 2


def test_a_reader_sees_a_publication_whole_or_not_at_all_while_it_is_being_written(
    shop: Shop, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for mart in ("one", "two"):
        shop.create(mart, "code varchar, number integer", "code")
        shop.run(f"insert into lake.{shop.domain}.{mart} values ('a', 1)")
    shop.publish()
    for mart in ("one", "two"):
        shop.run(f"update lake.{shop.domain}.{mart} set number = 2")
    query = f"select (select max(number) from {shop.domain}.one), (select max(number) from {shop.domain}.two)"
    reader = connect(settings, as_reader=True)
    seen: Rows = []

    def write_and_look(*arguments: object) -> None:
        _write_differences(*arguments)  # type: ignore[arg-type]
        seen.extend(reader.execute(query).fetchall())

    monkeypatch.setattr(publication, "_write_differences", write_and_look)
    shop.publish()
    seen.extend(reader.execute(query).fetchall())
    reader.close()
    assert seen == [(1, 1), (1, 1), (2, 2)]


@pytest.fixture
def air(settings: Settings) -> Iterator[Shop]:
    """The real domain of the environment, with one of its marts, three hours of two stations, and what they are computed from."""
    with connected(settings) as connection:
        shop = Shop(connection, "environment")
        shop.create("air_quality_hours", HOURS, "station_id", "hour_at")
        connection.execute("delete from lake.bronze.environment__station_readings")
        for station in ("S1", "S2"):
            for hour in range(3):
                shop.run(
                    f"insert into lake.environment.air_quality_hours values "
                    f"('{station}', '2026-11-20 0{hour}:00:00+00', 40, 20.5)"
                )
        yield shop


def deliver(shop: Shop, delivery: str, station: str, measured_at: str) -> None:
    """Put one reading of a delivery into bronze."""
    shop.run(
        "insert into lake.bronze.environment__station_readings by name "
        f"select '{station}' as station_id, timestamptz '{measured_at}' as measured_at, '{delivery}' as _delivery_id"
    )


def told(found: list[Restatement]) -> list[tuple[object, ...]]:
    """Return what the tests compare."""
    return [
        (one.row_key, one.period, one.column_name, one.before_value, one.after_value, one.cause, one.delivery_ids)
        for one in found
    ]


ROW = '{"station_id":"S1","hour_at":"2026-11-20 01:00:00+00"}'
HOUR = "2026-11-20 01:00:00+00"


def test_restatements_are_the_figures_that_a_publication_updated_with_the_deliveries_between(air: Shop) -> None:
    deliver(air, "early", "S1", "2026-11-20 01:05:00+00")
    first = air.publish()
    deliver(air, "late", "S1", "2026-11-20 01:10:00+00")
    deliver(air, "of another station", "S2", "2026-11-20 01:10:00+00")
    air.run(
        "update lake.environment.air_quality_hours set vn_aqi = 55, pm2_5_ug_m3 = null "
        f"where station_id = 'S1' and hour_at = '{HOUR}'"
    )
    air.run(
        "delete from lake.environment.air_quality_hours where station_id = 'S2' and hour_at = '2026-11-20 00:00:00+00'"
    )
    air.run("insert into lake.environment.air_quality_hours values ('S1', '2026-11-20 03:00:00+00', 1, 1)")
    second = air.publish()
    back = air.roll_back(first)
    assert find_restatements(air.connection, "environment", first.release_id) == []
    by_file = find_restatements(air.connection, "environment", second.release_id)
    assert told(by_file) == [
        (ROW, HOUR, "pm2_5_ug_m3", 20.5, None, "delivery", ["late"]),
        (ROW, HOUR, "vn_aqi", 40.0, 55.0, "delivery", ["late"]),
    ]
    assert {(one.release_id, one.previous_release_id, one.mart) for one in by_file} == {
        (second.release_id, first.release_id, "air_quality_hours")
    }
    by_rollback = find_restatements(air.connection, "environment", back.release_id)
    assert told(by_rollback) == [
        (ROW, HOUR, "pm2_5_ug_m3", None, 20.5, "rollback", []),
        (ROW, HOUR, "vn_aqi", 55.0, 40.0, "rollback", []),
    ]
    assert find_restatements(air.connection, "environment") == [*by_file, *by_rollback]


def test_a_figure_that_changed_without_a_delivery_says_so(air: Shop) -> None:
    deliver(air, "early", "S1", "2026-11-20 01:05:00+00")
    air.publish()
    air.run(f"update lake.environment.air_quality_hours set vn_aqi = 41 where station_id = 'S1' and hour_at = '{HOUR}'")
    second = air.publish()
    assert told(find_restatements(air.connection, "environment", second.release_id)) == [
        (ROW, HOUR, "vn_aqi", 40.0, 41.0, "no_delivery", [])
    ]


def test_restatements_of_a_release_outlive_a_mart_that_gained_a_figure_later(air: Shop) -> None:
    air.publish()
    air.run(f"update lake.environment.air_quality_hours set vn_aqi = 41 where station_id = 'S1' and hour_at = '{HOUR}'")
    second = air.publish()
    air.run("alter table lake.environment.air_quality_hours add column pm10_ug_m3 double")
    third = air.publish()
    assert told(find_restatements(air.connection, "environment", second.release_id)) == [
        (ROW, HOUR, "vn_aqi", 40.0, 41.0, "no_delivery", [])
    ]
    assert find_restatements(air.connection, "environment", third.release_id) == []


def test_marts_of_the_current_state_are_not_compared(settings: Settings) -> None:
    assert {mart.name: mart.period for mart in marts_of("feedback")}["feedback_cases"] is None
    with connected(settings) as connection:
        shop = Shop(connection, "feedback")
        shop.create("feedback_cases", "service_request_id varchar, hours_open double", "service_request_id")
        shop.run("insert into lake.feedback.feedback_cases values ('PA-1', 1.5)")
        shop.publish()
        shop.run("update lake.feedback.feedback_cases set hours_open = 2.5")
        release = shop.publish()
        assert shop.changes("feedback_cases", release) == {"update_postimage": 1, "update_preimage": 1}
        assert find_restatements(connection, "feedback") == []


def _files(shop: Shop, mart: str) -> dict[str, int]:
    rows = shop.connection.execute(
        f"select data_file, data_file_size_bytes from ducklake_list_files('marts', '{mart}', schema => '{shop.domain}')"
    ).fetchall()
    return {str(path): int(size) for path, size in rows}
