"""kill -9 at every boundary of a step, and the same command again: what the tests of single steps have in common."""

import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from time import monotonic

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


LOADING = (
    Step(
        "collect",
        with_levels_to_collect,
        lambda scene: scene.bronze(LEVELS, arrivals_count=False),
        few=4,
        finish=load_levels,
        is_read=False,
    ),
    Step("load", with_requests_to_load, lambda scene: scene.bronze(REQUESTS), few=8, is_read=False),
)
"""The steps that end in bronze."""

RELEASING = (
    Step("build", with_versions_to_build, Scene.built, few=1),
    Step("audit", with_a_build_to_audit, Scene.judged, few=1),
    Step("publish", with_a_verdict_to_publish, Scene.in_force, few=4),
)
"""The steps that lead from bronze to a release."""

NOTHING_READ: Facts = {}


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


def kill_and_repeat(step: Step, scene: Scene, start: Start, seeds: int, results: Results) -> None:
    """Kill a step at its boundaries, repeat it, and store what is lost, doubled, unbalanced or torn; fail if anything is.

    With `seeds` = 0 at the few boundaries of the smaller run, otherwise with each seed at every one.
    """
    table = f"kills_{step.name}"
    crossed: set[str] = set()
    failures: list[str] = []
    for seed in range(seeds or 1):
        step.prepare(scene, seed)
        scene.keep("before")
        readers_see = [scene.released() if step.is_read else NOTHING_READ]
        scene.clear_landing(LEVELS)
        passes = count_passes(step.name, scene.settings)
        if step.finish is not None:
            step.finish(scene)
        with scene.look():
            readers_see.append(scene.released())
            expected = step.facts(scene)
        crossed |= {name.rsplit(" ", 1)[0] for name in passes}
        for boundary, occurrence in strikes(passes, seed, None if seeds else step.few):
            scene.restore("before")
            scene.clear_landing(LEVELS)
            victim = start(die_at, step.name, scene.settings, boundary, occurrence)
            victim.join()
            assert victim.exitcode == -signal.SIGKILL, f"{boundary} was not crossed {occurrence} times"
            seen = scene.released() if step.is_read else NOTHING_READ
            began = monotonic()
            perform(step.name, scene.settings)
            seconds = monotonic() - began
            if step.finish is not None:
                step.finish(scene)
            with scene.look():
                found = step.facts(scene)
                unbalanced = scene.unbalanced(LEVELS, REQUESTS)
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
