"""What we tell an agency about each delivery: a receipt, computed from the ledger, which is the truth.

A receipt holds counts, names, positions and places, and nothing else of what was sent: the agency has its own bytes, and a position, or the
sheet and row of a workbook, finds the record in them. Its form is versioned (`docs/receipt.schema.json`): fields may be added to a
version, but none is removed or changes its meaning.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, date, datetime, time
from typing import Literal

import duckdb
from pydantic import BaseModel, ConfigDict, Field

from core.contract import Contract
from core.errors import UnknownNameError
from ingestion.formats.places import PLACE, ranges, told_places
from ingestion.load.drift import Change, Kind

SCHEMA = "ioc.receipt/1"


class Refusal(BaseModel):
    """Records of a delivery that are in quarantine for the same reason."""

    model_config = ConfigDict(frozen=True)

    reason: str = Field(description="the first rule that the records failed, or what could not be read")
    error_group: int = Field(description="error group 1 to 8 of letter 4856/BCA-TTDLQG")
    records: int
    positions: str = Field(description="pieces of the delivery from 1, as ranges: 2-5,9; 0 is the delivery as a whole")
    places: str | None = Field(
        default=None,
        description="where they stand in a workbook (sheet and row of Excel) or an archive (file and line): ChuyenCan!8-9,12",
        exclude_if=lambda places: places is None,
    )


class ColumnChange(BaseModel):
    """A column of the delivery that differs from the contract."""

    model_config = ConfigDict(frozen=True)

    column: str = Field(description="the contract's name, or the length of a name that the contract does not have")
    kind: Literal["added", "missing", "renamed", "retyped"]
    expected: str | None
    came: str | None = Field(
        description="the kind of the values, or the length of a name that the contract does not have"
    )
    records: int


class Withdrawn(BaseModel):
    """Says that a delivery should never have been landed; who withdrew it is kept in our ledger."""

    model_config = ConfigDict(frozen=True)

    at: datetime
    why: str


class Receipt(BaseModel):
    """What became of one delivery."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    schema_version: Literal["ioc.receipt/1"] = Field(default="ioc.receipt/1", alias="schema")
    delivery_id: str
    feed: str
    agency: str = Field(description="owner of the feed, by its contract")
    source_name: str = Field(description="the name that the source gave the delivery")
    sha256: str = Field(description="of the bytes as received")
    bytes: int
    received_at: datetime
    loaded_at: datetime
    load_id: str
    status: str = Field(description="loaded, duplicate_delivery, empty, unreadable or withdrawn")
    pieces: int = Field(description="smallest parts that delimit themselves: lines, objects, elements")
    skipped: dict[str, int] = Field(description="pieces that are no records, by reason")
    received: int
    accepted: int
    duplicate: int
    quarantined: int
    quarantine: tuple[Refusal, ...]
    columns: tuple[ColumnChange, ...] = Field(description="columns that are not the contract's")
    replayed: dict[str, int] = Field(
        default={}, description="quarantined records that a replay took up since, by outcome; none in the stored copy"
    )
    withdrawn: Withdrawn | None = Field(
        default=None, description="when and why the delivery was withdrawn; only present if it was"
    )
    is_balanced: bool = Field(
        description="received = accepted + duplicate + quarantined, and pieces = received + skipped"
    )

    def line(self) -> str:
        """Return the receipt as one line of JSON."""
        return self.model_dump_json(by_alias=True, exclude=set() if self.withdrawn else {"withdrawn"})

    def at_load(self) -> "Receipt":
        """Return the receipt as it was when the load had committed, without later repairs: the store keeps this form."""
        return self.model_copy(update={"replayed": {}})


def find_receipt(connection: duckdb.DuckDBPyConnection, contracts: Mapping[str, Contract], delivery_id: str) -> Receipt:
    """Compute the receipt of one delivery; raise UnknownNameError if the ledger has none with that id."""
    row = connection.execute(
        "select feed, load_id from lake.ledger.deliveries where delivery_id = ? and status <> 'replayed'", [delivery_id]
    ).fetchone()
    if row is None or row[0] not in contracts:
        raise UnknownNameError(
            f"{delivery_id}: expected a delivery in the ledger, got none; see `ioc ledger FEED --json`",
            delivery_id=delivery_id,
        )
    return next(receipts_of(connection, contracts[row[0]], [str(row[1])], delivery_id))


def loads_since(
    connection: duckdb.DuckDBPyConnection, contract: Contract, since: date | None
) -> list[tuple[str, date]]:
    """Return the loads of a feed that received deliveries, in their order, each with its day (UTC); all if `since` is None."""
    start = datetime.combine(since, time(), UTC) if since else None
    rows = connection.execute(
        """
        select load_id, min(loaded_at) as loaded_at
        from lake.ledger.deliveries
        where feed = ? and status <> 'replayed' and (?::timestamptz is null or loaded_at >= ?)
        group by load_id
        order by loaded_at, load_id
        """,
        [contract.feed, start, start],
    ).fetchall()
    return [(str(load_id), loaded_at.astimezone(UTC).date()) for load_id, loaded_at in rows]


def receipts_of(
    connection: duckdb.DuckDBPyConnection, contract: Contract, load_ids: Collection[str], only: str | None = None
) -> Iterator[Receipt]:
    """Compute the receipts of the deliveries of some loads, load by load and in the order received; only `only`, if it is given."""
    rows = connection.execute(
        """
        select delivery_id, source_name, sha256, bytes, received_at, load_id, loaded_at, status, pieces, skipped,
            skipped_reasons, received, accepted, duplicate, quarantined
        from lake.ledger.deliveries
        where feed = $feed and load_id in (select unnest($loads)) and status <> 'replayed'
            and delivery_id = coalesce($only, delivery_id)
        order by loaded_at, load_id, received_at, object_key
        """,
        {"feed": contract.feed, "loads": list(load_ids), "only": only},
    )
    names = [column[0] for column in rows.description or ()]
    deliveries = [dict(zip(names, row, strict=True)) for row in rows.fetchall()]
    ids = [str(facts["delivery_id"]) for facts in deliveries]
    refusals = _refusals(connection, contract, load_ids, ids)
    changes = _changes(connection, contract, ids)
    replayed = _replayed(connection, contract, ids)
    withdrawn = withdrawals_of(connection, contract, ids)
    for facts in deliveries:
        skipped, doors = facts.pop("skipped"), facts["accepted"] + facts["duplicate"] + facts["quarantined"]
        yield Receipt(
            **{
                **facts,
                "received_at": facts["received_at"].astimezone(UTC),
                "loaded_at": facts["loaded_at"].astimezone(UTC),
            },
            feed=contract.feed,
            agency=contract.owner,
            skipped=json.loads(facts["skipped_reasons"]),
            quarantine=tuple(refusals.get(facts["delivery_id"], ())),
            columns=tuple(changes.get(facts["delivery_id"], ())),
            replayed=replayed.get(facts["delivery_id"], {}),
            withdrawn=withdrawn.get(facts["delivery_id"]),
            is_balanced=facts["received"] == doors and facts["pieces"] == facts["received"] + skipped,
        )


def withdrawals_of(
    connection: duckdb.DuckDBPyConnection, contract: Contract, delivery_ids: Collection[str]
) -> dict[str, Withdrawn]:
    """Return when and why deliveries were withdrawn, by their id; the others are absent."""
    rows = connection.execute(
        "select delivery_id, withdrawn_at, why from lake.ledger.withdrawals where feed = ? and delivery_id in (select unnest(?))",
        [contract.feed, list(delivery_ids)],
    ).fetchall()
    return {str(delivery_id): Withdrawn(at=at.astimezone(UTC), why=why) for delivery_id, at, why in rows}


def _refusals(
    connection: duckdb.DuckDBPyConnection, contract: Contract, load_ids: Collection[str], delivery_ids: list[str]
) -> dict[str, list[Refusal]]:
    rows = connection.execute(
        """
        select delivery_id, reason, error_group, sum(record_count)::bigint, list(position),
            list(regexp_extract(raw, ?) order by position)
        from lake.quarantine.records
        where feed = ? and load_id in (select unnest(?)) and delivery_id in (select unnest(?))
        group by delivery_id, reason, error_group
        order by delivery_id, reason, error_group
        """,
        [PLACE, contract.feed, list(load_ids), delivery_ids],
    ).fetchall()
    found: dict[str, list[Refusal]] = {}
    for delivery_id, reason, group, records, positions, places in rows:
        refusal = Refusal(
            reason=reason,
            error_group=group,
            records=records,
            positions=ranges(positions),
            places=told_places(places),
        )
        found.setdefault(delivery_id, []).append(refusal)
    return found


def _changes(
    connection: duckdb.DuckDBPyConnection, contract: Contract, delivery_ids: list[str]
) -> dict[str, list[ColumnChange]]:
    rows = connection.execute(
        """
        select delivery_id, column_name, kind, expected, came, records
        from lake.ledger.drift
        where feed = ? and delivery_id in (select unnest(?))
        order by delivery_id, kind, column_name
        """,
        [contract.feed, delivery_ids],
    ).fetchall()
    found: dict[str, list[ColumnChange]] = {}
    for delivery_id, column, kind, expected, came, records in rows:
        told = Change(Kind(kind), column, expected, came, records).withheld()
        change = ColumnChange(column=told.column_name, kind=kind, expected=expected, came=told.came, records=records)
        found.setdefault(delivery_id, []).append(change)
    return found


def _replayed(
    connection: duckdb.DuckDBPyConnection, contract: Contract, delivery_ids: list[str]
) -> dict[str, dict[str, int]]:
    rows = connection.execute(
        """
        select delivery_id, outcome, count(*)
        from lake.quarantine.repairs
        where feed = ? and delivery_id in (select unnest(?))
        group by delivery_id, outcome
        order by delivery_id, outcome
        """,
        [contract.feed, delivery_ids],
    ).fetchall()
    found: dict[str, dict[str, int]] = {}
    for delivery_id, outcome, records in rows:
        found.setdefault(str(delivery_id), {})[str(outcome)] = int(records)
    return found
