"""A Trino of the tests, with the files of deploy/trino: who asks for it where it is not installed is told what to install."""

import os
import re
import shutil
import signal
import subprocess
import tarfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import trino

from core.settings import PROJECT, Settings

VERSION = "476"
JAVA = 25
ARCHIVE = Path.home() / f".m2/repository/io/trino/trino-server/{VERSION}/trino-server-{VERSION}.tar.gz"
UNPACKED = PROJECT / ".trino"
"""Kept from one run to the next: 900 MB."""

DEPLOYED = PROJECT / "deploy" / "trino"
IN_MEMORY = "connector.name=memory\nmemory.max-data-per-node=1GB\n"
EMPTY = dict.fromkeys(("lake", "instant", "memory"), IN_MEMORY)
"""Catalogs without a table: what a build writes, what it reads, and its views."""

STARTS_WITHIN_SECONDS = 240


def find_java() -> Path | None:
    """Return the folder of a Java that is new enough."""
    for release in sorted(Path("/usr/lib/jvm").glob("*/release")):
        version = re.search(r'JAVA_VERSION="(\d+)', release.read_text(encoding="utf-8"))
        if version and int(version[1]) >= JAVA:
            return release.parent
    return None


def what_is_missing() -> str | None:
    """Say what to install so that Trino can start; None where nothing is missing."""
    if find_java() is None:
        return f"Trino {VERSION} needs Java {JAVA}, which is not below /usr/lib/jvm: install temurin-{JAVA}-jdk"
    if not (ARCHIVE.exists() or (UNPACKED / f"trino-server-{VERSION}").exists()):
        return (
            f"Trino {VERSION} is not installed: mvn dependency:get -Dtransitive=false "
            f"-Dartifact=io.trino:trino-server:{VERSION}:tar.gz (821 MB)"
        )
    return None


def deployed_catalogs() -> dict[str, str]:
    """Return the properties of the catalogs as they are deployed, by name."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted((DEPLOYED / "catalog").glob("*.properties"))}


def place_of_the_store(settings: Settings) -> dict[str, str]:
    """Return the variables by which the deployed catalogs find the object store."""
    return {
        "ICEBERG_URL": f"http://{settings.s3_host}:{settings.iceberg_port}",
        "S3_URL": f"http://{settings.s3_host}:{settings.s3_port}",
        "S3_REGION": settings.s3_region,
        "S3_ACCESS_KEY": settings.s3_access_key,
        "S3_SECRET_KEY": settings.reveal("s3_secret_key"),
    }


class StartTrino(Protocol):
    """Starts a Trino on a free port; the fixture `start_trino` ends it."""

    def __call__(
        self, catalogs: Mapping[str, str], variables: Mapping[str, str] | None = None, coordinator: int | None = None
    ) -> "Server": ...


class Server:
    """A Trino in a process group of its own, and one connection to it.

    `catalogs` holds the properties of each, `variables` what they refer to. With `coordinator`, the port of another server, it is a worker
    of that.
    """

    def __init__(
        self,
        folder: Path,
        port: int,
        catalogs: Mapping[str, str] = EMPTY,
        variables: Mapping[str, str] | None = None,
        coordinator: int | None = None,
    ) -> None:
        self.port, self._folder = port, folder
        self._write_settings(catalogs, "coordinator" if coordinator is None else "worker")
        java = find_java()
        environment = {
            "JAVA_HOME": str(java),
            "PATH": f"{java}/bin:{os.environ['PATH']}",  # noqa: TID251  Trino's own
            "TRINO_PORT": str(port),
            "TRINO_URL": f"http://127.0.0.1:{coordinator or port}",
            "COORDINATOR_WORKS": "true",
            "QUERY_MEMORY": "1GB",
            **(variables or {}),
        }
        if not (UNPACKED / f"trino-server-{VERSION}").exists():
            with tarfile.open(ARCHIVE) as archive:
                archive.extractall(UNPACKED, filter="data")
        launcher = UNPACKED / f"trino-server-{VERSION}" / "bin" / "launcher"
        with (folder / "trino.log").open("wb") as log:
            self._process = subprocess.Popen(
                (str(launcher), "run", "--etc-dir", str(folder)),
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._connection = trino.dbapi.connect(
            host="127.0.0.1", port=coordinator or port, user="ioc", catalog="lake", schema="silver"
        )
        self._wait_for(1 if coordinator is None else 2)

    def execute(self, statement: str) -> list[list[Any]]:
        """Run a statement and return its rows."""
        cursor = self._connection.cursor()
        cursor.execute(statement)
        return list(cursor.fetchall())

    def stop(self) -> None:
        """End the server."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)
            self._process.wait(60)

    def _wait_for(self, nodes: int) -> None:
        until = time.monotonic() + STARTS_WITHIN_SECONDS
        while time.monotonic() < until and self._process.poll() is None:
            try:
                active = self.execute("select 1 from system.runtime.nodes where state = 'active'")
            except (trino.exceptions.Error, OSError):
                active = []
            if len(active) >= nodes:
                return
            time.sleep(0.5)
        self.stop()
        raise AssertionError(f"Trino did not start: {(self._folder / 'trino.log').read_text(encoding='utf-8')[-2000:]}")

    def _write_settings(self, catalogs: Mapping[str, str], role: str) -> None:
        (self._folder / "catalog").mkdir()
        shutil.copyfile(DEPLOYED / f"{role}.properties", self._folder / "config.properties")
        files = {
            "node.properties": f"node.environment=test\nnode.id={role}\nnode.data-dir={self._folder / 'data'}\n",
            "jvm.config": "-server\n-Xmx2G\n-XX:+UseG1GC\n-XX:+ExitOnOutOfMemoryError\n-Dfile.encoding=UTF-8\n",
        } | {f"catalog/{name}.properties": properties for name, properties in catalogs.items()}
        for name, text in files.items():
            (self._folder / name).write_text(text, encoding="utf-8")
