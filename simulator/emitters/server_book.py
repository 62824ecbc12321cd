"""The book of a list that the city's server serves: versions in the order in which they changed, with the faults dealt to them."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Protocol, TypeVar

from simulator.faults import FaultKind
from simulator.local_time import in_utc
from simulator.truth import Books

OUTCOMES = {FaultKind.LATE: "accepted", FaultKind.DUPLICATE: "duplicate"}
"""The outcome of the faulty record; that of every other fault is quarantined."""

STILL_ACCEPTED = (None, FaultKind.LATE, FaultKind.DUPLICATE, FaultKind.CONFLICT)
"""Faults with which the version itself still comes out."""


class Version(Protocol):
    """Something that changed at a moment."""

    @property
    def changed_at(self) -> datetime:
        """When it changed."""
        ...


Told = TypeVar("Told", bound=Version)


def write_book(
    path: Path,
    versions: Sequence[Told],
    dealt: Mapping[int, FaultKind],
    books: Books,
    stream: Random,
    *,
    entry_key: str,
    wires: Callable[[Told, FaultKind | None], Sequence[object]],
    id_of: Callable[[Told], str],
) -> list[Told]:
    """Write the book and count each version in `books`; return the versions that must come out.

    `dealt` is the result of `deal_faults` for the versions, `wires` writes one as the list sends it (twice if its fault says so), and
    `entry_key` is the name under which the server finds it. A late version becomes visible 10 to 55 minutes after it changed.
    """
    entries: list[dict[str, object]] = []
    accepted: list[Told] = []
    for index, version in enumerate(versions):
        fault = dealt.get(index)
        delay = timedelta(minutes=stream.randint(10, 55)) if fault == FaultKind.LATE else timedelta()
        changed_at, visible_at = version.changed_at.isoformat(), (version.changed_at + delay).isoformat()
        entries += [
            {"changed_at": changed_at, "visible_at": visible_at, entry_key: wire} for wire in wires(version, fault)
        ]
        if fault in STILL_ACCEPTED:
            accepted.append(version)
            books.accept()
        if fault is not None:
            outcome = OUTCOMES.get(fault, "quarantined")
            if outcome == "duplicate":
                books.repeat()
            elif outcome == "quarantined":
                books.quarantine(fault)
            books.note(fault, id_of(version), in_utc(version.changed_at), path.name, outcome=outcome)
    path.write_text(json.dumps(entries, ensure_ascii=False, indent=0) + "\n", encoding="utf-8", newline="")
    return accepted
