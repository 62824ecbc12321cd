"""A lake with bronze rows, and dbt on top of it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from core.domains import domain_names
from core.settings import Settings
from transform import warm
from transform.build import DBT_PROJECT, dbt_environment, dbt_target, of_domain, warm_folder

DOMAINS = domain_names()
GOOD = ("success", "pass")
Rows = list[tuple[object, ...]]
Tables = dict[str, Rows]


@dataclass(frozen=True)
class Warehouse:
    """What dbt builds from the current lake, without a fixed snapshot. It keeps what it parsed where `transform/build.py` does."""

    settings: Settings
    connection: duckdb.DuckDBPyConnection

    @property
    def folder(self) -> Path:
        """Where dbt writes: what it parsed, what it did, its log."""
        return dbt_target(self.settings)

    def dbt(self, command: str, clock: datetime | None, *options: str) -> dict[str, str]:
        """Run dbt; return the status of every node by its name, without the hook that ran before them."""
        return self._dbt("dbt", command, clock, *options)

    def _dbt(self, kind: str, command: str, clock: datetime | None, *options: str) -> dict[str, str]:
        """Run a command in the process that `tests/warm_dbt.py` tells of."""
        told = {"IOC_DBT_NOW": clock.isoformat() if clock else "", "DBT_LOG_PATH": str(self.folder)}
        results = self.folder / "run_results.json"
        results.unlink(missing_ok=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        environment = {**dbt_environment(self.settings, self.folder), **told}
        finished = warm.ask(warm_folder(self.settings), DBT_PROJECT, [kind, command, *options], environment)
        assert finished is not None
        assert results.exists(), finished.stdout + finished.stderr
        found = json.loads(results.read_text(encoding="utf-8"))["results"]
        nodes = [result for result in found if not str(result["unique_id"]).startswith("operation.")]
        return {str(result["unique_id"]).split(".", 2)[2]: str(result["status"]) for result in nodes}

    def test(self, clock: datetime, *domains: str) -> dict[str, str]:
        """Run the data tests of some domains, or of all; return their statuses."""
        selected = [*of_domain(*domains), "--exclude", "test_type:unit"] if domains else ["--select", "test_type:data"]
        return self._dbt("views", "test", clock, *selected)

    def unit_test(self, clock: datetime) -> dict[str, str]:
        """Run every unit test of a model; return their statuses."""
        return self._dbt("views", "test", clock, "--select", "test_type:unit")

    def build(self, clock: datetime, *options: str) -> None:
        """Build seeds and models and run every data test; all must pass."""
        statuses = self.dbt("build", clock, "--exclude-resource-type", "unit_test", *options)
        failed = {name: status for name, status in statuses.items() if status not in GOOD}
        assert not failed, self.told(failed)
        assert len(statuses) > 150

    def build_untested(self, clock: datetime, *options: str) -> None:
        """Build seeds and models again, whatever an earlier test left, without data tests; all must pass."""
        untested = ("--exclude-resource-type", "unit_test", "--exclude-resource-type", "test", "--full-refresh")
        statuses = self.dbt("build", clock, *untested, *options)
        failed = [name for name, status in statuses.items() if status != "success"]
        assert not failed, self.told(failed)

    def told(self, names: Iterable[str]) -> dict[str, str]:
        """Return what dbt said last of nodes."""
        found = json.loads((self.folder / "run_results.json").read_text(encoding="utf-8"))["results"]
        return {name: str(one["message"]) for one in found for name in names if f".{name}" in str(one["unique_id"])}

    def build_models(self, clock: datetime, *options: str) -> None:
        """Build the models alone, which is quicker; all must pass."""
        assert set(self.dbt("run", clock, *options).values()) == {"success"}

    def staged(self, model: str) -> str:
        """Return a staging model as a relation to select from: the view itself went with the process of dbt that made it."""
        (compiled,) = (self.folder / "compiled").rglob(f"staging/*/{model}.sql")
        self.connection.execute("attach if not exists 'ducklake:lake_catalog' as instant (read_only)")
        return f"({compiled.read_text(encoding='utf-8')})"

    def run(self, sql: str) -> None:
        """Run a statement."""
        self.connection.execute(sql)

    def rows(self, sql: str) -> Rows:
        """Return the rows of a query."""
        return self.connection.execute(sql).fetchall()

    def tables(self) -> Tables:
        """Return every built table, whole, in one order."""
        names = self.rows(
            "select table_catalog || '.' || table_schema || '.' || table_name from information_schema.tables "
            f"where table_catalog = 'lake' and table_schema in {('silver', *DOMAINS)} and table_type = 'BASE TABLE' order by all"
        )
        return {str(name): self.rows(f"select * from {name} order by all") for (name,) in names}


def changes(before: Tables, after: Tables) -> dict[str, tuple[Rows, Rows]]:
    """Return what differs between two states by table: up to three rows that only the first has, and that only the second has."""
    found = {}
    for name in sorted(before.keys() | after.keys()):
        first, second = before.get(name, []), after.get(name, [])
        if first != second:
            gone, come = (
                [row for row in rows if row not in others] for rows, others in ((first, second), (second, first))
            )
            found[name] = (gone[:3], come[:3])
    return found
