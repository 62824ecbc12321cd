"""Locks of the lakehouse: one writer at a time per name, and no writer during maintenance.

The lakehouse lets two writers append to one table at once, which suits different feeds. Two loads of the *same* feed would both find a
record missing and both write it, so they take turns through a named lock. Merging and expiring while others write ends in conflicts, so
every writer also holds one shared lock, and maintenance takes that lock exclusively. PostgreSQL grants locks in the order of the requests:
a writer that arrives while maintenance waits queues behind it, so that maintenance gets its turn under any load.

    exclusive(settings, name)    a writer, the only one with this name
    writing(settings, who)       a writer that needs no named lock
    alone(settings)              maintenance: nobody writes

Locks belong to PostgreSQL sessions, so a process that dies releases them. A process that held a lock through a restart of PostgreSQL has
lost it, which is why it checks before it commits. There is no deadlock: the writers' lock is always taken first, so whoever waits for it
holds no named lock, and a process that holds it never requests it again. Such a request would come from another session and queue behind
maintenance, which waits for this very process, and PostgreSQL would not see that the two sessions belong together. So a process holds the
writers' lock once, for all its threads, until the last block that needs it ends.
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
"""The lock that writers share and maintenance takes exclusively."""

PATIENCE = timedelta(minutes=15)
"""How long maintenance waits for writers: one that hangs must not hold up everyone queued behind maintenance."""

Session = psycopg.Connection[tuple[object, ...]]


@dataclass(frozen=True)
class Lock:
    """The locks held for `name`."""

    name: str
    _sessions: tuple[Session, ...]

    def require_held(self) -> None:
        """Raise ServiceError if a session was lost, and its lock with it: another process may hold the lock by now."""
        for session in self._sessions:
            try:
                session.execute("select 1")
            except psycopg.OperationalError as error:
                raise ServiceError(
                    f"{self.name}: expected to hold the lock until the commit, got a lost session; nothing was committed, run it again"
                ) from error


@contextmanager
def exclusive(settings: Settings, name: str, *, is_writer: bool = True) -> Iterator[Lock]:
    """Hold the lock called `name` for the block, after waiting until its present holder finishes or dies.

    A writer also holds the writers' lock. `is_writer` is False for work that takes turns but does not write to the catalogs: maintenance
    does not wait for it, and such a block must not write.
    """
    if is_writer:
        with _writers_lock(settings, name, is_alone=False) as shared, _locked(settings, name) as session:
            yield Lock(name, (shared, session))
    else:
        with _locked(settings, name) as session:
            yield Lock(name, (session,))


@contextmanager
def writing(settings: Settings, who: str) -> Iterator[Lock]:
    """Hold the writers' lock for the block: others may write meanwhile, maintenance may not run. `who` is shown in the list of sessions."""
    with _writers_lock(settings, who, is_alone=False) as session:
        yield Lock(who, (session,))


@contextmanager
def alone(settings: Settings, patience: timedelta = PATIENCE) -> Iterator[Lock]:
    """Wait until nobody writes, and keep writers out for the block.

    Raises ServiceError naming the writers if they do not finish in time, since every other writer is waiting by then, and
    ConfigurationError if this process itself is writing.
    """
    with _writers_lock(settings, "maintenance", is_alone=True, patience=patience) as session:
        yield Lock("maintenance", (session,))


@dataclass
class _Hold:
    """The writers' lock held by this process, and how many blocks rely on it."""

    session: Session
    is_alone: bool
    blocks: int = 0


_holds: dict[tuple[int, str, int], _Hold] = {}
"""By process and database: a lock belongs to the process, like an open file, and not to a caller."""

_change = threading.Lock()


@contextmanager
def _writers_lock(
    settings: Settings, who: str, *, is_alone: bool, patience: timedelta | None = None
) -> Iterator[Session]:
    """Hold the writers' lock; the blocks and threads of a process share it, in one session."""
    key = (os.getpid(), settings.postgres_host, settings.postgres_port)
    with _change:
        hold = _holds.get(key)
        if hold is None:
            session = _session(settings, who if is_alone else f"writing: {who}")
            _take(settings, session, WRITERS, is_shared=not is_alone, patience=patience)
            hold = _holds[key] = _Hold(session, is_alone)
        elif is_alone or hold.is_alone:
            raise ConfigurationError(
                f"{who}: expected no maintenance and writing in one process, got both, which would wait for each other; "
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
    """Open a session that shows its holder's name; the server drops a client that has vanished after two minutes."""
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
                f"lake: expected no writers within {patience}, got {_holders(session)} still running; "
                "see docs/maintenance.md, then run it again"
            ) from error
    except (
        BaseException
    ) as error:  # also when a wait is interrupted: a session left open would keep its place in the queue
        session.close()
        if isinstance(error, psycopg.OperationalError):
            raise _no_answer(settings) from error
        raise


def _holders(session: Session) -> str:
    """Return the names of the sessions that hold one of our locks."""
    rows = session.execute(
        "select distinct application_name from pg_stat_activity join pg_locks using (pid) "
        "where locktype = 'advisory' and granted and pid <> pg_backend_pid() order by 1"
    ).fetchall()
    return ", ".join(str(row[0]) for row in rows) or "nobody any more"


def _no_answer(settings: Settings) -> ServiceError:
    return ServiceError(
        f"lake: expected PostgreSQL at {settings.postgres_host}:{settings.postgres_port}, got no answer; see `ioc status`"
    )
