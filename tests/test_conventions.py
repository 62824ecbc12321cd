"""The conventions of the project: what belongs together exists, and nothing crosses a boundary."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from core.contract import CLASSES, TABLE, Contract, read_contracts
from core.domains import domain_names
from core.settings import PROJECT, Settings
from ingestion.collect.connectors.registry import CONNECTORS
from ingestion.formats.registry import FORMATS

CONTRACTS = read_contracts()
PACKAGES = (
    "cli",
    "codegen",
    "core",
    "dags",
    "ingestion",
    "lake",
    "quality",
    "reporting",
    "simulator",
    "stack",
    "transform",
)
"""All packages except `superset`, which has an environment of its own."""


def modules(*packages: str) -> list[Path]:
    """Return the Python files of packages; there must be some."""
    found = sorted(
        path for package in packages for path in (PROJECT / package).rglob("*.py") if ".venv" not in path.parts
    )
    assert len(found) >= len(packages)
    return found


def imports(path: Path) -> set[str]:
    """Return the top-level packages that a file imports anywhere."""
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
    entries = [path.read_text(encoding="utf-8") for path in staging.glob("_*__models.yml")]
    places = {
        "golden sample": (PROJECT / "tests" / "golden" / domain / feed / "expected.json").exists(),
        "staging model": (staging / f"stg_{domain}__{feed}.sql").exists(),
        "yml entry": any(re.search(rf"name: stg_{domain}__{feed}\b", entry) for entry in entries),
    }
    assert [name for name, is_there in places.items() if not is_there] == []
    assert contract.format in {TABLE, *FORMATS}
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
    "codegen": {"core", "ingestion", "transform"},
    "reporting": {"core", "lake"},
    "dags": {"core", "ingestion", "lake", "quality", "reporting"},
    "superset": {"core", "lake"},
    "stack": {"core", "ingestion"},
    "simulator": {"core", "stack"},
    "cli": {"codegen", "core", "ingestion", "lake", "quality", "reporting", "simulator", "stack"},
}
"""Which of our packages each one may import, always from lower layers; `dags` and `cli` are on top."""

FOREIGN = {
    "airflow": {"dags"},
    "dbt": {"transform"},
    "great_expectations": {"quality"},
    "playwright": {"reporting"},
    "polars": {*MAY_IMPORT} - {"dags"},
    "duckdb": {*MAY_IMPORT} - {"dags"},
}
"""Which packages may import a library that shapes the code that uses it."""


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


DOMAIN_IDS = frozenset(domain_names())
LISTED_MANY = 3
"""This many domains, or feeds of different domains, named together are a list."""


def listed_together(path: Path) -> Iterator[set[str]]:
    """Yield texts that occur together: in a literal or an import of a Python file, or among the keys of a YAML mapping."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        yield from (set(map(str, keys)) for keys in _keys(yaml.safe_load(text)))
        return
    for node in ast.walk(ast.parse(text)):
        entries: list[ast.expr | None] = []
        if isinstance(node, ast.Tuple | ast.List | ast.Set):
            entries = [*node.elts]
        elif isinstance(node, ast.Dict):
            entries = node.keys
        elif isinstance(node, ast.ImportFrom):
            yield {alias.name for alias in node.names}
        yield {entry.value for entry in entries if isinstance(entry, ast.Constant) and isinstance(entry.value, str)}


def _keys(value: object) -> Iterator[list[object]]:
    if isinstance(value, dict):
        yield [*value]
        for inner in value.values():
            yield from _keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _keys(inner)


def lists_domains_or_feeds(names: set[str]) -> bool:
    feeds = names & set(CONTRACTS)
    spanned = {CONTRACTS[feed].domain for feed in feeds}
    return len(names & DOMAIN_IDS) >= LISTED_MANY or (len(feeds) >= LISTED_MANY and len(spanned) > 1)


def test_only_the_contracts_list_domains_and_feeds() -> None:
    superset = [path for path in (PROJECT / "superset").rglob("*.py") if ".venv" not in path.parts]
    emitters = PROJECT / "simulator" / "city.py"  # names the folder that each emitter writes to
    read = [
        *(set(modules(*PACKAGES)) - {emitters}),
        *superset,
        PROJECT / "dbt_project" / "dbt_project.yml",
        PROJECT / "docker-compose.yml",
    ]
    assert len(superset) >= 10
    found = {
        str(path.relative_to(PROJECT))
        for path in read
        if any(lists_domains_or_feeds(names) for names in listed_together(path))
    }
    assert found == set()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a_tuple.py", 'DOMAINS = ("education", "environment", "feedback")'),
        ("a_dict.py", 'SUITES = {"education": 1, "environment": 2, "health": 3}'),
        ("an_import.py", "from somewhere import education, environment, fisheries"),
        ("feeds.py", 'FEEDS = ["education.schools", "health.claims", "feedback.requests"]'),
        ("keys.yml", "models: {marts: {education: 1, quality: 2, health: 3}}"),
    ],
)
def test_a_list_of_domains_or_feeds_is_seen(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    assert any(lists_domains_or_feeds(names) for names in listed_together(path))


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


ON_ONE_MACHINE = {
    "core/settings.py": "where the home and the drop folder are",
    "dags/plugins/revoking_executor.py": "the tasks of LocalExecutor",
    "ingestion/collect/connectors/registry.py": "the keys of SFTP hosts",
    "ingestion/load/attempts.py": "attempts at a delivery",
    "lake/connection.py": "DuckDB's extensions",
    "lake/copies.py": "DuckDB's extensions",
    "transform/build.py": "dbt's folders",
    "transform/on_trino.py": "dbt's folders",
    "transform/warm_process.py": "dbt kept warm for the builds of its home",
}
"""Modules of tasks that keep something on their machine, and what; docs/scale.md says what several machines need."""

LOCAL = re.compile(
    r"home_folder|gettempdir|mkdtemp|/tmp|fcntl|filelock|gethostname|psutil|multiprocessing|\bmmap\b|os\.kill\b"
)


def test_what_a_task_keeps_on_its_machine_is_listed_and_told() -> None:
    tasks = MAY_IMPORT["dags"] | {"dags", "transform"}
    found = {
        str(path.relative_to(PROJECT)) for path in modules(*tasks) if LOCAL.search(path.read_text(encoding="utf-8"))
    }
    assert found == ON_ONE_MACHINE.keys()
    page = (PROJECT / "docs" / "scale.md").read_text(encoding="utf-8")
    assert [path for path in ON_ONE_MACHINE if f"`{path}`" not in page] == []
