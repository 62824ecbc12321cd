"""A day of the city, with the demonstration's faults and without any; each made once."""

from datetime import date

import pytest

from simulator.city import SimulatedDay, simulate
from simulator.faults import DEMO_FAULTS

DAY = date(2026, 11, 20)
SEED = 46


@pytest.fixture(scope="session")
def faulty_day(tmp_path_factory: pytest.TempPathFactory) -> SimulatedDay:
    """A day with every fault of the demonstration."""
    return simulate(DAY, SEED, DEMO_FAULTS, tmp_path_factory.mktemp("faulty"))


@pytest.fixture(scope="session")
def good_day(tmp_path_factory: pytest.TempPathFactory) -> SimulatedDay:
    """A day without faults."""
    return simulate(DAY, SEED, None, tmp_path_factory.mktemp("good"))
