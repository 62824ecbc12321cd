"""Processes that outlive the command that started them, and can be identified reliably later.

Each service leads a session of its own, so that it survives the end of the command. It is recorded in
`IOC_HOME/run/<service>.json` with the creation time of its process, because a pid alone may be reused, but not a pid with its
creation time. A session outlives its leader, so the orphans of a killed leader are found and stopped too.
"""

import json
import os
import signal
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from stack.ownership import SERVICES, UMASK, own
from stack.service import Command

POLL_SECONDS = 0.05

CLOCK_TOLERANCE_SECONDS = 5.0
"""Creation times are relative to the boot time, which shifts when the machine's clock is set."""


@dataclass(frozen=True)
class ProcessRecord:
    """A process we started; `started_at` is in seconds since 1970, `log_offset` is where this run begins in the log."""

    service: str
    pid: int
    started_at: float
    log: str
    log_offset: int


def record_path(home: Path, service: str) -> Path:
    """Return the path of a service's record."""
    return home / "run" / f"{service}.json"


def log_path(home: Path, service: str) -> Path:
    """Return the path of a service's log."""
    return home / "logs" / f"{service}.log"


def read_record(home: Path, service: str) -> ProcessRecord | None:
    """Read the record of a service; None if it was not started."""
    path = record_path(home, service)
    return ProcessRecord(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None


def recorded_services(home: Path) -> list[str]:
    """Return the names of all services with a record."""
    return sorted(path.stem for path in (home / "run").glob("*.json"))


def spawn(home: Path, service: str, command: Command) -> ProcessRecord:
    """Start a process in a session of its own, append its output to the service's log, and record it."""
    log = log_path(home, service)
    own(log.parent, None)
    with log.open("ab") as output:
        offset = output.tell()
        process = subprocess.Popen(  # noqa: S603  our own program and arguments
            command.arguments,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=command.folder,
            env=dict(command.environment),
            user=command.user,
            group=command.user,
            extra_groups=[SERVICES] if command.user else None,
            umask=UMASK,
            start_new_session=True,
        )
    record = ProcessRecord(service, process.pid, psutil.Process(process.pid).create_time(), str(log), offset)
    process.returncode = 0  # detached on purpose: Popen must not warn that its child is still running
    path = record_path(home, service)
    own(path.parent, None)
    unfinished = path.with_suffix(".tmp")
    unfinished.write_text(json.dumps(asdict(record)), encoding="utf-8")
    unfinished.replace(path)
    return record


def is_alive(record: ProcessRecord) -> bool:
    """Whether exactly the recorded process is still running; a zombie is not."""
    return _leader(record) is not None


def stop(home: Path, record: ProcessRecord, first_signal: signal.Signals, patience_seconds: float) -> None:
    """Stop a process and its descendants: signal the leader, wait, then kill what is left; delete the record."""
    leader = _leader(record)
    family = _family(record, leader)
    if leader is not None:
        _send(leader, first_signal)
        _wait_until_gone({leader}, patience_seconds)
    left = {*family, *_family(record, _leader(record))}
    for process in left:
        _send(process, signal.SIGKILL)
    _wait_until_gone(left, patience_seconds)
    if leader is None:
        _wait_until_buried(record, patience_seconds)
    record_path(home, record.service).unlink(missing_ok=True)


def log_tail(record: ProcessRecord, lines: int) -> str:
    """Return the last lines that this run wrote to its log."""
    with Path(record.log).open("rb") as log:
        log.seek(record.log_offset)
        text = log.read().decode("utf-8", errors="replace")
    return "\n".join(text.splitlines()[-lines:])


def _leader(record: ProcessRecord) -> psutil.Process | None:
    process = _recorded(record)
    return process if process is not None and _is_running(process) else None


def _recorded(record: ProcessRecord) -> psutil.Process | None:
    """Return exactly the recorded process, even as a zombie; None if it no longer exists."""
    try:
        process = psutil.Process(record.pid)
        return process if abs(process.create_time() - record.started_at) < CLOCK_TOLERANCE_SECONDS else None
    except psutil.NoSuchProcess:
        return None


def _wait_until_buried(record: ProcessRecord, patience_seconds: float) -> None:
    """Wait until even the zombie is gone, because PostgreSQL takes its pid in a lock file for a running server."""
    deadline = time.monotonic() + patience_seconds
    while _recorded(record) is not None and time.monotonic() < deadline:
        try:
            os.waitpid(record.pid, os.WNOHANG)  # we must reap our own child; init reaps any other
        except ChildProcessError:
            time.sleep(POLL_SECONDS)


def _family(record: ProcessRecord, leader: psutil.Process | None) -> set[psutil.Process]:
    """Return the leader, its descendants and its session, orphans included; empty if the pid now belongs to another process."""
    if leader is None and psutil.pid_exists(record.pid) and psutil.Process(record.pid).status() != psutil.STATUS_ZOMBIE:
        return set()
    family = set(leader.children(recursive=True)) | {leader} if leader else set()
    for process in psutil.process_iter():
        try:
            is_younger = process.create_time() >= record.started_at - CLOCK_TOLERANCE_SECONDS
            if os.getsid(process.pid) == record.pid and is_younger and process.status() != psutil.STATUS_ZOMBIE:
                family.add(process)
        except (psutil.NoSuchProcess, ProcessLookupError, PermissionError):
            continue  # it ended meanwhile, or belongs to another user
    return family


def _wait_until_gone(processes: set[psutil.Process], patience_seconds: float) -> None:
    """Wait until none is running; a zombie counts as ended, though it may take a second to be reaped."""
    deadline = time.monotonic() + patience_seconds
    while any(map(_is_running, processes)) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)


def _is_running(process: psutil.Process) -> bool:
    """Whether a process is running; one whose main thread has ended still runs, and holds its ports, until its last thread ends."""
    try:
        is_ended = process.status() == psutil.STATUS_ZOMBIE and process.num_threads() <= 1
        return process.is_running() and not is_ended
    except psutil.NoSuchProcess:
        return False


def _send(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return
