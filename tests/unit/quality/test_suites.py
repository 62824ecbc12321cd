"""Suites against the marts as they are described: every mart is audited, every column exists, silence only warns."""

import subprocess
import sys
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from core.contract import read_contracts
from core.domains import domain_names
from core.reference import Reference
from core.settings import PROJECT
from quality import audit
from quality.marts import keys_of
from quality.suites.check import AuditFacts, Check

MODELS = PROJECT / "dbt_project" / "models" / "marts"


def described(domain: str) -> dict[str, set[str]]:
    """Return the marts of a domain and their columns, from dbt's descriptions."""
    files = sorted((MODELS / domain).glob("_*__models.yml"))
    models = [model for file in files for model in yaml.safe_load(file.read_text(encoding="utf-8"))["models"]]
    return {model["name"]: {column["name"] for column in model["columns"]} for model in models}


def checks_of(domain: str, *, is_released: bool = True, sending: Collection[str] | None = None) -> list[Check]:
    released = dict.fromkeys(keys_of(domain), 100) if is_released else {}
    contracts = read_contracts()
    facts = AuditFacts(
        datetime(2026, 3, 1, tzinfo=UTC), contracts, Reference(), released, contracts if sending is None else sending
    )
    return audit.checks_of(domain, facts)


def test_every_mart_of_every_domain_is_audited() -> None:
    domains = {path.name for path in MODELS.iterdir()}
    assert domains == set(domain_names())
    audited = {domain: {check.mart for check in checks_of(domain, is_released=False)} for domain in domain_names()}
    assert audited == {domain: set(described(domain)) for domain in domains}
    assert sum(map(len, audited.values())) >= 13


@pytest.mark.parametrize("domain", domain_names())
def test_every_column_that_a_check_names_exists(domain: str) -> None:
    named = [
        (check.mart, check.expectation.column) for check in checks_of(domain) if hasattr(check.expectation, "column")
    ]
    assert named
    assert [(mart, column) for mart, column in named if column not in described(domain)[mart]] == []


@pytest.mark.parametrize("domain", domain_names())
def test_a_check_is_known_by_its_mart_and_its_words(domain: str) -> None:
    names = [(check.mart, check.says) for check in checks_of(domain)]
    assert sorted(set(names)) == sorted(names)
    assert {check.error_group for check in checks_of(domain)} <= set(range(1, 9))


def test_silence_of_a_source_only_warns() -> None:
    stale = [check for domain in domain_names() for check in checks_of(domain) if check.error_group == 7]
    assert len(stale) >= 10
    assert {check.severity for check in stale} == {"warning"}


def test_a_mart_that_was_never_released_is_compared_with_nothing() -> None:
    shrinking = [
        check for domain in domain_names() for check in checks_of(domain) if check.says.endswith("did not shrink")
    ]
    first = [
        check for domain in domain_names() for check in checks_of(domain, is_released=False) if "shrink" in check.says
    ]
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


def test_a_domain_without_a_suite_of_its_own_is_audited(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(audit, "SUITES_FOLDER", tmp_path)
    found = {(check.mart, check.says, check.severity, check.error_group) for check in checks_of("environment")}
    may_be_empty = {"air_quality_days", "air_limit_days", "air_quality_on_map", "water_quality_months"}
    keys_and_rows = {
        (mart, says, "critical", group)
        for mart in keys_of("environment")
        for says, group in ((f"{mart} has rows", 1), (f"{mart} did not shrink", 1), ("every key is unique", 3))
        if group == 3 or mart not in may_be_empty
    }
    assert found == keys_and_rows | {
        ("air_quality_hours", "station_id covers its reference list", "warning", 1),
        ("station_uptime_days", "station_id covers its reference list", "warning", 1),
        ("parameter_capture_days", "station_id covers its reference list", "warning", 1),
        ("river_levels", "gauge_id covers its reference list", "warning", 1),
        ("station_uptime_days", "environment.station_readings is live", "warning", 7),
        ("river_levels", "environment.river_levels is live", "warning", 7),
    }


def test_a_list_of_findings_may_be_empty(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(audit, "SUITES_FOLDER", tmp_path)
    assert [check.says for check in checks_of("fisheries") if check.mart == "vessel_gaps"] == ["every key is unique"]


def test_a_mart_of_feeds_that_never_sent_may_be_empty_with_a_warning() -> None:
    def severities(*sending: str) -> dict[str, str]:
        return {
            check.mart: check.severity
            for check in checks_of("forest", is_released=False, sending=sending)
            if check.says.endswith("has rows")
        }

    both = ("forest.hotspots", "forest.weather")
    assert severities(*both) == {"fire_danger_days": "critical", "forest_headlines": "critical"}
    assert severities("forest.hotspots") == {"fire_danger_days": "warning", "forest_headlines": "critical"}
    assert severities("hotline.calls") == severities(*both), "a domain of which nothing ever came has no release"


def test_a_check_by_hand_replaces_that_of_the_floor() -> None:
    (rows,) = [check for check in checks_of("environment") if check.says == "river_levels has rows"]
    assert rows.severity == "warning"


def test_a_feed_of_a_shared_mart_is_judged_by_its_own_rows() -> None:
    found = {
        check.says: check.expectation.row_condition
        for check in checks_of("fisheries")
        if check.mart == "vessels_last_seen" and check.says.endswith("is live")
    }
    assert sorted(found) == ["fisheries.ais_messages is live", "fisheries.vms_positions is live"]
    assert all(condition is not None for condition in found.values())
