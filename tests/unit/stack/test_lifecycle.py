"""The lifecycle of a service, with a small server of our own in place of PostgreSQL and the others."""

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
from pydantic import SecretStr

from core.errors import PortInUseError, ServiceError
from core.settings import Settings
from stack.lifecycle import await_external, bring_up, status_of
from stack.processes import ProcessRecord, is_alive, log_tail, read_record, record_path, spawn, stop
from stack.service import Command, Port

LISTEN = """
import socket, sys, time
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
time.sleep(600)
"""
LISTEN_WITHOUT_FIRST_THREAD = """
import ctypes, socket, sys, threading, time
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
threading.Thread(target=time.sleep, args=(600,)).start()
ctypes.CDLL(None).pthread_exit(None)
"""
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
LISTEN_WITH_CHILD = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {DEAF!r}])\n{LISTEN}"
DIE = "print('first line'); print('the key is hunter2'); raise SystemExit(3)"


@dataclass(frozen=True)
class Listener:
    """A service that listens on a port, and is healthy when one can connect to it."""

    folder: Path
    number: int
    program: str = LISTEN
    name: str = "listener"
    needs: tuple[str, ...] = ()
    seconds_to_start: float = 10
    stop_signal: signal.Signals = signal.SIGTERM
    happened: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"tcp://127.0.0.1:{self.number}"

    @property
    def ports(self) -> tuple[Port, ...]:
        return (Port("127.0.0.1", self.number, "IOC_LISTENER_PORT"),)

    def prepare(self) -> None:
        self.happened.append("prepared")

    def command(self) -> Command:
        return Command((sys.executable, "-c", self.program, str(self.number)), {}, self.folder)

    def fault(self, started_at: float) -> str:
        with socket.socket() as probe:
            probe.settimeout(1)
            return "" if probe.connect_ex(("127.0.0.1", self.number)) == 0 else "nobody listens"

    def settle(self) -> None:
        self.happened.append("settled")


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    yield Settings(home=tmp_path, postgres_password=SecretStr("hunter2"))
    if record := read_record(tmp_path, "listener"):
        stop(tmp_path, record, signal.SIGKILL, 5)


def _bring_up(service: Listener, settings: Settings) -> list[str]:
    said: list[str] = []
    bring_up(service, settings, said.append, threading.Event())
    return said


def _record(settings: Settings) -> ProcessRecord:
    record = read_record(settings.home_folder, "listener")
    assert record is not None
    return record


def _stop(settings: Settings, patience_seconds: float = 5) -> None:
    stop(settings.home_folder, _record(settings), signal.SIGTERM, patience_seconds)


def _wait_until_dead(record: ProcessRecord) -> None:
    deadline = time.monotonic() + 5
    while is_alive(record):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_service_is_prepared_started_settled_and_stopped(tmp_path: Path, port: int, settings: Settings) -> None:
    service = Listener(tmp_path, port)
    assert status_of(service, settings).state == "stopped"
    said = _bring_up(service, settings)
    assert service.happened == ["prepared", "settled"]
    assert said[0].startswith(f"listener: healthy at tcp://127.0.0.1:{port} (started")
    found = status_of(service, settings)
    assert (found.state, found.pid) == ("healthy", _record(settings).pid)
    _stop(settings)
    assert status_of(service, settings).state == "stopped"
    assert service.fault(0) == "nobody listens"


def test_a_running_service_is_left_alone(tmp_path: Path, port: int, settings: Settings) -> None:
    service = Listener(tmp_path, port)
    _bring_up(service, settings)
    first = _record(settings)
    said = _bring_up(service, settings)
    assert _record(settings) == first
    assert service.happened == ["prepared", "settled", "settled"]
    assert "already running" in said[0]
    _stop(settings)


def test_a_running_service_that_stays_ill_is_started_again(tmp_path: Path, port: int, settings: Settings) -> None:
    ill = Listener(tmp_path, port, "import time; time.sleep(600)", seconds_to_start=0.3)
    with pytest.raises(ServiceError, match="nobody listens"):
        _bring_up(ill, settings)
    first = _record(settings)
    said = _bring_up(Listener(tmp_path, port, seconds_to_start=1), settings)
    assert not is_alive(first)
    assert "(started" in said[0]
    _stop(settings)


def test_it_survives_the_end_of_the_session_that_started_it(tmp_path: Path, port: int, settings: Settings) -> None:
    _bring_up(Listener(tmp_path, port), settings)
    record = _record(settings)
    assert os.getsid(record.pid) == record.pid != os.getsid(0)
    _stop(settings)


def test_a_killed_service_is_dead_and_its_orphans_end_before_it_starts_again(
    tmp_path: Path, port: int, settings: Settings
) -> None:
    service = Listener(tmp_path, port, LISTEN_WITH_CHILD)
    _bring_up(service, settings)
    first = _record(settings)
    orphan = psutil.Process(first.pid).children()[0]
    os.kill(first.pid, signal.SIGKILL)
    _wait_until_dead(first)
    found = status_of(service, settings)
    assert (found.state, found.pid) == ("dead", None)
    assert f"process {first.pid} has died" in found.detail
    assert orphan.is_running()
    _bring_up(service, settings)
    assert not orphan.is_running() or orphan.status() == psutil.STATUS_ZOMBIE
    assert status_of(service, settings).state == "healthy"
    _stop(settings)


def test_stop_kills_a_child_that_ignores_the_signal(tmp_path: Path, port: int, settings: Settings) -> None:
    _bring_up(Listener(tmp_path, port, LISTEN_WITH_CHILD), settings)
    record = _record(settings)
    deaf = psutil.Process(record.pid).children()[0]
    while "deaf" not in log_tail(record, 5):
        time.sleep(0.01)
    _stop(settings, patience_seconds=1)
    assert not deaf.is_running() or deaf.status() == psutil.STATUS_ZOMBIE
    assert not record_path(settings.home_folder, "listener").exists()


def test_a_process_whose_first_thread_ended_runs_and_is_stopped(tmp_path: Path, port: int, settings: Settings) -> None:
    service = Listener(tmp_path, port, LISTEN_WITHOUT_FIRST_THREAD)
    _bring_up(service, settings)
    record = _record(settings)
    deadline = time.monotonic() + 5
    while psutil.Process(record.pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert is_alive(record)
    _stop(settings)
    assert service.fault(0) == "nobody listens"


def test_a_process_that_got_a_recycled_pid_is_neither_alive_nor_killed(tmp_path: Path, port: int) -> None:
    theirs = spawn(tmp_path, "theirs", Listener(tmp_path, port).command())
    ours = ProcessRecord("listener", theirs.pid, theirs.started_at - 3600, theirs.log, 0)
    assert not is_alive(ours)
    stop(tmp_path, ours, signal.SIGKILL, 1)
    assert is_alive(theirs)
    stop(tmp_path, theirs, signal.SIGKILL, 5)
    assert not is_alive(theirs)


def test_a_process_without_an_answer_is_unhealthy(tmp_path: Path, port: int, settings: Settings) -> None:
    service = Listener(tmp_path, port, "import time; time.sleep(600)", seconds_to_start=0.3)
    with pytest.raises(ServiceError, match="nobody listens") as caught:
        _bring_up(service, settings)
    assert caught.value.values["has_ended"] is False
    found = status_of(service, settings)
    assert (found.state, found.detail) == ("unhealthy", "nobody listens")
    _stop(settings)


def test_a_service_that_dies_tells_the_end_of_its_log_without_secrets(
    tmp_path: Path, port: int, settings: Settings
) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "listener.log").write_text("a line of yesterday\n")
    with pytest.raises(ServiceError) as caught:
        _bring_up(Listener(tmp_path, port, DIE), settings)
    log = tmp_path / "logs" / "listener.log"
    assert caught.value.values == {"service": "listener", "log": log, "has_ended": True}
    assert str(caught.value) == (
        f"listener: expected a healthy service, got its end while waiting; see {log}\nfirst line\nthe key is ***"
    )


def test_a_taken_port_is_refused_before_anything_is_started(tmp_path: Path, port: int, settings: Settings) -> None:
    service = Listener(tmp_path, port)
    with socket.create_server(("127.0.0.1", port)), pytest.raises(PortInUseError) as caught:
        _bring_up(service, settings)
    assert caught.value.values == {"service": "listener", "port": port, "variable": "IOC_LISTENER_PORT"}
    expected = f"listener: expected port {port} on 127.0.0.1 to be free"
    assert str(caught.value) == f"{expected}, got another process listening there; stop it or set IOC_LISTENER_PORT"
    assert service.happened == []


def test_an_external_service_that_never_answers_is_an_error(tmp_path: Path, port: int) -> None:
    with pytest.raises(ServiceError, match="start it first"):
        await_external(Listener(tmp_path, port, seconds_to_start=0.2), lambda _: None, threading.Event())
