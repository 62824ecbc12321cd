"""Withdraw a delivery that should never have been landed: a wrong file, a wrong agency.

It stays in the ledger: its bytes stay in landing, its row says `withdrawn`, and `lake.ledger.withdrawals` says by whom and why.
Everything else is as if it had never come: its records leave bronze and the quarantine, and so do those of their repairs. Later
deliveries were compared with it: a record that was a duplicate of one of its records is now the first, and one that contradicted it is no
longer a conflict. So its own load, and each later load or replay of the feed that had a duplicate or a conflict, is
written again without it, under its own name and time, by today's contract. All of it is one transaction: nobody sees the feed without
what was sent again.

The same bytes under the same name remain known: if they are fetched or landed again, they are a duplicate delivery and not loaded.
"""

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

import duckdb

from core.contract import Contract
from core.errors import UnknownNameError
from core.settings import Settings
from ingestion.collect.landing import Delivery
from ingestion.load.attempts import REASON
from ingestion.load.ledger import LedgerRow, Status
from ingestion.repair.repair_document import RepairDocument
from lake.lock import Lock
from lake.transaction import transaction

CONFLICT = "conflicting_version"

Repeat = Callable[[Contract, str, datetime, list[Delivery], Collection[str]], list[LedgerRow]]
RepeatReplay = Callable[[Contract, str, datetime, Collection[str], Collection[str]], list[LedgerRow]]


@dataclass(frozen=True)
class Landed:
    """A repair document and the object it came from."""

    delivery: Delivery
    sha256: str
    document: RepairDocument


@dataclass(frozen=True)
class _Load:
    """A load or a replay that is written again."""

    load_id: str
    loaded_at: datetime
    is_replay: bool


@dataclass(frozen=True)
class Withdrawer:
    """Withdraws deliveries of one feed, whose lock is held; `load` and `replay` write an earlier load or replay again."""

    settings: Settings
    connection: duckdb.DuckDBPyConnection
    contract: Contract
    lock: Lock
    load: Repeat
    replay: RepeatReplay

    def withdraw(self, landed: Landed) -> LedgerRow:
        """Withdraw the delivery that a document names, once; return the document's own ledger row.

        Raises UnknownNameError if the ledger has no such delivery.
        """
        delivery_id = landed.document.delivery_id
        load_id = f"{self.contract.feed}@{landed.delivery.delivery_id}"
        info = {"feed": self.contract.feed, "load_id": load_id}
        with transaction(self.connection, "lake", f"withdraw {delivery_id}", info):
            found = self.connection.execute(
                "select status, accepted, duplicate, quarantined, load_id, loaded_at from lake.ledger.deliveries "
                "where feed = ? and delivery_id = ? and status <> 'replayed'",
                [self.contract.feed, delivery_id],
            ).fetchone()
            if found is None:
                raise UnknownNameError(
                    f"{delivery_id}: expected a delivery of {self.contract.feed} in the ledger, got none; see `ioc ledger "
                    f"{self.contract.feed} --json`",
                    delivery_id=delivery_id,
                )
            if found[0] != Status.WITHDRAWN:
                self._withdraw(landed, found)
            row = self._row_of(landed, load_id)
            self.connection.execute(
                f"insert into lake.ledger.deliveries values ({', '.join('?' * len(row.values()))})", list(row.values())
            )
            self.lock.require_held()
        return row

    def _withdraw(self, landed: Landed, found: tuple[object, ...]) -> None:
        document = landed.document
        withdrawn = self._with_repairs(document.delivery_id)
        loads = self._loads_to_repeat(str(found[4]), found[5], withdrawn)
        books = self._books_of(loads, withdrawn)
        never_read = self._never_read()
        self._take_away(loads, withdrawn)
        for load in loads:
            deliveries = books[load.load_id]
            if not deliveries:
                continue
            if load.is_replay:
                ids = [delivery.delivery_id for delivery in deliveries]
                self.replay(self.contract, load.load_id, load.loaded_at, ids, never_read)
            else:
                self.load(self.contract, load.load_id, load.loaded_at, deliveries, never_read)
        self.connection.execute(
            "insert into lake.ledger.withdrawals values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                self.contract.feed,
                document.delivery_id,
                landed.delivery.delivery_id,
                document.repaired_by,
                document.repaired_at,
                document.why,
                *found[:4],
                [load.load_id for load in loads if not load.is_replay],
            ],
        )

    def _with_repairs(self, delivery_id: str) -> list[str]:
        """Return the delivery, the repair documents of its records, those of the records that these refused again, and so on."""
        rows = self.connection.execute(
            """
            with recursive withdrawn as (
                select $delivery as delivery_id
                union
                select repairs.repair_id
                from lake.quarantine.repairs as repairs
                inner join withdrawn using (delivery_id)
                where repairs.feed = $feed
            )
            select delivery_id from withdrawn
            """,
            {"feed": self.contract.feed, "delivery": delivery_id},
        ).fetchall()
        return [str(row[0]) for row in rows]

    def _loads_to_repeat(self, own: str, loaded_at: object, withdrawn: list[str]) -> list[_Load]:
        """Return its own load, and each later load or replay that had a duplicate or a conflict, or that repaired records of these.

        They come in their order; if the clock stands still, loads come before replays, by the first thing received.
        """
        rows = self.connection.execute(
            """
            with recursive later as (
                select deliveries.*,
                    duplicate > 0 or delivery_id in (
                        select delivery_id from lake.quarantine.records where feed = $feed and reason = $conflict
                    ) as is_touched
                from lake.ledger.deliveries as deliveries
                where feed = $feed and loaded_at >= $loaded_at and not list_contains($withdrawn, delivery_id)
                    and status <> 'withdrawn'
            ),
            repeated as (
                select load_id from later where is_touched or load_id = $own
                union
                select repairs.load_id
                from repeated
                inner join later using (load_id)
                inner join lake.quarantine.repairs as repairs using (feed, delivery_id)
            )
            select load_id, min(loaded_at), bool_and(status = 'replayed')
            from later
            semi join repeated using (load_id)
            group by load_id
            order by min(loaded_at), 3, min(received_at), load_id
            """,
            {
                "feed": self.contract.feed,
                "conflict": CONFLICT,
                "loaded_at": loaded_at,
                "withdrawn": withdrawn,
                "own": own,
            },
        ).fetchall()
        loads = [_Load(*row) for row in rows]
        return loads if any(load.load_id == own for load in loads) else [_Load(own, loaded_at, False), *loads]  # type: ignore[arg-type]

    def _books_of(self, loads: list[_Load], withdrawn: list[str]) -> dict[str, list[Delivery]]:
        """Return the deliveries, or repair documents, of each load in the order received, without those withdrawn."""
        rows = self.connection.execute(
            """
            select load_id, delivery_id, feed, object_key, source_name, received_at, bytes
            from lake.ledger.deliveries
            where feed = ? and list_contains(?, load_id) and not list_contains(?, delivery_id) and status <> 'withdrawn'
            order by object_key
            """,
            [self.contract.feed, [load.load_id for load in loads], withdrawn],
        ).fetchall()
        books: dict[str, list[Delivery]] = {load.load_id: [] for load in loads}
        for load_id, *facts in rows:
            books[load_id].append(Delivery(*facts))
        return books

    def _never_read(self) -> frozenset[str]:
        """Return the deliveries that brought their loads down; they are not read again."""
        rows = self.connection.execute(
            "select distinct delivery_id from lake.quarantine.records where feed = ? and reason = ?",
            [self.contract.feed, REASON],
        ).fetchall()
        return frozenset(str(row[0]) for row in rows)

    def _take_away(self, loads: list[_Load], withdrawn: list[str]) -> None:
        """Remove what the loads wrote, and everything that belongs to what is withdrawn except its rows in the ledger."""
        feed, of_loads = self.contract.feed, [load.load_id for load in loads]
        places = {"feed": feed, "loads": of_loads, "withdrawn": withdrawn}
        gone = "(list_contains($loads, load_id) or list_contains($withdrawn, delivery_id))"
        rows = self.connection.execute(
            """
            select delivery_id, skipped_reasons, accepted, duplicate, quarantined
            from lake.ledger.deliveries
            where feed = $feed and list_contains($withdrawn, delivery_id)
            """,
            {"feed": feed, "withdrawn": withdrawn},
        ).fetchall()
        self.connection.execute(
            f"delete from lake.bronze.{self.contract.table} "
            "where list_contains($loads, _load_id) or list_contains($withdrawn, _delivery_id)",
            {"loads": of_loads, "withdrawn": withdrawn},
        )
        self.connection.execute(f"delete from lake.quarantine.repairs where feed = $feed and {gone}", places)
        self.connection.execute(f"delete from lake.quarantine.records where feed = $feed and {gone}", places)
        self.connection.execute(
            "delete from lake.ledger.drift where feed = $feed and delivery_id in (select delivery_id from lake.ledger.deliveries "
            f"where feed = $feed and {gone})",
            places,
        )
        for table in ("rule_results", "object_results"):
            self.connection.execute(
                f"delete from lake.ledger.{table} where feed = $feed and list_contains($loads, load_id)",
                {"feed": feed, "loads": of_loads},
            )
        self.connection.execute(
            "delete from lake.ledger.deliveries where feed = $feed and list_contains($loads, load_id) "
            "and not list_contains($withdrawn, delivery_id) and status <> 'withdrawn'",
            places,
        )
        for delivery_id, reasons, accepted, duplicate, quarantined in rows:
            doors = {"accepted": accepted, "duplicate": duplicate, "quarantined": quarantined}
            skipped = json.loads(reasons) | {f"withdrawn_{door}": count for door, count in doors.items() if count}
            self.connection.execute(
                """
                update lake.ledger.deliveries
                set status = if(status = 'replayed', status, 'withdrawn'), skipped = pieces, skipped_reasons = ?, received = 0,
                    accepted = 0, duplicate = 0, quarantined = 0, first_event_at = null, last_event_at = null
                where feed = ? and delivery_id = ?
                """,
                [json.dumps(dict(sorted(skipped.items()))), feed, delivery_id],
            )

    def _row_of(self, landed: Landed, load_id: str) -> LedgerRow:
        """Return the ledger row of the document itself, which brings no records."""
        return LedgerRow(
            delivery=landed.delivery,
            sha256=landed.sha256,
            load_id=load_id,
            loaded_at=self.settings.clock(),
            status=Status.REPLAYED,
            pieces=0,
            skipped_reasons={},
            received=0,
            accepted=0,
            duplicate=0,
            quarantined=0,
            first_event_at=None,
            last_event_at=None,
        )
