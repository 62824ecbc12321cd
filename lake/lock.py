"""One writer at a time for what must not be written twice.

The lakehouse lets two writers append to one table at once, which is what different feeds want. Two loads of the *same* feed would both
find a record missing and both write it; they take turns through a lock in PostgreSQL, which a dying process gives back by
dying. The lock lives as long as its session: one who held it through a restart of PostgreSQL holds it no more, and asks before it commits.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from ingestion.errors import ServiceError
from ingestion.settings import Settings


@dataclass(frozen=True)
class Lock:
    """A lock that was taken."""

    name: str
    _session: psycopg.Connection[tuple[object, ...]]

    def require_held(self) -> None:
        """Raise ServiceError where the session, and the lock with it, was lost: somebody else may have it by now."""
        try:
            self._session.execute("select 1")
        except psycopg.OperationalError as error:
            raise ServiceError(
                f"{self.name}: one at a time was promised, the lock was lost with its session; nothing was committed, run it again"
            ) from error


@contextmanager
def exclusive(settings: Settings, name: str) -> Iterator[Lock]:
    """Hold the lock called `name` for the block; wait for its turn, which ends when its holder finishes or dies."""
    try:
        session = psycopg.connect(
            host=settings.postgres_host,
            port=settings.postgres_port,
            user=settings.postgres_user,
            password=settings.reveal("postgres_password"),
            dbname="ioc_lake",
            autocommit=True,
        )
        session.execute("select pg_advisory_lock(hashtextextended(%s, 0))", [f"ioc:{name}"])
    except psycopg.OperationalError as error:
        raise ServiceError(
            f"lake: PostgreSQL at {settings.postgres_host}:{settings.postgres_port} was promised, it does not answer; "
            "see `ioc status`"
        ) from error
    with session:
        yield Lock(name, session)
