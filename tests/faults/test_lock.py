"""Writers share one lock, maintenance takes it exclusively and gets its turn, and nobody waits for ever; with real processes."""

import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from multiprocessing.context import ForkServerContext
from multiprocessing.synchronize import Event
from pathlib import Path
from subprocess import CompletedProcess
from time import monotonic, sleep

import pytest

import quality.audit
import transform.build
from cli.startup import prepare_tables
from core.contract import find_contract
from core.errors import ConfigurationError, ServiceError
from core.settings import Settings
from ingestion.collect import recapture
from ingestion.load.load import load_feed
from ingestion.repair.replay import replay_feed
from lake.connection import connected
from lake.lock import WRITERS, alone, exclusive, writing
from lake.maintenance import tidy
from quality import steps
from quality.verdicts import Verdict
from stack.roles import LAKE_DATABASE, connect
from tests.faults.conftest import Start
from tests.faults.deliveries import NOON, REQUESTS
from tests.faults.readers import DOMAIN, PASSED, publish_version, write_version
from tests.faults.scene import Scene
from transform.build import Build

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]

PATIENCE_SECONDS = 120


def hold(settings: Settings, name: str, held: Event, end: Event) -> None:
    """Hold the lock as a writer of this name until told to end."""
    with exclusive(settings, name):
        held.set()
        end.wait(PATIENCE_SECONDS)


def maintain(settings: Settings, held: Event, end: Event) -> None:
    """Hold the lock as maintenance until told to end."""
    with alone(settings):
        held.set()
        end.wait(PATIENCE_SECONDS)


def ask_again(settings: Settings, held: Event, end: Event) -> None:
    """As a writer, request the lock again while maintenance waits: within the block, and from a thread that the block waits for."""
    with exclusive(settings, "outer"):
        held.set()
        end.wait(PATIENCE_SECONDS)
        with exclusive(settings, "inner"), writing(settings, "inner, no name"), ThreadPoolExecutor(1) as pool:
            pool.submit(_write_a_little, settings).result()


def _write_a_little(settings: Settings) -> None:
    with exclusive(settings, "in a thread"), writing(settings, "in a thread, no name"):
        pass


def sessions(settings: Settings, *, is_granted: bool) -> set[str]:
    """Return the sessions that hold, or wait for, one of our locks, as an operator would look them up."""
    with connect(settings, LAKE_DATABASE) as server:
        rows = server.execute(
            "select application_name from pg_stat_activity join pg_locks using (pid) "
            "where locktype = 'advisory' and granted = %s",
            [is_granted],
        ).fetchall()
    return {str(row[0]) for row in rows}


def wait_until(is_so: Callable[[], bool]) -> None:
    """Wait until a condition holds; fail after a while."""
    began = monotonic()
    while not is_so():
        assert monotonic() - began < PATIENCE_SECONDS
        sleep(0.02)


def waits(settings: Settings, who: str) -> Callable[[], bool]:
    """Return a condition: whether this session is waiting."""
    return lambda: f"ioc {who}" in sessions(settings, is_granted=False)


def test_writers_share_the_lock_maintenance_waits_for_all_of_them_and_the_next_writer_waits_for_it(
    stack_settings: Settings, start: Start, forks: ForkServerContext
) -> None:
    first, second, third, maintained, end, end_second, end_maintenance = (forks.Event() for _ in range(7))
    writers = [start(hold, stack_settings, "a", first, end), start(hold, stack_settings, "b", second, end_second)]
    assert first.wait(PATIENCE_SECONDS)
    assert second.wait(PATIENCE_SECONDS)
    keeper = start(maintain, stack_settings, maintained, end_maintenance)
    wait_until(waits(stack_settings, "maintenance"))
    late = start(hold, stack_settings, "c", third, end)
    wait_until(waits(stack_settings, "writing: c"))
    assert sessions(stack_settings, is_granted=True) == {"ioc a", "ioc b", "ioc writing: a", "ioc writing: b"}
    end.set()
    writers[0].join()
    assert not maintained.wait(0.5)
    end_second.set()
    assert maintained.wait(PATIENCE_SECONDS)
    assert not third.wait(0.5)
    assert sessions(stack_settings, is_granted=True) == {"ioc maintenance"}
    end_maintenance.set()
    assert third.wait(PATIENCE_SECONDS)
    for process in (*writers, keeper, late):
        process.join()
        assert process.exitcode == 0


def test_who_holds_the_lock_is_not_kept_waiting_behind_maintenance_by_asking_again(
    stack_settings: Settings, start: Start, forks: ForkServerContext
) -> None:
    held, maintained, ask, end = (forks.Event() for _ in range(4))
    writer = start(ask_again, stack_settings, held, ask)
    assert held.wait(PATIENCE_SECONDS)
    start(maintain, stack_settings, maintained, end)
    wait_until(waits(stack_settings, "maintenance"))
    ask.set()
    writer.join(PATIENCE_SECONDS)
    assert writer.exitcode == 0
    assert maintained.wait(PATIENCE_SECONDS)
    end.set()


def test_maintenance_gives_up_where_a_writer_hangs_so_that_others_go_on(
    stack_settings: Settings, start: Start, forks: ForkServerContext
) -> None:
    held, end = forks.Event(), forks.Event()
    writer = start(hold, stack_settings, "a", held, end)
    assert held.wait(PATIENCE_SECONDS)
    with (
        pytest.raises(ServiceError, match=r"within 0:00:00\.2.*, got ioc a, ioc writing: a still running"),
        alone(stack_settings, timedelta(seconds=0.2)),
    ):
        pytest.fail("the writer still writes")
    _write_a_little(stack_settings)
    end.set()
    writer.join()
    assert writer.exitcode == 0


def test_a_killed_holder_gives_the_lock_back(stack_settings: Settings, start: Start, forks: ForkServerContext) -> None:
    held, maintained, again, end, never = (forks.Event() for _ in range(5))
    writer = start(hold, stack_settings, "a", held, never)
    assert held.wait(PATIENCE_SECONDS)
    keeper = start(maintain, stack_settings, maintained, never)
    wait_until(waits(stack_settings, "maintenance"))
    writer.kill()
    assert maintained.wait(PATIENCE_SECONDS)
    late = start(hold, stack_settings, "a", again, end)
    wait_until(waits(stack_settings, "writing: a"))
    keeper.kill()
    assert again.wait(PATIENCE_SECONDS)
    end.set()
    late.join()
    assert [writer.exitcode, late.exitcode] == [-signal.SIGKILL, 0]


def test_a_process_cannot_be_alone_while_it_writes_nor_write_while_it_is_alone(stack_settings: Settings) -> None:
    with writing(stack_settings, "a"), pytest.raises(ConfigurationError, match="would wait for each other"):
        tidy(stack_settings)
    with alone(stack_settings), pytest.raises(ConfigurationError, match="would wait for each other"):
        _write_a_little(stack_settings)
    _write_a_little(stack_settings)


def test_a_lost_lock_is_noticed_before_a_commit_and_not_lent_on(stack_settings: Settings) -> None:
    with exclusive(stack_settings, "a") as lock:
        lock.require_held()
        with connect(stack_settings, LAKE_DATABASE) as server:
            server.execute(
                "select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'ioc writing: a'"
            )
        with pytest.raises(ServiceError, match="got a lost session"):
            lock.require_held()
        with pytest.raises(ServiceError, match="got a lost session"):
            _write_a_little(stack_settings)
    _write_a_little(stack_settings)


def test_a_slow_source_does_not_keep_maintenance_waiting(stack_settings: Settings) -> None:
    with exclusive(stack_settings, "collect a.b", is_writer=False), alone(stack_settings):
        assert sessions(stack_settings, is_granted=True) == {"ioc collect a.b", "ioc maintenance"}


@contextmanager
def under_maintenance(settings: Settings) -> Iterator[None]:
    """Hold the writers' lock like maintenance in another process."""
    with connect(settings, LAKE_DATABASE) as server:
        server.execute("select pg_advisory_lock(hashtextextended(%s, 0))", [f"ioc:{WRITERS}"])
        yield


def versions(settings: Settings) -> list[tuple[int]]:
    """Return the newest version of each catalog."""
    with connected(settings) as connection:
        return connection.execute(
            "select max(snapshot_id) from lake.snapshots() union all select max(snapshot_id) from marts.snapshots()"
        ).fetchall()


FEED = find_contract(REQUESTS)
WRITERS_OF_THE_LAKE: dict[str, tuple[Callable[[Settings], object], str]] = {
    "load": (lambda settings: load_feed(settings, FEED), f"load {REQUESTS}"),
    "replay": (lambda settings: replay_feed(settings, FEED), f"load {REQUESTS}"),
    "recapture": (lambda settings: recapture.recapture(settings, FEED), f"recapture {REQUESTS}"),
    "build": (lambda settings: steps.build_domain(settings, DOMAIN), f"build {DOMAIN}"),
    "audit": (lambda settings: steps.audit_domain(settings, DOMAIN), f"verdict {DOMAIN}"),
    "publish": (lambda settings: steps.publish_domain(settings, DOMAIN), "release"),
    "rollback": (lambda settings: steps.rollback_domain(settings, DOMAIN, 1), "release"),
    "tables": (prepare_tables, "tables"),
}
"""Each writer, and the name under which it requests the lock."""


@pytest.fixture(scope="module")
def released(empty: Scene) -> Scene:
    """A lake with one release, and a candidate that passed its audit."""
    publish_version(empty.settings, 0)
    with connected(empty.settings) as connection:
        write_version(connection, empty.settings, 1)
    return empty


def run_no_dbt(settings: Settings, target: Path, *_: object, **__: str) -> CompletedProcess[str]:
    """Write what dbt would write."""
    (target / "fingerprints.json").write_text("{}", encoding="utf-8")
    return CompletedProcess([], 0)


@pytest.mark.parametrize("name", WRITERS_OF_THE_LAKE)
def test_every_writer_waits_while_maintenance_runs(name: str, released: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The work before the write is left out; the write itself waits, and happens once maintenance has ended."""
    settings = released.settings
    span = recapture.Span("a", NOON, NOON)
    attempt = recapture.Attempt(REQUESTS, span, NOON, recapture.Outcome.EMPTY)
    monkeypatch.setattr(recapture, "due_slots", lambda *_: [span])
    monkeypatch.setattr(recapture, "_fetch_windows", lambda *_: ([attempt], None))
    monkeypatch.setattr(transform.build, "require_build", lambda *_: Build(DOMAIN, 1, 1, "", 1, 1))
    monkeypatch.setattr(quality.audit, "audit", lambda *_: Verdict(DOMAIN, 1, "", True, NOON, (PASSED,)))
    monkeypatch.setattr(transform.build, "load_reference_lists", lambda *_: None)
    monkeypatch.setattr(transform.build, "run_dbt", run_no_dbt)
    monkeypatch.setattr(
        transform.build, "results_of", lambda *_: [{"unique_id": "model.a", "status": "success", "execution_time": 0.0}]
    )
    act, who = WRITERS_OF_THE_LAKE[name]
    with ThreadPoolExecutor(1) as pool:
        with under_maintenance(settings):
            before = versions(settings)
            writer = pool.submit(act, settings)
            is_waiting = waits(settings, f"writing: {who}")
            wait_until(lambda: writer.done() or is_waiting())
            assert not writer.done(), writer.result()
            assert versions(settings) == before
        writer.result()
