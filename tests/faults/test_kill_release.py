"""kill -9 at every boundary from a build to its release; readers see a whole release at any time, and the same command ends the work.

Apart from the steps before, so that the long run does both at once.
"""

import pytest

from lake.connection import connected
from tests.faults.conftest import Start
from tests.faults.deliveries import DOMAIN, REQUESTS, request_files
from tests.faults.kills import RELEASING, Step, judge, kill_and_repeat, release_scores
from tests.faults.results import Results
from tests.faults.scene import Scene
from tests.faults.victim import perform
from tests.long_run import a_few

pytestmark = [pytest.mark.stack, pytest.mark.timeout(4 * 3600)]


@pytest.fixture(scope="module")
def built(empty: Scene) -> Scene:
    """The scene, with the states saved from which the steps after a load begin."""
    scene = empty
    release_scores(scene)
    scene.land(REQUESTS, request_files(0))
    perform("load", scene.settings)
    perform("build", scene.settings)
    scene.keep("built")
    judge(scene)
    scene.keep("judged")
    perform("publish", scene.settings)
    scene.keep("released")
    scene.land(REQUESTS, request_files(0, first=50))
    perform("load", scene.settings)
    perform("build", scene.settings)
    judge(scene)
    scene.keep("judged again")
    scene.restore("built")
    with connected(scene.settings) as connection:
        for schema in ("silver", DOMAIN):
            connection.execute(f"drop schema lake.{schema} cascade")
        connection.execute("delete from lake.operations.builds")
    scene.keep("seeded")
    return scene


@pytest.mark.parametrize("step", a_few(RELEASING, ("audit", "publish"), lambda step: step.name))
def test_kill_9_then_the_same_command_gives_the_same_marts(
    step: Step, built: Scene, start: Start, seeds: int, results: Results
) -> None:
    kill_and_repeat(step, built, start, seeds, results)
