"""Which part of a delivery that is read again belongs to a repair: the records at its positions, and nothing else.

A delivery is read in its original context (its header, the name of its file, its sibling pieces), because many records mean nothing
without it; other positions were counted before, and are left out here. Each repaired position must leave again
with the weight it had in quarantine. If the pieces no longer add up, it stays there under a reason of its own:

* `no_record`: the text is no longer a record but a blank line or a comment. Nothing that was sent can be repaired away.
* `needs_other_pieces`: the record takes in pieces at positions that the repair does not name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from core.errors import LedgerError
from core.reference import Reference
from ingestion.formats.base import Pieces, Reading, empty_skipped, empty_unreadable
from ingestion.load.holding_area import FORMAT_GROUP, Refused
from ingestion.repair.repair_document import RepairDocument


@dataclass(frozen=True)
class Reread:
    """Records to check, what stays unread, and for each repaired position the position at which it leaves."""

    reading: Reading
    refused: list[Refused]
    doors: dict[int, int]


def mend_pieces(pieces: Pieces, chain: Sequence[RepairDocument]) -> Pieces:
    """Replace the text at the repaired positions, one repair after the other."""
    raws, problems = list(pieces.raws), dict(pieces.problems)
    for document in chain:
        for position in document.positions:
            index = position - pieces.first_position
            if 0 <= index < len(raws) and (mended := document.mend_text(position, raws[index])) is not None:
                raws[index], problem = mended
                problems.pop(index, None)
                if problem is not None:
                    problems[index] = problem
    return Pieces(pieces.first_position, raws, problems)


def mend_records(records: pl.DataFrame, chain: Sequence[RepairDocument], reference: Reference) -> pl.DataFrame:
    """Apply named repairs, one after the other, to records as they were read; an edited text replaces every repair before it."""
    mended = records
    for document in _since_last_edit(chain):
        if document.named is not None:
            absent = [name for name in document.named.columns() if name not in mended.columns]
            mended = mended.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in absent)
            mended = document.named.mend(mended, reference)
    return mended


def select_repaired(reading: Reading, pieces: int, texts: Mapping[int, str], weights: Mapping[int, int]) -> Reread:
    """Select from the reading of a block of `pieces` pieces what is at the positions of a repair.

    `texts` and `weights` hold, by repaired position of the block, the text that was read and the weight in quarantine. Raises LedgerError
    if the reading does not account for every piece of the block.
    """
    met = int(reading.records["_record_count"].sum()) + reading.unreadable.height + int(reading.skipped["pieces"].sum())
    if met != pieces:
        raise LedgerError(
            f"replay: expected {pieces} pieces to be read again, got {met}; nothing was committed, report it",
            pieces=pieces,
            met=met,
        )
    is_repaired = pl.col("_position").is_in(list(texts))
    records, unreadable = reading.records.filter(is_repaired), reading.unreadable.filter(is_repaired)
    doors = {position: position for position in (*records["_position"], *unreadable["_position"])}
    doors |= _parts_of_records(records, texts, doors)
    refused = [
        Refused(position, raw, weights[position], reason, group)
        for position, raw, reason, group in unreadable.select("_position", "_raw", "reason", "error_group").iter_rows()
    ]
    strange = {
        position
        for position, count in records.select("_position", "_record_count").iter_rows()
        if count != sum(weights[part] for part, door in doors.items() if door == position)
    }
    aside = {part: "needs_other_pieces" for part, door in doors.items() if door in strange}
    aside |= dict.fromkeys(texts.keys() - doors.keys(), "no_record")
    refused += [Refused(part, texts[part], weights[part], reason, FORMAT_GROUP) for part, reason in aside.items()]
    kept = records.filter(~pl.col("_position").is_in(list(strange)))
    return Reread(
        replace(reading, records=kept, unreadable=empty_unreadable(), skipped=empty_skipped()),
        refused,
        doors | {part: part for part in aside},
    )


def _since_last_edit(chain: Sequence[RepairDocument]) -> Sequence[RepairDocument]:
    edited = [number for number, document in enumerate(chain) if document.edits]
    return chain[edited[-1] + 1 :] if edited else chain


def _parts_of_records(records: pl.DataFrame, texts: Mapping[int, str], placed: Mapping[int, int]) -> dict[int, int]:
    """Return the positions without a record of their own that hold a later piece of an earlier record, with that record's position."""
    parts = {}
    for first, raw in records.filter(pl.col("_record_count") > 1).select("_position", "_raw").iter_rows():
        pieces = raw.split("\n")
        for position, text in texts.items():
            if position > first and position not in placed and text in pieces:
                parts[position] = first
    return parts
