"""Collect: what a source holds is landed once, what must not be taken is refused with a reason, a broken connection loses nothing."""

import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from core.contract import Contract
from core.errors import ServiceError, SourceUnavailableError
from core.settings import Settings
from ingestion.collect.collect import collect
from ingestion.collect.connectors import registry
from ingestion.collect.connectors.base import Arrival, Checkpoint, Clock, FileMark, Refusal, Window
from ingestion.collect.connectors.files import CHANGED
from ingestion.collect.landing import Landing

from .conftest import Lake

pytestmark = pytest.mark.stack

LEVELS = "environment.river_levels"


def drop(settings: Settings, name: str, text: str) -> Path:
    """Put a file where the poller would."""
    path = settings.drop / "river_levels" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def source(lake: Lake, tmp_path: Path) -> Lake:
    """A lake whose drop folder is empty, and whose collectors remember nothing."""
    lake.landing.write_checkpoint(lake.contracts[LEVELS], Checkpoint().to_json())
    settings = lake.settings.model_copy(update={"drop_folder": tmp_path})
    settings.__dict__.pop("drop", None)
    return Lake(settings, lake.connection, lake.landing, lake.contracts)


def test_a_file_is_landed_once(source: Lake) -> None:
    drop(source.settings, "a.csv", "x")
    first = collect(source.settings, source.contracts[LEVELS])
    assert [delivery.source_name for delivery in first.deliveries] == ["a.csv"]
    assert collect(source.settings, source.contracts[LEVELS]).deliveries == ()


def test_files_collected_together_stand_in_landing_in_their_order(
    source: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingestion.collect.collect.LAND_TOGETHER", 5)
    names = [f"{number:02}.csv" for number in range(12)]
    for name in names:
        drop(source.settings, name, "x")
    collect(source.settings, source.contracts[LEVELS])
    landed = [delivery.source_name for delivery in source.landing.deliveries(source.contracts[LEVELS])]
    assert landed == names


def test_a_link_out_of_the_folder_is_refused_with_its_reason(source: Lake, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret", encoding="utf-8")
    drop(source.settings, "a.csv", "x")
    (source.settings.drop / "river_levels" / "b.csv").symlink_to(secret)
    collected = collect(source.settings, source.contracts[LEVELS])
    assert [delivery.source_name for delivery in collected.deliveries] == ["a.csv"]
    assert [refusal.name for refusal in collected.refused] == ["b.csv"]


class BreaksOff:
    """A source whose connection breaks after its first file."""

    def collect(
        self, contract: Contract, checkpoint: Checkpoint, window: Window | None, clock: Clock
    ) -> Iterator[Arrival]:
        """Yield one file, then fail."""
        yield Arrival("first.csv", b"x", mark=FileMark(size=1, modified=1.0, taken_at=clock()))
        raise SourceUnavailableError("source: expected two files, got one before the connection broke; try again")


def test_what_came_before_the_line_broke_is_landed_and_remembered(
    source: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(registry.CONNECTORS, "folder", lambda _: BreaksOff())
    with pytest.raises(SourceUnavailableError, match="got one before the connection broke"):
        collect(source.settings, source.contracts[LEVELS])
    landed = [delivery.source_name for delivery in source.landing.deliveries(source.contracts[LEVELS])]
    assert landed == ["first.csv"]
    saved = Checkpoint.from_json(source.landing.read_checkpoint(source.contracts[LEVELS]))
    assert list(saved.files) == ["first.csv"]


@dataclass
class Shelf:
    """A source of files of ten bytes, that records what is in landing when it is asked for the next."""

    lake: Lake
    names: list[str]
    meanwhile: Callable[[int], None] = lambda _: None
    landed: list[int] = field(default_factory=list)
    remembered: list[list[str]] = field(default_factory=list)

    def collect(
        self, contract: Contract, checkpoint: Checkpoint, window: Window | None, clock: Clock
    ) -> Iterator[Arrival]:
        """Yield what is not remembered."""
        for number, name in enumerate(self.names):
            if not checkpoint.has(name, 10, 1.0):
                self.landed.append(len(list(self.lake.landing.deliveries(contract))))
                saved = Checkpoint.from_json(self.lake.landing.read_checkpoint(contract))
                self.remembered.append(sorted(saved.files))
                self.meanwhile(number)
                yield Arrival(name, b"0123456789", mark=FileMark(size=10, modified=1.0, taken_at=clock()))


@pytest.fixture
def shelf(source: Lake, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """A source of seven files, of which two wait at a time."""
    shelf = Shelf(source, [f"{number}.csv" for number in range(7)])
    monkeypatch.setitem(registry.CONNECTORS, "folder", lambda _: shelf)
    return shelf


def bounded(source: Lake) -> Settings:
    """Settings under which no more than 25 bytes wait."""
    return source.settings.model_copy(update={"collect_bytes": 25})


def test_no_more_bytes_wait_than_the_setting_allows_and_each_group_is_remembered(source: Lake, shelf: Shelf) -> None:
    collected = collect(bounded(source), source.contracts[LEVELS])
    assert [delivery.source_name for delivery in collected.deliveries] == shelf.names
    assert shelf.landed == [0, 0, 0, 2, 2, 4, 4]
    assert shelf.remembered == [shelf.names[:count] for count in shelf.landed]


def test_a_crash_late_in_a_collection_fetches_no_more_than_what_waited(source: Lake, shelf: Shelf) -> None:
    def crash(number: int) -> None:
        if number == 5:
            raise KeyboardInterrupt

    shelf.meanwhile = crash
    with pytest.raises(KeyboardInterrupt):
        collect(bounded(source), source.contracts[LEVELS])
    shelf.meanwhile = lambda _: None
    again = collect(bounded(source), source.contracts[LEVELS])
    assert [delivery.source_name for delivery in again.deliveries] == shelf.names[4:]
    landed = [delivery.source_name for delivery in source.landing.deliveries(source.contracts[LEVELS])]
    assert sorted(landed) == shelf.names


def test_what_could_not_be_landed_is_not_remembered(
    source: Lake, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    land = Landing.land

    def land_unless_third(self: Landing, contract: Contract, name: str, *rest: object) -> object:
        if name == "2.csv":
            raise ServiceError("landing: lost")
        return land(self, contract, name, *rest)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(Landing, "land", land_unless_third)
        with pytest.raises(ServiceError):
            collect(bounded(source), source.contracts[LEVELS])
    saved = Checkpoint.from_json(source.landing.read_checkpoint(source.contracts[LEVELS]))
    assert sorted(saved.files) == shelf.names[:2]


def test_a_large_file_that_changes_is_left_and_told_and_its_siblings_are_landed_once(
    source: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingestion.collect.connectors.folder.SMALL_BYTES", 10)
    for name in ("a.csv", "c.csv"):
        drop(source.settings, name, "small")
    growing = drop(source.settings, "b.csv", "large, and growing")
    look_at = os.fstat

    def look_after_somebody_wrote(descriptor: int) -> os.stat_result:
        if os.readlink(f"/proc/self/fd/{descriptor}") == str(growing) and growing.stat().st_size < 50:
            growing.write_text("large, and growing" * 3, encoding="utf-8")
        return look_at(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fstat", look_after_somebody_wrote)
        collected = collect(source.settings, source.contracts[LEVELS])
    assert [delivery.source_name for delivery in collected.deliveries] == ["a.csv", "c.csv"]
    assert collected.refused == (Refusal("b.csv", CHANGED),)
    assert [d.source_name for d in collect(source.settings, source.contracts[LEVELS]).deliveries] == ["b.csv"]


class BreaksOffInAStream:
    """A source whose connection breaks while its second file, a large one, is read."""

    def collect(
        self, contract: Contract, checkpoint: Checkpoint, window: Window | None, clock: Clock
    ) -> Iterator[Arrival]:
        """Yield a small file and a large one."""
        yield Arrival("small.csv", b"x", mark=FileMark(size=1, modified=1.0, taken_at=clock()))
        yield Arrival("large.csv", Broken(), mark=FileMark(size=9, modified=1.0, taken_at=clock()))


class Broken(io.BytesIO):
    """A stream that breaks at its second reading."""

    times = 0

    def read(self, size: int | None = -1, /) -> bytes:
        """Read once."""
        self.times += 1
        if self.times > 1:
            raise SourceUnavailableError("source: expected a whole file, got a broken connection; try again")
        return b"half"


def test_a_stream_that_broke_is_never_read_again_and_what_came_before_is_landed_once(
    source: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(registry.CONNECTORS, "folder", lambda _: BreaksOffInAStream())
    with pytest.raises(SourceUnavailableError, match="got a broken connection"):
        collect(source.settings, source.contracts[LEVELS])
    landed = [delivery.source_name for delivery in source.landing.deliveries(source.contracts[LEVELS])]
    assert landed == ["small.csv"]
    saved = Checkpoint.from_json(source.landing.read_checkpoint(source.contracts[LEVELS]))
    assert list(saved.files) == ["small.csv"]
