"""The only reader of the environment.

Every variable is `IOC_` plus a field's name, and each is in `.env.example` with a comment (a test compares them).
Secrets have no default: `ioc up` generates them once into `IOC_HOME/secrets.env`, which is read here after the environment, as is
`IOC_HOME/settings.env`, where the demonstration sets its clock; docker-compose takes them from `.env`.
"""

import json
import os
from collections.abc import Collection
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings.sources import DotEnvSettingsSource

from core.errors import ConfigurationError

PROJECT = Path(__file__).resolve().parent.parent
"""The checkout, which holds contracts/, dbt_project/ and superset/."""


INHERITED = frozenset(
    {"PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"}
)
"""Variables that a service inherits from the process that starts it."""


SIMULATED_URLS = {
    "feedback": "http://127.0.0.1:18090/open311/v2",
    "public_services": "http://127.0.0.1:18090/public-services/v1",
}
"""Default addresses of sources that the environment does not set: those of the simulated city."""


class Settings(BaseSettings):
    """Addresses of the services and our accounts on them. Times are time-zone aware; ports are TCP on the named host."""

    model_config = SettingsConfigDict(
        env_prefix="IOC_",
        env_ignore_empty=True,
        env_nested_delimiter="__",
        env_nested_max_split=1,
        extra="ignore",
        frozen=True,
    )

    home: Path = Field(default=Path(".ioc"), description="state of this stack: data, logs, secrets")
    now: AwareDatetime | None = Field(
        default=None, description="the current time, for a replay or a test; empty = real time"
    )
    stack: Literal["embedded", "external"] = Field(
        default="embedded", description="embedded: `ioc up` starts the services; external: they run elsewhere"
    )

    tls_in_front: bool = Field(
        default=False, description="whether Airflow and Superset are reached through a TLS proxy"
    )

    postgres_host: str = "127.0.0.1"
    postgres_port: int = 15432
    postgres_admin_user: str = "ioc_admin"
    postgres_admin_password: SecretStr = SecretStr("")
    postgres_user: str = "ioc_pipeline"
    postgres_password: SecretStr = SecretStr("")
    postgres_maintenance_user: str = "ioc_maintenance"
    postgres_maintenance_password: SecretStr = SecretStr("")
    postgres_reader_user: str = "ioc_marts_reader"
    postgres_reader_password: SecretStr = SecretStr("")
    postgres_airflow_user: str = "ioc_airflow"
    postgres_airflow_password: SecretStr = SecretStr("")
    postgres_superset_user: str = "ioc_superset"
    postgres_superset_password: SecretStr = SecretStr("")

    s3_host: str = "127.0.0.1"
    s3_port: int = 18333
    s3_is_secure: bool = False
    s3_region: str = "us-east-1"
    s3_admin_access_key: str = "ioc-admin"
    s3_admin_secret_key: SecretStr = SecretStr("")
    s3_access_key: str = "ioc-pipeline"
    s3_secret_key: SecretStr = SecretStr("")
    s3_reader_access_key: str = "ioc-marts-reader"
    s3_reader_secret_key: SecretStr = SecretStr("")
    s3_receipts_access_key: str = "ioc-receipts"
    s3_receipts_secret_key: SecretStr = SecretStr("")

    iceberg_port: int = Field(
        default=0, ge=0, description="port of the object store's Iceberg catalog, for `ioc scale sync`; 0 = not started"
    )

    trino_host: str = Field(default="", description="host of Trino, for `ioc scale build`; empty = none")
    trino_port: int = Field(default=8080, ge=1)
    trino_user: str = "ioc-pipeline"

    privacy_key: SecretStr = Field(
        default=SecretStr(""), description="key of the hashes that replace personal identifiers"
    )

    sftp_host: str = "127.0.0.1"
    sftp_port: int = 12022
    sftp_user: str = "ioc-sftp"
    sftp_password: SecretStr = SecretStr("")
    source_urls: dict[str, str] = Field(
        default=SIMULATED_URLS,
        description="base URLs of the HTTP sources, by feed or domain",
    )
    source_secrets: dict[str, SecretStr] = Field(
        default={}, description="tokens and keys of these sources, by the name used in the contract"
    )
    drop_folder: Path = Path("drop")
    collect_bytes: int = Field(
        default=256 * 1024 * 1024,
        ge=1,
        description="how many bytes of arrivals may wait in memory before they are landed together",
    )
    recapture_slots: int = Field(
        default=500, ge=1, description="how many missing slots of a feed one run requests again"
    )
    simulated_day: Path | None = Field(
        default=None,
        description="folder of a simulated day, served in place of the source of `feedback`; empty = no simulator",
    )

    sql_seconds: int = Field(default=60, ge=1, description="how long SQL written by a person may run")
    retention_each_days: int = Field(default=7, ge=1, description="how long every release stays available")
    retention_hourly_days: int = Field(
        default=90, ge=1, description="how long the last release of each hour stays available"
    )
    retention_daily_months: int = Field(
        default=36, ge=1, description="how long the last release of each day stays available"
    )

    airflow_host: str = "127.0.0.1"
    airflow_port: int = 18080
    airflow_user: str = "admin"
    airflow_password: SecretStr = SecretStr("")
    airflow_secret_key: SecretStr = SecretStr("")
    airflow_jwt_secret: SecretStr = SecretStr("")
    airflow_fernet_key: SecretStr = SecretStr("")

    superset_host: str = "127.0.0.1"
    superset_port: int = 18088
    superset_admin_user: str = "admin"
    superset_admin_password: SecretStr = SecretStr("")
    superset_reporter_user: str = "ioc-reporter"
    superset_reporter_password: SecretStr = SecretStr("")
    superset_secret_key: SecretStr = SecretStr("")
    superset_guest_token_secret: SecretStr = SecretStr("")
    superset_async_queries_secret: SecretStr = SecretStr("")

    chromium: Path = Field(default=Path("/usr/bin/chromium"), description="the browser that prints reports")

    @field_validator("source_urls")
    @classmethod
    def _with_the_simulated_ones(cls, urls: dict[str, str]) -> dict[str, str]:
        return {**SIMULATED_URLS, **urls}

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  pydantic names it
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources: arguments (tests) first, then the environment, then what `ioc up` generated."""
        chosen = {**env_settings(), **init_settings()}
        home = Path(str(chosen.get("home", ".ioc")))
        files = (home / "settings.env", home / "secrets.env")
        return (
            init_settings,
            env_settings,
            DotEnvSettingsSource(settings_cls, env_file=files, env_file_encoding="utf-8"),
        )

    @property
    def superset_address(self) -> str:
        """The URL of Superset."""
        return f"http://{self.superset_host}:{self.superset_port}"

    @cached_property
    def home_folder(self) -> Path:
        """The state folder as an absolute path."""
        return self.home.resolve()

    @cached_property
    def drop(self) -> Path:
        """The folder in which agencies drop their files; a relative path is below home."""
        return self.home_folder / self.drop_folder

    @classmethod
    def secret_fields(cls) -> tuple[str, ...]:
        """Return the names of the fields that hold our own secrets; those of sources are issued by agencies."""
        return tuple(name for name, field in cls.model_fields.items() if field.annotation is SecretStr)

    def child_environment(self, **more: str) -> dict[str, str]:
        """Return the environment of a child process: what we inherited, these settings (home absolute), PYTHONPATH, then `more`.

        Secrets are left out: the child reads them where we do, from the inherited environment or from `secrets.env`.
        """
        return {**os.environ, **self._plain(), **more}  # noqa: TID251  the one reader

    def service_environment(self, home: Path, secrets: Collection[str] = (), **more: str) -> dict[str, str]:
        """Return the environment of a service: its own home, the settings, only the named secrets, then `more`.

        Its home is not ours, so it finds no `secrets.env`. Of our own environment it inherits only what programs need to run, and so no
        secret of the person who starts the stack.
        """
        inherited = {name: value for name, value in os.environ.items() if name in INHERITED}  # noqa: TID251
        held = {f"IOC_{name.upper()}": self.reveal(name) for name in secrets if name != "source_secrets"}
        if "source_secrets" in secrets and self.source_secrets:
            revealed = {name: secret.get_secret_value() for name, secret in self.source_secrets.items()}
            held["IOC_SOURCE_SECRETS"] = json.dumps(revealed)
        drop = {"IOC_DROP_FOLDER": str(self.drop)}
        return {**inherited, **self._plain(), **drop, **held, "IOC_HOME": str(home), "HOME": str(home), **more}

    def _plain(self) -> dict[str, str]:
        """Return the settings that are not secret, as environment variables."""
        known = self.model_dump(mode="json", exclude={*self.secret_fields(), "source_secrets"}, exclude_none=True)
        variables = {
            f"IOC_{name.upper()}": json.dumps(value) if isinstance(value, dict) else str(value)
            for name, value in known.items()
        }
        ours = {"PYTHONPATH": str(PROJECT), "PYTHONUNBUFFERED": "1", "IOC_HOME": str(self.home_folder)}
        return {**variables, **ours}

    def for_maintenance(self) -> "Settings":
        """Return these settings with the maintenance role instead of the pipeline's."""
        role = {
            "postgres_user": self.postgres_maintenance_user,
            "postgres_password": self.postgres_maintenance_password,
        }
        return self.model_copy(update=role)

    def clock(self) -> datetime:
        """Return the current time in UTC: `IOC_NOW` if set, the real time otherwise."""
        return self.now.astimezone(UTC) if self.now else datetime.now(UTC)

    def reveal(self, field: str) -> str:
        """Return one secret in the clear; raise ConfigurationError naming the variable if it is not set."""
        value = getattr(self, field).get_secret_value()
        if not value:
            raise ConfigurationError(
                f"IOC_{field.upper()}: expected a secret, got none; run `ioc up`, or set the variable",
                variable=f"IOC_{field.upper()}",
            )
        return str(value)
