"""Files that are dropped into a local folder, or into folders below it.

A file that changed is taken again; one that changes while it is read is left for the next time and reported. Links that lead out of
the folder are refused, and so are the names that `files.py` refuses. Contract options: `folder`, `pattern`, and `settle_seconds` (0):
how old a change must be by the clock, for senders that write slowly and under the final name.
"""

import io
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO, cast

from core.contract import Contract
from core.errors import SourceChangedError, SourceUnavailableError
from ingestion.collect.connectors.base import Arrival, Checkpoint, Clock, Window
from ingestion.collect.connectors.files import (
    CHANGED,
    DENIED,
    GONE,
    JUST_NOW,
    SMALL_BYTES,
    Listed,
    due,
    why_left,
)


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
                f"{contract.feed}: expected a folder {folder.name}, got none; create it", feed=contract.feed
            )
        now = clock()
        checkpoint.refused.clear()
        listed = list(_listing(folder, str(contract.option("pattern")), checkpoint))
        settled = now - timedelta(seconds=int(contract.option("settle_seconds", 0)))
        for file in due(contract, checkpoint, window, listed):
            if settled < now and file.modified_at > settled:
                checkpoint.refuse(file.name, JUST_NOW)
                continue
            try:
                content = _content(folder / file.name, (file.size, file.modified), contract.feed)
            except FileNotFoundError:
                checkpoint.refuse(file.name, GONE)
            except PermissionError:
                checkpoint.refuse(file.name, DENIED)
            except SourceChangedError:
                checkpoint.refuse(file.name, CHANGED)
            else:
                yield file.arrival(content, now)
        checkpoint.forget({file.kept_as for file in listed}, now)


class _Stream(io.RawIOBase):
    """A large file, read from its beginning; at its end it is compared with the listing and closed."""

    def __init__(self, path: Path, state: tuple[int, float], feed: str) -> None:
        self._path, self._state, self._feed = path, state, feed
        self._file: BinaryIO = path.open("rb")
        self._left = state[0]

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        block = self._file.read(size)
        self._left -= len(block)
        if not block or size < 0 or self._left < 0:
            try:
                _require_same(self._file, self._path, self._state, self._left, self._feed)
            finally:
                self.close()
        return block

    def close(self) -> None:
        self._file.close()
        super().close()


def _listing(folder: Path, pattern: str, checkpoint: Checkpoint) -> Iterator[Listed]:
    """List the wanted files below a folder, and report every other."""
    home = folder.resolve()
    for path in sorted(folder.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            continue
        name = path.relative_to(folder).as_posix()
        try:
            reason = why_left(name, pattern) or _why_not_read(path, home)
            size, modified = (0, 0.0) if reason else _state_of(path.stat())
        except FileNotFoundError:
            reason = GONE
        except PermissionError:
            reason = DENIED
        if reason:
            checkpoint.refuse(name, reason)
        else:
            yield Listed(name, name, size, modified)


def _why_not_read(path: Path, home: Path) -> str | None:
    if not path.resolve().is_relative_to(home):
        return "the link leads out of the folder"
    if not path.exists():
        return "the link leads nowhere"
    return None if path.is_file() else f"not a file, but {stat.filemode(path.stat().st_mode)[0]}"


def _content(path: Path, state: tuple[int, float], feed: str) -> BinaryIO | bytes:
    """Return a file's bytes, or a stream of a large one; either raises SourceChangedError if the file differs from its listing."""
    if state[0] > SMALL_BYTES:
        return cast("BinaryIO", _Stream(path, state, feed))
    with path.open("rb") as file:
        content = file.read(state[0] + 1)
        _require_same(file, path, state, state[0] - len(content), feed)
    return content


def _require_same(file: BinaryIO, path: Path, state: tuple[int, float], left: int, feed: str) -> None:
    """Compare an open file with its listing; one that was moved away in the meantime is still the same file."""
    if left or _state_of(os.fstat(file.fileno())) != state:
        raise SourceChangedError(
            f"{feed}: expected a file that does not change while it is read, got {path.name}: {CHANGED}", name=path.name
        )


def _state_of(status: os.stat_result) -> tuple[int, float]:
    return status.st_size, status.st_mtime
