"""A simulated day through every layer, without Airflow: what comes out equals what the simulator knows, faults or not.

Then what a release promises: a failed audit leaves the last one in force, a rollback is one more row, a past hour sees its own.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest
from typer.testing import CliRunner

from cli.main import app
from cli.startup import prepare_tables
from ingestion.collect import collect
from ingestion.contract import read_contracts
from ingestion.errors import AuditError
from ingestion.load import load_feed
from ingestion.settings import Settings
from lake.connection import connected
from lake.maintenance import tidy
from lake.releases import create_released_views, list_releases, releases_in_force
from quality import steps
from quality.audit import SUITES
from simulator.city import simulate
from simulator.compare import compare
from simulator.faults import fault_profile
from simulator.publish import publish_to_folders, publish_to_sftp
from simulator.server import city_server
from stack.control import DATA_SERVICES, down, up

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]

DAY = date(2026, 11, 20)
SEED = 46


@dataclass(frozen=True)
class City:
    """A stack that holds one simulated day, collected, loaded, built, audited and released."""

    settings: Settings
    folder: Path
    truth: dict[str, pl.DataFrame]

    def differences(self) -> dict[str, tuple[str, ...]]:
        """Compare every released mart with the truth."""
        with connected(self.settings, as_reader=True) as connection:
            create_released_views(connection)

            def query(sql: str) -> pl.DataFrame:
                return connection.execute(sql).pl()

            compared = compare(self.truth, query, self.settings.clock())
        assert len(compared) >= 11
        assert all(one.rows > 0 for one in compared)
        return {one.mart: one.differences[:3] for one in compared if one.differences}


def run_city(settings: Settings, folder: Path, faults: str) -> City:
    """Simulate, serve, collect, load and release a day."""
    written = simulate(DAY, SEED, fault_profile(faults), folder)
    with city_server(folder) as server:
        settings = settings.model_copy(
            update={
                "now": written.ends_at.astimezone(UTC),
                "feedback_url": server.url,
                "public_services_url": server.public_services_url,
            }
        )
        prepare_tables(settings)
        publish_to_sftp(folder, settings)
        publish_to_folders(folder, settings)
        for contract in read_contracts().values():
            collect(settings, contract)
            load_feed(settings, contract)
    for domain in SUITES:
        release(settings, domain)
    return City(settings, folder, dict(written.truth))


def release(settings: Settings, domain: str) -> int:
    """Build, audit and publish a domain."""
    built = steps.build_domain(settings, domain)
    return steps.publish_domain(settings, domain, steps.require_pass(settings, domain, built.snapshot_id)).release_id


@pytest.fixture(scope="module")
def city(new_settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:  # type: ignore[no-untyped-def]
    settings = new_settings()
    try:
        up(settings, DATA_SERVICES)
        yield run_city(settings, tmp_path_factory.mktemp("day") / "day", "demo")
    finally:
        down(settings)


def test_the_marts_of_a_faulty_day_equal_the_truth(city: City) -> None:
    assert city.differences() == {}


def test_the_marts_of_a_day_without_faults_equal_the_truth(new_settings, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    settings = new_settings()
    try:
        up(settings, DATA_SERVICES)
        spotless = run_city(settings, tmp_path / "day", "none")
        assert spotless.differences() == {}
        assert spotless.truth["faults"].height == 0
    finally:
        down(settings)


def test_the_quarantine_holds_what_the_faults_put_there(city: City) -> None:
    with connected(city.settings) as connection:
        found = connection.execute(
            "select feed, error_group, sum(record_count)::bigint as records from lake.quarantine.records group by all"
        ).pl()
    expected = city.truth["quarantine"]
    assert found.cast(expected.schema).sort("feed", "error_group").rows() == expected.sort("feed", "error_group").rows()


def test_collecting_and_loading_again_changes_nothing(city: City) -> None:
    with connected(city.settings) as connection:
        before = connection.execute("select count(*), sum(accepted) from lake.ledger.deliveries").fetchone()
    for contract in read_contracts().values():
        if contract.connector not in ("open311", "paged_json"):
            collect(city.settings, contract)
        load_feed(city.settings, contract)
    with connected(city.settings) as connection:
        assert connection.execute("select count(*), sum(accepted) from lake.ledger.deliveries").fetchone() == before


def test_a_release_without_a_verdict_is_refused(city: City) -> None:
    with pytest.raises(AuditError, match="a verdict on snapshot 1 was promised"):
        steps.publish_domain(city.settings, "environment", 1)


def test_an_incomplete_build_cannot_be_audited(city: City) -> None:
    with pytest.raises(AuditError, match="snapshot 1 is not the result of a complete build"):
        steps.audit_domain(city.settings, "environment", 1)


def test_a_mart_that_fails_its_audit_keeps_the_last_release(city: City) -> None:
    with connected(city.settings) as connection:
        before = releases_in_force(connection)["environment"]
    built = steps.build_domain(city.settings, "environment")
    with connected(city.settings) as connection:
        connection.execute("update marts.environment.air_quality_hours set vn_aqi = 9999")
        snapshot = connection.execute("select max(snapshot_id) from marts.snapshots()").fetchone()
        assert snapshot is not None
        connection.execute(
            "insert into marts.operations.builds values ('environment', ?, 1, 1, ?)",
            [snapshot[0], city.settings.clock()],
        )
    assert snapshot[0] > built.snapshot_id
    with pytest.raises(AuditError, match="did not pass its audit"):
        steps.require_pass(city.settings, "environment", snapshot[0])
    with pytest.raises(AuditError, match="the last release stays"):
        steps.publish_domain(city.settings, "environment", snapshot[0])
    with connected(city.settings, as_reader=True) as connection:
        assert create_released_views(connection)["environment"] == before
        assert connection.execute("select max(vn_aqi) <= 500 from environment.air_quality_hours").fetchone() == (True,)
    steps.build_domain(city.settings, "environment", full_refresh=True)


def test_a_rollback_is_one_more_row_and_a_past_hour_sees_its_own(city: City) -> None:
    with connected(city.settings) as connection:
        first = releases_in_force(connection)["feedback"]
        rows = len(list_releases(connection))
    later = city.settings.model_copy(update={"now": city.settings.clock() + timedelta(hours=1)})
    second = release(later, "feedback")
    latest = later.model_copy(update={"now": later.clock() + timedelta(hours=1)})
    back = steps.rollback_domain(latest, "feedback", first.release_id)
    with connected(city.settings) as connection:
        assert len(list_releases(connection)) == rows + 2
        assert releases_in_force(connection)["feedback"] == back
        assert back.snapshot_id == first.snapshot_id
        assert releases_in_force(connection, first.published_at)["feedback"] == first
        assert releases_in_force(connection, later.clock())["feedback"].release_id == second
        assert "feedback" not in releases_in_force(connection, datetime(2026, 11, 1, tzinfo=UTC))


def test_tidying_keeps_every_released_snapshot(city: City) -> None:
    with connected(city.settings) as connection:
        released = {release.snapshot_id for release in list_releases(connection)}
    future = city.settings.model_copy(update={"now": datetime.now(UTC) + timedelta(days=3)})
    assert tidy(future)["marts"] > 0
    with connected(city.settings) as connection:
        kept = {row[0] for row in connection.execute("select snapshot_id from marts.snapshots()").fetchall()}
    assert released <= kept
    assert city.differences() == {}


def test_a_reader_can_name_released_marts_and_nothing_else(city: City) -> None:
    with connected(city.settings, as_reader=True) as connection:
        create_released_views(connection)
        with pytest.raises(duckdb.Error):
            connection.execute("select * from lake.bronze.feedback__requests")
        with pytest.raises(duckdb.Error):
            connection.execute("create table marts.environment.mine as select 1 as one")


@pytest.fixture
def ioc(city: City, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    for name, value in city.settings.child_environment().items():
        if name.startswith("IOC_"):
            monkeypatch.setenv(name, value)

    def run(*arguments: str):  # type: ignore[no-untyped-def]
        return CliRunner().invoke(app, list(arguments))

    return run


def test_the_command_line_answers_machines(ioc) -> None:  # type: ignore[no-untyped-def]
    ledger = json.loads(ioc("ledger", "--json").stdout)
    fields = {"feed", "delivery_id", "object_key", "skipped", "received", "accepted", "duplicate", "quarantined"}
    assert len(ledger) > 5000
    assert all(fields <= set(row) for row in ledger)
    assert all(row["received"] == row["accepted"] + row["duplicate"] + row["quarantined"] for row in ledger)
    scores = json.loads(ioc("score", "--json").stdout)
    assert [set(row) for row in scores] == [
        {"domain", "feed", "correct", "complete", "clean", "live", "score", "level"}
    ] * len(read_contracts())
    released = json.loads(ioc("releases", "--json").stdout)
    assert {"domain", "release_id", "snapshot_id", "published_at", "verdict"} <= set(released[0])
    counted = json.loads(ioc("sql", "select count(*) as cases from feedback.feedback_cases", "--json").stdout)
    assert counted[0]["cases"] > 200


def test_what_did_not_come_is_told_and_asked_for_again(ioc) -> None:  # type: ignore[no-untyped-def]
    listed = json.loads(ioc("missing", "environment.station_readings", "--json").stdout)
    assert listed
    assert {(row["is_refetchable"], row["lost_reason"], row["recapture_attempts"]) for row in listed} == {
        (True, None, 0)
    }
    gauges = json.loads(ioc("missing", "environment.river_levels", "--json").stdout)
    assert {row["is_refetchable"] for row in gauges} <= {False}
    assert all(row["lost_reason"] for row in gauges)
    found = json.loads(ioc("suspicious", "--json").stdout)
    assert {row["kind"] for row in found} <= {"empty", "small", "pages_missing"}
    counts = json.loads(ioc("recapture", "environment.station_readings", "--limit", "5", "--json").stdout)
    assert counts == [{"feed": "environment.station_readings", "found": 0, "empty": 5, "failed": 0}]


def test_a_mistyped_command_says_what_there_is(ioc) -> None:  # type: ignore[no-untyped-def]
    wrong_feed = ioc("ledger", "fisheries.ais")
    assert wrong_feed.exit_code == 1
    assert "no such feed; there are" in wrong_feed.stderr
    wrong_mart = ioc("sql", "select * from environment.air_hours")
    assert wrong_mart.exit_code == 1
    assert "air_hours" in wrong_mart.stderr
    wrong_domain = ioc("build", "fishery")
    assert wrong_domain.exit_code == 1
    assert f"no such domain; there are {', '.join(SUITES)}" in wrong_domain.stderr
