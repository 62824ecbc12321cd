"""Land and load a day of a hundred stations: 28,800 small files. Aim: 800 files/s for both together.

Baseline: the same bytes put and read back by the object store's client alone, sixteen at a time.
"""

import io
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import urllib3
from minio import Minio

from bench.figure import Figure, small_stack
from core.contract import find_contract
from core.reference import Reference
from core.settings import Settings
from ingestion.collect.landing import Landing
from ingestion.load.ledger import summary
from ingestion.load.load import Loader

FILES = 28_800
START = datetime(2026, 11, 1, tzinfo=UTC)
PARAMETERS = (
    "PM10\t62.4\tug/m3",
    "PM2,5\t38.1\tug/m3",
    "NO2\t24.0\tug/m3",
    "SO2\t11.2\tug/m3",
    "CO\t812\tug/m3",
    "O3\t55\tug/m3",
)
NOW = datetime(2026, 11, 20, tzinfo=UTC)


def measure() -> Figure:
    """Measure both; no progress is printed."""
    with small_stack() as (settings, connection):
        files = list(day_of_files())
        baseline = put_and_get(settings, files)
        contract, landing = find_contract("environment.station_readings"), Landing(settings)
        began = time.perf_counter()
        landing.land_many(contract, files, NOW)
        landed = time.perf_counter()
        rows = Loader(settings, connection, landing, Reference()).load_new(contract)
        ended = time.perf_counter()
        counts = summary(rows)
        assert counts["accepted"] == FILES * len(PARAMETERS), counts
        rate = FILES / (ended - began)
        return Figure(
            "land + load of 28,800 station files",
            f"{rate:,.0f} files/s (land {FILES / (landed - began):,.0f}, load {FILES / (ended - landed):,.0f})",
            "≥ 800 files/s",
            rate >= 800,
            f"put + get by the client alone {baseline:,.0f} files/s",
        )


def day_of_files() -> list[tuple[str, bytes]]:
    """Make the files; each has a time of its own, so that none repeats another."""
    stations = Reference().values_of("stations.station_id").sort().to_list()
    made = []
    for number in range(FILES):
        moment = START + timedelta(minutes=5 * (number // len(stations)), hours=7)
        lines = (f"{line}\t{moment:%Y%m%d%H%M%S}\t00\r\n" for line in PARAMETERS)
        made.append((f"{stations[number % len(stations)]}_{moment:%Y%m%d%H%M%S}.txt", "".join(lines).encode()))
    return made


def put_and_get(settings: Settings, files: list[tuple[str, bytes]]) -> float:
    """Return files/s of the client alone, putting and reading a tenth of the files."""
    sample = files[: FILES // 10]
    client = Minio(
        f"{settings.s3_host}:{settings.s3_port}",
        access_key=settings.s3_access_key,
        secret_key=settings.reveal("s3_secret_key"),
        secure=False,
        region=settings.s3_region,
        http_client=urllib3.PoolManager(maxsize=16),
    )

    def put(entry: tuple[str, bytes]) -> None:
        client.put_object("lake", f"baseline/{entry[0]}", io.BytesIO(entry[1]), len(entry[1]))

    def get(entry: tuple[str, bytes]) -> bytes:
        response = client.get_object("lake", f"baseline/{entry[0]}")
        try:
            return response.read()
        finally:
            response.release_conn()

    began = time.perf_counter()
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(put, sample))
        list(pool.map(get, sample))
    return len(sample) / (time.perf_counter() - began)


if __name__ == "__main__":
    print(measure().row())
