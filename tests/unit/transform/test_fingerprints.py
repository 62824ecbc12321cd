"""A digest of a model changes with what the model is made of, and with nothing else."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

import pytest

from core.settings import PROJECT
from transform.build import DBT_PROJECT
from transform.dbt_process import project_variables, seed_digests
from transform.fingerprints import changed, fingerprints

Manifest = dict[str, Any]


def model(name: str, code: str, *nodes: str, macros: tuple[str, ...] = (), **columns: str) -> Manifest:
    """Return a model's node as dbt writes it, as far as it matters."""
    return {
        "name": name,
        "resource_type": "model",
        "package_name": "house",
        "raw_code": code,
        "columns": {column: {"name": column, "data_type": kind} for column, kind in columns.items()},
        "depends_on": {"nodes": [*nodes], "macros": [*macros]},
        "description": "",
    }


def macro(package: str, sql: str, *macros: str) -> Manifest:
    """Return a macro as dbt writes it."""
    return {"package_name": package, "macro_sql": sql, "depends_on": {"macros": [*macros]}}


STAGING, HOURS, ALERTS, CASES = (
    "model.house.stg_readings",
    "model.house.hours",
    "model.house.alerts",
    "model.house.cases",
)
STATIONS = "seed.house.stations"
ROUNDED, DIGITS, LIMIT, REF = "macro.house.rounded", "macro.house.digits", "macro.house.limit", "macro.dbt.ref"

MANIFEST: Manifest = {
    "nodes": {
        STAGING: model("stg_readings", "select * from {{ source('bronze', 'readings') }}", "source.house.bronze.readings"),
        HOURS: model(
            "hours",
            "select {{ rounded('value') }} from {{ ref('stg_readings') }} join {{ ref('stations') }}",
            STATIONS,
            STAGING,
            macros=(REF, ROUNDED),
            value="double",
        ),
        ALERTS: model(
            "alerts", "select * from {{ ref('hours') }} where value > {{ limit() }}", HOURS, macros=(LIMIT,), value="double"
        ),
        CASES: model("cases", "select {{ var('satisfied') }} as satisfied", satisfied="integer"),
        STATIONS: {"name": "stations", "resource_type": "seed", "package_name": "house", "raw_code": ""},
        "test.house.unique_hours": {"name": "unique_hours", "resource_type": "test", "depends_on": {"nodes": [HOURS], "macros": []}},
    },
    "macros": {
        ROUNDED: macro("house", "round({{ column }}, {{ digits() }})", DIGITS),
        DIGITS: macro("house", "{{ var(\"digits\", 3) }}"),
        LIMIT: macro("house", "{{ var( 'limit' ) }}", LIMIT),
        REF: macro("dbt", "{{ builtins.ref() }}"),
    },
}  # fmt: skip
VARIABLES: Mapping[str, object] = {"digits": 1, "limit": 100, "satisfied": 4, "unused": 1}
SEEDS = {"stations": "digest of a file", "communes": "digest of another"}
MODELS = {"alerts", "cases", "hours", "stg_readings"}
AND_WHAT_HANGS_ON_IT = {"hours", "alerts"}


def moved(
    change: Callable[[Manifest], object] = lambda manifest: None,
    variables: Mapping[str, object] = VARIABLES,
    seeds: Mapping[str, str] = SEEDS,
) -> set[str]:
    """Return the models whose digest differs after a change."""
    after = deepcopy(MANIFEST)
    change(after)
    return set(changed(fingerprints(MANIFEST, VARIABLES, SEEDS), fingerprints(after, variables, seeds)))


def test_every_model_has_a_digest_and_nothing_else_has() -> None:
    found = fingerprints(MANIFEST, VARIABLES, SEEDS)
    assert set(found) == MODELS
    assert len(set(found.values())) == len(MODELS)
    assert found == fingerprints(deepcopy(MANIFEST), dict(VARIABLES), dict(SEEDS))


def test_nothing_changed_changes_nothing() -> None:
    assert moved() == set()


def test_the_order_in_which_dbt_lists_things_changes_nothing() -> None:
    def turn(manifest: Manifest) -> None:
        manifest["nodes"] = dict(reversed(manifest["nodes"].items()))
        for node in (HOURS, ALERTS):
            for kind in ("nodes", "macros"):
                manifest["nodes"][node]["depends_on"][kind].reverse()

    assert moved(turn) == set()


@pytest.mark.parametrize(
    ("change", "models"),
    [
        (lambda nodes, _: nodes[STAGING].update(raw_code="select 1"), {"stg_readings"} | AND_WHAT_HANGS_ON_IT),
        (lambda nodes, _: nodes[HOURS].update(raw_code="select 1"), AND_WHAT_HANGS_ON_IT),
        (lambda nodes, _: nodes[ALERTS].update(raw_code="select 1"), {"alerts"}),
        (lambda nodes, _: nodes[HOURS]["columns"]["value"].update(data_type="integer"), AND_WHAT_HANGS_ON_IT),
        (lambda nodes, _: nodes[ALERTS]["columns"].update(code={"data_type": "varchar"}), {"alerts"}),
        (lambda nodes, _: nodes[ALERTS]["depends_on"]["nodes"].append(CASES), {"alerts"}),
        (lambda _, macros: macros[ROUNDED].update(macro_sql="{{ column }}"), AND_WHAT_HANGS_ON_IT),
        (lambda _, macros: macros[DIGITS].update(macro_sql="2"), AND_WHAT_HANGS_ON_IT),
        (lambda _, macros: macros[LIMIT].update(macro_sql="200"), {"alerts"}),
        (lambda _, macros: macros[REF].update(macro_sql="of a new dbt"), set()),
        (lambda nodes, _: nodes[HOURS].update(description="in other words"), set()),
        (lambda nodes, _: nodes["test.house.unique_hours"].update(depends_on={"nodes": [], "macros": []}), set()),
    ],
    ids=[
        "the model at the bottom",
        "a model in the middle",
        "the model on top",
        "a column's type",
        "a new column",
        "one more model below",
        "a macro",
        "a macro that a macro uses",
        "a macro that calls itself",
        "a macro of dbt's own",
        "a description",
        "a test",
    ],
)
def test_a_change_moves_what_is_made_of_it(change: Callable[[Any, Any], object], models: set[str]) -> None:
    assert moved(lambda manifest: change(manifest["nodes"], manifest["macros"])) == models


@pytest.mark.parametrize(
    ("variable", "models"),
    [("digits", AND_WHAT_HANGS_ON_IT), ("limit", {"alerts"}), ("satisfied", {"cases"}), ("unused", set())],
    ids=["in a macro that a macro uses", "in a macro", "in a model", "nowhere"],
)
def test_a_variable_moves_the_models_that_read_it_and_those_above(variable: str, models: set[str]) -> None:
    assert moved(variables={**VARIABLES, variable: 7}) == models
    assert moved(variables={**VARIABLES, variable: str(VARIABLES[variable])}) == models  # text is not a number
    assert moved(variables={name: value for name, value in VARIABLES.items() if name != variable}) == models


def test_a_reference_list_moves_the_models_that_read_it_and_those_above() -> None:
    assert moved(seeds={**SEEDS, "stations": "digest of a new file"}) == AND_WHAT_HANGS_ON_IT
    assert moved(seeds={**SEEDS, "communes": "digest of a new file"}) == set()


@pytest.mark.parametrize(
    ("before", "now", "whole"),
    [
        (None, {"b": "1", "a": "1"}, ["a", "b"]),
        ({}, {"a": "1"}, ["a"]),
        ({"a": "1", "b": "1"}, {"a": "1", "b": "1"}, []),
        ({"a": "1", "b": "1"}, {"a": "1", "b": "2", "c": "1"}, ["b", "c"]),
        ({"a": "1", "gone": "1"}, {"a": "1"}, []),
    ],
    ids=["nothing is known", "nothing was built", "the same", "one other, one new", "one gone"],
)
def test_what_is_not_as_it_was_built_is_built_whole(
    before: dict[str, str] | None, now: dict[str, str], whole: list[str]
) -> None:
    assert changed(before, now) == whole


def test_variables_and_reference_lists_are_those_of_the_project() -> None:
    assert DBT_PROJECT == PROJECT / "dbt_project"
    assert {"now", "slots_per_hour", "least_cell", "maritime_boundary"} <= set(project_variables())
    digests = seed_digests()
    assert set(digests) == {path.stem for path in (DBT_PROJECT / "seeds").glob("*.csv")}
    assert len(set(digests.values())) == len(digests) > 10
