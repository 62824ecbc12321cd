"""From a file in the SFTP folder to a released mart, through Airflow: the 95th percentile of ten events. Aim: at most 60 s.

Needs a running stack (`ioc up`). Each event begins when Airflow is idle and starts the feed's DAG as its schedule would; everything after
that follows by itself. The clock starts before the file is sent and stops when a reader sees the release that holds it.
"""

import statistics
import time
from datetime import UTC, datetime, timedelta

import duckdb

from bench.figure import Figure
from cli.airflow import Airflow
from core.contract import find_contract
from core.settings import Settings
from lake.connection import connected
from lake.releases import releases_in_force
from simulator.publish import STATION_READINGS, agency_connection

EVENTS = 10
PATIENCE_SECONDS = 300
POLL_SECONDS = 0.5
DAG = "ingest__environment__station_readings"


def measure() -> Figure:
    """Send ten files one after the other; wait for each to be released."""
    settings = Settings()
    with Airflow(settings) as airflow, connected(settings, as_reader=True) as reader:
        seconds = sorted(one_event(settings, airflow, reader, number) for number in range(EVENTS))
    p95 = statistics.quantiles(seconds, n=20, method="inclusive")[-1]
    return Figure(
        f"event to released mart through Airflow, {EVENTS} events, each when Airflow is quiet",
        f"median {statistics.median(seconds):.0f} s, p95 {p95:.0f} s, worst {seconds[-1]:.0f} s",
        "p95 ≤ 60 s",
        p95 <= 60,
        "polling every 0.5 s",
    )


def one_event(settings: Settings, airflow: Airflow, reader: duckdb.DuckDBPyConnection, number: int) -> float:
    """Send one reading and return the seconds until a reader sees it."""
    airflow.await_quiet(PATIENCE_SECONDS)
    before = newest_release(reader)
    moment = (settings.clock() + timedelta(hours=7)).replace(minute=0, second=0, microsecond=0) - timedelta(
        minutes=5 * number
    )
    stamp = datetime.now(UTC).strftime("%H%M%S")
    value = int(stamp) % 900 + number / 100
    name = f"46_NM01_{moment:%Y%m%d%H%M%S}.txt"
    began = time.monotonic()
    send(
        settings,
        name,
        f"pH\t7\t-\t{moment:%Y%m%d%H%M%S}\t00\r\nTSS\t{value % 100:.2f}\tmg/L\t{moment:%Y%m%d%H%M}{int(stamp) % 60:02d}\t00\r\n",
    )
    airflow.trigger(DAG)
    while newest_release(reader) == before:
        if time.monotonic() - began > PATIENCE_SECONDS:
            raise TimeoutError(
                f"event {number}: expected a release within {PATIENCE_SECONDS} s, got none; see `ioc status`"
            )
        time.sleep(POLL_SECONDS)
    return time.monotonic() - began


def newest_release(reader: duckdb.DuckDBPyConnection) -> int:
    """Return the release of the environment that readers see."""
    return releases_in_force(reader)["environment"].release_id


def send(settings: Settings, name: str, text: str) -> None:
    """Put one file as a data logger does: under a temporary name first."""
    with agency_connection(settings, find_contract(STATION_READINGS)) as client, client.open_sftp() as session:
        with session.open(f"environment/{name}.part", "w") as file:
            file.write(text)
        session.posix_rename(f"environment/{name}.part", f"environment/{name}")


if __name__ == "__main__":
    print(measure().row())
