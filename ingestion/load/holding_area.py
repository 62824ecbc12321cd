"""Where the records of a load wait until their door is known: temporary tables, and the counts of each delivery.

`held` holds what passed its checks, `refused` what goes to quarantine; both name the delivery by its number in the load.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Self

import duckdb
import polars as pl

from core.contract import Contract
from core.errors import DeliveryError
from ingestion.collect.landing import Delivery
from ingestion.formats.base import Reading
from ingestion.load.checks import Checked, RuleResult
from ingestion.load.doors import DUPLICATE_GROUP, Doors, count_doors
from ingestion.load.drift import Change, changes_of, explained, joined
from ingestion.load.ledger import LedgerRow, Status
from lake.tables import QUARANTINE_RECORDS

FORMAT_GROUP = 4


UNREAD_SCHEMA: dict[str, pl.DataType] = {
    "_delivery": pl.UInt32(),
    "_position": pl.Int64(),
    "_raw": pl.String(),
    "_record_count": pl.Int64(),
    "reason": pl.String(),
    "error_group": pl.Int32(),
}
"""The form of what goes to quarantine unchecked."""


@dataclass
class Tally:
    """What is known about a delivery while it is read. Counts are pieces and records of the input, before the doors.

    `origin` is the delivery that brought the records: the delivery itself, or for a repair document the one it repairs.
    """

    delivery: Delivery
    sha256: str
    status: Status
    origin: Delivery
    is_unreadable: bool = False
    pieces: int = 0
    received: int = 0
    skipped_reasons: Counter[str] = field(default_factory=Counter)
    changes: list[Change] = field(default_factory=list)


@dataclass(frozen=True)
class Refused:
    """A record that was not read; `weight` counts its pieces."""

    position: int
    raw: str
    weight: int
    reason: str
    error_group: int


class HoldingArea:
    """The temporary tables of one load; they are dropped at the end of the `with` block."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, contract: Contract, load_id: str, now: datetime) -> None:
        self._connection = connection
        self.contract = contract
        self.load_id = load_id
        self.now = now
        self._results: dict[str, RuleResult] = {}
        self._known: list[tuple[int, int, int]] = []
        self.tallies: dict[int, Tally] = {}

    def __enter__(self) -> Self:
        columns = ", ".join(f'"{column.name}" {column.physical_type}' for column in self.contract.columns)
        self._connection.execute(
            f"""
            create or replace temp table held (
                _delivery uinteger, _position bigint, _raw varchar, _record_count bigint, {columns},
                _warnings varchar[], _content_hash ubigint)
            """
        )
        self._connection.execute(
            f"""
            create or replace temp table refused (
                _delivery uinteger, _position bigint, _raw varchar, _record_count bigint, reason varchar,
                error_group integer, failures {QUARANTINE_RECORDS["failures"]}, object_id varchar, event_at timestamptz,
                slot_at timestamptz, list_key varchar[])
            """
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for table in ("held", "refused", "verdicts", "delivered", "replayed"):
            self._connection.execute(f"drop table if exists temp.{table}")

    def open(self, number: int, delivery: Delivery, sha256: str, *, is_known: bool) -> Tally:
        """Begin the ledger row of a delivery; one whose bytes are known already is a duplicate delivery."""
        status = Status.DUPLICATE_DELIVERY if is_known else Status.LOADED
        self.tallies[number] = Tally(delivery, sha256, status, delivery)
        return self.tallies[number]

    def open_replay(self, number: int, document: Delivery, sha256: str, origin: Delivery) -> Tally:
        """Begin the ledger row of a repair document, which takes records of `origin` through the doors again."""
        self.tallies[number] = Tally(document, sha256, Status.REPLAYED, origin)
        return self.tallies[number]

    def set_aside(self, tally: Tally, error: DeliveryError) -> None:
        """Quarantine a delivery that cannot be read, as one record: its text is the error, and its bytes stay in landing."""
        error = explained(error, self.contract, tally.pieces)
        self.forget(tally)
        self.refuse(tally, [Refused(0, str(error), 1, reason_of(error), FORMAT_GROUP)])
        tally.is_unreadable, tally.pieces = True, 1
        tally.skipped_reasons.clear()
        tally.changes = changes_of(error)
        if tally.status is Status.LOADED:
            tally.status = Status.UNREADABLE

    def forget(self, tally: Tally) -> None:
        """Discard the records of a delivery."""
        number = self._number_of(tally)
        self._connection.execute("delete from held where _delivery = ?", [number])
        self._connection.execute("delete from refused where _delivery = ?", [number])
        tally.received = 0

    def refuse(self, tally: Tally, refused: Iterable[Refused]) -> None:
        """Put records that no check has seen into quarantine."""
        number = self._number_of(tally)
        rows = [(number, one.position, one.raw, one.weight, one.reason, one.error_group) for one in refused]
        self._connection.register("unread", pl.DataFrame(rows, schema=UNREAD_SCHEMA, orient="row"))
        self._connection.execute(
            """
            insert into refused by name
            select *, [{rule: reason, column_name: null, error_group: error_group}] as failures
            from unread
            """
        )
        self._connection.unregister("unread")
        tally.received += sum(row[3] for row in rows)

    def take_as_known(self, tally: Tally, weights: Mapping[int, int]) -> None:
        """Count records, by position, that came in another delivery and need not be read; `weights` counts their pieces."""
        number = self._number_of(tally)
        self._known += [(number, position, weight) for position, weight in weights.items()]
        tally.received += sum(weights.values())

    def pass_known(self) -> None:
        """Let the records taken as known leave by the door of duplicates. Call it after `choose_doors`."""
        if self._known:
            self._connection.executemany("insert into verdicts values (?, ?, ?, 'duplicate', null)", self._known)

    def _number_of(self, tally: Tally) -> int:
        return next(number for number, known in self.tallies.items() if known is tally)

    def add(self, reading: Reading, checked: Checked) -> None:
        """Put checked records and unreadable pieces into the temporary tables, and count them."""
        self._count(reading)
        self._add_results(checked, reading)
        columns = ", ".join(f'"{name}"' for name in self.contract.column_names)
        passed, failed, unreadable = checked.passed, checked.failed, reading.unreadable
        if passed.height:
            self._connection.register("passed", passed)
            self._connection.execute(
                f"""
                insert into held
                select _delivery, _position, _raw, _record_count, {columns}, _warnings,
                    hash({columns})
                from passed
                """
            )
            self._connection.unregister("passed")
        if failed.height:
            self._connection.register("failed", failed)
            self._connection.execute(
                "insert into refused select _delivery, _position, _raw, _record_count, reason, error_group, failures, "
                "object_id, event_at, slot_at, list_key from failed"
            )
            self._connection.unregister("failed")
        if unreadable.height:
            self._connection.register("unreadable", unreadable)
            self._connection.execute(
                """
                insert into refused
                select _delivery, _position, _raw, 1, reason, error_group,
                    [{rule: reason, column_name: null, error_group: error_group}], null, null, null, null
                from unreadable
                """
            )
            self._connection.unregister("unreadable")

    def report(self, changes: dict[int, list[Change]]) -> None:
        """Record the columns of deliveries that differ from the contract without stopping them."""
        for number, found in changes.items():
            self.tallies[number].changes = joined(self.tallies[number].changes, found)

    def ledger_rows(self) -> list[LedgerRow]:
        """Return the ledger row of every delivery, its doors counted in the tables."""
        doors = count_doors(self._connection)
        nothing = Doors(0, 0, 0, None, None)
        rows = []
        for number, tally in self.tallies.items():
            counted = doors.get(number, nothing)
            is_empty = tally.status is Status.LOADED and tally.received == 0
            rows.append(
                LedgerRow(
                    delivery=tally.delivery,
                    sha256=tally.sha256,
                    load_id=self.load_id,
                    loaded_at=self.now,
                    status=Status.EMPTY if is_empty else tally.status,
                    pieces=tally.pieces,
                    skipped_reasons=dict(tally.skipped_reasons),
                    received=tally.received,
                    accepted=counted.accepted,
                    duplicate=counted.duplicate,
                    quarantined=counted.quarantined,
                    first_event_at=counted.first_event_at,
                    last_event_at=counted.last_event_at,
                    changes=tuple(tally.changes),
                )
            )
        return rows

    def rule_results(self, rows: list[LedgerRow]) -> list[tuple[object, ...]]:
        """Return the results of each rule over the load, as rows of the ledger's `rule_results`.

        There are none for a load that received nothing, nor for a replay: a repair does not improve what the agency sent.
        """
        counted = self._connection.execute(
            "select count(*), count(*) filter (verdict <> 'accepted') from verdicts"
        ).fetchone()
        held, repeated = counted or (0, 0)
        unique = RuleResult("unique_record", None, DUPLICATE_GROUP, False, held, repeated)
        is_sent = any(row.received for row in rows if row.status is not Status.REPLAYED)
        results = [*self._results.values(), unique] if is_sent else []
        return [
            (
                self.load_id,
                self.contract.feed,
                result.rule,
                result.column_name,
                result.error_group,
                result.axis.value,
                result.is_identifier,
                result.evaluated,
                result.failed,
                self.now,
            )
            for result in results
        ]

    def _count(self, reading: Reading) -> None:
        for number, records in _sums(reading.records, pl.col("_record_count").sum()):
            self.tallies[number].received += records
        for number, pieces in _sums(reading.unreadable, pl.len()):
            self.tallies[number].received += pieces
        for number, reason, pieces in reading.skipped.iter_rows():
            self.tallies[number].skipped_reasons[reason] += pieces

    def _add_results(self, checked: Checked, reading: Reading) -> None:
        well_formed = RuleResult(
            "well_formed",
            None,
            FORMAT_GROUP,
            is_identifier=False,
            evaluated=reading.records.height + reading.unreadable.height,
            failed=reading.unreadable.filter(pl.col("error_group") == FORMAT_GROUP).height,
        )
        others = [
            RuleResult(reason, None, group, False, evaluated=reading.records.height + pieces, failed=pieces)
            for reason, group, pieces in reading.unreadable.filter(pl.col("error_group") != FORMAT_GROUP)
            .group_by("reason", "error_group", maintain_order=True)
            .len()
            .iter_rows()
        ]
        for result in (*checked.results, well_formed, *others):
            before = self._results.get(result.rule)
            self._results[result.rule] = result if before is None else before.plus(result)


def reason_of(error: DeliveryError) -> str:
    """Return the reason under which a delivery goes to quarantine."""
    return str(error.values.get("reason", "unreadable_delivery"))


def _sums(frame: pl.DataFrame, amount: pl.Expr) -> list[tuple[int, int]]:
    return [(int(number), int(total)) for number, total in frame.group_by("_delivery").agg(amount).iter_rows()]
