"""The processes of a running stack: their users, the secrets in their environments, and what their users can read."""

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest

from core.settings import PROJECT, Settings
from stack.airflow import AirflowInstallation
from stack.control import all_services, down, status, up
from stack.roles import connect
from stack.superset import SOURCES, Superset

AIRFLOW_SECRETS = {
    "airflow_fernet_key",
    "airflow_jwt_secret",
    "airflow_secret_key",
    "postgres_airflow_password",
    "postgres_maintenance_password",
    "postgres_password",
    "privacy_key",
    "s3_secret_key",
    "sftp_password",
    "superset_reporter_password",
}
SUPERSET_SECRETS = {
    "postgres_reader_password",
    "postgres_superset_password",
    "s3_reader_secret_key",
    "superset_async_queries_secret",
    "superset_guest_token_secret",
    "superset_secret_key",
}
HELD = {
    "postgres": set[str](),
    "seaweedfs": set[str](),
    "sftp": {"sftp_password"},
    "dbt": set[str](),
    "airflow-api-server": AIRFLOW_SECRETS,
    "airflow-scheduler": AIRFLOW_SECRETS,
    "airflow-dag-processor": AIRFLOW_SECRETS,
    "airflow-triggerer": AIRFLOW_SECRETS,
    "superset": SUPERSET_SECRETS,
}
"""The secrets that each service's processes are given; any other one is a leak."""

USERS = {"postgres": "pgserver", "superset": "ioc-superset"}
FOLDERS = {"pgserver": "postgres", "ioc-superset": "superset", "ioc-airflow": "airflow"}
"""The only folder below IOC_HOME that each system user can open; Airflow's user also collects dropped files."""

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="system users are made and become by root only")


@pytest.fixture(scope="module")
def settings(new_settings: Callable[[], Settings]) -> Iterator[Settings]:
    """A stack with Airflow and Superset, started from an environment that holds secrets."""
    settings = new_settings()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IOC_PRIVACY_KEY", settings.reveal("privacy_key"))
        patch.setenv("IOC_POSTGRES_ADMIN_PASSWORD", settings.reveal("postgres_admin_password"))
        patch.setenv("A_TOKEN_OF_HIS", "kept by a person")
        try:
            up(settings, HELD)
            yield settings
        finally:
            down(settings)


@dataclass(frozen=True)
class Seen:
    """A process as the operating system shows it."""

    user: str
    arguments: str
    environment: bytes
    mask: str


def _processes(settings: Settings) -> dict[str, list[Seen]]:
    """Return the processes of each service with all descendants, except those that end meanwhile."""
    found: dict[str, list[Seen]] = {}
    for one in status(settings):
        if one.pid is None:
            continue
        leader = psutil.Process(one.pid)
        found[one.name] = []
        for process in (leader, *leader.children(recursive=True)):
            with suppress(psutil.NoSuchProcess, ProcessLookupError, FileNotFoundError):
                place = Path(f"/proc/{process.pid}")
                lines = (place / "status").read_text().splitlines()
                mask = next((line for line in lines if line.startswith("Umask")), "")
                if not mask:  # it has ended, and waits to be reaped
                    continue
                seen = Seen(process.username(), " ".join(process.cmdline()), (place / "environ").read_bytes(), mask)
                found[one.name].append(seen)
    assert set(found) == set(HELD)
    assert all(found.values())
    return found


@pytest.mark.services
@pytest.mark.timeout(1800)
def test_each_process_is_told_its_own_secrets_and_no_other(settings: Settings) -> None:
    held: dict[str, set[str]] = {}
    for service, processes in _processes(settings).items():
        told = b"".join(process.environment for process in processes)
        held[service] = {name for name in Settings.secret_fields() if settings.reveal(name).encode() in told}
        assert b"kept by a person" not in told
        arguments = " ".join(process.arguments for process in processes)
        assert [name for name in Settings.secret_fields() if settings.reveal(name) in arguments] == []
    if not held["airflow-api-server"]:  # its title has overwritten its environment, as with gunicorn and uvicorn
        held["airflow-api-server"] = AIRFLOW_SECRETS
    assert held == HELD


PLACES = ("secrets.env", "seaweedfs", "sftp/accounts.json", "airflow/passwords.json", "postgres")
"""Where secrets are stored below IOC_HOME; the files of the store and the database are closed to all others."""


@pytest.mark.services
def test_no_secret_is_written_down_outside_its_place(settings: Settings) -> None:
    """Searches every file of the stack, logs included, and every row of the four databases."""
    home = settings.home_folder
    secrets = {name: settings.reveal(name).encode() for name in Settings.secret_fields()}
    files = [
        path
        for path in home.rglob("*")
        if path.is_file() and not path.is_symlink() and not str(path.relative_to(home)).startswith(PLACES)
    ]
    assert len([path for path in files if path.suffix == ".log"]) >= len(HELD)
    told = {str(path.relative_to(home)): _named_in(path.read_bytes(), secrets) for path in files}
    for database in ("airflow", "superset", "ioc_lake", "ioc_marts"):
        with connect(settings, database) as session:
            tables = session.execute(
                "select format('%I.%I', schemaname, tablename) from pg_tables where schemaname not in ('pg_catalog', 'information_schema')"
            ).fetchall()
            assert len(tables) > 20
            for (table,) in tables:
                rows = session.execute(f"select row_to_json(t)::text from {table} as t".encode()).fetchall()
                told[f"{database} {table}"] = _named_in("\n".join(str(row[0]) for row in rows).encode(), secrets)
    assert {place: names for place, names in told.items() if names} == {}


def _named_in(content: bytes, secrets: Mapping[str, bytes]) -> list[str]:
    return [name for name, secret in secrets.items() if secret in content]


@pytest.mark.services
@as_root
def test_each_service_runs_as_its_own_user_and_writes_for_itself_alone(settings: Settings) -> None:
    processes = _processes(settings)
    masks = {process.mask for family in processes.values() for process in family}
    assert masks == {"Umask:\t0077"}
    users = {service: {process.user for process in family} for service, family in processes.items()}
    for service in ("seaweedfs", "sftp"):  # these run as the user who started them
        del users[service]
    assert users == {service: {USERS.get(service, "ioc-airflow")} for service in users}


@pytest.mark.services
@as_root
@pytest.mark.parametrize("user", FOLDERS)
def test_a_service_s_user_reads_its_own_folder_and_no_other(settings: Settings, user: str) -> None:
    home = settings.home_folder
    (settings.drop / "kept").write_bytes(b"a delivery")
    read = {
        place: subprocess.run(
            ["cat", *(path for path in (home / place).rglob("*") if path.is_file()), home / place],
            user=user,
            group=user,
            extra_groups=["ioc-services"],
            capture_output=True,
            check=False,
        ).stdout
        for place in ("secrets.env", "seaweedfs", "sftp", "drop", "run", "logs", *FOLDERS.values())
        if (home / place).exists()
    }
    opened = {place for place, content in read.items() if content}
    assert opened == ({"airflow", "drop"} if user == "ioc-airflow" else {FOLDERS[user]})


@pytest.mark.services
def test_superset_answers_with_what_it_holds(settings: Settings) -> None:
    login = {
        "username": settings.superset_admin_user,
        "password": settings.reveal("superset_admin_password"),
        "provider": "db",
    }
    address = f"{settings.superset_address}/api/v1/security/login"
    assert httpx.post(address, json=login, trust_env=False).status_code == 200


@pytest.mark.services
@pytest.mark.parametrize(("scheme", "is_secure"), [("https", True), ("http", False)])
def test_airflow_s_cookie_is_secure_behind_tls(settings: Settings, scheme: str, is_secure: bool) -> None:
    address = f"http://{settings.airflow_host}:{settings.airflow_port}/api/v2/auth/logout"
    answer = httpx.get(address, headers={"X-Forwarded-Proto": scheme}, trust_env=False)
    assert ("; Secure" in answer.headers["set-cookie"]) is is_secure


@pytest.mark.parametrize("service", HELD)
def test_no_service_would_be_told_more(
    new_settings: Callable[[], Settings], monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    settings = new_settings()
    for name in Settings.secret_fields():
        monkeypatch.setenv(f"IOC_{name.upper()}", settings.reveal(name))
    monkeypatch.setenv("A_TOKEN_OF_HIS", "kept by a person")
    command = next(one for one in all_services(settings) if one.name == service).command()
    told = " ".join([*command.environment.values(), *command.arguments])
    assert {name for name in Settings.secret_fields() if settings.reveal(name) in told} == HELD[service]
    assert "kept by a person" not in told
    if service != "sftp":  # its accounts are kept where the command line reads and renews them
        assert settings.home_folder != Path(command.environment.get("IOC_HOME", ""))


SHOW = """
import superset_config as config
names = ("SECRET_KEY", "GUEST_TOKEN_JWT_SECRET", "GLOBAL_ASYNC_QUERIES_JWT_SECRET")
print(*(getattr(config, name) for name in names))
print(config.SESSION_COOKIE_SECURE, config.TALISMAN_CONFIG["session_cookie_secure"], config.ENABLE_PROXY_FIX)
"""


@pytest.mark.parametrize("is_behind_tls", [True, False])
def test_superset_s_keys_differ_and_cookies_follow_the_setting(
    new_settings: Callable[[], Settings], is_behind_tls: bool
) -> None:
    settings = new_settings().model_copy(update={"tls_in_front": is_behind_tls})
    environment = {**Superset(settings).environment, "PYTHONPATH": f"{PROJECT}:{SOURCES}"}
    arguments = (str(Superset(settings).programs / "python"), "-c", SHOW)
    shown = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=True).stdout
    keys, flags = shown.splitlines()
    assert len(set(keys.split())) == 3
    assert flags.split() == [str(is_behind_tls)] * 3


def test_airflow_s_keys_differ(new_settings: Callable[[], Settings]) -> None:
    environment = AirflowInstallation(new_settings()).environment
    names = ("AIRFLOW__API__SECRET_KEY", "AIRFLOW__API_AUTH__JWT_SECRET", "AIRFLOW__CORE__FERNET_KEY")
    assert len({environment[name] for name in names}) == 3
