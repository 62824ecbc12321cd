"""Programs that run to their end while the stack starts: migrations, imports; their output goes to a service's log."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from core.errors import ServiceError
from core.settings import Settings
from stack.ownership import SERVICES, UMASK, own
from stack.processes import log_path
from stack.secrets import hide_secrets

LOG_LINES = 15


def run_program(
    settings: Settings,
    service: str,
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str],
    folder: Path,
    user: str | None = None,
    timeout_seconds: float = 300,
) -> None:
    """Run a program to its end, as a system user where one is named, or raise ServiceError with the last lines it wrote."""
    log = log_path(settings.home_folder, service)
    own(log.parent, None)
    name = " ".join([Path(arguments[0]).name, *arguments[1:3]])
    with log.open("ab+") as output:
        offset = output.seek(0, 2)
        try:
            code = subprocess.run(  # noqa: S603  a program of ours with arguments of ours
                arguments,
                env=dict(environment),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                user=user,
                group=user,
                extra_groups=[SERVICES] if user else None,
                umask=UMASK,
                timeout=timeout_seconds,
                check=False,
            ).returncode
            outcome = f"it ended with {code}"
        except subprocess.TimeoutExpired:
            code, outcome = -1, f"it still ran after {timeout_seconds:.0f} s"
        if code:
            output.seek(offset)
            tail = "\n".join(output.read().decode("utf-8", errors="replace").splitlines()[-LOG_LINES:])
            message = f"{service}: `{name}` was promised to succeed, {outcome}; see {log}\n{tail}"
            raise ServiceError(hide_secrets(message, settings), service=service, log=log)
