"""Who may write when: one at a time for what must not be written twice, and nobody beside maintenance.

The lakehouse lets two writers append to one table at once, which is what different feeds want. Two loads of the *same* feed would both
find a record missing and both write it, so they take turns through a lock of a name. Merging and expiring beside writers ends in
conflicts, so every writer also holds one lock that writers share, and maintenance takes that lock alone. PostgreSQL hands a lock out in
the order asked for: a writer that comes while maintenance waits waits behind it, so that maintenance gets its turn under any load.

    exclusive(settings, name)    a writer, the only one of its name
    writing(settings, who)       a writer that needs no name
    alone(settings)              maintenance: nobody writes

Locks live in PostgreSQL sessions: a dying process gives them back by dying. One who held a lock through a restart of PostgreSQL holds it
no more, and asks before it commits. Nobody waits in a ring: whoever waits for the writers' lock holds no lock of a writer's name, since
the writers' lock is always taken first, and a process that holds it never asks for it again - the request would stand in another session,
queue behind maintenance, which waits for this very process, and PostgreSQL would see two sessions that have nothing to do with each
other. So the writers' lock is held once a process, for all its threads, until the last block that needs it ends.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta

import psycopg

from core.errors import ConfigurationError, ServiceError
from core.settings import Settings

WRITERS = "writers"
"""The lock that writers share and maintenance takes alone."""

PATIENCE = timedelta(minutes=15)
"""How long maintenance waits for those who write: one that hangs must not hold up all who come after it."""

Session = psycopg.Connection[tuple[object, ...]]


@dataclass(frozen=True)
class Lock:
    """Locks that were taken for `name`."""

    name: str
    _sessions: tuple[Session, ...]

    def require_held(self) -> None:
        """Raise ServiceError where a session, and the lock with it, was lost: somebody else may have it by now."""
        for session in self._sessions:
            try:
                session.execute("select 1")
            except psycopg.OperationalError as error:
                raise ServiceError(
                    f"{self.name}: one at a time was promised, the lock was lost with its session; nothing was committed, run it again"
                ) from error


@contextmanager
def exclusive(settings: Settings, name: str, *, is_writer: bool = True) -> Iterator[Lock]:
    """Hold the lock called `name` for the block; wait for its turn, which ends when its holder finishes or dies.

    A writer holds the writers' lock too. `is_writer` is False for work that takes turns and does not write to the catalogs: maintenance
    need not wait for it. In such a block nothing may be written.
    """
    if is_writer:
        with _writers_lock(settings, name, is_alone=False) as shared, _locked(settings, name) as session:
            yield Lock(name, (shared, session))
    else:
        with _locked(settings, name) as session:
            yield Lock(name, (session,))


@contextmanager
def writing(settings: Settings, who: str) -> Iterator[Lock]:
    """Hold the writers' lock for the block: others may write meanwhile, maintenance does not run. `who` is told to a person who looks."""
    with _writers_lock(settings, who, is_alone=False) as session:
        yield Lock(who, (session,))


@contextmanager
def alone(settings: Settings, patience: timedelta = PATIENCE) -> Iterator[Lock]:
    """Wait until nobody writes, and let nobody write during the block.

    Raises ServiceError naming the writers where they are not done in time, because every other writer waits as well by then, and
    ConfigurationError where this process itself writes.
    """
    with _writers_lock(settings, "maintenance", is_alone=True, patience=patience) as session:
        yield Lock("maintenance", (session,))


@dataclass
class _Hold:
    """The writers' lock as this process holds it, and how many blocks rely on it."""

    session: Session
    is_alone: bool
    blocks: int = 0


_holds: dict[tuple[int, str, int], _Hold] = {}
"""By process and database: a lock belongs to a process as an open file does, so this is a fact of the process and not of a caller."""

_change = threading.Lock()


@contextmanager
def _writers_lock(
    settings: Settings, who: str, *, is_alone: bool, patience: timedelta | None = None
) -> Iterator[Session]:
    """Hold the writers' lock; a process that holds it shares it among its blocks and threads, in one session."""
    key = (os.getpid(), settings.postgres_host, settings.postgres_port)
    with _change:
        hold = _holds.get(key)
        if hold is None:
            session = _session(settings, who if is_alone else f"writing: {who}")
            _take(settings, session, WRITERS, is_shared=not is_alone, patience=patience)
            hold = _holds[key] = _Hold(session, is_alone)
        elif is_alone or hold.is_alone:
            raise ConfigurationError(
                f"{who}: no writer beside maintenance was promised, this process would wait for itself; "
                "run maintenance in a process of its own"
            )
        else:
            Lock(who, (hold.session,)).require_held()
        hold.blocks += 1
    try:
        yield hold.session
    finally:
        with _change:
            hold.blocks -= 1
            if not hold.blocks:
                del _holds[key]
                hold.session.close()


@contextmanager
def _locked(settings: Settings, name: str) -> Iterator[Session]:
    with closing(_session(settings, name)) as session:
        _take(settings, session, name, is_shared=False)
        yield session


def _session(settings: Settings, who: str) -> Session:
    """Open a session that tells its holder's name; the server gives up a machine that vanished after two minutes."""
    try:
        return psycopg.connect(
            host=settings.postgres_host,
            port=settings.postgres_port,
            user=settings.postgres_user,
            password=settings.reveal("postgres_password"),
            dbname="ioc_lake",
            application_name=f"ioc {who}",
            options="-c tcp_keepalives_idle=60 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=6",
            autocommit=True,
        )
    except psycopg.OperationalError as error:
        raise _no_answer(settings) from error


def _take(
    settings: Settings, session: Session, name: str, *, is_shared: bool, patience: timedelta | None = None
) -> None:
    function = "pg_advisory_lock_shared" if is_shared else "pg_advisory_lock"
    try:
        if patience is not None:
            session.execute(
                "select set_config('lock_timeout', %s, false)", [f"{patience // timedelta(milliseconds=1)}ms"]
            )
        session.execute(f"select {function}(hashtextextended(%s, 0))", [f"ioc:{name}"])
    except psycopg.errors.LockNotAvailable as error:
        with session:
            raise ServiceError(
                f"lake: a moment in which nobody writes was promised within {patience}, {_holders(session)} did not end; "
                "see docs/maintenance.md, then run it again"
            ) from error
    except (
        BaseException
    ) as error:  # an interrupted wait too: a session that is left open would keep its place in the queue
        session.close()
        if isinstance(error, psycopg.OperationalError):
            raise _no_answer(settings) from error
        raise


def _holders(session: Session) -> str:
    """Name the sessions that hold a lock of ours."""
    rows = session.execute(
        "select distinct application_name from pg_stat_activity join pg_locks using (pid) "
        "where locktype = 'advisory' and granted and pid <> pg_backend_pid() order by 1"
    ).fetchall()
    return ", ".join(str(row[0]) for row in rows) or "nobody any more"


def _no_answer(settings: Settings) -> ServiceError:
    return ServiceError(
        f"lake: PostgreSQL at {settings.postgres_host}:{settings.postgres_port} was promised, it does not answer; see `ioc status`"
    )
