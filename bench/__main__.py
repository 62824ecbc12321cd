"""Run every measurement, each in a process of its own, and print the table of docs/benchmarks.md."""

import subprocess
import sys

from bench.figure import machine

SCRIPTS = (
    "station_files",
    "receipt_lines",
    "feedback_records",
    "ais_messages",
    "claim_files",
    "incremental_build",
    "idle_build",
    "dossier_records",
    "column_drift",
    "many_releases",
)
ON_A_RUNNING_STACK = ("event_latency", "chart_answers")


def main() -> int:
    """Print a line per figure; `--stack` adds those that need a running stack. Exit status 1 if a script failed."""
    print(
        f"Machine: {machine()}.\n\n| figure | measured | aim | reached | baseline in the same run |\n|---|---|---|---|---|"
    )
    failed = 0
    for name in SCRIPTS + (ON_A_RUNNING_STACK if "--stack" in sys.argv else ()):
        failed |= subprocess.run([sys.executable, "-m", f"bench.{name}"], check=False).returncode
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
