"""Superset, in an environment of its own because it needs a different SQLAlchemy from Airflow; metadata in PostgreSQL.

One process with eight threads: a dashboard's charts mostly wait for DuckDB, and each further process would cost 300 MB
and another copy of the cached tables.
"""

import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import httpx

from core.errors import ConfigurationError
from core.local_time import ZONE
from core.settings import PROJECT, Settings
from stack.migration import is_current, remember
from stack.ownership import admit, own, system_user
from stack.programs import run_program
from stack.secrets import SUPERSET_ACCOUNTS, SUPERSET_SECRETS
from stack.service import Command, Port

DATABASE = "superset"
SYSTEM_USER = "ioc-superset"
SOURCES = PROJECT / "superset"
THREADS = 8


@dataclass(frozen=True)
class Superset:
    """The web server; its state in `IOC_HOME/superset`."""

    settings: Settings
    name: str = "superset"
    needs: tuple[str, ...] = ("postgres",)
    seconds_to_start: float = 300
    stop_signal: signal.Signals = signal.SIGTERM

    @property
    def address(self) -> str:
        return self.settings.superset_address

    @property
    def ports(self) -> tuple[Port, ...]:
        return (Port(self.settings.superset_host, self.settings.superset_port, "IOC_SUPERSET_PORT"),)

    @property
    def folder(self) -> Path:
        return self.settings.home_folder / "superset"

    @property
    def programs(self) -> Path:
        return SOURCES / ".venv" / "bin"

    def prepare(self) -> None:
        """Bring the schema, the roles and our own accounts up to date if needed."""
        if not (self.programs / "gunicorn").exists():
            raise ConfigurationError(f"superset: expected its environment in {SOURCES / '.venv'}, got none; run `make`")
        user = system_user(SYSTEM_USER)
        own(self.folder, user)
        admit(user, self.settings.home_folder, self.programs / "python")
        script = SOURCES / "prepare_database.py"
        made_with = _digest([*self.programs.parent.glob("lib/*/site-packages/apache_superset-*/METADATA"), script])
        stamp = self.folder / "migrated"
        if not is_current(self.settings, DATABASE, stamp, made_with):
            self._run("superset-migrate", script)
            remember(self.settings, DATABASE, stamp, made_with)

    def command(self) -> Command:
        """Return the command that runs gunicorn with one process and several threads."""
        bind = f"{self.settings.superset_host}:{self.settings.superset_port}"
        arguments = (
            *(str(self.programs / "gunicorn"), f"--bind={bind}", "--worker-class=gthread", "--workers=1"),
            *(f"--threads={THREADS}", "--timeout=120", "--graceful-timeout=5"),
            "superset.app:create_app()",
        )
        return Command(arguments, self.environment, self.folder, system_user(SYSTEM_USER))

    def fault(self, started_at: float) -> str:  # noqa: ARG002
        """Check the health page."""
        try:
            answer = httpx.get(f"{self.address}/health", timeout=5, trust_env=False)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            return f"no health page: {type(error).__name__}"
        return "" if answer.text.strip() == "OK" else "its health page does not say OK"

    def settle(self) -> None:
        """Import the dashboards if their sources have changed since they were imported into this database."""
        script = SOURCES / "import_assets.py"
        if not script.exists():
            return
        stamp, made_with = self.folder / "imported", _digest(made_of())
        if not is_current(self.settings, DATABASE, stamp, made_with):
            self._run("superset-import", script)
            remember(self.settings, DATABASE, stamp, made_with)

    def _run(self, log_name: str, script: Path) -> None:
        arguments = (str(self.programs / "python"), str(script))
        passwords = {f"IOC_{name.upper()}": self.settings.reveal(name) for name in SUPERSET_ACCOUNTS}
        environment = {**self.environment, **passwords}
        run_program(
            self.settings,
            log_name,
            arguments,
            environment=environment,
            folder=self.folder,
            user=system_user(SYSTEM_USER),
        )

    @cached_property
    def environment(self) -> Mapping[str, str]:
        """The environment variables: Superset's configuration, and a PATH with its own programs instead of ours."""
        environment = self.settings.service_environment(
            self.folder,
            SUPERSET_SECRETS,
            PYTHONPATH=f"{PROJECT}:{SOURCES}",
            SUPERSET_CONFIG_PATH=str(SOURCES / "superset_config.py"),
            SUPERSET_HOME=str(self.folder),
            TZ=ZONE,  # where "today" of a filter begins
        )
        ours = str(Path(sys.executable).parent)
        others = [part for part in environment.get("PATH", "/usr/bin:/bin").split(":") if part != ours]
        return {**environment, "PATH": ":".join([str(self.programs), *others])}


def made_of() -> list[Path]:
    """Return the sources of dashboards and roles: programs, dashboard files, descriptions of marts, feeds and domains."""
    dbt = PROJECT / "dbt_project"
    return [
        *SOURCES.glob("*.py"),
        *SOURCES.glob("dashboards/*.yaml"),
        *dbt.glob("models/marts/*/_*__models.yml"),
        *dbt.glob("models/overview/_*__sources.yml"),
        dbt / "seeds" / "feeds.csv",
        PROJECT / "contracts" / "domains.yaml",
    ]


def _digest(files: list[Path]) -> str:
    digest = sha256()
    for path in sorted(files):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
