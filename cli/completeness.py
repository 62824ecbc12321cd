"""Verbs for missing data: missing, suspicious, recapture."""

from typing import Annotated

import typer

from cli.feeds import AnyFeed, Feeds, chosen_feeds, feed_of, require_known
from cli.output import AsJson, Row, ends_well, show
from cli.progress import each
from cli.rows import quality_rows
from core.errors import SourceError
from core.settings import Settings
from ingestion.collect.recapture import recapture as recapture_feed
from ingestion.collect.recapture import summary


@ends_well
def missing(feed: AnyFeed = None, as_json: AsJson = False) -> None:
    """Show missing slots, from the release in force. JSON has each slot, the table has counts by object."""
    require_known(feed)
    rows = quality_rows(
        """
        select feed, object_id, slot_start_at, slot_end_at, age_hours, is_refetchable, lost_reason, recapture_attempts,
            last_asked_at, last_outcome
        from marts.quality.missing_slots
        where feed = coalesce(?, feed)
        order by feed, slot_start_at, object_id
        """
        if as_json
        else """
        select feed, object_id, count(*) as slots, min(slot_start_at) as oldest_at, max(slot_start_at) as newest_at,
            count(*) filter (is_refetchable) as refetchable, max(last_asked_at) as last_asked_at, any_value(lost_reason) as reason
        from marts.quality.missing_slots
        where feed = coalesce(?, feed)
        group by feed, object_id
        order by feed, slots desc, object_id
        """,
        [feed],
    )
    show(rows, "Missing slots", as_json=as_json)


@ends_well
def suspicious(feed: AnyFeed = None, as_json: AsJson = False) -> None:
    """Show deliveries that were empty, far smaller than usual or short of pages, from the release in force; newest first."""
    require_known(feed)
    rows = quality_rows(
        """
        select findings.feed, findings.kind, deliveries.source_name, findings.received_at, findings.received_records,
            findings.usual_records, findings.pages, findings.promised_pages, findings.delivery_id
        from marts.quality.suspicious_deliveries as findings
        left join lake.ledger.deliveries as deliveries using (feed, delivery_id)
        where findings.feed = coalesce(?, findings.feed)
        order by findings.received_at desc, findings.feed, deliveries.source_name
        """,
        [feed],
    )
    show(rows, "Suspicious deliveries", as_json=as_json)


@ends_well
def recapture(
    feeds: Feeds = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Slots to request per feed; default IOC_RECAPTURE_SLOTS.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Ask the sources again for missing slots that they still have, oldest first; land and load what they return."""
    settings = Settings()
    rows: list[Row] = []
    failures: list[SourceError] = []
    for contract in each(chosen_feeds(feeds), "feeds", "asked again", feed_of):
        try:
            rows.append({"feed": contract.feed, **summary(recapture_feed(settings, contract, limit))})
        except SourceError as error:
            failures.append(error)
    show(rows, "Fetched again", as_json=as_json)
    if failures:
        raise failures[0]


VERBS = {"missing": missing, "suspicious": suspicious, "recapture": recapture}
