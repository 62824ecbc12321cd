"""Files that somebody drops into a folder of ours, or into folders below it.

A file that is changed is taken again; one that changes while it is read is left for the next time. Links that lead out of the folder
and names that try to are refused, the rest is taken. Contract options: `folder`, `pattern`, and `settle_seconds` (0): how old
a change must be by the clock, for senders that write slowly and under the final name.
"""

import io
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, cast

from ingestion.connectors.base import (
    SMALL_BYTES,
    Arrival,
    Checkpoint,
    Clock,
    Window,
    belongs,
    is_hostile,
    is_wanted,
)
from ingestion.contract import Contract
from ingestion.errors import SourceUnavailableError


@dataclass(frozen=True)
class Folder:
    """The folder below which each feed has its own."""

    root: Path

    def collect(
        self, contract: Contract, checkpoint: Checkpoint, window: Window | None, clock: Clock
    ) -> Iterator[Arrival]:
        """Yield new and changed files in the order of their names; with a window, those that belong to it."""
        folder = self.root / str(contract.option("folder"))
        if not folder.is_dir():
            raise SourceUnavailableError(
                f"{contract.feed}: a folder {folder.name} was promised, there is none; create it", feed=contract.feed
            )
        now = clock()
        settled = now - timedelta(seconds=int(contract.option("settle_seconds", 0)))
        checkpoint.refused.clear()
        present: set[str] = set()
        for path in _files(folder, str(contract.option("pattern")), checkpoint):
            name = path.relative_to(folder).as_posix()
            present.add(name)
            state = _state(path)
            modified_at = datetime.fromtimestamp(state[1], UTC)
            is_due = belongs(contract, window, name, modified_at) if window else not checkpoint.has(name, *state)
            if not is_due or (settled < now and modified_at > settled):
                continue
            content = _content(path, state, contract.feed)
            if content is not None:
                yield Arrival(name, content, modified_at)
                checkpoint.take(name, *state, now)
        checkpoint.forget(present, now)


class _Stream(io.RawIOBase):
    """A large file, opened at the first read and closed at its end."""

    def __init__(self, path: Path, state: tuple[int, float], feed: str) -> None:
        self._path, self._state, self._feed = path, state, feed
        self._file: BinaryIO | None = None

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        if self._file is None:
            self._file = self._path.open("rb")
        block = self._file.read(size)
        if not block or size < 0:
            self._file.close()
            if _state(self._path) != self._state:
                raise SourceUnavailableError(
                    f"{self._feed}: {self._path.name} changed while it was read; it is taken when it is complete",
                    feed=self._feed,
                )
        return block


def _files(folder: Path, pattern: str, checkpoint: Checkpoint) -> Iterator[Path]:
    """Give the wanted files below a folder, and tell of those refused."""
    home = folder.resolve()
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if is_hostile(name):
            checkpoint.refuse(name, "the name tries to leave the folder")
        elif not is_wanted(name, pattern):
            continue
        elif not path.resolve().is_relative_to(home):
            checkpoint.refuse(name, "the link leads out of the folder")
        elif not path.exists():
            checkpoint.refuse(name, "the link leads nowhere")
        elif path.is_file():
            yield path
        elif not path.is_dir():
            checkpoint.refuse(name, f"no file, but {stat.filemode(path.stat().st_mode)[0]}")


def _content(path: Path, state: tuple[int, float], feed: str) -> BinaryIO | bytes | None:
    if state[0] > SMALL_BYTES:
        return cast("BinaryIO", _Stream(path, state, feed))
    content = path.read_bytes()
    return content if _state(path) == state and len(content) == state[0] else None


def _state(path: Path) -> tuple[int, float]:
    status = path.stat()
    return status.st_size, status.st_mtime
