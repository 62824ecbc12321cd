"""The steps that docker-compose runs around the services it starts."""

import json
import stat
from pathlib import Path

import pytest

from core.errors import ConfigurationError
from core.settings import Settings
from stack.external import run, write_files
from stack.object_store import BUCKETS
from stack.secrets import ensure_secrets


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return ensure_secrets(Settings(home=tmp_path))


def test_the_files_name_who_may_do_what(settings: Settings) -> None:
    write_files(settings)
    home = settings.home_folder
    identities = json.loads((home / "seaweedfs" / "identities.json").read_text())["identities"]
    assert {identity["name"]: identity["actions"] for identity in identities} == {
        "admin": ["Admin"],
        "pipeline": [f"{verb}:{bucket}" for bucket in BUCKETS for verb in ("Read", "Write", "List")],
        "reader": ["Read:marts", "List:marts"],
        "receipts": ["Read:receipts"],
    }
    assert [identity["credentials"] for identity in identities] == [
        [{"accessKey": "ioc-admin", "secretKey": settings.reveal("s3_admin_secret_key")}],
        [{"accessKey": "ioc-pipeline", "secretKey": settings.reveal("s3_secret_key")}],
        [{"accessKey": "ioc-marts-reader", "secretKey": settings.reveal("s3_reader_secret_key")}],
        [{"accessKey": "ioc-receipts", "secretKey": settings.reveal("s3_receipts_secret_key")}],
    ]
    assert json.loads((home / "airflow" / "passwords.json").read_text()) == {
        "admin": settings.reveal("airflow_password")
    }


def test_the_files_are_private(settings: Settings) -> None:
    write_files(settings)
    home = settings.home_folder
    store = [f"seaweedfs/{name}" for name in ("identities.json", "security.toml", "store.key", "store.pem")]
    files = [*store, "airflow/passwords.json"]
    assert {name: stat.S_IMODE((home / name).stat().st_mode) for name in files} == dict.fromkeys(files, 0o600)


@pytest.mark.parametrize("arguments", [[], ["start"], ["files", "settle"]])
def test_an_unknown_step_is_refused(arguments: list[str]) -> None:
    with pytest.raises(ConfigurationError, match="expected `files` or `settle`, got"):
        run(arguments)
