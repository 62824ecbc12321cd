"""A clock that was wrong, ahead or behind, when a delivery was landed does not hide it from the next load."""

from collections import Counter
from datetime import datetime, timedelta

import pytest

from tests.faults.deliveries import NOON, REQUESTS, request_files
from tests.faults.results import Results
from tests.faults.scene import Facts, Scene
from tests.faults.victim import perform

pytestmark = pytest.mark.stack

HOUR, DAY, YEAR = timedelta(hours=1), timedelta(days=1), timedelta(days=365)


def at(scene: Scene, moment: datetime) -> Scene:
    """Return the scene at another time."""
    return Scene(scene.settings.model_copy(update={"now": moment}), scene.looker)


def met(scene: Scene) -> Facts:
    """Return the loaded deliveries with their records; whether records are accepted or quarantined may depend on the clock."""
    with scene.look() as connection:
        rows = connection.execute(
            "select source_name, sha256, pieces, received from lake.ledger.deliveries where status <> 'duplicate_delivery'"
        ).fetchall()
    return {"deliveries": Counter(map(repr, rows))}


CLOCKS = {
    "an hour back": (NOON, NOON - HOUR),
    "five days back": (NOON, NOON - 5 * DAY),
    "a year back": (NOON, NOON - YEAR),
    "a year ahead, then right": (NOON + YEAR, NOON),
    "a year ahead, a year back, then right": (NOON + YEAR, NOON - YEAR, NOON),
}


@pytest.mark.parametrize(
    "is_set_right",
    [False, pytest.param(True, marks=pytest.mark.long)],
    ids=["by the wrong clock", "set right before the load"],
)
@pytest.mark.parametrize("name", CLOCKS)
def test_a_clock_that_goes_backwards_hides_and_doubles_nothing(
    empty: Scene, name: str, is_set_right: bool, results: Results
) -> None:
    scene, clocks = empty, CLOCKS[name]
    files = [request_files(number, first=10 * number) for number in range(len(clocks))]
    scene.restore("empty")
    scene.clear_landing(REQUESTS)
    for one in files:
        scene.land(REQUESTS, one)
        perform("load", scene.settings)
    expected = met(scene)
    scene.restore("empty")
    scene.clear_landing(REQUESTS)
    for moment, one in zip(clocks, files, strict=True):
        at(scene, moment).land(REQUESTS, one)
        perform("load", (scene if is_set_right else at(scene, moment)).settings)
    perform("load", scene.settings)
    found = met(scene)
    clock = f"{name}, {'set right before the load' if is_set_right else 'loaded by the wrong clock'}"
    results.compare("clock", {"clock": clock}, expected, found, scene.unbalanced(REQUESTS))
