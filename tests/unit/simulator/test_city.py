"""The same seed gives the same bytes, everywhere; the truth and the counts agree with what is in the files."""

import hashlib
import json
import re
import subprocess
import sys
from datetime import date, timedelta
from itertools import pairwise
from math import cos, hypot, radians
from pathlib import Path

import polars as pl
import pyais
import pytest
from polars.testing import assert_frame_equal

from core.contract import read_contracts
from core.errors import ConfigurationError, UnknownNameError
from core.settings import PROJECT
from simulator.chance import chance
from simulator.city import SimulatedDay, folder_of, simulate
from simulator.declared import declared_contracts
from simulator.faults import (
    ACCIDENTS,
    AIS,
    ALERTS,
    ATTENDANCE,
    CALLS,
    CLAIMS,
    CLASSES,
    CLOSURES,
    DEMO_FAULTS,
    DISEASES,
    DOSSIERS,
    FEEDBACK,
    FLOWS,
    INCIDENTS,
    INDICATORS,
    NO_FAULTS,
    PRESS,
    RAIN,
    RATINGS,
    READINGS,
    REGISTRY,
    RESERVOIRS,
    RIVERS,
    SCHOOLS,
    SLOPES,
    STUDENTS,
    VMS,
    WARNINGS,
    FaultKind,
    FaultProfile,
    deal_faults,
    fault_profile,
)
from simulator.truth import TABLES, read_truth

DECLARED = {contract.feed: contract for contract in declared_contracts(read_contracts())}
FEEDS = (
    READINGS,
    RIVERS,
    FEEDBACK,
    VMS,
    AIS,
    REGISTRY,
    CLAIMS,
    DISEASES,
    SCHOOLS,
    CLASSES,
    STUDENTS,
    ATTENDANCE,
    DOSSIERS,
    RATINGS,
    CALLS,
    WARNINGS,
    INCIDENTS,
    PRESS,
    FLOWS,
    ACCIDENTS,
    CLOSURES,
    ALERTS,
    INDICATORS,
    RAIN,
    RESERVOIRS,
    SLOPES,
    *DECLARED,
)
RUN = """
import sys
from datetime import date
from pathlib import Path
from simulator.city import simulate
from simulator.faults import DEMO_FAULTS
simulate(date.fromisoformat(sys.argv[1]), int(sys.argv[2]), DEMO_FAULTS, Path(sys.argv[3]))
"""


def digest_of(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(f"{path.relative_to(folder)} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def test_same_seed_gives_the_same_bytes_in_another_process_with_another_hash_seed_and_time_zone(
    faulty_day: SimulatedDay, tmp_path: Path
) -> None:
    subprocess.run(
        [sys.executable, "-c", RUN, faulty_day.day.isoformat(), str(faulty_day.seed), str(tmp_path / "again")],
        env={"PYTHONHASHSEED": "7", "TZ": "America/Los_Angeles", "PYTHONPATH": str(PROJECT), "LC_ALL": "C"},
        check=True,
        timeout=120,
    )
    assert digest_of(tmp_path / "again") == digest_of(faulty_day.folder)


def test_another_seed_gives_another_day_and_simulating_again_leaves_nothing_of_it(
    good_day: SimulatedDay, tmp_path: Path
) -> None:
    simulate(good_day.day, good_day.seed + 1, NO_FAULTS, tmp_path)
    assert digest_of(tmp_path) != digest_of(good_day.folder)
    simulate(good_day.day, good_day.seed, NO_FAULTS, tmp_path)
    assert digest_of(tmp_path) == digest_of(good_day.folder)


def test_a_folder_with_other_things_is_refused_and_untouched(tmp_path: Path) -> None:
    (tmp_path / "thesis.doc").write_text("years of work")
    with pytest.raises(ConfigurationError, match=r"thesis\.doc"):
        simulate(date(2026, 11, 20), 1, None, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.doc"]


def test_a_day_without_faults_is_complete(good_day: SimulatedDay) -> None:
    heights = {name: frame.height for name, frame in good_day.truth.items()}
    assert set(heights) == {*TABLES, *(contract.table for contract in DECLARED.values())}
    assert good_day.files["environment"] == 20 * 288
    assert (heights["readings"], heights["feedback_cases"], heights["vessels"]) == (
        14 * 288 * 8 + 6 * 288 * 6,
        300,
        200,
    )
    assert (heights["faults"], heights["quarantine"]) == (0, 0)
    assert good_day.truth["ledger"]["quarantined"].to_list() == [0] * len(FEEDS)


def test_the_truth_on_disk_is_the_truth_given(faulty_day: SimulatedDay) -> None:
    read = read_truth(faulty_day.folder / "truth")
    assert set(read) == set(faulty_day.truth)
    for name, frame in faulty_day.truth.items():
        assert_frame_equal(read[name], frame)
        assert name not in TABLES or dict(frame.schema) == dict(TABLES[name])


def test_every_key_of_the_truth_is_unique(faulty_day: SimulatedDay) -> None:
    keys = {
        "readings": ["station_id", "parameter_code", "measured_at"],
        "river_levels": ["gauge_id", "measured_at"],
        "feedback_versions": ["service_request_id", "version_at"],
        "feedback_cases": ["service_request_id"],
        "vms_positions": ["vessel_id", "fixed_at"],
        "ais_positions": ["mmsi", "heard_at"],
        "vessels": ["mmsi"],
        "vessel_registry": ["vessel_id", "listed_at"],
        "health_claims": ["facility_code", "claim_id"],
        "health_check_ins": ["facility_code", "claim_id"],
        "disease_counts": ["disease_code", "measure_code", "commune_code", "week_start_date"],
        "disease_case_lines": ["case_code", "reported_at"],
        "pupils": ["school_year", "student_id"],
        "school_classes": ["school_year", "school_code", "class_code"],
        "class_days": ["school_code", "class_code", "attendance_date"],
        "dossier_versions": ["dossier_id", "changed_at"],
        "dossiers": ["dossier_id"],
        "dossier_ratings": ["dossier_id", "rated_at"],
        "calls": ["call_id"],
        "warnings": ["identifier"],
        "warning_places": ["identifier", "commune_code"],
        "incident_versions": ["incident_id", "updated_at"],
        "press_articles": ["article_url", "title"],
        "traffic_flows": ["section_code", "lane_number", "vehicle_type", "started_at"],
        "accident_versions": ["accident_id", "updated_at"],
        "closure_versions": ["situation_id", "version_at"],
        "threat_indicators": ["indicator_id", "modified_at"],
        "cyber_events": ["source_id", "event_kind_code", "alert_id", "status_code", "observed_at"],
        "rain_readings": ["station_id", "measured_at"],
        "reservoir_readings": ["channel_id", "measured_at"],
        "slope_readings": ["sensor_id", "measured_at"],
    }
    twice = {name: int(faulty_day.truth[name].select(key).is_duplicated().sum()) for name, key in keys.items()}
    assert twice == dict.fromkeys(keys, 0)


def test_nothing_true_happens_after_the_day(faulty_day: SimulatedDay) -> None:
    late = {
        name: faulty_day.truth[name].filter(pl.col(column) >= faulty_day.ends_at).height
        for name, column in (
            ("readings", "measured_at"),
            ("river_levels", "measured_at"),
            ("feedback_cases", "version_at"),
            ("vms_positions", "fixed_at"),
            ("ais_positions", "heard_at"),
            ("vessel_registry", "listed_at"),
            ("health_claims", "discharged_at"),
            ("health_check_ins", "checked_in_at"),
            ("disease_case_lines", "reported_at"),
            ("pupils", "exported_at"),
            ("class_days", "exported_at"),
            ("dossier_ratings", "rated_at"),
            ("calls", "started_at"),
            ("warnings", "sent_at"),
            ("incident_versions", "updated_at"),
            ("press_articles", "published_at"),
            ("traffic_flows", "started_at"),
            ("accident_versions", "updated_at"),
            ("closure_versions", "version_at"),
            ("cyber_events", "observed_at"),
            ("threat_indicators", "modified_at"),
            ("rain_readings", "measured_at"),
            ("reservoir_readings", "measured_at"),
            ("slope_readings", "measured_at"),
        )
    }
    assert late == dict.fromkeys(late, 0)


def test_every_kind_of_fault_is_injected_as_often_as_asked_and_written_down(faulty_day: SimulatedDay) -> None:
    emitted = faulty_day.truth["faults"].filter(~pl.col("feed").is_in([*DECLARED]))
    noted = emitted.group_by("feed", "fault").len().rows()
    assert {(feed, fault): count for feed, fault, count in noted} == {
        (feed, fault.value): count for feed, fault, count in DEMO_FAULTS.counts
    }
    assert {fault for _, fault, _ in DEMO_FAULTS.counts} == set(FaultKind)


def test_faults_and_quarantine_tell_the_same_counts(faulty_day: SimulatedDay) -> None:
    from_faults = (
        faulty_day.truth["faults"]
        .filter(pl.col("outcome") == "quarantined")
        .group_by("feed", "error_group")
        .agg(pl.col("records").sum())
    )
    assert_frame_equal(from_faults, faulty_day.truth["quarantine"], check_row_order=False)
    per_feed = dict(faulty_day.truth["quarantine"].group_by("feed").agg(pl.col("records").sum()).rows())
    assert per_feed == dict(faulty_day.truth["ledger"].select("feed", "quarantined").rows())


def test_the_ledger_counts_the_records_that_lie_in_the_files(faulty_day: SimulatedDay) -> None:
    def pieces(folder: str, header_lines: int) -> tuple[int, int]:
        contents = [path.read_bytes() for path in (faulty_day.folder / folder).iterdir()]
        lines = sum(len([line for line in content.split(b"\n") if line.strip()]) for content in contents)
        return len(contents), lines - header_lines * len(contents)

    claims = [path.read_bytes() for path in (faulty_day.folder / "health_claims").iterdir()]
    miscounted = sum(content.count(b"<HOSO>") != int(content.split(b"SOLUONGHOSO>")[1][:-2]) for content in claims)
    diseases = [path.read_text() for path in (faulty_day.folder / "disease").iterdir()]
    values = sum(len(json.loads(text)["dataValues"]) for text in diseases if text.startswith("{"))
    rows = sum(len(text.splitlines()) - 1 for text in diseases if not text.startswith("{"))
    warned = [path.read_bytes() for path in (faulty_day.folder / "warnings_messages").iterdir()]
    incidents = [path.read_text() for path in (faulty_day.folder / "security_incidents").iterdir()]
    polls = [path.read_text() for path in (faulty_day.folder / "water_reservoirs").iterdir()]
    entries = json.loads((faulty_day.folder / "feedback" / "requests.json").read_bytes())
    dossiers = json.loads((faulty_day.folder / "public_services" / "dossiers.json").read_bytes())
    flows = [path.read_text() for path in (faulty_day.folder / "traffic_flows").iterdir()]
    closures = [path.read_bytes() for path in (faulty_day.folder / "traffic_closures").iterdir()]
    feeds = [
        [] if b"DOCTYPE" in content or not content.endswith(b">\n") else re.findall(rb"<(?:item|entry)>", content)
        for content in (path.read_bytes() for path in (faulty_day.folder / "press_articles").iterdir())
    ]
    logs = [path.read_text() for path in (faulty_day.folder / "cyber_alerts").iterdir()]
    logged = [line for text in logs for line in text.splitlines() if line not in "[]" and '"flow", "flow"' not in line]
    bundles = [json.loads(path.read_bytes()) for path in (faulty_day.folder / "cyber_indicators").iterdir()]
    counted = {
        READINGS: pieces("environment", 0),
        RIVERS: pieces("river_levels", 1),
        FEEDBACK: (0, len(entries)),
        VMS: pieces("vms", 0),
        AIS: pieces("ais", 0),
        REGISTRY: pieces("vessels", 1),
        CLAIMS: (len(claims), sum(content.count(b"<FILEHOSO>") for content in claims) + miscounted),
        DISEASES: (len(diseases), values + rows),
        DOSSIERS: (0, len(dossiers)),
        RATINGS: pieces("public_services_ratings", 1),
        CALLS: pieces("hotline_calls", 1),
        WARNINGS: (len(warned), sum(content.count(b"</alert>") for content in warned)),
        INCIDENTS: (len(incidents), sum(len(json.loads(text)["vu_viec"]) for text in incidents)),
        FLOWS: (len(flows), sum(len(json.loads(text)) for text in flows)),
        ACCIDENTS: pieces("traffic_accidents", 1),
        CLOSURES: (len(closures), sum(content.count(b"</d2:situation>") for content in closures)),
        RAIN: pieces("water_rain", 1),
        SLOPES: pieces("water_landslide_sensors", 1),
        RESERVOIRS: (len(polls), sum(len(json.loads(json.loads(text)["d"])["Data"]) for text in polls)),
        PRESS: (len(feeds), sum(len(listed) or 1 for listed in feeds)),
        ALERTS: (len(logs), len(logged)),
        INDICATORS: (len(bundles), sum(len(bundle["objects"]) for bundle in bundles)),
    } | {feed: pieces(folder_of(contract), 1) for feed, contract in DECLARED.items()}
    ledger = faulty_day.truth["ledger"].select("feed", "deliveries", "received").rows()
    assert {feed: tuple(rest) for feed, *rest in ledger if feed in counted} == counted
    assert tuple(row[0] for row in ledger) == FEEDS


def test_the_books_balance(faulty_day: SimulatedDay) -> None:
    sums = pl.col("accepted") + pl.col("duplicate") + pl.col("quarantined")
    assert faulty_day.truth["ledger"].filter(pl.col("received") != sums).is_empty()
    accepted = dict(faulty_day.truth["ledger"].select("feed", "accepted").rows())
    heights = {name: frame.height for name, frame in faulty_day.truth.items()}
    assert accepted[READINGS] == heights["readings"]
    assert accepted[RIVERS] == heights["river_levels"]
    assert accepted[FEEDBACK] == heights["feedback_versions"]
    assert accepted[DOSSIERS] == heights["dossier_versions"]
    assert accepted[RATINGS] == heights["dossier_ratings"]
    assert accepted[CALLS] == heights["calls"]
    assert accepted[WARNINGS] == heights["warnings"]
    assert accepted[INCIDENTS] == heights["incident_versions"]
    assert accepted[PRESS] == heights["press_articles"]
    assert accepted[FLOWS] == heights["traffic_flows"]
    assert accepted[ACCIDENTS] == heights["accident_versions"]
    assert accepted[CLOSURES] == heights["closure_versions"]
    assert accepted[ALERTS] == heights["cyber_events"]
    assert accepted[INDICATORS] == heights["threat_indicators"]
    assert accepted[RAIN] == heights["rain_readings"]
    assert accepted[SLOPES] == heights["slope_readings"]
    assert accepted[RESERVOIRS] == heights["reservoir_readings"]
    assert accepted[VMS] == heights["vms_positions"]
    assert accepted[REGISTRY] == heights["vessel_registry"]
    assert accepted[DISEASES] == sum(heights[name] for name in heights if name.startswith("disease_"))


def test_some_agencies_have_no_case_and_each_case_has_one_that_exists(faulty_day: SimulatedDay) -> None:
    agencies = pl.read_csv(PROJECT / "dbt_project" / "seeds" / "agencies.csv", infer_schema=False)["agency_code"]
    used = set(faulty_day.truth["feedback_versions"]["agency_code"])
    assert used <= set(agencies)
    assert len(set(agencies)) == 85
    assert len(set(agencies) - used) >= 9


def test_a_rating_after_the_closing_does_not_move_the_time_of_closing(good_day: SimulatedDay) -> None:
    cases, versions = good_day.truth["feedback_cases"], good_day.truth["feedback_versions"]
    first_closed = (
        versions.filter(pl.col("status") == "closed").group_by("service_request_id").agg(pl.col("version_at").min())
    )
    closed = cases.filter(pl.col("status") == "closed").select(
        "service_request_id", pl.col("closed_at").alias("version_at")
    )
    assert_frame_equal(closed, first_closed, check_row_order=False)
    assert cases.filter(
        pl.col("satisfaction_rating").is_not_null() & (pl.col("version_at") <= pl.col("closed_at"))
    ).is_empty()


def test_no_vessel_jumps_but_those_whose_device_does(good_day: SimulatedDay) -> None:
    fastest: dict[str, float] = {}
    for (vessel,), fixes in good_day.truth["vms_positions"].sort("vessel_id", "fixed_at").group_by("vessel_id"):
        for before, after in pairwise(fixes.select("latitude", "longitude", "fixed_at").rows()):
            north = (after[0] - before[0]) * 111.2
            east = (after[1] - before[1]) * 111.2 * cos(radians(before[0]))
            knots = hypot(north, east) / 1.852 / ((after[2] - before[2]).total_seconds() / 3600)
            fastest[str(vessel)] = max(fastest.get(str(vessel), 0.0), knots)
    jumping = vessels_that(good_day, "teleport")
    assert len(jumping) == 2
    assert min(fastest.pop(vessel) for vessel in jumping) > 40
    assert 5 < max(fastest.values()) < 12


def vessels_that(day: SimulatedDay, event: str) -> set[str]:
    return set(day.truth["vessel_events"].filter(pl.col("event") == event)["vessel_id"])


def test_one_operator_falls_silent_with_all_its_vessels(good_day: SimulatedDay) -> None:
    positions, registry = good_day.truth["vms_positions"], good_day.truth["vessel_registry"]
    silent = vessels_that(good_day, "operator_silent")
    assert len(silent) == 26
    of_operator = set(registry.filter(pl.col("operator_code") == "VMS-GL3")["vessel_id"])
    assert of_operator == silent
    fixes = positions.filter(pl.col("vessel_id").is_in(silent))
    assert fixes.filter(pl.col("fixed_at") >= good_day.ends_at - timedelta(hours=9)).is_empty()
    assert not fixes.filter(pl.col("fixed_at") >= good_day.ends_at - timedelta(hours=9, minutes=30)).is_empty()


def test_the_registry_does_not_know_some_and_knows_some_that_are_never_heard(good_day: SimulatedDay) -> None:
    listed = set(good_day.truth["vessel_registry"]["vessel_id"])
    sailing = set(good_day.truth["vessels"]["vessel_id"])
    assert sailing - listed == vessels_that(good_day, "unknown_vessel")
    assert len(sailing - listed) == 3
    assert len(listed - sailing) == 4


def test_lost_vessels_told_their_last_position_eleven_days_ago(good_day: SimulatedDay) -> None:
    lost = vessels_that(good_day, "lost_at_sea")
    fixes = good_day.truth["vms_positions"].filter(pl.col("vessel_id").is_in(lost))
    assert len(lost) == 3
    assert fixes.height == 9
    assert fixes["fixed_at"].max() == good_day.ends_at - timedelta(days=12)
    assert not set(good_day.truth["vessels"].filter(pl.col("vessel_id").is_in(lost))["mmsi"]) & set(
        good_day.truth["ais_positions"]["mmsi"]
    )


def test_a_silent_vessel_says_nothing_and_leaves_a_gap(good_day: SimulatedDay) -> None:
    silences = good_day.truth["vessel_events"].filter(pl.col("event") == "silent_at_sea")
    assert silences.height == 12
    positions = good_day.truth["vms_positions"].join(silences, on="vessel_id")
    assert positions.filter(pl.col("fixed_at").is_between("started_at", "ended_at", closed="left")).is_empty()
    ended = silences.filter(pl.col("ended_at") < good_day.ends_at - timedelta(hours=3))["vessel_id"]
    assert set(ended) <= set(good_day.truth["vessel_gaps"]["vessel_id"])
    assert good_day.truth["vessel_gaps"].filter(pl.col("hours") <= 6).is_empty()


def test_the_sentences_decode_to_the_true_positions(good_day: SimulatedDay) -> None:
    decoded = []
    for path in sorted((good_day.folder / "ais").iterdir()):
        for line in path.read_text().splitlines():
            sentence = line.rsplit("\\", 1)[1]
            if sentence.startswith("!AIVDM,1,"):
                message = pyais.decode(sentence)
                if message.msg_type in (1, 18):
                    has_position = message.lat != 91
                    decoded.append(
                        (
                            f"{message.mmsi:09d}",
                            message.msg_type,
                            *(
                                (message.lat, message.lon, message.speed, message.course)
                                if has_position
                                else (None,) * 4
                            ),
                        )
                    )
    truth = good_day.truth["ais_positions"].drop("heard_at")
    seen = pl.DataFrame(decoded, schema=truth.schema, orient="row")
    assert_frame_equal(seen, truth, check_row_order=False, abs_tol=2e-6, rel_tol=0)


@pytest.mark.parametrize(("text", "expected"), [("none", NO_FAULTS), ("demo", DEMO_FAULTS)])
def test_fault_switch_knows_none_and_demo(text: str, expected: FaultProfile) -> None:
    assert fault_profile(text) == expected


def test_fault_switch_takes_some_kinds() -> None:
    assert {fault for _, fault, _ in fault_profile("late, duplicate").counts} == {FaultKind.LATE, FaultKind.DUPLICATE}


def test_fault_switch_refuses_an_unknown_kind() -> None:
    with pytest.raises(UnknownNameError, match="earthquake"):
        fault_profile("late,earthquake")


def test_more_faults_than_items_are_refused() -> None:
    profile = FaultProfile(((RIVERS, FaultKind.LATE, 3),))
    with pytest.raises(ConfigurationError, match="expected 3 items that can have late, got 2"):
        deal_faults(profile, RIVERS, [1, 2, 3, 4], lambda item, _: item > 2, chance(1, "test"))


def test_no_item_gets_two_faults_and_none_that_it_cannot_have() -> None:
    profile = FaultProfile(((RIVERS, FaultKind.LATE, 3), (RIVERS, FaultKind.DUPLICATE, 7)))
    dealt = deal_faults(
        profile, RIVERS, range(10), lambda item, fault: fault != FaultKind.LATE or item < 3, chance(1, "test")
    )
    assert dealt == {index: FaultKind.LATE if index < 3 else FaultKind.DUPLICATE for index in range(10)}


def test_a_profile_refuses_the_same_pair_twice() -> None:
    with pytest.raises(ConfigurationError, match="once"):
        FaultProfile(((AIS, FaultKind.LATE, 1), (AIS, FaultKind.LATE, 2)))
