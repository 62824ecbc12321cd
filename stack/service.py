"""What a service is to the stack: how it is prepared, started, asked for its health, and settled once it answers."""

import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

State = Literal["healthy", "unhealthy", "dead", "stopped"]


@dataclass(frozen=True)
class Port:
    """A TCP port a service listens on, and the variable a person changes to move it."""

    host: str
    number: int
    variable: str


@dataclass(frozen=True)
class Command:
    """How a service's process is started. `user` is the system user to become, None = stay who we are."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    folder: Path
    user: str | None = None


class Service(Protocol):
    """One process (with its children) of the stack. Names in `needs` must be healthy before it starts."""

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
        """Make what the process needs before it starts: folders, files, a database schema. Safe to repeat."""

    def command(self) -> Command:
        """Say how the process is started."""

    def fault(self, started_at: float) -> str:
        """Ask the service itself how it is: an empty text when healthy, what is wrong otherwise.

        `started_at` is the process's start in seconds since 1970; a sign of life older than that is not its own.
        """

    def settle(self) -> None:
        """Make what can only be made on a running service: databases, roles, buckets. Safe to repeat."""


@dataclass(frozen=True)
class ServiceStatus:
    """What `ioc status` tells about one service. `pid` is None unless we started it and it lives."""

    name: str
    state: State
    pid: int | None
    address: str
    log: Path | None
    detail: str
