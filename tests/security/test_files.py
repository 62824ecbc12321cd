"""What an unrelated account of the machine can read of a stack: its folders, and the ports behind the object store."""

import csv
import io
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from minio import Minio

from core.settings import Settings
from stack.object_store import PORT_OFFSETS, filer_address, weed_program
from stack.ownership import close_home

pytestmark = pytest.mark.stack

PORTS = {
    "filer": "filer.port",
    "master": "master.port",
    "volume": "volume.port",
    "admin": "admin.port",
    "s3": "s3.port",
}
with Path(__file__).with_name("attempts_on_the_store.tsv").open(encoding="utf-8") as _file:
    ATTEMPTS = [(row["part"], row["method"], row["path"]) for row in csv.DictReader(_file, delimiter="\t")]

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="another account's view: only root can become one")


@pytest.fixture(scope="module")
def settings(stack_settings: Settings) -> Iterator[Settings]:
    """A stack with a delivery in landing, and one in the folder where agencies drop files."""
    client = _pipeline(stack_settings)
    client.put_object("landing", "kept", io.BytesIO(b"a delivery"), 10)
    dropped = stack_settings.drop / "station" / "kept"
    dropped.parent.mkdir(parents=True, exist_ok=True)
    dropped.write_bytes(b"a delivery")
    yield stack_settings
    dropped.unlink()
    client.remove_object("landing", "kept")


def _pipeline(settings: Settings) -> Minio:
    address = f"{settings.s3_host}:{settings.s3_port}"
    return Minio(
        address,
        access_key=settings.s3_access_key,
        secret_key=settings.reveal("s3_secret_key"),
        secure=False,
        region="us-east-1",
    )


def _as_nobody(*arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(arguments, user="nobody", group="nogroup", extra_groups=[], capture_output=True, check=False)


def test_the_home_is_closed(settings: Settings) -> None:
    mode = stat.S_IMODE(settings.home_folder.stat().st_mode)
    assert mode == (0o710 if os.geteuid() == 0 else 0o700)


def test_a_home_that_was_open_is_closed(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    close_home(tmp_path)
    assert not stat.S_IMODE(tmp_path.stat().st_mode) & (stat.S_IROTH | stat.S_IXOTH | stat.S_IRGRP | stat.S_IWGRP)


@as_root
def test_nobody_lists_and_reads_nothing_below_the_home(settings: Settings) -> None:
    home = settings.home_folder
    assert (
        _as_nobody("ls", home.parent).returncode or _as_nobody("stat", home.parent).returncode == 0
    )  # the way there is open
    for arguments in (("ls", home), ("find", home, "-mindepth", "1")):
        finished = _as_nobody(*arguments)
        assert (finished.stdout, finished.returncode) == (b"", finished.returncode or 1)
    paths = [path for path in home.rglob("*") if path.is_file()]
    assert {"secrets.env", "kept", "PG_VERSION", "identities.json", "security.toml"} <= {path.name for path in paths}
    assert any(path.suffix == ".dat" for path in paths)
    readable = _as_nobody("sh", "-c", 'for path do [ -r "$path" ] && echo "$path"; done', "sh", *paths)
    assert readable.stdout == b""
    named = [path for path in paths if path.name in ("secrets.env", "kept", "identities.json") or path.suffix == ".dat"]
    assert [path for path in named if _as_nobody("cat", path).returncode == 0] == []


def test_what_the_services_write_is_theirs_alone(settings: Settings) -> None:
    data = settings.home_folder / "seaweedfs" / "data"
    written = [path for path in data.rglob("*") if path.suffix in (".dat", ".idx", ".ldb", ".log")]
    assert {path.suffix for path in written} >= {".dat", ".idx", ".log"}
    assert [path for path in written if stat.S_IMODE(path.stat().st_mode) & 0o077] == []


def test_no_port_behind_the_store_answers_without_a_key(settings: Settings) -> None:
    assert len(ATTEMPTS) > 70
    went_through = []
    with httpx.Client(trust_env=False, timeout=10) as client:
        for part, method, path in ATTEMPTS:
            address = f"{settings.s3_host}:{settings.s3_port + PORT_OFFSETS[PORTS[part]]}"
            headers = {"Tus-Resumable": "1.0.0", "Upload-Length": "4"} if ".tus" in path else {}
            try:
                status = client.request(method, f"http://{address}{path}", headers=headers).status_code
            except httpx.HTTPError:
                continue
            if status < 400:
                went_through.append((part, method, path, status))
    assert went_through == []
    assert _pipeline(settings).get_object("landing", "kept").data == b"a delivery"


def _shell(settings: Settings, folder: Path) -> bytes:
    """List the buckets by the store's own protocol, with the keys in a folder's `security.toml`."""
    master, grpc = (settings.s3_port + PORT_OFFSETS[flag] for flag in ("master.port", "master.port.grpc"))
    arguments = (
        weed_program(),
        "shell",
        f"-master={settings.s3_host}:{master}.{grpc}",
        f"-filer={filer_address(settings)}",
    )
    try:
        return subprocess.run(
            arguments,
            input=b"fs.ls /buckets\n",
            env={"HOME": str(folder)},
            cwd=folder,
            capture_output=True,
            timeout=10,
            check=False,
        ).stdout
    except subprocess.TimeoutExpired as expired:
        return expired.stdout or b""


def test_the_store_s_own_protocol_wants_its_certificate(settings: Settings, tmp_path: Path) -> None:
    assert b"landing" not in _shell(settings, tmp_path)
    assert b"landing" in _shell(settings, settings.home_folder / "seaweedfs")


WITH_MASK = """
import os, sys
from cli.main import run
os.umask(0o022)
sys.argv = ["ioc", *sys.argv[1:]]
try:
    run()
finally:
    print(f"umask {os.umask(0):o}")
"""


@pytest.mark.parametrize(
    ("arguments", "mask"),
    [(["ledger", "--help"], "77"), (["contracts", "--help"], "22"), (["boundaries", "--help"], "22")],
)
def test_the_command_writes_for_its_user_alone_but_for_the_checkout(arguments: list[str], mask: str) -> None:
    shown = subprocess.run([sys.executable, "-c", WITH_MASK, *arguments], capture_output=True, text=True, check=False)
    assert shown.stdout.splitlines()[-1] == f"umask {mask}"
