"""Verbs for the services: up, down, status, demo, simulate."""

from pathlib import Path
from typing import Annotated

import typer

from cli.output import AsJson, Row, ends_well, say, show, show_document
from cli.progress import begin, one
from cli.startup import start
from core.settings import Settings
from lake.connection import connected
from lake.inventory import SMALL_BYTES, list_catalogs, list_tables
from stack import control
from stack.processes import recorded_services

Only = Annotated[list[str] | None, typer.Option("--only", help="Only these services, and those they depend on.")]


@ends_well
def up(only: Only = None, as_json: AsJson = False) -> None:
    """Start the services, wait until each is healthy, create missing tables. Safe to repeat."""
    settings = start(only, as_json=as_json)
    if not as_json:
        say(f"Airflow   http://{settings.airflow_host}:{settings.airflow_port}   user {settings.airflow_user}")
        say(f"Superset  {settings.superset_address}   user {settings.superset_admin_user}")
        say(f"Passwords are in {settings.home_folder / 'secrets.env'}")


@ends_well
def down(as_json: AsJson = False) -> None:
    """Stop exactly what `ioc up` started."""
    settings = Settings()
    stage = begin("services", "stopped", recorded_services(settings.home_folder))

    def report(line: str) -> None:
        say(line, as_json=as_json)
        stage.done.append(line.partition(":")[0])

    control.down(settings, report)


@ends_well
def status(
    lake: Annotated[bool, typer.Option("--lake", help="Show what the catalogs hold instead.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the state of each service (exit status 1 if one is not healthy), or what the catalogs hold."""
    if lake:
        _show_lake(as_json=as_json)
        return
    found = control.status(Settings())
    rows: list[Row] = [
        {
            "service": one.name,
            "state": one.state,
            "pid": one.pid,
            "address": one.address,
            "log": str(one.log) if one.log else None,
            "detail": one.detail,
        }
        for one in found
    ]
    show(rows, "Services", as_json=as_json)
    if any(one.state != "healthy" for one in found):
        raise typer.Exit(1)


def _show_lake(*, as_json: bool) -> None:
    settings = Settings()
    with connected(settings) as connection:
        catalogs: list[Row] = [vars(state) for state in list_catalogs(connection, settings)]
        tables: list[Row] = [vars(state) for state in list_tables(connection)]
    if as_json:
        show_document({"catalogs": catalogs, "tables": tables})
    else:
        show(catalogs, "Snapshots", as_json=False)
        show(tables, f"Tables (small: below {SMALL_BYTES:,} bytes)", as_json=False)


@ends_well
def demo(
    day: Annotated[str, typer.Option(help="The day to simulate, YYYY-MM-DD.")] = "2026-11-20",
    seed: Annotated[int, typer.Option(help="Same seed, same bytes.")] = 46,
    faults: Annotated[str, typer.Option(help="demo, none, or kinds of faults separated by commas.")] = "demo",
) -> None:
    """Simulate a day of a city, let Airflow load and publish it, and compare every mart with the simulator's truth."""
    from cli.demo import run_demo  # noqa: PLC0415  the simulator is needed here only

    run_demo(day=day, seed=seed, faults=faults)


@ends_well
def simulate(
    into: Annotated[Path, typer.Option(help="Folder to write to; a simulated day in it is replaced.")],
    day: Annotated[str, typer.Option(help="The day to simulate, YYYY-MM-DD.")] = "2026-11-20",
    seed: Annotated[int, typer.Option(help="Same seed, same bytes.")] = 46,
    faults: Annotated[str, typer.Option(help="demo, none, or kinds of faults separated by commas.")] = "none",
    as_json: AsJson = False,
) -> None:
    """Write a day of the simulated city to a folder: the bytes of every feed, and the truth."""
    from cli.demo import day_of  # noqa: PLC0415  the simulator is needed here only
    from simulator.city import simulate as write_day  # noqa: PLC0415
    from simulator.faults import fault_profile  # noqa: PLC0415

    with one(str(into), "folders", "written"):
        written = write_day(day_of(day), seed, fault_profile(faults), into)
    rows: list[Row] = [{"feed": name, "files": count} for name, count in written.files.items()]
    show(rows, f"{day} with seed {seed}", as_json=as_json)


VERBS = {"simulate": simulate, "up": up, "down": down, "status": status, "demo": demo}
