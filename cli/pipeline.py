"""Verbs that move data: land, collect, load, build, audit, publish, run, rollback."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from cli.feeds import Feeds, OneFeed, chosen_feeds, feed_of
from cli.output import AsJson, Row, ends_well, show
from cli.progress import each, one
from core.contract import find_contract
from core.domains import QUALITY, domain_names, unknown_domain
from core.errors import AuditError, ConfigurationError
from core.settings import Settings
from ingestion.collect.collect import collect as collect_feed
from ingestion.collect.landing import Landing, land_file
from ingestion.load.ledger import LedgerRow, Status
from ingestion.load.load import load_feed
from lake.connection import connected
from lake.releases import last_release
from quality import steps

Domains = Annotated[list[str] | None, typer.Argument(help="Domains like fisheries; all domains if omitted.")]
LEDGER_COLUMNS = ("feed", "deliveries", "pieces", "skipped", "received", "accepted", "duplicate", "quarantined")


@ends_well
def land(
    feed: OneFeed,
    files: Annotated[list[Path], typer.Argument(help="Files as the agency sent them.")],
    as_json: AsJson = False,
) -> None:
    """Land files from this machine, in the same way as those of a connector."""
    settings, contract = Settings(), find_contract(feed)
    missing = [path for path in files if not path.is_file()]
    if missing:
        raise ConfigurationError(f"{missing[0]}: expected a file, got none; correct the path")
    landing = Landing(settings)
    landed = [land_file(landing, contract, path, settings.clock()) for path in each(files, "files", "landed")]
    rows: list[Row] = [
        {"feed": feed, "delivery_id": one.delivery_id, "source_name": one.source_name, "bytes": one.bytes}
        for one in landed
    ]
    show(rows, f"Landed {len(landed)} deliveries of {feed}", as_json=as_json)


@ends_well
def collect(feeds: Feeds = None, as_json: AsJson = False) -> None:
    """Collect what is new at the sources, and land it."""
    settings = Settings()
    rows: list[Row] = []
    for contract in each(chosen_feeds(feeds), "feeds", "collected", feed_of):
        collected = collect_feed(settings, contract)
        landed = collected.deliveries
        refused = [f"{refusal.name}: {refusal.reason}" for refusal in collected.refused]
        size = sum(one.bytes for one in landed)
        rows.append({"feed": contract.feed, "deliveries": len(landed), "bytes": size, "refused": refused})
    show(rows, "Collected", as_json=as_json)


@ends_well
def load(feeds: Feeds = None, as_json: AsJson = False) -> None:
    """Load landed deliveries into bronze: parse, check, split, balance, commit. Prints the ledger rows."""
    settings = Settings()
    chosen = each(chosen_feeds(feeds), "feeds", "loaded", feed_of)
    rows = [row for contract in chosen for row in load_feed(settings, contract)]
    show_ledger(rows, as_json=as_json)


@ends_well
def build(domains: Domains = None, full_refresh: bool = False, as_json: AsJson = False) -> None:
    """Build candidate marts from bronze; readers do not see them yet."""
    settings = Settings()
    rows: list[Row] = []
    for domain in each(chosen_domains(domains), "domains", "built"):
        built = steps.build_domain(settings, domain, full_refresh=full_refresh)
        rows.append(
            {
                "domain": domain,
                "snapshot_id": built.snapshot_id,
                "models": built.built,
                "tests": built.tested,
                "seconds": built.seconds,
            }
        )
    show(rows, "Built", as_json=as_json)


@ends_well
def audit(domains: Domains = None, as_json: AsJson = False) -> None:
    """Audit the candidate marts; exit status 1 if a domain fails."""
    settings = Settings()
    verdicts = [steps.audit_domain(settings, domain) for domain in each(chosen_domains(domains), "domains", "audited")]
    rows: list[Row] = [
        {
            "domain": verdict.domain,
            "snapshot_id": verdict.snapshot_id,
            "verdict": "passed" if verdict.passed else "failed",
            "checks": len(verdict.checks),
            "reason": verdict.reason,
        }
        for verdict in verdicts
    ]
    show(rows, "Audited", as_json=as_json)
    if not all(verdict.passed for verdict in verdicts):
        raise typer.Exit(1)


@ends_well
def publish(domains: Domains = None, as_json: AsJson = False) -> None:
    """Release the last audited snapshot, if it passed."""
    settings = Settings()
    rows: list[Row] = []
    for domain in each(chosen_domains(domains), "domains", "published"):
        release = steps.publish_domain(settings, domain)
        rows.append({"domain": domain, "release_id": release.release_id, "snapshot_id": release.lake_snapshot})
    show(rows, "Published", as_json=as_json)


@ends_well
def rollback(
    domain: Annotated[str, typer.Argument()],
    release_id: Annotated[int, typer.Argument(help="See `ioc releases`.")],
    as_json: AsJson = False,
) -> None:
    """Put an earlier release of a domain back in force."""
    with one(domain, "domains", "rolled back"):
        release = steps.rollback_domain(Settings(), domain, release_id)
    row: Row = {"domain": domain, "release_id": release.release_id, "snapshot_id": release.lake_snapshot}
    show([row], f"Rolled {domain} back to release {release_id}", as_json=as_json)


@ends_well
def run(domains: Domains = None, as_json: AsJson = False) -> None:
    """Load, then build, audit and publish whatever is due, the scores last; a domain that fails keeps its last good release."""
    settings = Settings()
    named = [domain for domain in chosen_domains(domains) if domain != QUALITY]
    chosen = each([known for known in chosen_feeds(None) if known.domain in named], "feeds", "loaded", feed_of)
    loaded = [row for contract in chosen for row in load_feed(settings, contract)]
    if not as_json:
        show_ledger(loaded, as_json=False)
    rows: list[Row] = []
    failures: list[AuditError] = []
    for domain in each([*named, QUALITY], "domains", "worked through"):
        reason = ""
        try:
            steps.bring_up_to_date(settings, domain)
        except AuditError as error:
            failures.append(error)
            reason = str(error)
        rows.append(_in_force(settings, domain, reason))
    show(rows, "Released", as_json=as_json)
    if failures:
        raise failures[0]


def show_ledger(rows: Iterable[LedgerRow], *, as_json: bool) -> None:
    """Print ledger rows: each delivery in JSON, totals by feed in a table."""
    ledger = list(rows)
    each: list[Row] = [
        {
            "feed": row.delivery.feed,
            "delivery_id": row.delivery.delivery_id,
            "object_key": row.delivery.object_key,
            "status": row.status.value,
            "deliveries": 1,
            "pieces": row.pieces,
            "skipped": row.skipped,
            "received": row.received,
            "accepted": row.accepted,
            "duplicate": row.duplicate,
            "quarantined": row.quarantined,
            "drift": [change.told() for change in row.changes],
        }
        for row in ledger
    ]
    show(
        each if as_json else totals(each),
        "Ledger of this load",
        as_json=as_json,
        columns=None if as_json else LEDGER_COLUMNS,
    )
    drifted = Counter(
        (row.delivery.feed, change.told(), row.status is Status.UNREADABLE) for row in ledger for change in row.changes
    )
    if drifted and not as_json:
        rows_told: list[Row] = [
            {"feed": feed, "column": told, "deliveries": count, "stopped": is_stopped}
            for (feed, told, is_stopped), count in drifted.items()
        ]
        show(rows_told, "Columns that differ from the contract", as_json=False)


def totals(rows: Iterable[Row]) -> list[Row]:
    """Sum ledger rows by feed."""
    by_feed: dict[str, dict[str, int]] = {}
    for row in rows:
        sums = by_feed.setdefault(str(row["feed"]), dict.fromkeys(LEDGER_COLUMNS[1:], 0))
        for name in sums:
            sums[name] += int(str(row[name]))
    return [{"feed": feed, **sums} for feed, sums in by_feed.items()]


def chosen_domains(names: Iterable[str] | None) -> list[str]:
    """Return the named domains, or all, the scores last; raise UnknownNameError listing the known domains."""
    known = [*domain_names()]
    for name in names or ():
        if name not in known:
            raise unknown_domain(name)
    return list(names or known)


def _in_force(settings: Settings, domain: str, failure: str) -> Row:
    with connected(settings) as connection:
        release = last_release(connection, domain)
    return {
        "domain": domain,
        "release_id": release.release_id if release else None,
        "snapshot_id": release.lake_snapshot if release else None,
        "verdict": "failed" if failure else "passed",
        "reason": failure or (release.reason if release else ""),
    }


VERBS = {
    "land": land,
    "collect": collect,
    "load": load,
    "build": build,
    "audit": audit,
    "publish": publish,
    "rollback": rollback,
    "run": run,
}
