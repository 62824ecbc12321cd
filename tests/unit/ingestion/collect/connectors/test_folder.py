"""The folder connector: what is taken, what is left, what is refused."""

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.contract import Contract, find_contract, read_contracts
from core.errors import (
    ConfigurationError,
    ContractError,
    SourceChangedError,
    SourceUnavailableError,
    UnknownNameError,
)
from core.settings import Settings
from ingestion.collect.connectors.base import (
    Arrival,
    Checkpoint,
    FileMark,
    Refusal,
    Window,
)
from ingestion.collect.connectors.files import (
    CHANGED,
    COPIED,
    DENIED,
    GONE,
    JUST_NOW,
    NOT_SENT,
    UNDER_WAY,
    is_hostile,
    why_left,
)
from ingestion.collect.connectors.folder import Folder
from ingestion.collect.connectors.http import Http
from ingestion.collect.connectors.registry import find_connector
from ingestion.collect.connectors.sftp import Sftp

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)


@pytest.fixture
def contract() -> Contract:
    return find_contract("fisheries.ais_messages")


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    folder = tmp_path / "drop" / "ais"
    folder.mkdir(parents=True)
    return folder


def collect(drop: Path, contract: Contract, checkpoint: Checkpoint, window: Window | None = None) -> list[Arrival]:
    """Do what the caller of a connector does with each arrival, except landing it."""
    arrivals = []
    for arrival in Folder(drop.parent).collect(contract, checkpoint, window, lambda: NOW):
        arrivals.append(arrival)
        checkpoint.remember(arrival)
    return arrivals


def contents(arrivals: list[Arrival]) -> list[tuple[str, bytes]]:
    return [(a.source_name, a.content if isinstance(a.content, bytes) else a.content.read()) for a in arrivals]


def write(path: Path, content: bytes, modified_at: datetime = NOW - timedelta(hours=1)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (modified_at.timestamp(), modified_at.timestamp()))


def test_new_and_changed_files_come_in_order_and_only_once(drop: Path, contract: Contract) -> None:
    for name in ("b.nmea", "a.nmea", "deep/er/c.nmea"):
        write(drop / name, name.encode())
    checkpoint = Checkpoint()
    assert contents(collect(drop, contract, checkpoint)) == [
        ("a.nmea", b"a.nmea"),
        ("b.nmea", b"b.nmea"),
        ("deep/er/c.nmea", b"deep/er/c.nmea"),
    ]
    write(drop / "b.nmea", b"changed")
    checkpoint = Checkpoint.from_json(checkpoint.to_json())
    assert contents(collect(drop, contract, checkpoint)) == [("b.nmea", b"changed")]
    assert collect(drop, contract, checkpoint) == []


def test_the_checkpoint_claims_nothing_that_its_caller_did_not_remember(drop: Path, contract: Contract) -> None:
    for name in ("a.nmea", "b.nmea"):
        write(drop / name, b"x")
    checkpoint = Checkpoint()
    first, second = Folder(drop.parent).collect(contract, checkpoint, None, lambda: NOW)
    assert checkpoint.files == {}
    checkpoint.remember(second)
    assert set(checkpoint.files) == {"b.nmea"}
    assert [arrival.source_name for arrival in collect(drop, contract, checkpoint)] == [first.source_name]


FOREIGN = "expected a name of this feed, *.nmea"
LEFT = {
    ".c.nmea": UNDER_WAY,
    ".sync/deep/a.nmea": UNDER_WAY,
    ".upload.c0ffee.a.nmea": UNDER_WAY,
    "__MACOSX/a.nmea": NOT_SENT,
    "a (1).nmea": COPIED,
    "a.nmea.part": UNDER_WAY,
    "d.txt": FOREIGN,
    "e.nmea~": UNDER_WAY,
    "f.nmea.FILEPART": UNDER_WAY,
    "g.nmea.swp": UNDER_WAY,
    "no_ending": FOREIGN,
    "~$h.nmea": UNDER_WAY,
}


def test_what_is_seen_and_not_taken_is_told_with_its_reason(drop: Path, contract: Contract) -> None:
    for name in ("a.nmea", *LEFT):
        write(drop / name, b"x")
    checkpoint = Checkpoint()
    assert contents(collect(drop, contract, checkpoint)) == [("a.nmea", b"x")]
    assert {refusal.name: refusal.reason for refusal in checkpoint.refused} == LEFT
    assert (collect(drop, contract, checkpoint), len(checkpoint.refused)) == ([], len(LEFT))


def test_a_name_in_large_letters_is_wanted_too(drop: Path, contract: Contract) -> None:
    write(drop / "F.NMEA", b"x")
    assert contents(collect(drop, contract, Checkpoint())) == [("F.NMEA", b"x")]


def test_hostile_names_and_links_out_of_the_folder_are_refused_and_the_rest_comes(
    drop: Path, contract: Contract, tmp_path: Path
) -> None:
    write(tmp_path / "secret.nmea", b"secret")
    write(drop / "good.nmea", b"good")
    write(drop / "..\\..\\evil.nmea", b"x")
    write(drop / "line\nbreak.nmea", b"x")
    (drop / "link.nmea").symlink_to(tmp_path / "secret.nmea")
    (drop / "gone.nmea").symlink_to(drop / "nothing.nmea")
    (drop / "inside.nmea").symlink_to(drop / "good.nmea")
    os.mkfifo(drop / "pipe.nmea")
    checkpoint = Checkpoint()
    assert contents(collect(drop, contract, checkpoint)) == [("good.nmea", b"good"), ("inside.nmea", b"good")]
    assert checkpoint.refused == [
        Refusal("..\\..\\evil.nmea", "the name tries to leave the folder"),
        Refusal("gone.nmea", "the link leads nowhere"),
        Refusal("line?break.nmea", "the name tries to leave the folder"),
        Refusal("link.nmea", "the link leads out of the folder"),
        Refusal("pipe.nmea", "not a file, but p"),
    ]


@pytest.mark.parametrize("later", [b"half and half", b"HALF"], ids=["grown", "same size"])
def test_a_file_that_changes_while_it_is_read_is_left_for_the_next_time_and_told(
    drop: Path, contract: Contract, monkeypatch: pytest.MonkeyPatch, later: bytes
) -> None:
    write(drop / "a.nmea", b"half")
    checkpoint = Checkpoint()
    with monkeypatch.context() as patch:
        look_at = os.fstat

        def look_after_somebody_wrote(descriptor: int) -> os.stat_result:
            (drop / "a.nmea").write_bytes(later)
            return look_at(descriptor)

        patch.setattr(os, "fstat", look_after_somebody_wrote)
        assert collect(drop, contract, checkpoint) == []
    assert checkpoint.refused == [Refusal("a.nmea", CHANGED)]
    assert contents(collect(drop, contract, checkpoint)) == [("a.nmea", later)]
    assert checkpoint.refused == []


def test_a_file_that_is_moved_away_while_it_is_read_is_taken(
    drop: Path, contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(drop / "a.nmea", b"whole")
    look_at = os.fstat

    def look_after_somebody_moved_it(descriptor: int) -> os.stat_result:
        if (drop / "a.nmea").exists():
            (drop / "a.nmea").rename(drop / "a.old")
        return look_at(descriptor)

    monkeypatch.setattr(os, "fstat", look_after_somebody_moved_it)
    assert contents(collect(drop, contract, Checkpoint())) == [("a.nmea", b"whole")]


def test_a_file_that_is_gone_or_denied_is_told_and_the_rest_comes(
    drop: Path, contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.nmea", "b.nmea", "c.nmea"):
        write(drop / name, b"x")
    opened = Path.open

    def open_unless_denied(path: Path, mode: str) -> object:
        if path.name == "b.nmea":
            raise PermissionError
        if path.name == "a.nmea":
            path.unlink()
        return opened(path, mode)

    monkeypatch.setattr(Path, "open", open_unless_denied)
    checkpoint = Checkpoint()
    assert contents(collect(drop, contract, checkpoint)) == [("c.nmea", b"x")]
    assert checkpoint.refused == [Refusal("a.nmea", GONE), Refusal("b.nmea", DENIED)]


def test_a_large_file_comes_as_a_stream_that_closes_itself(
    drop: Path, contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingestion.collect.connectors.folder.SMALL_BYTES", 10)
    write(drop / "a.nmea", b"0123456789" * 3)
    (arrival,) = collect(drop, contract, Checkpoint())
    assert not isinstance(arrival.content, bytes)
    assert [arrival.content.read(20), arrival.content.read(20), arrival.content.read(20)] == [
        b"0123456789" * 2,
        b"0123456789",
        b"",
    ]


def test_a_large_file_that_changes_while_it_is_read_is_told_at_its_end(
    drop: Path, contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingestion.collect.connectors.folder.SMALL_BYTES", 10)
    write(drop / "a.nmea", b"0123456789" * 3)
    (arrival,) = collect(drop, contract, Checkpoint())
    assert not isinstance(arrival.content, bytes)
    arrival.content.read(20)
    write(drop / "a.nmea", b"0123456789" * 4)
    with pytest.raises(SourceChangedError, match="changed while it was read"):
        b"".join(iter(partial(arrival.content.read, 20), b""))


def test_a_large_file_that_never_ends_is_read_no_further_than_its_listing(
    drop: Path, contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingestion.collect.connectors.folder.SMALL_BYTES", 10)
    write(drop / "a.nmea", b"0123456789" * 3)
    (arrival,) = collect(drop, contract, Checkpoint())
    assert not isinstance(arrival.content, bytes)
    write(drop / "a.nmea", b"0123456789" * 1000)
    assert arrival.content.read(30) == b"0123456789" * 3
    with pytest.raises(SourceChangedError):
        arrival.content.read(20)


def test_settle_seconds_leaves_files_changed_just_now(drop: Path, contract: Contract) -> None:
    write(drop / "old.nmea", b"x", NOW - timedelta(seconds=61))
    write(drop / "new.nmea", b"x", NOW - timedelta(seconds=59))
    patient = with_options(contract, settle_seconds=60)
    checkpoint = Checkpoint()
    assert [arrival.source_name for arrival in collect(drop, patient, checkpoint)] == ["old.nmea"]
    assert checkpoint.refused == [Refusal("new.nmea", JUST_NOW)]


def test_a_window_brings_back_what_was_changed_in_it(drop: Path, contract: Contract) -> None:
    for hours in (3, 2, 1):
        write(drop / f"{hours}.nmea", b"x", NOW - timedelta(hours=hours))
    checkpoint = Checkpoint()
    collect(drop, contract, checkpoint)
    window = Window(NOW - timedelta(hours=2), NOW - timedelta(hours=1))
    assert [arrival.source_name for arrival in collect(drop, contract, checkpoint, window)] == ["2.nmea"]


def test_a_missing_folder_is_told(contract: Contract, tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailableError, match="expected a folder ais, got none"):
        collect(tmp_path / "ais", contract, Checkpoint())


def test_an_empty_listing_forgets_nothing_for_a_week(drop: Path, contract: Contract) -> None:
    def checkpoint(taken_at: datetime) -> Checkpoint:
        return Checkpoint({"a.nmea": FileMark(size=1, modified=1.0, taken_at=taken_at)})

    fresh, old = checkpoint(NOW - timedelta(days=6)), checkpoint(NOW - timedelta(days=8))
    collect(drop, contract, fresh)
    collect(drop, contract, old)
    assert (set(fresh.files), set(old.files)) == ({"a.nmea"}, set())


@given(st.dictionaries(st.text(), st.tuples(st.integers(0), st.floats(0, 1e10), st.datetimes(timezones=st.just(UTC)))))
def test_a_checkpoint_survives_its_json(files: dict[str, tuple[int, float, datetime]]) -> None:
    checkpoint = Checkpoint(window_end=NOW)
    for name, (size, modified, taken_at) in files.items():
        checkpoint.files[name] = FileMark(size=size, modified=modified, taken_at=taken_at)
    assert Checkpoint.from_json(checkpoint.to_json()) == checkpoint


def test_no_checkpoint_knows_nothing_and_a_broken_one_is_refused() -> None:
    assert Checkpoint.from_json(None) == Checkpoint()
    with pytest.raises(ConfigurationError, match="remove it to fetch everything again"):
        Checkpoint.from_json(b'{"files": 3}')


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.txt", False),
        ("a..b.txt", False),
        ("deep/a.txt", False),
        ("../a.txt", True),
        ("deep/../../a.txt", True),
        ("..\\a.txt", True),
        ("/a.txt", True),
        ("a\x00.txt", True),
        ("a\n.txt", True),
    ],
)
def test_names_that_leave_the_folder_are_known(name: str, expected: bool) -> None:
    assert is_hostile(name) is expected


PATTERNS = sorted(
    {str(dict(one.connector_options)["pattern"]) for one in read_contracts().values() if one.connector != "http"}
)
"""Of every feed whose files are collected by name."""


def test_patterns_of_several_kinds_were_found() -> None:
    assert {"*", "*.*", "*.txt"} <= set(PATTERNS)


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize(
    ("form", "reason"),
    [
        ("{0}.{1}", None),
        ("deep/{0}.{1}", None),
        ("{0}.{2}", None),
        ("{3}.{1}", None),
        ("{0} (2026).{1}", None),
        ("{0} v2.{1}", None),
        ("copying_{0}.{1}", None),
        (".{0}.{1}", UNDER_WAY),
        (".filezilla/{0}.{1}", UNDER_WAY),
        ("{0}.{1}.part", UNDER_WAY),
        ("{0}.{1}.filepart", UNDER_WAY),
        ("{0}.{1}.crdownload", UNDER_WAY),
        ("{0}.{1}.TMP", UNDER_WAY),
        ("{0}.{1}.temp", UNDER_WAY),
        ("{0}.{1}.uploading", UNDER_WAY),
        ("{0}.{1}.swp", UNDER_WAY),
        ("{0}.{1}~", UNDER_WAY),
        ("~${0}.{1}", UNDER_WAY),
        ("{0} (1).{1}", COPIED),
        ("{0}(1).{1}", COPIED),
        ("{0} (12).{2}", COPIED),
        ("{0}.{1} (1)", COPIED),
        ("deep/{0} (1).{1}", COPIED),
        ("{0} - Copy.{1}", COPIED),
        ("{0} - Copy (2).{1}", COPIED),
        ("{0} copy 2.{1}", COPIED),
        ("Copy of {0}.{1}", COPIED),
        ("{0} - B\u1ea3n sao.{1}", COPIED),
        ("Ba\u0309n sao cu\u0309a {0}.{1}", COPIED),
        ("{0} (may-1's conflicted copy 2026-11-20).{1}", COPIED),
        ("Thumbs.db", NOT_SENT),
        ("__MACOSX/{0}.{1}", NOT_SENT),
    ],
)
def test_a_name_is_taken_or_left_by_its_form_whatever_the_pattern(pattern: str, form: str, reason: str | None) -> None:
    ending = pattern.rpartition(".")[2].replace("*", "csv")
    name = form.format("46_KK01_20261120110000", ending, ending.upper(), "46_kk01_20261120110000")
    assert why_left(name, pattern) == reason


def test_a_name_of_no_pattern_is_told_with_the_pattern() -> None:
    assert why_left("a.txt.bak", "*.txt") == "expected a name of this feed, *.txt"


def test_a_window_needs_a_start_before_its_end() -> None:
    with pytest.raises(ConfigurationError, match="a start before its end"):
        Window(NOW, NOW)


def test_every_connector_of_a_contract_is_found_and_an_unknown_one_is_named(tmp_path: Path) -> None:
    settings = Settings.model_validate({"home": tmp_path, "sftp_password": "x"})
    feeds = ("fisheries.vms_positions", "environment.station_readings", "feedback.requests")
    found = [find_connector(find_contract(feed), settings) for feed in feeds]
    assert [type(connector) for connector in found] == [Folder, Sftp, Http]
    assert isinstance(found[2], Http)
    found[2].client.close()
    with pytest.raises(UnknownNameError, match="expected a connector of folder, http, sftp, got pigeon"):
        find_connector(with_connector(find_contract(feeds[0]), "pigeon"), settings)


def test_a_contract_without_a_folder_is_refused(drop: Path, contract: Contract) -> None:
    with pytest.raises(ContractError, match="expected option folder as text or a whole number, got none"):
        collect(drop, with_options(contract, folder=None), Checkpoint())


def with_options(contract: Contract, **options: str | int | None) -> Contract:
    chosen = dict(contract.connector_options) | options
    return replace(
        contract, connector_options=tuple((name, value) for name, value in chosen.items() if value is not None)
    )


def with_connector(contract: Contract, connector: str) -> Contract:
    return replace(contract, connector=connector)
