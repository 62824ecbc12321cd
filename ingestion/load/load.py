"""Landing to bronze. This module follows a delivery step by step:

    attempt  the load records that it begins; a delivery that brought two loads down is set aside whole, unread
    fetch    its bytes come back from landing, and are verified
    read     the format cuts them into pieces and reads the pieces into records
    check    the contract judges every record; a delivery whose columns are not the contract's is set aside whole
    protect  hashes stand for personal values from here on
    hold     records that passed wait in one temporary table, the others in another
    doors    what waits is compared with itself and with bronze: accepted, duplicate, or a conflict
    balance  the ledger row of every delivery must add up
    commit   records, quarantine, rule results and ledger in one transaction, whose message names the load
    receipt  what the ledger says about each delivery is written for its agency

Small deliveries share a transaction, because a commit costs more than a small file; those of a load that was brought down are
loaded one by one. A crash at any point leaves all of a batch or nothing of it, and running again gives the same tables. Loads of one feed
take turns, loads of different feeds do not.
"""

import secrets
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime

import duckdb
import polars as pl

from core.contract import Contract
from core.errors import DeliveryError, LakehouseError, LedgerError
from core.reference import Reference
from core.settings import Settings
from ingestion.collect.landing import Content, Delivery, Landing
from ingestion.formats.base import Envelope, Pieces, Reading, join_pieces
from ingestion.formats.registry import find_format, split_delivery
from ingestion.load.attempts import Attempts, condemned
from ingestion.load.bronze import write
from ingestion.load.checks import Checked, check
from ingestion.load.doors import choose_doors
from ingestion.load.drift import Drift
from ingestion.load.holding_area import HoldingArea, Tally
from ingestion.load.ledger import LedgerRow
from ingestion.load.privacy import protect, protect_list_keys
from ingestion.receipts.receipt_store import ReceiptStore
from lake.connection import connected
from lake.lock import Lock, exclusive
from lake.transaction import transaction

BATCH_DELIVERIES = 5_000
BATCH_BYTES = 256 * 1024 * 1024
"""A transaction holds at most this many deliveries, or a single larger one."""

Block = tuple[int, Pieces]
"""Pieces of the delivery that has this number in its load."""

Examined = tuple[Reading, Checked]
"""The reading of some blocks, and the result of its checks."""

READ_CHARACTERS = 32 * 1024 * 1024
"""How much text is read into records at once; it bounds the memory of a load."""

PIECE_CHARACTERS = 16
"""How many characters a piece counts for beside its own: an empty one costs memory too."""


class Loader:
    """Loads deliveries of a stack. One loader serves one thread."""

    def __init__(
        self, settings: Settings, connection: duckdb.DuckDBPyConnection, landing: Landing, reference: Reference
    ) -> None:
        self._settings = settings
        self._connection = connection
        self._landing = landing
        self._reference = reference
        self._receipts = ReceiptStore(settings)

    def load_new(self, contract: Contract) -> list[LedgerRow]:
        """Load what is in landing but not in the ledger; return the ledger's new rows, in the order received."""
        with exclusive(self._settings, f"load {contract.feed}") as lock:
            self._receipts.issue_due(self._connection, contract)  # of a load that died after its commit
            attempts = Attempts(self._settings, self._landing, contract)
            rows: list[LedgerRow] = []
            for batch in batches(
                self._new(contract), lambda one: attempts.most_together(one.delivery_id, BATCH_DELIVERIES)
            ):
                with attempts.of(delivery.delivery_id for delivery in batch):
                    rows += self._load(contract, batch, attempts, lock)
            attempts.end()
            if rows:
                self._receipts.issue_due(self._connection, contract)
            return rows

    def _new(self, contract: Contract) -> Iterator[Delivery]:
        since = self._since(contract)
        rows = self._connection.execute(
            "select delivery_id from lake.ledger.deliveries where feed = ? and status <> 'replayed' "
            "and received_at >= coalesce(?, received_at) - interval 2 day",
            [contract.feed, since],
        ).fetchall()
        known = frozenset(str(row[0]) for row in rows)
        return (found for found in self._landing.deliveries(contract, since) if found.delivery_id not in known)

    def _since(self, contract: Contract) -> date | None:
        """Return the day from which deliveries can be new; None for all days.

        That is the day of the last one, or today if the clock was ahead then, or the first day that the ledger does not know, if
        the clock was behind when something was landed.
        """
        rows = self._connection.execute(
            "select distinct received_at::date from lake.ledger.deliveries where feed = ? and status <> 'replayed'",
            [contract.feed],
        ).fetchall()
        loaded = {row[0] for row in rows}
        unknown = set(self._landing.days(contract)) - loaded
        return min({max(loaded), self._settings.clock().date(), *unknown}) if loaded else None

    def _load(self, contract: Contract, batch: list[Delivery], attempts: Attempts, lock: Lock) -> list[LedgerRow]:
        now = self._settings.clock()
        load_id = f"{contract.feed}@{now:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
        with HoldingArea(self._connection, contract, load_id, now) as holding:
            self.take_in(holding, self._fill(holding, batch, attempts))
            with transaction(self._connection, "lake", f"load {load_id}", {"feed": contract.feed, "load_id": load_id}):
                rows = settle(self._connection, holding)
                lock.require_held()
        return rows

    def repeat(
        self, contract: Contract, load_id: str, loaded_at: datetime, batch: list[Delivery], never_read: Collection[str]
    ) -> list[LedgerRow]:
        """Write the ledger of an earlier load again for these deliveries; its rows are gone, and the caller holds lock and transaction.

        A delivery in `never_read` brought its loads down and is set aside again, unread.
        """
        with HoldingArea(self._connection, contract, load_id, loaded_at) as holding:
            self.take_in(holding, self._refill(holding, batch, never_read))
            return settle(self._connection, holding)

    def _fill(self, holding: HoldingArea, batch: list[Delivery], attempts: Attempts) -> Iterator[tuple[int, Content]]:
        """Fetch a batch and begin its ledger rows; yield what is to be read, by number."""
        if attempts.is_condemned(batch[0].delivery_id):  # and alone, see `batches`
            tally = holding.open(0, batch[0], self._digest(batch[0]), is_known=False)
            holding.set_aside(tally, condemned(batch[0].delivery_id))
            return
        yield from self._fetch(holding, dict(enumerate(batch)))

    def _refill(
        self, holding: HoldingArea, batch: list[Delivery], never_read: Collection[str]
    ) -> Iterator[tuple[int, Content]]:
        readable = {}
        for number, delivery in enumerate(batch):
            if delivery.delivery_id in never_read:
                tally = holding.open(number, delivery, self._digest(delivery), is_known=False)
                holding.set_aside(tally, condemned(delivery.delivery_id))
            else:
                readable[number] = delivery
        yield from self._fetch(holding, readable)

    def _fetch(self, holding: HoldingArea, numbered: dict[int, Delivery]) -> Iterator[tuple[int, Content]]:
        known = self._known(holding.contract, list(numbered.values()))
        for number, content in zip(numbered, self._landing.read_many(list(numbered.values())), strict=True):
            identity = (content.sha256, content.delivery.source_name)
            holding.open(number, content.delivery, content.sha256, is_known=identity in known)
            if identity in known:
                content.stream.close()
                continue
            known.add(identity)
            yield number, content

    def _digest(self, delivery: Delivery) -> str:
        """Return the digest of a delivery that is not to be read; only its beginning if its bytes have changed since."""
        try:
            content = self._landing.read(delivery)
        except LedgerError:
            return delivery.digest
        content.stream.close()
        return content.sha256

    def take_in(self, holding: HoldingArea, contents: Iterable[tuple[int, Content]]) -> None:
        """Read, check and stage deliveries that were opened in the holding area; one that cannot be read is set aside whole.

        The next blocks are read and checked while the previous ones are staged.
        """
        drift = Drift(holding.contract)
        before: tuple[list[Block], Future[Examined]] | None = None
        with ThreadPoolExecutor(1) as reader:
            for blocks in self._cut(holding, contents):
                begun = reader.submit(self._examine, holding, blocks)
                if before:
                    self._hold(holding, drift, *before)
                before = blocks, begun
            if before:
                self._hold(holding, drift, *before)

    def admit(self, holding: HoldingArea, reading: Reading) -> None:
        """Check and protect a reading of opened deliveries, and stage it."""
        self._add(holding, reading, self._check(holding, reading))

    def _cut(self, holding: HoldingArea, contents: Iterable[tuple[int, Content]]) -> Iterator[list[Block]]:
        """Cut deliveries into blocks, and yield as many at a time as are read at once."""
        waiting: list[Block] = []
        size = 0
        for number, content in contents:
            with content.stream:
                for pieces in self._split(holding, holding.tallies[number], content):
                    waiting.append((number, pieces))
                    size += pieces.size + PIECE_CHARACTERS * len(pieces.raws)
                    if size >= READ_CHARACTERS:
                        yield waiting
                        waiting, size = [], 0
        if waiting:
            yield waiting

    def _split(self, holding: HoldingArea, tally: Tally, content: Content) -> Iterator[Pieces]:
        try:
            envelope = Envelope(tally.origin.source_name)
            for pieces in split_delivery(holding.contract, content.stream, envelope):
                if tally.is_unreadable:  # set aside in an earlier block
                    return
                tally.pieces += len(pieces.raws)
                yield pieces
        except DeliveryError as error:
            holding.set_aside(tally, error)

    def _hold(self, holding: HoldingArea, drift: Drift, blocks: list[Block], begun: Future[Examined]) -> None:
        """Stage what was read and checked; a delivery that breaks its contract is set aside, and the others are read again without it."""
        while readable := [block for block in blocks if not holding.tallies[block[0]].is_unreadable]:
            try:
                examined = begun.result() if len(readable) == len(blocks) else self._examine(holding, readable)
            except DeliveryError as error:
                broken = error.values.get("delivery")
                if not isinstance(broken, int):
                    raise
                holding.set_aside(holding.tallies[broken], error)
                continue
            stopped, changes = drift.judge(*examined)
            if not stopped:
                holding.report(changes)
                self._add(holding, *examined)
                return
            for number, refusal in stopped.items():
                holding.set_aside(holding.tallies[number], refusal)

    def _examine(self, holding: HoldingArea, blocks: list[Block]) -> Examined:
        """Read blocks into records, and check them."""
        envelopes = {number: Envelope(holding.tallies[number].origin.source_name) for number, _ in blocks}
        reading = find_format(holding.contract).read(join_pieces(blocks), holding.contract, envelopes)
        return reading, self._check(holding, reading)

    def _check(self, holding: HoldingArea, reading: Reading) -> Checked:
        numbers = reading.records["_delivery"].unique().to_list()
        received_at = pl.DataFrame(
            {
                "_delivery": numbers,
                "received_at": [holding.tallies[number].origin.received_at for number in numbers],
            },
            schema={"_delivery": pl.UInt32, "received_at": pl.Datetime("us", "UTC")},
        )
        records = reading.records.join(received_at, on="_delivery", how="left", maintain_order="left")
        return check(records, holding.contract, self._reference)

    def _add(self, holding: HoldingArea, reading: Reading, checked: Checked) -> None:
        key = self._settings.reveal("privacy_key")
        passed = protect(checked.passed, holding.contract, key)
        failed = protect_list_keys(checked.failed, holding.contract, key)
        holding.add(reading, replace(checked, passed=passed, failed=failed))

    def _known(self, contract: Contract, batch: list[Delivery]) -> set[tuple[str, str]]:
        """Return digest and name of those deliveries of the ledger that a delivery of the batch may repeat.

        The name belongs to the identity, because it can hold facts (a station): equal bytes from two stations are two deliveries.
        """
        rows = self._connection.execute(
            "select distinct sha256, source_name from lake.ledger.deliveries "
            "where feed = ? and source_name in (select unnest(?))",
            [contract.feed, list({delivery.source_name for delivery in batch})],
        ).fetchall()
        return {(str(digest), str(name)) for digest, name in rows}


def settle(connection: duckdb.DuckDBPyConnection, holding: HoldingArea) -> list[LedgerRow]:
    """Choose the doors of what is held, check the balance and write everything; call it inside the transaction."""
    choose_doors(connection, holding.contract)
    holding.pass_known()
    rows = holding.ledger_rows()
    for row in rows:
        row.require_balance()
    write(connection, holding, rows)
    return rows


def batches(
    deliveries: Iterable[Delivery], most_together: Callable[[Delivery], int] = lambda _: BATCH_DELIVERIES
) -> Iterator[list[Delivery]]:
    """Group deliveries, in their order, into transactions; `most_together` returns how many may share one with a delivery."""
    batch: list[Delivery] = []
    size, most = 0, BATCH_DELIVERIES
    for delivery in deliveries:
        most = min(most, most_together(delivery))
        if batch and (len(batch) >= most or size + delivery.bytes > BATCH_BYTES):
            yield batch
            batch, size, most = [], 0, most_together(delivery)
        batch.append(delivery)
        size += delivery.bytes
    if batch:
        yield batch


def load_feed(settings: Settings, contract: Contract) -> list[LedgerRow]:
    """Load what is new of one feed, on a connection of its own: the whole step, for a task or a command."""
    with connected(settings) as connection:
        return Loader(settings, connection, Landing(settings), Reference()).load_new(contract)


def load_feeds(settings: Settings, contracts: Iterable[Contract]) -> dict[str, list[LedgerRow]]:
    """Load what is new of several feeds, one after the other; raise the first error after all of them had their turn."""
    loaded: dict[str, list[LedgerRow]] = {}
    errors: list[LakehouseError] = []
    with connected(settings) as connection:
        loader = Loader(settings, connection, Landing(settings), Reference())
        for contract in contracts:
            try:
                loaded[contract.feed] = loader.load_new(contract)
            except LakehouseError as error:
                errors.append(error)
    if errors:
        raise errors[0]
    return loaded
