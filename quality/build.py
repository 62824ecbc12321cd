"""Build the marts of a domain with dbt, and tell which snapshot holds them.

dbt runs as a process of its own (its imports and its global state stay there), which ends when ours does. It writes into the `marts`
catalog model by model; nobody reads those snapshots until one of them is released. Builds take turns, since domains share reference
lists. The lists are loaded only when one of them changed, and unit tests run in CI, not in every build. Credentials reach dbt through
variables that dbt keeps out of its logs.
"""

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import duckdb

from ingestion.errors import AuditError
from ingestion.settings import PROJECT, Settings
from lake.connection import install_extensions
from lake.lock import exclusive
from lake.releases import latest_snapshot
from quality import leash

DBT_PROJECT = PROJECT / "dbt_project"
DBT_FOLDERS = ("--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT))
GOOD = ("success", "pass", "skipped", "no-op")


@dataclass(frozen=True)
class Build:
    """What one build did: models and seeds built, tests passed, and the snapshot of the marts that holds the result."""

    domain: str
    snapshot_id: int
    built: int
    tested: int
    seconds: float


def build(
    connection: duckdb.DuckDBPyConnection, settings: Settings, domain: str, *, full_refresh: bool = False
) -> Build:
    """Build and test a domain's models (selected by their tag) and write the build down; raises AuditError naming what failed."""
    with exclusive(settings, "build"):
        _load_reference_lists(connection, settings)
        lake_version = latest_snapshot(connection, "lake")
        arguments = ["build", "--select", f"tag:{domain}", "--indirect-selection", "buildable"]
        arguments += ["--exclude-resource-type", "unit_test", "--exclude-resource-type", "seed"]
        finished = _run_dbt(settings, [*arguments, *(["--full-refresh"] if full_refresh else [])])
        results = _results(settings, finished, domain)
        failed = [result for result in results if result["status"] not in GOOD]
        if failed or finished.returncode:
            named = "; ".join(f"{result['unique_id']}: {_first_line(result['message'])}" for result in failed[:5])
            raise AuditError(
                f"{domain}: every model and test of the build was promised to pass, {len(failed)} did not: {named}",
                failed=tuple(str(result["unique_id"]) for result in failed),
            )
        tests = [result for result in results if str(result["unique_id"]).startswith(("test.", "unit_test."))]
        built = Build(
            domain=domain,
            snapshot_id=latest_snapshot(connection),
            built=len(results) - len(tests),
            tested=len(tests),
            seconds=sum(float(str(result["execution_time"])) for result in results),
        )
        connection.execute(
            "insert into marts.operations.builds values (?, ?, ?, ?, ?, ?, ?)",
            [
                domain,
                built.snapshot_id,
                built.built,
                built.tested,
                settings.clock(),
                lake_version,
                latest_snapshot(connection, "lake"),
            ],
        )
        return built


def find_last_build(connection: duckdb.DuckDBPyConnection, domain: str) -> int:
    """Give the snapshot of a domain's last complete build; raises AuditError where there is none."""
    row = connection.execute(
        "select max(snapshot_id) from marts.operations.builds where domain = ?", [domain]
    ).fetchone()
    if row is None or row[0] is None:
        raise AuditError(
            f"{domain}: a build whose models and tests all passed was promised, there is none; run `ioc build {domain}`"
        )
    return int(row[0])


def is_built(connection: duckdb.DuckDBPyConnection, domain: str, snapshot_id: int) -> bool:
    """Tell whether a snapshot is the result of a complete build of the domain."""
    row = connection.execute(
        "select count(*) from marts.operations.builds where domain = ? and snapshot_id = ?", [domain, snapshot_id]
    ).fetchone()
    return bool(row and row[0])


def _load_reference_lists(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Load the seeds with dbt, where a file of them is not as it was when they were loaded last."""
    digest = hashlib.sha256()
    for path in sorted((DBT_PROJECT / "seeds").iterdir()):
        digest.update(path.name.encode() + path.read_bytes())
    connection.execute("create schema if not exists lake.reference")
    connection.execute("create table if not exists lake.reference.loaded_seeds (digest varchar)")
    if connection.execute("select digest from lake.reference.loaded_seeds").fetchall() == [(digest.hexdigest(),)]:
        return
    finished = _run_dbt(settings, ["seed", "--full-refresh"])
    results = _results(settings, finished, "reference lists")
    failed = [result for result in results if result["status"] not in GOOD]
    if failed or finished.returncode:
        raise AuditError(
            f"reference lists: {len(results)} seeds were promised to load, {len(failed)} did not: {failed[0]}"
        )
    connection.execute("delete from lake.reference.loaded_seeds")
    connection.execute("insert into lake.reference.loaded_seeds values (?)", [digest.hexdigest()])


def dbt_target(settings: Settings) -> Path:
    """Tell where dbt keeps what it parsed and tells what it did: builds take turns, and the next one parses only what changed."""
    return settings.home_folder / "dbt"


def dbt_program() -> list[str]:
    """Give the command that is dbt: the one of this environment."""
    return [str(Path(sys.executable).parent / "dbt")]


def dbt_environment(settings: Settings) -> dict[str, str]:
    """Give the environment that dbt finds its catalogs, its clock and its folders by."""
    return settings.child_environment(
        IOC_DBT_EXTENSION_DIRECTORY=str(_extensions(settings)),
        DBT_ENV_SECRET_IOC_POSTGRES_PASSWORD=settings.reveal("postgres_password"),
        DBT_ENV_SECRET_IOC_S3_SECRET_KEY=settings.reveal("s3_secret_key"),
        IOC_DBT_NOW=settings.clock().isoformat(),
        DBT_TARGET_PATH=str(dbt_target(settings)),
        DBT_LOG_PATH=str(settings.home_folder / "logs" / "dbt"),
        DO_NOT_TRACK="1",
    )


def _run_dbt(settings: Settings, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    install_extensions(_extensions(settings))
    command = [sys.executable, leash.__file__, str(os.getpid()), *dbt_program(), "--quiet", *arguments, *DBT_FOLDERS]
    (dbt_target(settings) / "run_results.json").unlink(missing_ok=True)
    return subprocess.run(command, env=dbt_environment(settings), capture_output=True, text=True, check=False)  # noqa: S603


def _extensions(settings: Settings) -> Path:
    return settings.home_folder / "duckdb_extensions"


def _results(
    settings: Settings, finished: subprocess.CompletedProcess[str], domain: str
) -> list[dict[str, str | float | None]]:
    path = dbt_target(settings) / "run_results.json"
    if not path.exists():
        lines = (finished.stdout + finished.stderr).strip().splitlines()
        raise AuditError(
            f"{domain}: dbt was promised to run, it stopped before its first model: {' '.join(lines[-6:])}"
        )
    results: list[dict[str, str | float | None]] = json.loads(path.read_text(encoding="utf-8"))["results"]
    if not results:
        raise AuditError(f"{domain}: models with tag {domain} were promised, dbt found none")
    return results


def _first_line(message: object) -> str:
    return str(message or "no message").strip().splitlines()[0]
