"""Airflow as four processes: api-server, scheduler, dag-processor, triggerer; metadata in PostgreSQL. Beside them dbt, kept warm for tasks.

Tuned for two cores: one API worker, one parser, four task slots, because the defaults are meant for a cluster and would use up
the machine. The four share one home, one schema and one admin user, whose password we set, so that Airflow does not generate one
and print it to its log. Usage reporting is switched off.
"""

import json
import os
import shutil
import signal
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from urllib.parse import quote

import httpx

from core.settings import PROJECT, Settings
from stack.migration import is_current, remember
from stack.ownership import admit, own, system_user
from stack.programs import run_program
from stack.secrets import PIPELINE_SECRETS, write_private
from stack.service import Command, Port

DATABASE = "airflow"
SYSTEM_USER = "ioc-airflow"
TASK_SLOTS = 4
BUILD_POOL = ("build", str(max(os.cpu_count() or 1, 1)), "as many builds at once as there are cores")
"""Name, slots and purpose of the pool for the builds of dags/marts.py; a waiting build occupies no task slot."""


@dataclass(frozen=True)
class AirflowInstallation:
    """What the four processes share: home folder, configuration, schema, users."""

    settings: Settings
    _preparing: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def folder(self) -> Path:
        return self.settings.home_folder / "airflow"

    @property
    def program(self) -> str:
        return str(Path(sys.executable).parent / "airflow")

    @property
    def address(self) -> str:
        return f"http://{self.settings.airflow_host}:{self.settings.airflow_port}"

    @property
    def passwords(self) -> Path:
        return self.folder / "passwords.json"

    def prepare(self) -> None:
        """Write the password file, migrate the schema if needed and create the pool, once for all four processes."""
        with self._preparing:
            user = system_user(SYSTEM_USER)
            own(self.folder, user)
            if self.settings.drop.is_relative_to(self.settings.home_folder):
                own(self.settings.drop, user)
            admit(user, self.settings.home_folder, PROJECT / "dags", Path(sys.executable))
            self.write_users()
            if user is not None:
                shutil.chown(self.passwords, user, user)
            stamp, made_with = (
                self.folder / "migrated",
                f"apache-airflow {version('apache-airflow')}, pool {BUILD_POOL[0]} of {BUILD_POOL[1]}",
            )
            if not is_current(self.settings, DATABASE, stamp, made_with):
                for command in (("db", "migrate"), ("pools", "set", *BUILD_POOL)):
                    arguments = (self.program, *command)
                    run_program(
                        self.settings,
                        "airflow-migrate",
                        arguments,
                        environment=self.environment,
                        folder=self.folder,
                        user=user,
                    )
                remember(self.settings, DATABASE, stamp, made_with)

    def write_users(self) -> None:
        """Write the password of the only user to the file that Airflow reads."""
        users = {self.settings.airflow_user: self.settings.reveal("airflow_password")}
        write_private(self.passwords, json.dumps(users) + "\n")

    @cached_property
    def environment(self) -> Mapping[str, str]:
        """Airflow's configuration, as environment variables only; `airflow` itself must be on PATH for the tasks it starts."""
        settings = self.settings
        database = (
            f"postgresql+psycopg2://{quote(settings.postgres_airflow_user)}:"
            f"{quote(settings.reveal('postgres_airflow_password'), safe='')}@{settings.postgres_host}:{settings.postgres_port}/{DATABASE}"
        )
        options = {
            "CORE__DAGS_FOLDER": str(PROJECT / "dags"),
            "CORE__PLUGINS_FOLDER": str(PROJECT / "dags" / "plugins"),
            "CORE__LOAD_EXAMPLES": "False",
            "CORE__EXECUTOR": "revoking_executor.RevokingLocalExecutor",
            "CORE__PARALLELISM": str(TASK_SLOTS),
            "CORE__MAX_ACTIVE_TASKS_PER_DAG": str(TASK_SLOTS),
            "CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "CORE__FERNET_KEY": settings.reveal("airflow_fernet_key"),
            "CORE__EXECUTION_API_SERVER_URL": f"{self.address}/execution/",
            "CORE__SIMPLE_AUTH_MANAGER_USERS": f"{settings.airflow_user}:admin",
            "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self.passwords),
            "DATABASE__SQL_ALCHEMY_CONN": database,
            "DATABASE__SQL_ALCHEMY_POOL_SIZE": "3",
            "API__HOST": settings.airflow_host,
            "API__PORT": str(settings.airflow_port),
            "API__BASE_URL": f"{self.address}/",
            "API__WORKERS": "1",
            "API__SECRET_KEY": settings.reveal("airflow_secret_key"),
            "API_AUTH__JWT_SECRET": settings.reveal("airflow_jwt_secret"),
            "DAG_PROCESSOR__PARSING_PROCESSES": "1",
            "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "60",
            "DAG_PROCESSOR__STALE_DAG_THRESHOLD": "180",
            "DAG_PROCESSOR__REFRESH_INTERVAL": "30",
            "DAG_PROCESSOR__PRINT_STATS_INTERVAL": "300",
            "SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "60",
            "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "120",
            "SCHEDULER__TASK_QUEUED_TIMEOUT": "240",
            "SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL": "30",
            "LOGGING__BASE_LOG_FOLDER": str(self.folder / "logs"),
            "LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": str(self.folder / "logs" / "dag_processor"),
            "LOGGING__COLORED_CONSOLE_LOG": "False",
            "USAGE_DATA_COLLECTION__ENABLED": "False",
        }
        environment = settings.service_environment(
            self.folder,
            PIPELINE_SECRETS,
            AIRFLOW_HOME=str(self.folder),
            **{f"AIRFLOW__{name}": value for name, value in options.items()},
        )
        environment["PATH"] = f"{Path(sys.executable).parent}:{environment.get('PATH', '/usr/bin:/bin')}"
        return environment


@dataclass(frozen=True)
class AirflowService:
    """One of the four processes. `component` is its name on the health page, None for the API server itself."""

    installation: AirflowInstallation
    name: str
    arguments: tuple[str, ...]
    component: str | None = None
    needs: tuple[str, ...] = ("postgres",)
    seconds_to_start: float = 300
    stop_signal: signal.Signals = signal.SIGTERM

    @property
    def address(self) -> str:
        return self.installation.address

    @property
    def ports(self) -> tuple[Port, ...]:
        settings = self.installation.settings
        is_server = self.component is None
        return (Port(settings.airflow_host, settings.airflow_port, "IOC_AIRFLOW_PORT"),) if is_server else ()

    def prepare(self) -> None:
        """Prepare what the four processes share."""
        self.installation.prepare()

    def command(self) -> Command:
        """Return the command that runs `airflow <component>` in the foreground."""
        arguments = (self.installation.program, *self.arguments)
        return Command(arguments, self.installation.environment, self.installation.folder, system_user(SYSTEM_USER))

    def fault(self, started_at: float) -> str:
        """Check the health page; a heartbeat from before this process started belongs to its predecessor."""
        try:
            answer = httpx.get(f"{self.address}/api/v2/monitor/health", timeout=5, trust_env=False)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            return f"no health page: {type(error).__name__}"
        health = answer.json()
        if self.component is None:
            state = health["metadatabase"]["status"]
            return "" if state == "healthy" else f"its database is {state}"
        state, heartbeat = (health[self.component][key] for key in ("status", f"latest_{self.component}_heartbeat"))
        if state != "healthy" or heartbeat is None:
            return f"{self.component} is {state or 'silent'}, last heartbeat {heartbeat or 'never'}"
        is_its_own = datetime.fromisoformat(heartbeat).timestamp() >= started_at
        return "" if is_its_own else f"no heartbeat since it started, the last one was at {heartbeat}"

    def settle(self) -> None:
        """Do nothing: DAGs come from the folder, connections from the settings."""


@dataclass(frozen=True)
class WarmDbt:
    """The process in Airflow's home that has dbt imported and the project parsed, and forks for the builds of tasks.

    It is given no secret: each build brings those of its task. Without it, or while it reads the project again, builds take longer.
    """

    installation: AirflowInstallation
    name: str = "dbt"
    needs: tuple[str, ...] = ("postgres",)
    ports: tuple[Port, ...] = ()
    seconds_to_start: float = 300
    stop_signal: signal.Signals = signal.SIGTERM

    @property
    def folder(self) -> Path:
        return self.installation.folder / "dbt"

    @property
    def address(self) -> str:
        return str(self.folder / "warm.sock")

    def prepare(self) -> None:
        """Prepare the home, which is Airflow's."""
        self.installation.prepare()

    def command(self) -> Command:
        arguments = (sys.executable, "-m", "transform.warm_process", str(self.folder))
        environment = self.installation.settings.service_environment(self.installation.folder)
        return Command(arguments, environment, self.installation.folder, system_user(SYSTEM_USER))

    def fault(self, started_at: float) -> str:
        """Look for the socket; an older one is of a predecessor."""
        address = Path(self.address)
        is_its_own = address.is_socket() and address.stat().st_mtime >= started_at
        return "" if is_its_own else "does not listen yet"

    def settle(self) -> None:
        """Do nothing: a build connects when it comes."""


def airflow_services(settings: Settings) -> tuple[AirflowService | WarmDbt, ...]:
    """Return the processes of one installation. Logs are read from the shared folder, not served on a port.

    Where Airflow is started elsewhere, so is dbt.
    """
    shared = AirflowInstallation(settings)
    warm = () if settings.stack == "external" else (WarmDbt(shared),)
    return (
        *warm,
        AirflowService(shared, "airflow-api-server", ("api-server", "--proxy-headers")),
        AirflowService(shared, "airflow-scheduler", ("scheduler", "--skip-serve-logs"), "scheduler"),
        AirflowService(shared, "airflow-dag-processor", ("dag-processor",), "dag_processor"),
        AirflowService(shared, "airflow-triggerer", ("triggerer", "--skip-serve-logs"), "triggerer"),
    )
