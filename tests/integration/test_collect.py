"""Collect: what a source holds is landed once, what must not be taken is refused with a reason, a broken line loses nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ingestion.collect import collect
from ingestion.connectors import registry
from ingestion.connectors.base import Arrival, Checkpoint, Clock, Window
from ingestion.contract import Contract
from ingestion.errors import SourceUnavailableError
from ingestion.settings import Settings

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
    """Give a lake whose drop folder is empty, and whose collectors remember nothing."""
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
    monkeypatch.setattr("ingestion.collect.LAND_TOGETHER", 5)
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
    """A source whose line breaks after its first file."""

    def collect(
        self, contract: Contract, checkpoint: Checkpoint, window: Window | None, clock: Clock
    ) -> Iterator[Arrival]:
        """Yield one file, then fail."""
        yield Arrival("first.csv", b"x")
        checkpoint.take("first.csv", 1, 1.0, clock())
        raise SourceUnavailableError("source: two files were promised, the line broke after one")


def test_what_came_before_the_line_broke_is_landed_and_remembered(
    source: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(registry.CONNECTORS, "folder", lambda _: BreaksOff())
    with pytest.raises(SourceUnavailableError, match="the line broke after one"):
        collect(source.settings, source.contracts[LEVELS])
    landed = [delivery.source_name for delivery in source.landing.deliveries(source.contracts[LEVELS])]
    assert landed == ["first.csv"]
    saved = Checkpoint.from_json(source.landing.read_checkpoint(source.contracts[LEVELS]))
    assert list(saved.files) == ["first.csv"]
