"""A lake with bronze rows, and dbt on top of it."""

import json
import subprocess
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from ingestion.settings import Settings
from quality.audit import SUITES
from quality.build import DBT_FOLDERS, dbt_environment, dbt_program, dbt_target

DOMAINS = tuple(SUITES)
GOOD = ("success", "pass")


@dataclass(frozen=True)
class Warehouse:
    """What dbt builds from a lake. It keeps what it parsed where `quality/build.py` does."""

    settings: Settings
    connection: duckdb.DuckDBPyConnection

    @property
    def folder(self) -> Path:
        """Where dbt writes: what it parsed, what it did, its log."""
        return dbt_target(self.settings)

    def dbt(self, command: str, clock: datetime | None, *options: str) -> dict[str, str]:
        """Run dbt; give the status of every node by its name."""
        told = {"IOC_DBT_NOW": clock.isoformat() if clock else "", "DBT_LOG_PATH": str(self.folder)}
        results = self.folder / "run_results.json"
        results.unlink(missing_ok=True)
        finished = subprocess.run(
            [*dbt_program(), command, *DBT_FOLDERS, *options],
            env={**dbt_environment(self.settings), **told},
            capture_output=True,
            text=True,
            check=False,
        )
        assert results.exists(), finished.stdout + finished.stderr
        found = json.loads(results.read_text(encoding="utf-8"))["results"]
        return {str(result["unique_id"]).split(".", 2)[2]: str(result["status"]) for result in found}

    def build(self, clock: datetime, *options: str) -> None:
        """Build seeds and models and run every data test; all must pass."""
        statuses = self.dbt("build", clock, "--exclude-resource-type", "unit_test", *options)
        assert {name: status for name, status in statuses.items() if status not in GOOD} == {}
        assert len(statuses) > 150

    def build_untested(self, clock: datetime, *options: str) -> None:
        """Build seeds and models anew, whatever an earlier test left, without data tests; all must pass."""
        untested = ("--exclude-resource-type", "unit_test", "--exclude-resource-type", "test", "--full-refresh")
        assert set(self.dbt("build", clock, *untested, *options).values()) == {"success"}

    def build_models(self, clock: datetime, *options: str) -> None:
        """Build the models alone, which is quicker; all must pass."""
        assert set(self.dbt("run", clock, *options).values()) == {"success"}

    def run(self, sql: str) -> None:
        """Change something."""
        self.connection.execute(sql)

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        """Give the rows of a query."""
        return self.connection.execute(sql).fetchall()

    def tables(self) -> dict[str, list[tuple[object, ...]]]:
        """Give every built table, whole, in one order."""
        names = self.rows(
            "select table_catalog || '.' || table_schema || '.' || table_name from information_schema.tables "
            f"where (table_catalog = 'marts' and table_schema in {DOMAINS} "
            "or table_catalog = 'lake' and table_schema = 'silver') and table_type = 'BASE TABLE' order by all"
        )
        return {str(name): self.rows(f"select * from {name} order by all") for (name,) in names}
