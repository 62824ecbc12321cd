"""Secrets: generated once, private, and never shown."""

import base64
import stat
from pathlib import Path

import pytest
from pydantic import SecretStr

from core.errors import ConfigurationError
from core.settings import Settings
from stack.secrets import ensure_secrets, hide_secrets, write_private


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"IOC_{name.upper()}", raising=False)


def _revealed(settings: Settings) -> dict[str, str]:
    return {name: settings.reveal(name) for name in settings.secret_fields()}


def test_every_secret_is_drawn_and_no_two_are_equal(tmp_path: Path) -> None:
    drawn = _revealed(ensure_secrets(Settings(home=tmp_path)))
    assert sorted(drawn) == [
        "airflow_fernet_key",
        "airflow_jwt_secret",
        "airflow_password",
        "airflow_secret_key",
        "postgres_admin_password",
        "postgres_airflow_password",
        "postgres_maintenance_password",
        "postgres_password",
        "postgres_reader_password",
        "postgres_superset_password",
        "privacy_key",
        "s3_admin_secret_key",
        "s3_reader_secret_key",
        "s3_receipts_secret_key",
        "s3_secret_key",
        "sftp_password",
        "superset_admin_password",
        "superset_async_queries_secret",
        "superset_guest_token_secret",
        "superset_reporter_password",
        "superset_secret_key",
    ]
    assert len(set(drawn.values())) == len(drawn)
    assert len(base64.urlsafe_b64decode(drawn["airflow_fernet_key"])) == 32


def test_the_file_is_private_and_settings_read_it(tmp_path: Path) -> None:
    drawn = ensure_secrets(Settings(home=tmp_path))
    assert stat.S_IMODE((tmp_path / "secrets.env").stat().st_mode) == 0o600
    assert _revealed(Settings(home=tmp_path)) == _revealed(drawn)


def test_a_second_call_draws_nothing_even_for_settings_from_before_the_first(tmp_path: Path) -> None:
    before = Settings(home=tmp_path)
    first = ensure_secrets(before)
    content = (tmp_path / "secrets.env").read_text()
    assert _revealed(ensure_secrets(before)) == _revealed(first)
    assert (tmp_path / "secrets.env").read_text() == content


def test_a_secret_from_the_environment_is_used_and_not_written_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IOC_POSTGRES_PASSWORD", "from-outside")
    assert ensure_secrets(Settings(home=tmp_path)).reveal("postgres_password") == "from-outside"
    assert "IOC_POSTGRES_PASSWORD" not in (tmp_path / "secrets.env").read_text()


def test_an_empty_variable_counts_as_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IOC_POSTGRES_PASSWORD", "")
    monkeypatch.setenv("IOC_NOW", "")
    drawn = ensure_secrets(Settings(home=tmp_path))
    assert drawn.reveal("postgres_password") == Settings(home=tmp_path).reveal("postgres_password")
    assert drawn.now is None


def test_a_missing_secret_names_its_variable(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Settings(home=tmp_path).reveal("s3_secret_key")
    assert caught.value.values == {"variable": "IOC_S3_SECRET_KEY"}


def test_hide_secrets_blanks_each_of_them() -> None:
    settings = Settings(postgres_password=SecretStr("hunter2"), s3_secret_key=SecretStr("swordfish"))
    assert hide_secrets("login hunter2 failed, swordfish too", settings) == "login *** failed, *** too"


def test_write_private_narrows_a_file_that_was_open_to_all(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "identities.json"
    path.parent.mkdir()
    path.touch(mode=0o644)
    write_private(path, "{}")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_child_gets_the_settings_with_an_absolute_home_and_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = ensure_secrets(Settings(home=Path("state"), s3_port=21_000))
    environment = settings.child_environment(MORE="1")
    assert environment["IOC_HOME"] == str(tmp_path / "state")
    assert environment["IOC_S3_PORT"] == "21000"
    assert environment["MORE"] == "1"
    assert not set(environment.values()) & set(_revealed(settings).values())
