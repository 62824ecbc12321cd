"""A load whose services fail under it: it says so with an error that a retry may follow, and the retry gives the undisturbed tables."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random

import pytest

from ingestion.errors import ServiceError
from ingestion.settings import Settings
from stack.control import up
from stack.lifecycle import STOP_SECONDS
from stack.postgres import Postgres, connect
from stack.processes import read_record, stop
from tests.faults.boundaries import watched
from tests.faults.conftest import Start
from tests.faults.proxy import Fault, Proxy, proxied
from tests.faults.results import Results
from tests.faults.scene import Scene
from tests.faults.undisturbed import loaded_again, undisturbed
from tests.faults.victim import count_passes, perform

pytestmark = [pytest.mark.stack, pytest.mark.timeout(3600)]

WHERE_POSTGRES_STOPS = (
    "load.exclusive entered",
    "load.transaction entered",
    "load.write after",
    "load.transaction left",
)


@contextmanager
def done_at(boundary: str, act: Callable[[], None]) -> Iterator[None]:
    """Do something where a load crosses a boundary for the first time."""
    is_done = False

    def passed(name: str) -> None:
        nonlocal is_done
        if name == boundary and not is_done:
            is_done = True
            act()

    with watched("load", passed):
        yield
    assert is_done, f"{boundary} was not crossed"


def stop_postgres(settings: Settings) -> None:
    """Stop PostgreSQL, as a machine that restarts does: open transactions are broken off."""
    home = settings.home_folder
    record = read_record(home, "postgres")
    assert record is not None
    stop(home, record, Postgres(settings).stop_signal, STOP_SECONDS)


@pytest.mark.parametrize("boundary", WHERE_POSTGRES_STOPS)
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
    """Give the scene through a proxy before its object store, and the proxy."""
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
        with connect(empty.settings, "postgres") as server:
            server.execute("select pg_terminate_backend(pid, 5000) from pg_locks where locktype = 'advisory'")
        other = start(perform, "load", empty.settings)
        other.join()
        assert other.exitcode == 0

    for seed in range(seeds or 1):
        expected = undisturbed(empty, seed)
        with pytest.raises(ServiceError, match="one at a time was promised"), done_at("load.split before", take_over):
            perform("load", empty.settings)
        loaded_again(empty, expected, results, "the lock is lost, another load takes its turn", seed)


def test_boundaries_at_which_postgres_stops_are_crossed(empty: Scene) -> None:
    undisturbed(empty, 1)
    assert set(WHERE_POSTGRES_STOPS) <= set(count_passes("load", empty.settings))
