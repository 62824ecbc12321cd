"""kill -9 at every boundary of every step; after running the same command again, the tables equal those of an undisturbed run."""

import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from time import monotonic

import pytest

from core.contract import find_contract
from ingestion.load.load import load_feed
from lake.connection import connected
from lake.publication import Publication, Source, publish_rows
from lake.snapshots import newest_snapshot
from quality.verdicts import CheckResult, Verdict, record_verdict
from tests.faults.boundaries import STEPS
from tests.faults.conftest import Start
from tests.faults.deliveries import DOMAIN, LEVELS, NOON, REQUESTS, level_files, request_files
from tests.faults.results import Results, Row, difference, doubled, lost
from tests.faults.scene import Facts, Scene
from tests.faults.victim import count_passes, die_at, perform
from transform.build import require_build

pytestmark = [pytest.mark.stack, pytest.mark.timeout(4 * 3600)]

PASSED = CheckResult("feedback_cases", "rows are there", 1, "critical", True, "1 row", "1 row")


@dataclass(frozen=True)
class Step:
    """One step under test: how to prepare it, how to finish its work, and what must be true then.

    `few` boundaries are tried in the smaller run. `is_read` says whether readers could see something of the step.
    """

    name: str
    prepare: Callable[[Scene, int], None]
    facts: Callable[[Scene], Facts]
    few: int
    finish: Callable[[Scene], object] | None = None
    is_read: bool = True


def with_levels_to_collect(scene: Scene, seed: int) -> None:
    """Leave polls in the folder, none of them collected."""
    scene.restore("empty")
    scene.drop(level_files(seed))


def with_requests_to_load(scene: Scene, seed: int) -> None:
    """Leave answers in landing, none of them loaded."""
    scene.restore("empty")
    scene.clear_landing(REQUESTS)
    scene.land(REQUESTS, request_files(seed))


def with_versions_to_build(scene: Scene, seed: int) -> None:
    """Leave bronze with more versions than the released marts; with an even seed, nothing has been built yet."""
    scene.restore("released" if seed % 2 else "seeded")
    scene.clear_landing(REQUESTS)
    scene.land(REQUESTS, request_files(seed, first=100))
    perform("load", scene.settings)


def with_a_build_to_audit(scene: Scene, seed: int) -> None:
    """Leave a complete build without an audit."""
    scene.restore("built")


def with_a_verdict_to_publish(scene: Scene, seed: int) -> None:
    """Leave a build that passed its audit; with an even seed, an earlier one has been published."""
    scene.restore("judged" if seed % 2 else "judged again")


def load_levels(scene: Scene) -> None:
    """Load what was collected; bytes fetched twice make no difference in bronze."""
    load_feed(scene.settings, find_contract(LEVELS))


ATTACKED = (
    Step(
        "collect",
        with_levels_to_collect,
        lambda scene: scene.bronze(LEVELS, arrivals_count=False),
        few=4,
        finish=load_levels,
        is_read=False,
    ),
    Step("load", with_requests_to_load, lambda scene: scene.bronze(REQUESTS), few=8, is_read=False),
    Step("build", with_versions_to_build, Scene.built, few=1),
    Step("audit", with_a_build_to_audit, Scene.judged, few=1),
    Step("publish", with_a_verdict_to_publish, Scene.in_force, few=4),
)
NOTHING_READ: Facts = {}


@pytest.fixture(scope="module")
def built(empty: Scene) -> Scene:
    """The scene, with the states saved from which the steps after a load begin."""
    scene = empty
    release_scores(scene)
    scene.land(REQUESTS, request_files(0))
    perform("load", scene.settings)
    perform("build", scene.settings)
    scene.keep("built")
    judge(scene)
    scene.keep("judged")
    perform("publish", scene.settings)
    scene.keep("released")
    scene.land(REQUESTS, request_files(0, first=50))
    perform("load", scene.settings)
    perform("build", scene.settings)
    judge(scene)
    scene.keep("judged again")
    scene.restore("built")
    with connected(scene.settings) as connection:
        for schema in ("silver", DOMAIN):
            connection.execute(f"drop schema lake.{schema} cascade")
        connection.execute("delete from lake.operations.builds")
    scene.keep("seeded")
    return scene


def judge(scene: Scene) -> None:
    """Write a verdict by which the last build passes its audit."""
    with connected(scene.settings) as connection:
        built = require_build(connection, DOMAIN)
        record_verdict(connection, Verdict(DOMAIN, built.snapshot_id, "a check", True, NOON, (PASSED,)))


def release_scores(scene: Scene) -> None:
    """Release hand-written scores of the domain's feed, so that a release of the domain has scores."""
    with connected(scene.settings) as connection:
        connection.execute(
            f"""
            create table lake.quality.feed_scores as
            select '{REQUESTS}' as feed, '{DOMAIN}' as domain, 99.5 as correct, 88.0 as complete, 77.5 as clean,
                null::double as live, 90.25 as score, 'green' as level, 'Phản ánh' as label_vi, null::varchar as level_reason,
                timestamptz '{NOON.isoformat()}' as last_event_at
            """
        )
        source = Source("lake", newest_snapshot(connection))
        publish_rows(
            connection, Publication("quality", source, {}, source.snapshot, "a check", "publish", "", {}, None, NOON)
        )


def strikes(passes: Counter[str], seed: int, few: int | None) -> list[tuple[str, int]]:
    """Choose at random at which crossing of each boundary to kill; with `few`, only at so many boundaries, spread evenly."""
    drawn = [(name, Random(f"{name} {seed}").randint(1, times)) for name, times in sorted(passes.items())]
    return drawn if few is None else drawn[:: max(1, len(drawn) // few)][:few]


def test_the_table_of_boundaries_names_every_step() -> None:
    assert {step.name for step in ATTACKED} == set(STEPS)
    assert sum(map(len, STEPS.values())) >= 35


@pytest.mark.parametrize("step", ATTACKED, ids=lambda step: step.name)
def test_kill_9_then_the_same_command_gives_the_same_tables(
    step: Step, empty: Scene, start: Start, seeds: int, results: Results, request: pytest.FixtureRequest
) -> None:
    prepared: Scene = request.getfixturevalue("built") if step.is_read else empty
    table = f"kills_{step.name}"
    crossed: set[str] = set()
    failures: list[str] = []
    for seed in range(seeds or 1):
        step.prepare(prepared, seed)
        prepared.keep("before")
        readers_see = [prepared.released() if step.is_read else NOTHING_READ]
        prepared.clear_landing(LEVELS)
        passes = count_passes(step.name, prepared.settings)
        if step.finish is not None:
            step.finish(prepared)
        with prepared.look():
            readers_see.append(prepared.released())
            expected = step.facts(prepared)
        crossed |= {name.rsplit(" ", 1)[0] for name in passes}
        for boundary, occurrence in strikes(passes, seed, None if seeds else step.few):
            prepared.restore("before")
            prepared.clear_landing(LEVELS)
            victim = start(die_at, step.name, prepared.settings, boundary, occurrence)
            victim.join()
            assert victim.exitcode == -signal.SIGKILL, f"{boundary} was not crossed {occurrence} times"
            seen = prepared.released() if step.is_read else NOTHING_READ
            began = monotonic()
            perform(step.name, prepared.settings)
            seconds = monotonic() - began
            if step.finish is not None:
                step.finish(prepared)
            with prepared.look():
                found = step.facts(prepared)
                unbalanced = prepared.unbalanced(LEVELS, REQUESTS)
            row: Row = {
                "boundary": boundary,
                "seed": seed,
                "lost": lost(expected, found),
                "doubled": doubled(expected, found),
                "unbalanced": unbalanced,
                "torn": int(seen not in readers_see),
                "seconds": round(seconds, 3),
            }
            results.add(table, row)
            if row["lost"] or row["doubled"] or row["unbalanced"] or row["torn"]:
                failures.append(f"{row}: {difference(expected, found)}")
    assert failures == []
    assert crossed >= {".".join(path.split(".")[-2:]) for path in STEPS[step.name]}
