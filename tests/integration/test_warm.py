"""dbt kept warm: a fork answers as a process of its own would, ends with whoever asked, and never serves other code."""

import json
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from socketserver import ForkingMixIn
from typing import Any

import psutil
import pytest

from core.settings import PROJECT, Settings
from lake.connection import install_extensions
from transform import dbt_process, warm, warm_process
from transform.build import DBT_PROJECT, dbt_environment, dbt_target, warm_folder

pytestmark = pytest.mark.timeout(300)

SECONDS = 60
ASK = """
import json, sys
from pathlib import Path
from transform import warm
warm.ask(Path(sys.argv[1]), Path(sys.argv[2]), ["seed"], json.loads(sys.stdin.read()))
"""


@pytest.fixture
def settings(new_settings: Callable[[], Settings]) -> Settings:
    """A home without services, whose warm process listens."""
    settings = new_settings()
    install_extensions(settings.home_folder / "duckdb_extensions")
    while not warm.is_listening(warm_folder(settings)):
        pass
    return settings


@contextmanager
def silent_database() -> Iterator[int]:
    """Listen at a port and never answer: whoever connects waits."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def environment_of(settings: Settings, port: int) -> dict[str, str]:
    target = dbt_target(settings)
    target.mkdir(parents=True, exist_ok=True)
    return dbt_environment(settings.model_copy(update={"postgres_port": port}), target)


def test_a_fork_answers_with_the_status_and_the_words_of_dbt(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    answer = warm.ask(warm_folder(settings), DBT_PROJECT, ["seed"], environment_of(settings, port))
    assert answer is not None
    assert answer.returncode == 1
    assert "Connection refused" in answer.stdout
    assert settings.reveal("postgres_password") not in answer.stdout + answer.stderr


def test_nobody_who_listens_is_no_answer(tmp_path: Path) -> None:
    assert not warm.is_listening(tmp_path)
    assert warm.ask(tmp_path, DBT_PROJECT, ["seed"], {}) is None
    assert warm.ask(tmp_path / "absent", DBT_PROJECT, ["seed"], {}) is None


def test_an_answer_that_breaks_off_is_none(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server, ThreadPoolExecutor(1) as pool:
        server.bind(str(tmp_path / warm.SOCKET))
        server.listen()
        asked = pool.submit(warm.ask, tmp_path, DBT_PROJECT, ["seed"], {})
        client, _ = server.accept()
        with client, client.makefile("r", encoding="utf-8") as stream:
            assert json.loads(stream.readline())["arguments"] == ["seed"]
            client.sendall(b'{"status": 0, "std')
        assert asked.result(SECONDS) is None


def test_the_process_of_another_project_does_not_answer(settings: Settings, tmp_path: Path) -> None:
    assert warm.ask(warm_folder(settings), tmp_path, ["seed"], {}) is None


def test_a_fork_ends_with_whoever_asked_however_they_ended(settings: Settings) -> None:
    warm.ask(warm_folder(settings), Path(), [], {})  # the process has read the project
    before = {*psutil.Process().children(recursive=True)}

    def forks() -> set[psutil.Process]:
        return {*psutil.Process().children(recursive=True)} - before - {psutil.Process(asking.pid)}

    with silent_database() as port:
        arguments = [sys.executable, "-c", ASK, str(warm_folder(settings)), str(DBT_PROJECT)]
        with subprocess.Popen(arguments, stdin=subprocess.PIPE, cwd=PROJECT, text=True) as asking:
            assert asking.stdin is not None
            asking.stdin.write(json.dumps(environment_of(settings, port)))
            asking.stdin.close()
            while not (running := forks()):
                assert asking.poll() is None
            asking.kill()
        _, alive = psutil.wait_procs(list(running), SECONDS)
        assert alive == []


def test_the_project_is_read_again_when_it_changed_and_only_then(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    read: list[str] = []
    code = "first"
    monkeypatch.setattr(warm_process, "digest_of_code", lambda: code)
    monkeypatch.setattr(dbt_process, "read_project", lambda: read.append(code))
    monkeypatch.setattr(ForkingMixIn, "process_request", lambda *_: None)
    monkeypatch.chdir(tmp_path)
    with warm_process.Server(warm.SOCKET, warm_process.Handler) as server:
        request: Any = None
        server.process_request(request, "")
        server.process_request(request, "")
        code = "second"
        server.process_request(request, "")
    assert read == ["first", "second"]
