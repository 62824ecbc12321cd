"""Services that fail during a load or a publication: the error is retryable.

Retrying a load gives the same tables as an undisturbed run, retrying a publication one release.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from time import monotonic

import pytest

from core.errors import AuditError, ServiceError
from core.settings import Settings
from lake.connection import connected
from lake.releases import releases_of
from stack.control import up
from stack.lifecycle import STOP_SECONDS
from stack.postgres import Postgres
from stack.processes import read_record, stop
from stack.roles import connect
from tests.faults.boundaries import watched
from tests.faults.conftest import Start
from tests.faults.proxy import Fault, Proxy, proxied
from tests.faults.readers import DOMAIN, QUESTION, ROWS, publish_build, publish_version, write_version
from tests.faults.results import Results, Row
from tests.faults.scene import Scene
from tests.faults.undisturbed import loaded_again, undisturbed
from tests.faults.victim import count_passes, perform
from tests.long_run import a_few

pytestmark = [pytest.mark.stack, pytest.mark.timeout(3600)]

WHERE_POSTGRES_STOPS = (
    "load.exclusive entered",
    "load.transaction entered",
    "load.write after",
    "load.transaction left",
)


@contextmanager
def done_at(boundary: str, act: Callable[[], None], step: str = "load") -> Iterator[None]:
    """Run `act` when a step crosses a boundary for the first time."""
    is_done = False

    def passed(name: str) -> None:
        nonlocal is_done
        if name == boundary and not is_done:
            is_done = True
            act()

    with watched(step, passed):
        yield
    assert is_done, f"{boundary} was not crossed"


WHERE_POSTGRES_STOPS_UNDER_A_PUBLICATION = (
    "release.exclusive entered",
    "publication._write_differences after",
    "publication.transaction leaving",
    "publication.transaction left",
)


def stop_postgres(settings: Settings) -> None:
    """Stop PostgreSQL like a machine that restarts: open transactions are aborted."""
    home = settings.home_folder
    record = read_record(home, "postgres")
    assert record is not None
    stop(home, record, Postgres(settings).stop_signal, STOP_SECONDS)


@pytest.mark.parametrize("boundary", a_few(WHERE_POSTGRES_STOPS, WHERE_POSTGRES_STOPS[::2]))
def test_postgres_stops_while_a_load_runs(empty: Scene, boundary: str, seeds: int, results: Results) -> None:
    for seed in range(max(1, seeds // len(WHERE_POSTGRES_STOPS))):
        expected = undisturbed(empty, seed)
        try:
            with pytest.raises(ServiceError), done_at(boundary, lambda: stop_postgres(empty.settings)):
                perform("load", empty.settings)
        finally:
            up(empty.settings, {"postgres"})
        loaded_again(empty, expected, results, f"PostgreSQL stops: {boundary}", seed)


@pytest.fixture
def behind_a_proxy(empty: Scene) -> Iterator[tuple[Scene, Proxy]]:
    """The scene with a proxy in front of its object store, and the proxy."""
    settings = empty.settings
    with proxied(settings.s3_host, settings.s3_port) as proxy:
        yield Scene(settings.model_copy(update={"s3_port": proxy.port}), empty.looker), proxy


@pytest.mark.parametrize("fault", ["answers 500", "slow", "gone"])
def test_the_object_store_fails_while_a_load_runs(
    behind_a_proxy: tuple[Scene, Proxy], fault: Fault, seeds: int, results: Results
) -> None:
    scene, proxy = behind_a_proxy
    failed = 0
    for seed in range(seeds or 2):
        expected = undisturbed(scene, seed)
        before = proxy.requests
        perform("load", scene.settings)
        needed = proxy.requests - before
        scene.restore("empty")
        proxy.fail(fault, after=Random(seed).randrange(needed))
        try:
            perform("load", scene.settings)
        except ServiceError:
            failed += 1
        finally:
            proxy.heal()
        loaded_again(scene, expected, results, f"object store {fault}", seed)
    assert failed == 0 if fault == "slow" else failed > 0


def test_the_lock_is_lost_while_a_load_runs_and_another_load_takes_its_turn(
    empty: Scene, start: Start, seeds: int, results: Results
) -> None:
    def take_over() -> None:
        end_locks(empty.settings)
        other = start(perform, "load", empty.settings)
        other.join()
        assert other.exitcode == 0

    for seed in range(seeds or 1):
        expected = undisturbed(empty, seed)
        with (
            pytest.raises(ServiceError, match="expected to hold the lock until the commit, got a lost session"),
            done_at("load.choose_doors before", take_over),
        ):
            perform("load", empty.settings)
        loaded_again(empty, expected, results, "the lock is lost, another load takes its turn", seed)


def end_locks(settings: Settings) -> None:
    """End the sessions that hold a lock, like a restart of PostgreSQL."""
    with connect(settings, "postgres") as server:
        server.execute("select pg_terminate_backend(pid, 5000) from pg_locks where locktype = 'advisory'")


@pytest.fixture
def two_versions(empty: Scene) -> tuple[Scene, int, int]:
    """A scene with one release, and two newer builds that passed their audits."""
    empty.restore("empty")
    publish_version(empty.settings, 0)
    with connected(empty.settings) as connection:
        one, other = (write_version(connection, empty.settings, version) for version in (1, 2))
    return empty, one, other


@pytest.mark.parametrize(
    "boundary", a_few(WHERE_POSTGRES_STOPS_UNDER_A_PUBLICATION, WHERE_POSTGRES_STOPS_UNDER_A_PUBLICATION[::2])
)
def test_postgres_stops_while_a_release_is_published(
    two_versions: tuple[Scene, int, int], boundary: str, results: Results
) -> None:
    scene, _, newer = two_versions
    try:
        with pytest.raises(ServiceError), done_at(boundary, lambda: stop_postgres(scene.settings), step="publish"):
            publish_build(scene.settings, newer)
    finally:
        up(scene.settings, {"postgres"})
    began = monotonic()
    publish_build(scene.settings, newer)
    seconds = monotonic() - began
    compare_releases(scene, results, f"PostgreSQL stops: {boundary}", newer, seconds)


def test_the_lock_is_lost_while_a_release_is_published_and_another_one_takes_its_turn(
    two_versions: tuple[Scene, int, int], start: Start, results: Results
) -> None:
    scene, older, newer = two_versions

    def take_over() -> None:
        end_locks(scene.settings)
        other = start(publish_build, scene.settings, newer)
        other.join()
        assert other.exitcode == 0

    with (
        pytest.raises(ServiceError, match="expected to hold the lock until the commit, got a lost session"),
        done_at("publication._write_differences after", take_over, step="publish"),
    ):
        publish_build(scene.settings, older)
    began = monotonic()
    with pytest.raises(AuditError, match=f"newer than snapshot {newer}"):
        publish_build(scene.settings, older)
    seconds = monotonic() - began
    compare_releases(scene, results, "the lock is lost, another publication takes its turn", newer, seconds)


def compare_releases(scene: Scene, results: Results, fault: str, newer: int, seconds: float) -> None:
    """Compare the releases with the first one and one of the newer build, and what readers see with version 2; store the result."""
    with connected(scene.settings) as connection:
        releases = Counter(
            str((release.release_id, release.lake_snapshot)) for release in releases_of(connection, DOMAIN)[1:]
        )
    with connected(scene.settings, as_reader=True) as connection:
        shown = Counter(map(str, connection.execute(QUESTION).fetchall()))
    expected = {"releases": Counter([str((2, newer))]), "marts": Counter([str((2 * ROWS, ROWS, 2, 2))])}
    row: Row = {"fault": fault, "seed": 0}
    results.compare(
        "services", row, expected, {"releases": releases, "marts": shown}, unbalanced=0, seconds=round(seconds, 3)
    )


def test_boundaries_at_which_postgres_stops_are_crossed(empty: Scene) -> None:
    undisturbed(empty, 1)
    assert set(WHERE_POSTGRES_STOPS) <= set(count_passes("load", empty.settings))
