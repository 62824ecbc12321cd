"""The SFTP server's process: `python -m stack.sftp.server`, on asyncssh.

Agencies log in by password, each to its own folders; the collector logs in as IOC_SFTP_USER and can read every agency's folders. There is
no shell, no forwarding and no other way in. One process with one thread serves all, so that two sessions never act on a file at once.
"""

import asyncio
import os
import resource
import signal
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from secrets import compare_digest
from typing import Any

import asyncssh
from asyncssh.constants import DISC_BY_APPLICATION, FXP_BLOCK, FXP_LINK, FXP_UNBLOCK
from asyncssh.sftp import SFTPServerHandler
from asyncssh.stream import SSHReader, SSHServerStreamSession, SSHWriter

from core.contract import read_contracts
from core.settings import Settings
from stack.secrets import write_private
from stack.sftp.accounts import ensure_accounts, read_accounts
from stack.sftp.files import AgencyFiles, ReadOnlyFiles, Storage
from stack.sftp.logins import CLOSED_SECONDS, WITHIN_SECONDS, WRONG, WrongPasswords

SFTP_VERSION = 3
LOGIN_SECONDS = 20
KEEPALIVE_SECONDS = 15
"""A client that misses three keepalives is disconnected."""

CONNECTIONS = 20
"""How many connections an account may have, and how many an address may have that are not logged in yet."""

CHANNELS = 32
"""How many channels a connection may have open."""

RENEWED_SECONDS = 1.0
"""How soon a session ends after its account was removed or got a new password."""

EXTENSIONS = (b"posix-rename@openssh.com", b"fsync@openssh.com", b"limits@openssh.com")
"""Other extensions are not offered: `copy-data` could append a file to itself until the disk is full."""


class Server:
    """The state shared by all connections."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.storage = Storage(settings.home_folder / "sftp")
        self.wrong = WrongPasswords(time.monotonic)
        self.strangers: Counter[str] = Counter()
        self.entered: set[Connection] = set()

    def passwords(self) -> dict[str, str]:
        """Return the current password of each account, the collector's included."""
        agencies = {name: account.password for name, account in read_accounts(self.settings.home_folder).items()}
        return {**agencies, self.settings.sftp_user: self.settings.reveal("sftp_password")}

    async def close_renewed(self) -> None:
        """End sessions whose password is no longer the account's, as soon as the accounts change."""
        seen = self.passwords()
        while True:
            await asyncio.sleep(RENEWED_SECONDS)
            passwords = self.passwords()
            if passwords == seen:
                continue
            seen = passwords
            for connection in list(self.entered):
                if passwords.get(connection.account) != connection.password:
                    report(f"{connection.account}: session from {connection.address} ended, the password was renewed")
                    connection.end("the password was renewed")

    def files(self, channel: Any, name: str) -> ReadOnlyFiles:
        accounts = read_accounts(self.settings.home_folder)
        for account in accounts.values():
            self.storage.make_folders(account.name, account.folders)
        if name == self.settings.sftp_user:
            return ReadOnlyFiles(channel, self.storage, name, self.storage.agencies, depth=2)
        return AgencyFiles(channel, self.storage, name, accounts[name].folders, report)


class Connection(asyncssh.SSHServer):
    """One connection: who is at the other end, and whether they may log in."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._connection: asyncssh.SSHServerConnection | None = None
        self.address = self.account = self.password = ""
        self.channels = 0

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Count the connection as not logged in; too many from one address are refused."""
        self._connection = conn
        self.address = str(conn.get_extra_info("peername")[0])
        self._server.strangers[self.address] += 1
        if self._server.strangers[self.address] > CONNECTIONS:
            report(f"{self.address}: more than {CONNECTIONS} connections without a log-in; one is refused")
            conn.abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Forget the connection."""
        if self in self._server.entered:
            self._server.entered.discard(self)
        else:
            self._leave_strangers()

    def begin_auth(self, username: str) -> bool:  # noqa: ARG002
        """Require a password of everybody."""
        return True

    def password_auth_supported(self) -> bool:
        """Offer log-in by password, the only method."""
        return True

    def validate_password(self, username: str, password: str) -> bool:
        """Accept the password of an account, unless too many from this address were wrong lately."""
        passwords = self._server.passwords()
        is_known = username in passwords
        key = (username if is_known else None, self.address)
        if self._server.wrong.is_closed(key):
            return False
        name = username if is_known else "an unknown account"
        if not (is_known and compare_digest(password.encode(), passwords[username].encode())):
            report(f"{name}: wrong password from {self.address}")
            if self._server.wrong.count(key):
                report(
                    f"{name}: {WRONG} wrong passwords within {WITHIN_SECONDS:.0f} s from {self.address}; "
                    f"refused from there for {CLOSED_SECONDS:.0f} s"
                )
            return False
        if sum(other.account == username for other in self._server.entered) >= CONNECTIONS:
            report(f"{name}: more than {CONNECTIONS} connections; the one from {self.address} is refused")
            return False
        self.account, self.password = username, password
        return True

    def session_requested(self) -> "_Session | bool":
        """Open a channel for SFTP, unless there are too many."""
        return self.channels < CHANNELS and _Session(self._server, self)

    def auth_completed(self) -> None:
        """Count the connection as logged in."""
        self._leave_strangers()
        self._server.entered.add(self)
        if self.account != self._server.settings.sftp_user:
            report(f"{self.account}: logged in from {self.address}")

    def end(self, reason: str) -> None:
        """End the connection."""
        if self._connection is not None:
            self._connection.disconnect(DISC_BY_APPLICATION, reason)

    def _leave_strangers(self) -> None:
        self._server.strangers[self.address] -= 1
        if self._server.strangers[self.address] <= 0:
            del self._server.strangers[self.address]


class _Session(SSHServerStreamSession[bytes]):
    """A channel for SFTP only."""

    def __init__(self, server: Server, connection: Connection) -> None:
        super().__init__(None)
        self._server, self._owner = server, connection
        connection.channels += 1

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the channel."""
        self._owner.channels -= 1
        super().connection_lost(exc)

    def subsystem_requested(self, subsystem: str) -> bool:
        """Accept the SFTP subsystem only."""
        return subsystem == "sftp"

    def session_started(self) -> None:
        """Serve SFTP on the channel."""
        channel: Any = self._chan
        files = self._server.files(channel, self._owner.account)
        handler = _Handler(files, SSHReader(self, channel), SSHWriter(self, channel), SFTP_VERSION)
        channel.get_connection().create_task(handler.run())


class _Handler(SFTPServerHandler):
    """asyncssh's handler, except that files left open by a lost client are abandoned, not closed as if the client had done so."""

    _packet_handlers = {  # noqa: RUF012  as asyncssh has it
        kind: handler
        for kind, handler in SFTPServerHandler._packet_handlers.items()
        if kind in EXTENSIONS or (isinstance(kind, int) and kind not in (FXP_LINK, FXP_BLOCK, FXP_UNBLOCK))
    }
    _extensions = [(name, b"1") for name in EXTENSIONS]  # noqa: RUF012

    async def _cleanup(self, exc: Exception | None) -> None:
        left, self._file_handles = self._file_handles, {}
        for file in left.values():
            self._server.abandon(file)  # type: ignore[attr-defined]  # ReadOnlyFiles, see Server.files
        await super()._cleanup(exc)


def report(line: str) -> None:
    """Write a line for the operator; text chosen by a client cannot forge another line."""
    printable = "".join(sign if sign.isprintable() else "?" for sign in line)[:500]
    sys.stdout.write(f"{datetime.now(UTC).isoformat(timespec='seconds')} {printable}\n")
    sys.stdout.flush()


def host_key(folder: Path) -> Path:
    """Return the file of the host key, generated once, so that clients recognise the server."""
    path = folder / "host_key"
    if not path.exists():
        key = asyncssh.generate_private_key("ecdsa-sha2-nistp256")
        write_private(path.with_suffix(".tmp"), key.export_private_key().decode())
        path.with_suffix(".tmp").replace(path)
    return path


async def serve(settings: Settings) -> None:
    """Serve until the process gets SIGTERM."""
    server = Server(settings)
    server.storage.begin()
    ensure_accounts(settings, read_contracts())
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    async with asyncssh.listen(
        settings.sftp_host,
        settings.sftp_port,
        server_factory=lambda: Connection(server),
        server_host_keys=[str(host_key(server.storage.folder))],
        encoding=None,
        server_version="IOC",
        password_auth=True,
        public_key_auth=False,
        kbdint_auth=False,
        host_based_auth=False,
        gss_auth=False,
        gss_kex=False,
        allow_pty=False,
        allow_scp=False,
        agent_forwarding=False,
        x11_forwarding=False,
        login_timeout=LOGIN_SECONDS,
        keepalive_interval=KEEPALIVE_SECONDS,
    ):
        watch = asyncio.create_task(server.close_renewed())
        report(f"ready at {settings.sftp_host}:{settings.sftp_port}")
        await asyncio.wait({watch, asyncio.create_task(ended.wait())}, return_when=asyncio.FIRST_COMPLETED)
        if watch.done():
            watch.result()
        for connection in list(server.entered):
            connection.end("the server ends")


def main() -> None:
    """Run the server; its files are private to its owner, and it may open as many files as the system allows."""
    os.umask(0o077)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    asyncio.run(serve(Settings()))


if __name__ == "__main__":
    main()
