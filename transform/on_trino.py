"""Build the candidate marts of a domain with dbt on Trino, from what `ioc scale sync` copied to Iceberg.

The same project, models and data tests as in `transform/build.py`; the target is another. A build reads the copies as they are and holds
off the next copy until it ends, so that it sees one instant. What it has built and from which code is noted in dbt's folder only: where
that is gone, everything is built whole.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from core.errors import AuditError, ConfigurationError
from core.settings import Settings
from lake.copies import LOCK, both
from lake.lock import exclusive
from transform.build import WITHDRAWN, counts_of, failed_of, first_of, results_of, run_dbt

BUILT = "passed.json"
"""The file with the digests of the models as the last build that passed has made them."""


@dataclass(frozen=True)
class TrinoBuild:
    """A build that passed: how many models it built, how many tests passed, and how long both took."""

    domain: str
    built: int
    tested: int
    seconds: float


def build_on_trino(settings: Settings, domain: str, *, full_refresh: bool = False) -> TrinoBuild:
    """Build and test a domain's models on Trino.

    Raises ConfigurationError if no Trino is in the settings, and AuditError naming what failed.
    """
    if not settings.trino_host:
        raise ConfigurationError("scale: expected the host of a Trino, got none; set IOC_TRINO_HOST and IOC_TRINO_PORT")
    folder = settings.home_folder / "dbt_trino" / domain
    folder.mkdir(parents=True, exist_ok=True)
    passed = folder / BUILT
    with exclusive(settings, LOCK, is_writer=False):
        withdrawn = _withdrawn(settings)
        (folder / "built.json").write_text(json.dumps(_known(passed, withdrawn)), encoding="utf-8")
        passed.unlink(missing_ok=True)
        finished = run_dbt(
            settings,
            folder,
            ["build", domain, *(["--full-refresh"] if full_refresh else [])],
            DBT_TARGET="trino",
            IOC_TRINO_HOST=settings.trino_host,
            IOC_TRINO_PORT=str(settings.trino_port),
            IOC_TRINO_USER=settings.trino_user,
        )
        results = results_of(folder, finished, domain)
        failed = failed_of(results)
        if failed or finished.returncode:
            raise AuditError(
                f"{domain}: expected every model and test to pass on Trino, got {len(failed)} that did not: {first_of(failed)}",
                failed=tuple(str(result["unique_id"]) for result in failed),
            )
        prints = json.loads((folder / "fingerprints.json").read_text(encoding="utf-8")) | {WITHDRAWN: withdrawn}
        passed.write_text(json.dumps(prints), encoding="utf-8")
    models, tests, seconds = counts_of(results)
    return TrinoBuild(domain=domain, built=models, tested=tests, seconds=seconds)


def _known(passed: Path, withdrawn: str) -> dict[str, str] | None:
    """Return the digests of the models as they were built last; None if that is not known, or rows have been withdrawn since."""
    known: dict[str, str] | None = json.loads(passed.read_text(encoding="utf-8")) if passed.exists() else None
    return known if known and known.pop(WITHDRAWN) == withdrawn else None


def _withdrawn(settings: Settings) -> str:
    """Return how many deliveries had been withdrawn when the lake was copied."""
    with both(settings) as connection:
        row = connection.execute("select count(*) from scale.ledger.withdrawals").fetchone()
    return str(row[0] if row else 0)
