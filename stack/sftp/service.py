"""The SFTP server as a service of the stack: its own process, whose health check is a log-in as the collector."""

import signal
import sys
from dataclasses import dataclass

import paramiko

from core.contract import read_contracts
from core.settings import PROJECT, Settings
from stack.service import Command, Port
from stack.sftp.accounts import ensure_accounts
from stack.sftp.client import logged_in


@dataclass(frozen=True)
class Sftp:
    """The SFTP server; host key, accounts and files in `IOC_HOME/sftp`."""

    settings: Settings
    name: str = "sftp"
    needs: tuple[str, ...] = ()
    seconds_to_start: float = 60
    stop_signal: signal.Signals = signal.SIGTERM

    @property
    def address(self) -> str:
        return f"sftp://{self.settings.sftp_host}:{self.settings.sftp_port}"

    @property
    def ports(self) -> tuple[Port, ...]:
        return (Port(self.settings.sftp_host, self.settings.sftp_port, "IOC_SFTP_PORT"),)

    def prepare(self) -> None:
        """Do nothing: the process creates what it needs, in a container too."""

    def command(self) -> Command:
        environment = self.settings.service_environment(self.settings.home_folder, ("sftp_password",))
        return Command((sys.executable, "-m", "stack.sftp.server"), environment, PROJECT)

    def fault(self, started_at: float) -> str:  # noqa: ARG002
        """Log in as the collector, and list the root folder."""
        try:
            user, password = self.settings.sftp_user, self.settings.reveal("sftp_password")
            with logged_in(self.settings, user, password, 3) as client, client.open_sftp() as session:
                session.listdir("/")
        except (paramiko.SSHException, OSError, EOFError) as error:
            return f"no listing after a login: {type(error).__name__}"
        return ""

    def settle(self) -> None:
        """Create the accounts for contracts added since the server started; it reads the accounts at each log-in."""
        ensure_accounts(self.settings, read_contracts())
