"""Which files of a source are taken: what the folder and the SFTP connector share, whatever the pattern of the feed.

A name is checked before the file: one that tries to leave its folder, that marks a temporary or system file, that a program gave
to a copy, or that does not match the feed's pattern, is left and reported with its reason. Case does not matter: `*.txt` takes `A.TXT`.
"""

import fnmatch
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO

from core.contract import Contract
from core.slots import slot_start
from ingestion.collect.connectors.base import Arrival, Checkpoint, FileMark, Window

UNFINISHED = (
    ".part", ".partial", ".filepart", ".crdownload", ".download", ".upload", ".uploading", ".incomplete", ".inprogress", ".tmp", ".temp",
    ".swp", ".swo", ".swx", ".lock", "~",
)  # fmt: skip
"""Endings of files that their sender is still writing, in small letters."""

SYSTEM = frozenset({"desktop.ini", "thumbs.db", "ehthumbs.db"})
"""Files that an operating system makes for itself, in small letters; Apple's archives leave a folder `__macosx`."""

ENDINGS = re.compile(r"(\.[a-z0-9]{1,8}){0,2}$")
COPY_WORD = r"(copy|bản sao|sao chép)"
COPY = re.compile(
    rf".*\S ?\(\d{{1,2}}\)|.*\S( -)? {COPY_WORD}( ?\(?\d+\)?)?|{COPY_WORD}( \(?\d+\)?)? (of|của) .*|.*\(.*conflicted copy.*\).*",
    re.DOTALL,
)
"""Names that programs give to copies: `a (1)`, `a(1)`, `a - Copy (2)`, `a copy 2`, `Copy of a`, `a - Bản sao`, `Bản sao của a`."""

CHANGED = "it changed while it was read; it is taken once it is complete"
GONE = "it was gone before it could be read"
DENIED = "the source denies access to it"
HOSTILE = "the name tries to leave the folder"
UNDER_WAY = "its name marks it as hidden or still being written; it is taken under its own name once it is complete"
NOT_SENT = "it is a system file, which nobody sent"
COPIED = "its name marks it as a copy; send it under its own name if it holds something new"
JUST_NOW = "it changed a moment ago; it is taken once it stops changing"
"""Why a file is left, in words for whoever looks after the source."""

SMALL_BYTES = 8 * 1024 * 1024
"""A file up to this many bytes is read at once; a larger one is streamed."""


@dataclass(frozen=True)
class Listed:
    """A file as its source lists it: the name it was sent under, the one it is kept as, its size and time of change (s since 1970)."""

    name: str
    kept_as: str
    size: int
    modified: float

    @property
    def modified_at(self) -> datetime:
        """The time of its last change."""
        return datetime.fromtimestamp(self.modified, UTC)

    def arrival(self, content: BinaryIO | bytes, now: datetime) -> Arrival:
        """Return its bytes as an arrival, with what to remember about it."""
        mark = FileMark(size=self.size, modified=self.modified, taken_at=now)
        return Arrival(self.name, content, self.modified_at, mark, kept_as=self.kept_as)


def due(contract: Contract, checkpoint: Checkpoint, window: Window | None, listed: Iterable[Listed]) -> list[Listed]:
    """Return what is new or changed since the checkpoint; with a window, what belongs to it, taken before or not."""
    if window is not None:
        return [file for file in listed if belongs(contract, window, file.name, file.modified_at)]
    return [file for file in listed if not checkpoint.has(file.kept_as, file.size, file.modified)]


def why_left(name: str, pattern: str) -> str | None:
    """Return why a file of this name is not taken by a feed with this pattern, or None if it is; `name` may include folders."""
    if is_hostile(name):
        return HOSTILE
    if any(part.startswith(".") for part in name.split("/")) or is_unfinished(name):
        return UNDER_WAY
    last = unicodedata.normalize("NFC", name.rsplit("/", 1)[-1]).lower()
    if last in SYSTEM or "__macosx" in name.lower().split("/"):
        return NOT_SENT
    if COPY.fullmatch(ENDINGS.sub("", last)):
        return COPIED
    return None if fnmatch.fnmatchcase(last, pattern.lower()) else f"expected a name of this feed, {pattern}"


def is_hostile(name: str) -> bool:
    """Whether a source's file name tries to leave its folder, or hides control characters."""
    return not name.isprintable() or ".." in re.split(r"[/\\]", name) or name.startswith(("/", "\\"))


def is_unfinished(name: str) -> bool:
    """Whether a file name says that its sender is still writing the file: it is hidden, or begins or ends as temporary files do."""
    last = name.rsplit("/", 1)[-1].lower()
    return last.startswith((".", "~")) or last.endswith(UNFINISHED)


def belongs(contract: Contract, window: Window, name: str, modified_at: datetime) -> bool:
    """Whether a file belongs to a window: by the object and time in its name, or by its time of change if the name has none."""
    told = contract.slots.named_by(name)
    if told is None:
        return window.slots is None and window.start <= modified_at < window.end
    object_id, moment = told
    if window.slots is not None:
        return (object_id, slot_start(moment, contract.cadence)) in window.slots
    return window.start <= moment < window.end
