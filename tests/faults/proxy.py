"""A TCP proxy in front of the object store that can fail from the nth request on."""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Literal

Fault = Literal["answers 500", "slow", "gone"]

REQUEST = re.compile(rb"(GET|PUT|POST|HEAD|DELETE) \S+ HTTP/1\.1\r\n")
REFUSAL = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
CHUNK = 64 * 1024


@dataclass
class Proxy:
    """Forwards bytes and counts requests. `delay_seconds` delays each request, like a slow store."""

    upstream: tuple[str, int]
    delay_seconds: float = 0.2
    requests: int = 0
    fault: Fault | None = None
    begins_at: int = 0
    _listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _is_closed: threading.Event = field(default_factory=threading.Event)

    @property
    def port(self) -> int:
        """Return the port on which it listens."""
        return int(self._listener.getsockname()[1])

    def fail(self, fault: Fault, after: int) -> None:
        """Fail after the next `after` requests, until `heal`."""
        with self._lock:
            self.fault, self.begins_at = fault, self.requests + after + 1

    def heal(self) -> None:
        """Stop failing."""
        with self._lock:
            self.fault = None

    def serve(self) -> None:
        """Accept connections until `close`."""
        while not self._is_closed.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._is_closed.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _connect(self, client: socket.socket) -> None:
        with closing(client), closing(socket.create_connection(self.upstream)) as server:
            back = threading.Thread(target=_pass_on, args=(server, client), daemon=True)
            back.start()
            try:
                while chunk := client.recv(CHUNK):
                    if not self._let_through(chunk, client):
                        return
                    server.sendall(chunk)
            except OSError:
                return
            finally:
                _end(server)
                _end(client)
                back.join()

    def _let_through(self, chunk: bytes, client: socket.socket) -> bool:
        with self._lock:
            is_request = REQUEST.match(chunk) is not None
            self.requests += is_request
            fault = self.fault if self.requests >= self.begins_at else None
        if fault == "slow" and is_request:
            self._is_closed.wait(self.delay_seconds)
        if fault == "answers 500":
            client.sendall(REFUSAL)
        return fault in (None, "slow")


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    try:
        while chunk := source.recv(CHUNK):
            target.sendall(chunk)
    except OSError:
        pass
    finally:
        _end(target)


def _end(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


@contextmanager
def proxied(host: str, port: int) -> Iterator[Proxy]:
    """Run a proxy in front of a server for a block."""
    proxy = Proxy((host, port))
    threading.Thread(target=proxy.serve, daemon=True).start()
    try:
        yield proxy
    finally:
        proxy.close()
