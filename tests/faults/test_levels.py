"""A step that ends after its commit and before it could report: the levels alone lead to one release with everything.

A killed process reports nothing; a failed task reports an error for work that is done. What is due next is derived from the state of the
lake, so no work is repeated and none is forgotten. It takes minutes, since a domain is built four times.
"""

import signal
from dataclasses import dataclass
from multiprocessing.context import ForkServerContext
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event
from time import monotonic

import pytest

from core.settings import Settings
from lake.connection import connected
from lake.releases import releases_of
from quality.levels import Step
from quality.steps import audit_domain, bring_up_to_date
from tests.faults.boundaries import watched
from tests.faults.conftest import Start
from tests.faults.deliveries import DOMAIN, LEVELS, REQUESTS, request_files
from tests.faults.results import Results, Row, difference, doubled, lost
from tests.faults.scene import Facts, Scene
from tests.faults.victim import count_passes, die_at, perform
from tests.long_run import a_few
from transform.build import require_build

pytestmark = [pytest.mark.stack, pytest.mark.timeout(3600)]

WAYS = ("killed", "failed")
PATIENCE_SECONDS = 600


class TaskError(Exception):
    """Ends a task that is not killed."""


@dataclass(frozen=True)
class Commit:
    """The commit of a step, the state it begins from, and the steps due after it."""

    step: str
    boundary: str
    begins_from: str
    due: tuple[Step, ...]


COMMITS = (
    Commit("load", "load.transaction left", "landed", (Step.BUILD, Step.AUDIT, Step.PUBLISH)),
    Commit("build", "build._write_down after", "loaded", (Step.AUDIT, Step.PUBLISH)),
    Commit("audit", "verdicts.transaction left", "built", (Step.PUBLISH,)),
    Commit("publish", "publication.transaction left", "judged", ()),
)


@dataclass(frozen=True)
class Undisturbed:
    """A scene with the state before each step saved, what readers saw at the end, and how often each commit was crossed."""

    scene: Scene
    released: Facts
    crossings: dict[str, int]


@pytest.fixture(scope="module")
def undisturbed(empty: Scene) -> Undisturbed:
    """Run every step from landing to a release."""
    empty.land(REQUESTS, request_files(0))
    crossings = {}
    for commit in COMMITS:
        empty.keep(commit.begins_from)
        crossings[commit.step] = count_passes(commit.step, empty.settings)[commit.boundary]
    released = empty.released()
    assert {name: rows.total() > 0 for name, rows in released.items()}["marts.feedback_cases"]
    assert bring_up_to_date(empty.settings, DOMAIN) == []
    return Undisturbed(empty, released, crossings)


def fail_at(commit: Commit, scene: Scene, occurrence: int) -> None:
    """Run a step until the nth crossing of its commit, and fail there."""
    crossed = 0

    def passed(name: str) -> None:
        nonlocal crossed
        crossed += name == commit.boundary
        if crossed == occurrence and name == commit.boundary:
            raise TaskError

    with pytest.raises(TaskError), watched(commit.step, passed):
        perform(commit.step, scene.settings)


@pytest.mark.parametrize("commit", a_few(COMMITS, ("load", "publish"), lambda commit: commit.step))
def test_what_ended_after_its_commit_is_followed_by_one_release_with_everything(
    commit: Commit, undisturbed: Undisturbed, start: Start, is_long: bool, results: Results
) -> None:
    scene, occurrence = undisturbed.scene, undisturbed.crossings[commit.step]
    for way in WAYS if is_long or not commit.due[1:] else WAYS[:1]:
        scene.restore(commit.begins_from)
        if way == "killed":
            victim = start(die_at, commit.step, scene.settings, commit.boundary, occurrence)
            victim.join()
            assert victim.exitcode == -signal.SIGKILL
        else:
            fail_at(commit, scene, occurrence)
        began = monotonic()
        taken = bring_up_to_date(scene.settings, DOMAIN)
        seconds = monotonic() - began
        released = scene.released()
        row: Row = {
            "boundary": f"{commit.step}, {way} after its commit",
            "lost": lost(undisturbed.released, released),
            "doubled": doubled(undisturbed.released, released),
            "unbalanced": scene.unbalanced(LEVELS, REQUESTS),
            "torn": 0,
            "seconds": round(seconds, 3),
        }
        results.add("kills_levels", row)
        assert (taken, difference(undisturbed.released, released), row["unbalanced"]) == ([*commit.due], {}, 0)
        assert bring_up_to_date(scene.settings, DOMAIN) == []
        with connected(scene.settings) as connection:
            (release,) = releases_of(connection, DOMAIN)
            assert release.lake_snapshot == require_build(connection, DOMAIN).snapshot_id


def bring_up(settings: Settings, is_building: Event, outcomes: "Queue[list[Step]]") -> None:
    """Take the steps that are due; signal when the build holds its lock."""

    def passed(name: str) -> None:
        if name == "build.exclusive entered":
            is_building.set()

    with watched("build", passed):
        outcomes.put(bring_up_to_date(settings, DOMAIN))


def test_two_who_take_what_is_due_at_once_make_one_release(
    undisturbed: Undisturbed, start: Start, forks: ForkServerContext
) -> None:
    scene = undisturbed.scene
    scene.restore("loaded")
    is_building, outcomes = forks.Event(), forks.Queue()
    first = start(bring_up, scene.settings, is_building, outcomes)
    assert is_building.wait(PATIENCE_SECONDS)
    second = start(bring_up, scene.settings, is_building, outcomes)
    taken = [outcomes.get(timeout=PATIENCE_SECONDS) for _ in range(2)]
    for one in (first, second):
        one.join()
    assert sorted(step for steps in taken for step in steps) == sorted(Step)
    with connected(scene.settings) as connection:
        assert len(releases_of(connection, DOMAIN)) == 1
    assert difference(undisturbed.released, scene.released()) == {}


def test_the_audit_of_these_deliveries_passes(undisturbed: Undisturbed) -> None:
    undisturbed.scene.restore("built")
    verdict = audit_domain(undisturbed.scene.settings, DOMAIN)
    assert verdict.passed, verdict.reason
