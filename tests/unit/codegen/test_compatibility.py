"""A contract's version reflects what its changes do to others."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from codegen import generate as generated
from codegen.compatibility import Rise, differences, read_released, released_text, require_compatible, shape_of
from core.contract import Column, Contract, Rule, find_contract, read_contracts
from core.errors import ContractError
from core.table_forms import Container, Form

BASE = find_contract("feedback.requests")
Change = Callable[[Contract], Contract]


def column(column_name: str, /, **facts: object) -> Change:
    """Change facts of one column."""

    def change(contract: Contract) -> Contract:
        changed = [replace(one, **facts) if one.name == column_name else one for one in contract.columns]  # type: ignore[arg-type]
        return replace(contract, columns=tuple(changed))

    return change


def new_column(**facts: object) -> Change:
    """Add a column."""
    return lambda contract: replace(
        contract,
        columns=(*contract.columns, replace(plain(), name="new", wire_name="new", **facts)),  # type: ignore[arg-type]
    )


def plain() -> Column:
    return replace(BASE.column("service_code"), is_required=False)


def without(name: str) -> Change:
    return lambda contract: replace(contract, columns=tuple(one for one in contract.columns if one.name != name))


def rule(name: str, **facts: object) -> Change:
    return lambda contract: replace(
        contract,
        rules=tuple(replace(one, **facts) if one.name == name else one for one in contract.rules),  # type: ignore[arg-type]
    )


EXTRA = Rule("extra", 6, is_blocking=True, expression="true", description="")
FIRST = BASE.rules[0].name
ENUM = BASE.column("status").allowed

BREAKING: dict[str, tuple[Change, str]] = {
    "removed": (without("service_name"), "column service_name was service_name, is none"),
    "renamed": (column("service_name", name="topic"), "column service_name was service_name, is topic (renamed)"),
    "renamed on the wire": (column("service_name", wire_name="topic"), "wire name of service_name was service_name, is topic"),
    "retyped": (column("latitude", physical_type="VARCHAR"), "physical type of latitude was DOUBLE, is VARCHAR"),
    "other timestamps": (column("requested_at", timestamp_format="yyyyMMdd"), "timestamp format of requested_at was iso8601, is yyyyMMdd"),
    "made required": (column("service_code", is_required=True), "is required of service_code was False, is True"),
    "new and required": (new_column(is_required=True), "column new was none, is required VARCHAR"),
    "another key": (column("service_code", is_key=True), "key was service_request_id, is service_request_id, service_code"),
    "another version": (lambda c: replace(c, version="updated_at"), "version column was version_at, is updated_at"),
    "another event time": (lambda c: replace(c, event_time="updated_at"), "event time was"),
    "another format": (lambda c: replace(c, format="tt10"), "format was table, is tt10"),
    "a form gone": (lambda c: replace(c, forms=c.forms[:1]), "form xml was xml, is none"),
    "a form read otherwise": (lambda c: replace(c, forms=(c.forms[0], replace(c.forms[1], records=("a", "b")))), "records of form xml was"),
    "enum narrowed": (column("status", allowed=ENUM[1:]), "allowed of status was open, closed"),
    "enum made": (column("service_code", allowed=("a",)), "allowed of service_code was none, is a"),
    "range narrowed": (column("latitude", minimum=9), "minimum of latitude was 8, is 9"),
    "range made": (column("satisfaction_rating", maximum=4), "maximum of satisfaction_rating was 5, is 4"),
    "pattern": (column("service_code", pattern="^A"), "pattern of service_code was none, is ^A"),
    "reference": (column("service_code", reference="topics.code"), "reference of service_code was none, is topics.code"),
    "class loosened": (column("address", classification="open"), "classification of address was restricted, is open"),
    "values hashed": (column("address", classification="personal"), "classification of address was restricted, is personal"),
    "feed loosened": (lambda c: replace(c, privacy_class="open"), "privacy class was restricted, is open"),
    "rule made": (lambda c: replace(c, rules=(*c.rules, EXTRA)), "rule extra was none, is error true"),
    "rule changed": (rule(FIRST, expression="false"), f"rule {FIRST} was error updated_at is null"),
}  # fmt: skip

COMPATIBLE: dict[str, tuple[Change, str]] = {
    "new and optional": (new_column(), "column new was none, is optional VARCHAR"),
    "a further form": (lambda c: replace(c, forms=(*c.forms, Form(Container.CSV))), "form csv was none, is csv"),
    "known names": (lambda c: replace(c, forms=(replace(c.forms[0], known=()), c.forms[1])), "known of form json was"),
    "no longer required": (column("status", is_required=False), "is required of status was True, is False"),
    "enum widened": (column("status", allowed=(*ENUM, "x")), "allowed of status"),
    "enum dropped": (column("status", allowed=()), "allowed of status"),
    "range widened": (column("latitude", minimum=7, maximum=25), "minimum of latitude was 8, is 7"),
    "label": (column("status", label_vi="Tình trạng"), "label vi of status was Trạng thái, is Tình trạng"),
    "class tightened": (column("service_name", classification="internal"), "classification of service_name"),
    "freshness": (lambda c: replace(c, freshness=timedelta(minutes=7)), "freshness minutes was"),
    "rule dropped": (lambda c: replace(c, rules=c.rules[1:]), f"rule {FIRST} was"),
    "rule made a warning": (rule(FIRST, is_blocking=False), f"rule {FIRST} was"),
}


def versioned(change: Change, version: str) -> dict[str, Contract]:
    return {BASE.feed: replace(change(BASE), contract_version=version)}


RELEASED = {BASE.feed: shape_of(replace(BASE, contract_version="1.2.3"))}


def test_what_a_form_could_not_say_when_it_was_released_is_no_change() -> None:
    (released,) = RELEASED.values()
    older = {
        name: {fact: said for fact, said in form.items() if fact != "skip"} for name, form in released["forms"].items()
    }
    assert differences({**released, "forms": older}, released) == []
    skipping = shape_of(replace(BASE, forms=(replace(BASE.forms[0], skip={"a": "true"}), *BASE.forms[1:])))
    assert [one.what for one in differences({**released, "forms": older}, skipping) if one.rise is Rise.MAJOR] == [
        "skip of form json"
    ]


@pytest.mark.parametrize(("change", "told"), BREAKING.values(), ids=list(BREAKING))
def test_a_breaking_change_wants_a_major_version(change: Change, told: str) -> None:
    for version in ("1.2.3", "1.2.4", "1.3.0", "1.99.0"):
        with pytest.raises(ContractError) as caught:
            require_compatible(versioned(change, version), RELEASED)
        assert told in str(caught.value)
        assert f"released as 1.2.3, comes as {version} with a change that is breaking" in str(caught.value)
        assert "make it version 2.0.0" in str(caught.value)
    require_compatible(versioned(change, "2.0.0"), RELEASED)


@pytest.mark.parametrize(("change", "told"), COMPATIBLE.values(), ids=list(COMPATIBLE))
def test_a_compatible_change_wants_a_minor_version(change: Change, told: str) -> None:
    for version in ("1.2.3", "1.2.4"):
        with pytest.raises(ContractError) as caught:
            require_compatible(versioned(change, version), RELEASED)
        assert told in str(caught.value)
        assert "make it version 1.3.0" in str(caught.value)
    require_compatible(versioned(change, "1.3.0"), RELEASED)


def test_words_are_free_and_a_version_does_not_fall() -> None:
    require_compatible(versioned(column("status", description="other words"), "1.2.3"), RELEASED)
    with pytest.raises(ContractError, match="the version fell"):
        require_compatible(versioned(lambda contract: contract, "1.2.2"), RELEASED)
    with pytest.raises(ContractError, match=r"major\.minor\.patch, got 1\.2"):
        require_compatible(versioned(lambda contract: contract, "1.2"), RELEASED)


def test_a_feed_comes_freely_and_goes_only_when_it_is_said() -> None:
    require_compatible({BASE.feed: BASE}, {})
    with pytest.raises(ContractError, match=r"generate --retire feedback\.requests"):
        require_compatible({}, RELEASED)


def test_every_fact_of_a_column_is_judged() -> None:
    (before,), after = versioned(lambda c: c, "1.2.3").values(), versioned(without("address"), "1.2.3")[BASE.feed]
    assert [one.rise for one in differences(shape_of(before), shape_of(after))] == [Rise.MAJOR]
    facts = set(shape_of(BASE)["columns"]["status"])
    assert facts == set(Column.__dataclass_fields__) - {"name", "description"}


def test_the_file_of_released_shapes_is_json_whatever_a_form_is_told_apart_by() -> None:
    quoted = replace(BASE, forms=(replace(BASE.forms[0], when='"Property"'),))
    written = json.loads(released_text({BASE.feed: quoted}))
    assert written == {BASE.feed: json.loads(json.dumps(shape_of(quoted)))}


def test_the_released_shapes_of_the_tree_are_those_of_the_contracts(tmp_path: Path) -> None:
    contracts = read_contracts()
    released = read_released()
    require_compatible(contracts, released)
    assert list(released) == list(contracts)
    (tmp_path / "contracts").mkdir()
    assert "contracts/released.json" in generated.stale_files(contracts, tmp_path)
