"""Readers that query two marts of one domain repeatedly and record wrong answers.

Every version of the marts has the same number in all its rows, so that one query over both detects a mixed answer. The candidates are
rewritten by statements that commit one by one: between two of them they are empty or contradict each other. The first mart has a known
key and is published by its differences; the second one is rewritten. Both are part of one publication.
"""

import os
import signal
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event
from time import monotonic
from unittest.mock import patch

import duckdb

from core.settings import Settings
from lake.connection import connected
from lake.releases import Release
from lake.serving import CHECK_SECONDS, ReleasedMarts
from lake.snapshots import newest_snapshot
from quality.release import publish, rollback
from quality.steps import publish_domain
from quality.verdicts import CheckResult, Verdict, record_verdict
from tests.faults.boundaries import watched
from transform.build import Build, _write_down

DOMAIN = "served"
MARTS = ("ones", "twins")
KEYS = {"ones": ("id",)}
ROWS = 100
QUESTION = (
    "select count(*), count(*) filter (mart = 'ones'), min(version), max(version) from "
    "(select 'ones' as mart, version from served.ones union all select 'twins', version from served.twins)"
)
PASSED = CheckResult("ones", "rows are there", 1, "critical", True, "100 rows", "100 rows")


@dataclass
class Answers:
    """What some readers saw. `versions` counts the answers by version; `longest_seconds` is the longest wait for an answer."""

    versions: Counter[int] = field(default_factory=Counter)
    mixed: int = 0
    empty: int = 0
    errors: list[str] = field(default_factory=list)
    longest_seconds: float = 0.0

    def add(self, row: tuple[int | None, ...], seconds: float) -> None:
        """Check and count one answer."""
        rows, ones, lowest, highest = row
        self.longest_seconds = max(self.longest_seconds, seconds)
        if rows != 2 * ROWS or ones != ROWS:
            self.empty += 1
        elif lowest is None or lowest != highest:
            self.mixed += 1
        else:
            self.versions[lowest] += 1

    def plus(self, other: "Answers") -> "Answers":
        """Return the combined answers of two groups of readers."""
        return Answers(
            self.versions + other.versions,
            self.mixed + other.mixed,
            self.empty + other.empty,
            self.errors + other.errors,
            max(self.longest_seconds, other.longest_seconds),
        )


class Impatient:
    """A clock on which the check of the catalog connection is always due."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        self.seconds += CHECK_SECONDS
        return self.seconds


def dashboards(settings: Settings, threads: int, stop: Event, answers: "Queue[Answers]", is_impatient: bool) -> None:
    """Read like a worker of Superset, with many threads on one instance; an impatient one checks its connection before every query."""
    marts = ReleasedMarts(settings, Impatient() if is_impatient else monotonic)
    _ask(threads, stop, answers, lambda: marts.cursor().execute(QUESTION).fetchall())


def analysts(settings: Settings, threads: int, stop: Event, answers: "Queue[Answers]") -> None:
    """Read like `ioc sql`: each query on a connection of its own."""

    def ask() -> list[tuple[int | None, ...]]:
        with connected(settings, as_reader=True) as connection:
            return connection.execute(QUESTION).fetchall()

    _ask(threads, stop, answers, ask)


def _ask(threads: int, stop: Event, answers: "Queue[Answers]", ask: Callable[[], list[tuple[int | None, ...]]]) -> None:
    def read() -> Answers:
        mine = Answers()
        while not stop.is_set():
            began = monotonic()
            try:
                (row,) = ask()
            except Exception as error:  # noqa: BLE001  any error of a reader is counted, and fails the test
                mine.errors.append(f"{type(error).__name__}: {str(error).splitlines()[0]}")
            else:
                mine.add(row, monotonic() - began)
        return mine

    with ThreadPoolExecutor(threads) as pool:
        everybody = [pool.submit(read) for _ in range(threads)]
        total = Answers()
        for one in everybody:
            total = total.plus(one.result())
    answers.put(total)


def rewrite(connection: duckdb.DuckDBPyConnection, version: int, die_between: bool = False) -> int:
    """Write a version of the candidates, statement by statement; return their snapshot. `die_between` kills the process while one is empty.

    Each version has one id that the version before did not have, and lacks one that it had.
    """
    connection.execute(f"create schema if not exists lake.{DOMAIN}")
    for mart in MARTS:
        connection.execute(f"create table if not exists lake.{DOMAIN}.{mart} (id bigint, version integer)")
        connection.execute(f"delete from lake.{DOMAIN}.{mart}")
        if die_between and mart == MARTS[-1]:
            os.kill(os.getpid(), signal.SIGKILL)
        connection.execute(
            f"insert into lake.{DOMAIN}.{mart} select range, {version} from range({version}, {version + ROWS})"
        )
    return newest_snapshot(connection)


def write_version(
    connection: duckdb.DuckDBPyConnection, settings: Settings, version: int, die_between: bool = False
) -> int:
    """Write a version as a build of the newest snapshot, and let it pass its audit; return that snapshot."""
    read = newest_snapshot(connection)
    built = Build(DOMAIN, read, rewrite(connection, version, die_between), code="", built=len(MARTS), tested=0)
    _write_down(connection, settings, DOMAIN, read, "passed", built=built)
    record_verdict(connection, Verdict(DOMAIN, read, "a check", True, settings.clock(), (PASSED,)))
    return read


def keys_known() -> "AbstractContextManager[object]":
    """Provide the keys of these marts to publications, since no yml file declares them."""
    return patch("quality.release.keys_of", return_value=KEYS)


def publish_version(settings: Settings, version: int, die_at: str | None = None) -> None:
    """Write, audit and publish a version; with `die_at`, die at a boundary of the publication, or between the marts."""
    later = settings.model_copy(update={"now": settings.clock() + timedelta(seconds=version)})
    with connected(later) as connection, keys_known(), watched("publish", _death(die_at)):
        snapshot = write_version(connection, later, version, die_between=die_at == "between the marts")
        publish(connection, later, DOMAIN, snapshot)


def publish_build(settings: Settings, snapshot: int) -> Release:
    """Publish the build of a snapshot, like the command."""
    with keys_known():
        return publish_domain(settings, DOMAIN, snapshot)


def roll_back(settings: Settings, release_id: int, die_at: str | None = None) -> None:
    """Put an earlier release back in force; with `die_at`, die at a boundary of the publication."""
    with connected(settings) as connection, keys_known(), watched("publish", _death(die_at)):
        rollback(connection, settings, DOMAIN, release_id)


def _death(die_at: str | None) -> Callable[[str], None]:
    def passed(boundary: str) -> None:
        if boundary == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    return passed
