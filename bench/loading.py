"""A load in a process of its own, as `ioc run` does it, so that its peak memory includes nothing of what made the input."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from bench.figure import peak_gigabytes, timed
from core.contract import find_contract
from core.reference import Reference
from core.settings import Settings
from ingestion.collect.landing import Landing
from ingestion.load.load import Loader
from lake.connection import connected


@dataclass(frozen=True)
class Load:
    """One load of everything new: records accepted, seconds by the clock and of the processor, the most memory held (GB)."""

    accepted: int
    seconds: float
    processor_seconds: float
    peak_gigabytes: float


def load_alone(settings: Settings, feed: str) -> Load:
    """Load what is new of a feed, in a process that has done nothing else."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_load, settings, feed).result()


def _load(settings: Settings, feed: str) -> Load:
    with connected(settings) as connection:
        contract, loader = find_contract(feed), Loader(settings, connection, Landing(settings), Reference())
        rows, seconds, busy = timed(lambda: loader.load_new(contract))
        return Load(sum(row.accepted for row in rows), seconds, busy, peak_gigabytes())
