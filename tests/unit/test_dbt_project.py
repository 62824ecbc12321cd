"""The dbt project, checked from its files alone: names, grains, keys, and the facts it shares with the contracts and the seeds."""

import csv
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from codegen.slot_models import has_register
from core.contract import read_contracts
from core.domains import domain_names
from core.settings import PROJECT
from quality.marts import keys_of

DBT = PROJECT / "dbt_project"
WITHOUT_THRESHOLD = {
    "now",
    "score_window_hours",
    "score_known_days",
    "ais_fishing_type",
    "maritime_boundary",
    "inpatient_visit_types",
    "bed_visit_type",
    "day_counting_visit_types",
    "facility_days_shown",
    "map_point_km",
    "map_vessel_km",
    "commune_agency_group",
    "check_in_hours_shown",
}
SQL_FILES = sorted((DBT / "models").rglob("*.sql"))
REAL_TIME = re.compile(r"\bnow\(|current_timestamp|current_date|today\(", re.IGNORECASE)


def read_yaml(path: Path) -> Any:
    """Read one file of the project."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def read_seed(name: str) -> list[dict[str, str]]:
    """Read one seed; every value is text."""
    with (DBT / "seeds" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def marts() -> list[Any]:
    """Return every mart's entry, over all domains."""
    files = sorted((DBT / "models" / "marts").glob("*/_*__models.yml"))
    return [model for file in files for model in read_yaml(file)["models"]]


def test_each_domain_has_the_marts_that_were_asked_for_and_an_entry_for_each() -> None:
    found = {
        folder.name: {path.stem for path in folder.glob("*.sql")} for folder in (DBT / "models" / "marts").iterdir()
    }
    assert found == {domain: set(keys_of(domain)) for domain in domain_names()}
    assert {model["name"] for model in marts()} == set().union(*found.values())


@pytest.mark.parametrize("model", marts(), ids=lambda model: str(model["name"]))
def test_a_mart_has_a_grain_an_enforced_contract_a_tested_key_and_both_languages(model: Any) -> None:
    assert re.search(r"One row per [^.]+\.$", model["description"].strip())
    assert model["config"]["contract"]["enforced"] is True
    keys = [test for test in model.get("data_tests", []) if isinstance(test, dict) and "unique_combination" in test]
    keys += [column["name"] for column in model["columns"] if "unique" in column.get("data_tests", [])]
    assert keys
    for description in (model["description"], *(column["description"] for column in model["columns"])):
        vietnamese, english = description.split(" / ", 1)
        assert vietnamese.strip()
        assert english.strip().endswith((".", ")"))


def test_no_mart_shows_a_column_that_a_contract_restricts() -> None:
    restricted = {
        column.name
        for contract in read_contracts().values()
        for column in contract.columns
        if column.classification == "restricted"
    }
    assert restricted >= {"abstract", "address", "date_of_birth", "description", "dropout_reason", "status_notes"}
    assert not restricted & {column["name"] for model in marts() for column in model["columns"]}


@pytest.mark.parametrize("path", SQL_FILES, ids=lambda path: path.stem)
def test_a_model_keeps_the_house_style(path: Path) -> None:
    sql = path.read_text(encoding="utf-8")
    assert sql.rstrip().endswith("select * from final") or path.stem.startswith("stg_")
    assert ("source(" in sql.replace("with source", "")) == path.stem.startswith("stg_")
    assert not REAL_TIME.search(sql)
    assert "snapshot_id" not in sql


def test_every_feed_has_a_staging_model() -> None:
    feeds = {contract.table for contract in read_contracts().values()}
    assert {path.stem.removeprefix("stg_") for path in SQL_FILES if path.stem.startswith("stg_")} >= feeds


def test_every_feed_of_full_lists_ends_what_its_lists_leave_out() -> None:
    promised = {
        contract.table: (
            f"ref('stg_{contract.table}_lists'), {list(contract.full_list.scope)}, "
            f"'{' || '.join(name for name in contract.key if name not in contract.full_list.scope)}'"
        )
        for contract in read_contracts().values()
        if contract.full_list
    }
    calls = {path.stem: " ".join(path.read_text(encoding="utf-8").split()) for path in SQL_FILES}
    assert promised.keys() == {"education__classes", "education__students"}
    for table, arguments in promised.items():
        assert [name for name, sql in calls.items() if arguments in sql] == [f"int_{table.split('__')[1]}_current"]


@pytest.mark.parametrize("seed", read_yaml(DBT / "seeds" / "_seeds.yml")["seeds"], ids=lambda seed: str(seed["name"]))
def test_a_seed_is_typed_column_by_column_and_its_codes_are_text(seed: Any) -> None:
    types = seed["config"]["column_types"]
    assert list(types) == list(read_seed(seed["name"])[0])
    assert {kind for name, kind in types.items() if name.endswith(("_code", "_id"))} <= {"varchar"}
    assert seed["config"]["tags"]


def test_every_seed_has_an_entry() -> None:
    entries = {seed["name"] for seed in read_yaml(DBT / "seeds" / "_seeds.yml")["seeds"]}
    assert entries == {path.stem for path in (DBT / "seeds").glob("*.csv")}


def test_sources_are_the_contracts_columns() -> None:
    tables = {
        table["name"]: {
            column["name"]: column.get("data_type") for column in table["columns"] if not column["name"].startswith("_")
        }
        for path in sorted((DBT / "models" / "staging").glob("*/_*__sources.yml"))
        for source in read_yaml(path)["sources"]
        for table in source["tables"]
    }
    assert tables == {
        contract.table: {column.name: column.physical_type.lower() for column in contract.columns}
        for contract in read_contracts().values()
    }


def test_feeds_are_the_contracts_promises() -> None:
    assert read_seed("feeds") == [
        {
            "feed": contract.feed,
            "domain": contract.domain,
            "label_vi": contract.label_vi,
            "owner": contract.owner,
            "cadence_minutes": f"{contract.cadence.total_seconds() / 60:.0f}",
            "freshness_minutes": f"{contract.freshness.total_seconds() / 60:.0f}",
            "freshness_limit_minutes": f"{contract.freshness_limit.total_seconds() / 60:.0f}",
            "expected_objects": contract.expected_objects or "",
            "is_refetchable": str(contract.is_refetchable).lower(),
            "lost_reason": contract.slots.lost or "",
            "slots_by": contract.slots.by,
            "slots_calendar": contract.slots.calendar,
            "slots_unknown_reason": contract.slots.reason or "",
            "has_register": str(has_register(contract)).lower(),
            "page_size": {"feedback.requests": "50", "public_services.dossiers": "500"}.get(contract.feed, ""),
        }
        for contract in read_contracts().values()
    ]


def test_states_of_a_case_are_those_the_contract_allows() -> None:
    allowed = read_contracts()["feedback.requests"].column("status").allowed
    assert tuple(row["status_code"] for row in read_seed("feedback_statuses")) == allowed


def test_variables_equal_the_thresholds_they_stand_for() -> None:
    variables = read_yaml(DBT / "dbt_project.yml")["vars"]
    lowest = {
        (row["domain"], row["key"], row["level"]): float(row["lo"]) for row in read_seed("thresholds") if row["lo"]
    }
    port_knots = next(float(row["hi"]) for row in read_seed("thresholds") if row["key"] == "port_speed")
    assert {
        "dropout_alert_percent": lowest["education", "dropout_percent", "alert"],
        "slots_per_hour": lowest["environment", "slots_per_hour", "expected"],
        "valid_hour_share": lowest["environment", "data_capture_share", "valid"] / 100,
        "nowcast_hours": lowest["environment", "nowcast_hours", "window"],
        "parameter_silence_days": lowest["environment", "parameter_silence", "expected"],
        "satisfied_from_rating": lowest["feedback", "satisfied_rating", "satisfied"],
        "services_satisfied_from_rating": lowest["public_services", "satisfied_rating", "satisfied"],
        "least_cell": lowest["privacy", "least_cell", "shown"],
        "bed_occupancy_green_from": lowest["health", "bed_occupancy", "green"],
        "bed_occupancy_yellow_above": lowest["health", "bed_occupancy", "yellow"],
        "bed_occupancy_red_above": lowest["health", "bed_occupancy", "red"],
        "claim_lag_days": lowest["health", "claim_lag", "known"],
        "open_stay_days": lowest["health", "open_stay", "ended"],
        "usual_visit_hours": lowest["health", "usual_visit", "ended"],
        "longest_wait_hours": lowest["health", "longest_wait", "ended"],
        "insurance_pace_yellow_from": lowest["health", "insurance_pace", "yellow"],
        "insurance_pace_red_from": lowest["health", "insurance_pace", "red"],
        "least_reported_percent": lowest["health", "reported_communes", "compared"],
        "weekly_count_days": lowest["health", "weekly_count", "due"],
        "weekly_counts_green_from": lowest["health", "weekly_counts", "green"],
        "weekly_counts_yellow_from": lowest["health", "weekly_counts", "yellow"],
        "cluster_weeks": lowest["health", "disease_cluster", "window"],
        "silence_hours": lowest["fisheries", "silence", "warning"],
        "silence_days": lowest["fisheries", "silence", "critical"] / 24,
        "vms_slot_hours": lowest["fisheries", "vms_slot", "expected"],
        "vms_obliged_length_m": lowest["fisheries", "vms_length", "obliged"],
        "licence_notice_days": lowest["fisheries", "licence_notice", "ending"],
        "late_packet_minutes": lowest["fisheries", "late_packet", "expected"],
        "operator_silence_hours": lowest["fisheries", "operator_silence", "critical"],
        "operator_least_vessels": lowest["fisheries", "operator_vessels", "least"],
        "port_knots": port_knots,
        "outlier_knots": lowest["fisheries", "speed", "suspicious"],
        "teleport_knots": lowest["fisheries", "implied_speed", "suspicious"],
        "near_boundary_nm": lowest["fisheries", "boundary", "near"],
        "boundary_reach_nm": lowest["fisheries", "boundary", "reach"],
        "exact_position_degrees": lowest["fisheries", "position_step", "exact"],
        "hysteresis_fixes": lowest["fisheries", "boundary_fixes", "confirmed"],
        "epidemic_years": lowest["health", "epidemic_years", "history"],
        "epidemic_deviations": lowest["health", "epidemic_deviations", "threshold"],
        "alert_agency_days": lowest["cyber", "alert_agency_days", "window"],
        "press_burst_days": lowest["press", "burst", "history"],
        "offender_days": lowest["quality", "offender_days", "window"],
        "offender_red_days": lowest["quality", "offender_red_days", "repeat"],
        "slot_start_days": lowest["quality", "slot_start", "first"],
        "small_answer_percent": lowest["quality", "answer_share", "small"],
        "comparable_answers": lowest["quality", "comparable_answers", "history"],
        "comparable_answers_least": lowest["quality", "comparable_answers", "least"],
    } == {name: value for name, value in variables.items() if name not in WITHOUT_THRESHOLD}


def test_the_boundary_that_is_chosen_is_a_line_and_says_that_it_is_simulated() -> None:
    chosen = read_yaml(DBT / "dbt_project.yml")["vars"]["maritime_boundary"]
    vertices = [row for row in read_seed("maritime_boundaries") if row["boundary_code"] == chosen]
    assert [int(row["vertex_number"]) for row in vertices] == list(range(1, len(vertices) + 1))
    assert len(vertices) >= 3
    assert {row["verified"] for row in vertices} == {"false"}
    assert all("giả lập" in row["boundary_name"] for row in vertices)


def test_bands_of_vn_aqi_cover_0_to_500_without_a_hole_and_equal_the_thresholds() -> None:
    bands = [(row["band_code"], int(row["index_low"]), int(row["index_high"])) for row in read_seed("vn_aqi_bands")]
    assert bands[0][1] == 0
    assert bands[-1][2] == 500
    assert all(later[1] == earlier[2] + 1 for earlier, later in pairwise(bands))
    levels = [row for row in read_seed("thresholds") if row["key"] == "vn_aqi"]
    assert bands == [(row["level"], int(row["lo"]), int(row["hi"])) for row in levels]


def test_breakpoints_of_vn_aqi_rise_step_by_step_from_zero() -> None:
    steps: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in read_seed("vn_aqi_breakpoints"):
        steps.setdefault((row["parameter_code"], row["averaging"]), []).append(row)
    assert {key: int(rows[-1]["concentration_high"]) for key, rows in steps.items()} == {
        ("O3", "1h"): 1200,
        ("O3", "8h"): 400,
        ("CO", "1h"): 150_000,
        ("SO2", "1h"): 2630,
        ("NO2", "1h"): 3850,
        ("PM10", "24h"): 600,
        ("PM2.5", "24h"): 500,
    }
    for rows in steps.values():
        assert (rows[0]["index_low"], rows[0]["concentration_low"]) == ("0", "0")
        for earlier, later in pairwise(rows):
            assert later["index_low"] == earlier["index_high"]
            assert later["concentration_low"] == earlier["concentration_high"]
            assert int(later["concentration_high"]) > int(later["concentration_low"])


def test_classes_of_river_water_widen_from_a_to_c_and_say_that_they_are_not_verified() -> None:
    classes: dict[str, list[dict[str, str]]] = {}
    for row in read_seed("water_classes"):
        classes.setdefault(row["parameter_code"], []).append(row)
        assert row["verified"] == "false"
    assert set(classes) == {"pH", "COD", "TOC", "TSS", "DO", "TP", "TN"}
    for rows in classes.values():
        assert [row["water_class"] for row in rows] == ["A", "B", "C"]
        for better, worse in pairwise(rows):
            assert float(worse["lowest_value"] or "-inf") <= float(better["lowest_value"] or "-inf")
            assert float(worse["highest_value"] or "inf") >= float(better["highest_value"] or "inf")


def test_scores_are_levelled_by_thresholds_without_a_hole() -> None:
    levels = {
        row["level"]: (float(row["lo"]), float(row["hi"]))
        for row in read_seed("thresholds")
        if (row["domain"], row["key"]) == ("quality", "score")
    }
    assert levels == {"green": (90, 100), "yellow": (75, 90), "red": (0, 75)}


def test_score_weights_name_every_axis_once_and_weigh_it() -> None:
    weights = read_seed("score_weights")
    named = [row["component"] for row in weights if row["axis"] == "score"]
    assert named == ["correct", "complete", "clean", "live", "consistent"]
    assert {row["axis"] for row in weights} == {*named, "score"}
    assert all(float(row["weight"]) > 0 for row in weights)


def test_each_engine_says_everything_that_is_dispatched_once() -> None:
    engine = DBT / "macros" / "engine"
    named = {
        path.stem: re.findall(r"{% macro (\w+)\(", path.read_text(encoding="utf-8")) for path in engine.glob("*.sql")
    }
    assert len(named["dispatch"]) == 44
    assert {name: set(told) for name, told in named.items() if name in {"duckdb", "trino"}} == {
        name: {f"{name}__{macro}" for macro in named["dispatch"]} for name in ("duckdb", "trino")
    }
    assert [name for name, told in named.items() if len(told) != len(set(told))] == []
