"""The protocol of every connector.

A connector yields arrivals: bytes with the name the source gave them, and what the checkpoint is to remember about them. It never
writes to landing and never changes what the checkpoint remembers: its caller lands, then remembers, then saves. So a saved checkpoint
covers only what is landed; a crash in between only leads to fetching again, and the load recognises the duplicates.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import BinaryIO, Protocol

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from core.contract import Contract
from core.errors import ConfigurationError

FORGET_AFTER = timedelta(days=7)
"""A file that is gone from its source is remembered this long, so that a listing that wrongly comes back empty costs nothing."""

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Window:
    """A span of time to fetch again; the end is excluded. `slots` narrows it to single slots of objects: (object, start of the slot)."""

    start: datetime
    end: datetime
    slots: frozenset[tuple[str, datetime]] | None = None

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None or self.start >= self.end:
            raise ConfigurationError(
                "window: expected a start before its end, both with a UTC offset, got another; correct the times"
            )


@dataclass(frozen=True)
class Refusal:
    """A file that was not taken, and why; `name` has no control characters."""

    name: str
    reason: str


class FileMark(BaseModel):
    """What a file looked like when it was taken: size in bytes, time of change in seconds since 1970."""

    model_config = ConfigDict(frozen=True)

    size: int
    modified: float
    taken_at: AwareDatetime


@dataclass(frozen=True)
class Arrival:
    """Bytes as they came, and what to remember once they are landed.

    A stream can be read once, and its caller closes it; reading it raises SourceChangedError if the file no longer is as it was listed.
    `mark` is set for a file, and `kept_as` if its source keeps it under another name; `window_end` is set on the last arrival of a window:
    the source need not be asked for anything earlier again.
    """

    source_name: str
    content: BinaryIO | bytes
    source_modified_at: datetime | None = None
    mark: FileMark | None = None
    window_end: datetime | None = None
    kept_as: str | None = None


class _Saved(BaseModel):
    files: dict[str, FileMark] = {}
    window_end: AwareDatetime | None = None


@dataclass
class Checkpoint:
    """What was taken from a source. `refused` covers the last collection only, and is not saved."""

    files: dict[str, FileMark] = field(default_factory=dict)
    window_end: datetime | None = None
    refused: list[Refusal] = field(default_factory=list)

    @classmethod
    def from_json(cls, text: bytes | None) -> "Checkpoint":
        """Read what `to_json` wrote; None gives an empty checkpoint. Raises ConfigurationError for anything else."""
        if text is None:
            return cls()
        try:
            saved = _Saved.model_validate_json(text)
        except ValidationError as error:
            raise ConfigurationError(
                f"checkpoint: expected JSON as a collector saved it, got {error.error_count()} errors; remove it to fetch everything again"
            ) from error
        return cls(dict(saved.files), saved.window_end)

    def to_json(self) -> bytes:
        """Return the bytes to save."""
        return _Saved(files=self.files, window_end=self.window_end).model_dump_json(exclude_none=True).encode()

    def has(self, name: str, size: int, modified: float) -> bool:
        """Whether this version of the file was already taken."""
        mark = self.files.get(name)
        return mark is not None and (mark.size, mark.modified) == (size, modified)

    def remember(self, arrival: Arrival) -> None:
        """Remember what was landed."""
        if arrival.mark is not None:
            self.files[arrival.kept_as or arrival.source_name] = arrival.mark
        if arrival.window_end is not None:
            self.window_end = arrival.window_end

    def refuse(self, name: str, reason: str) -> None:
        """Record a file that was not taken."""
        self.refused.append(Refusal("".join(c if c.isprintable() else "?" for c in name)[:200], reason))

    def forget(self, present: set[str], now: datetime) -> None:
        """Forget files that have been gone from the source for FORGET_AFTER."""
        self.files = {
            name: mark for name, mark in self.files.items() if name in present or mark.taken_at > now - FORGET_AFTER
        }


class Connector(Protocol):
    """A way of fetching. It is built with everything that it needs to reach the source."""

    def collect(
        self, contract: Contract, checkpoint: Checkpoint, window: Window | None, clock: Clock
    ) -> Iterator[Arrival]:
        """Yield what is new since the checkpoint, in a fixed order, and record in the checkpoint what was refused and what is gone.

        With a window, yield what belongs to it instead, taken before or not. Raises SourceUnavailableError where a retry
        can help and SourceAnswerError where it cannot; what was yielded before stays valid.
        """
        ...
