"""What a command has finished, so that after an interruption it can say what was committed."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TypeVar

Item = TypeVar("Item")


@dataclass
class Stage:
    """A list of items that a command works through in order, each committed when it is done."""

    noun: str
    verb: str
    names: Sequence[str]
    done: list[str] = field(default_factory=list)
    under_way: str | None = None

    def told(self) -> str:
        """Return a sentence: which items are done, which one may be partly done, and whether any are left."""
        finished = list(self.done)
        total = max(len(self.names), len(finished))
        told = f"{len(finished)} of {total} {self.noun} were {self.verb}"
        told += f": {', '.join(finished)}" if finished else ""
        if self.under_way is not None and self.under_way not in finished:
            told += f"; {self.under_way} was under way, and may be {self.verb} in part"
            finished.append(self.under_way)
        return told if len(finished) >= total else f"{told}; the rest was not"


@dataclass
class Progress:
    """The stages that a command has begun; none if it commits nothing."""

    stages: list[Stage] = field(default_factory=list)
    is_interrupted: bool = False

    def told(self) -> str:
        """Return one line saying what was committed and what was not."""
        if not self.stages:
            return "interrupted: nothing was committed by this command"
        return f"interrupted: {'; '.join(stage.told() for stage in self.stages)}; run it again to continue"


current: ContextVar[Progress] = ContextVar("progress")
"""The progress of this command; unset when a verb is called as a function."""


def begin(noun: str, verb: str, names: Sequence[str]) -> Stage:
    """Begin a stage; the caller adds items to `done` as they are done."""
    stage = Stage(noun, verb, names)
    current.get(Progress()).stages.append(stage)
    return stage


def each(items: Sequence[Item], noun: str, verb: str, name: Callable[[Item], str] = str) -> Iterator[Item]:
    """Yield items one by one; an item counts as done when the next one is requested."""
    stage = begin(noun, verb, [name(item) for item in items])
    for item, called in zip(items, stage.names, strict=True):
        stage.under_way = called
        yield item
        stage.done.append(called)


@contextmanager
def one(name: str, noun: str, verb: str) -> Iterator[None]:
    """Count the block as a stage of one item."""
    for _ in each([name], noun, verb):
        yield


def is_interrupted() -> bool:
    """Whether Ctrl-C was pressed."""
    return current.get(Progress()).is_interrupted
