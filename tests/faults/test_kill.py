"""kill -9 at every boundary of collecting and loading; the same command again gives the tables of an undisturbed run."""

import pytest

from tests.faults.boundaries import STEPS
from tests.faults.conftest import Start
from tests.faults.kills import LOADING, RELEASING, Step, kill_and_repeat
from tests.faults.results import Results
from tests.faults.scene import Scene

pytestmark = [pytest.mark.stack, pytest.mark.timeout(4 * 3600)]


def test_the_table_of_boundaries_names_every_step() -> None:
    assert {step.name for step in (*LOADING, *RELEASING)} == set(STEPS)
    assert sum(map(len, STEPS.values())) >= 35


@pytest.mark.parametrize("step", LOADING, ids=lambda step: step.name)
def test_kill_9_then_the_same_command_gives_the_same_tables(
    step: Step, empty: Scene, start: Start, seeds: int, results: Results
) -> None:
    kill_and_repeat(step, empty, start, seeds, results)
