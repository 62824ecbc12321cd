"""Fixtures of the fault tests: a scene to inject faults into, and processes that can be killed."""

import multiprocessing
from collections.abc import Callable, Iterator
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess

import pytest

from core.settings import Settings
from tests.faults.scene import Scene, at_noon

Start = Callable[..., BaseProcess]


@pytest.fixture(scope="session")
def forks() -> ForkServerContext:
    """A context whose processes are forked from one that has imported everything and holds nothing open."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.faults.victim", "tests.faults.readers"])
    return context


@pytest.fixture
def start(forks: ForkServerContext) -> Iterator[Start]:
    """A function that starts a process; those still running when the test ends are killed."""
    started: list[BaseProcess] = []

    def begin(target: Callable[..., object], *arguments: object) -> BaseProcess:
        process = forks.Process(target=target, args=arguments)
        process.start()
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.join()
        process.close()


@pytest.fixture(scope="module")
def scene(stack_settings: Settings) -> Iterator[Scene]:
    """An empty lake at noon that can be restored, and is left empty."""
    scene = at_noon(stack_settings)
    yield scene
    scene.looker.close()
    scene.empty()


@pytest.fixture(scope="module")
def empty(scene: Scene) -> Scene:
    """The empty lake, saved so that a test can restore it."""
    scene.keep("empty")
    return scene
