"""How long SQL written by a person may run.

Superset's own limit is a signal, which only a process's first thread gets; its queries run in others. Here a thread beside the query
interrupts the connection, whichever thread uses it. A cursor of DuckDB is a connection of its own: the others of its instance go on.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from core.errors import ConfigurationError

AGAIN_SECONDS = 0.1
"""An interruption between two statements is forgotten when the next one begins, so it is repeated until the block ends."""


class QueryTimeError(ConfigurationError):
    """A query ran longer than it may."""


class Allowance:
    """The seconds that one statement may use: while it is executed, and while its rows are fetched."""

    def __init__(self, what: str, seconds: float) -> None:
        self._what = what
        self._seconds = seconds
        self._left = seconds

    @contextmanager
    def spent_on(self, connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """Count the block against the allowance, and interrupt the connection when all is used; raises QueryTimeError then."""
        is_over, was_struck = threading.Event(), threading.Event()
        turn = threading.Lock()

        def strike() -> None:
            patience = self._left
            while not is_over.wait(patience):
                with turn:  # so that nothing is interrupted that begins after the block
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
    """Interrupt the connection where the block takes longer than `seconds`; raises QueryTimeError then. Works in any thread."""
    with Allowance(what, seconds).spent_on(connection):
        yield
