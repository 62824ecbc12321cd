"""One writer at a time for what must not be written twice.

The lakehouse lets two writers append to one table at once, which is what different feeds want. Two loads of the *same* feed would both
find a record missing and both write it; they take turns through a lock in PostgreSQL, which a dying process gives back by
dying.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from ingestion.errors import ServiceError
from ingestion.settings import Settings


@contextmanager
def exclusive(settings: Settings, name: str) -> Iterator[None]:
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
    except psycopg.OperationalError as error:
        raise ServiceError(
            f"lake: PostgreSQL at {settings.postgres_host}:{settings.postgres_port} was promised, it does not answer; "
            "see `ioc status`"
        ) from error
    with session:
        session.execute("select pg_advisory_lock(hashtextextended(%s, 0))", [f"ioc:{name}"])
        yield
