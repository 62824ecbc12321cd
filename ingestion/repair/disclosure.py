"""What may be seen of quarantined records, and who saw the rest.

A record in quarantine is kept as it was sent, and it can hold anything. Its columns are known if its delivery, read again from landing,
yields the very same text; then the contract decides, column by column:

* `open`, `internal`: the value as sent, if it passes the rules of its column. A value that fails a rule of its own column may be anybody's
  (names have been sent in the place of a code), so only its shape is shown: each digit as 9, each run of letters as x;
* `restricted`, `personal`: that there is a value.

Of text that is not a record, or that cannot be read again, the shape is shown. The message in the place of a delivery that was set
aside whole (position 0) is ours and holds nothing of what was sent.

Anybody who asks for the clear text gets it, after that was recorded in `lake.quarantine.reveals`: who, when, which records, which command.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

import duckdb
import polars as pl

from core.contract import Contract
from core.errors import DeliveryError, LedgerError
from core.settings import Settings
from ingestion.collect.landing import REPAIR_MARK, Landing, delivery_of
from ingestion.formats.base import Envelope, Pieces, join_pieces
from ingestion.formats.registry import find_format, split_delivery
from ingestion.load.privacy import MASK, SHOWN
from ingestion.repair.quarantine import QuarantinedRecord
from lake.lock import writing
from lake.transaction import transaction

LETTERS = re.compile(r"[^\W\d_][^\W\d_\u0300-\u036f]*")
DIGIT = re.compile(r"\d")

Values = Mapping[str, str]
"""Values by the name of their column; columns without a value are absent."""

Place = tuple[str, int]
"""A delivery's id and a position in it."""


@dataclass(frozen=True)
class Revealing:
    """A person's request to see records in the clear; `verb` is the command."""

    verb: str
    revealed_by: str
    revealed_at: datetime


def shape_of(text: str) -> str:
    """Return text of the same form that reveals nothing: each digit is 9, each run of letters x."""
    return DIGIT.sub("9", LETTERS.sub("x", unicodedata.normalize("NFC", text)))


def masked_records(
    landing: Landing, contract: Contract, records: Sequence[QuarantinedRecord]
) -> list[Mapping[str, str] | str]:
    """Return what may be seen of each record: its values by column, the failed ones first, or a text if its columns are not known."""
    values: dict[Place, Values] = {}
    for (delivery_id, key, size), group in groupby(
        sorted(records, key=lambda record: record.delivery_id),
        lambda one: (one.delivery_id, one.object_key, one.size_bytes),
    ):
        texts = {record.position: record.raw for record in group if record.position > 0}
        if texts and not delivery_id.startswith(REPAIR_MARK):
            found = _read_again(landing, contract, key, size, texts)
            values |= {(delivery_id, position): one for position, one in found.items()}
    return [seen_of(contract, record, values.get((record.delivery_id, record.position))) for record in records]


def seen_of(contract: Contract, record: QuarantinedRecord, values: Values | None) -> Mapping[str, str] | str:
    """Return what may be seen of a record whose columns hold `values`; None if they are not known."""
    if record.position == 0:
        return record.raw
    if values is None:
        return shape_of(record.raw)
    failed = [name for name in record.failed_columns if name is not None and name in values]
    names = dict.fromkeys([*failed, *(name for name in contract.column_names if name in values)])
    shown = {name: contract.column(name).classification in SHOWN for name in names}
    return {
        name: MASK if not shown[name] else shape_of(values[name]) if name in failed else values[name] for name in names
    }


def places_of(records: Iterable[QuarantinedRecord]) -> list[Place]:
    """Return the place of each record."""
    return [(record.delivery_id, record.position) for record in records]


def write_down(
    settings: Settings,
    connection: duckdb.DuckDBPyConnection,
    feed: str,
    places: Collection[Place],
    revealing: Revealing,
) -> None:
    """Record who is about to see which records. Call it before anything is shown: what cannot be recorded stays hidden."""
    if not places:
        return
    rows = pl.DataFrame(list(places), schema={"delivery_id": pl.String, "position": pl.Int64}, orient="row")
    info: dict[str, str | int] = {"feed": feed, "revealed_by": revealing.revealed_by, "records": len(rows)}
    with writing(settings, f"reveal {feed}") as lock, transaction(connection, "lake", f"reveal {feed}", info):
        connection.register("shown", rows)
        connection.execute(
            """
            insert into lake.quarantine.reveals by name
            select $feed as feed, delivery_id, position, $verb as verb, $by as revealed_by, $at::timestamptz as revealed_at
            from shown
            """,
            {"feed": feed, "verb": revealing.verb, "by": revealing.revealed_by, "at": revealing.revealed_at},
        )
        connection.unregister("shown")
        lock.require_held()


def _read_again(
    landing: Landing, contract: Contract, key: str, size: int, texts: Mapping[int, str]
) -> dict[int, Values]:
    """Read a delivery until the records at some positions are found; a record that came out with another text is left out."""
    found: dict[int, Values] = {}
    try:
        content = landing.read(delivery_of(key, size))
    except LedgerError:
        return found
    envelope = Envelope(content.delivery.source_name)
    with content.stream:
        try:
            for pieces in split_delivery(contract, content.stream, envelope):
                span = range(pieces.first_position, pieces.first_position + len(pieces.raws))
                if any(position in span for position in texts):
                    found |= _read_block(contract, envelope, pieces, texts)
                if span.stop > max(texts):
                    break
        except DeliveryError:
            return found
    return found


def _read_block(contract: Contract, envelope: Envelope, pieces: Pieces, texts: Mapping[int, str]) -> dict[int, Values]:
    reading = find_format(contract).read(join_pieces([(0, pieces)]), contract, {0: envelope})
    records = reading.records.filter(pl.col("_position").is_in(list(texts)))
    return {
        row["_position"]: _texts(contract.column_names, row)
        for row in records.iter_rows(named=True)
        if row["_raw"] == texts[row["_position"]]
    }


def _texts(names: Iterable[str], row: Mapping[str, object]) -> Values:
    return {name: str(row[name]) for name in names if row.get(name) not in (None, "")}
