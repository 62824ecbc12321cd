"""The folder of a feed's owner on the SFTP server, into which the agency's loggers push their files (docs/sftp.md).

The account that reads it has no right to change anything. A feed is taken from `<its owner>/<folder>` only, so that no other agency can
send for its owner; a file that is not taken, because of its name (`files.py`) or because it cannot be read, is reported. A file that was
sent several times under one name is taken as often, each time as a delivery of that name (`core/sent_names.py`).

A collection uses one connection and one listing. Small files are fetched on eight channels of that connection, since a day of
a hundred stations is 28,800 of them and each costs five round trips (a channel of paramiko serves one thread at a time). A
file whose size or time of change differs from the listing after it was read is still being written: it is left for the next time and
reported. The server's key is trusted on first use and kept in `known_hosts`; a different key later is refused until an operator removes
the line. Contract options: `folder`, `pattern`.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from queue import SimpleQueue
from stat import S_ISREG
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

import paramiko

from core.agencies import agency_slug
from core.contract import Contract
from core.errors import SourceAnswerError, SourceUnavailableError
from core.sent_names import sent_name
from ingestion.collect.connectors.base import Arrival, Checkpoint, Clock, Window
from ingestion.collect.connectors.files import (
    CHANGED,
    DENIED,
    GONE,
    HOSTILE,
    SMALL_BYTES,
    Listed,
    due,
    why_left,
)

SECONDS = 15
"""How long a connection, a login or an answer may take."""

KEEPALIVE_SECONDS = 10
COPY_BYTES = 1024 * 1024
CHANNELS = 8
BATCH = 256
BATCH_BYTES = 64 * 1024 * 1024
"""This many files, and bytes by the listing, are fetched ahead; a larger file is fetched on its own."""


@dataclass(frozen=True)
class _Left:
    """Stands in for a file that was not taken."""

    reason: str


@dataclass(frozen=True)
class Sftp:
    """The account that reads every agency's folders; we maintain `known_hosts`."""

    host: str
    port: int
    user: str
    password: str
    known_hosts: Path

    def collect(
        self, contract: Contract, checkpoint: Checkpoint, window: Window | None, clock: Clock
    ) -> Iterator[Arrival]:
        """Yield new and changed files in the order of their names; with a window, those that belong to it.

        Raises SourceUnavailableError when the connection breaks, after the files that came before, and SourceAnswerError when the
        login is refused or the server shows another key than before.
        """
        now = clock()
        folder = f"{agency_slug(contract.owner)}/{contract.option('folder')}"
        pattern = str(contract.option("pattern"))
        checkpoint.refused.clear()
        with _translated(contract.feed), self.connection() as connection:
            with _opened(connection) as channel:
                listed = list(_listing(channel, contract.feed, folder, pattern, checkpoint))
            for file, content in _fetched(connection, folder, due(contract, checkpoint, window, listed)):
                if isinstance(content, _Left):
                    checkpoint.refuse(file.name, content.reason)
                else:
                    yield file.arrival(content, now)
            checkpoint.forget({file.kept_as for file in listed}, now)

    @contextmanager
    def connection(self) -> Iterator[paramiko.SSHClient]:
        """Connect, check the server's key and log in; close the connection at the end."""
        self.known_hosts.parent.mkdir(parents=True, exist_ok=True)
        self.known_hosts.touch()
        with paramiko.SSHClient() as client:
            client.load_host_keys(str(self.known_hosts))
            client.set_missing_host_key_policy(paramiko.AutoAddPolicy())  # and kept in known_hosts, see above
            log_in(client, self.host, self.port, user=self.user, password=self.password, seconds=SECONDS)
            transport = client.get_transport()
            if transport is not None:
                transport.set_keepalive(KEEPALIVE_SECONDS)
            yield client


def log_in(client: paramiko.SSHClient, host: str, port: int, *, user: str, password: str, seconds: float) -> None:
    """Connect a client by password and nothing else; no step may take longer than `seconds`."""
    client.connect(
        host,
        port,
        username=user,
        password=password,
        timeout=seconds,
        banner_timeout=seconds,
        auth_timeout=seconds,
        look_for_keys=False,
        allow_agent=False,
    )


@contextmanager
def _opened(connection: paramiko.SSHClient) -> Iterator[paramiko.SFTPClient]:
    """Open one more channel on a connection, with SECONDS as the time limit of every answer."""
    with connection.open_sftp() as session:
        channel = session.get_channel()
        if channel is not None:
            channel.settimeout(SECONDS)
        yield session


def _fetched(
    connection: paramiko.SSHClient, folder: str, files: list[Listed]
) -> Iterator[tuple[Listed, BinaryIO | bytes | _Left]]:
    """Fetch files on several channels at once, and yield them in their order, a batch at a time."""
    with ExitStack() as stack:
        free: SimpleQueue[paramiko.SFTPClient] = SimpleQueue()
        for _ in range(min(CHANNELS, len(files))):
            free.put(stack.enter_context(_opened(connection)))

        def fetch(entry: Listed) -> BinaryIO | bytes | _Left:
            session = free.get()
            try:
                return _fetch(session, f"{folder}/{entry.kept_as}", entry)
            finally:
                free.put(session)

        pool = stack.enter_context(ThreadPoolExecutor(CHANNELS))
        for batch in _batches(files):
            yield from zip(batch, pool.map(fetch, batch), strict=True)


def _batches(files: list[Listed]) -> Iterator[list[Listed]]:
    batch: list[Listed] = []
    size = 0
    for entry in files:
        if batch and (len(batch) >= BATCH or size + entry.size > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += entry.size
    if batch:
        yield batch


@contextmanager
def _translated(feed: str) -> Iterator[None]:
    """Turn paramiko's errors into ours; errors of the code that takes the arrivals pass unchanged."""
    try:
        yield
    except paramiko.BadHostKeyException as error:
        raise SourceAnswerError(
            f"{feed}: expected the key that the SFTP server showed before, got another; ask the agency, then remove the line of the server "
            "from known_hosts",
            feed=feed,
        ) from error
    except paramiko.AuthenticationException as error:
        raise SourceAnswerError(
            f"{feed}: expected the SFTP server to accept the login, got a refusal; check user and password", feed=feed
        ) from error
    except (paramiko.SSHException, EOFError, OSError) as error:
        raise SourceUnavailableError(
            f"{feed}: expected an SFTP connection, got {type(error).__name__}; try again",
            feed=feed,
        ) from error


def _listing(
    session: paramiko.SFTPClient, feed: str, folder: str, pattern: str, checkpoint: Checkpoint
) -> Iterator[Listed]:
    try:
        listing = session.listdir_attr(folder)
    except FileNotFoundError as error:
        raise SourceUnavailableError(
            f"{feed}: expected a folder {folder} on the SFTP server, got none; see `ioc agencies list`", feed=feed
        ) from error
    for attributes in sorted(listing, key=lambda attributes: sent_name(attributes.filename)):
        kept_as = attributes.filename
        name, _ = sent_name(kept_as)
        reason = HOSTILE if "/" in name or "\\" in name else why_left(name, pattern)
        if reason is None and (attributes.st_mode is None or not S_ISREG(attributes.st_mode)):
            reason = "not a regular file"
        if reason:
            checkpoint.refuse(name, reason)
        else:
            yield Listed(name, kept_as, attributes.st_size or 0, float(attributes.st_mtime or 0))


def _fetch(session: paramiko.SFTPClient, path: str, entry: Listed) -> BinaryIO | bytes | _Left:
    """Return a file's bytes, a stream of a large one, or why it is left."""
    is_large = entry.size > SMALL_BYTES
    spool = SpooledTemporaryFile(max_size=SMALL_BYTES) if is_large else BytesIO()  # noqa: SIM115  # the caller reads it
    with ExitStack() as unless_given:
        unless_given.callback(spool.close)
        try:
            with session.open(path, "rb") as file:
                if is_large:
                    file.prefetch(entry.size)
                is_whole = _copy(file, cast("BinaryIO", spool), entry)
        except FileNotFoundError:
            return _Left(GONE)
        except PermissionError:
            return _Left(DENIED)
        if not is_whole:
            return _Left(CHANGED)
        spool.seek(0)
        if not is_large:
            return spool.read()
        unless_given.pop_all()
        return cast("BinaryIO", spool)


def _copy(file: paramiko.SFTPFile, spool: BinaryIO, entry: Listed) -> bool:
    """Copy an open file, no further than its listed size; return whether it still matches the listing."""
    left = entry.size
    while block := file.read(min(left + 1, COPY_BYTES)):
        left -= len(block)
        spool.write(block)
    now = file.stat()
    return left == 0 and (now.st_size, float(now.st_mtime or 0)) == (entry.size, entry.modified)
