"""Two processes that do the same step at the same moment leave what one of them alone would have left."""

from collections.abc import Callable
from multiprocessing.context import ForkServerContext
from multiprocessing.synchronize import Barrier

import pytest

from ingestion.settings import Settings
from lake.connection import connected
from lake.releases import list_releases
from quality.steps import publish_domain
from tests.faults.boundaries import watched
from tests.faults.conftest import Start
from tests.faults.deliveries import REQUESTS
from tests.faults.readers import DOMAIN, publish_version, write_version
from tests.faults.results import Results, Row
from tests.faults.scene import Scene
from tests.faults.undisturbed import undisturbed
from tests.faults.victim import perform

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1800)]

PATIENCE_SECONDS = 60


def meet(step: str, boundary: str, barrier: Barrier, act: Callable[[], object]) -> None:
    """Do something, and wait for the others at a boundary before it is crossed."""
    has_met = False

    def passed(name: str) -> None:
        nonlocal has_met
        if name == boundary and not has_met:
            has_met = True
            barrier.wait(PATIENCE_SECONDS)

    with watched(step, passed):
        act()


def load(settings: Settings, barrier: Barrier) -> None:
    """Load, having met the other one before the lock."""
    meet("load", "load.exclusive before", barrier, lambda: perform("load", settings))


def publish(settings: Settings, snapshot: int, barrier: Barrier) -> None:
    """Publish, having met the other one before the lock."""
    meet("publish", "release.exclusive before", barrier, lambda: publish_domain(settings, DOMAIN, snapshot))


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


def test_two_publishes_at_once_are_two_releases_of_which_the_last_is_in_force(
    empty: Scene, start: Start, forks: ForkServerContext, seeds: int, results: Results
) -> None:
    empty.restore("empty")
    publish_version(empty.settings, 0)
    for seed in range(seeds or 2):
        barrier = forks.Barrier(2)
        with connected(empty.settings) as connection:
            snapshots = [write_version(connection, empty.settings, 2 * seed + number) for number in (1, 2)]
        both = [start(publish, empty.settings, snapshot, barrier) for snapshot in snapshots]
        for one in both:
            one.join()
        assert [one.exitcode for one in both] == [0, 0]
        with connected(empty.settings) as connection:
            releases = [release for release in list_releases(connection) if release.domain == DOMAIN]
        ids = [release.release_id for release in releases]
        missing, twice = 3 + 2 * seed - len(set(ids)), len(ids) - len(set(ids))
        results.add(
            "at_once",
            {"what": "two publishes", "seed": seed, "lost": missing, "doubled": twice, "unbalanced": 0},
        )
        assert ids == list(range(1, 4 + 2 * seed))
        assert {release.snapshot_id for release in releases[-2:]} == set(snapshots)
