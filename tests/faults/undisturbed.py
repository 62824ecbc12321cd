"""Compare a load disturbed by a fault with the same load undisturbed."""

from time import monotonic

from tests.faults.deliveries import REQUESTS, request_files
from tests.faults.results import Results, Row
from tests.faults.scene import Facts, Scene
from tests.faults.victim import perform


def undisturbed(scene: Scene, seed: int) -> Facts:
    """Land and load the files of a seed, and return the result; then restore the lake, with the files in landing."""
    scene.restore("empty")
    scene.clear_landing(REQUESTS)
    scene.land(REQUESTS, request_files(seed))
    perform("load", scene.settings)
    facts = scene.bronze(REQUESTS)
    scene.restore("empty")
    return facts


def loaded_again(scene: Scene, expected: Facts, results: Results, fault: str, seed: int) -> None:
    """Load again, compare with the undisturbed result, and store the measurements."""
    began = monotonic()
    perform("load", scene.settings)
    seconds = monotonic() - began
    found = scene.bronze(REQUESTS)
    unbalanced = scene.unbalanced(REQUESTS)
    row: Row = {"fault": fault, "seed": seed}
    results.compare("services", row, expected, found, unbalanced, seconds=round(seconds, 3))
