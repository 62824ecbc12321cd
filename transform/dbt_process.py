"""The process in which dbt runs: its imports and its global state stay here. `transform/build.py` starts it, on a leash.

    python -m transform.dbt_process seed
    python -m transform.dbt_process build DOMAIN [--full-refresh]

dbt's results are in `run_results.json` of its target folder. A build also leaves `fingerprints.json` there, and reads
`built.json`, the digests of the models as they are in the lake: those that differ are built whole.
"""

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import yaml
from dbt.artifacts.schemas.run import RunExecutionResult
from dbt.cli.main import dbtRunner

from transform.build import DBT_FOLDERS, DBT_PROJECT, of_domain
from transform.fingerprints import changed, fingerprints

QUIETLY = ("--quiet", "--no-write-json")
"""Without its manifest as JSON, which nobody reads and which takes dbt a second to write, once for each command."""


def main() -> int:
    """Run what the command line names; return dbt's exit status."""
    command, *arguments = sys.argv[1:]
    target = Path(os.environ["DBT_TARGET_PATH"])  # noqa: TID251  dbt's own variable
    if command == "seed":
        return _invoke(dbtRunner(), ["seed", "--full-refresh"], target)
    domain, *options = arguments
    parsed = dbtRunner().invoke([*QUIETLY, "parse", *DBT_FOLDERS])
    if not parsed.success:
        return _invoke(dbtRunner(), ["parse"], target)  # says what is wrong
    now = fingerprints(parsed.result.to_dict(), project_variables(), seed_digests())
    built = json.loads((target / "built.json").read_text(encoding="utf-8"))
    os.environ["IOC_DBT_WHOLE"] = ",".join(changed(built, now))  # noqa: TID251  read by a macro
    (target / "fingerprints.json").write_text(json.dumps(now), encoding="utf-8")
    excluded = ["--exclude-resource-type", "unit_test", "--exclude-resource-type", "seed"]
    return _invoke(dbtRunner(manifest=parsed.result), ["build", *of_domain(domain), *excluded, *options], target)


def project_variables() -> dict[str, object]:
    """Return the variables of dbt_project.yml."""
    project = yaml.safe_load((DBT_PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))
    return dict(project["vars"])


def seed_digests() -> dict[str, str]:
    """Return the digest of each reference list's file, by the list's name."""
    files = sorted((DBT_PROJECT / "seeds").glob("*.csv"))
    return {path.stem: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _invoke(runner: Any, arguments: list[str], target: Path) -> int:
    finished = runner.invoke([*QUIETLY, *arguments, *DBT_FOLDERS])
    if isinstance(finished.result, RunExecutionResult):
        finished.result.write(str(target / "run_results.json"))
    return 0 if finished.success else 1


if __name__ == "__main__":
    sys.exit(main())
