"""The SFTP folder that agencies push files into: `weed sftp`, its files in the object store's filer.

One user, locked into `/sftp/<user>`, which he sees as `/`. Its files lie outside the buckets: only the connector brings
them into landing. Two habits of this server: listing a folder that does not exist gives an empty list, and opening a
file to append replaces its beginning with zeros; our connector does neither.
"""

import json
import signal
from dataclasses import dataclass
from pathlib import Path

import paramiko

from ingestion.settings import Settings
from stack.object_store import filer_address, weed_program
from stack.secrets import write_private
from stack.service import Command, Port


@dataclass(frozen=True)
class Sftp:
    """The SFTP server; host key and user file in `IOC_HOME/sftp`."""

    settings: Settings
    name: str = "sftp"
    needs: tuple[str, ...] = ("seaweedfs",)
    seconds_to_start: float = 60
    stop_signal: signal.Signals = signal.SIGTERM

    @property
    def address(self) -> str:
        return f"sftp://{self.settings.sftp_host}:{self.settings.sftp_port}"

    @property
    def ports(self) -> tuple[Port, ...]:
        return (Port(self.settings.sftp_host, self.settings.sftp_port, "IOC_SFTP_PORT"),)

    @property
    def folder(self) -> Path:
        return self.settings.home_folder / "sftp"

    def prepare(self) -> None:
        """Draw the host key once, so that clients recognise the server, and write the user file."""
        key = self.folder / "host_key"
        if not key.exists():
            write_private(key, "")
            paramiko.ECDSAKey.generate().write_private_key_file(str(key))
        home = f"/sftp/{self.settings.sftp_user}"
        user = {
            "Username": self.settings.sftp_user,
            "Password": self.settings.reveal("sftp_password"),
            "PublicKeys": [],
            "HomeDir": home,
            "Permissions": {home: ["*"]},
            "Uid": 1000,
            "Gid": 1000,
        }
        write_private(self.folder / "users.json", json.dumps([user], indent=2))

    def command(self) -> Command:
        """Serve the filer's files to the one user, by password."""
        arguments = (
            *(weed_program(), "sftp", f"-port={self.settings.sftp_port}", f"-ip.bind={self.settings.sftp_host}"),
            *(f"-filer={filer_address(self.settings)}", f"-sshPrivateKey={self.folder / 'host_key'}"),
            *(f"-userStoreFile={self.folder / 'users.json'}", "-authMethods=password"),
        )
        return Command(arguments, self.settings.child_environment(), self.settings.home_folder / "seaweedfs")

    def fault(self, started_at: float) -> str:  # noqa: ARG002
        """Log in as the agency does, and list its folder."""
        try:
            with paramiko.SSHClient() as client:
                client.set_missing_host_key_policy(paramiko.AutoAddPolicy())  # our own server, our own machine
                client.connect(
                    self.settings.sftp_host,
                    self.settings.sftp_port,
                    username=self.settings.sftp_user,
                    password=self.settings.reveal("sftp_password"),
                    timeout=3,
                    banner_timeout=3,
                    auth_timeout=3,
                    look_for_keys=False,
                    allow_agent=False,
                )
                with client.open_sftp() as session:
                    session.listdir("/")
        except (paramiko.SSHException, OSError, EOFError) as error:
            return f"no listing after a login: {type(error).__name__}"
        return ""

    def settle(self) -> None:
        """Nothing: the server makes the home folder at the first login, which the health check was."""
