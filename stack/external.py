"""The steps of `ioc up` around services that are started elsewhere; docker-compose runs both.

`python -m stack.external files` writes the files that SeaweedFS and Airflow read when they start, below IOC_HOME:
identities, certificate, users. `python -m stack.external settle` waits for PostgreSQL and the object store, then creates the
databases, the roles and the buckets.
"""

import sys
import threading

from core.errors import ConfigurationError
from core.settings import Settings
from stack.airflow import AirflowInstallation
from stack.lifecycle import Report, await_external
from stack.object_store import ObjectStore
from stack.postgres import Postgres


def write_files(settings: Settings) -> None:
    """Write the files that the services read when they start. Safe to repeat."""
    ObjectStore(settings).prepare()
    AirflowInstallation(settings).write_users()


def settle(settings: Settings, report: Report) -> None:
    """Wait for PostgreSQL and the object store, and create what the other services need on them. Safe to repeat."""
    for service in (Postgres(settings), ObjectStore(settings)):
        await_external(service, report, threading.Event())
        service.settle()
        report(f"{service.name}: settled")


def run(arguments: list[str]) -> None:
    """Run the step named on the command line."""
    match arguments:
        case ["files"]:
            write_files(Settings())
        case ["settle"]:
            settle(Settings(), print)
        case _:
            raise ConfigurationError(f"stack.external: expected `files` or `settle`, got {arguments}; name one of them")


if __name__ == "__main__":
    run(sys.argv[1:])
