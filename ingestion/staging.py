"""Where the records of a load wait until their door is known: temporary tables, the split, and what is written.

The split compares records by key and version (the contract's), with each other and with bronze: the first one is accepted, an equal
one later is a duplicate, a different one under the same key and version is a conflict and goes to quarantine (error group 3).
Equality is that of the typed columns, so that the order of keys in a JSON object does not matter.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Self

import duckdb
import polars as pl

from ingestion.checks import Checked, RuleResult
from ingestion.contract import Contract
from ingestion.errors import DeliveryError
from ingestion.formats.base import Reading
from ingestion.landing import Delivery
from ingestion.ledger import LedgerRow, Status
from lake.tables import LEDGER_DELIVERIES, LEDGER_RULE_RESULTS, QUARANTINE_RECORDS, bronze_columns

DUPLICATE_GROUP = 3
FORMAT_GROUP = 4


@dataclass
class Tally:
    """What is known of a delivery while it is read. Counts are pieces and records of the input, before the split."""

    delivery: Delivery
    sha256: str
    status: Status
    pieces: int = 0
    received: int = 0
    skipped_reasons: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class _Doors:
    accepted: int
    duplicate: int
    quarantined: int
    first_event_at: datetime | None
    last_event_at: datetime | None


class Staging:
    """The temporary tables of one load; leave the `with` block and they are gone."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, contract: Contract, load_id: str, now: datetime) -> None:
        self._connection = connection
        self._contract = contract
        self._load_id = load_id
        self._now = now
        self._results: dict[str, RuleResult] = {}
        self.tallies: dict[int, Tally] = {}

    def __enter__(self) -> Self:
        columns = ", ".join(f'"{column.name}" {column.physical_type}' for column in self._contract.columns)
        self._connection.execute(
            f"""
            create or replace temp table staged (
                _delivery uinteger, _position bigint, _raw varchar, _record_count bigint, {columns},
                _warnings varchar[], _content_hash ubigint)
            """
        )
        self._connection.execute(
            f"""
            create or replace temp table refused (
                _delivery uinteger, _position bigint, _raw varchar, _record_count bigint, reason varchar,
                error_group integer, failures {QUARANTINE_RECORDS["failures"]})
            """
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for table in ("staged", "refused", "verdicts", "delivered"):
            self._connection.execute(f"drop table if exists temp.{table}")

    def open(self, number: int, delivery: Delivery, sha256: str, *, is_known: bool) -> Tally:
        """Begin the books of a delivery; one whose bytes are known already is a duplicate delivery."""
        status = Status.DUPLICATE_DELIVERY if is_known else Status.LOADED
        self.tallies[number] = Tally(delivery, sha256, status)
        return self.tallies[number]

    def set_aside(self, tally: Tally, error: DeliveryError) -> None:
        """Quarantine a delivery that cannot be read: one record, whose text is the error and whose bytes stay in landing."""
        number = next(number for number, known in self.tallies.items() if known is tally)
        self._connection.execute("delete from staged where _delivery = ?", [number])
        self._connection.execute("delete from refused where _delivery = ?", [number])
        reason = str(error.values.get("reason", "unreadable_delivery"))
        self._connection.execute(
            "insert into refused values (?, 0, ?, 1, ?, ?, [{rule: ?, column_name: null, error_group: ?}])",
            [number, str(error), reason, FORMAT_GROUP, reason, FORMAT_GROUP],
        )
        tally.status, tally.pieces, tally.received = Status.UNREADABLE, 1, 1
        tally.skipped_reasons.clear()

    def add(self, reading: Reading, checked: Checked) -> None:
        """Put checked records and unreadable pieces into the temporary tables, and count what the reading held."""
        self._count(reading)
        self._add_results(checked, reading)
        columns = ", ".join(f'"{name}"' for name in self._contract.column_names)
        passed, failed, unreadable = checked.passed, checked.failed, reading.unreadable
        if passed.height:
            self._connection.register("passed", passed)
            self._connection.execute(
                f"""
                insert into staged
                select _delivery, _position, _raw, _record_count, {columns}, _warnings,
                    hash({columns})
                from passed
                """
            )
            self._connection.unregister("passed")
        if failed.height:
            self._connection.register("failed", failed)
            self._connection.execute(
                "insert into refused select _delivery, _position, _raw, _record_count, reason, error_group, failures from failed"
            )
            self._connection.unregister("failed")
        if unreadable.height:
            self._connection.register("unreadable", unreadable)
            self._connection.execute(
                """
                insert into refused
                select _delivery, _position, _raw, 1, reason, error_group,
                    [{rule: reason, column_name: null, error_group: error_group}]
                from unreadable
                """
            )
            self._connection.unregister("unreadable")

    def split(self) -> None:
        """Give each staged record its verdict: accepted, duplicate or conflict. Call it inside the transaction."""
        identity = [*self._contract.key, *([self._contract.version] if self._contract.version else [])]
        by = ", ".join(f'"{name}"' for name in identity)
        same = " and ".join(f'bronze."{name}" is not distinct from staged."{name}"' for name in identity)
        self._connection.execute(
            f"""
            create or replace temp table verdicts as
            with bronze as (
                select {by}, _content_hash from lake.bronze.{self._contract.table} {self._span(identity)}
            ),
            ordered as (
                select *,
                    row_number() over same_record as place,
                    first_value(_content_hash) over same_record as first_hash
                from staged
                window same_record as (partition by {by} order by _delivery, _position)
            )
            select
                staged._delivery,
                staged._position,
                staged._record_count,
                case
                    when coalesce(bronze._content_hash, staged.first_hash) <> staged._content_hash then 'conflict'
                    when bronze._content_hash is not null or staged.place > 1 then 'duplicate'
                    else 'accepted'
                end as verdict,
                staged."{self._contract.event_time}" as event_at
            from ordered as staged
            left join bronze on {same}
            """
        )
        self._compare_conflicts(same)
        self._connection.execute(
            """
            insert into refused
            select
                _delivery, _position, staged._raw, staged._record_count, 'conflicting_version', ?,
                [{rule: 'conflicting_version', column_name: null, error_group: ?}]
            from staged
            inner join verdicts using (_delivery, _position)
            where verdict = 'conflict'
            """,
            [DUPLICATE_GROUP, DUPLICATE_GROUP],
        )

    def _compare_conflicts(self, same: str) -> None:
        """Look at the columns themselves where hashes differ: the engine may change its hash from one version to the next."""
        equal = " and ".join(
            f'bronze."{name}" is not distinct from staged."{name}"' for name in self._contract.column_names
        )
        conflicts = self._connection.execute("select count(*) from verdicts where verdict = 'conflict'").fetchone()
        if conflicts and conflicts[0]:
            self._connection.execute(
                f"""
                update verdicts set verdict = 'duplicate'
                where verdict = 'conflict' and (_delivery, _position) in (
                    select (staged._delivery, staged._position)
                    from staged
                    inner join verdicts using (_delivery, _position)
                    inner join lake.bronze.{self._contract.table} as bronze on {same} and {equal}
                    where verdicts.verdict = 'conflict'
                )
                """
            )

    def ledger_rows(self) -> list[LedgerRow]:
        """Give the ledger row of every delivery, its doors counted in the tables."""
        doors = self._doors()
        nothing = _Doors(0, 0, 0, None, None)
        rows = []
        for number, tally in self.tallies.items():
            counted = doors.get(number, nothing)
            is_empty = tally.status is Status.LOADED and tally.received == 0
            rows.append(
                LedgerRow(
                    delivery=tally.delivery,
                    sha256=tally.sha256,
                    load_id=self._load_id,
                    loaded_at=self._now,
                    status=Status.EMPTY if is_empty else tally.status,
                    pieces=tally.pieces,
                    skipped_reasons=dict(tally.skipped_reasons),
                    received=tally.received,
                    accepted=counted.accepted,
                    duplicate=counted.duplicate,
                    quarantined=counted.quarantined,
                    first_event_at=counted.first_event_at,
                    last_event_at=counted.last_event_at,
                )
            )
        return rows

    def write(self, rows: list[LedgerRow]) -> None:
        """Write bronze, quarantine, rule results and ledger. Call it inside the transaction, after the books balanced."""
        table = self._contract.table
        delivered = pl.DataFrame(
            {
                "_delivery": list(self.tallies),
                "delivery_id": [tally.delivery.delivery_id for tally in self.tallies.values()],
                "received_at": [tally.delivery.received_at for tally in self.tallies.values()],
            },
            schema={"_delivery": pl.UInt32, "delivery_id": pl.String, "received_at": pl.Datetime("us", "UTC")},
        )
        self._connection.register("delivered_frame", delivered)
        self._connection.execute("create or replace temp table delivered as from delivered_frame")
        self._connection.unregister("delivered_frame")
        columns = ", ".join(f'staged."{name}"' for name in self._contract.column_names)
        names = ", ".join(f'"{name}"' for name in bronze_columns(self._contract))
        self._connection.execute(
            f"""
            insert into lake.bronze.{table} ({names})
            select {columns}, delivered.delivery_id, staged._position, staged._record_count, staged._content_hash,
                staged._warnings, delivered.received_at, ?, ?
            from staged
            inner join verdicts using (_delivery, _position)
            inner join delivered using (_delivery)
            where verdict = 'accepted'
            """,
            [self._now, self._load_id],
        )
        self._connection.execute(
            """
            insert into lake.quarantine.records
            select ?, delivered.delivery_id, refused._position, refused._raw, refused._record_count, refused.reason,
                refused.error_group, refused.failures, ?, ?
            from refused
            inner join delivered using (_delivery)
            """,
            [self._contract.feed, self._now, self._load_id],
        )
        self._insert("lake.ledger.deliveries", LEDGER_DELIVERIES, [row.values() for row in rows])
        self._insert("lake.ledger.rule_results", LEDGER_RULE_RESULTS, self._result_values(rows))

    def _insert(self, table: str, columns: dict[str, str], rows: list[tuple[object, ...]]) -> None:
        if not rows:
            return
        frame = pl.DataFrame(rows, schema=list(columns), orient="row", infer_schema_length=None)
        self._connection.register("rows_frame", frame)
        self._connection.execute(f"insert into {table} select * from rows_frame")
        self._connection.unregister("rows_frame")

    def _doors(self) -> dict[int, _Doors]:
        rows = self._connection.execute(
            """
            with doors as (
                select _delivery, verdict as door, _record_count, event_at from verdicts where verdict <> 'conflict'
                union all
                select _delivery, 'quarantined', _record_count, null from refused
            )
            select
                _delivery,
                coalesce(sum(_record_count) filter (door = 'accepted'), 0)::bigint,
                coalesce(sum(_record_count) filter (door = 'duplicate'), 0)::bigint,
                coalesce(sum(_record_count) filter (door = 'quarantined'), 0)::bigint,
                min(event_at),
                max(event_at)
            from doors
            group by _delivery
            """
        ).fetchall()
        return {row[0]: _Doors(*row[1:]) for row in rows}

    def _span(self, identity: list[str]) -> str:
        """Narrow the look into bronze to the batch's span of event time, where event time is part of what is compared."""
        name = self._contract.event_time
        if name not in identity:
            return ""
        row = self._connection.execute(
            f'select min("{name}")::varchar, max("{name}")::varchar, count(*) filter ("{name}" is null) from staged'
        ).fetchone()
        if row is None or row[0] is None:
            return f'where "{name}" is null'
        missing = f'or "{name}" is null' if row[2] else ""
        return f"where \"{name}\" between '{row[0]}'::timestamptz and '{row[1]}'::timestamptz {missing}"

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
            RuleResult(reason, None, group, is_identifier=False, evaluated=pieces, failed=pieces)
            for reason, group, pieces in reading.unreadable.filter(pl.col("error_group") != FORMAT_GROUP)
            .group_by("reason", "error_group", maintain_order=True)
            .len()
            .iter_rows()
        ]
        for result in (*checked.results, well_formed, *others):
            before = self._results.get(result.rule)
            self._results[result.rule] = result if before is None else before.plus(result)

    def _result_values(self, rows: list[LedgerRow]) -> list[tuple[object, ...]]:
        counted = self._connection.execute(
            "select count(*), count(*) filter (verdict <> 'accepted') from verdicts"
        ).fetchone()
        staged, repeated = counted or (0, 0)
        unique = RuleResult("unique_record", None, DUPLICATE_GROUP, False, staged, repeated)
        results = [*self._results.values(), unique] if any(row.received for row in rows) else []
        return [
            (
                self._load_id,
                self._contract.feed,
                result.rule,
                result.column_name,
                result.error_group,
                result.axis.value,
                result.is_identifier,
                result.evaluated,
                result.failed,
                self._now,
            )
            for result in results
        ]


def _sums(frame: pl.DataFrame, amount: pl.Expr) -> list[tuple[int, int]]:
    return [(int(number), int(total)) for number, total in frame.group_by("_delivery").agg(amount).iter_rows()]
