"""A simulated day with faults through every layer, without Airflow; in the long run what comes out equals what the simulator knows.

Then the guarantees of a release: a failed audit leaves the last one in force, a rollback is one more row, a past hour sees its own.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import duckdb
import polars as pl
import pytest
from typer.testing import CliRunner

from cli.verbs import app
from core.contract import read_contracts
from core.domains import domain_names
from core.errors import AuditError
from core.settings import Settings
from ingestion.collect.collect import collect
from ingestion.collect.landing import Landing
from ingestion.load.load import load_feed
from lake.connection import connected
from lake.maintenance import publications, tidy
from lake.releases import Release, last_release, releases_in_force, releases_of, version_as_of
from lake.retention import needed_versions, retention_of
from lake.snapshots import attach_as_of, newest_snapshot
from quality import steps
from quality.levels import Step, levels
from quality.restatements import find_restatements
from stack.control import DATA_SERVICES, down, up
from tests.difference_attack import Figure, Identity, attack
from tests.long_run import a_few

from .city import DAY, City, bring_in
from .small_cells import (
    DISEASE_FIGURES,
    DISEASE_IDENTITIES,
    DOMAINS,
    YEAR_FIGURES,
    YEAR_IDENTITIES,
)

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1800)]


BY_DEFAULT = ("education", "environment", "feedback", "security", "quality")
"""The domains that these tests ask of; the long run loads and builds all and compares every mart, as `make demo` does."""


def release(settings: Settings, domain: str) -> Release:
    """Build, audit and publish a domain even if nothing is due, since its clock moves."""
    built = steps.build_domain(settings, domain)
    return steps.publish_domain(settings, domain, steps.require_pass(settings, domain, built.snapshot_id))


@pytest.fixture(scope="module")
def built(is_long: bool) -> tuple[str, ...]:
    """The domains that are built."""
    return domain_names() if is_long else BY_DEFAULT


@pytest.fixture(scope="module")
def city(new_settings, built: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:  # type: ignore[no-untyped-def]
    settings = new_settings()
    try:
        up(settings, DATA_SERVICES)
        city = bring_in(settings, tmp_path_factory.mktemp("day") / "day", "demo", domains=built)
        for domain in built:
            assert steps.bring_up_to_date(city.settings, domain) == [*Step]
        yield city
    finally:
        down(settings)


def test_everything_that_was_loaded_is_released_and_nothing_is_due(city: City, built: tuple[str, ...]) -> None:
    with connected(city.settings) as connection:
        found = levels(connection, city.settings.clock())
        assert [level.domain for level in found] == [*domain_names()]
        assert {level.domain for level in found if level.is_settled} == {*built}
        newest = connection.execute("select max(snapshot_id) from lake.ledger.deliveries").fetchone()
        in_force = releases_in_force(connection)
    assert set(in_force) == {*built}
    assert newest is not None
    assert all(release.lake_snapshot >= newest[0] for release in in_force.values())


@pytest.mark.long("`make demo` compares the same marts")
def test_the_marts_of_a_faulty_day_equal_the_truth(city: City) -> None:
    with connected(city.settings, as_reader=True) as connection:
        assert city.differences(connection) == {}


@pytest.mark.parametrize("domain", a_few(sorted(DOMAINS), BY_DEFAULT))
def test_no_hidden_count_is_told_by_all_marts_of_its_domain_together(city: City, domain: str) -> None:
    figures, identities = DOMAINS[domain]
    with connected(city.settings, as_reader=True) as connection:
        assert attack(figures, identities, lambda sql: connection.execute(sql).pl()) == []


@pytest.mark.parametrize(
    ("mart", "count", "hiding", "key", "kept", "figures", "identities"),
    [
        pytest.param(
            *("health.disease_weeks", "cases", "int_disease_weeks_judged", "disease_code, place_code, week_start_date"),
            *("true", DISEASE_FIGURES, DISEASE_IDENTITIES),
            id="disease weeks",
            marks=pytest.mark.long,
        ),
        pytest.param(
            *("education.school_years", "dropped_out_pupils", "int_dropouts_hidden", "school_code, school_year"),
            *("true", YEAR_FIGURES, YEAR_IDENTITIES),
            id="school years",
        ),
    ],
)
def test_small_counts_are_worked_out_where_only_these_are_hidden(
    city: City,
    mart: str,
    count: str,
    hiding: str,
    key: str,
    kept: str,
    figures: Mapping[str, Figure],
    identities: Sequence[Identity],
) -> None:
    unguarded = f"""(
        select marts.* replace (coalesce(marts.{count}, counted.{count}) as {count})
        from {mart} as marts
        left join (select {key}, {count} from silver.{hiding} where {count} >= 5) as counted using ({key})
        where {kept}
    )"""
    with connected(city.settings) as connection:
        connection.execute("use lake")
        found = attack(figures, identities, lambda sql: connection.execute(sql.replace(mart, unguarded)).pl())
    assert any(one.how == "worked out" and one.count < 5 for one in found)


def test_the_quarantine_holds_what_the_faults_put_there(city: City, built: tuple[str, ...]) -> None:
    with connected(city.settings) as connection:
        found = connection.execute(
            "select feed, error_group, sum(record_count)::bigint as records from lake.quarantine.records group by all"
        ).pl()
    loaded = [contract.feed for contract in read_contracts().values() if contract.domain in built]
    expected = city.truth["quarantine"].filter(pl.col("feed").is_in(loaded))
    assert found.cast(expected.schema).sort("feed", "error_group").rows() == expected.sort("feed", "error_group").rows()


def test_collecting_and_loading_again_changes_nothing(city: City, built: tuple[str, ...]) -> None:
    with connected(city.settings) as connection:
        before = connection.execute("select count(*), sum(accepted) from lake.ledger.deliveries").fetchone()
    for contract in read_contracts().values():
        if contract.domain not in built:
            continue
        if contract.connector != "http":
            collect(city.settings, contract)
        load_feed(city.settings, contract)
    with connected(city.settings) as connection:
        assert connection.execute("select count(*), sum(accepted) from lake.ledger.deliveries").fetchone() == before


def test_a_release_without_a_verdict_is_refused(city: City) -> None:
    with pytest.raises(AuditError, match="expected a verdict on snapshot 1, got none"):
        steps.publish_domain(city.settings, "environment", 1)


def test_a_build_that_never_passed_cannot_be_audited(city: City) -> None:
    with pytest.raises(AuditError, match="expected a build of snapshot 1 whose models and tests all passed, got none"):
        steps.audit_domain(city.settings, "environment", 1)


def test_a_mart_that_fails_its_audit_keeps_the_last_release(city: City) -> None:
    with connected(city.settings) as connection:
        before = last_release(connection, "environment")
    built = steps.build_domain(city.settings, "environment")
    with connected(city.settings) as connection:
        connection.execute("update lake.environment.air_quality_hours set vn_aqi = 9999")
        snapshot = newest_snapshot(connection)
        connection.execute(
            "insert into lake.operations.builds by name "
            "select * replace ($bad as snapshot_read, $bad as snapshot_written) from lake.operations.builds "
            "where domain = 'environment' and outcome = 'passed' and snapshot_read = $good",
            {"bad": snapshot, "good": built.snapshot_id},
        )
    assert snapshot > built.written
    with pytest.raises(AuditError, match="did not pass its audit"):
        steps.require_pass(city.settings, "environment", snapshot)
    with pytest.raises(AuditError, match="the last release stays"):
        steps.publish_domain(city.settings, "environment", snapshot)
    with pytest.raises(AuditError, match=r"vn_aqi is in range .* the last release stays until new data or code come"):
        steps.bring_up_to_date(city.settings, "environment")
    with connected(city.settings, as_reader=True) as connection:
        assert last_release(connection, "environment") == before
        assert connection.execute("select max(vn_aqi) <= 500 from environment.air_quality_hours").fetchone() == (True,)
    steps.build_domain(city.settings, "environment", full_refresh=True)


def seen_at(city: City, moment: datetime) -> tuple[Release, list[tuple[object, ...]]]:
    """Return the release of the feedback that was in force at a time, and its cases as a reader saw them."""
    with connected(city.settings, as_reader=True) as connection:
        version = version_as_of(connection, moment)
        assert version is not None
        attach_as_of(connection, "marts", version)
        return releases_in_force(connection)["feedback"], connection.execute(
            "from feedback.feedback_cases order by all"
        ).fetchall()


def test_a_rollback_is_one_more_release_and_a_past_hour_sees_its_own(city: City) -> None:
    with connected(city.settings) as connection:
        before = releases_of(connection, "feedback")
    first = before[-1]
    later = city.settings.model_copy(update={"now": city.settings.clock() + timedelta(days=1)})  # deadlines pass
    second = release(later, "feedback")
    latest = later.model_copy(update={"now": later.clock() + timedelta(hours=1)})
    back = steps.rollback_domain(latest, "feedback", first.release_id)
    with connected(city.settings) as connection:
        assert releases_of(connection, "feedback") == [*before, second, back]
        assert releases_in_force(connection)["feedback"] == back
        assert version_as_of(connection, datetime(2026, 11, 1, tzinfo=UTC)) is None
    assert (back.action, back.lake_snapshot) == ("rollback", first.lake_snapshot)
    (at_first, first_rows), (at_second, second_rows), (at_back, back_rows) = [
        seen_at(city, one.published_at) for one in (first, second, back)
    ]
    assert (at_first, at_second, at_back) == (first, second, back)
    assert first_rows == back_rows != second_rows


@pytest.mark.long
def test_tidying_keeps_every_version_that_can_be_asked_for(city: City) -> None:
    future = city.settings.model_copy(update={"now": datetime.now(UTC) + timedelta(days=3)})
    with connected(city.settings) as connection:
        needed = needed_versions(publications(connection), future.clock(), retention_of(future))
    assert tidy(future)["marts"] > 0
    with connected(city.settings) as connection:
        kept = {row[0] for row in connection.execute("select snapshot_id from marts.snapshots()").fetchall()}
    assert needed <= kept
    with connected(city.settings, as_reader=True) as connection:
        assert city.differences(connection) == {}


def test_every_figure_that_a_late_file_changed_names_that_file_and_a_rollback_says_so(city: City) -> None:
    with connected(city.settings) as connection:
        station, slot = connection.execute(
            """
            with slots as (
                select station_id, unnest(generate_series(min(measured_at), max(measured_at), interval 5 minutes)) as measured_at
                from lake.bronze.environment__station_readings where parameter_code = 'PM2.5' group by station_id
            )
            select station_id, strftime(timezone('Asia/Ho_Chi_Minh', measured_at), '%Y%m%d%H%M%S') from slots
            anti join lake.bronze.environment__station_readings using (station_id, measured_at)
            order by measured_at desc, station_id limit 1
            """
        ).fetchone() or ("", "")
        first = last_release(connection, "environment")
    assert first is not None
    contract = read_contracts()["environment.station_readings"]
    late = Landing(city.settings).land(
        contract, f"{station}_{slot}.txt", f"PM2,5\t480\tug/m3\t{slot}\t00\r\n".encode(), city.settings.clock()
    )
    assert [row.accepted for row in load_feed(city.settings, contract)] == [1]
    second = release(city.settings, "environment")
    third = steps.rollback_domain(city.settings, "environment", first.release_id)
    with connected(city.settings) as connection:

        def restated(release: Release) -> list[tuple[str, str, str, float | None, float | None, str, list[str]]]:
            found = find_restatements(connection, "environment", release.release_id)
            assert {one.release_id for one in found} == {release.release_id}
            assert {one.previous_release_id for one in found} == {previous[release.release_id]}
            return [
                (one.mart, one.row_key, one.column_name, one.before_value, one.after_value, one.cause, one.delivery_ids)
                for one in found
            ]

        previous = {second.release_id: first.release_id, third.release_id: second.release_id}
        by_file, by_rollback = restated(second), restated(third)
    of_days = {"air_quality_days", "air_limit_days", "station_uptime_days", "parameter_capture_days"}
    assert {row[0] for row in by_file} == {"air_quality_hours", *of_days}
    assert {row[2] for row in by_file} >= {"pm2_5_ug_m3", "vn_aqi", "received_slots", "missing_slots"}
    assert {(row[5], *row[6]) for row in by_file} == {("delivery", late.delivery_id)}
    assert {(row[5], *row[6]) for row in by_rollback} == {("rollback",)}
    assert {(*row[:3], row[4], row[3]) for row in by_rollback} == {row[:5] for row in by_file}
    assert len(by_rollback) == len(by_file)


def test_a_reader_can_name_released_marts_and_nothing_else(city: City) -> None:
    with connected(city.settings, as_reader=True) as connection:
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
        {"domain", "feed", "correct", "complete", "clean", "live", "consistent", "score", "level"}
    ] * len(read_contracts())
    history = json.loads(ioc("score", "--days", "7", "--json").stdout)
    assert [{**row, "local_date": None} for row in history] == [{**row, "local_date": None} for row in scores]
    assert {row["local_date"] for row in history} == {str(DAY)}
    league = json.loads(ioc("league", "--json").stdout)
    assert {row["owner"] for row in league} == {contract.owner for contract in read_contracts().values()}
    assert {row["month_date"] for row in league} == {str(DAY.replace(day=1))}
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
    wrong_feed = ioc("ledger", "fisheries.ais_message")
    assert wrong_feed.exit_code == 1
    assert "no such feed; did you mean fisheries.ais_messages?" in wrong_feed.stderr
    wrong_mart = ioc("sql", "select * from environment.air_hours")
    assert wrong_mart.exit_code == 1
    assert "air_hours" in wrong_mart.stderr
    wrong_domain = ioc("build", "fish")
    assert wrong_domain.exit_code == 1
    assert f"no such domain; there are {', '.join(domain_names())}" in " ".join(wrong_domain.stderr.split())
