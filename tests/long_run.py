"""Parameters of tests of which the smaller run tries a few, and the long run, `make test-faults`, all."""

from collections.abc import Callable, Collection, Iterable
from typing import Any, TypeVar

import pytest

T = TypeVar("T")


def a_few(values: Iterable[T], by_default: Collection[str], name: Callable[[T], str] = str) -> list[Any]:
    """Return all values as parameters by their names; those whose name is not among `by_default` are marked for the long run."""
    return [
        pytest.param(value, id=name(value), marks=() if name(value) in by_default else pytest.mark.long)
        for value in values
    ]
