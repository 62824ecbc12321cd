"""Verbs that read the ledger, the scores and the releases: feeds, ledger, score, league, releases, restatements. They change nothing."""

from dataclasses import asdict
from typing import Annotated

import typer

from cli.feeds import AnyFeed, require_known
from cli.output import AsJson, Row, ends_well, show
from cli.rows import book_rows, quality_rows
from core.contract import read_contracts
from core.domains import domain_names
from core.settings import Settings
from lake.connection import connected
from lake.releases import RECENT, recent_releases, releases_in_force
from quality.restatements import find_restatements

SCORES = "select * from marts.quality.feed_scores order by domain, feed"
SCORE_DAYS = """
    select * from marts.quality.feed_score_days
    where local_date > (select max(local_date) from marts.quality.feed_score_days) - ?
    order by local_date, domain, feed
"""
LEAGUE = "select * from marts.quality.agency_league_months order by month_date, league_rank nulls last, owner"
LEAGUE_COLUMNS = (
    "league_rank",
    "owner",
    "score",
    "level",
    "correct",
    "complete",
    "clean",
    "live",
    "consistent",
    "missing_slots",
)


@ends_well
def feeds(as_json: AsJson = False) -> None:
    """List the feeds with their cadence, last event and last score."""
    scores = {str(row["feed"]): row for row in quality_rows(SCORES)}
    rows: list[Row] = [
        {
            "feed": contract.feed,
            "name": contract.label_vi,
            "owner": contract.owner,
            "format": contract.format,
            "cadence_minutes": int(contract.cadence.total_seconds() // 60),
            "last_event_at": scores.get(contract.feed, {}).get("last_event_at"),
            "score": scores.get(contract.feed, {}).get("score"),
            "level": scores.get(contract.feed, {}).get("level"),
        }
        for contract in read_contracts().values()
    ]
    show(rows, "Feeds", as_json=as_json)


@ends_well
def ledger(feed: AnyFeed = None, as_json: AsJson = False) -> None:
    """Show what became of every record: accepted, duplicate or quarantined. JSON has each delivery, the table has totals by feed."""
    require_known(feed)
    rows = book_rows(
        """
        with drift as (
            select feed, delivery_id,
                list(kind || ' ' || column_name || if(kind = 'renamed', ' to ' || came, '') order by kind, column_name)
                    as columns_not_promised
            from lake.ledger.drift
            group by feed, delivery_id
        )
        select feed, delivery_id, object_key, source_name, received_at, deliveries.status, 1 as deliveries, pieces, skipped, received,
            deliveries.accepted, deliveries.duplicate, deliveries.quarantined, skipped_reasons,
            coalesce(columns_not_promised, []) as drift, withdrawn_by, withdrawn_at, why as withdrawn_why
        from lake.ledger.deliveries as deliveries
        left join drift using (feed, delivery_id)
        left join lake.ledger.withdrawals as withdrawals using (feed, delivery_id)
        where feed = coalesce(?, feed)
        order by feed, received_at, object_key
        """,
        [feed],
    )
    if as_json or feed is not None:
        columns = ["source_name", "status", "pieces", "skipped", "received", "accepted", "duplicate", "quarantined"]
        columns += ["drift"] if any(row["drift"] for row in rows) else []
        columns += ["withdrawn_by", "withdrawn_why"] if any(row["withdrawn_by"] for row in rows) else []
        show(rows, f"Ledger of {feed}", as_json=as_json, columns=None if as_json else columns)
        return
    show_totals()


@ends_well
def score(
    days: Annotated[int | None, typer.Option(min=1, help="Show the history of this many days instead.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the scores of each feed on every axis, from the release in force."""
    columns = ("domain", "feed", "correct", "complete", "clean", "live", "consistent", "score", "level")
    if days is not None:
        history = quality_rows(SCORE_DAYS, [days])
        rows = [{name: row[name] for name in ("local_date", *columns)} for row in history]
        show(rows, "Đúng, đủ, sạch, sống theo ngày", as_json=as_json)
        return
    show(
        [{name: row[name] for name in columns} for row in quality_rows(SCORES)], "Đúng, đủ, sạch, sống", as_json=as_json
    )


@ends_well
def league(as_json: AsJson = False) -> None:
    """Rank the agencies by their feeds in the latest month, with the evidence for each point; JSON has every month."""
    rows = quality_rows(LEAGUE)
    newest = [row for row in rows if row["is_latest"]]
    show(rows if as_json else newest, "Xếp hạng cơ quan", as_json=as_json, columns=None if as_json else LEAGUE_COLUMNS)


@ends_well
def releases(
    last: Annotated[int, typer.Option(min=1, help="How many of the latest releases of all domains to list.")] = RECENT,
    as_json: AsJson = False,
) -> None:
    """List the latest releases, and those in force."""
    with connected(Settings()) as connection:
        in_force = releases_in_force(connection)
        found = {release.release_id: release for release in (*in_force.values(), *recent_releases(connection, last))}
    ids = {release.release_id for release in in_force.values()}
    rows: list[Row] = [
        {
            "domain": release.domain,
            "release_id": release.release_id,
            "snapshot_id": release.lake_snapshot,
            "published_at": release.published_at,
            "verdict": release.verdict,
            "action": release.action,
            "is_in_force": release.release_id in ids,
            "reason": release.reason,
        }
        for _, release in sorted(found.items())
    ]
    show(rows, "Releases", as_json=as_json)


@ends_well
def restatements(
    domain: Annotated[str | None, typer.Argument(help="A domain like environment.")] = None,
    release_id: Annotated[int | None, typer.Option("--release", help="Only what this release changed.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show every figure that a release changed against the one before it, and the deliveries behind the change."""
    domains = [domain] if domain else domain_names()
    with connected(Settings()) as connection:
        found = [one for name in domains for one in find_restatements(connection, name, release_id)]
    rows: list[Row] = [asdict(one) for one in found]
    show(rows, "Restatements", as_json=as_json)


def show_totals() -> None:
    """Print the ledger's totals by feed, leaving out replays, which deliver nothing new."""
    totals = book_rows(
        """
        select feed, count(*) as deliveries, sum(pieces)::bigint as pieces, sum(skipped)::bigint as skipped,
            sum(received)::bigint as received, sum(accepted)::bigint as accepted, sum(duplicate)::bigint as duplicate,
            sum(quarantined)::bigint as quarantined
        from lake.ledger.deliveries
        where status <> 'replayed'
        group by feed
        order by feed
        """,
    )
    show(totals, "Ledger", as_json=False)


VERBS = {
    "feeds": feeds,
    "ledger": ledger,
    "score": score,
    "league": league,
    "releases": releases,
    "restatements": restatements,
}
