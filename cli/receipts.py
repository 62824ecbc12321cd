"""Verbs that account for deliveries: receipt, receipts, trace. They change nothing in the lake, except that `trace --raw` is logged."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from cli.account import revealing
from cli.output import AsJson, Row, ends_well, say, show, show_document
from core.agencies import find_agency
from core.contract import find_contract, read_contracts
from core.settings import Settings
from ingestion.receipts.receipt_store import ReceiptStore, receipt_key
from ingestion.receipts.receipts import find_receipt, loads_since, receipts_of
from ingestion.receipts.trace import find_delivery, trace_piece
from ingestion.repair.disclosure import write_down
from lake.connection import connected

Since = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Only what was loaded on or after this day (UTC).")
]


@ends_well
def receipt(
    delivery_id: Annotated[str, typer.Argument(help="See `ioc ledger FEED --json`.")], as_json: AsJson = False
) -> None:
    """Show what became of a delivery according to the ledger, and whether the receipt that its agency can read agrees."""
    settings, contracts = Settings(), read_contracts()
    with connected(settings) as connection:
        computed = find_receipt(connection, contracts, delivery_id)
    contract = contracts[computed.feed]
    stored = ReceiptStore(settings).find(contract, computed)
    verdict = "missing" if stored is None else "equal" if stored == computed.at_load().line() else "different"
    if as_json:
        key = receipt_key(contract, computed.load_id, computed.loaded_at.date())
        show_document({**json.loads(computed.line()), "stored": {"key": key, "is": verdict}})
        return
    say(
        f"{computed.source_name} of {computed.feed}, received {computed.received_at:%Y-%m-%d %H:%M:%S} UTC: {computed.status}; "
        f"{computed.pieces:,} pieces = {computed.received:,} received + {sum(computed.skipped.values()):,} skipped; "
        f"{computed.received:,} received = {computed.accepted:,} accepted + {computed.duplicate:,} duplicate "
        f"+ {computed.quarantined:,} quarantined; the stored receipt is {verdict}"
    )
    if computed.withdrawn:
        say(f"Withdrawn at {computed.withdrawn.at:%Y-%m-%d %H:%M:%S} UTC: {computed.withdrawn.why}")
    if computed.replayed:
        say("Replayed since: " + ", ".join(f"{count:,} {outcome}" for outcome, count in computed.replayed.items()))
    rows: list[Row] = [refusal.model_dump() for refusal in computed.quarantine]
    show(rows, "Quarantined", as_json=False)
    if computed.columns:
        show(
            [change.model_dump() for change in computed.columns], "Columns that differ from the contract", as_json=False
        )


@ends_well
def receipts(
    agency: Annotated[str, typer.Argument(help="An owner of feeds, by name or slug.")],
    into: Annotated[Path | None, typer.Option(help="Folder for one file per delivery.")] = None,
    since: Since = None,
    links: Annotated[
        int | None, typer.Option(help="Print URLs that read the stored receipts, valid for this many hours.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Export the receipts of one agency only: as files computed from the ledger, or as signed URLs of the stored ones."""
    settings = Settings()
    contracts = find_agency(agency, read_contracts())
    day = since.date() if since else None
    rows: list[Row] = []
    if into is not None:
        with connected(settings) as connection:
            for contract in contracts:
                loads = [load_id for load_id, _ in loads_since(connection, contract, day)]
                for one in receipts_of(connection, contract, loads):
                    path = into / contract.feed / f"{one.received_at:%Y-%m-%d}" / f"{one.delivery_id}.json"
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text(f"{one.line()}\n", encoding="utf-8")
                    rows.append({"feed": contract.feed, "delivery_id": one.delivery_id, "file": str(path)})
    if links is not None:
        store = ReceiptStore(settings)
        lifetime = timedelta(hours=links)
        rows += [
            {"feed": contract.feed, "key": key, "link": store.link(key, lifetime)}
            for contract in contracts
            for key in store.keys(contract, day)
        ]
    show(rows, f"Receipts of {contracts[0].owner}", as_json=as_json)


@ends_well
def trace(  # noqa: PLR0917  each is an argument of the command line
    feed: Annotated[str, typer.Argument(help="Feed of the delivery.")],
    delivery: Annotated[
        str, typer.Argument(help="Its id, the beginning of its id, or the file name given by the source.")
    ],
    position: Annotated[int, typer.Argument(help="The number of the piece, from 1: a line, an object, an element.")],
    received: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Day it was received (UTC).")] = None,
    raw: Annotated[
        bool,
        typer.Option(help="Show its text as sent; it can hold personal values, and who asked is logged."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show where one record of a delivery went: accepted, duplicate (of which), quarantined (why), skipped or withdrawn."""
    settings, contract = Settings(), find_contract(feed)
    with connected(settings) as connection:
        found = find_delivery(connection, contract, delivery, received.date() if received else None)
        if raw:
            place = (found.delivery.delivery_id, position)
            write_down(settings, connection, feed, [place], revealing(settings, "trace --raw"))
        way = trace_piece(settings, connection, contract, found, position, with_raw=raw)
    facts = {name: value for name, value in way.facts().items() if value is not None}
    if as_json:
        show_document(facts)
        return
    show(
        [{"fact": name, "is": _words(value)} for name, value in facts.items()],
        f"Record {position} of {found.source_name}",
        as_json=False,
    )


def _words(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {one}" for name, one in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


VERBS = {"receipt": receipt, "receipts": receipts, "trace": trace}
