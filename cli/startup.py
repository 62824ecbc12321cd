"""Start the services and create the tables: what `ioc up` and `ioc demo` share."""

from cli.output import say
from cli.progress import begin
from core.contract import read_contracts
from core.settings import Settings
from lake.connection import connected
from lake.lock import exclusive
from lake.tables import create_tables
from stack import control


def start(only: list[str] | None, *, as_json: bool = False) -> Settings:
    """Start services (all if `only` is None) and create missing tables; return the settings with their secrets.

    The services that hold data come first, then the tables, then the rest, because a DAG can run as soon as Airflow is up.
    """
    names = [service.name for service in control.all_services(Settings())]
    stage = begin("services", "brought up", names if only is None else only)

    def report(line: str) -> None:
        service = line.partition(":")[0]
        if service not in stage.done:
            say(line, as_json=as_json)
            stage.done.append(service)

    control.up(Settings(), _data_services(only), report)
    settings = Settings()
    if only is None or {"postgres", "seaweedfs"} <= set(only):
        prepare_tables(settings)
    control.up(settings, only, report)
    return settings


def _data_services(only: list[str] | None) -> list[str]:
    return sorted(control.DATA_SERVICES if only is None else control.DATA_SERVICES & set(only))


def prepare_tables(settings: Settings) -> None:
    """Create the missing tables that ingestion, audits and releases write."""
    with exclusive(settings, "tables"), connected(settings) as connection:
        create_tables(connection, read_contracts())
