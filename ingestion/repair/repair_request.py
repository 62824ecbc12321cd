"""Asking for a repair: a repair document in landing for each delivery, and nothing else.

The records stay in quarantine until `ingestion/repair/replay.py` takes them through the load. Everything that can be known in advance is
checked before a byte is written: that the feed's contract has the columns, that there is something open to repair, that an edited line
belongs to a record.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

import msgspec

from core.contract import Contract
from core.errors import ConfigurationError
from core.reference import Reference
from ingestion.collect.landing import Delivery, Landing
from ingestion.repair.quarantine import QuarantinedRecord
from ingestion.repair.repair import NamedRepair, Withdraw
from ingestion.repair.repair_document import EDIT, WHOLE_DELIVERY, RepairDocument


@dataclass(frozen=True)
class Request:
    """Who asks for a repair, when and why."""

    by: str
    at: datetime
    why: str

    def __post_init__(self) -> None:
        if not self.by.strip() or not self.why.strip():
            raise ConfigurationError(
                "repair: expected the name of a person and a reason, got an empty one; say who repairs and why"
            )


class EditedRecord(msgspec.Struct):
    """One line of an edited export; the other fields of the line are there to be read only."""

    delivery_id: str
    position: int
    raw: str


def request_repair(
    landing: Landing, contract: Contract, records: list[QuarantinedRecord], repair: NamedRepair, request: Request
) -> list[Delivery]:
    """Ask for a named repair of open records; return the repair documents, one per delivery.

    Raises ContractError or ConfigurationError, before anything is written, if the repair does not fit the feed or no record is open.
    """
    if isinstance(repair, Withdraw):
        raise ConfigurationError(
            f"{contract.feed}: expected a repair of records, got the withdrawal of a delivery; say `ioc withdraw {contract.feed} DELIVERY`"
        )
    repair.require(contract, Reference())
    whole = [record for record in records if record.position == WHOLE_DELIVERY]
    if not records:
        raise ConfigurationError(
            f"{contract.feed}: expected open records to repair, got none; see `ioc quarantine list {contract.feed}`"
        )
    if whole and not repair.takes_whole:
        raise ConfigurationError(
            f"{contract.feed}: expected records for {repair.name}, got {len(whole)} deliveries that could not be read at all "
            f"(the first {whole[0].delivery_id}, {whole[0].reason}); land a corrected file and close them as resent, replay them as_is, "
            "or choose with --reason"
        )
    arguments = repair.model_dump(mode="json", exclude_none=True)
    return [_land(landing, contract, one) for one in _documents(records, request, repair.name, arguments, {})]


def request_edit(
    landing: Landing, contract: Contract, records: list[QuarantinedRecord], lines: Iterable[str], request: Request
) -> list[Delivery]:
    """Ask for the repair of open records whose raw text was edited in an export; unchanged lines ask for nothing.

    Raises ConfigurationError, before anything is written, for a line that is not a record of the export, for a record that is not open, and
    if nothing was edited.
    """
    edited = _read_edits(contract.feed, lines)
    known = {(record.delivery_id, record.position): record for record in records}
    for place in edited:
        if place not in known:
            raise ConfigurationError(
                f"{contract.feed}: expected an open record, got none in {place[0]} at position {place[1]}; export again"
            )
    changed = {place: raw for place, raw in edited.items() if raw != known[place].raw}
    meant = [known[place] for place in changed]
    for record in meant:
        if record.position == WHOLE_DELIVERY or record.record_count > 1:
            what = (
                "a delivery that could not be read"
                if record.position == WHOLE_DELIVERY
                else "a record of several pieces"
            )
            raise ConfigurationError(
                f"{contract.feed}: expected records of one piece, got {record.delivery_id} position {record.position}, "
                f"{what}; land a corrected file"
            )
    if not changed:
        raise ConfigurationError(
            f"{contract.feed}: expected edited records, got all {len(edited)} unchanged; edit `raw` in the export"
        )
    return [_land(landing, contract, one) for one in _documents(meant, request, EDIT, {}, changed)]


def request_withdrawal(
    landing: Landing, contract: Contract, delivery: Delivery, sha256: str, request: Request
) -> Delivery:
    """Ask for the withdrawal of a whole delivery; return the repair document for it."""
    document = RepairDocument(
        feed=contract.feed,
        delivery_id=delivery.delivery_id,
        object_key=delivery.object_key,
        sha256=sha256,
        size_bytes=delivery.bytes,
        repair=Withdraw.name,
        positions=(WHOLE_DELIVERY,),
        repaired_by=request.by,
        repaired_at=request.at,
        why=request.why,
    )
    return _land(landing, contract, document)


def _read_edits(feed: str, lines: Iterable[str]) -> dict[tuple[str, int], str]:
    edited: dict[tuple[str, int], str] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            one = msgspec.json.decode(line, type=EditedRecord)
        except (msgspec.DecodeError, UnicodeEncodeError) as error:
            raise ConfigurationError(
                f"{feed}: expected JSON with delivery_id, position and raw in line {number}, got something else; export again"
            ) from error
        if (one.delivery_id, one.position) in edited:
            raise ConfigurationError(
                f"{feed}: expected each record once, got {one.delivery_id} position {one.position} again (line {number}); remove one"
            )
        edited[one.delivery_id, one.position] = one.raw
    return edited


def _documents(
    records: list[QuarantinedRecord],
    request: Request,
    name: str,
    arguments: Mapping[str, str | int],
    edits: Mapping[tuple[str, int], str],
) -> list[RepairDocument]:
    ordered = sorted(records, key=lambda record: (record.delivery_id, record.position))
    documents = []
    for delivery_id, group in groupby(ordered, key=lambda record: record.delivery_id):
        members = list(group)
        documents.append(
            RepairDocument(
                feed=members[0].feed,
                delivery_id=delivery_id,
                object_key=members[0].object_key,
                sha256=members[0].sha256,
                size_bytes=members[0].size_bytes,
                repair=name,
                arguments=arguments,
                edits={place[1]: raw for place, raw in edits.items() if place[0] == delivery_id},
                positions=tuple(record.position for record in members),
                repaired_by=request.by,
                repaired_at=request.at,
                why=request.why,
            )
        )
    return documents


def _land(landing: Landing, contract: Contract, document: RepairDocument) -> Delivery:
    return landing.land_repair(contract, f"{document.repair}.json", document.to_bytes(), document.repaired_at)
