"""A disk that fills up under a whole stack: the load fails with an error and keeps nothing partial; once space is freed, it completes.

After a write that failed for lack of space, the object store's index refuses all others until it is restarted, which `up` does.

The stack runs on a small file system in memory, which only root can mount.
"""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.errors import LakehouseError
from core.settings import Settings
from stack.control import DATA_SERVICES, down, up
from tests.faults.results import Results
from tests.faults.scene import Scene, at_noon
from tests.faults.undisturbed import loaded_again, undisturbed
from tests.faults.victim import perform

pytestmark = [pytest.mark.stack, pytest.mark.timeout(3600)]

DISK_BYTES = 700 * 1024 * 1024
BLOCK = b"\0" * 1024 * 1024
LEFT_BYTES = 1024
"""The free space grows by this much from seed to seed, so that the disk fills up in the middle of different writes."""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system; skipped if it cannot be mounted."""
    tmp_path.chmod(0o755)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(tmp_path)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("a file system of its own can only be mounted by root")
    yield tmp_path
    subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


@pytest.fixture
def cramped(small_disk: Path, new_settings: Callable[[], Settings]) -> Iterator[Scene]:
    """A scene with a stack of its own on the small disk."""
    settings = new_settings().model_copy(update={"home": small_disk / "home"})
    settings.__dict__.pop("home_folder", None)
    try:
        up(settings, DATA_SERVICES, least_free_bytes=0)
        scene = at_noon(settings)
        yield scene
        scene.looker.close()
    finally:
        down(settings)


def fill(folder: Path) -> Path:
    """Write a file until the disk is full; return it."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (len(BLOCK), 4096, 1):
            try:
                while file.write(BLOCK[:size]) == size:
                    pass
            except OSError:
                continue
    return filler


def test_a_full_disk_stops_a_load_and_harms_nothing(
    cramped: Scene, small_disk: Path, seeds: int, results: Results
) -> None:
    cramped.keep("empty")
    struck, wanted = 0, seeds or 1
    for seed in range(3 * wanted):
        expected = undisturbed(cramped, seed)
        filler = fill(small_disk)
        os.truncate(filler, filler.stat().st_size - seed * LEFT_BYTES)
        try:
            perform("load", cramped.settings)
        except LakehouseError:
            struck += 1
            filler.unlink()
            up(cramped.settings, DATA_SERVICES, least_free_bytes=0)
            loaded_again(cramped, expected, results, "disk full", seed)
        else:
            filler.unlink()  # a service freed space at that moment
        if struck == wanted:
            return
    pytest.fail(f"expected the disk to be full {wanted} times, got {struck}")
