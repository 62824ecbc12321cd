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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from dbt.artifacts.schemas.run import RunExecutionResult
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest

from transform.build import DBT_FOLDERS, DBT_PROJECT, of_domain
from transform.fingerprints import changed, fingerprints

QUIETLY = ("--quiet", "--no-write-json")
"""Without its manifest as JSON, which nobody reads and which takes dbt a second to write, once for each command."""


@dataclass(frozen=True)
class Project:
    """The project as dbt parsed it, and the digest of each model."""

    manifest: Manifest
    fingerprints: dict[str, str]


def read_project() -> Project | None:
    """Parse the project; None if dbt cannot."""
    parsed = dbtRunner().invoke([*QUIETLY, "parse", *DBT_FOLDERS])
    if not parsed.success:
        return None
    return Project(parsed.result, fingerprints(parsed.result.to_dict(), project_variables(), seed_digests()))


def run(arguments: list[str], project: Project | None = None) -> int:
    """Run a command on the parsed project, or on one that is parsed for it; return dbt's exit status."""
    command, *options = arguments
    target = Path(os.environ["DBT_TARGET_PATH"])  # noqa: TID251  dbt's own variable
    if command == "seed":
        return _invoke(dbtRunner(project and project.manifest), ["seed", "--full-refresh"], target)
    domain, *options = options
    project = project or read_project()
    if project is None:
        return _invoke(dbtRunner(), ["parse"], target)  # says what is wrong
    built = json.loads((target / "built.json").read_text(encoding="utf-8"))
    os.environ["IOC_DBT_WHOLE"] = ",".join(changed(built, project.fingerprints))  # noqa: TID251  read by a macro
    (target / "fingerprints.json").write_text(json.dumps(project.fingerprints), encoding="utf-8")
    excluded = ["--exclude-resource-type", "unit_test", "--exclude-resource-type", "seed"]
    return _invoke(dbtRunner(project.manifest), ["build", *of_domain(domain), *excluded, *options], target)


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
    sys.exit(run(sys.argv[1:]))
