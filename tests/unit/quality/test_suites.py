"""Suites against the marts as they are described: every mart is audited, every column exists, silence only warns."""

import subprocess
import sys
from datetime import UTC, datetime

import pytest
import yaml

from core.contract import read_contracts
from core.reference import Reference
from core.settings import PROJECT
from quality.audit import SUITES
from quality.suites.check import AuditFacts, Check

MODELS = PROJECT / "dbt_project" / "models" / "marts"


def described(domain: str) -> dict[str, set[str]]:
    """Give the marts of a domain and their columns, from dbt's descriptions."""
    files = sorted((MODELS / domain).glob("_*__models.yml"))
    models = [model for file in files for model in yaml.safe_load(file.read_text(encoding="utf-8"))["models"]]
    return {model["name"]: {column["name"] for column in model["columns"]} for model in models}


def checks_of(domain: str, *, is_released: bool = True) -> list[Check]:
    marts, expectations = SUITES[domain]
    released = dict.fromkeys(marts, 100) if is_released else {}
    return expectations(AuditFacts(datetime(2026, 3, 1, tzinfo=UTC), read_contracts(), Reference(), released))


def test_every_mart_of_every_domain_is_audited() -> None:
    domains = {path.name for path in MODELS.iterdir()}
    assert domains == set(SUITES)
    audited = {domain: {check.mart for check in checks_of(domain, is_released=False)} for domain in SUITES}
    assert audited == {domain: set(described(domain)) for domain in domains}
    assert {domain: set(marts) for domain, (marts, _) in SUITES.items()} == audited
    assert sum(map(len, audited.values())) >= 13


@pytest.mark.parametrize("domain", SUITES)
def test_every_column_that_a_check_names_exists(domain: str) -> None:
    named = [
        (check.mart, check.expectation.column) for check in checks_of(domain) if hasattr(check.expectation, "column")
    ]
    assert len(named) >= 3
    assert [(mart, column) for mart, column in named if column not in described(domain)[mart]] == []


@pytest.mark.parametrize("domain", SUITES)
def test_a_check_is_known_by_its_mart_and_its_words(domain: str) -> None:
    names = [(check.mart, check.says) for check in checks_of(domain)]
    assert sorted(set(names)) == sorted(names)
    assert {check.error_group for check in checks_of(domain)} <= set(range(1, 9))


def test_silence_of_a_source_only_warns() -> None:
    stale = [check for domain in SUITES for check in checks_of(domain) if check.error_group == 7]
    assert len(stale) >= 10
    assert {check.severity for check in stale} == {"warning"}


def test_a_mart_that_was_never_released_is_compared_with_nothing() -> None:
    shrinking = [check for domain in SUITES for check in checks_of(domain) if check.says.endswith("did not shrink")]
    first = [check for domain in SUITES for check in checks_of(domain, is_released=False) if "shrink" in check.says]
    assert {(check.expectation.min_value, check.severity) for check in shrinking} == {(80, "critical")}
    assert {check.mart for check in shrinking} >= {
        "air_quality_hours",
        "feedback_cases",
        "vessels_last_seen",
        "ledger_totals",
    }
    assert first == []


def test_importing_the_audit_does_not_import_great_expectations() -> None:
    program = "import sys, quality.audit; print('great_expectations' in sys.modules, 'sqlalchemy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
