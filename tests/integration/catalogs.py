"""Catalogs that a module has to itself."""

from collections.abc import Iterator
from contextlib import contextmanager

from core.contract import read_contracts
from core.settings import Settings
from lake.connection import connected
from lake.tables import create_tables
from stack.control import down, up


@contextmanager
def empty_catalogs(settings: Settings) -> Iterator[Settings]:
    """Start PostgreSQL and the object store with empty tables; end them again."""
    try:
        up(settings, {"postgres", "seaweedfs"})
        with connected(settings) as connection:
            create_tables(connection, read_contracts())
        yield settings
    finally:
        down(settings)
