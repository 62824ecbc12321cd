"""Build, audit and publish a domain with nothing new to compute: what every release costs. Aim: at most 6 s.

The builds alternate: a fork of the process that keeps dbt warm, and, as the baseline, a dbt that starts from nothing. Medians of five.
"""

import statistics
import subprocess
import sys
import time
from datetime import timedelta

from bench.figure import Figure, small_stack, timed
from bench.incremental_build import FIRST_DAY, midnight, write_span
from core.settings import Settings
from quality import steps
from transform import warm
from transform.build import warm_folder

DOMAIN = "environment"
ROUNDS = 5


def measure() -> Figure:
    """Measure both on one stack."""
    with small_stack() as (small, connection):
        write_span(connection, midnight(FIRST_DAY), 24)
        settings = small.model_copy(update={"now": midnight(FIRST_DAY + timedelta(days=1))})
        folder = warm_folder(settings)
        environment = settings.service_environment(settings.home_folder)
        with subprocess.Popen([sys.executable, "-m", "transform.warm_process", folder], env=environment) as process:
            while not warm.is_listening(folder):
                time.sleep(0.1)
            round_of_steps(settings)  # makes the tables, and imports what an audit needs
            kept, anew = [], []
            for _ in range(ROUNDS):
                kept.append(round_of_steps(settings))
                (folder / warm.SOCKET).rename(folder / "elsewhere")
                anew.append(round_of_steps(settings))
                (folder / "elsewhere").rename(folder / warm.SOCKET)
            process.terminate()
    build, audit, publication = (statistics.median(seconds) for seconds in zip(*kept, strict=True))
    baseline = statistics.median(seconds[0] for seconds in anew)
    whole = build + audit + publication
    return Figure(
        f"build, audit and publication of `{DOMAIN}` with nothing new (`bench.idle_build`)",
        f"{whole:.1f} s: {build:.1f}, {audit:.1f} and {publication:.1f}; the build {build / baseline:.2f} × of the baseline",
        "≤ 6 s",
        whole <= 6,
        f"the build with a dbt that starts from nothing {baseline:.1f} s",
    )


def round_of_steps(settings: Settings) -> tuple[float, float, float]:
    """Return the seconds of a build, its audit and its publication."""
    return (
        timed(lambda: steps.build_domain(settings, DOMAIN))[1],
        timed(lambda: steps.require_pass(settings, DOMAIN))[1],
        timed(lambda: steps.publish_domain(settings, DOMAIN))[1],
    )


if __name__ == "__main__":
    print(measure().row())
