"""Replay: quarantined records go through a load again, with a repair applied. This module follows a repair document step by step:

    fetch    the document comes back from landing, and with it the agency's own delivery and the repairs before this one
    attempt  the replay records that it begins; a document that brought two replays down leaves its records where they are
    withdraw a document that takes a whole delivery back is applied first, in a transaction of its own (`withdrawal.py`)
    claim    its records that are still open are taken; the others are skipped as `already_replayed`, so that twice is once
    read     the delivery is cut and read by its format once more, with the repaired text at the repaired positions
    mend     the named repair is applied to the records at those positions; all others are context
    close    records that the agency sent again, correctly, are closed as duplicates of those, and not read
    …        then check, protect, hold, choose doors, balance and commit, as in `load.py`

The rows of `lake.quarantine.repairs` that close the records commit with the rest. A record that is still bad goes to quarantine again,
under the repair document. Bronze rows carry the document's delivery id, and the position and time of arrival of the agency's delivery, so
that marts equal those of records that were right from the beginning. Replays and loads of one feed take turns.
"""

import secrets
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import takewhile

import duckdb

from core.contract import Contract
from core.errors import DeliveryError
from core.reference import Reference
from core.settings import Settings
from ingestion.collect.landing import Content, Delivery, Landing
from ingestion.formats.base import Envelope, Pieces, join_pieces
from ingestion.formats.registry import find_format, split_delivery
from ingestion.load.attempts import REASON, Attempts
from ingestion.load.bronze import write_repairs
from ingestion.load.holding_area import FORMAT_GROUP, HoldingArea, Refused, Tally, reason_of
from ingestion.load.ledger import LedgerRow
from ingestion.load.load import Loader, settle
from ingestion.repair.quarantine import brought_records
from ingestion.repair.repair import Resent, Withdraw
from ingestion.repair.repair_document import RepairDocument, read_chain, read_document
from ingestion.repair.reread import mend_pieces, mend_records, select_repaired
from ingestion.repair.withdrawal import Landed, Withdrawer
from lake.connection import connected
from lake.lock import Lock, exclusive
from lake.transaction import transaction

BATCH_DOCUMENTS = 500
"""A transaction holds at most this many repair documents."""

ALREADY_REPLAYED = "already_replayed"


@dataclass(frozen=True)
class Claim:
    """A quarantined record: how many pieces it counts for, since when it has been there, and whether it waits for a repair."""

    weight: int
    since: datetime
    is_open: bool
    raw: str


class Replayer:
    """Replays the repair documents of a stack. One replayer serves one thread."""

    def __init__(
        self, settings: Settings, connection: duckdb.DuckDBPyConnection, landing: Landing, reference: Reference
    ) -> None:
        self._settings = settings
        self._connection = connection
        self._landing = landing
        self._reference = reference
        self._loader = Loader(settings, connection, landing, reference)

    def replay_new(self, contract: Contract) -> list[LedgerRow]:
        """Replay the repair documents that are in landing but not in the ledger; return the ledger's new rows."""
        with exclusive(self._settings, f"load {contract.feed}") as lock:
            known = {
                str(row[0])
                for row in self._connection.execute(
                    "select delivery_id from lake.ledger.deliveries where feed = ? and status = 'replayed'",
                    [contract.feed],
                ).fetchall()
            }
            new = [found for found in self._landing.repairs(contract) if found.delivery_id not in known]
            documents = self._documents(new)
            attempts = Attempts(self._settings, self._landing, contract, "replay")
            withdrawals = [landed for landed in documents if isinstance(landed.document.named, Withdraw)]
            documents = [landed for landed in documents if not isinstance(landed.document.named, Withdraw)]
            rows = [self._withdrawer(contract, lock).withdraw(landed) for landed in withdrawals]
            for batch in batches(documents, lambda landed: attempts.times(landed.delivery.delivery_id) > 0):
                with attempts.of(landed.delivery.delivery_id for landed in batch):
                    rows += self._replay(contract, batch, attempts, lock)
            attempts.end()
            return rows

    def repeat(
        self, contract: Contract, load_id: str, replayed_at: datetime, ids: Collection[str], never_read: Collection[str]
    ) -> list[LedgerRow]:
        """Replay documents again under an earlier load's name and time; its rows are gone, and the caller holds lock and transaction."""
        documents = self._documents([one for one in self._landing.repairs(contract) if one.delivery_id in ids])
        with HoldingArea(self._connection, contract, load_id, replayed_at) as holding:
            closed = self._take_all_up(holding, documents, never_read.__contains__)
            rows = settle(self._connection, holding)
            write_repairs(self._connection, holding, closed)
            return rows

    def _documents(self, found: list[Delivery]) -> list[Landed]:
        return [
            Landed(content.delivery, content.sha256, read_document(content))
            for content in self._landing.read_many(found)
        ]

    def _withdrawer(self, contract: Contract, lock: Lock) -> Withdrawer:
        return Withdrawer(self._settings, self._connection, contract, lock, self._loader.repeat, self.repeat)

    def _replay(self, contract: Contract, batch: list[Landed], attempts: Attempts, lock: Lock) -> list[LedgerRow]:
        now = self._settings.clock()
        load_id = f"{contract.feed}@{now:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
        with HoldingArea(self._connection, contract, load_id, now) as holding:
            closed = self._take_all_up(holding, batch, attempts.is_condemned)
            info = {"feed": contract.feed, "load_id": load_id}
            with transaction(self._connection, "lake", f"replay {load_id}", info):
                rows = settle(self._connection, holding)
                write_repairs(self._connection, holding, closed)
                lock.require_held()
        return rows

    def _take_all_up(
        self, holding: HoldingArea, batch: list[Landed], is_condemned: Callable[[str], bool]
    ) -> list[tuple[object, ...]]:
        closed: list[tuple[object, ...]] = []
        taken: set[tuple[str, int]] = set()
        for number, landed in enumerate(batch):
            condemned = is_condemned(landed.delivery.delivery_id)
            closed += self._take_up(holding, number, landed, taken, is_condemned=condemned)
        return closed

    def _take_up(
        self, holding: HoldingArea, number: int, landed: Landed, taken: set[tuple[str, int]], *, is_condemned: bool
    ) -> list[tuple[object, ...]]:
        """Stage what a document repairs; return a row for each record that it closes, with the position at which it leaves."""
        document = landed.document
        claims = self._claims(document)
        doors: dict[int, int] = {}
        open_ones = {
            position: claim
            for position, claim in claims.items()
            if claim.is_open and (document.delivery_id, position) not in taken
        }
        taken |= {(document.delivery_id, position) for position in open_ones}
        chain, origin = read_chain(self._landing, document)
        with origin.stream:
            tally = holding.open_replay(number, landed.delivery, landed.sha256, origin.delivery)
            if is_condemned:
                tally.pieces = sum(claim.weight for claim in open_ones.values())
                doors = self._leave(holding, tally, open_ones, REASON)
            elif isinstance(document.named, Resent):
                doors = self._close(holding, tally, document.named.resent_in, open_ones)
            elif not document.is_whole_delivery:
                doors = self._read_again(holding, number, chain, origin, open_ones)
                tally.pieces = sum(claim.weight for claim in open_ones.values())
            elif open_ones:
                self._loader.take_in(holding, [(number, origin)])
                doors = {position: position for position in open_ones}
        past = sum(claim.weight for position, claim in claims.items() if position not in open_ones)
        tally.pieces += past
        if past:
            tally.skipped_reasons[ALREADY_REPLAYED] += past
        return [
            (number, document.delivery_id, position, doors[position], landed.delivery.delivery_id, document.repair,
             document.repaired_by, document.repaired_at, document.why, claim.since)
            for position, claim in open_ones.items()
        ]  # fmt: skip

    def _close(self, holding: HoldingArea, tally: Tally, resent_in: str, claims: dict[int, Claim]) -> dict[int, int]:
        """Close records that were sent again, correctly, in a later delivery; if that brought nothing, they stay in quarantine."""
        tally.pieces = sum(claim.weight for claim in claims.values())
        sent = tally.origin
        if not brought_records(self._connection, sent.feed, resent_in, after=sent.received_at):
            return self._leave(holding, tally, claims, "not_resent")
        holding.take_as_known(tally, {position: claim.weight for position, claim in claims.items()})
        return {position: position for position in claims}

    def _claims(self, document: RepairDocument) -> dict[int, Claim]:
        rows = self._connection.execute(
            """
            select records.position, records.record_count,
                coalesce(earlier.quarantined_since, records.quarantined_at) as since, repairs.outcome is null, records.raw
            from lake.quarantine.records as records
            left join lake.quarantine.repairs as repairs
                on repairs.feed = $feed and repairs.delivery_id = $delivery and repairs.position = records.position
            left join lake.quarantine.repairs as earlier
                on earlier.feed = $feed and earlier.repair_id = $delivery and earlier.position in (0, records.position)
            where records.feed = $feed and records.delivery_id = $delivery
                and records.position in (select unnest($positions))
            order by records.position
            """,
            {"feed": document.feed, "delivery": document.delivery_id, "positions": list(document.positions)},
        ).fetchall()
        return {row[0]: Claim(*row[1:]) for row in rows}

    def _read_again(
        self,
        holding: HoldingArea,
        number: int,
        chain: list[RepairDocument],
        origin: Content,
        claims: dict[int, Claim],
    ) -> dict[int, int]:
        """Read the delivery with the repaired text, and stage the claimed positions; return the position at which each of them leaves."""
        tally = holding.tallies[number]
        doors: dict[int, int] = {}
        try:
            cut = split_delivery(holding.contract, origin.stream, Envelope(origin.delivery.source_name))
            for pieces in cut if claims else ():
                doors |= self._read_block(holding, number, chain, pieces, claims)
        except DeliveryError as error:
            holding.forget(tally)
            doors = self._leave(holding, tally, claims, reason_of(error))
        rest = {position: claim for position, claim in claims.items() if position not in doors}
        return doors | self._leave(holding, tally, rest, "position_not_met")

    def _read_block(
        self,
        holding: HoldingArea,
        number: int,
        chain: list[RepairDocument],
        pieces: Pieces,
        claims: dict[int, Claim],
    ) -> dict[int, int]:
        span = range(pieces.first_position, pieces.first_position + len(pieces.raws))
        inside = [position for position in claims if position in span]
        if not inside:
            return {}
        contract, tally = holding.contract, holding.tallies[number]
        mended = mend_pieces(pieces, chain)
        envelopes = {number: Envelope(tally.origin.source_name)}
        reading = find_format(contract).read(join_pieces([(number, mended)]), contract, envelopes)
        texts = {position: str(mended.raws[position - mended.first_position]) for position in inside}
        weights = {position: claims[position].weight for position in inside}
        selected = select_repaired(reading, len(mended.raws), texts, weights)
        records = mend_records(selected.reading.records, chain, self._reference)
        self._loader.admit(holding, replace(selected.reading, records=records))
        holding.refuse(tally, selected.refused)
        return selected.doors

    @staticmethod
    def _leave(holding: HoldingArea, tally: Tally, claims: dict[int, Claim], reason: str) -> dict[int, int]:
        """Leave records in quarantine, under the repair document."""
        holding.refuse(
            tally,
            [Refused(position, claim.raw, claim.weight, reason, FORMAT_GROUP) for position, claim in claims.items()],
        )
        return {position: position for position in claims}


def batches(documents: list[Landed], is_alone: Callable[[Landed], bool] = lambda _: False) -> Iterator[list[Landed]]:
    """Group documents into transactions, in their order, except that a repair of what another one left in quarantine comes after it.

    A document for which `is_alone` is true has a transaction of its own.
    """
    waiting = documents
    while waiting:
        ids = {landed.delivery.delivery_id for landed in waiting}
        ready = [landed for landed in waiting if landed.document.delivery_id not in ids][:BATCH_DOCUMENTS]
        if any(map(is_alone, ready)):
            ready = ready[:1] if is_alone(ready[0]) else list(takewhile(lambda landed: not is_alone(landed), ready))
        yield ready
        done = {landed.delivery.delivery_id for landed in ready}
        waiting = [landed for landed in waiting if landed.delivery.delivery_id not in done]


def replay_feed(settings: Settings, contract: Contract) -> list[LedgerRow]:
    """Replay the requested repairs of one feed, on a connection of its own: the whole step, for a task or a command."""
    with connected(settings) as connection:
        return Replayer(settings, connection, Landing(settings), Reference()).replay_new(contract)
