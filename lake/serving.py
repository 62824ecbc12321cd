"""Hand out cursors on the released marts: hardened, read-only, at the newest release.

One process keeps one DuckDB instance in memory with `marts` attached, and nothing else. A caller gets a cursor of it; each query sees the
catalog as it is when the query begins, which is a whole release, as publishing is one transaction. A line to the catalog that was
lost is answered by a new instance; a look for that costs one row, at most every CHECK_SECONDS.

SQL written by a person meets two guards: the gate (lake/gate.py), and an instance that has nothing else to give. Its settings are locked:
no file, no URL, no other database, no variable of this program. Each query runs in a transaction that reads, so that not even what is
in memory, like the clock of the ages, can be replaced.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic

import duckdb

from core.errors import ServiceError, UnknownNameError
from core.settings import Settings
from lake.connection import connect, name_marts
from lake.releases import version_as_of
from lake.snapshots import attach_as_of, newest_snapshot

CHECK_SECONDS = 2.0
"""How long a lost line to the catalog may stay unseen."""

HARDENING = (
    "set memory_limit = '1GB'",
    "set threads = 2",
    "set temp_directory = ''",
    "set python_enable_replacements = false",
    "set autoload_known_extensions = false",
    "set allowed_directories = ['s3://marts/']",
    "set enable_external_access = false",
    "set lock_configuration = true",
)
"""The last statements of an instance, in this order: each would be refused after the last."""


@dataclass
class ReleasedMarts:
    """The released marts of a stack as one process serves them; safe to use from many threads."""

    settings: Settings
    clock: Callable[[], float] = monotonic
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _instance: duckdb.DuckDBPyConnection | None = field(default=None, repr=False)
    _checked_at: float = field(default=float("-inf"), repr=False)

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """Return a cursor for which `<domain>.<mart>` is a released mart; raises ServiceError where a service does not answer."""
        with self._lock:
            if self._instance is not None and self._is_alive(self._instance):
                with suppress(duckdb.CatalogException):  # marts were detached, the one thing that no setting forbids
                    return _cursor(self._instance)
            self._instance = open_marts(self.settings)
            self._checked_at = self.clock()
            return _cursor(self._instance)

    def _is_alive(self, instance: duckdb.DuckDBPyConnection) -> bool:
        if self.clock() - self._checked_at < CHECK_SECONDS:
            return True
        try:
            newest_snapshot(instance, "marts")
        except duckdb.Error:
            return False
        self._checked_at = self.clock()
        return True


def _cursor(instance: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    cursor = instance.cursor()
    name_marts(cursor)
    return cursor


def define_clock(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Define `clock_now()`, the time against which a reader's queries count ages: `IOC_NOW` where it is set, else now.

    Ages count on while nothing is published, so that a dead pipeline cannot look fresh.
    """
    time = f"'{settings.now.isoformat()}'::timestamptz" if settings.now else "now()"
    connection.execute(f"create or replace macro memory.main.clock_now() as {time}")


def begin_reading(cursor: duckdb.DuckDBPyConnection) -> None:
    """Begin a transaction that can change nothing and sees the newest release; what a cursor did before it is over."""
    end_reading(cursor)
    cursor.execute("begin transaction read only")


def end_reading(cursor: duckdb.DuckDBPyConnection) -> None:
    """End what `begin_reading` began, also after an error.

    One that stays open to the end of its cursor ends the process where the catalog's server has gone meanwhile.
    """
    with suppress(duckdb.Error):
        cursor.rollback()


def open_marts(settings: Settings, moment: datetime | None = None) -> duckdb.DuckDBPyConnection:
    """Open a hardened instance that has the released marts, now or as they were at a time, and nothing else.

    Raises ServiceError where a service does not answer, UnknownNameError where nothing had been published by then.
    """
    instance = connect(settings, as_reader=True)
    try:
        if moment:
            attach_as_of(instance, "marts", _version(instance, moment))
        define_clock(instance, settings)
        for statement in HARDENING:
            instance.execute(statement)
    except duckdb.Error as error:
        instance.close()
        raise ServiceError(
            f"marts: expected the released marts, got: {str(error).splitlines()[0]}; run `ioc up`, then `ioc publish`"
        ) from error
    return instance


def _version(instance: duckdb.DuckDBPyConnection, moment: datetime) -> int:
    version = version_as_of(instance, moment)
    if version is None:
        raise UnknownNameError(f"marts: expected a release, got none before {moment.isoformat()}; ask for a later hour")
    return version
