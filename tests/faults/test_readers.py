"""Readers are never blocked, never see nothing, and never see two states in one answer, whatever publishers do or die of."""

import signal
from multiprocessing.context import ForkServerContext
from random import Random

import pytest

from ingestion.settings import Settings
from lake.connection import connected
from lake.maintenance import tidy
from lake.releases import list_releases, releases_in_force
from quality.release import rollback
from tests.faults.conftest import Start
from tests.faults.readers import DOMAIN, Answers, analysts, dashboards, publish_version
from tests.faults.results import Results
from tests.faults.scene import Scene

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1800)]

DEATHS = (
    "between the marts",
    "releases.transaction entered",
    "releases.transaction leaving",
    "releases.transaction left",
)
LONGEST_SECONDS = 60.0
"""Longer is blocked, however busy the machine is; what was measured stands in docs/reliability.md."""


def test_readers_see_whole_releases_only(
    scene: Scene, start: Start, forks: ForkServerContext, is_long: bool, results: Results
) -> None:
    settings = scene.settings
    groups, threads, publishes, rollbacks = (4, 12, 50, 5) if is_long else (2, 4, 10, 2)
    publish_version(settings, 0)
    stop, answers = forks.Event(), forks.Queue()
    readers = [start(dashboards, settings, threads, stop, answers, bool(group % 2)) for group in range(groups)]
    readers.append(start(analysts, settings, groups // 2, stop, answers))
    killed = _publish_and_roll_back(settings, start, publishes, rollbacks)
    stop.set()
    total = sum_of([answers.get(timeout=120) for _ in readers])
    for reader in readers:
        reader.join()
    results.add(
        "readers",
        {
            "readers": groups * threads + groups // 2,
            "publishes": publishes,
            "rollbacks": rollbacks,
            "publishers killed": killed,
            "answers": total.versions.total() + total.mixed + total.empty,
            "errors": len(total.errors),
            "mixed versions": total.mixed,
            "empty": total.empty,
            "versions seen": len(total.versions),
            "longest answer, s": round(total.longest_seconds, 3),
        },
    )
    assert (total.errors[:5], total.mixed, total.empty) == ([], 0, 0)
    assert set(total.versions) <= set(range(publishes + 1))
    assert len(total.versions) > publishes / 2
    assert total.longest_seconds < LONGEST_SECONDS


def _publish_and_roll_back(settings: Settings, start: Start, publishes: int, rollbacks: int) -> int:
    """Publish version after version, every fifth after a publisher died of it; roll back now and then; tell how many died."""
    killed = 0
    for version in range(1, publishes + 1):
        if version % 5 == 0:
            death = DEATHS[version // 5 % len(DEATHS)]
            publisher = start(publish_version, settings, version, death)
            publisher.join()
            assert publisher.exitcode == -signal.SIGKILL
            killed += 1
        publish_version(settings, version)
        if version % (publishes // rollbacks) == 0:
            _roll_back(settings, version)
        if version == publishes // 2:
            tidy(settings)
    return killed


def _roll_back(settings: Settings, seed: int) -> None:
    with connected(settings) as connection:
        earlier = Random(seed).choice(list_releases(connection)[:-1])
        rollback(connection, settings, DOMAIN, earlier.release_id)
        assert releases_in_force(connection)[DOMAIN].snapshot_id == earlier.snapshot_id
        ids = [release.release_id for release in list_releases(connection)]
        assert ids == list(range(1, len(ids) + 1))


def sum_of(parts: list[Answers]) -> Answers:
    """Put the answers of all groups together."""
    total = Answers()
    for part in parts:
        total = total.plus(part)
    return total


def test_a_mixed_or_empty_answer_is_counted() -> None:
    answers = Answers()
    for row in ((200, 100, 3, 3), (200, 100, 3, 4), (100, 100, 3, 3), (0, 0, None, None), (200, 99, 3, 3)):
        answers.add(row, 0.5)
    assert (answers.versions, answers.mixed, answers.empty, answers.longest_seconds) == ({3: 1}, 1, 3, 0.5)
