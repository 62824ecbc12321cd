"""An SFTP server that misbehaves on demand: the real one of the stack is tried in tests/integration."""

import io
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

import paramiko
import pytest

FOLDER = "so-nong-nghiep-va-moi-truong/environment"
"""The folder of the stations' owner, as the collector sees it."""


@dataclass
class Shelf:
    """What the server offers, and how it misbehaves."""

    files: dict[str, bytes] = field(default_factory=dict)
    told_sizes: dict[str, int] = field(default_factory=dict)
    denied: set[str] = field(default_factory=set)
    modified: dict[str, int] = field(default_factory=dict)
    breaks_after: int | None = None
    has_folder: bool = True
    opened: list[str] = field(default_factory=list)
    touched_while_read: set[str] = field(default_factory=set)
    port: int = 0
    transports: list[paramiko.Transport] = field(default_factory=list)


class _Server(paramiko.ServerInterface):
    def check_auth_password(self, username: str, password: str) -> int:
        return paramiko.common.AUTH_SUCCESSFUL if password == "right" else paramiko.common.AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.common.OPEN_SUCCEEDED

    def get_allowed_auths(self, username: str) -> str:
        return "password"


class _Handle(paramiko.SFTPHandle):
    shelf: Shelf
    name: str
    readfile: io.BytesIO

    def stat(self) -> paramiko.SFTPAttributes:
        attributes = paramiko.SFTPAttributes()
        attributes.st_size = len(self.shelf.files[self.name])
        moment = self.shelf.modified.get(self.name, 1_790_000_000)
        attributes.st_mtime = attributes.st_atime = moment + (self.name in self.shelf.touched_while_read)
        return attributes


class _Files(paramiko.SFTPServerInterface):
    shelf: Shelf

    def list_folder(self, path: str) -> list[paramiko.SFTPAttributes] | int:
        if not self.shelf.has_folder:
            return paramiko.sftp.SFTP_NO_SUCH_FILE
        listing = []
        for name, content in reversed(self.shelf.files.items()):
            attributes = paramiko.SFTPAttributes()
            attributes.filename = name
            attributes.st_size = self.shelf.told_sizes.get(name, len(content))
            attributes.st_mode = 0o040755 if name.endswith("_folder.txt") else 0o100644
            attributes.st_mtime = attributes.st_atime = self.shelf.modified.get(name, 1_790_000_000)
            listing.append(attributes)
        return listing

    def open(self, path: str, flags: int, attr: paramiko.SFTPAttributes) -> paramiko.SFTPHandle | int:
        name = path.removeprefix(f"/{FOLDER}/").removeprefix(f"{FOLDER}/")
        self.shelf.opened.append(name)
        if self.shelf.breaks_after is not None and len(self.shelf.opened) > self.shelf.breaks_after:
            for transport in self.shelf.transports:
                transport.close()
        if name in self.shelf.denied:
            return paramiko.sftp.SFTP_PERMISSION_DENIED
        if name not in self.shelf.files:
            return paramiko.sftp.SFTP_NO_SUCH_FILE
        handle = _Handle(flags & ~os.O_WRONLY)
        handle.shelf, handle.name = self.shelf, name
        handle.readfile = io.BytesIO(self.shelf.files[name])
        return handle


@contextmanager
def sftp_server(shelf: Shelf, key: paramiko.PKey, port: int = 0) -> Iterator[Shelf]:
    """Serve a shelf on a port of 127.0.0.1, by the password `right`."""
    files = type("Files", (_Files,), {"shelf": shelf})
    with socket.create_server(("127.0.0.1", port)) as listener:
        shelf.port = listener.getsockname()[1]

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                transport = paramiko.Transport(connection)
                transport.add_server_key(key)
                transport.set_subsystem_handler("sftp", paramiko.SFTPServer, files)
                shelf.transports.append(transport)
                try:
                    transport.start_server(server=_Server(), event=threading.Event())
                except (paramiko.SSHException, EOFError):
                    transport.close()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield shelf
        finally:
            for transport in shelf.transports:
                transport.close()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)


@pytest.fixture(scope="session")
def host_key() -> paramiko.PKey:
    """The key of the server."""
    return paramiko.ECDSAKey.generate()


@pytest.fixture
def shelf(host_key: paramiko.PKey) -> Iterator[Shelf]:
    """The shelf of a running server."""
    with sftp_server(Shelf(), host_key) as served:
        yield served


@pytest.fixture
def serve_shelf() -> Callable[[paramiko.PKey], AbstractContextManager[Shelf]]:
    """A function that starts one more server, with a key of its own."""
    return lambda key: sftp_server(Shelf(), key)
