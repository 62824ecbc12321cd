"""The promises of the house: what belongs together is there, and nothing crosses a boundary."""

import ast
import re
from pathlib import Path

import pytest

from ingestion.connectors.registry import CONNECTORS
from ingestion.contract import CLASSES, Contract, read_contracts
from ingestion.formats.registry import FORMATS
from ingestion.settings import PROJECT, Settings

CONTRACTS = read_contracts()
PACKAGES = ("cli", "dags", "ingestion", "lake", "quality", "simulator", "stack")


def modules(*packages: str) -> list[Path]:
    """List the Python files of packages; there must be some."""
    found = sorted(path for package in packages for path in (PROJECT / package).rglob("*.py"))
    assert len(found) >= len(packages)
    return found


def imports(path: Path) -> set[str]:
    """Name the top-level packages a file imports anywhere."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add((node.module or "").split(".")[0])
    return names


def test_the_five_feeds_are_found() -> None:
    assert len(CONTRACTS) >= 5


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=list(CONTRACTS))
def test_a_feed_has_its_four_places(contract: Contract) -> None:
    domain, feed = contract.feed.split(".")
    staging = PROJECT / "dbt_project" / "models" / "staging" / domain
    entry = staging / f"_{domain}__models.yml"
    places = {
        "golden sample": (PROJECT / "tests" / "golden" / domain / feed / "expected.json").exists(),
        "staging model": (staging / f"stg_{domain}__{feed}.sql").exists(),
        "yml entry": entry.exists() and f"name: stg_{domain}__{feed}" in entry.read_text(encoding="utf-8"),
    }
    assert [name for name, is_there in places.items() if not is_there] == []
    assert contract.format in FORMATS
    assert contract.connector in CONNECTORS


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=list(CONTRACTS))
def test_every_column_is_labelled_described_and_classed(contract: Contract) -> None:
    poor = [
        column.name
        for column in contract.columns
        if not (column.label_vi and column.description and column.classification in CLASSES)
    ]
    assert poor == []


@pytest.mark.parametrize(
    ("packages", "forbidden"),
    [
        (("ingestion", "lake", "quality", "simulator", "stack", "cli"), {"airflow"}),
        (("ingestion", "lake", "stack"), {"dbt", "great_expectations", "superset"}),
        (("ingestion", "lake", "quality"), {"simulator", "cli", "stack"}),
        (("dags",), {"duckdb", "polars", "simulator", "cli", "stack"}),
    ],
)
def test_no_package_imports_what_it_must_not_know(packages: tuple[str, ...], forbidden: set[str]) -> None:
    crossing = {str(path.relative_to(PROJECT)): imports(path) & forbidden for path in modules(*packages)}
    assert {path: names for path, names in crossing.items() if names} == {}


def test_only_lake_names_the_lakehouse_format() -> None:
    named = [
        str(path.relative_to(PROJECT))
        for path in modules(*(set(PACKAGES) - {"lake"}))
        if re.search(r"ducklake", path.read_text(encoding="utf-8"), re.IGNORECASE)
    ]
    assert named == []


def test_every_setting_stands_in_the_example_with_a_comment() -> None:
    text = (PROJECT / ".env.example").read_text(encoding="utf-8")
    named = set(re.findall(r"^#?\s?(IOC_[A-Z0-9_]+)=", text, re.MULTILINE))
    assert named == {f"IOC_{name.upper()}" for name in Settings.model_fields}


SECRETS = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY|AKIA[0-9A-Z]{16}|^(<{7}|>{7}) ", re.MULTILINE)


def test_no_secret_and_no_conflict_marker_is_in_the_tree() -> None:
    suffixes = {".py", ".yml", ".yaml", ".md", ".toml", ".sql", ".csv", ".example", ".json", ".txt"}
    skipped = {".venv", ".git", ".ioc", ".uv", "node_modules", "target"}
    read = 0
    for path in PROJECT.rglob("*"):
        if path.suffix in suffixes and path.is_file() and not skipped & set(path.relative_to(PROJECT).parts):
            read += 1
            assert not SECRETS.search(path.read_text(encoding="utf-8", errors="replace")), path
    assert read > 100
