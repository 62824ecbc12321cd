"""What readers and publishers pay with 100,000 releases: asking what is in force, listing, a reader's check for a new version.

Baseline: the same questions with 100 releases, in the same run.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime

import duckdb

from bench.figure import Figure, small_stack
from lake.releases import newest_published, recent_releases, releases_in_force
from lake.snapshots import newest_snapshot

FEW, MANY = 100, 100_000
COMMITS = 200
DOMAINS = 7
STARTED_AT = datetime(2026, 1, 1, tzinfo=UTC)
SCORES = (
    '{"environment.station_readings": {"correct": 99.9, "complete": 99.8, "clean": 99.9, "live": 100.0, "score": 99.9}}'
)

QUESTIONS: dict[str, Callable[[duckdb.DuckDBPyConnection], object]] = {
    "a reader's look for its line": lambda connection: newest_snapshot(connection, "marts"),
    "releases in force": releases_in_force,
    "`ioc releases`": recent_releases,
    "before a publication": lambda connection: newest_published(connection, "domain_3"),
}


def add_releases(connection: duckdb.DuckDBPyConnection, first: int, last: int) -> None:
    """Write releases with ids first to last, both included, in one commit."""
    connection.execute(
        """
        insert into marts.operations.releases
        select id, 'domain_' || id % $domains, id, 'passed', 'suite', 'publish', '20 checks passed', $scores,
            $start::timestamptz + to_minutes(id), $start::timestamptz + to_minutes(id)
        from generate_series($first, $last) as ids (id)
        """,
        {"domains": DOMAINS, "scores": SCORES, "start": STARTED_AT, "first": first, "last": last},
    )


def seconds(connection: duckdb.DuckDBPyConnection) -> dict[str, float]:
    """Return the best of five times of each question, in seconds."""
    found = {}
    for name, ask in QUESTIONS.items():
        times = []
        for _ in range(5):
            began = time.perf_counter()
            ask(connection)
            times.append(time.perf_counter() - began)
        found[name] = min(times)
    return found


def measure() -> Figure:
    """Measure with few and with many releases."""
    with small_stack() as (_, connection):
        add_releases(connection, 1, FEW)
        few = seconds(connection)
        step = (MANY - FEW) // COMMITS
        for first in range(FEW + 1, MANY + 1, step):
            add_releases(connection, first, min(first + step - 1, MANY))
        many = seconds(connection)
    worst = max(many[name] / few[name] for name in QUESTIONS)
    return Figure(
        f"questions of readers at {MANY:,} releases",
        ", ".join(f"{name} {many[name] * 1000:.0f} ms" for name in QUESTIONS),
        "≤ 3 times those at 100 releases",
        worst <= 3,
        f"at {FEW} releases " + ", ".join(f"{few[name] * 1000:.0f} ms" for name in QUESTIONS),
    )


if __name__ == "__main__":
    print(measure().row())
