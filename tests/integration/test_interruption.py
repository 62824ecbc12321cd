"""Ctrl-C at commands that work on a real stack: each ends within seconds, says what was committed, and can be run again."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from fcntl import LOCK_EX, flock
from pathlib import Path

import psutil
import pytest

from core.settings import Settings
from lake.lock import exclusive
from stack.roles import LAKE_DATABASE, connect
from tests.integration.conftest import NOON, Lake
from tests.publishing import publish_candidates
from transform.build import warm_folder
from transform.warm import SOCKET

pytestmark = pytest.mark.stack

WITHIN_SECONDS = 10.0
LEVELS, VESSELS = "environment.river_levels", "fisheries.vessels"
MINUTES_OF_WORK = "select sum(a.range * b.range) from range(1000000) a, range(1000000) b"
NOTHING = "interrupted: nothing was committed by this command\n"
RESTORE = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
"""A test that runs in the background ignores SIGINT, and so would its children."""


def ioc(environment: Mapping[str, str], *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", RESTORE, str(Path(sys.executable).parent / "ioc"), *arguments]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@contextmanager
def interrupted(
    environment: Mapping[str, str], arguments: tuple[str, ...], is_there: Callable[[psutil.Process], bool]
) -> Iterator[str]:
    """Start a command, send it Ctrl-C when it is where it should be, and yield its one line of complaint."""
    with ioc(environment, *arguments) as process:
        try:
            watched = psutil.Process(process.pid)
            await_that(lambda: process.poll() is not None or is_there(watched))
            assert process.poll() is None, process.communicate()
            children = watched.children(recursive=True)
            began = time.monotonic()
            process.send_signal(signal.SIGINT)
            _, complaint = process.communicate(timeout=WITHIN_SECONDS)
            assert time.monotonic() - began < WITHIN_SECONDS
            assert (process.returncode, complaint.count("\n")) == (130, 1), complaint
            _, alive = psutil.wait_procs(children, timeout=5)
            assert [child for child in alive if child.status() != psutil.STATUS_ZOMBIE] == []
            yield complaint
        finally:
            process.kill()


def finish(environment: Mapping[str, str], *arguments: str) -> str:
    """Run a command to its successful end; return what it prints."""
    with ioc(environment, *arguments) as process:
        out, complaints = process.communicate(timeout=200)
    assert process.returncode == 0, complaints
    return out


def await_that(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.02)


def waits_for_a_lock(settings: Settings) -> bool:
    with connect(settings, LAKE_DATABASE) as server:
        row = server.execute("select exists (select from pg_locks where not granted)").fetchone()
    return row == (True,)


@pytest.fixture
def environment(lake: Lake) -> Mapping[str, str]:
    """The environment of a command on a lake with two feeds' deliveries, none loaded."""
    golden = Path(__file__).parent.parent / "golden"
    for feed in (LEVELS, VESSELS):
        for path in sorted((golden / feed.replace(".", "/")).iterdir()):
            if path.name != "expected.json":
                lake.land(feed, path.name, path.read_bytes())
    return lake.settings.child_environment()


def test_while_the_verbs_are_imported(environment: Mapping[str, str]) -> None:
    with interrupted(environment, ("load",), lambda process: process.num_threads() > 1) as complaint:
        assert complaint == NOTHING
    assert json.loads(finish(environment, "load", LEVELS, "--json"))


def test_a_load_that_waits_for_its_turn(lake: Lake, environment: Mapping[str, str]) -> None:
    load = ("load", LEVELS, VESSELS)
    with (
        exclusive(lake.settings, f"load {VESSELS}"),
        interrupted(environment, load, lambda _: waits_for_a_lock(lake.settings)) as complaint,
    ):
        assert complaint == (
            f"interrupted: 1 of 2 feeds were loaded: {LEVELS}; {VESSELS} was under way, and may be loaded in part; "
            "run it again to continue\n"
        )
        assert lake.query("select distinct feed from lake.ledger.deliveries") == [(LEVELS,)]
    loaded = json.loads(finish(environment, *load, "--json"))
    assert {row["feed"] for row in loaded} == {VESSELS}


def test_a_load_in_the_middle_of_its_commit(lake: Lake, environment: Mapping[str, str]) -> None:
    with connect(lake.settings, LAKE_DATABASE) as server, server.transaction():
        server.execute("lock table ducklake_snapshot in exclusive mode")  # may be read, not written
        with interrupted(environment, ("load", LEVELS), lambda _: waits_for_a_lock(lake.settings)) as complaint:
            assert complaint.startswith("interrupted: ")
    assert lake.query("select count(*) from lake.ledger.deliveries") == [(0,)]
    assert {row["feed"] for row in json.loads(finish(environment, "load", LEVELS, "--json"))} == {LEVELS}


def test_a_long_query(lake: Lake, environment: Mapping[str, str]) -> None:
    lake.connection.execute("create schema if not exists lake.asked")
    lake.connection.execute("create or replace table lake.asked.ones as select 1 as number")
    publish_candidates(lake.connection, "asked", NOON)

    def works(process: psutil.Process) -> bool:
        """Whether its threads have worked longer than all imports take."""
        return process.cpu_times().user > 6

    with interrupted(environment, ("sql", MINUTES_OF_WORK), works) as complaint:
        assert complaint == NOTHING
    assert json.loads(finish(environment, "sql", "select * from asked.ones", "--json")) == [{"number": 1}]


@pytest.fixture(params=["warm", "anew"])
def dbt(request: pytest.FixtureRequest, lake: Lake) -> Iterator[str]:
    """How dbt runs: in a fork of the process that keeps it warm, or in one of its own where none listens."""
    listening, hidden = (warm_folder(lake.settings) / name for name in (SOCKET, "hidden"))
    if request.param == "anew":
        listening.rename(hidden)
    yield request.param
    if hidden.is_symlink():
        hidden.rename(listening)


def test_a_build_while_dbt_runs(lake: Lake, environment: Mapping[str, str], dbt: str) -> None:
    """Takes more than 20 s: it builds a domain, whose reference lists come first."""

    def runs_dbt(process: psutil.Process) -> bool:
        if dbt == "warm":
            return bool(process.net_connections("unix"))
        return any("dbt" in " ".join(child.cmdline()) for child in process.children())

    with interrupted(environment, ("build", "environment"), runs_dbt) as complaint:
        assert complaint == (
            "interrupted: 0 of 1 domains were built; environment was under way, and may be built in part; "
            "run it again to continue\n"
        )
    assert json.loads(finish(environment, "build", "environment", "--json"))[0]["domain"] == "environment"


def test_up_while_another_command_starts_services(lake: Lake, environment: Mapping[str, str]) -> None:
    def waits(process: psutil.Process) -> bool:
        waiting = [
            line.split() for line in Path("/proc/locks").read_text(encoding="utf-8").splitlines() if "->" in line
        ]
        return str(process.pid) in {line[5] for line in waiting}

    with (lake.settings.home_folder / "run" / "control.lock").open("w") as lock:
        flock(lock, LOCK_EX)
        with interrupted(environment, ("up", "--only", "postgres"), waits) as complaint:
            assert (
                complaint
                == "interrupted: 0 of 1 services were brought up; the rest was not; run it again to continue\n"
            )
    assert "postgres: healthy" in finish(environment, "up", "--only", "postgres")
