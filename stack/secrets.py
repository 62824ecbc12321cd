"""Secrets of a stack: generated once, kept in `IOC_HOME/secrets.env`, never printed.

There are no default passwords: two stacks never share one, and a forgotten setting cannot open anything. A secret set in
the environment is used as it is and not stored.
"""

import base64
import fcntl
import os
from pathlib import Path
from secrets import token_bytes, token_hex

from pydantic import SecretStr

from core.settings import Settings
from stack.ownership import close_home

SECRET_BYTES = 24

PIPELINE_SECRETS = (
    "postgres_password",
    "postgres_maintenance_password",
    "s3_secret_key",
    "privacy_key",
    "sftp_password",
    "source_secrets",
    "superset_reporter_password",
)
"""The secrets that Airflow's tasks need to collect, load, build, audit, publish, maintain and report."""

SUPERSET_SECRETS = (
    "postgres_superset_password",
    "postgres_reader_password",
    "s3_reader_secret_key",
    "superset_secret_key",
    "superset_guest_token_secret",
    "superset_async_queries_secret",
)
"""The secrets that Superset needs: its own and the reader's."""

SUPERSET_ACCOUNTS = ("superset_admin_password", "superset_reporter_password")
"""The passwords that Superset's setup, and not its server, is given: those of the accounts it makes."""


def ensure_secrets(settings: Settings) -> Settings:
    """Generate the missing secrets, and return the settings with all of them.

    Safe to repeat and to run concurrently: the file is locked, and stored secrets are never generated again.
    """
    close_home(settings.home_folder)
    path = settings.home_folder / "secrets.env"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        os.fchmod(file.fileno(), 0o600)
        known = _stored(settings.home_folder)
        wanted = [name for name in settings.secret_fields() if not getattr(settings, name).get_secret_value()]
        drawn = {name: _draw(name) for name in wanted if name not in known}
        file.write("".join(f"IOC_{name.upper()}={value}\n" for name, value in drawn.items()))
    found = {**known, **drawn}
    return settings.model_copy(update={name: SecretStr(found[name]) for name in wanted})


def hide_secrets(text: str, settings: Settings) -> str:
    """Replace every secret of these settings in a text for people by asterisks."""
    ours = (getattr(settings, name) for name in settings.secret_fields())
    for secret in (*ours, *settings.source_secrets.values()):
        if value := secret.get_secret_value():
            text = text.replace(value, "***")
    return text


def write_private(path: Path, content: str) -> None:
    """Write a file that only its owner can read, from the first byte on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(content, encoding="utf-8")


def _stored(home: Path) -> dict[str, str]:
    stored = Settings(home=home)
    values = {name: getattr(stored, name).get_secret_value() for name in stored.secret_fields()}
    return {name: value for name, value in values.items() if value}


def _draw(field: str) -> str:
    if field == "airflow_fernet_key":  # a Fernet key is 32 bytes in URL-safe base64
        return base64.urlsafe_b64encode(token_bytes(32)).decode()
    return token_hex(SECRET_BYTES)
