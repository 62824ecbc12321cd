"""Verbs for the quarantine: list, show, reveals, export, repair, replay."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from cli.account import account, revealing
from cli.feeds import AnyFeed, Feeds, OneFeed, chosen_feeds, feed_of, require_known
from cli.output import AsJson, Row, ends_well, show
from cli.pipeline import show_ledger
from cli.progress import each, one
from cli.rows import book_rows
from cli.visible import shortened
from core.contract import Contract, find_contract
from core.errors import ConfigurationError
from core.reference import Reference
from core.settings import Settings
from ingestion.collect.landing import Delivery, Landing
from ingestion.formats.places import place_of
from ingestion.load.incidents import IncidentClock
from ingestion.repair.disclosure import masked_records, places_of, write_down
from ingestion.repair.quarantine import Selection, brought_records, count_reasons, export_lines, find_records
from ingestion.repair.repair import NamedRepair, Resent, make_repair
from ingestion.repair.repair_request import Request, request_edit, request_repair
from ingestion.repair.replay import replay_feed
from lake.connection import connected

app = typer.Typer(help="Quarantined records, and how to repair them.", no_args_is_help=True)

Reason = Annotated[str | None, typer.Option(help="Only records with this reason.")]
DeliveryId = Annotated[str | None, typer.Option(help="Only records of this delivery.")]
Position = Annotated[int | None, typer.Option(help="Only the record at this position.")]
LONGEST_VALUE = 300
"""How many characters of a quarantined value are shown, unless it is revealed."""

All = Annotated[bool, typer.Option("--all", help="Include repaired records.")]


@app.command("list")
@ends_well
def list_reasons(
    feed: AnyFeed = None,
    with_closed: All = False,
    as_json: AsJson = False,
) -> None:
    """Count quarantined records by feed and reason, with the age of the oldest one."""
    require_known(feed)
    settings = Settings()
    clock = IncidentClock(Reference(), settings.clock())
    with connected(settings) as connection:
        counted = count_reasons(connection, feed, with_closed=with_closed)
    rows: list[Row] = []
    for name, reason, error_group, outcome, records, oldest_at in counted:
        age = clock.age_of(oldest_at) if outcome is None else None
        rows.append(
            {
                "feed": name,
                "reason": reason,
                "error_group": error_group,
                "state": outcome or "open",
                "records": records,
                "oldest_at": oldest_at,
                "working_days": age.working_days if age else None,
                "stage": age.stage if age else None,
            }
        )
    show(rows, "Quarantine", as_json=as_json)


@app.command("show")
@ends_well
def show_records(
    feed: OneFeed,
    reason: Annotated[str | None, typer.Option(help="Only records that failed this rule first.")] = None,
    *,
    limit: int = 20,
    with_closed: All = False,
    reveal: Annotated[
        bool,
        typer.Option("--reveal", help="Show the text and file name as sent; who saw what, and when, is logged."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show quarantined records, masked by the contract's privacy classes, or with --reveal as sent."""
    contract, settings = find_contract(feed), Settings()
    clock = IncidentClock(Reference(), settings.clock())
    with connected(settings) as connection:
        records = find_records(connection, feed, Selection(reason), with_closed=with_closed, limit=limit)
        if reveal:
            write_down(settings, connection, feed, places_of(records), revealing(settings, "quarantine show"))
    seen: list[Row] = (
        [{"source_name": record.source_name, "raw": record.raw} for record in records]
        if reveal
        else [{"record": _short(seen)} for seen in masked_records(Landing(settings), contract, records)]
    )
    places = [place_of(record.raw) for record in records]
    rows: list[Row] = []
    for record, content, place in zip(records, seen, places, strict=True):
        age = clock.age_of(record.since)
        row: Row = {
            "delivery_id": record.delivery_id,
            "position": record.position,
            **({"place": place} if any(places) else {}),
            "reason": record.reason,
            "error_group": record.error_group,
            **content,
            "failed_rules": record.failed_rules,
            "since": record.since,
            "working_days": age.working_days if record.outcome is None else None,
            "stage": age.stage if record.outcome is None else None,
        }
        closed: Row = {
            "state": record.outcome or "open",
            "repair": record.repair,
            "repair_id": record.repair_id,
            "repaired_by": record.repaired_by,
            "repaired_at": record.repaired_at,
            "why": record.why,
        }
        rows.append({**row, **closed} if with_closed else row)
    show(rows, f"Quarantine of {feed}", as_json=as_json, short=("record", "raw", "why"))


@app.command()
@ends_well
def reveals(feed: AnyFeed = None, as_json: AsJson = False) -> None:
    """List who saw records in the clear, when and by which command, latest first."""
    require_known(feed)
    rows = book_rows(
        """
        select feed, delivery_id, list(position order by position) as positions, count(*) as records, verb, revealed_by, revealed_at
        from lake.quarantine.reveals
        where feed = coalesce(?, feed)
        group by all
        order by revealed_at desc, feed, delivery_id
        """,
        [feed],
    )
    columns = ["feed", "delivery_id", "records", "verb", "revealed_by", "revealed_at"]
    show(rows, "Records seen in the clear", as_json=as_json, columns=None if as_json else columns)


@app.command()
@ends_well
def export(
    feed: OneFeed,
    into: Annotated[Path, typer.Option(help="A new JSON Lines file, readable only by its owner.")],
    reason: Reason = None,
    as_json: AsJson = False,
) -> None:
    """Write open records to a file as sent, for editing in `raw`; who exported what, and when, is logged.

    The file can hold personal values: keep it as safe as landing, and delete it afterwards.
    """
    find_contract(feed)
    settings = Settings()
    with connected(settings) as connection:
        records = find_records(connection, feed, Selection(reason))
        write_down(settings, connection, feed, places_of(records), revealing(settings, "quarantine export"))
    try:
        with (
            one(str(into), "files", "written"),
            open(os.open(into, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file,
        ):
            file.writelines(export_lines(records))
    except OSError as error:
        raise ConfigurationError(f"{into}: expected a new file, got: {error.strerror}; choose another name") from error
    show([{"feed": feed, "file": str(into), "records": len(records)}], "Exported", as_json=as_json)


@app.command()
@ends_well
def repair(
    feed: OneFeed,
    name: Annotated[str | None, typer.Argument(metavar="[REPAIR]", help="The repair; omit with --edited.")] = None,
    *,
    why: Annotated[str, typer.Option(help="Why the repair is right; kept with it.")] = "",
    edited: Annotated[Path | None, typer.Option(help="An export in which `raw` was edited.")] = None,
    reason: Reason = None,
    delivery: DeliveryId = None,
    position: Position = None,
    by: Annotated[str | None, typer.Option(help="Who repairs; default: the account's name.")] = None,
    column: Annotated[str | None, typer.Option(help="Column of the code, text or value.")] = None,
    width: Annotated[int | None, typer.Option(help="pad_code: length of the code.")] = None,
    latitude: Annotated[str | None, typer.Option(help="swap_coordinates: a column.")] = None,
    longitude: Annotated[str | None, typer.Option(help="swap_coordinates: a column.")] = None,
    unit_column: Annotated[str | None, typer.Option(help="convert_unit: column of the unit.")] = None,
    from_unit: Annotated[str | None, typer.Option("--from", help="convert_unit: unit as sent.")] = None,
    to_unit: Annotated[str | None, typer.Option("--to", help="convert_unit: unit as it should be.")] = None,
    factor: Annotated[str | None, typer.Option(help="convert_unit: number to multiply by.")] = None,
    resent_in: Annotated[
        str | None, typer.Option(help="resent: the delivery that brought the corrected records.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Record a repair of open records; `ioc quarantine replay` applies it.

    Repairs: as_is, pad_code, decode_tcvn3, swap_coordinates, map_commune, convert_unit, resent.
    """
    settings, contract = Settings(), find_contract(feed)
    given = {
        "column": column,
        "width": width,
        "latitude": latitude,
        "longitude": longitude,
        "unit_column": unit_column,
        "from_unit": from_unit,
        "to_unit": to_unit,
        "factor": factor,
        "resent_in": resent_in,
    }
    arguments = {option: value for option, value in given.items() if value is not None}
    if (name is None) == (edited is None) or (edited is not None and (arguments or reason or delivery or position)):
        raise ConfigurationError(
            f"{feed}: expected either a repair with its options, or --edited FILE and --why, got both or neither; choose one"
        )
    request = Request(by or account(), settings.clock(), why)
    selection = Selection(reason, delivery, position)
    with one(feed, "feeds", "given their repairs"):
        if edited is None:
            documents = _repair_by_name(settings, contract, make_repair(str(name), arguments), selection, request)
        else:
            documents = _repair_by_hand(settings, contract, edited, request)
    rows: list[Row] = [
        {"feed": feed, "repair_id": one.delivery_id, "repair": one.source_name.removesuffix(".json")}
        for one in documents
    ]
    show(rows, f"Repairs recorded; apply them with `ioc quarantine replay {feed}`", as_json=as_json)


@app.command()
@ends_well
def replay(
    feeds: Feeds = None,
    as_json: AsJson = False,
) -> None:
    """Load repaired records again; prints the ledger rows."""
    settings = Settings()
    chosen = each(chosen_feeds(feeds), "feeds", "replayed", feed_of)
    show_ledger([row for contract in chosen for row in replay_feed(settings, contract)], as_json=as_json)


def _short(seen: Mapping[str, str] | str) -> Mapping[str, str] | str:
    if isinstance(seen, str):
        return shortened(seen, LONGEST_VALUE)
    return {name: shortened(value, LONGEST_VALUE) for name, value in seen.items()}


def _repair_by_name(
    settings: Settings, contract: Contract, named: NamedRepair, selection: Selection, request: Request
) -> list[Delivery]:
    with connected(settings) as connection:
        records = find_records(connection, contract.feed, selection)
        if isinstance(named, Resent) and not brought_records(connection, contract.feed, named.resent_in):
            raise ConfigurationError(
                f"{contract.feed}: expected a delivery that brought records, got {named.resent_in}; "
                f"see `ioc ledger {contract.feed}`"
            )
    return request_repair(Landing(settings), contract, records, named, request)


def _repair_by_hand(settings: Settings, contract: Contract, edited: Path, request: Request) -> list[Delivery]:
    try:
        lines = edited.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{edited}: expected an edited export in UTF-8, got {type(error).__name__}; export it again"
        ) from error
    with connected(settings) as connection:
        records = find_records(connection, contract.feed, Selection())
    return request_edit(Landing(settings), contract, records, lines, request)
