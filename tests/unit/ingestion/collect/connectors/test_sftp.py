"""The SFTP connector against servers that break the connection, lie about sizes, or try to plant names."""

import io
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import paramiko
import pytest

from core.contract import Contract, find_contract
from core.errors import SourceAnswerError, SourceUnavailableError
from ingestion.collect.connectors import sftp
from ingestion.collect.connectors.base import Arrival, Checkpoint, Refusal, Window
from ingestion.collect.connectors.files import CHANGED, COPIED, GONE, UNDER_WAY
from ingestion.collect.connectors.sftp import Sftp

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
Shelf = Any  # defined in conftest.py, which tests cannot import


@pytest.fixture
def contract() -> Contract:
    return find_contract("environment.station_readings")


@pytest.fixture
def connector(shelf: Shelf, tmp_path: Path) -> Sftp:
    return Sftp("127.0.0.1", shelf.port, "loggers", "right", tmp_path / "sftp" / "known_hosts")


def collect(connector: Sftp, contract: Contract, checkpoint: Checkpoint, window: Window | None = None) -> list[Arrival]:
    return list(remembered(checkpoint, connector.collect(contract, checkpoint, window, lambda: NOW)))


def remembered(checkpoint: Checkpoint, arrivals: Iterable[Arrival]) -> Iterator[Arrival]:
    """Do what the caller of a connector does with each arrival, except landing it."""
    for arrival in arrivals:
        checkpoint.remember(arrival)
        yield arrival


def contents(arrivals: list[Arrival]) -> dict[str, bytes]:
    found = {}
    for arrival in arrivals:
        content = io.BytesIO(arrival.content) if isinstance(arrival.content, bytes) else arrival.content
        with content:
            found[arrival.source_name] = content.read()
    return found


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
    later = datetime(2026, 11, 28, tzinfo=UTC)
    list(remembered(checkpoint, connector.collect(contract, checkpoint, None, lambda: later)))
    assert set(checkpoint.files) == {"b.txt"}


def test_a_name_sent_again_comes_again_as_a_delivery_of_that_name_each_once(
    connector: Sftp, contract: Contract, shelf: Shelf
) -> None:
    shelf.files.update({"a.txt;10": b"tenth", "a.txt": b"first", "a.txt;2": b"second", "b.txt": b"other"})
    checkpoint = Checkpoint()
    arrivals = collect(connector, contract, checkpoint)
    assert [(arrival.source_name, arrival.content) for arrival in arrivals] == [
        ("a.txt", b"first"),
        ("a.txt", b"second"),
        ("a.txt", b"tenth"),
        ("b.txt", b"other"),
    ]
    assert collect(connector, contract, Checkpoint.from_json(checkpoint.to_json())) == []
    shelf.files["a.txt;11"] = b"eleventh"
    (later,) = collect(connector, contract, checkpoint)
    assert (later.source_name, later.content) == ("a.txt", b"eleventh")


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
            "GOOD.TXT": b"GOOD",
            "good (1).txt": b"good",
            "half.txt.part": b"*",
            "notes.csv": b"*",
        }
    )
    shelf.denied.add("denied.txt")
    checkpoint = Checkpoint()
    assert contents(collect(connector, contract, checkpoint)) == {"GOOD.TXT": b"GOOD", "good.txt": b"good"}
    assert set(checkpoint.files) == {"GOOD.TXT", "good.txt"}
    leaving = "the name tries to leave the folder"
    assert sorted(checkpoint.refused, key=lambda refusal: refusal.name) == [
        Refusal("../../etc/cron.d/evil.txt", leaving),
        Refusal("..\\evil.txt", leaving),
        Refusal("/root/evil.txt", leaving),
        Refusal("bell?.txt", leaving),
        Refusal("denied.txt", "the source denies access to it"),
        Refusal("good (1).txt", COPIED),
        Refusal("half.txt.part", UNDER_WAY),
        Refusal("notes.csv", "expected a name of this feed, *.txt"),
        Refusal("some_folder.txt", "not a regular file"),
    ]
    assert [name for name in shelf.opened if "evil" in name] == []


def test_a_file_still_being_written_is_left_for_the_next_time(
    connector: Sftp, contract: Contract, shelf: Shelf
) -> None:
    shelf.files.update({"growing.txt": b"12345", "whole.txt": b"1"})
    shelf.told_sizes["growing.txt"] = 3
    checkpoint = Checkpoint()
    assert contents(collect(connector, contract, checkpoint)) == {"whole.txt": b"1"}
    assert checkpoint.refused == [Refusal("growing.txt", CHANGED)]
    shelf.told_sizes.clear()
    assert contents(collect(connector, contract, checkpoint)) == {"growing.txt": b"12345"}


@pytest.mark.parametrize("small_bytes", [1, 100], ids=["a large file", "a small file"])
def test_a_file_that_is_written_anew_while_it_is_read_is_left_for_the_next_time(
    connector: Sftp, contract: Contract, shelf: Shelf, monkeypatch: pytest.MonkeyPatch, small_bytes: int
) -> None:
    monkeypatch.setattr("ingestion.collect.connectors.sftp.SMALL_BYTES", small_bytes)
    shelf.files.update({"a.txt": b"12345"})
    shelf.touched_while_read.add("a.txt")
    checkpoint = Checkpoint()
    assert collect(connector, contract, checkpoint) == []
    assert checkpoint.refused == [Refusal("a.txt", CHANGED)]
    shelf.touched_while_read.clear()
    assert contents(collect(connector, contract, checkpoint)) == {"a.txt": b"12345"}


def test_a_file_that_never_ends_is_read_no_further_than_its_listing(
    connector: Sftp, contract: Contract, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingestion.collect.connectors.sftp.COPY_BYTES", 10)
    taken: list[int] = []
    monkeypatch.setattr("ingestion.collect.connectors.sftp.BytesIO", lambda: Counting(taken))
    shelf.files["a.txt"] = b"x" * 1000
    shelf.told_sizes["a.txt"] = 25
    assert collect(connector, contract, Checkpoint()) == []
    assert sum(taken) == 26


class Counting(io.BytesIO):
    """A spool that records how much was written to it."""

    def __init__(self, taken: list[int]) -> None:
        super().__init__()
        self._taken = taken

    def write(self, block: Any, /) -> int:
        """Write, and record."""
        self._taken.append(len(block))
        return super().write(block)


def test_a_file_that_is_gone_after_the_listing_is_told(
    connector: Sftp, contract: Contract, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.files.update({"a.txt": b"1", "b.txt": b"2"})
    listing = sftp._listing

    def list_then_lose(*arguments: Any) -> Any:
        yield from listing(*arguments)
        del shelf.files["a.txt"]

    monkeypatch.setattr(sftp, "_listing", list_then_lose)
    checkpoint = Checkpoint()
    assert contents(collect(connector, contract, checkpoint)) == {"b.txt": b"2"}
    assert checkpoint.refused == [Refusal("a.txt", GONE)]


def test_small_files_are_fetched_in_batches_of_bounded_bytes(
    connector: Sftp, contract: Contract, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingestion.collect.connectors.sftp.BATCH_BYTES", 10)
    shelf.files.update({f"{number}.txt": b"1234" for number in range(9)})
    arrivals = connector.collect(contract, Checkpoint(), None, lambda: NOW)
    opened_at = [len(shelf.opened) for _ in arrivals]
    whole_batches = [2, 2, 4, 4, 6, 6, 8, 8, 9]  # a file may be handed on while the next one of its batch is fetched
    assert len(opened_at) == 9
    assert all(
        place <= opened <= most for place, (opened, most) in enumerate(zip(opened_at, whole_batches, strict=True), 1)
    )


def test_a_lost_connection_is_told_after_what_came_and_the_next_run_fetches_the_rest(
    connector: Sftp, contract: Contract, shelf: Shelf
) -> None:
    shelf.files.update({f"{number:04d}.txt": b"x" for number in range(600)})
    shelf.breaks_after = 400
    checkpoint = Checkpoint()
    first: list[Arrival] = []
    with pytest.raises(SourceUnavailableError, match="expected an SFTP connection, got") as caught:
        first.extend(remembered(checkpoint, connector.collect(contract, checkpoint, None, lambda: NOW)))
    assert caught.value.is_retryable
    assert 256 <= len(first) <= 400
    shelf.breaks_after = None
    rest = collect(connector, contract, checkpoint)
    assert sorted(contents(first + rest)) == sorted(shelf.files)
    assert len(first) + len(rest) == 600


def test_a_large_file_comes_as_a_stream(
    connector: Sftp, contract: Contract, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingestion.collect.connectors.sftp.SMALL_BYTES", 1000)
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
    with pytest.raises(SourceUnavailableError, match="expected a folder so-nong-nghiep-va-moi-truong/environment on"):
        collect(connector, contract, Checkpoint())


def test_a_wrong_password_is_no_matter_for_a_retry(contract: Contract, shelf: Shelf, tmp_path: Path) -> None:
    connector = Sftp("127.0.0.1", shelf.port, "loggers", "wrong-secret", tmp_path / "known_hosts")
    with pytest.raises(SourceAnswerError, match="got a refusal") as caught:
        collect(connector, contract, Checkpoint())
    assert not caught.value.is_retryable
    assert "wrong-secret" not in str(caught.value)


def test_nobody_at_the_port_can_be_tried_again(contract: Contract, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(SourceUnavailableError, match=r"expected an SFTP connection, got \w+;"):
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
        with pytest.raises(SourceAnswerError, match="got another"):
            collect(imposter, contract, Checkpoint())
        assert connector.known_hosts.read_text() == known


@pytest.fixture
def other_server(request: pytest.FixtureRequest) -> Callable[[], AbstractContextManager[Shelf]]:
    serve = request.getfixturevalue("serve_shelf")
    return lambda: serve(paramiko.ECDSAKey.generate())
