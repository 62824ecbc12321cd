"""The verb that undoes a mistaken landing: withdraw."""

from typing import Annotated

import typer

from cli.account import account
from cli.feeds import OneFeed
from cli.output import AsJson, Row, ends_well, show
from cli.progress import one
from core.contract import find_contract
from core.settings import Settings
from ingestion.collect.landing import Landing
from ingestion.load.ledger import Status
from ingestion.receipts.receipt_store import ReceiptStore
from ingestion.receipts.trace import find_delivery
from ingestion.repair.repair_request import Request, request_withdrawal
from ingestion.repair.replay import replay_feed
from lake.connection import connected

COLUMNS = ("delivery_id", "source_name", "accepted", "duplicate", "quarantined", "withdrawn_by", "withdrawn_at", "why")


@ends_well
def withdraw(
    feed: OneFeed,
    delivery: Annotated[
        str, typer.Argument(help="Its id, the beginning of its id, or the file name given by the source.")
    ],
    *,
    why: Annotated[
        str, typer.Option(help="Why it should never have been landed; kept with it, and shown to its agency.")
    ],
    by: Annotated[str | None, typer.Option(help="Who withdraws; default: the account's name.")] = None,
    as_json: AsJson = False,
) -> None:
    """Withdraw a delivery that was landed by mistake: it stays in the ledger, but its records no longer count.

    The marts follow with the next `ioc run`.
    """
    settings, contract = Settings(), find_contract(feed)
    request = Request(by or account(), settings.clock(), why)
    with connected(settings) as connection:
        found = find_delivery(connection, contract, delivery)
    with one(feed, "feeds", "rewritten without it"):
        if found.status != Status.WITHDRAWN:
            request_withdrawal(Landing(settings), contract, found.delivery, found.sha256, request)
        replay_feed(settings, contract)
    with connected(settings) as connection:
        names = ("feed", "withdrawal_id", *COLUMNS, "loads")
        written = connection.execute(
            """
            select withdrawals.feed, withdrawal_id, delivery_id, source_name, withdrawals.accepted, withdrawals.duplicate,
                withdrawals.quarantined, withdrawn_by, withdrawn_at, why, load_ids
            from lake.ledger.withdrawals as withdrawals
            inner join lake.ledger.deliveries as deliveries using (feed, delivery_id)
            where feed = ? and delivery_id = ?
            """,
            [feed, found.delivery.delivery_id],
        ).fetchall()
        rows: list[Row] = [dict(zip(names, row, strict=True)) for row in written]
        for row in written:
            ReceiptStore(settings).issue_again(connection, contract, row[-1])
    show(rows, f"Withdrawn from {feed}", as_json=as_json, columns=None if as_json else COLUMNS, short=("why",))


VERBS = {"withdraw": withdraw}
