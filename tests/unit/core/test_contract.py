"""Contracts: the real ones are read completely, and each kind of contradiction is refused by name."""

import json
from datetime import timedelta
from importlib.resources import files
from pathlib import Path

import jsonschema
import open_data_contract_standard
import pytest
import yaml

from codegen.generate import generated_files, stale_files
from core.contract import CONTRACTS, find_contract, read_contract, read_contracts
from core.domains import domain_names, unknown_domain
from core.errors import ContractError, UnknownNameError

ORIGINAL = CONTRACTS / "environment" / "station_readings.odcs.yaml"


def test_every_contract_follows_the_standard() -> None:
    schema = json.loads((files(open_data_contract_standard) / "schema.json").read_text(encoding="utf-8"))
    paths = sorted(CONTRACTS.glob("*/*.odcs.yaml"))
    assert len(paths) >= 5
    for path in paths:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        errors = [error.message for error in jsonschema.Draft201909Validator(schema).iter_errors(document)]
        assert errors == [], path.name


def test_a_contract_tells_its_facts() -> None:
    readings = find_contract("environment.station_readings")
    assert readings.key == ("station_id", "parameter_code", "measured_at")
    assert readings.cadence == timedelta(minutes=5)
    assert readings.freshness_limit == timedelta(minutes=60)
    assert readings.table == "environment__station_readings"
    assert readings.column("measured_at").timestamp_zone == "Asia/Ho_Chi_Minh"
    assert readings.column("station_id").is_identifier
    assert [rule.name for rule in readings.rules] == [
        "unit_fits_parameter",
        "value_within_limits",
        "not_from_the_future",
    ]


def test_what_identifies_a_person_or_a_place_is_an_identifier_wherever_it_stands() -> None:
    """Letter 4856/BCA-TTDLQG: citizen numbers and codes of administrative units must be 100 % correct."""
    named = {
        (contract.feed, column.name): column.is_identifier
        for contract in read_contracts().values()
        for column in contract.columns
        if column.name in ("citizen_number", "identity_number", "province_code")
        or column.name.endswith("commune_code")
        or column.reference == "communes.commune_code"
    }
    assert len(named) >= 9
    assert named == dict.fromkeys(named, True)


def test_a_rule_of_an_identifier_names_it() -> None:
    """A rule over a whole record that is about an identifier counts towards that identifier."""
    judged = {
        (contract.feed, rule.name): rule.column for contract in read_contracts().values() for rule in contract.rules
    }
    named = {key: column for key, column in judged.items() if "citizen_number" in key[1]}
    assert named == {
        ("education.students", "citizen_number_fits_birth"): "citizen_number",
        ("public_services.dossiers", "citizen_number_has_twelve_digits"): "identity_number",
    }


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("environment.station_reading", "did you mean environment.station_readings?"),
        ("environment", "it is a domain, with the feeds environment.river_levels, environment.station_readings"),
        ("nothing", f"there are {', '.join(read_contracts())}"),
    ],
)
def test_an_unknown_feed_is_refused_with_what_was_meant_or_what_there_is(typed: str, told: str) -> None:
    with pytest.raises(UnknownNameError) as refused:
        find_contract(typed)
    assert str(refused.value) == f"{typed}: no such feed; {told}"
    assert refused.value.values == {"feed": typed}


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("feedbak", "did you mean feedback?"),
        ("feedback.requests", "did you mean feedback, the domain of that feed?"),
        ("nothing.of.it", f"there are {', '.join(domain_names())}"),
    ],
)
def test_an_unknown_domain_is_told_so_too(typed: str, told: str) -> None:
    assert str(unknown_domain(typed)) == f"{typed}: no such domain; {told}"


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ("primaryKey: true", "primaryKey: false", "expected a key, got no column with primaryKey"),
        ("id: environment.station_readings", "id: water.station_readings", "expected names of lower-case letters"),
        (
            "{property: eventTime, value: measured_at}",
            "{property: eventTime, value: measured}",
            r"expected a column of the contract \(station_id, .*\), got measured; ",
        ),
        (
            "{property: format, value: tt10}",
            "{property: fromat, value: tt10}",
            "expected format in customProperties, got none",
        ),
        (
            "name: not_from_the_future",
            "name: value_within_limits",
            "expected unique rule names, got value_within_limits twice",
        ),
        (
            "{property: errorGroup, value: 6}",
            "{property: errorGroup, value: 9}",
            "expected errorGroup 1 to 8 and severity error or warning, got 9 and error",
        ),
        (
            'implementation: "measured_at <=',
            'implementation: "unit::int = 1 and measured_at <=',
            "rule not_from_the_future: expected cast",
        ),
        ("- name: unit\n", "- name: unit; drop table x\n", "expected names of lower-case letters"),
        ("status: active", "statuss: active", "statuss"),
        (
            "{property: frequency, value: 5",
            "{property: cadence, value: 5",
            "expected frequency in slaProperties, got none",
        ),
    ],
)
def test_a_contradiction_is_refused(tmp_path: Path, before: str, after: str, complaint: str) -> None:
    text = ORIGINAL.read_text(encoding="utf-8")
    assert before in text
    broken = tmp_path / ORIGINAL.name
    broken.write_text(text.replace(before, after), encoding="utf-8")
    with pytest.raises(ContractError, match=complaint):
        read_contract(broken)


@pytest.mark.parametrize(
    ("promised", "scope", "suffix"),
    [
        ("[school_year, school_code]", ("school_year", "school_code"), ""),
        ("[]", (), ""),
        ("{scope: [school_year], files: '*.csv'}", ("school_year",), ".csv"),
    ],
)
def test_a_full_list_is_of_the_records_that_share_its_scope(
    tmp_path: Path, promised: str, scope: tuple[str, ...], suffix: str
) -> None:
    found = read_contract(students_with(tmp_path, promised)).full_list
    assert found is not None
    assert (found.scope, found.suffix) == (scope, suffix)


def test_the_key_of_a_list_begins_with_its_scope() -> None:
    assert find_contract("education.classes").list_key == ("school_year", "school_code", "class_code")
    assert find_contract("education.students").list_key == ("school_year", "school_code", "student_id")


@pytest.mark.parametrize(
    ("promised", "complaint"),
    [
        ("[school]", r"expected a column of the contract \(.*\), got school; "),
        ("school_code", "expected the scope columns"),
        ("[school_code, school_code]", "each once"),
        ("{scope: [school_code], files: 'HocSinh*'}", r"files as \*\.<extension>"),
        ("{files: '*.xlsx'}", "expected the scope columns"),
        ("[school_year, school_code, student_id]", "a list of one record has nothing to leave out"),
    ],
)
def test_a_full_list_that_cannot_be_is_refused(tmp_path: Path, promised: str, complaint: str) -> None:
    with pytest.raises(ContractError, match=complaint):
        read_contract(students_with(tmp_path, promised))


def test_full_lists_want_a_version(tmp_path: Path) -> None:
    path = students_with(tmp_path, "[school_code]")
    without = path.read_text(encoding="utf-8").replace("  - {property: version, value: exported_at}\n", "")
    path.write_text(without, encoding="utf-8")
    with pytest.raises(ContractError, match="expected a version, by which full lists are ordered, got none"):
        read_contract(path)


def students_with(folder: Path, promised: str) -> Path:
    """Write the contract of the pupils with another `fullList`."""
    text = (CONTRACTS / "education" / "students.odcs.yaml").read_text(encoding="utf-8")
    (line,) = (line for line in text.splitlines() if "property: fullList" in line)
    path = folder / "students.odcs.yaml"
    path.write_text(text.replace(line, f"  - {{property: fullList, value: {promised}}}"), encoding="utf-8")
    return path


def test_generated_files_are_current() -> None:
    assert stale_files(read_contracts()) == []


def test_a_stale_generated_file_is_named(tmp_path: Path) -> None:
    contracts = read_contracts()
    for path, text in generated_files(contracts, tmp_path).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert stale_files(contracts, tmp_path) == []
    (tmp_path / "docs" / "catalogue.md").write_text("edited", encoding="utf-8")
    assert stale_files(contracts, tmp_path) == ["docs/catalogue.md"]
