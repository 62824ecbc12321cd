"""Two processes that run the same step at the same time have the same result as one."""

from collections.abc import Callable
from multiprocessing.context import ForkServerContext
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier

import pytest

from core.errors import AuditError
from core.settings import Settings
from lake.connection import connected
from lake.releases import releases_of
from tests.faults.boundaries import watched
from tests.faults.conftest import Start
from tests.faults.deliveries import REQUESTS
from tests.faults.readers import DOMAIN, QUESTION, ROWS, publish_build, publish_version, write_version
from tests.faults.results import Results, Row
from tests.faults.scene import Scene
from tests.faults.undisturbed import undisturbed
from tests.faults.victim import perform

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1800)]

PATIENCE_SECONDS = 60


def meet(step: str, boundary: str, barrier: Barrier, act: Callable[[], object]) -> None:
    """Run `act`, waiting for the others before a boundary is crossed."""
    has_met = False

    def passed(name: str) -> None:
        nonlocal has_met
        if name == boundary and not has_met:
            has_met = True
            barrier.wait(PATIENCE_SECONDS)

    with watched(step, passed):
        act()


def load(settings: Settings, barrier: Barrier) -> None:
    """Load, waiting for the other process before taking the lock."""
    meet("load", "load.exclusive before", barrier, lambda: perform("load", settings))


HOLDS, WAITS = "release.exclusive entered", "release.exclusive before"
"""Where two publications meet: one holds the lock but has read nothing yet, the other is about to request it."""

Outcome = tuple[int, int | str]
"""The snapshot to be published, and the release it became or the error that refused it."""


def publish(settings: Settings, snapshot: int, boundary: str, barrier: Barrier, outcomes: "Queue[Outcome]") -> None:
    """Publish, meeting the other process at a boundary; report the outcome."""

    def act() -> None:
        try:
            outcomes.put((snapshot, publish_build(settings, snapshot).release_id))
        except AuditError as error:
            outcomes.put((snapshot, str(error)))

    meet("publish", boundary, barrier, act)


def publish_at_once(scene: Scene, start: Start, forks: ForkServerContext, first: int, second: int) -> list[Outcome]:
    """Publish two builds at once, the first of which gets the lock; return the outcomes."""
    barrier, outcomes = forks.Barrier(2), forks.Queue()
    both = [
        start(publish, scene.settings, snapshot, boundary, barrier, outcomes)
        for snapshot, boundary in ((first, HOLDS), (second, WAITS))
    ]
    found = [outcomes.get(timeout=2 * PATIENCE_SECONDS) for _ in both]
    for one in both:
        one.join()
    assert [one.exitcode for one in both] == [0, 0]
    return found


def releases_and_rows(scene: Scene) -> tuple[list[tuple[int, int]], list[tuple[object, ...]]]:
    """Return id and snapshot of each release, and what readers see of the marts."""
    with connected(scene.settings) as connection:
        releases = [(release.release_id, release.lake_snapshot) for release in releases_of(connection, DOMAIN)]
    with connected(scene.settings, as_reader=True) as connection:
        return releases, connection.execute(QUESTION).fetchall()


def test_two_loads_of_one_feed_at_once_are_one_load(
    empty: Scene, start: Start, forks: ForkServerContext, seeds: int, results: Results
) -> None:
    for seed in range(seeds or 2):
        expected = undisturbed(empty, seed)
        barrier = forks.Barrier(2)
        both = [start(load, empty.settings, barrier) for _ in range(2)]
        for one in both:
            one.join()
        assert [one.exitcode for one in both] == [0, 0]
        row: Row = {"what": "two loads of one feed", "seed": seed}
        results.compare("at_once", row, expected, empty.bronze(REQUESTS), empty.unbalanced(REQUESTS))


def keep(results: Results, what: str, seed: int, expected: object, found: object) -> None:
    """Store whether the result is as expected, and fail if it is not."""
    is_wrong = int(expected != found)
    results.add("at_once", {"what": what, "seed": seed, "lost": is_wrong, "doubled": 0, "unbalanced": 0})
    assert found == expected


@pytest.mark.parametrize("is_older_first", [True, False], ids=["the older first", "the newer first"])
def test_of_two_builds_published_at_once_the_newer_one_is_in_force(
    empty: Scene, start: Start, forks: ForkServerContext, seeds: int, results: Results, is_older_first: bool
) -> None:
    for seed in range(seeds or 1):
        empty.restore("empty")
        publish_version(empty.settings, 0)
        ((_, before),), _ = releases_and_rows(empty)
        with connected(empty.settings) as connection:
            older, newer = (write_version(connection, empty.settings, version) for version in (1, 2))
        refused = (
            f"{DOMAIN}: expected a build newer than snapshot {newer}, which was published already, got snapshot {older}; "
            f"`ioc rollback {DOMAIN} RELEASE` puts an earlier release back in force"
        )
        if is_older_first:
            outcomes = publish_at_once(empty, start, forks, older, newer)
            expected: list[Outcome] = [(older, 2), (newer, 3)]
            releases = [(1, before), (2, older), (3, newer)]
        else:
            outcomes = publish_at_once(empty, start, forks, newer, older)
            expected = [(older, refused), (newer, 2)]
            releases = [(1, before), (2, newer)]
        found = (sorted(outcomes), releases_and_rows(empty))
        what = f"two builds published, {'the older' if is_older_first else 'the newer'} first"
        keep(results, what, seed, (expected, (releases, [(2 * ROWS, ROWS, 2, 2)])), found)


@pytest.mark.parametrize("is_released_before", [True, False], ids=["over a release", "as the first release"])
def test_one_build_published_twice_at_once_is_one_release(
    empty: Scene, start: Start, forks: ForkServerContext, seeds: int, results: Results, is_released_before: bool
) -> None:
    for seed in range(seeds or 1):
        empty.restore("empty")
        before: list[tuple[int, int]] = []
        if is_released_before:
            publish_version(empty.settings, 0)
            before, _ = releases_and_rows(empty)
        with connected(empty.settings) as connection:
            snapshot = write_version(connection, empty.settings, 1)
        outcomes = publish_at_once(empty, start, forks, snapshot, snapshot)
        number = len(before) + 1
        expected = [(snapshot, number)] * 2, ([*before, (number, snapshot)], [(2 * ROWS, ROWS, 1, 1)])
        keep(results, "one build published twice", seed, expected, (outcomes, releases_and_rows(empty)))
