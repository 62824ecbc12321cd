"""Programs that run to completion while the stack starts, such as migrations and imports; their output goes to a service's log."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from core.errors import ServiceError
from core.settings import Settings
from stack.ownership import SERVICES, UMASK, own
from stack.processes import log_path
from stack.secrets import hide_secrets

LOG_LINES = 15
HANGS_AFTER_SECONDS = 3600.0
"""No program takes a hundredth of it on an idle machine: who is still running then is not slow."""


def run_program(
    settings: Settings,
    service: str,
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str],
    folder: Path,
    user: str | None = None,
    timeout_seconds: float = HANGS_AFTER_SECONDS,
) -> None:
    """Run a program to completion, as `user` if given; raise ServiceError with its last lines of output if it fails."""
    log = log_path(settings.home_folder, service)
    own(log.parent, None)
    name = " ".join([Path(arguments[0]).name, *arguments[1:3]])
    with log.open("ab+") as output:
        offset = output.seek(0, 2)
        try:
            code = subprocess.run(  # noqa: S603  our own program and arguments
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
            outcome = f"exit status {code}"
        except subprocess.TimeoutExpired:
            code, outcome = -1, f"no end within {timeout_seconds:.0f} s"
        if code:
            output.seek(offset)
            tail = "\n".join(output.read().decode("utf-8", errors="replace").splitlines()[-LOG_LINES:])
            message = f"{service}: expected `{name}` to succeed, got {outcome}; see {log}\n{tail}"
            raise ServiceError(hide_secrets(message, settings), service=service, log=log)
