"""Where one record of a delivery went.

Bronze and quarantine know the delivery and position of what they hold. A piece that is in neither was a duplicate or was skipped, and only
the number of those is kept: the delivery is read again from landing, through its format and checks, and compared with bronze. Nothing
is written. It is read by today's contract: if that has changed since, the answer says what would happen to the record now.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime

import duckdb
import polars as pl

from core.contract import Contract
from core.errors import DeliveryError, UnknownNameError
from core.reference import Reference
from core.settings import Settings
from ingestion.collect.landing import Delivery, Landing
from ingestion.formats.base import Envelope, Pieces, Reading, join_pieces
from ingestion.formats.places import place_of
from ingestion.formats.registry import find_format, split_delivery
from ingestion.load.checks import check
from ingestion.load.privacy import SHOWN, protect
from ingestion.receipts.receipts import withdrawals_of


@dataclass(frozen=True)
class Traced:
    """A delivery of the ledger that is to be traced."""

    delivery: Delivery
    status: str
    pieces: int
    sha256: str
    skipped_reasons: Mapping[str, int]
    loaded_at: datetime

    @property
    def source_name(self) -> str:
        """The name of the source's file."""
        return self.delivery.source_name


@dataclass(frozen=True)
class Way:
    """By which door a piece left, and what is known about it there; `key` holds no personal value.

    `place` is where it is found in its sender's own terms, in deliveries that have rows or lines of their own (`ChuyenCan!8`); it is not
    known for an accepted piece.
    """

    feed: str
    delivery_id: str
    source_name: str
    position: int
    door: str
    place: str | None = None
    reason: str | None = None
    error_group: int | None = None
    rules: tuple[str, ...] | None = None
    first_position: int | None = None
    key: Mapping[str, str | None] | None = None
    state: str | None = None
    superseded_by: str | None = None
    duplicate_of: str | None = None
    load_id: str | None = None
    replay: str | None = None
    raw: str | None = None

    def facts(self) -> dict[str, object]:
        """Return it as a mapping; what does not apply is None."""
        return asdict(self)


def find_delivery(
    connection: duckdb.DuckDBPyConnection, contract: Contract, name: str, received: date | None = None
) -> Traced:
    """Find one delivery by its id, the beginning of it, or its source's name; raise UnknownNameError unless there is exactly one."""
    rows = connection.execute(
        """
        select delivery_id, object_key, source_name, received_at, bytes, status, pieces, sha256, skipped_reasons, loaded_at
        from lake.ledger.deliveries
        where feed = $feed and status <> 'replayed' and (starts_with(delivery_id, $name) or source_name = $name)
            and ($received::date is null or (received_at at time zone 'UTC')::date = $received)
        order by delivery_id = $name desc, received_at
        """,
        {"feed": contract.feed, "name": name, "received": received},
    ).fetchall()
    on = f" received on {received}" if received else ""
    if not rows:
        raise UnknownNameError(
            f"{name}: expected a delivery of {contract.feed}{on} in the ledger, got none; see `ioc ledger {contract.feed}`"
        )
    if len(rows) > 1 and rows[0][0] != name:
        ids = ", ".join(row[0] for row in rows[:5])
        raise UnknownNameError(
            f"{name}: expected one delivery of {contract.feed}{on}, got {len(rows)}: {ids}{' …' if len(rows) > 5 else ''}; "
            "give the id, or --received with the day",
            found=len(rows),
        )
    delivery_id, key, source, at, size, status, pieces, digest, reasons, loaded_at = rows[0]
    delivery = Delivery(delivery_id, contract.feed, key, source, at, size)
    return Traced(delivery, status, pieces, digest, json.loads(reasons), loaded_at)


def trace_piece(
    settings: Settings,
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    traced: Traced,
    position: int,
    *,
    with_raw: bool = False,
) -> Way:
    """Return where a piece went; raise UnknownNameError if the delivery has no such position."""
    tracer = _Tracer(settings, connection, contract, traced)
    way = tracer.find(position)
    return replace(way, raw=tracer.raw(position)) if with_raw else way


class _Tracer:
    def __init__(
        self, settings: Settings, connection: duckdb.DuckDBPyConnection, contract: Contract, traced: Traced
    ) -> None:
        self._settings = settings
        self._connection = connection
        self._contract = contract
        self._traced = traced
        self._blocks: list[Pieces] | None = None

    def find(self, position: int) -> Way:
        traced = self._traced
        way = Way(self._contract.feed, traced.delivery.delivery_id, traced.source_name, position, "")
        if traced.status == "duplicate_delivery":
            return self._repeated(way, position)
        if traced.status == "unreadable":
            return self._quarantined(way, 0) or replace(way, door="unknown")
        self._require_position(position, traced.pieces)
        if traced.status == "withdrawn":
            told = withdrawals_of(self._connection, self._contract, [way.delivery_id])
            return replace(way, door="withdrawn", reason=told[way.delivery_id].why)
        return self._quarantined(way, position) or self._accepted(way, position) or self._read_again(way, position)

    def raw(self, position: int) -> str | None:
        """Return the text of a piece as the format cut it, or None if the delivery cannot be cut."""
        try:
            block, index = self._block_of(position)
        except (DeliveryError, UnknownNameError):
            return None
        return str(block.raws[index])

    def _quarantined(self, way: Way, position: int) -> Way | None:
        row = self._connection.execute(
            """
            select reason, error_group, list_transform(failures, lambda failure: failure.rule), load_id, raw
            from lake.quarantine.records
            where feed = ? and delivery_id = ? and position = ?
            order by quarantined_at
            limit 1
            """,
            [way.feed, way.delivery_id, position],
        ).fetchone()
        if row is None:
            return None
        replays = self._connection.execute(
            """
            select repair || ' by ' || repair_id || ': ' || outcome
            from lake.quarantine.repairs
            where feed = ? and delivery_id = ? and position = ?
            order by replayed_at
            """,
            [way.feed, way.delivery_id, position],
        ).fetchall()
        way = replace(way, replay="; ".join(str(replay) for (replay,) in replays) or None)
        return replace(
            way,
            door="quarantined",
            place=place_of(row[4]),
            reason=row[0],
            error_group=row[1],
            rules=tuple(row[2]),
            load_id=row[3],
        )

    def _accepted(self, way: Way, position: int) -> Way | None:
        contract = self._contract
        same = " and ".join(f'newer."{name}" is not distinct from mine."{name}"' for name in contract.key)
        order = [f'"{contract.version}"'] if contract.version else []
        order += ["_received_at", "_delivery_id", "_position"]
        keys = ", ".join(f'"{name}"::varchar' for name in contract.key)
        table = f"lake.bronze.{contract.table}"
        row = self._connection.execute(
            f"select _load_id, {keys} from {table} where _delivery_id = ? and _position = ?",
            [way.delivery_id, position],
        ).fetchone()
        if row is None:
            return None
        mine, newer = (f"({', '.join(f'{one}.{name}' for name in order)})" for one in ("mine", "newer"))
        later = self._connection.execute(
            f"""
            select newer._delivery_id, newer._position
            from {table} as mine
            inner join {table} as newer on {same} and {newer} > {mine}
            where mine._delivery_id = ? and mine._position = ?
            order by {newer}
            limit 1
            """,
            [way.delivery_id, position],
        ).fetchone()
        return replace(
            way,
            door="accepted",
            key=self._shown(list(row[1:])),
            state="superseded" if later else "current",
            superseded_by=f"{later[0]}:{later[1]}" if later else None,
            load_id=row[0],
        )

    def _shown(self, values: list[object]) -> dict[str, str | None]:
        """Return the key, with the values that must not be shown replaced."""
        shown = {}
        for name, value in zip(self._contract.key, values, strict=True):
            may_be_seen = self._contract.column(name).classification in SHOWN
            shown[name] = "(not shown)" if not may_be_seen else None if value is None else str(value)
        return shown

    def _repeated(self, way: Way, position: int) -> Way:
        row = self._connection.execute(
            """
            select delivery_id, status, pieces from lake.ledger.deliveries
            where feed = ? and sha256 = ? and source_name = ? and status not in ('duplicate_delivery', 'replayed')
            order by received_at
            limit 1
            """,
            [self._contract.feed, self._traced.sha256, self._traced.source_name],
        ).fetchone()
        if row is not None and row[1] != "unreadable":
            self._require_position(position, row[2])
        first = f"{row[0]}:{position}" if row else None
        return replace(way, door="duplicate", reason="duplicate_delivery", duplicate_of=first)

    def _require_position(self, position: int, pieces: int) -> None:
        if not 1 <= position <= pieces:
            raise UnknownNameError(
                f"{self._traced.delivery.delivery_id}: expected a position of the delivery, which has "
                f"{f'pieces 1 to {pieces}' if pieces else 'no pieces'}, got {position}; name another",
                position=position,
                pieces=pieces,
            )

    def _block_of(self, position: int) -> tuple[Pieces, int]:
        """Return the block of pieces that holds a position, and the position's index in it."""
        if self._blocks is None:
            delivery = self._traced.delivery
            content = Landing(self._settings).read(delivery)
            with content.stream:
                envelope = Envelope(delivery.source_name)
                self._blocks = list(split_delivery(self._contract, content.stream, envelope))
        for block in self._blocks:
            index = position - block.first_position
            if 0 <= index < len(block.raws):
                return block, index
        raise UnknownNameError(
            f"{self._traced.delivery.delivery_id}: expected a piece at position {position}, got none; name another position"
        )

    def _read(self, block: Pieces) -> Reading:
        envelope = Envelope(self._traced.source_name)
        return find_format(self._contract).read(join_pieces([(0, block)]), self._contract, {0: envelope})

    def _read_again(self, way: Way, position: int) -> Way:
        block, index = self._block_of(position)
        way = replace(way, place=place_of(str(block.raws[index])))
        reading = self._read(block)
        record = _record_at(reading.records, position, str(block.raws[index]))
        if record is None:
            return replace(way, door="skipped", reason=self._why_skipped(block, index, reading))
        first = int(record["_position"].item())
        if first != position:  # a later piece of a record made of several
            found = self._quarantined(way, first) or self._accepted(way, first)
            if found is not None:
                return replace(found, first_position=first)
        way = replace(way, first_position=first if first != position else None)
        return self._duplicate(way, record)

    def _duplicate(self, way: Way, record: pl.DataFrame) -> Way:
        contract = self._contract
        received = pl.lit(self._traced.delivery.received_at).cast(pl.Datetime("us", "UTC")).alias("received_at")
        passed = check(record.with_columns(received), contract, Reference()).passed
        passed = protect(passed, contract, self._settings.reveal("privacy_key"))
        identity = [*contract.key, *([contract.version] if contract.version else [])]
        same = " and ".join(f'bronze."{name}" is not distinct from mine."{name}"' for name in identity)
        keys = ", ".join(f'mine."{name}"::varchar' for name in contract.key)
        self._connection.register("mine", passed)
        try:
            row = self._connection.execute(
                f"""
                select bronze._delivery_id, bronze._position, {keys}
                from mine
                inner join lake.bronze.{contract.table} as bronze on {same}
                order by bronze._received_at, bronze._position
                limit 1
                """
            ).fetchone()
        finally:
            self._connection.unregister("mine")
        if row is None:
            return replace(way, door="unknown", reason="today's contract reads it differently; see the ledger's counts")
        delivery_id, first, *values = row
        return replace(way, door="duplicate", duplicate_of=f"{delivery_id}:{first}", key=self._shown(values))

    def _why_skipped(self, block: Pieces, index: int, reading: Reading) -> str:
        """Return the reason: the only one there is, or the one that is counted once less if the piece is left out."""
        reasons = list(self._traced.skipped_reasons)
        if len(reasons) == 1:
            return reasons[0]
        raws = [str(raw) for place, raw in enumerate(block.raws) if place != index]
        problems = {place - (place > index): name for place, name in block.problems.items() if place != index}
        before = dict(reading.skipped.select("reason", "pieces").iter_rows())
        try:
            after = dict(
                self._read(Pieces(block.first_position, raws, problems)).skipped.select("reason", "pieces").iter_rows()
            )
        except DeliveryError:
            after = {}
        fewer = [reason for reason in before if after.get(reason, 0) == before[reason] - 1] if after else []
        return fewer[0] if len(fewer) == 1 else f"one of: {', '.join(reasons)}"


def _record_at(records: pl.DataFrame, position: int, raw: str) -> pl.DataFrame | None:
    """Return the record that begins at a position, or the last one before it that holds the piece's text."""
    exact = records.filter(pl.col("_position") == position)
    if exact.height:
        return exact
    before = records.filter((pl.col("_position") < position) & (pl.col("_record_count") > 1))
    holding = before.filter(pl.col("_raw").str.split("\n").list.contains(raw)).sort("_position").tail(1)
    return holding if holding.height else None
