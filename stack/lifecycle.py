"""The lifecycle of one service: start it unless it is running, wait for it, check its state."""

import errno
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

from core.errors import PortInUseError, ServiceError
from core.settings import Settings
from stack.processes import ProcessRecord, is_alive, log_path, log_tail, read_record, spawn, stop
from stack.secrets import hide_secrets
from stack.service import Port, Service, ServiceStatus, State

POLL_SECONDS = 0.1
STOP_SECONDS = 20.0
LOG_LINES = 15

Report = Callable[[str], None]


def status_of(service: Service, settings: Settings) -> ServiceStatus:
    """Return the state of a service: of its process first, then by its own answer."""
    home = settings.home_folder
    if settings.stack == "external":
        fault = service.fault(0.0)
        return ServiceStatus(service.name, "unhealthy" if fault else "healthy", None, service.address, None, fault)
    log = log_path(home, service.name)
    record = read_record(home, service.name)
    if record is None:
        return ServiceStatus(service.name, "stopped", None, service.address, log, "")
    if not is_alive(record):
        detail = f"process {record.pid} has died; `ioc up` restarts it"
        return ServiceStatus(service.name, "dead", None, service.address, log, detail)
    fault = service.fault(record.started_at)
    state: State = "unhealthy" if fault else "healthy"
    return ServiceStatus(service.name, state, record.pid, service.address, log, hide_secrets(fault, settings))


def bring_up(service: Service, settings: Settings, report: Report, is_cancelled: threading.Event) -> None:
    """Start a service unless it is running, wait until it is healthy, settle it, and report; one that stays unhealthy is restarted.

    Raises PortInUseError before anything is started, ServiceError with the end of the log if it dies or stays unhealthy.
    """
    home = settings.home_folder
    began = time.monotonic()
    record = read_record(home, service.name)
    verb = "already running"
    if record is None or not is_alive(record) or _stays_ill(service, record, settings, is_cancelled):
        verb = "started"
        if record is not None:
            stop(home, record, service.stop_signal, STOP_SECONDS)  # including orphans of a killed process
        for port in service.ports:
            _refuse_taken(port, service.name)
        service.prepare()
        record = spawn(home, service.name, service.command())
        _await_health(service, record, settings, is_cancelled)
    if is_cancelled.is_set():
        return
    service.settle()
    report(f"{service.name}: healthy at {service.address} ({verb}, {time.monotonic() - began:.1f} s)")


def _stays_ill(service: Service, record: ProcessRecord, settings: Settings, is_cancelled: threading.Event) -> bool:
    """Whether a running service does not become healthy within the time it may take to start."""
    try:
        _await_health(service, record, settings, is_cancelled)
    except ServiceError:
        return True
    return False


def _await_health(service: Service, record: ProcessRecord, settings: Settings, is_cancelled: threading.Event) -> None:
    deadline = time.monotonic() + service.seconds_to_start
    while fault := service.fault(record.started_at):
        has_ended = not is_alive(record)
        if has_ended or time.monotonic() > deadline:
            what = "its end while waiting" if has_ended else f"after {service.seconds_to_start:.0f} s: {fault}"
            message = f"{service.name}: expected a healthy service, got {what}; see {record.log}"
            raise ServiceError(
                hide_secrets(f"{message}\n{log_tail(record, LOG_LINES)}", settings),
                service=service.name,
                log=Path(record.log),
                has_ended=has_ended,
            )
        if is_cancelled.wait(POLL_SECONDS):
            return


def await_external(service: Service, report: Report, is_cancelled: threading.Event) -> None:
    """Wait until a service that is started elsewhere is healthy; raises ServiceError if it takes too long."""
    deadline = time.monotonic() + service.seconds_to_start
    while fault := service.fault(0.0):
        if time.monotonic() > deadline:
            raise ServiceError(
                f"{service.name}: expected a healthy service at {service.address}, got: {fault}; start it first",
                service=service.name,
            )
        if is_cancelled.wait(POLL_SECONDS):
            return
    report(f"{service.name}: healthy at {service.address}")


def _refuse_taken(port: Port, service: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((port.host, port.number))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            raise PortInUseError(
                f"{service}: expected port {port.number} on {port.host} to be free, got another process listening there; "
                f"stop it or set {port.variable}",
                service=service,
                port=port.number,
                variable=port.variable,
            ) from error
