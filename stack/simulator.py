"""The feedback and dossier systems of the simulated city, run if a simulated day is set (`IOC_SIMULATED_DAY`).

One process serves both, at the host and port of the `feedback` source in IOC_SOURCE_URLS.
"""

import signal
import sys
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from core.errors import ConfigurationError
from core.settings import PROJECT, Settings
from stack.service import Command, Port


@dataclass(frozen=True)
class Simulator:
    """Serves the feedback cases and dossiers of one simulated day at the URL of `feedback`."""

    settings: Settings
    name: str = "simulator"
    needs: tuple[str, ...] = ()
    seconds_to_start: float = 30
    stop_signal: signal.Signals = signal.SIGTERM

    @property
    def address(self) -> str:
        return self.settings.source_urls["feedback"]

    @property
    def ports(self) -> tuple[Port, ...]:
        url = urlsplit(self.address)
        return (Port(url.hostname or "127.0.0.1", url.port or 80, "IOC_SOURCE_URLS"),)

    def prepare(self) -> None:
        """Raise ConfigurationError if the folder holds no simulated day."""
        folder = self.settings.simulated_day
        if folder is None or not (folder / "feedback").is_dir():
            raise ConfigurationError(f"simulator: expected a simulated day in {folder}, got none; run `ioc simulate`")

    def command(self) -> Command:
        port = self.ports[0]
        arguments = ("--folder", str(self.settings.simulated_day), "--host", port.host, "--port", str(port.number))
        environment = self.settings.service_environment(self.settings.home_folder / "simulator")
        return Command((sys.executable, "-m", "simulator.server", *arguments), environment, PROJECT)

    def fault(self, started_at: float) -> str:  # noqa: ARG002  only this process answers there
        try:
            answer = httpx.get(f"http://{self.ports[0].host}:{self.ports[0].number}/health", timeout=5, trust_env=False)
        except httpx.HTTPError as error:
            return f"does not answer: {type(error).__name__}"
        return "" if answer.is_success else f"answers {answer.status_code}"

    def settle(self) -> None:
        """Do nothing: there is nothing to create."""
