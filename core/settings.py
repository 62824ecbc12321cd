"""The only reader of the environment.

Every variable is `IOC_` plus a field's name, and each stands in `.env.example` with a comment (a test compares them).
Secrets have no default: `ioc up` draws them once into `IOC_HOME/secrets.env`, which is read here after the environment, and so is
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
"""The checkout: where contracts/, dbt_project/ and superset/ stand."""


INHERITED = frozenset(
    {"PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"}
)
"""Variables that a service inherits from whoever starts it."""


SIMULATED_URLS = {
    "feedback": "http://127.0.0.1:18090/open311/v2",
    "public_services": "http://127.0.0.1:18090/public-services/v1",
}
"""Where sources stand of which the environment says nothing: in the simulated city."""


class Settings(BaseSettings):
    """Where the services are, and who we are to them. Times are aware, ports are TCP on the named host."""

    model_config = SettingsConfigDict(
        env_prefix="IOC_",
        env_ignore_empty=True,
        env_nested_delimiter="__",
        env_nested_max_split=1,
        extra="ignore",
        frozen=True,
    )

    home: Path = Field(default=Path(".ioc"), description="state of this stack: data, logs, secrets")
    now: AwareDatetime | None = Field(default=None, description="the clock, for a replay or a test; empty = real")
    stack: Literal["embedded", "external"] = Field(
        default="embedded", description="embedded: `ioc up` starts the services; external: they are started elsewhere"
    )

    tls_in_front: bool = Field(
        default=False, description="whether people reach Airflow and Superset through a proxy that speaks TLS"
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

    privacy_key: SecretStr = Field(
        default=SecretStr(""), description="key of the hashes that stand for personal identifiers"
    )

    sftp_host: str = "127.0.0.1"
    sftp_port: int = 12022
    sftp_user: str = "ioc-sftp"
    sftp_password: SecretStr = SecretStr("")
    source_urls: dict[str, str] = Field(
        default=SIMULATED_URLS,
        description="where the sources that are asked by HTTP stand, by feed or domain",
    )
    source_secrets: dict[str, SecretStr] = Field(
        default={}, description="what they ask us for, by the name that a contract gives it"
    )
    drop_folder: Path = Path("drop")
    collect_bytes: int = Field(
        default=256 * 1024 * 1024,
        ge=1,
        description="how many bytes of arrivals wait in memory until they are landed together",
    )
    recapture_slots: int = Field(default=500, ge=1, description="how many missing slots of a feed a run asks for again")
    simulated_day: Path | None = Field(
        default=None,
        description="folder of a simulated day, served where the source of `feedback` should stand; empty = no simulator",
    )

    sql_seconds: int = Field(default=60, ge=1, description="how long SQL written by a person may run")
    retention_each_days: int = Field(default=7, ge=1, description="how long each release can be asked for")
    retention_hourly_days: int = Field(default=90, ge=1, description="how long the last release of an hour can be")
    retention_daily_months: int = Field(default=36, ge=1, description="how long the last release of a day can be")

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
    superset_secret_key: SecretStr = SecretStr("")
    superset_guest_token_secret: SecretStr = SecretStr("")
    superset_async_queries_secret: SecretStr = SecretStr("")

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
        """Let a test's arguments win, then the environment, then what `ioc up` drew."""
        chosen = {**env_settings(), **init_settings()}
        home = Path(str(chosen.get("home", ".ioc")))
        files = (home / "settings.env", home / "secrets.env")
        return (
            init_settings,
            env_settings,
            DotEnvSettingsSource(settings_cls, env_file=files, env_file_encoding="utf-8"),
        )

    @cached_property
    def home_folder(self) -> Path:
        """Give the state folder as an absolute path."""
        return self.home.resolve()

    @cached_property
    def drop(self) -> Path:
        """Give the folder in which agencies drop their files; a relative one stands below home."""
        return self.home_folder / self.drop_folder

    @classmethod
    def secret_fields(cls) -> tuple[str, ...]:
        """Name the fields that hold a secret of ours; those of sources are an agency's to give."""
        return tuple(name for name, field in cls.model_fields.items() if field.annotation is SecretStr)

    def child_environment(self, **more: str) -> dict[str, str]:
        """Return the environment of a process of ours: what we inherited, these settings (home absolute), PYTHONPATH, then `more`.

        Secrets are left out: such a child reads them where we do, from the environment it inherits or from `secrets.env`.
        """
        return {**os.environ, **self._plain(), **more}  # noqa: TID251  the one reader

    def service_environment(self, home: Path, secrets: Collection[str] = (), **more: str) -> dict[str, str]:
        """Return the environment of a service: its own home, the settings, the secrets named and no other, then `more`.

        Its home is not ours, so that it finds no `secrets.env`. Of what we inherited it gets what programs need to run, which holds
        no secret of a person who starts the stack.
        """
        inherited = {name: value for name, value in os.environ.items() if name in INHERITED}  # noqa: TID251
        held = {f"IOC_{name.upper()}": self.reveal(name) for name in secrets if name != "source_secrets"}
        if "source_secrets" in secrets and self.source_secrets:
            revealed = {name: secret.get_secret_value() for name, secret in self.source_secrets.items()}
            held["IOC_SOURCE_SECRETS"] = json.dumps(revealed)
        drop = {"IOC_DROP_FOLDER": str(self.drop)}
        return {**inherited, **self._plain(), **drop, **held, "IOC_HOME": str(home), "HOME": str(home), **more}

    def _plain(self) -> dict[str, str]:
        """Return what is no secret, as variables."""
        known = self.model_dump(mode="json", exclude={*self.secret_fields(), "source_secrets"}, exclude_none=True)
        variables = {
            f"IOC_{name.upper()}": json.dumps(value) if isinstance(value, dict) else str(value)
            for name, value in known.items()
        }
        ours = {"PYTHONPATH": str(PROJECT), "PYTHONUNBUFFERED": "1", "IOC_HOME": str(self.home_folder)}
        return {**variables, **ours}

    def for_maintenance(self) -> "Settings":
        """Return these settings with the role of maintenance in the pipeline's place."""
        role = {
            "postgres_user": self.postgres_maintenance_user,
            "postgres_password": self.postgres_maintenance_password,
        }
        return self.model_copy(update=role)

    def clock(self) -> datetime:
        """Tell the time in UTC: `IOC_NOW` where it is set, the real time otherwise."""
        return self.now.astimezone(UTC) if self.now else datetime.now(UTC)

    def reveal(self, field: str) -> str:
        """Give one secret in the clear, or say which variable is missing."""
        value = getattr(self, field).get_secret_value()
        if not value:
            raise ConfigurationError(
                f"IOC_{field.upper()}: a secret was promised, none is set; run `ioc up`, or set the variable",
                variable=f"IOC_{field.upper()}",
            )
        return str(value)
