"""A feed whose day is files of independent records: faults are dealt to the records, the files written, the books kept."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Protocol, Self, TypeVar

from core.contract import find_contract
from simulator.faults import FaultKind, FaultProfile, deal_faults
from simulator.local_time import in_utc
from simulator.truth import Books
from simulator.writer import Texts, write_table


class SentRecord(Protocol):
    """One true record, and how it is sent."""

    @property
    def object_id(self) -> str:
        """Whom or what it is about, as the faults name it."""

    @property
    def happened_at(self) -> datetime:
        """When it happened."""

    @property
    def file_name(self) -> str:
        """The file that has it."""

    def record(self, fault: FaultKind | None) -> Texts:
        """Return the record of the file."""

    def contradicted(self) -> Self:
        """Return another version of it, of which nothing says which one is right."""


Sent = TypeVar("Sent", bound=SentRecord)


def write_records(
    feed: str,
    records: Sequence[Sent],
    profile: FaultProfile,
    stream: Random,
    folder: Path,
    *,
    write: Callable[[Sequence[Texts]], bytes] | None = None,
) -> tuple[Books, list[Sent]]:
    """Write the files of the records into a folder; return the books of the feed and the records that are to be accepted.

    `write` makes the bytes of a file, by default those of the contract's first form.
    """
    dealt = deal_faults(profile, feed, records, lambda _, __: True, stream)
    books = Books(feed)
    files: dict[str, list[Texts]] = defaultdict(list)
    accepted: list[Sent] = []
    for index, one in enumerate(records):
        fault = dealt.get(index)
        files[one.file_name] += _sent(one, fault)
        if fault in (None, FaultKind.DUPLICATE, FaultKind.CONFLICT):
            accepted.append(one)
            books.accept()
        if fault == FaultKind.DUPLICATE:
            books.repeat()
        elif fault is not None:
            books.quarantine(fault)
        if fault is not None:
            outcome = "duplicate" if fault == FaultKind.DUPLICATE else "quarantined"
            books.note(fault, one.object_id, in_utc(one.happened_at), one.file_name, outcome=outcome)
    for name, texts in files.items():
        (folder / name).write_bytes(write(texts) if write else write_table(find_contract(feed), texts))
        books.deliver()
    return books, accepted


def _sent(one: SentRecord, fault: FaultKind | None) -> list[Texts]:
    match fault:
        case FaultKind.DUPLICATE:
            return [one.record(None)] * 2
        case FaultKind.CONFLICT:
            return [one.record(None), one.contradicted().record(None)]
        case _:
            return [one.record(fault)]
