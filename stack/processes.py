"""Processes that outlive the command which started them, and are found again without doubt.

Each service leads a session of its own, so that it survives the command line's end. What was started is recorded in
`IOC_HOME/run/<service>.json` with the process's creation time: a pid alone may be recycled, pid and time are not. The
session outlives a leader that was killed, and so its orphans are found and ended too.
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
"""A creation time is counted from the boot time, which moves when the machine's clock is set."""


@dataclass(frozen=True)
class ProcessRecord:
    """A process we started: `started_at` in seconds since 1970, `log_offset` where this run begins in its log."""

    service: str
    pid: int
    started_at: float
    log: str
    log_offset: int


def record_path(home: Path, service: str) -> Path:
    """Give the place of a service's record."""
    return home / "run" / f"{service}.json"


def log_path(home: Path, service: str) -> Path:
    """Give the place of a service's log."""
    return home / "logs" / f"{service}.log"


def read_record(home: Path, service: str) -> ProcessRecord | None:
    """Read what was started under this name; None when nothing was."""
    path = record_path(home, service)
    return ProcessRecord(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None


def recorded_services(home: Path) -> list[str]:
    """Name every service that has a record."""
    return sorted(path.stem for path in (home / "run").glob("*.json"))


def spawn(home: Path, service: str, command: Command) -> ProcessRecord:
    """Start a process in a session of its own, its output appended to the service's log, and record it."""
    log = log_path(home, service)
    own(log.parent, None)
    with log.open("ab") as output:
        offset = output.tell()
        process = subprocess.Popen(  # noqa: S603  a program of ours with arguments of ours
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
    process.returncode = 0  # we part on purpose: Popen must not complain that its child still runs
    path = record_path(home, service)
    own(path.parent, None)
    unfinished = path.with_suffix(".tmp")
    unfinished.write_text(json.dumps(asdict(record)), encoding="utf-8")
    unfinished.replace(path)
    return record


def is_alive(record: ProcessRecord) -> bool:
    """Tell whether the very process that was recorded still runs; a zombie does not."""
    return _leader(record) is not None


def stop(home: Path, record: ProcessRecord, first_signal: signal.Signals, patience_seconds: float) -> None:
    """End a process and all that belongs to it: ask the leader, wait, then kill what is left; forget the record."""
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
    """Give the last lines that this run wrote to its log."""
    with Path(record.log).open("rb") as log:
        log.seek(record.log_offset)
        text = log.read().decode("utf-8", errors="replace")
    return "\n".join(text.splitlines()[-lines:])


def _leader(record: ProcessRecord) -> psutil.Process | None:
    process = _recorded(record)
    return process if process is not None and _is_running(process) else None


def _recorded(record: ProcessRecord) -> psutil.Process | None:
    """Find the very process, a zombie too."""
    try:
        process = psutil.Process(record.pid)
        return process if abs(process.create_time() - record.started_at) < CLOCK_TOLERANCE_SECONDS else None
    except psutil.NoSuchProcess:
        return None


def _wait_until_buried(record: ProcessRecord, patience_seconds: float) -> None:
    """Wait until even the zombie is gone: PostgreSQL takes its pid, found in a lock file, for a running server."""
    deadline = time.monotonic() + patience_seconds
    while _recorded(record) is not None and time.monotonic() < deadline:
        try:
            os.waitpid(record.pid, os.WNOHANG)  # a child of ours is buried by us, any other by the system
        except ChildProcessError:
            time.sleep(POLL_SECONDS)


def _family(record: ProcessRecord, leader: psutil.Process | None) -> set[psutil.Process]:
    """Find the leader's descendants and its session, orphans too; nobody when the pid is somebody else's."""
    if leader is None and psutil.pid_exists(record.pid) and psutil.Process(record.pid).status() != psutil.STATUS_ZOMBIE:
        return set()
    family = set(leader.children(recursive=True)) | {leader} if leader else set()
    for process in psutil.process_iter():
        try:
            is_younger = process.create_time() >= record.started_at - CLOCK_TOLERANCE_SECONDS
            if os.getsid(process.pid) == record.pid and is_younger and process.status() != psutil.STATUS_ZOMBIE:
                family.add(process)
        except (psutil.NoSuchProcess, ProcessLookupError, PermissionError):
            continue  # gone while we looked, or not ours to ask
    return family


def _wait_until_gone(processes: set[psutil.Process], patience_seconds: float) -> None:
    """Wait until none runs any more; a zombie is gone, though the system may take a second to bury it."""
    deadline = time.monotonic() + patience_seconds
    while any(map(_is_running, processes)) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)


def _is_running(process: psutil.Process) -> bool:
    """Tell whether a process runs; one whose first thread ended runs, and holds its ports, until the last one did."""
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
