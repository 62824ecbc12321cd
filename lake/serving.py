"""Hand out cursors on the released marts: hardened, read-only, at the newest release.

Each process keeps one in-memory DuckDB instance with `marts` attached, and nothing else. A caller gets a cursor of it; each query sees the
catalog as of its beginning, which is always a whole release, since publishing is one transaction. If the connection to the catalog is
lost, a new instance is opened; checking for that reads one row, at most every CHECK_SECONDS.

SQL written by people passes two guards: the gate (lake/gate.py), and an instance that holds nothing else. Its settings are locked: no
file, no URL, no other database, no variable of this program. Each query runs in a read-only transaction, so that not even objects in
memory, such as the macro `clock_now()`, can be replaced.
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
from lake.gate import Table, tables_in
from lake.releases import version_as_of
from lake.snapshots import attach_as_of, newest_snapshot

CHECK_SECONDS = 2.0
"""How long a lost connection to the catalog may go unnoticed."""

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
"""The statements that lock an instance, in this order: after the last one, none of them would be allowed."""


@dataclass
class ReleasedMarts:
    """The released marts as served by one process; safe to use from many threads."""

    settings: Settings
    clock: Callable[[], float] = monotonic
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _instance: duckdb.DuckDBPyConnection | None = field(default=None, repr=False)
    _checked_at: float = field(default=float("-inf"), repr=False)
    _snapshot: int | None = field(default=None, repr=False)
    _listed: tuple[int, frozenset[Table]] | None = field(default=None, repr=False)

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """Return a cursor in which `<domain>.<mart>` names a released mart; raises ServiceError if a service does not answer."""
        with self._lock:
            if self._instance is not None and self._is_alive(self._instance):
                with suppress(duckdb.CatalogException):  # marts were detached, the one thing no setting can forbid
                    return _cursor(self._instance)
            return _cursor(self._open())

    def snapshot(self) -> int:
        """Return the snapshot of the newest release, at most CHECK_SECONDS old; raises ServiceError if a service does not answer."""
        with self._lock:
            instance = self._instance
            if instance is None or not self._is_alive(instance):
                instance = self._open()
            if self._snapshot is None:
                self._snapshot = newest_snapshot(instance, "marts")
            return self._snapshot

    def tables(self, cursor: duckdb.DuckDBPyConnection) -> frozenset[Table]:
        """Return the released tables and views that a cursor sees.

        They are listed once per snapshot: DuckDB counts the rows of all tables to list them, which takes ten times as long as many a query.
        """
        snapshot = newest_snapshot(cursor, "marts")
        listed = self._listed
        if listed is None or listed[0] != snapshot:
            listed = self._listed = (snapshot, tables_in(cursor))
        return listed[1]

    def _open(self) -> duckdb.DuckDBPyConnection:
        self._instance = open_marts(self.settings)
        self._checked_at, self._snapshot, self._listed = self.clock(), None, None
        return self._instance

    def _is_alive(self, instance: duckdb.DuckDBPyConnection) -> bool:
        if self.clock() - self._checked_at < CHECK_SECONDS:
            return True
        try:
            self._snapshot = newest_snapshot(instance, "marts")
        except duckdb.Error:
            return False
        self._checked_at = self.clock()
        return True


def _cursor(instance: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    cursor = instance.cursor()
    name_marts(cursor)
    return cursor


def define_clock(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Define `clock_now()`, the time from which readers' queries compute ages: `IOC_NOW` if set, else now.

    Ages keep growing while nothing is published, so that a dead pipeline cannot look fresh.
    """
    time = f"'{settings.now.isoformat()}'::timestamptz" if settings.now else "now()"
    connection.execute(f"create or replace macro memory.main.clock_now() as {time}")


def begin_reading(cursor: duckdb.DuckDBPyConnection) -> None:
    """Begin a read-only transaction that sees the newest release, ending any transaction the cursor had open."""
    end_reading(cursor)
    cursor.execute("begin transaction read only")


def end_reading(cursor: duckdb.DuckDBPyConnection) -> None:
    """End the transaction of `begin_reading`, also after an error.

    Left open until its cursor is closed, it would crash the process if the catalog's server has gone away meanwhile.
    """
    with suppress(duckdb.Error):
        cursor.rollback()


def open_marts(settings: Settings, moment: datetime | None = None) -> duckdb.DuckDBPyConnection:
    """Open a hardened instance that holds the released marts, now or as of `moment`, and nothing else.

    Raises ServiceError if a service does not answer, UnknownNameError if nothing had been published by then.
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
