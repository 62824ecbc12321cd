"""The connector that a contract names by its word `connector`."""

from collections.abc import Callable, Mapping

import httpx

from core.contract import Contract
from core.errors import UnknownNameError
from core.settings import Settings
from ingestion.collect.connectors.base import Connector
from ingestion.collect.connectors.folder import Folder
from ingestion.collect.connectors.http import Http
from ingestion.collect.connectors.sftp import Sftp

CONNECT_SECONDS, READ_SECONDS = 10.0, 30.0


def _sftp(settings: Settings) -> Connector:
    return Sftp(
        host=settings.sftp_host,
        port=settings.sftp_port,
        user=settings.sftp_user,
        password=settings.reveal("sftp_password"),
        known_hosts=settings.home_folder / "sftp" / "known_hosts",
    )


def _client() -> httpx.Client:
    return httpx.Client(
        timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
        limits=httpx.Limits(max_keepalive_connections=0),  # no connection stays open between collections
        follow_redirects=False,
    )


CONNECTORS: Mapping[str, Callable[[Settings], Connector]] = {
    "folder": lambda settings: Folder(settings.drop),
    "http": lambda settings: Http(_client(), settings.source_urls, settings.source_secrets),
    "sftp": _sftp,
}


def find_connector(contract: Contract, settings: Settings) -> Connector:
    """Build the connector of a contract; raise UnknownNameError, naming those that exist."""
    if contract.connector not in CONNECTORS:
        raise UnknownNameError(
            f"{contract.feed}: expected a connector of {', '.join(sorted(CONNECTORS))}, got {contract.connector}; correct the contract",
            connector=contract.connector,
        )
    return CONNECTORS[contract.connector](settings)
