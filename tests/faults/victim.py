"""A process that kills itself with SIGKILL at a boundary of a step, so that nothing in it can clean up.

The tests start it through a fork server that has imported everything. By hand, on a stack of your own:

    python -m tests.faults.victim load "load.choose_doors before" --occurrence 2
"""

import argparse
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from unittest.mock import patch

from core.contract import find_contract
from core.settings import PROJECT, Settings
from ingestion.collect.collect import collect
from ingestion.load.load import load_feed
from quality import steps
from tests.faults.boundaries import MODEL_EVENTS, STEPS, watched
from tests.faults.deliveries import DOMAIN, LEVELS, REQUESTS
from transform.build import dbt_target

ALONE = ", dbt left alone"
"""Suffix of a boundary inside dbt: only the command that started dbt is killed, not dbt itself."""

RUN: Mapping[str, Callable[[Settings], object]] = {
    "collect": lambda settings: collect(settings, find_contract(LEVELS)),
    "load": lambda settings: load_feed(settings, find_contract(REQUESTS)),
    "build": lambda settings: steps.build_domain(settings, DOMAIN),
    "audit": lambda settings: steps.audit_domain(settings, DOMAIN),
    "publish": lambda settings: steps.publish_domain(settings, DOMAIN),
}
"""The steps, called as by a task or a command."""


def perform(step: str, settings: Settings) -> None:
    """Run a step with small batches, so that a few files already make several."""
    with patch("ingestion.load.load.BATCH_DELIVERIES", 2), patch("ingestion.collect.collect.LAND_TOGETHER", 2):
        RUN[step](settings)


def count_passes(step: str, settings: Settings) -> Counter[str]:
    """Run a step undisturbed; return how often it crossed each of its boundaries."""
    passes: Counter[str] = Counter()

    def passed(boundary: str) -> None:
        passes[boundary] += 1

    with watched(step, passed):
        perform(step, settings)
    if step == "build":
        results = json.loads((dbt_target(settings, DOMAIN) / "run_results.json").read_text(encoding="utf-8"))["results"]
        nodes = sum(not result["unique_id"].startswith("operation.") for result in results)  # a hook has no such event
        passes.update({f"{event}{alone}": nodes for event in MODEL_EVENTS for alone in ("", ALONE)})
    return passes


def die_at(step: str, settings: Settings, boundary: str, occurrence: int) -> None:
    """Run a step until it crosses a boundary for the nth time, and die there; inside dbt, dbt dies too, unless ALONE."""
    event = MODEL_EVENTS.get(boundary.removesuffix(ALONE))
    if event is not None:
        dbt = [sys.executable, "-m", "tests.faults.dbt_victim", event, str(occurrence)]
        dbt.append("alone" if boundary.endswith(ALONE) else "both")
        with patch("transform.build.dbt_process", lambda: dbt), patch("transform.warm.ask", lambda *_: None):
            perform(step, settings)
        return
    crossed = Counter[str]()

    def passed(name: str) -> None:
        crossed[name] += 1
        if name == boundary and crossed[name] == occurrence:
            os.kill(os.getpid(), signal.SIGKILL)

    with watched(step, passed):
        perform(step, settings)


def main() -> None:
    """Read the arguments, run the step, and die."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", choices=STEPS)
    parser.add_argument("boundary")
    parser.add_argument("--occurrence", type=int, default=1)
    chosen = parser.parse_args()
    os.chdir(PROJECT)
    die_at(chosen.step, Settings(), chosen.boundary, chosen.occurrence)
    parser.error(f"{chosen.step} ended without crossing {chosen.boundary} {chosen.occurrence} times")


if __name__ == "__main__":
    main()
