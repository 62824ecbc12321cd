"""Levels on real catalogs: whatever was done and however it ended, the state names the next step, and the same release follows.

dbt is a process that we start; here it is played, so that a build takes a moment, fails where a test wants it to and meets what a test
lets happen meanwhile. The marts that it writes, their audit and their publication are real; the real dbt is in test_city.py.
"""

import json
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from cli.verbs import app
from core.domains import domain_names
from core.errors import AuditError
from core.settings import Settings
from lake.connection import connected
from lake.releases import Release, releases_of
from quality import audit, levels, steps
from quality.levels import SCORES_GROW_OLD, Level, Step, level_of
from transform import build

from .catalogs import empty_catalogs
from .test_audit import CLOCK, create_good_marts

pytestmark = pytest.mark.stack

DOMAIN, FEED = "feedback", "feedback.requests"
BUILD, AUDIT, PUBLISH = Step.BUILD, Step.AUDIT, Step.PUBLISH
A_TEST = "test.ioc_lakehouse.as_many_rows_as_feedback_cases"


@dataclass
class PlayedDbt:
    """Stands in for the process of dbt: writes the good marts of the domain, and the outcome, where dbt would."""

    connection: duckdb.DuckDBPyConnection
    known: list[dict[str, str] | None] = field(default_factory=list)
    outcome: str = "pass"
    meanwhile: Callable[[], None] = field(default=lambda: None)

    @property
    def builds(self) -> int:
        """Count the builds; `known` holds the digests of models that each build was told are in the lake."""
        return len(self.known)

    def __call__(
        self, settings: Settings, target: Path, arguments: list[str], **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Do what `build.run_dbt` does."""
        results = [{"unique_id": "model.ioc_lakehouse.one", "status": "success", "execution_time": 0.5, "message": ""}]
        if arguments[0] == "build":
            self.known.append(json.loads((target / "built.json").read_text(encoding="utf-8")))
            assert int(variables["IOC_DBT_SNAPSHOT"]) > 0
            create_good_marts(self.connection, arguments[1])
            self.meanwhile()
            (target / "fingerprints.json").write_text(json.dumps({"one": "digest"}), encoding="utf-8")
            test = {"unique_id": A_TEST, "status": self.outcome, "execution_time": 0.5, "message": "Got 3 results"}
            results.append(test)
        target.mkdir(parents=True, exist_ok=True)
        (target / "run_results.json").write_text(json.dumps({"results": results}), encoding="utf-8")
        return subprocess.CompletedProcess(arguments, int(self.outcome != "pass"), "", "")


@dataclass
class House:
    """The lake of a stack, and what a test does with it."""

    settings: Settings
    connection: duckdb.DuckDBPyConnection
    dbt: PlayedDbt

    def load(self, feed: str = FEED) -> None:
        """Record that a delivery was loaded."""
        self.connection.execute(
            "insert into lake.ledger.deliveries by name select ? as feed, uuid()::varchar as delivery_id", [feed]
        )

    def lose_cases(self) -> None:
        """Take every row from a candidate."""
        self.connection.execute("delete from lake.feedback.feedback_cases")

    def take(self, *taken: Step) -> None:
        """Take steps, whether they are due or not."""
        for step in taken:
            steps.STEPS[step](self.settings, DOMAIN)

    def level(self, domain: str = DOMAIN, now: datetime = CLOCK) -> Level:
        """Return how far a domain is."""
        return level_of(self.connection, domain, now)

    def bring_up_to_date(self, domain: str = DOMAIN) -> list[Step]:
        """Take every step that is due."""
        return steps.bring_up_to_date(self.settings, domain)

    def releases(self) -> list[Release]:
        """Return the releases of the domain."""
        return releases_of(self.connection, DOMAIN)

    def released_cases(self) -> list[tuple[object, ...]]:
        """Return what readers see of one of its marts."""
        return self.connection.execute("from marts.feedback.feedback_cases order by all").fetchall()

    def snapshots_built(self) -> list[int]:
        """Return the snapshots that the passed builds have read."""
        rows = self.connection.execute(
            "select snapshot_read from lake.operations.builds where domain = ? and outcome = 'passed' order by all",
            [DOMAIN],
        ).fetchall()
        return [int(row[0]) for row in rows]


@pytest.fixture(scope="module")
def stack(new_settings: Callable[[], Settings]) -> Iterator[Settings]:
    """Start catalogs of their own, since the tests take away everything that was published."""
    with empty_catalogs(new_settings().model_copy(update={"now": CLOCK})) as settings:
        yield settings


@pytest.fixture
def house(stack: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """A ledger with one delivery, and nothing built."""
    with connected(stack) as connection:
        for table in (
            "lake.ledger.deliveries",
            "lake.ledger.recaptures",
            "lake.operations.builds",
            "lake.operations.audits",
        ):
            connection.execute(f"delete from {table}")
        connection.execute("delete from marts.operations.releases")
        for domain in (DOMAIN, "quality"):
            connection.execute(f"drop schema if exists marts.{domain} cascade")
        dbt = PlayedDbt(connection)
        monkeypatch.setattr(build, "run_dbt", dbt)
        found = House(stack, connection, dbt)
        found.load()
        yield found


@pytest.mark.parametrize(
    ("done", "due"),
    [((), [BUILD, AUDIT, PUBLISH]), ((BUILD,), [AUDIT, PUBLISH]), ((BUILD, AUDIT), [PUBLISH])],
    ids=["after the load", "after the build", "after the audit"],
)
def test_a_step_whose_follower_was_lost_ends_in_one_release_all_the_same(
    house: House, done: tuple[Step, ...], due: list[Step]
) -> None:
    house.take(*done)
    assert house.level() == Level(DOMAIN, due[0])
    assert not house.level().is_settled
    assert steps.due_steps(house.settings)[DOMAIN] == due[0].value
    assert house.bring_up_to_date() == due
    assert (len(house.releases()), house.dbt.builds, house.level().is_settled) == (1, 1, True)
    assert house.releases()[0].lake_snapshot == house.snapshots_built()[0]
    assert house.bring_up_to_date() == []
    assert (len(house.releases()), house.dbt.builds) == (1, 1)
    assert DOMAIN not in steps.due_steps(house.settings)


def test_a_domain_of_which_nothing_came_and_nothing_was_built_is_built(house: House) -> None:
    house.connection.execute("delete from lake.ledger.deliveries")
    assert house.level() == Level(DOMAIN, BUILD)


def test_a_build_that_died_is_due_again_and_knows_nothing_of_the_one_that_died(house: House) -> None:
    def die() -> None:
        raise KeyboardInterrupt

    house.dbt.meanwhile = die
    with pytest.raises(KeyboardInterrupt):
        house.bring_up_to_date()
    assert house.level() == Level(DOMAIN, BUILD)
    house.dbt.meanwhile = lambda: None
    assert house.bring_up_to_date() == [BUILD, AUDIT, PUBLISH]


def test_a_build_knows_what_stands_in_the_lake_unless_other_code_has_begun_to_write_there(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die() -> None:
        raise KeyboardInterrupt

    def build_and_die() -> None:
        house.dbt.meanwhile = die
        with pytest.raises(KeyboardInterrupt):
            house.take(BUILD)
        house.dbt.meanwhile = lambda: None

    house.take(BUILD, BUILD)
    build_and_die()
    house.take(BUILD)
    with monkeypatch.context() as patched:
        change_code(patched)
        build_and_die()
        house.take(BUILD)
    house.take(BUILD)
    written = {"one": "digest"}
    assert house.dbt.known == [None, written, written, written, written, None, written]


def test_new_rows_of_a_feed_make_its_own_domain_and_the_scores_due(house: House) -> None:
    house.bring_up_to_date()
    house.bring_up_to_date("quality")
    assert house.level("quality").is_settled
    house.load("environment.river_levels")
    assert house.level().is_settled
    assert house.level("quality") == Level("quality", BUILD)
    house.load()
    assert house.level() == Level(DOMAIN, BUILD)
    assert house.bring_up_to_date() == [BUILD, AUDIT, PUBLISH]
    assert len(house.releases()) == 2


def test_rows_that_come_during_every_build_keep_no_domain_from_its_release(house: House) -> None:
    house.dbt.meanwhile = house.load
    for count in (1, 2):
        assert house.bring_up_to_date() == [BUILD, AUDIT, PUBLISH]
        assert len(house.releases()) == count
        assert house.level() == Level(DOMAIN, BUILD)
    house.dbt.meanwhile = lambda: None
    house.bring_up_to_date()
    assert house.level().is_settled
    assert [release.lake_snapshot for release in house.releases()] == house.snapshots_built()


def test_rows_that_come_after_a_build_whose_follower_was_lost_are_in_the_release(house: House) -> None:
    house.take(BUILD)
    house.load()
    assert house.bring_up_to_date() == [BUILD, AUDIT, PUBLISH]
    assert [release.lake_snapshot for release in house.releases()] == house.snapshots_built()[-1:]


def test_a_failed_data_test_keeps_the_release_until_new_rows_come(house: House) -> None:
    house.bring_up_to_date()
    before = house.released_cases()
    house.load()
    house.dbt.outcome = "fail"
    with pytest.raises(AuditError, match=r"got 1 that did not: .*as_many_rows_as_feedback_cases: Got 3 results"):
        house.bring_up_to_date()
    level = house.level()
    assert (level.due, level.is_settled) == (None, False)
    assert f"{A_TEST}: Got 3 results" in level.stuck
    assert DOMAIN not in steps.due_steps(house.settings)
    with pytest.raises(AuditError, match="the last release stays until new data or code come"):
        house.bring_up_to_date()
    assert (house.dbt.builds, len(house.releases()), house.released_cases()) == (2, 1, before)
    house.load()
    assert house.level() == Level(DOMAIN, BUILD)
    house.dbt.outcome = "pass"
    assert house.bring_up_to_date() == [BUILD, AUDIT, PUBLISH]
    assert len(house.releases()) == 2


def test_a_failed_data_test_is_tried_again_when_the_code_changed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.dbt.outcome = "fail"
    with pytest.raises(AuditError):
        house.bring_up_to_date()
    assert house.level().stuck
    change_code(monkeypatch)
    assert house.level() == Level(DOMAIN, BUILD)


def test_a_build_that_could_not_be_judged_is_due_again(house: House) -> None:
    house.dbt.outcome = "error"  # a lost service, a broken query: no data test failed
    with pytest.raises(AuditError):
        house.bring_up_to_date()
    assert house.level() == Level(DOMAIN, BUILD)


def test_a_failed_audit_keeps_the_release_until_new_rows_come(house: House) -> None:
    house.bring_up_to_date()
    before = house.released_cases()
    house.load()
    house.dbt.meanwhile = house.lose_cases
    with pytest.raises(AuditError, match=r"did not pass its audit: .* checks failed: feedback_cases"):
        house.bring_up_to_date()
    assert "feedback_cases has rows" in house.level().stuck
    with pytest.raises(AuditError, match="the last release stays until new data or code come"):
        house.bring_up_to_date()
    with pytest.raises(AuditError, match="the last release stays"):
        steps.publish_domain(house.settings, DOMAIN)
    assert (house.dbt.builds, len(house.releases()), house.released_cases()) == (2, 1, before)
    house.load()
    house.dbt.meanwhile = lambda: None
    assert house.bring_up_to_date() == [BUILD, AUDIT, PUBLISH]


def change_code(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (build, levels):
        monkeypatch.setattr(module, "code_digest", lambda: "other code")


def test_a_changed_suite_makes_the_audit_due_and_the_same_build_is_published_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.bring_up_to_date()
    for module in (audit, levels):
        monkeypatch.setattr(module, "suite_digest", lambda domain: f"other checks of {domain}")
    assert house.level() == Level(DOMAIN, AUDIT)
    assert house.bring_up_to_date() == [AUDIT]
    assert (house.level().is_settled, len(house.releases()), house.dbt.builds) == (True, 1, 1)


def test_changed_code_makes_the_build_due(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.bring_up_to_date()
    change_code(monkeypatch)
    assert house.level() == Level(DOMAIN, BUILD)
    assert house.bring_up_to_date() == [BUILD, AUDIT, PUBLISH]
    assert (house.level().is_settled, len(house.releases())) == (True, 2)


def test_an_older_build_never_replaces_a_newer_one(house: House) -> None:
    house.take(BUILD, AUDIT)
    house.load()
    house.take(BUILD, AUDIT, PUBLISH)
    older, newer = house.snapshots_built()
    with pytest.raises(AuditError, match=f"expected a build newer than snapshot {newer}.* got snapshot {older}"):
        steps.publish_domain(house.settings, DOMAIN, older)
    assert [release.lake_snapshot for release in house.releases()] == [newer]


def test_a_rollback_stays_in_force_until_a_newer_build_comes(house: House) -> None:
    house.bring_up_to_date()
    house.load()
    house.bring_up_to_date()
    first, second = house.releases()
    back = steps.rollback_domain(house.settings, DOMAIN, first.release_id)
    assert house.level().is_settled
    with pytest.raises(AuditError, match=f"expected a build newer than snapshot {second.lake_snapshot}"):
        steps.publish_domain(house.settings, DOMAIN)
    assert house.releases() == [first, second, back]
    house.load()
    assert house.bring_up_to_date() == [BUILD, AUDIT, PUBLISH]


def test_publishing_twice_is_one_release_though_both_come_at_once(house: House) -> None:
    house.take(BUILD, AUDIT)
    with ThreadPoolExecutor(4) as pool:
        published = list(pool.map(lambda _: steps.publish_domain(house.settings, DOMAIN), range(4)))
    assert published == house.releases() * 4
    assert steps.publish_domain(house.settings, DOMAIN) == published[0]
    assert len(house.releases()) == 1


def test_the_command_publishes_a_build_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in house.settings.child_environment().items():
        if name.startswith("IOC_"):
            monkeypatch.setenv(name, value)
    house.take(BUILD, AUDIT)
    answers = [CliRunner().invoke(app, ["publish", DOMAIN, "--json"]) for _ in range(2)]
    assert [answer.exit_code for answer in answers] == [0, 0]
    (release,) = house.releases()
    row = {"domain": DOMAIN, "release_id": release.release_id, "snapshot_id": release.lake_snapshot}
    assert [json.loads(answer.stdout) for answer in answers] == [[row], [row]]


def test_the_scores_grow_old_though_nothing_came(house: House) -> None:
    house.bring_up_to_date("quality")
    a_second = timedelta(seconds=1)
    assert house.level("quality", CLOCK + SCORES_GROW_OLD - a_second).is_settled
    assert house.level("quality", CLOCK + SCORES_GROW_OLD) == Level("quality", BUILD)
    assert house.level("quality", CLOCK).is_settled
    house.connection.execute("insert into lake.ledger.recaptures by name select ? as feed", [FEED])
    assert house.level("quality", CLOCK) == Level("quality", BUILD)


def test_the_levels_of_all_domains_are_told_with_the_scores_last(house: House) -> None:
    found = levels.levels(house.connection, CLOCK)
    assert [level.domain for level in found] == [*domain_names()]
    assert {level.due for level in found} == {BUILD}
