"""The promises of the house: what belongs together is there, and nothing crosses a boundary."""

import ast
import re
from pathlib import Path

import pytest

from core.contract import CLASSES, Contract, read_contracts
from core.settings import PROJECT, Settings
from ingestion.collect.connectors.registry import CONNECTORS
from ingestion.formats.registry import FORMATS

CONTRACTS = read_contracts()
PACKAGES = ("cli", "codegen", "core", "dags", "ingestion", "lake", "quality", "simulator", "stack", "transform")
"""All but `superset`, which has an environment of its own."""


def modules(*packages: str) -> list[Path]:
    """List the Python files of packages; there must be some."""
    found = sorted(
        path for package in packages for path in (PROJECT / package).rglob("*.py") if ".venv" not in path.parts
    )
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


MAY_IMPORT = {
    "core": set[str](),
    "lake": {"core"},
    "ingestion": {"core", "lake"},
    "transform": {"core", "lake"},
    "quality": {"core", "lake", "transform"},
    "codegen": {"core", "ingestion"},
    "dags": {"core", "ingestion", "lake", "quality"},
    "superset": {"core", "lake"},
    "stack": {"core", "ingestion"},
    "simulator": {"core", "stack"},
    "cli": {"codegen", "core", "ingestion", "lake", "quality", "simulator", "stack"},
}
"""Which packages of ours each may import; an arrow never points up. Below `dags` and `cli` stands everything that does the work."""

FOREIGN = {
    "airflow": {"dags"},
    "dbt": {"transform"},
    "great_expectations": {"quality"},
    "polars": {*MAY_IMPORT} - {"dags"},
    "duckdb": {*MAY_IMPORT} - {"dags"},
}
"""Who may import a library that shapes what it enters."""


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_no_arrow_points_up(package: str) -> None:
    others = {*MAY_IMPORT, "tests", "bench"} - MAY_IMPORT[package] - {package}
    found = {str(path.relative_to(PROJECT)): imports(path) for path in modules(package)}
    foreign = {library for library, packages in FOREIGN.items() if package not in packages}
    crossing = {path: names & (others | foreign) for path, names in found.items()}
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
