"""Start, stop and check the services: `ioc up`, `ioc down` and `ioc status`.

`up` may be repeated at any time: a healthy service is left alone, a dead one is restarted, and so is one that stays unhealthy for as long
as it may take to start; concurrent runs of `up` take turns. Each service starts as soon as those it needs are healthy. With
`IOC_STACK=external` nothing is started or stopped: `up` waits until the services answer, `status` checks them.
"""

import fcntl
import shutil
import signal
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path

from core.errors import DiskFullError, UnknownNameError
from core.settings import Settings
from stack.airflow import airflow_services
from stack.lifecycle import STOP_SECONDS, Report, await_external, bring_up, status_of
from stack.object_store import ObjectStore
from stack.ownership import own
from stack.postgres import Postgres
from stack.processes import read_record, recorded_services, stop
from stack.secrets import ensure_secrets
from stack.service import Service, ServiceStatus
from stack.sftp.service import Sftp
from stack.simulator import Simulator
from stack.superset import Superset

LEAST_FREE_BYTES = 2 * 1024**3
"""Room for a day of feeds, the logs, and PostgreSQL's write-ahead log; with less, a server may stop in the middle of a write."""

DATA_SERVICES = frozenset({"postgres", "seaweedfs", "sftp"})
"""The services that hold data, enough to land, load, build and publish without Airflow and Superset."""


def all_services(settings: Settings) -> list[Service]:
    """Return the services of a stack, each after those it needs."""
    city: list[Service] = [Simulator(settings)] if settings.simulated_day else []
    return [
        Postgres(settings),
        ObjectStore(settings),
        Sftp(settings),
        *city,
        *airflow_services(settings),
        Superset(settings),
    ]


def up(
    settings: Settings,
    only: Collection[str] | None = None,
    report: Report = lambda _: None,
    *,
    least_free_bytes: int = LEAST_FREE_BYTES,
) -> None:
    """Start services (those named and what they need; None = all) and wait until they are healthy, passing each step to `report`.

    Raises UnknownNameError for a service that does not exist, DiskFullError, PortInUseError, and ServiceError with
    the end of the log if a service dies or does not become healthy in time.
    """
    if settings.stack == "external":
        services = _select(all_services(settings), only)
        _in_order(services, lambda service, is_cancelled: await_external(service, report, is_cancelled))
        return
    settings = ensure_secrets(settings)
    services = _select(all_services(settings), only)
    home = settings.home_folder
    free = shutil.disk_usage(home).free
    if free < least_free_bytes:
        raise DiskFullError(
            f"{home}: expected {least_free_bytes / 1e9:.1f} GB of free disk, got {free / 1e9:.1f} GB; "
            "free some space or set IOC_HOME to another disk",
            free_bytes=free,
            needed_bytes=least_free_bytes,
        )
    with _alone(home):
        _in_order(services, lambda service, is_cancelled: bring_up(service, settings, report, is_cancelled))


def down(settings: Settings, report: Report = lambda _: None) -> None:
    """Stop what `up` started here, last one first, and nothing else; also services that the current settings no longer include."""
    home = settings.home_folder
    if settings.stack == "external" or not home.exists():
        return
    with _alone(home):
        signals = {service.name: service.stop_signal for service in reversed(all_services(settings))}
        unasked = [name for name in recorded_services(home) if name not in signals]
        for name in [*unasked, *signals]:
            if record := read_record(home, name):
                stop(home, record, signals.get(name, signal.SIGTERM), STOP_SECONDS)
                report(f"{name}: stopped")


def status(settings: Settings) -> list[ServiceStatus]:
    """Return the state of every service: of its process, then by its own answer."""
    if (settings.home_folder / "secrets.env").exists():
        settings = ensure_secrets(settings)  # those that `up` generated, in case these settings were read before
    services = all_services(settings)
    with ThreadPoolExecutor(len(services)) as pool:
        return list(pool.map(lambda service: status_of(service, settings), services))


def _in_order(services: Sequence[Service], bring_up: Callable[[Service, threading.Event], None]) -> None:
    """Run one step per service, each after those it needs; the first error cancels the rest and is raised."""
    is_cancelled = threading.Event()
    futures: dict[str, Future[None]] = {}

    def step(service: Service) -> None:
        for need in service.needs:
            futures[need].result()
        if not is_cancelled.is_set():
            bring_up(service, is_cancelled)

    with ThreadPoolExecutor(len(services)) as pool:
        for service in services:
            futures[service.name] = pool.submit(step, service)
        try:
            done, _ = wait(futures.values(), return_when=FIRST_EXCEPTION)
            for future in done:
                future.result()
        finally:
            is_cancelled.set()


def _select(services: Sequence[Service], only: Collection[str] | None) -> list[Service]:
    if only is None:
        return list(services)
    known = {service.name: service for service in services}
    if unknown := sorted(set(only) - set(known)):
        raise UnknownNameError(
            f"{', '.join(unknown)}: expected names of services, got unknown ones; choose from {', '.join(known)}",
            names=unknown,
        )
    wanted: set[str] = set()
    waiting = list(only)
    while waiting:
        name = waiting.pop()
        wanted.add(name)
        waiting.extend(known[name].needs)
    return [service for service in services if service.name in wanted]


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Let only one command at a time start or stop the services of a home."""
    own(home / "run", None)
    with (home / "run" / "control.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
