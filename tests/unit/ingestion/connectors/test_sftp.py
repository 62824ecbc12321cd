"""The SFTP connector against servers that lose the line, lie about sizes, or try to plant names."""

import socket
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import paramiko
import pytest

from ingestion.connectors.base import Arrival, Checkpoint, Refusal, Window
from ingestion.connectors.sftp import Sftp
from ingestion.contract import Contract, find_contract
from ingestion.errors import SourceAnswerError, SourceUnavailableError

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
Shelf = Any  # defined in conftest.py, which tests cannot import


@pytest.fixture
def contract() -> Contract:
    return find_contract("environment.station_readings")


@pytest.fixture
def connector(shelf: Shelf, tmp_path: Path) -> Sftp:
    return Sftp("127.0.0.1", shelf.port, "loggers", "right", tmp_path / "sftp" / "known_hosts")


def collect(connector: Sftp, contract: Contract, checkpoint: Checkpoint, window: Window | None = None) -> list[Arrival]:
    return list(connector.collect(contract, checkpoint, window, lambda: NOW))


def contents(arrivals: list[Arrival]) -> dict[str, bytes]:
    return {a.source_name: a.content if isinstance(a.content, bytes) else a.content.read() for a in arrivals}


def test_new_files_come_in_the_order_of_their_names_and_only_once(
    connector: Sftp, contract: Contract, shelf: Shelf
) -> None:
    shelf.files.update({f"46_KK{number:02d}_20261120080000.txt": b"x" * number for number in range(40)})
    checkpoint = Checkpoint()
    arrivals = collect(connector, contract, checkpoint)
    assert [arrival.source_name for arrival in arrivals] == sorted(shelf.files)
    assert contents(arrivals) == shelf.files
    assert {arrival.source_modified_at for arrival in arrivals} == {datetime.fromtimestamp(1_790_000_000, UTC)}
    assert collect(connector, contract, Checkpoint.from_json(checkpoint.to_json())) == []


def test_a_changed_file_comes_again_and_a_gone_one_is_forgotten_later(
    connector: Sftp, contract: Contract, shelf: Shelf
) -> None:
    shelf.files.update({"a.txt": b"1", "b.txt": b"2"})
    checkpoint = Checkpoint()
    collect(connector, contract, checkpoint)
    shelf.files["b.txt"] = b"22"
    del shelf.files["a.txt"]
    assert contents(collect(connector, contract, checkpoint)) == {"b.txt": b"22"}
    assert set(checkpoint.files) == {"a.txt", "b.txt"}
    list(connector.collect(contract, checkpoint, None, lambda: datetime(2026, 11, 28, tzinfo=UTC)))
    assert set(checkpoint.files) == {"b.txt"}


def test_hostile_names_folders_and_denied_files_are_refused_and_the_rest_comes(
    connector: Sftp, contract: Contract, shelf: Shelf
) -> None:
    shelf.files.update(
        {
            "../../etc/cron.d/evil.txt": b"*",
            "/root/evil.txt": b"*",
            "..\\evil.txt": b"*",
            "bell\x07.txt": b"*",
            "some_folder.txt": b"",
            "denied.txt": b"*",
            "good.txt": b"good",
            "half.txt.part": b"*",
            "notes.csv": b"*",
        }
    )
    shelf.denied.add("denied.txt")
    checkpoint = Checkpoint()
    assert contents(collect(connector, contract, checkpoint)) == {"good.txt": b"good"}
    assert set(checkpoint.files) == {"good.txt"}
    leaving = "the name tries to leave the folder"
    assert sorted(checkpoint.refused, key=lambda refusal: refusal.name) == [
        Refusal("../../etc/cron.d/evil.txt", leaving),
        Refusal("..\\evil.txt", leaving),
        Refusal("/root/evil.txt", leaving),
        Refusal("bell?.txt", leaving),
        Refusal("denied.txt", "the server denies reading it"),
        Refusal("some_folder.txt", "no plain file"),
    ]
    assert [name for name in shelf.opened if "evil" in name] == []


def test_a_file_still_being_written_is_left_for_the_next_time(
    connector: Sftp, contract: Contract, shelf: Shelf
) -> None:
    shelf.files.update({"growing.txt": b"12345", "whole.txt": b"1"})
    shelf.told_sizes["growing.txt"] = 3
    checkpoint = Checkpoint()
    assert contents(collect(connector, contract, checkpoint)) == {"whole.txt": b"1"}
    shelf.told_sizes.clear()
    assert contents(collect(connector, contract, checkpoint)) == {"growing.txt": b"12345"}


def test_a_lost_connection_is_told_after_what_came_and_the_next_run_fetches_the_rest(
    connector: Sftp, contract: Contract, shelf: Shelf
) -> None:
    shelf.files.update({f"{number:04d}.txt": b"x" for number in range(600)})
    shelf.breaks_after = 400
    checkpoint = Checkpoint()
    first: list[Arrival] = []
    with pytest.raises(SourceUnavailableError, match="it broke or never came") as caught:
        first.extend(connector.collect(contract, checkpoint, None, lambda: NOW))
    assert caught.value.is_retryable
    assert 256 <= len(first) <= 400
    shelf.breaks_after = None
    rest = collect(connector, contract, checkpoint)
    assert sorted(contents(first + rest)) == sorted(shelf.files)
    assert len(first) + len(rest) == 600


def test_a_large_file_comes_as_a_stream(
    connector: Sftp, contract: Contract, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingestion.connectors.sftp.SMALL_BYTES", 1000)
    shelf.files["large.txt"] = b"0123456789" * 10_000
    (arrival,) = collect(connector, contract, Checkpoint())
    assert not isinstance(arrival.content, bytes)
    assert contents([arrival]) == shelf.files
    arrival.content.close()


def test_a_window_brings_back_what_was_changed_in_it(connector: Sftp, contract: Contract, shelf: Shelf) -> None:
    shelf.files.update({"old.txt": b"1", "new.txt": b"2"})
    shelf.modified["new.txt"] = 1_795_000_000
    checkpoint = Checkpoint()
    collect(connector, contract, checkpoint)
    moment = datetime.fromtimestamp(1_795_000_000, UTC)
    window = Window(moment, moment.replace(year=2027))
    assert contents(collect(connector, contract, checkpoint, window)) == {"new.txt": b"2"}


def test_a_missing_folder_is_told_by_name(connector: Sftp, contract: Contract, shelf: Shelf) -> None:
    shelf.has_folder = False
    with pytest.raises(SourceUnavailableError, match="a folder environment on the SFTP server was promised"):
        collect(connector, contract, Checkpoint())


def test_a_wrong_password_is_no_matter_for_a_retry(contract: Contract, shelf: Shelf, tmp_path: Path) -> None:
    connector = Sftp("127.0.0.1", shelf.port, "loggers", "wrong-secret", tmp_path / "known_hosts")
    with pytest.raises(SourceAnswerError, match="refused it") as caught:
        collect(connector, contract, Checkpoint())
    assert not caught.value.is_retryable
    assert "wrong-secret" not in str(caught.value)


def test_nobody_at_the_port_can_be_tried_again(contract: Contract, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(SourceUnavailableError, match=r"broke or never came \(\w+\)"):
        collect(Sftp("127.0.0.1", port, "loggers", "right", tmp_path / "known_hosts"), contract, Checkpoint())


def test_a_server_with_another_key_than_before_is_refused(
    connector: Sftp, contract: Contract, shelf: Shelf, other_server: Callable[[], AbstractContextManager[Shelf]]
) -> None:
    shelf.files["a.txt"] = b"1"
    collect(connector, contract, Checkpoint())
    line = connector.known_hosts.read_text().split()
    assert line[0] == f"[127.0.0.1]:{shelf.port}"
    with other_server() as other:
        known = f"[127.0.0.1]:{other.port} {line[1]} {line[2]}\n"
        connector.known_hosts.write_text(known)
        imposter = Sftp("127.0.0.1", other.port, "loggers", "right", connector.known_hosts)
        with pytest.raises(SourceAnswerError, match="another came"):
            collect(imposter, contract, Checkpoint())
        assert connector.known_hosts.read_text() == known


@pytest.fixture
def other_server(request: pytest.FixtureRequest) -> Callable[[], AbstractContextManager[Shelf]]:
    serve = request.getfixturevalue("serve_shelf")
    return lambda: serve(paramiko.ECDSAKey.generate())
