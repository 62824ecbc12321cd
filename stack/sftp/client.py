"""A log-in to the SFTP server of this stack from this machine: for the health check, and to simulate agencies."""

from collections.abc import Iterator
from contextlib import contextmanager

import paramiko

from core.settings import Settings
from ingestion.collect.connectors.sftp import log_in


@contextmanager
def logged_in(settings: Settings, user: str, password: str, seconds: float) -> Iterator[paramiko.SSHClient]:
    """Log in for a `with` block, accepting any host key and storing none."""
    with paramiko.SSHClient() as client:
        client.set_missing_host_key_policy(paramiko.AutoAddPolicy())  # our own server, our own machine
        log_in(client, settings.sftp_host, settings.sftp_port, user=user, password=password, seconds=seconds)
        yield client
