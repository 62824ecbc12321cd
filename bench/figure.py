"""A measured figure, and the stack it is measured on."""

import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import duckdb

from cli.startup import prepare_tables
from core.settings import Settings
from lake.connection import connected
from stack.control import DATA_SERVICES, down, up
from stack.separate import separate_stack

FIRST_PORT = 26_000
Given = TypeVar("Given")


@dataclass(frozen=True)
class Figure:
    """What was measured, what was aimed at, and what the machine did without our code in the same run (`baseline`)."""

    name: str
    measured: str
    target: str
    is_reached: bool
    baseline: str

    def row(self) -> str:
        """Return a line of the table."""
        return f"| {self.name} | {self.measured} | {self.target} | {'yes' if self.is_reached else '**no**'} | {self.baseline} |"


@contextmanager
def small_stack() -> Iterator[tuple[Settings, duckdb.DuckDBPyConnection]]:
    """Start PostgreSQL and the object store in an empty home; yield settings and a connection with empty tables."""
    with tempfile.TemporaryDirectory(prefix="ioc-bench-") as home:
        settings = separate_stack(Path(home), FIRST_PORT)
        try:
            up(settings, DATA_SERVICES)
            prepare_tables(settings)
            with connected(settings) as connection:
                yield settings, connection
        finally:
            down(settings)


def timed(act: Callable[[], Given]) -> tuple[Given, float, float]:
    """Call a function; return its result, and the seconds it took by the clock and of the processor."""
    began, busy = time.perf_counter(), time.process_time()
    given = act()
    return given, time.perf_counter() - began, time.process_time() - busy


def peak_gigabytes() -> float:
    """Return the most memory this program ever held, GB; `getrusage` would also count what its starter held."""
    (line,) = re.findall(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text(encoding="utf-8"))
    return int(line) * 1024 / 1e9


def machine() -> str:
    """Describe the machine in a line."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    return f"{os.cpu_count()} cores, {memory:.0f} GiB of memory, shared with other work"
