"""The ledger row of a delivery: what it held, and by which door each record left.

    pieces met = received + skipped
    received   = accepted + duplicate + quarantined

`received` counts what the format read from the bytes; the three doors are counted in the tables after they are chosen. The two
sides come from different places, so that a record lost between them shows. A load that does not balance is not committed.

A replay (`ingestion/repair/replay.py`) takes records out of quarantine and through the same doors; its row is that of the repair document,
with the status `replayed`, and both identities hold for it too. It receives nothing that was not received before, so what agencies sent is
the sum of the rows that are *not* replays, and what is in quarantine now is counted over both:

    sent         = sum of received over the rows that are no replays
    quarantined  = open + replayed        over all rows; `replayed` weighs the records that have a row in `lake.quarantine.repairs`
    replayed     = sum of received over the replays, but for deliveries that could not be read as a whole: such a one weighs 1 in quarantine
                   and is received by its replay with all its records

A delivery that was withdrawn (`ingestion/repair/withdrawal.py`) keeps its row, and both identities: it received nothing, and all its
pieces are skipped, by the doors they had left by (`withdrawn_accepted`, `withdrawn_duplicate`, `withdrawn_quarantined`).
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.errors import LedgerError
from ingestion.collect.landing import Delivery
from ingestion.load.drift import Change


class Status(StrEnum):
    """What became of a delivery."""

    LOADED = "loaded"
    DUPLICATE_DELIVERY = "duplicate_delivery"
    EMPTY = "empty"
    UNREADABLE = "unreadable"
    REPLAYED = "replayed"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class LedgerRow:
    """The ledger row of one delivery. Counts are records, except `pieces` and `skipped`, which count pieces."""

    delivery: Delivery
    sha256: str
    load_id: str
    loaded_at: datetime
    status: Status
    pieces: int
    skipped_reasons: Mapping[str, int]
    received: int
    accepted: int
    duplicate: int
    quarantined: int
    first_event_at: datetime | None
    last_event_at: datetime | None
    changes: tuple[Change, ...] = ()
    """Columns that differ from the contract; they have a table of their own."""

    @property
    def skipped(self) -> int:
        """The number of pieces that are not records."""
        return sum(self.skipped_reasons.values())

    def require_balance(self) -> None:
        """Raise LedgerError with both sides of the identity that does not hold."""
        doors = self.accepted + self.duplicate + self.quarantined
        if self.received != doors:
            raise LedgerError(
                f"{self.delivery.delivery_id}: expected received {self.received} = accepted {self.accepted} + duplicate "
                f"{self.duplicate} + quarantined {self.quarantined}, got {doors} at the doors; nothing was committed, report it",
                received=self.received,
                doors=doors,
            )
        if self.pieces != self.received + self.skipped:
            raise LedgerError(
                f"{self.delivery.delivery_id}: expected pieces {self.pieces} = received {self.received} + skipped "
                f"{self.skipped}, got {self.received + self.skipped}; nothing was committed, report it",
                pieces=self.pieces,
                accounted=self.received + self.skipped,
            )

    def drift_values(self) -> list[tuple[object, ...]]:
        """Return the delivery's rows of `lake.ledger.drift`, in its order of columns."""
        return [
            (
                self.delivery.feed,
                self.delivery.delivery_id,
                change.column_name,
                change.kind.value,
                change.expected,
                change.came,
                change.records,
                self.status is Status.UNREADABLE,
                self.loaded_at,
            )
            for change in self.changes
            if self.status is not Status.REPLAYED
        ]

    def values(self) -> tuple[object, ...]:
        """Return the row of `lake.ledger.deliveries`, in its order of columns."""
        return (
            self.delivery.delivery_id,
            self.delivery.feed,
            self.delivery.object_key,
            self.sha256,
            self.delivery.bytes,
            self.delivery.source_name,
            self.delivery.received_at,
            self.load_id,
            self.loaded_at,
            self.status.value,
            self.pieces,
            self.skipped,
            json.dumps(dict(sorted(self.skipped_reasons.items()))),
            self.received,
            self.accepted,
            self.duplicate,
            self.quarantined,
            self.first_event_at,
            self.last_event_at,
        )


def summary(rows: Iterable[LedgerRow]) -> dict[str, int]:
    """Add ledger rows up: deliveries, pieces, and the records of each door."""
    ledger = list(rows)
    return {
        "deliveries": len(ledger),
        "pieces": sum(row.pieces for row in ledger),
        "skipped": sum(row.skipped for row in ledger),
        "received": sum(row.received for row in ledger),
        "accepted": sum(row.accepted for row in ledger),
        "duplicate": sum(row.duplicate for row in ledger),
        "quarantined": sum(row.quarantined for row in ledger),
    }
