"""A process that has dbt imported and the project parsed, and forks for each command, which then takes neither time again.

    python -m transform.warm_process FOLDER

It listens at a socket in the folder. A request is a line of JSON with dbt's arguments and environment, the answer a line with its status
and output. The project is parsed again when one of its files has changed. The fork is killed by the system when the
client's end of the socket closes, however the client ended, as the leash does it for a process of its own.
"""

import fcntl
import json
import os
import signal
import socket
import sys
from pathlib import Path
from socketserver import ForkingMixIn, StreamRequestHandler, UnixStreamServer
from tempfile import TemporaryFile
from typing import Any

from pydantic import SecretStr

from core.settings import Settings
from transform import dbt_process
from transform.build import DBT_PROJECT, dbt_environment, digest_of_code
from transform.warm import SOCKET


class Handler(StreamRequestHandler):
    """Runs one command, in the fork."""

    server: "Server"

    def handle(self) -> None:
        """Run dbt with the client's arguments and environment, and answer."""
        line = self.rfile.readline()
        if not line:
            return  # somebody asked whether we listen
        request = json.loads(line)
        if request["project"] != str(DBT_PROJECT):
            return
        _die_with(self.connection)
        os.environ.clear()  # noqa: TID251  the client's environment takes the place of ours
        os.environ.update(request["environment"])  # noqa: TID251
        with TemporaryFile("w+") as stdout, TemporaryFile("w+") as stderr:
            for stream, file in ((sys.stdout, stdout), (sys.stderr, stderr)):
                stream.flush()
                os.dup2(file.fileno(), stream.fileno())
            status = dbt_process.run(request["arguments"], self.server.project)
            said = {}
            for name, stream, file in (("stdout", sys.stdout, stdout), ("stderr", sys.stderr, stderr)):
                stream.flush()
                file.seek(0)
                said[name] = file.read()
        _live_on(self.connection)
        self.wfile.write(json.dumps({"status": status, **said}).encode() + b"\n")


class Server(ForkingMixIn, UnixStreamServer):
    """Keeps the project parsed, and forks for each request."""

    project: dbt_process.Project | None = None
    code = ""

    def process_request(self, request: Any, client_address: Any) -> None:
        """Read the project again if it has changed, then fork; a project that does not parse is told by the fork."""
        code = digest_of_code()
        if code != self.code:
            self.project, self.code = dbt_process.read_project(), code
        super().process_request(request, client_address)


def _die_with(connection: socket.socket) -> None:
    """Let the system kill this process when the other end closes: the next thing it hears from there."""
    fcntl.fcntl(connection, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(connection, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(connection, fcntl.F_SETFL, fcntl.fcntl(connection, fcntl.F_GETFL) | os.O_ASYNC)
    connection.setblocking(False)
    try:
        has_ended = not connection.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        has_ended = False
    connection.setblocking(True)
    if has_ended:
        os._exit(1)


def _live_on(connection: socket.socket) -> None:
    fcntl.fcntl(connection, fcntl.F_SETFL, fcntl.fcntl(connection, fcntl.F_GETFL) & ~os.O_ASYNC)


def main() -> None:
    """Serve until the process is ended."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    none = SecretStr("none is needed to parse")
    settings = Settings().model_copy(update={"postgres_password": none, "s3_secret_key": none})
    os.environ.update(dbt_environment(settings, folder / "warm"))  # noqa: TID251  read by dbt
    os.chdir(folder)
    os.umask(0o077)  # the socket is for our own user
    Path(SOCKET).unlink(missing_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # what multiprocessing keeps is given back
    with Server(SOCKET, Handler) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
