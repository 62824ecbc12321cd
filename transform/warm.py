"""Ask the process that has dbt imported and the project parsed (`transform/warm_process.py`) to run a command in a fork of itself."""

import json
import os
import socket
import subprocess
from pathlib import Path

SOCKET = "warm.sock"


def ask(
    folder: Path, project: Path, arguments: list[str], environment: dict[str, str]
) -> subprocess.CompletedProcess[str] | None:
    """Run dbt in a fork of the process that listens in a folder; None if none does, or none of this project, or the fork died."""
    request = {"project": str(project), "arguments": arguments, "environment": environment}
    try:
        with _connected(folder) as client, client.makefile("rw", encoding="utf-8") as stream:
            stream.write(json.dumps(request) + "\n")
            stream.flush()
            line = stream.readline()
    except OSError:
        return None
    if not line.endswith("\n"):
        return None
    answer = json.loads(line)
    return subprocess.CompletedProcess(arguments, answer["status"], answer["stdout"], answer["stderr"])


def is_listening(folder: Path) -> bool:
    """Whether a process answers in a folder."""
    try:
        _connected(folder).close()
    except OSError:
        return False
    return True


def _connected(folder: Path) -> socket.socket:
    """Connect through the folder's descriptor: the path of a socket may have a hundred letters, that of a home more."""
    descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    client = socket.socket(socket.AF_UNIX)
    try:
        client.connect(f"/proc/self/fd/{descriptor}/{SOCKET}")
    except OSError:
        client.close()
        raise
    finally:
        os.close(descriptor)
    return client
