"""Build the candidate marts of a domain with dbt, from one instant of the lake.

A build takes the lake's newest snapshot and reads everything as of it, in models and in tests, so that loads may commit all the while.
It writes into the lake itself (`silver`, and the domain's own schema), where nobody reads before an audit. Builds of different domains
run side by side; two of one domain take turns. dbt runs in a process of its own, which ends when ours does. Reference lists are
loaded only when one of them changed, before the snapshot is taken; unit tests run in CI, not in every build. Credentials reach
dbt through variables that dbt keeps out of its logs.
"""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import takewhile
from pathlib import Path
from typing import Literal

import duckdb

from core.errors import AuditError
from core.settings import PROJECT, Settings
from lake.connection import install_extensions
from lake.lock import exclusive
from lake.snapshots import newest_snapshot
from transform import leash, warm

DBT_PROJECT = PROJECT / "dbt_project"
DBT_FOLDERS = ("--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT))
GOOD = ("success", "pass", "skipped", "no-op")
CODE = ("dbt_project.yml", "models/**/*.*", "macros/**/*.sql", "seeds/*.*", "tests/**/*.sql")
"""Files of the dbt project that determine what a build produces."""

PARSED = "partial_parse.msgpack"
"""The file in which dbt keeps what it parsed."""

PARSED_OF = "parsed_of"
"""The file beside it with the digest of the code that was parsed."""

ATTEMPTS_READ = 50
"""How many of a domain's last builds are searched for one that passed; beyond them everything is built whole."""

WITHDRAWN = "withdrawn deliveries"
"""A key among the fingerprints of a build: how many deliveries had been withdrawn when it read the lake."""

Result = dict[str, str | float | None]


@dataclass(frozen=True)
class Build:
    """A build that passed: it read the lake as of `snapshot_id` and wrote its candidates in `written`; models built, tests passed."""

    domain: str
    snapshot_id: int
    written: int
    code: str
    built: int
    tested: int
    seconds: float = 0.0


def of_domain(*domains: str) -> list[str]:
    """Return the options that select domains in dbt: models of their folders, seeds and sources with their tags, and their tests."""
    models = (f"fqn:ioc_lakehouse.*.{domain}.*,resource_type:model" for domain in domains)
    return ["--select", *models, *(f"tag:{domain}" for domain in domains), "--indirect-selection", "buildable"]


def build(
    connection: duckdb.DuckDBPyConnection, settings: Settings, domain: str, *, full_refresh: bool = False
) -> Build:
    """Build and test a domain's models and record the build; raise AuditError naming what failed."""
    with exclusive(settings, f"build {domain}"):
        load_reference_lists(connection, settings)
        withdrawn = _withdrawn(connection)  # before the snapshot is taken: a later one is seen by the next build
        known = _known_fingerprints(connection, domain, withdrawn)
        snapshot = newest_snapshot(connection)
        _write_down(connection, settings, domain, snapshot, "begun")
        target = dbt_target(settings, domain)
        share_what_was_parsed(dbt_target(settings), target)
        (target / "built.json").write_text(json.dumps(known), encoding="utf-8")
        arguments = ["build", domain, *(["--full-refresh"] if full_refresh else [])]
        finished = run_dbt(settings, target, arguments, IOC_DBT_SNAPSHOT=str(snapshot))
        if finished.returncode == -signal.SIGABRT:
            # DuckDB was once seen to abort itself; a build can be repeated.
            finished = run_dbt(settings, target, arguments, IOC_DBT_SNAPSHOT=str(snapshot))
        results = results_of(target, finished, domain)
        failed = failed_of(results)
        if failed or finished.returncode:
            reason = f"expected every model and test of the build to pass, got {len(failed)} that did not: {first_of(failed)}"
            if failed and all(result["status"] in ("fail", "skipped") for result in failed):
                _write_down(connection, settings, domain, snapshot, "failed", reason=reason)
            raise AuditError(f"{domain}: {reason}", failed=tuple(str(result["unique_id"]) for result in failed))
        models, tests, seconds = counts_of(results)
        built = Build(
            domain=domain,
            snapshot_id=snapshot,
            written=newest_snapshot(connection),
            code=code_digest(),
            built=models,
            tested=tests,
            seconds=seconds,
        )
        prints = json.dumps(
            json.loads((target / "fingerprints.json").read_text(encoding="utf-8")) | {WITHDRAWN: withdrawn}
        )
        _write_down(connection, settings, domain, snapshot, "passed", built=built, fingerprints=prints)
        return built


def find_build(connection: duckdb.DuckDBPyConnection, domain: str, snapshot_id: int | None = None) -> Build | None:
    """Return the last build of a domain that passed, or the one that read a snapshot; None if there is none."""
    row = connection.execute(
        """
        select domain, snapshot_read, snapshot_written, code, models, tests
        from lake.operations.builds
        where domain = ? and outcome = 'passed' and snapshot_read = coalesce(?, snapshot_read)
        order by snapshot_read desc
        limit 1
        """,
        [domain, snapshot_id],
    ).fetchone()
    return Build(*row) if row else None


def require_build(connection: duckdb.DuckDBPyConnection, domain: str, snapshot_id: int | None = None) -> Build:
    """Return what `find_build` does; raise AuditError if there is none."""
    found = find_build(connection, domain, snapshot_id)
    if found is None:
        of = "" if snapshot_id is None else f" of snapshot {snapshot_id}"
        raise AuditError(
            f"{domain}: expected a build{of} whose models and tests all passed, got none; run `ioc build {domain}`"
        )
    return found


def last_failure(connection: duckdb.DuckDBPyConnection, domain: str) -> tuple[int, str, str] | None:
    """Return the snapshot, the code and the reason of a domain's last build if its data tests failed; None if it passed."""
    row = connection.execute(
        """
        select snapshot_read, code, reason, outcome
        from lake.operations.builds
        where domain = ? and outcome in ('passed', 'failed')
        order by snapshot_read desc
        limit 1
        """,
        [domain],
    ).fetchone()
    return (int(row[0]), str(row[1]), str(row[2])) if row and row[3] == "failed" else None


@cache
def code_digest() -> str:
    """Return the digest of everything in the dbt project that determines what a build produces, as it was when first asked."""
    return digest_of_code()


def digest_of_code() -> str:
    """Return the digest of everything in the dbt project that determines what a build produces."""
    digest = hashlib.sha256()
    for path in sorted(path for pattern in CODE for path in DBT_PROJECT.glob(pattern) if path.is_file()):
        digest.update(str(path.relative_to(DBT_PROJECT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def load_reference_lists(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Load the seeds with dbt, if one of their files has changed since they were last loaded."""
    digest = hashlib.sha256()
    for path in sorted((DBT_PROJECT / "seeds").iterdir()):
        digest.update(path.name.encode() + path.read_bytes())
    with exclusive(settings, "reference lists"):
        connection.execute("create table if not exists lake.reference.loaded_seeds (digest varchar)")
        if connection.execute("select digest from lake.reference.loaded_seeds").fetchall() == [(digest.hexdigest(),)]:
            return
        target = dbt_target(settings)
        finished = run_dbt(settings, target, ["seed"])
        results = results_of(target, finished, "reference lists")
        failed = failed_of(results)
        if failed or finished.returncode:
            raise AuditError(
                f"reference lists: expected {len(results)} seeds to load, got {len(failed)} that did not: {failed[:1]}"
            )
        connection.execute("delete from lake.reference.loaded_seeds")
        connection.execute("insert into lake.reference.loaded_seeds values (?)", [digest.hexdigest()])


def dbt_target(settings: Settings, domain: str = "reference") -> Path:
    """Return the folder where dbt keeps what it parsed and reports what it did: one per domain, as builds run side by side."""
    return settings.home_folder / "dbt" / domain


def dbt_process() -> list[str]:
    """Return the command for the process in which a build runs dbt."""
    return [sys.executable, "-m", "transform.dbt_process"]


def dbt_environment(settings: Settings, target: Path) -> dict[str, str]:
    """Return the environment in which dbt finds its catalog, its clock and its folders; its only secrets are those of the lake.

    The folder of the extensions is told from dbt's own home: it is part of the connection, and dbt parses everything again if that changes.
    """
    return settings.service_environment(
        target,
        IOC_DBT_EXTENSION_DIRECTORY=f"~/{os.path.relpath(_extensions(settings), target)}",
        DBT_ENV_SECRET_IOC_POSTGRES_PASSWORD=settings.reveal("postgres_password"),
        DBT_ENV_SECRET_IOC_S3_SECRET_KEY=settings.reveal("s3_secret_key"),
        IOC_DBT_NOW=settings.clock().isoformat(),
        DBT_TARGET_PATH=str(target),
        DBT_LOG_PATH=str(settings.home_folder / "logs" / "dbt" / target.name),
        DO_NOT_TRACK="1",
    )


def _withdrawn(connection: duckdb.DuckDBPyConnection) -> str:
    """Return how many deliveries have been withdrawn so far."""
    row = connection.execute("select count(*) from lake.ledger.withdrawals").fetchone()
    return str(row[0] if row else 0)


def _known_fingerprints(connection: duckdb.DuckDBPyConnection, domain: str, withdrawn: str) -> dict[str, str] | None:
    """Return the digests of the models as they are in the lake; None if a build of other code has begun since.

    Also None if a delivery was withdrawn since: its rows are gone from the inputs, which no incremental model notices.
    """
    rows = connection.execute(
        "select outcome, code, fingerprints from lake.operations.builds where domain = ? order by rowid desc limit ?",
        [domain, ATTEMPTS_READ],
    ).fetchall()
    since = list(takewhile(lambda row: row[0] != "passed", rows))
    if len(since) == len(rows) or any(row[1] != rows[len(since)][1] for row in since):
        return None
    known: dict[str, str] = json.loads(rows[len(since)][2])
    return known if known.pop(WITHDRAWN, "0") == withdrawn else None


def _write_down(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    domain: str,
    snapshot: int,
    outcome: Literal["begun", "failed", "passed"],
    *,
    reason: str = "",
    built: Build | None = None,
    fingerprints: str = "{}",
) -> None:
    connection.execute(
        "insert into lake.operations.builds values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            domain,
            snapshot,
            built.written if built else None,
            outcome,
            reason,
            built.built if built else None,
            built.tested if built else None,
            code_digest(),
            fingerprints,
            settings.clock(),
        ],
    )


def share_what_was_parsed(source: Path, target: Path) -> None:
    """Start the first build in a target folder with what dbt parsed in another, unless that is being written."""
    target.mkdir(parents=True, exist_ok=True)
    if not (target / PARSED).exists():
        with suppress(FileNotFoundError):
            for name in (PARSED_OF, PARSED):  # in the order in which they come to be
                shutil.copyfile(source / name, target / name)


def forget_what_other_code_parsed(target: Path) -> None:
    """Remove what dbt parsed of other code, so that it reads all files again.

    What dbt keeps is good for the same files only: after a new feed it has not found a source that one file had gained, and after a
    feed was gone it has missed the model of a description that was gone too.
    """
    parsed_of = target / PARSED_OF
    if not parsed_of.exists() or parsed_of.read_text(encoding="utf-8") != code_digest():
        (target / PARSED).unlink(missing_ok=True)
        parsed_of.write_text(code_digest(), encoding="utf-8")


def run_dbt(
    settings: Settings, target: Path, arguments: list[str], **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run dbt in a process that ends when this one does; `variables` are added to its environment.

    It is a fork of the warm process of this home if there is one and the connection is the usual one, and else starts from nothing.
    """
    install_extensions(_extensions(settings))
    target.mkdir(parents=True, exist_ok=True)
    forget_what_other_code_parsed(target)
    (target / "run_results.json").unlink(missing_ok=True)
    environment = {**dbt_environment(settings, target), **variables}
    if "DBT_TARGET" not in variables and (
        finished := warm.ask(warm_folder(settings), DBT_PROJECT, arguments, environment)
    ):
        return finished
    command = [sys.executable, leash.__file__, str(os.getpid()), *dbt_process(), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603


def warm_folder(settings: Settings) -> Path:
    """Return the folder in which the warm process listens."""
    return settings.home_folder / "dbt"


def _extensions(settings: Settings) -> Path:
    return settings.home_folder / "duckdb_extensions"


def results_of(target: Path, finished: subprocess.CompletedProcess[str], domain: str) -> list[Result]:
    """Return what dbt reported of each model and test, without hooks that did well; raise AuditError if it reported nothing."""
    path = target / "run_results.json"
    if not path.exists():
        lines = (finished.stdout + finished.stderr).strip().splitlines()
        raise AuditError(f"{domain}: expected dbt to run, got its end before the first model: {' '.join(lines[-6:])}")
    reported: list[Result] = json.loads(path.read_text(encoding="utf-8"))["results"]
    results = [result for result in reported if result["status"] not in GOOD or not _is_hook(result)]
    if not results:
        raise AuditError(f"{domain}: expected models in the folder {domain} of a layer, got none from dbt; add them")
    return results


def _is_hook(result: Result) -> bool:
    """Whether a result is of a hook, which runs before the models, rather than of a model or a test."""
    return str(result["unique_id"]).startswith("operation.")


def failed_of(results: list[Result]) -> list[Result]:
    """Return the results of what did not pass."""
    return [result for result in results if result["status"] not in GOOD]


def first_of(failed: list[Result]) -> str:
    """Return the names of the first that failed, with the first line of what dbt said of each."""
    return "; ".join(f"{result['unique_id']}: {_first_line(result['message'])}" for result in failed[:5])


def counts_of(results: list[Result]) -> tuple[int, int, float]:
    """Return how many models and how many tests there were, and how many seconds both took."""
    tests = sum(str(result["unique_id"]).startswith("test.") for result in results)
    return len(results) - tests, tests, sum(float(str(result["execution_time"])) for result in results)


def _first_line(message: object) -> str:
    return str(message or "no message").strip().splitlines()[0]
