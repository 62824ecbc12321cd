"""Where a step can be interrupted, by the names of its functions: one line per function, so that a renamed one fails at once.

The boundaries depend on the kind of function: `before` and `after` a call; `entered`, `leaving` (its block is done, its exit is not) and
`left` of a context manager; `yielded` for each item of a generator. The functions are wrapped from outside, in the process to be
interrupted: production code is not aware of it.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from contextlib import _GeneratorContextManager as Managed
from functools import wraps
from importlib import import_module
from inspect import isgenerator
from typing import Any
from unittest.mock import patch

STEPS: Mapping[str, tuple[str, ...]] = {
    "collect": (
        "ingestion.collect.collect.exclusive",
        "ingestion.collect.landing.Landing.read_checkpoint",
        "ingestion.collect.connectors.folder.Folder.collect",
        "ingestion.collect.landing.Landing.land_many",
        "ingestion.collect.landing.Landing.land",
        "ingestion.collect.landing.Landing.write_checkpoint",
    ),
    "load": (
        "ingestion.load.load.connected",
        "ingestion.load.load.exclusive",
        "ingestion.collect.landing.Landing.read_attempts",
        "ingestion.collect.landing.Landing.write_attempts",
        "ingestion.collect.landing.Landing.remove_attempts",
        "ingestion.collect.landing.Landing.deliveries",
        "ingestion.collect.landing.Landing.read_many",
        "ingestion.load.holding_area.HoldingArea.__enter__",
        "ingestion.load.holding_area.HoldingArea.open",
        "ingestion.load.holding_area.HoldingArea.set_aside",
        "ingestion.load.load.check",
        "ingestion.load.load.protect",
        "ingestion.load.holding_area.HoldingArea.add",
        "ingestion.load.load.transaction",
        "ingestion.load.load.choose_doors",
        "ingestion.load.holding_area.HoldingArea.ledger_rows",
        "ingestion.load.load.write",
        "ingestion.load.bronze._insert",
        "ingestion.load.holding_area.HoldingArea.__exit__",
        "ingestion.receipts.receipt_store.ReceiptStore.issue_due",
    ),
    "build": (
        "quality.steps.connected",
        "transform.build.exclusive",
        "transform.build.load_reference_lists",
        "transform.build._known_fingerprints",
        "transform.build.newest_snapshot",
        "transform.build._write_down",
        "transform.build.share_what_was_parsed",
        "transform.build.run_dbt",
        "transform.build.results_of",
    ),
    "audit": (
        "quality.steps.connected",
        "transform.build.require_build",
        "quality.audit.audit",
        "quality.audit._released_rows",
        "quality.audit.run_checks",
        "quality.steps.writing",
        "quality.audit.judge",
        "quality.verdicts.record_verdict",
        "quality.verdicts.transaction",
    ),
    "publish": (
        "quality.steps.connected",
        "quality.verdicts.find_last_audited",
        "quality.release.find_verdict",
        "quality.release.require_build",
        "quality.release.exclusive",
        "quality.release.last_release",
        "quality.release._scores",
        "quality.release.publish_rows",
        "lake.publication.transaction",
        "lake.publication._write_differences",
        "lake.publication.insert_release",
        "lake.publication.find_release",
    ),
}

MODEL_EVENTS: Mapping[str, str] = {"a model begins": "NodeStart", "a model or test is done": "NodeFinished"}
"""Boundaries inside dbt, by dbt's own events; see `dbt_victim.py`."""

Passed = Callable[[str], None]


@contextmanager
def watched(step: str, passed: Passed) -> Iterator[None]:
    """Call `passed` with each boundary of a step that is crossed in the block, in any thread of this process."""
    with ExitStack() as patches:
        for path in STEPS[step]:
            owner, name = _find(path)
            patches.enter_context(patch.object(owner, name, _wrap(getattr(owner, name), path, passed)))
        yield


def _find(path: str) -> tuple[Any, str]:
    """Return the module or class that holds a function, and the function's name in it."""
    *parents, name = path.split(".")
    if parents[-1][0].isupper():
        return getattr(import_module(".".join(parents[:-1])), parents[-1]), name
    return import_module(".".join(parents)), name


def _wrap(function: Callable[..., Any], path: str, passed: Passed) -> Callable[..., Any]:
    label = ".".join(path.split(".")[-2:])

    @wraps(function)
    def watched_function(*arguments: Any, **options: Any) -> Any:
        passed(f"{label} before")
        result = function(*arguments, **options)
        if isinstance(result, Managed):
            return _managed(result, label, passed)
        if isgenerator(result):
            return _items(result, label, passed)
        passed(f"{label} after")
        return result

    return watched_function


@contextmanager
def _managed(manager: "Managed[Any]", label: str, passed: Passed) -> Iterator[Any]:
    with manager as value:
        passed(f"{label} entered")
        yield value
        passed(f"{label} leaving")
    passed(f"{label} left")


def _items(items: Iterator[Any], label: str, passed: Passed) -> Iterator[Any]:
    for item in items:
        yield item
        passed(f"{label} yielded")
    passed(f"{label} after")
