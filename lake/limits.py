"""The time limit for SQL written by people.

Superset's own limit is a signal, which only the main thread of a process receives, while its queries run in other threads. Here a watchdog
thread interrupts the connection, whichever thread uses it. A DuckDB cursor is a connection of its own, so the other cursors of its
instance are not affected.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from core.errors import ConfigurationError

AGAIN_SECONDS = 0.1
"""An interrupt between two statements is lost when the next one begins, so it is repeated until the block ends."""


class QueryTimeError(ConfigurationError):
    """A query ran longer than it may."""


class Allowance:
    """The seconds that one statement may use, for executing it and for fetching its rows together."""

    def __init__(self, what: str, seconds: float) -> None:
        self._what = what
        self._seconds = seconds
        self._left = seconds

    @contextmanager
    def spent_on(self, connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """Count the block against the allowance; when it is used up, interrupt the connection and raise QueryTimeError."""
        is_over, was_struck = threading.Event(), threading.Event()
        turn = threading.Lock()

        def strike() -> None:
            patience = self._left
            while not is_over.wait(patience):
                with turn:  # so that nothing after the block is interrupted
                    if not is_over.is_set():
                        was_struck.set()
                        connection.interrupt()
                patience = AGAIN_SECONDS

        began = time.monotonic()
        watch = threading.Thread(target=strike, name="time limit", daemon=True)
        watch.start()
        try:
            yield
        except duckdb.Error as error:
            if not was_struck.is_set():
                raise
            raise QueryTimeError(
                f"{self._what}: expected an answer within {self._seconds:g} s, got none; ask for less at once, "
                "or set IOC_SQL_SECONDS higher",
                seconds=self._seconds,
            ) from error
        finally:
            with turn:
                is_over.set()
            self._left = max(0.0, self._left - (time.monotonic() - began))


@contextmanager
def time_limit(connection: duckdb.DuckDBPyConnection, what: str, seconds: float) -> Iterator[None]:
    """Interrupt the connection and raise QueryTimeError if the block takes longer than `seconds`. Works in any thread."""
    with Allowance(what, seconds).spent_on(connection):
        yield
