"""The interface of a service: how to prepare it, start it, check its health, and settle it once it answers."""

import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

State = Literal["healthy", "unhealthy", "dead", "stopped"]


@dataclass(frozen=True)
class Port:
    """A TCP port a service listens on, and the variable that changes it."""

    host: str
    number: int
    variable: str


@dataclass(frozen=True)
class Command:
    """How to start a service's process. `user` is the system user to run as; None = our own."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    folder: Path
    user: str | None = None


class Service(Protocol):
    """One process (with its children) of the stack. The services in `needs` must be healthy before it starts."""

    @property
    def name(self) -> str: ...

    @property
    def needs(self) -> tuple[str, ...]: ...

    @property
    def address(self) -> str: ...

    @property
    def ports(self) -> tuple[Port, ...]: ...

    @property
    def seconds_to_start(self) -> float: ...

    @property
    def stop_signal(self) -> signal.Signals: ...

    def prepare(self) -> None:
        """Create what the process needs before it starts: folders, files, a database schema. Safe to repeat."""

    def command(self) -> Command:
        """Return how to start the process."""

    def fault(self, started_at: float) -> str:
        """Query the service itself; return what is wrong, or an empty text if it is healthy.

        `started_at` is the start of the process in seconds since 1970; any older sign of life is from a predecessor.
        """

    def settle(self) -> None:
        """Create what needs a running service: databases, roles, buckets. Safe to repeat."""


@dataclass(frozen=True)
class ServiceStatus:
    """What `ioc status` shows of one service. `pid` is None unless we started it and it is running."""

    name: str
    state: State
    pid: int | None
    address: str
    log: Path | None
    detail: str
