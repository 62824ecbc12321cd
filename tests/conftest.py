"""Fixtures shared by all tests: a real stack, started once per session (once per worker under pytest-xdist)."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from pathlib import Path

import pytest

from core.settings import Settings
from stack.control import DATA_SERVICES, down, up
from stack.object_store import PORT_OFFSETS
from stack.separate import PORTS, separate_stack
from tests.browser.truth import CLOCK, publish_truth
from tests.faults.results import Results
from tests.people import ROLES, make_account
from tests.trino import EMPTY, Server, StartTrino, what_is_missing
from transform.build import warm_folder
from transform.warm import SOCKET

LOWEST_PORT, HIGHEST_PORT = 20_000, 22_700
"""All ports of a stack, even the one 10,008 above, stay below those that Linux uses for outgoing connections (from 32,768)."""


PORTS_OF_TRINO = (19_900, 20_000)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option for the long run of the fault and conservation tests; without it all of them run, but on less."""
    parser.addoption(
        "--scale", action="store_true", help="build every domain on Trino, and keep the table of docs/scale.md"
    )
    parser.addoption(
        "--faults",
        nargs="?",
        const=20,
        default=0,
        type=int,
        metavar="SEEDS",
        help="run the fault, conservation and security tests at full length, with this many seeds each (20)",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what is marked for the long run in the smaller one."""
    if config.getoption("--faults") == 0:
        for item in items:
            if marker := item.get_closest_marker("long"):
                reason = ": ".join(["only in the long run, `make test-faults`", *marker.args])
                item.add_marker(pytest.mark.skip(reason=reason))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@pytest.fixture(scope="session")
def seeds(request: pytest.FixtureRequest) -> int:
    """The number of seeds per fault in the long run, `make test-faults`; 0 in the smaller run of the same tests."""
    return int(request.config.getoption("--faults"))


@pytest.fixture(scope="session")
def is_long(seeds: int) -> bool:
    """Whether this is the long run."""
    return seeds > 0


@pytest.fixture(scope="session")
def results(is_long: bool, testrun_uid: str) -> Results:
    """The results that the long run measures, of all its processes."""
    return Results(testrun_uid if is_long else None)


@pytest.fixture(scope="session")
def free_ports() -> Callable[[], int]:
    """A function that returns the first port of a free block of 32, a different one at every call and in every process."""
    blocks = (HIGHEST_PORT - LOWEST_PORT) // PORTS
    order = iter((os.getpid() * 37 + step) % blocks for step in range(blocks))

    def next_block() -> int:
        for block in order:
            first = LOWEST_PORT + block * PORTS
            s3_extra = first + PORT_OFFSETS["admin.port.grpc"]
            if all(map(_is_free, [*range(first, first + PORTS), s3_extra])):
                return first
        raise AssertionError("no free block of ports left")

    return next_block


@pytest.fixture(scope="session")
def new_settings(free_ports: Callable[[], int]) -> Iterator[Callable[[], Settings]]:
    """A function that returns the settings of one more stack: an empty home, free ports, generated secrets.

    Homes are outside pytest's own folder, which every start of pytest closes to other users again: as root, we run
    PostgreSQL as another user. One process keeps dbt warm for the builds of all homes.
    """
    folder = Path(tempfile.mkdtemp(prefix="ioc-"))
    homes = (folder / str(number) for number in count())
    environment = Settings(home=folder).service_environment(folder)
    with subprocess.Popen([sys.executable, "-m", "tests.warm_dbt", folder], env=environment) as process:

        def make() -> Settings:
            settings = separate_stack(next(homes), free_ports())
            warm_folder(settings).mkdir()
            (warm_folder(settings) / SOCKET).symlink_to(folder / SOCKET)
            return settings

        yield make
        process.terminate()
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def stack_settings(new_settings: Callable[[], Settings]) -> Iterator[Settings]:
    """The settings, with all secrets, of a running PostgreSQL, SeaweedFS and SFTP server, stopped at the end."""
    settings = new_settings()
    try:
        up(settings, DATA_SERVICES)
        yield settings
    finally:
        down(settings)


@pytest.fixture(scope="session")
def superset_settings(new_settings: Callable[[], Settings]) -> Iterator[Settings]:
    """The settings of a running PostgreSQL, object store and Superset with the known city published, stopped at the end."""
    settings = new_settings().model_copy(update={"now": CLOCK})
    try:
        up(settings, {"postgres", "seaweedfs"})
        publish_truth(settings)
        up(settings, {"superset"})
        yield settings
    finally:
        down(settings)


@pytest.fixture(scope="session")
def people(superset_settings: Settings) -> Settings:
    """The settings of Superset with an account for each role."""
    for role in ROLES:
        make_account(superset_settings, role, role)
    return superset_settings


@pytest.fixture(scope="session")
def start_trino(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartTrino]:
    """A function that starts a Trino with what `Server` takes; where none is installed, who asks is skipped, and says what to install."""
    missing = what_is_missing()
    if missing:
        pytest.skip(missing)
    servers: list[Server] = []

    def start(
        catalogs: Mapping[str, str], variables: Mapping[str, str] | None = None, coordinator: int | None = None
    ) -> Server:
        port = next(port for port in range(*PORTS_OF_TRINO) if _is_free(port))
        servers.append(Server(tmp_path_factory.mktemp("trino"), port, catalogs, variables, coordinator))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(scope="session")
def trino(start_trino: StartTrino) -> Server:
    """A Trino with empty catalogs."""
    return start_trino(EMPTY)
