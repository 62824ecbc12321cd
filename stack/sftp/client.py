"""A log-in to the SFTP server of this stack, from this machine: for its health, and for those who play the agencies."""

from collections.abc import Iterator
from contextlib import contextmanager

import paramiko

from core.settings import Settings
from ingestion.collect.connectors.sftp import log_in


@contextmanager
def logged_in(settings: Settings, user: str, password: str, seconds: float) -> Iterator[paramiko.SSHClient]:
    """Log in for the length of a `with` block; whichever key the server shows is taken, and none is kept."""
    with paramiko.SSHClient() as client:
        client.set_missing_host_key_policy(paramiko.AutoAddPolicy())  # our own server, our own machine
        log_in(client, settings.sftp_host, settings.sftp_port, user=user, password=password, seconds=seconds)
        yield client
