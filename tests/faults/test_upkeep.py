"""Loads, builds, publications and rollbacks during maintenance in a loop: no row is lost, reappears or is doubled, and nothing fails."""

from collections.abc import Iterable
from datetime import UTC, datetime
from multiprocessing.context import ForkServerContext
from time import sleep

import duckdb
import pytest

from lake.connection import connected
from lake.counts import count_tables, require_agreement
from lake.maintenance import publications
from lake.retention import needed_versions, retention_of
from tests.faults.conftest import Start
from tests.faults.deliveries import LEVELS, REQUESTS
from tests.faults.results import Results, Row
from tests.faults.scene import Scene
from tests.faults.upkeep import (
    CANDIDATE,
    DOMAIN,
    KEYS,
    MARTS,
    Rows,
    Work,
    build,
    load,
    loaded_rows,
    maintain,
    publish,
    version_rows,
)

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1800)]

LONG_SECONDS, SHORT_SECONDS = 15 * 60, 30


def compare(connection: duckdb.DuckDBPyConnection, query: str, expected: Rows) -> dict[str, int]:
    """Read rows of (key, value) back by scan, by count and by filter; count those lost, reappeared (or never written) and doubled."""
    scanned: Rows = Rows(connection.execute(query).fetchall())
    surplus = scanned - expected
    doubled = sum(count for row, count in surplus.items() if row in expected)
    counted = connection.execute(f"select count(*) from ({query})").fetchall()[0][0]
    by_filter = {
        part: connection.execute(f"select count(*) from ({query}) where key % 10 = {part}").fetchall()[0][0]
        for part in range(10)
    }
    differences = [counted - expected.total()] + [
        found - sum(count for (key, _), count in expected.items() if int(str(key)) % 10 == part)
        for part, found in by_filter.items()
    ]
    return {
        "lost": (expected - scanned).total() - sum(min(difference, 0) for difference in differences),
        "risen": surplus.total() - doubled + sum(max(difference, 0) for difference in differences),
        "doubled": doubled,
    }


def total(parts: Iterable[dict[str, int]]) -> dict[str, int]:
    """Sum counts."""
    found = list(parts)
    return {name: sum(part[name] for part in found) for name in ("lost", "risen", "doubled")}


def test_writers_and_maintenance_take_turns_and_every_row_is_there(
    empty: Scene, start: Start, forks: ForkServerContext, is_long: bool, results: Results
) -> None:
    """It takes 30 s, plus the start and end of its processes, so that maintenance runs several times."""
    settings = empty.settings
    for feed in (LEVELS, REQUESTS):
        empty.clear_landing(feed)
    stop, queue = forks.Event(), forks.Queue()
    processes = [start(load, settings, feed, stop, queue) for feed in (LEVELS, REQUESTS)]
    processes += [start(act, settings, stop, queue) for act in (build, publish, maintain)]
    sleep(LONG_SECONDS if is_long else SHORT_SECONDS)
    stop.set()
    works: dict[str, Work] = {work.name: work for work in (queue.get(timeout=300) for _ in processes)}
    for process in processes:
        process.join()
    errors = [error for work in works.values() for error in work.errors]
    wrong = {"conflicts": sum("onflict" in error for error in errors), "other errors": 0}
    wrong["other errors"] = len(errors) - wrong["conflicts"]
    shown = works["publish"].shown
    with connected(settings) as connection:
        require_agreement(count_tables(connection), "after all")
        releases = publications(connection)
        kept = needed_versions(releases, datetime.now(UTC), retention_of(settings))
        tables = {KEYS[feed]: loaded_rows(works[feed].rounds) for feed in (LEVELS, REQUESTS)}
        tables[f"from {CANDIDATE}"] = version_rows(works["build"].rounds - 1, 100)
        for release, version in zip(releases, shown, strict=True):
            for mart, keys in MARTS.items():
                if release.marts_version in kept:
                    table = f"from marts.{DOMAIN}.{mart} at (version => {release.marts_version})"
                    tables[table] = version_rows(version, keys)
        tables |= {f"from marts.{DOMAIN}.{mart}": version_rows(shown[-1], keys) for mart, keys in MARTS.items()}
        found = total(compare(connection, query, rows) for query, rows in tables.items())
    row: Row = {
        "minutes": (LONG_SECONDS if is_long else SHORT_SECONDS) / 60,
        "rounds of maintenance": works["maintenance"].rounds,
        "snapshots expired": works["maintenance"].expired,
        "loads": works[LEVELS].rounds + works[REQUESTS].rounds,
        "builds": works["build"].rounds,
        "publications": len(shown) - len(shown) // 5,
        "rollbacks": len(shown) // 5,
        "releases still asked for": len(kept),
        "rows read back by scan, by count and by filter": sum(rows.total() for rows in tables.values()),
        **found,
        **wrong,
        "longest round of maintenance, s": round(works["maintenance"].seconds, 1),
        "longest round of a writer, s": round(
            max(work.seconds for work in works.values() if work.name != "maintenance"), 1
        ),
    }
    results.add("maintenance", row)
    assert errors == []
    assert found == {"lost": 0, "risen": 0, "doubled": 0}, row
    assert min(work.rounds for work in works.values()) >= (10 if is_long else 1), row
    assert works["maintenance"].expired > 0
    assert len(kept) < len(shown) or len(shown) < 6


def test_lost_risen_and_doubled_rows_are_told_apart() -> None:
    expected = Rows({(key, 1): 1 for key in range(20)})
    with duckdb.connect() as connection:
        for rows, told in (
            ("range(20)", {"lost": 0, "risen": 0, "doubled": 0}),
            ("range(19)", {"lost": 3, "risen": 0, "doubled": 0}),
            ("range(21)", {"lost": 0, "risen": 3, "doubled": 0}),
        ):
            assert compare(connection, f"select range as key, 1 as value from {rows}", expected) == told
        twice = "select range as key, 1 as value from range(20) union all select 7, 1"
        assert compare(connection, twice, expected) == {"lost": 0, "risen": 2, "doubled": 1}
