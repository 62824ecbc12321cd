"""Bring a simulated day to where the agencies would: the stations' files to their owner's SFTP folder, everything else into drop folders.

Everything is written under a name ending in `.part` and then renamed, as a careful sender does.
"""

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from queue import SimpleQueue

import paramiko

from core.agencies import agency_slug
from core.contract import Contract, find_contract, read_contracts
from core.errors import ServiceError
from core.settings import Settings
from simulator.city import FOLDERS, folder_of
from simulator.declared import declared_contracts
from stack.sftp.accounts import find_account, read_accounts
from stack.sftp.client import logged_in

SERVED = ("feedback", "public_services")
"""Served by the city's servers (simulator/server.py) on request, so nothing of them is published here."""
STATIONS = "environment"
STATION_READINGS = "environment.station_readings"
CHANNELS = 8
SECONDS = 15


def publish_to_folders(folder: Path, settings: Settings) -> int:
    """Drop the files of every feed that comes by folder into `drop/<feed>`; return how many files there are."""
    declared = [
        folder_of(contract) for contract in declared_contracts(read_contracts()) if contract.connector == "folder"
    ]
    names = [*(name for name in FOLDERS if name not in (STATIONS, *SERVED)), *declared]
    files = [path for name in names for path in sorted((folder / name).iterdir())]
    for path in files:
        target = settings.drop / path.parent.name / path.name
        if target.exists() and target.stat().st_size == path.stat().st_size:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished = target.with_name(f"{target.name}.part")
        shutil.copyfile(path, unfinished)
        unfinished.replace(target)
    return len(files)


def publish_to_sftp(folder: Path, settings: Settings, report: Callable[[int, int], None] = lambda _, __: None) -> int:
    """Send the stations' files to their owner's SFTP folder `environment`; return how many files of the day are there afterwards.

    A file that is there already, with the same size, is not sent again: a day's files have a time in their name and never change.
    `report` is called with the number of files sent and of files to send.

    Raises ServiceError if the server is not there or the connection breaks.
    """
    files = sorted((folder / STATIONS).iterdir())
    try:
        with ExitStack() as stack:
            client = stack.enter_context(agency_connection(settings, find_contract(STATION_READINGS)))
            free: SimpleQueue[paramiko.SFTPClient] = SimpleQueue()
            for _ in range(CHANNELS):
                free.put(stack.enter_context(client.open_sftp()))
            session = free.get()
            there = {entry.filename: entry.st_size for entry in session.listdir_attr(STATIONS)}
            free.put(session)
            due = [path for path in files if there.get(path.name) != path.stat().st_size]

            def send(path: Path) -> None:
                channel = free.get()
                try:
                    _send(channel, path)
                finally:
                    free.put(channel)

            pool = stack.enter_context(ThreadPoolExecutor(CHANNELS))
            for done, _ in enumerate(pool.map(send, due), 1):
                report(done, len(due))
    except (paramiko.SSHException, EOFError, OSError) as error:
        raise ServiceError(
            f"sftp: expected {settings.sftp_host}:{settings.sftp_port} to take {len(files)} files, got {type(error).__name__}; "
            "see `ioc status`"
        ) from error
    return len(files)


@contextmanager
def agency_connection(settings: Settings, contract: Contract) -> Iterator[paramiko.SSHClient]:
    """Log in to the SFTP server as the owner of a feed; raise UnknownNameError if the owner has no account."""
    account = find_account(read_accounts(settings.home_folder), agency_slug(contract.owner))
    with logged_in(settings, account.name, account.password, SECONDS) as client:
        yield client


def _send(session: paramiko.SFTPClient, path: Path) -> None:
    target = f"{STATIONS}/{path.name}"
    with session.open(f"{target}.part", "wb") as file:
        file.set_pipelined(True)
        file.write(path.read_bytes())
    session.posix_rename(f"{target}.part", target)
