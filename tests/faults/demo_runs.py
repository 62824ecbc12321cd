"""Run `ioc demo` repeatedly from an empty state, and again after faults; the results go into the table in docs/reliability.md.

    python -m tests.faults.demo_runs --quiet 5 --busy 5 --killed --stopped --full

Uses the ports of the settings, so no other stack may run at the same time. A run takes about five minutes.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import typer

from tests.faults.results import Results

MIDDLE = "Airflow knows the DAGs"
"""The line of output after which the demo is disturbed."""

PATIENCE_SECONDS = 3600
DISK = "6g"
KEEP_BUSY = [sys.executable, "-c", "while True: pass"]
Strike = Callable[[Path, "subprocess.Popen[str]"], None]


def main(
    quiet: int = 0, busy: int = 0, killed: bool = False, stopped: bool = False, full: bool = False, again: bool = False
) -> None:
    """Run the demo `quiet` times on an idle machine, `busy` times with both cores busy, and once after each of the named faults.

    `again` adds to earlier results; otherwise the table starts afresh.
    """
    results = Results("demo")
    if not again:
        (results.folder / "demo" / "demo.jsonl").unlink(missing_ok=True)
    for number in range(quiet + busy):
        with _home() as home, _busy() if number >= quiet else ExitStack():
            condition = "both cores busy" if number >= quiet else "no loops beside it"
            _keep(results, "from an empty state", condition, *_run(home))
    blows: list[tuple[bool, str, Strike]] = [
        (killed, "again after everything was killed in the middle (`kill -9`)", _kill_everything),
        (stopped, "again after PostgreSQL was killed in the middle", _kill_postgres),
    ]
    for is_wanted, name, strike in blows:
        if is_wanted:
            with _home() as home:
                _disturb(home, strike)
                _keep(results, name, "no loops beside it", *_run(home))
    if full:
        with _home() as folder, _small_disk(folder):
            _disturb(folder / "home", _fill_the_disk)
            (folder / "filler").unlink()
            _keep(
                results,
                "again after the disk was full in the middle and freed",
                "no loops beside it",
                *_run(folder / "home"),
            )


def _keep(results: Results, name: str, condition: str, seconds: float, outcome: str) -> None:
    load = round(os.getloadavg()[1])
    results.add(
        "demo", {"run": name, "machine": condition, "load": load, "seconds": round(seconds), "outcome": outcome}
    )
    print(f"{name}, {condition}: {outcome}, {seconds:.0f} s", flush=True)


def _command() -> list[str]:
    return [str(Path(sys.executable).parent / "ioc")]


def _run(home: Path) -> tuple[float, str]:
    """Run the demo to its end; return its seconds, and `green` or its last line of output."""
    began = time.monotonic()
    with (home.parent / f"{home.name}.log").open("w", encoding="utf-8") as log:
        status = subprocess.run(
            [*_command(), "demo"], env=_environment(home), stdout=log, stderr=log, timeout=PATIENCE_SECONDS, check=False
        ).returncode
    seconds = time.monotonic() - began
    said = (home.parent / f"{home.name}.log").read_text(encoding="utf-8").splitlines()
    errors = [line for line in said if "Error: " in line] or said[-1:] or ["nothing said"]
    return seconds, "green" if status == 0 else f"exit {status}: {errors[-1]}"


def _disturb(home: Path, strike: Strike) -> None:
    """Start the demo, inject a fault in the middle, and let it end."""
    with subprocess.Popen([*_command(), "demo"], env=_environment(home), stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        for line in demo.stdout:
            if line.startswith(MIDDLE):
                strike(home, demo)
                break
        demo.stdout.read()
        demo.wait(PATIENCE_SECONDS)


def _kill_everything(home: Path, demo: "subprocess.Popen[str]") -> None:
    """Kill the demo first, since it starts services that died, then all that runs in the home, until nothing does."""
    _kill(psutil.Process(demo.pid))
    while running := _processes_of(home):
        for process in running:
            _kill(process)
        psutil.wait_procs(running)


def _kill_postgres(home: Path, _: "subprocess.Popen[str]") -> None:
    for process in _processes_of(home):
        if process.name().startswith("postgres"):
            _kill(process)


def _fill_the_disk(home: Path, _: "subprocess.Popen[str]") -> None:
    with (home.parent / "filler").open("wb", buffering=0) as file:
        try:
            while file.write(bytes(1024 * 1024)):
                pass
        except OSError:
            return


def _kill(process: psutil.Process) -> None:
    """Kill a process that may have ended already."""
    try:
        process.send_signal(signal.SIGKILL)
    except psutil.NoSuchProcess:
        return


def _processes_of(home: Path) -> list[psutil.Process]:
    """Return the processes of a stack: those started with its home, and those with a working directory below it."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and (
                process.environ().get("IOC_HOME") == str(home) or str(home) in " ".join(process.cmdline())
            ):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def _environment(home: Path) -> dict[str, str]:
    """Return the environment of a stack of its own, with lines as long as an error needs."""
    return {**os.environ, "IOC_HOME": str(home), "COLUMNS": "1000"}  # noqa: TID251


@contextmanager
def _home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="ioc-demo-"))
    folder.chmod(0o755)
    home = folder / "stack"
    home.mkdir()
    try:
        yield home
    finally:
        for one in (home, home / "home"):
            subprocess.run([*_command(), "down"], env=_environment(one), check=False, capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _small_disk(folder: Path) -> Iterator[None]:
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run([*_command(), "down"], env=_environment(folder / "home"), check=False, capture_output=True)
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def _busy() -> Iterator[None]:
    """Keep both cores busy with endless loops."""
    loops = [subprocess.Popen(KEEP_BUSY) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


if __name__ == "__main__":
    typer.run(main)
