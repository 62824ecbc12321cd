"""Hand out cursors on the released marts: hardened, read-only, and following the releases.

One process keeps one DuckDB instance in memory with the released views. A caller gets a cursor of it; before that, at most every
CHECK_SECONDS, the releases in force are compared with those shown, and where they differ a *new* instance takes over. A query in
flight keeps the instance, and so the snapshot, it began with; no thread ever sees views of two states. One thread makes the new
instance; the others go on with the old one meanwhile, and wait for nobody. The settings are locked,
so that SQL written by a person can read marts and nothing else: no file, no URL, no other database, no change of a setting.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

import duckdb

from ingestion.errors import ServiceError
from ingestion.settings import Settings
from lake.connection import connect
from lake.releases import create_released_views, releases_in_force

CHECK_SECONDS = 2.0
"""How long a published release may stay unseen. A check is one small query on PostgreSQL."""

HARDENING = (
    "set memory_limit = '1GB'",
    "set threads = 2",
    "set temp_directory = ''",
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
    _renewal: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _instance: duckdb.DuckDBPyConnection | None = field(default=None, repr=False)
    _shown: dict[str, int] = field(default_factory=dict)
    _checked_at: float = field(default=float("-inf"), repr=False)

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """Give a cursor on the releases in force; raises ServiceError where the catalog or the objects do not answer."""
        is_first = self._instance is None
        if self._renewal.acquire(blocking=is_first):  # who finds another one at it reads what is there
            try:
                self._renew()
            finally:
                self._renewal.release()
        with self._lock:
            if self._instance is None:
                raise ServiceError("marts: released views were promised, there are none; run `ioc publish`")
            return self._instance.cursor()

    def _renew(self) -> None:
        """Look for another release where it is time to, and let a new instance take over."""
        if self._instance is None or (self.clock() - self._checked_at >= CHECK_SECONDS and not self._is_current()):
            instance, shown = _open(self.settings)
            with self._lock:
                self._instance, self._shown = instance, shown
                self._checked_at = self.clock()

    def _is_current(self) -> bool:
        """Tell whether the views show what is in force; a lost line to PostgreSQL is answered by a new instance."""
        if self._instance is None:
            return False
        try:
            in_force = releases_in_force(self._instance.cursor())
        except duckdb.Error:
            return False
        self._checked_at = self.clock()
        return {domain: release.release_id for domain, release in in_force.items()} == self._shown


def define_clock(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Define `clock_now()`, the time against which a reader's queries count ages: `IOC_NOW` where it is set, else now.

    Ages count on while nothing is published, so that a dead pipeline cannot look fresh.
    """
    time = f"'{settings.now.isoformat()}'::timestamptz" if settings.now else "now()"
    connection.execute(f"create or replace macro memory.main.clock_now() as {time}")


def _open(settings: Settings) -> tuple[duckdb.DuckDBPyConnection, dict[str, int]]:
    instance = connect(settings, as_reader=True)
    try:
        in_force = create_released_views(instance)
        define_clock(instance, settings)
        for statement in HARDENING:
            instance.execute(statement)
    except duckdb.Error as error:
        instance.close()
        raise ServiceError(
            f"marts: releases were promised, {str(error).splitlines()[0]}; run `ioc up`, then `ioc publish`"
        ) from error
    return instance, {domain: release.release_id for domain, release in in_force.items()}
