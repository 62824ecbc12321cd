"""A simulated day without faults: its marts equal what the simulator knows, as those of a faulty day do (test_city.py).

`make test-faults` runs it: every domain is built for it once more, while `make demo` and test_city.py compare a day with all of this
and more.
"""

from pathlib import Path

import pytest

from lake.connection import connected
from stack.control import DATA_SERVICES, down, up

from .city import bring_in
from .warehouse import Warehouse

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1800)]


@pytest.mark.long
def test_the_marts_of_a_day_without_faults_equal_the_truth(new_settings, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    settings = new_settings()
    try:
        up(settings, DATA_SERVICES)
        city = bring_in(settings, tmp_path / "day", "none")
        assert city.truth["faults"].height == 0
        with connected(city.settings) as connection:
            Warehouse(city.settings, connection).build(city.settings.clock())
            connection.execute("use lake")
            assert city.differences(connection) == {}
    finally:
        down(settings)
