"""Readers are never blocked, never see empty marts and never see two states in one answer, whatever happens to publishers."""

import signal
from multiprocessing.context import ForkServerContext
from random import Random

import pytest

from core.settings import Settings
from lake.connection import connected
from lake.maintenance import tidy
from lake.releases import last_release, releases_of
from tests.faults.conftest import Start
from tests.faults.readers import (
    DOMAIN,
    MARTS,
    QUESTION,
    ROWS,
    Answers,
    analysts,
    dashboards,
    publish_version,
    roll_back,
)
from tests.faults.results import Results
from tests.faults.scene import Scene

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1800)]

DEATHS = (
    "between the marts",
    "publication._write_differences before",
    "publication._write_differences after",
    "publication.insert_release after",
    "publication.transaction leaving",
    "publication.transaction left",
)
LONGEST_SECONDS = 60.0
"""A longer wait counts as blocked, however busy the machine is; measured waits are in docs/reliability.md."""


def test_readers_see_whole_releases_only(
    empty: Scene, start: Start, forks: ForkServerContext, is_long: bool, results: Results
) -> None:
    empty.restore("empty")
    settings = empty.settings
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
    """Publish version after version, every fifth after a publisher died of it; roll back now and then; return how many died."""
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
        earlier = Random(seed).choice(releases_of(connection, DOMAIN)[:-1])
        roll_back(settings, earlier.release_id)
        in_force = last_release(connection, DOMAIN)
        assert in_force is not None
        assert in_force.lake_snapshot == earlier.lake_snapshot
        ids = [release.release_id for release in releases_of(connection, DOMAIN)]
        assert ids == list(range(1, len(ids) + 1))
        for mart in MARTS:
            now, then = (
                connection.execute(f"from marts.{DOMAIN}.{mart} {when} order by id").fetchall()
                for when in ("", f"at (version => {earlier.marts_version})")
            )
            assert now == then


@pytest.mark.parametrize("death", ["publication.transaction leaving", "publication.transaction left"])
def test_a_rollback_that_died_and_was_asked_for_again_is_one_release(empty: Scene, start: Start, death: str) -> None:
    empty.restore("empty")
    for version in (0, 1):
        publish_version(empty.settings, version)
    victim = start(roll_back, empty.settings, 1, death)
    victim.join()
    assert victim.exitcode == -signal.SIGKILL
    roll_back(empty.settings, 1)
    roll_back(empty.settings, 3)
    with connected(empty.settings) as connection:
        releases = releases_of(connection, DOMAIN)
        assert [(release.release_id, release.action) for release in releases] == [
            (1, "publish"),
            (2, "publish"),
            (3, "rollback"),
        ]
        assert releases[2].lake_snapshot == releases[0].lake_snapshot
    with connected(empty.settings, as_reader=True) as reader:
        assert reader.execute(QUESTION).fetchall() == [(2 * ROWS, ROWS, 0, 0)]


def sum_of(parts: list[Answers]) -> Answers:
    """Return the combined answers of all groups."""
    total = Answers()
    for part in parts:
        total = total.plus(part)
    return total


def test_a_mixed_or_empty_answer_is_counted() -> None:
    answers = Answers()
    for row in ((200, 100, 3, 3), (200, 100, 3, 4), (100, 100, 3, 3), (0, 0, None, None), (200, 99, 3, 3)):
        answers.add(row, 0.5)
    assert (answers.versions, answers.mixed, answers.empty, answers.longest_seconds) == ({3: 1}, 1, 3, 0.5)
