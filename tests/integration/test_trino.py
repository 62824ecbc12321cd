"""Trino itself reads every model: what the linter without it cannot know are types, and whether a name can be resolved."""

import re
from collections.abc import Iterator
from graphlib import TopologicalSorter

import duckdb
import pytest
import yaml
from rendering import Rendering, Text

from core.contract import read_contracts
from core.settings import PROJECT
from lake.connection import install_extensions
from lake.tables import create_tables
from tests.trino import Server

DBT = PROJECT / "dbt_project"
TYPES = {
    "TIMESTAMP WITH TIME ZONE": "timestamp(6) with time zone",
    "TIMESTAMP": "timestamp(6)",
    "UBIGINT": "decimal(20,0)",
    "HUGEINT": "decimal(38,0)",
    "JSON": "varchar",
}
"""What DuckDB's types are on Trino, where they are not called the same."""


def on_trino(kind: str) -> str:
    """Return Trino's name of a type of DuckDB."""
    if kind.endswith("[]"):
        return f"array({on_trino(kind[:-2])})"
    if kind.startswith("STRUCT("):
        fields = re.findall(r'"?(\w+)"? ([^,)]+)', kind.removeprefix("STRUCT("))
        return "row(" + ", ".join(f"{name} {on_trino(of)}" for name, of in fields) + ")"
    return TYPES.get(kind, kind.lower())


def is_same_type(duckdb_type: str, trino_type: str) -> bool:
    """Whether two types hold the same values; a sum of whole numbers is wider on DuckDB, and a length of text says nothing."""
    expected = on_trino(duckdb_type)
    return (
        trino_type == expected
        or (expected == "varchar" and trino_type.startswith("varchar"))
        or (expected == "decimal(38,0)" and trino_type == "bigint")
    )


@pytest.fixture(scope="module")
def empty_lake(tmp_path_factory: pytest.TempPathFactory, trino: Server) -> Iterator[duckdb.DuckDBPyConnection]:
    """Both engines with the empty tables that models read: bronze, ledger, quarantine and reference lists."""
    folder = tmp_path_factory.mktemp("extensions")
    install_extensions(folder)
    with duckdb.connect(
        config={"extension_directory": str(folder), "autoinstall_known_extensions": "false"}
    ) as connection:
        connection.execute("load icu; load ducklake; set TimeZone = 'UTC'; attach ':memory:' as instant")
        for catalog in ("lake", "marts"):
            connection.execute(
                f"attach 'ducklake:{folder}/{catalog}.ducklake' as {catalog} (data_path '{folder}/{catalog}')"
            )
        create_tables(connection, read_contracts())
        connection.execute("create schema memory.staging")
        schemas = connection.execute(
            "select schema_name from duckdb_schemas() where database_name = 'lake' and not internal"
        ).fetchall()
        for place in (
            "memory.staging",
            *(f"{catalog}.{name}" for (name,) in schemas for catalog in ("lake", "instant")),
        ):
            connection.execute(f"create schema if not exists {place}")
            trino.execute(f"create schema if not exists {place}")
        tables = {
            f"instant.{schema}.{table}": [*described(connection, f"lake.{schema}.{table}"), ("snapshot_id", "BIGINT")]
            for schema, table in connection.execute(
                "select schema_name, table_name from duckdb_tables() where schema_name in ('bronze', 'ledger', 'quarantine')"
            ).fetchall()
        } | {
            f"instant.reference.{seed['name']}": [*seed["config"]["column_types"].items()]
            for seed in yaml.safe_load((DBT / "seeds" / "_seeds.yml").read_text(encoding="utf-8"))["seeds"]
        }
        for name, columns in tables.items():
            connection.execute(f"create table {name} ({', '.join(f'{column} {kind}' for column, kind in columns)})")
            typed = ", ".join(f"{column} {on_trino(kind)}" for column, kind in described(connection, name))
            trino.execute(f"create table {name} ({typed})")
        yield connection


def described(connection: duckdb.DuckDBPyConnection, table: str) -> list[tuple[str, str]]:
    """Return the columns of a table of DuckDB and their types."""
    return [(str(row[0]), str(row[1])) for row in connection.execute(f"describe {table}").fetchall()]


def in_order(texts: list[Text]) -> list[Text]:
    """Return texts so that each comes after those of the models that it reads."""
    names = {text.model for text in texts}
    order = list(TopologicalSorter({text.model: text.reads & names for text in texts}).static_order())
    return sorted(texts, key=lambda text: (order.index(text.model), text.is_continued))


@pytest.mark.timeout(1200)
def test_trino_reads_every_model_and_gives_the_types_of_duckdb(
    empty_lake: duckdb.DuckDBPyConnection, trino: Server
) -> None:
    """Takes a minute on an idle machine: it makes the empty table of every model on both engines, one after another."""
    of_duckdb = in_order(list(Rendering(DBT, "duckdb").texts()))
    of_trino = in_order(list(Rendering(DBT, "trino").texts()))
    assert len({text.model for text in of_trino}) == len(list((DBT / "models").rglob("*.sql")))
    different = []
    for here, there in zip(of_duckdb, of_trino, strict=True):
        if there.is_continued:
            empty_lake.execute(f"explain {here.sql}")
            trino.execute(f"explain (type validate) {there.sql}")
            continue
        empty_lake.execute(f"create table {here.place} as {here.sql}")
        trino.execute(f"create table {there.place} as {there.sql}\nwith no data")
        mine, its = described(empty_lake, here.place), trino.execute(f"describe {there.place}")
        assert [name.lower() for name, _ in mine] == [name for name, *_ in its], here.model
        different += [
            f"{here.model}.{name}: {kind}, {its_kind}"
            for (name, kind), (_, its_kind, *_) in zip(mine, its, strict=True)
            if not is_same_type(kind, its_kind)
        ]
    assert different == []
