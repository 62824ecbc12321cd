"""Health claims: the wrapper `GIAMDINHHS` with dossiers (`HOSO`) of inner files, decision 130/QĐ-BYT as amended by 4750 and 3176.

One inner file is one record, so that a bad one is quarantined alone and its siblings load. What a file must share with its siblings is
worked out here, where the whole dossier is at hand, and judged by the rules of the contract: the sums of the medicine and service lines
are set beside XML1's own totals, and for each child file the lines are counted whose claim is not the dossier's XML1. A sum is null if
one of its files could not be read: then there is nothing to judge.

The version of a file is its sending: the date of making and a digest of the whole dossier. So an equal dossier made on the same day
is a duplicate, a corrected one is a new version even on the same day, and of two sendings of one day the later arrival wins (silver orders
them by `_received_at` and `_position`). After sending A, then B, then A again on one day, B stays in force: A is known already.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal
from hashlib import blake2b
from itertools import groupby
from typing import BinaryIO

import polars as pl

from core.contract import Contract
from ingestion.formats.base import SKIPPED_SCHEMA, UNREADABLE_SCHEMA, Envelope, Pieces, Reading
from ingestion.formats.giamdinhhs_files import (
    AMOUNT,
    CAME,
    CHECK_IN,
    CLAIM,
    INSURED,
    KEPT,
    MEDICINES,
    RESTRICTED,
    SERVICES,
    InnerFile,
    read_file,
)
from ingestion.formats.giamdinhhs_wrapper import CONTEXT, cut_wrapper
from ingestion.formats.lines import FORMAT_ERROR

LOGIC_ERROR = 6
"""Error group 6 of letter 4856/BCA-TTDLQG: values that contradict each other."""

META = {"_delivery": pl.UInt32, "_position": pl.Int64, "_raw": pl.String, "_record_count": pl.Int64}
NOTHING = Decimal()

Piece = tuple[int, int, str, str | None]
Record = dict[str, object]


class Giamdinhhs:
    """Claims as base64 XML files in a wrapper."""

    def split(self, content: BinaryIO, envelope: Envelope) -> Iterator[Pieces]:  # noqa: ARG002
        """Cut a delivery into its files; raise DeliveryError for another document, a DOCTYPE or a head without end."""
        yield from cut_wrapper(content)

    def read(self, pieces: pl.DataFrame, contract: Contract, envelopes: Mapping[int, Envelope]) -> Reading:  # noqa: ARG002
        """Read files, each in the context of its dossier. Times and numbers stay text, sums are exact decimals as text."""
        wire = {c.wire_name: c.name for c in contract.columns if c.wire_name != c.name}
        records: list[Record] = []
        unreadable: list[tuple[int, int, str, str, int]] = []
        skipped: Counter[tuple[int, str]] = Counter()
        rows = pieces.select("_delivery", "_position", "_raw", "_problem").iter_rows()
        for dossier, members in groupby(rows, key=_dossier_of):
            if dossier is None:
                for delivery, position, raw, problem in members:
                    if problem:
                        group = LOGIC_ERROR if problem == "claim_count_differs" else FORMAT_ERROR
                        unreadable.append((delivery, position, raw, problem, group))
                    else:
                        skipped[delivery, "comment" if raw.startswith("<!--") else "head"] += 1
                continue
            files, problems, empty = _read_dossier(list(members), wire)
            records += files
            unreadable += problems
            skipped[dossier[0], "empty_dossier"] += empty
        schema = META | dict.fromkeys(contract.column_names, pl.String)
        return Reading(
            pl.DataFrame(records, schema=schema),
            pl.DataFrame(unreadable, schema=UNREADABLE_SCHEMA, orient="row"),
            pl.DataFrame(
                [(delivery, reason, count) for (delivery, reason), count in skipped.items() if count],
                schema=SKIPPED_SCHEMA,
                orient="row",
            ),
        )


def _dossier_of(piece: Piece) -> tuple[int, str] | None:
    delivery, _, raw, _ = piece
    found = CONTEXT.match(raw)
    return (delivery, found[3]) if found else None


def _read_dossier(
    members: list[Piece], wire: Mapping[str, str]
) -> tuple[list[Record], list[tuple[int, int, str, str, int]], int]:
    """Return the records of a dossier, its unreadable files, and 1 if it holds no file at all, else 0."""
    context = CONTEXT.match(members[0][2])
    facility, made = (context[1], context[2]) if context else ("", "")
    bodies = [raw.partition(">")[2] for _, _, raw, _ in members]
    if bodies == ["</HOSO>"]:
        return [], [], 1
    files = [
        InnerFile(read_file(raw).kind, problem=problem) if problem else read_file(raw) for _, _, raw, problem in members
    ]
    claim = next((file for file in files if file.kind == CLAIM and file.problem is None), None)
    claim_id = claim.claim_id if claim else None
    came = claim.lines[0].get(CAME) if claim else None
    executed = [item for file in files if file.kind == SERVICES for item in file.executions().items()]
    executions = dict(sorted(executed, key=lambda item: item[1], reverse=True))  # the first execution of each code
    medicines, services = (_sum((kind,), files, claim_id, AMOUNT) for kind in (MEDICINES, SERVICES))
    insured = _sum((MEDICINES, SERVICES), files, claim_id, INSURED)
    digest = blake2b("\n".join((facility, *bodies)).encode("utf-8", errors="surrogateescape"), digest_size=16)
    sending_id = f"{made}-{digest.hexdigest()}"
    records: list[Record] = []
    problems: list[tuple[int, int, str, str, int]] = []
    for (delivery, position, raw, _), file in zip(members, files, strict=True):
        if file.problem:
            problems.append((delivery, position, raw, file.problem, FORMAT_ERROR))
            continue
        record: Record = {"_delivery": delivery, "_position": position, "_raw": raw, "_record_count": 1}
        record |= {"facility_code": facility or None, "created_at": made or None, "sending_id": sending_id}
        record |= _facts(file, claim_id, came, executions)
        if file.kind in (CLAIM, CHECK_IN) and file.lines:
            record |= {wire[tag]: text for tag, text in file.lines[0].items() if tag in wire}
        if file is claim:
            record |= {
                "medicine_lines_vnd": medicines,
                "service_lines_vnd": services,
                "insured_lines_vnd": insured,
            }
        records.append(record)
    return records, problems, 0


def _facts(file: InnerFile, claim_id: str | None, came: str | None, executions: Mapping[str, str]) -> Record:
    """Return the facts about a file of any kind; for kinds that are not listed, only its claim and its number of lines."""
    own = file.kind in (CLAIM, CHECK_IN)
    facts: Record = {
        "claim_id": file.claim_id or (None if own else claim_id),
        "file_kind": file.kind,
        "line_count": str(len(file.lines)),
        "stray_line_count": str(file.strays(file.claim_id if own else claim_id)),
        "repeated_line_count": str(file.repeated),
        "missing_fields": file.missing(),
    }
    if not own and file.kind not in RESTRICTED:
        facts["disordered_line_count"] = str(file.disordered(executions))
    if file.kind in KEPT:
        facts |= {
            "before_admission_line_count": str(file.before(came)),
            "first_line_number": file.first_number(),
            "ill_timed_line_count": str(file.ill_timed()),
            "early_line_count": str(file.done_early()),
            "lines": file.kept_lines(),
        }
    if file.kind in (MEDICINES, SERVICES):
        total = file.total()
        facts |= {
            "unpriced_line_count": str(file.unpriced()),
            "misreckoned_line_count": str(file.misreckoned()),
            "lines_amount_vnd": None if total is None else str(total),
        }
    return facts


def _sum(kinds: tuple[str, ...], files: list[InnerFile], claim_id: str | None, amount: str) -> str | None:
    """Sum an amount over all files of some kinds, equal files once; None if one of them, or one of unknown kind, cannot be judged."""
    parts = [file for file in files if file.kind in kinds or (file.problem and not file.kind)]
    different = [file for place, file in enumerate(parts) if file.problem or file not in parts[:place]]
    totals = [None if file.problem or file.strays(claim_id) else file.total(amount) for file in different]
    known = [total for total in totals if total is not None]
    return str(sum(known, NOTHING)) if len(known) == len(totals) else None
