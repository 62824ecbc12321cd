"""Slots: where they begin, what a contract may declare, what a file name states, how missing ones are joined."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from codegen.slot_models import slot_objects_model, slots_sent_model
from core.contract import find_contract, read_contracts
from core.errors import ContractError
from core.slots import Slots, SlotsBy, slot_start
from ingestion.collect.connectors.base import Window
from ingestion.collect.connectors.files import belongs
from ingestion.collect.recapture import Span, stretches

HOUR = timedelta(hours=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+07:00")


@pytest.mark.parametrize(
    ("moment", "cadence", "start"),
    [
        ("2026-11-20T08:04:59", timedelta(minutes=5), "2026-11-20T08:00:00"),
        ("2026-11-20T00:00:00", timedelta(minutes=5), "2026-11-20T00:00:00"),
        ("2026-11-19T23:59:59", timedelta(minutes=5), "2026-11-19T23:55:00"),
        ("2026-11-20T08:59:59", HOUR, "2026-11-20T08:00:00"),
        ("2026-11-20T06:59:00", timedelta(days=1), "2026-11-20T00:00:00"),
        ("2026-07-01T23:59:00", timedelta(days=1), "2026-07-01T00:00:00"),
        ("2026-11-22T23:59:59", timedelta(days=7), "2026-11-16T00:00:00"),
        ("2026-11-23T00:00:00", timedelta(days=7), "2026-11-23T00:00:00"),
    ],
)
def test_a_slot_begins_at_local_midnight_and_a_week_on_a_monday(moment: str, cadence: timedelta, start: str) -> None:
    assert slot_start(at(moment).astimezone(UTC), cadence) == at(start)


def test_every_contract_says_which_slots_it_owes() -> None:
    assert {feed: contract.slots.by.value for feed, contract in read_contracts().items()} == {
        "education.attendance": "object",
        "education.classes": "unknown",
        "education.schools": "unknown",
        "education.students": "unknown",
        "environment.river_levels": "object",
        "environment.station_readings": "object",
        "feedback.requests": "polls",
        "fisheries.ais_messages": "unknown",
        "fisheries.vessels": "unknown",
        "fisheries.vms_positions": "object",
        "forest.hotspots": "unknown",
        "forest.weather": "object",
        "health.claims": "object",
        "health.disease_cases": "feed",
        "hotline.calls": "unknown",
        "press.articles": "unknown",
        "traffic.flows": "object",
        "traffic.accidents": "unknown",
        "traffic.closures": "unknown",
        "cyber.alerts": "unknown",
        "cyber.indicators": "unknown",
        "public_services.dossiers": "polls",
        "public_services.ratings": "unknown",
        "warnings.messages": "unknown",
        "security.incidents": "unknown",
        "water.landslide_sensors": "object",
        "water.rain": "object",
        "water.reservoirs": "object",
    }


def test_the_models_of_slots_hold_every_feed_that_owes_some() -> None:
    contracts = read_contracts()
    sent, objects = slots_sent_model(contracts), slot_objects_model(contracts)
    owed = {feed for feed, contract in contracts.items() if contract.slots.by is not SlotsBy.UNKNOWN}
    told = {feed for feed, contract in contracts.items() if f"'{feed}' as feed" in sent}
    listed = {feed for feed, contract in contracts.items() if f"'{feed}' as feed" in objects}
    polled = {feed for feed, contract in contracts.items() if contract.slots.by is SlotsBy.POLLS}
    assert (told | polled, listed | {"fisheries.vms_positions"}) == (owed, owed)


@pytest.mark.parametrize(
    ("facts", "complaint"),
    [
        ({}, "'' is not a valid SlotsBy"),
        ({"by": "object", "object": "station_id"}, "expected time with by object, got none"),
        ({"by": "feed"}, "expected time with by feed, got none"),
        ({"by": "unknown"}, "expected reason with by unknown, got none"),
        ({"by": "polls", "calendar": "tet"}, "a calendar of every_day, working_days, school_days"),
        ({"by": "polls", "file": "(?P<object>.+)"}, "with the groups object and time"),
        ({"by": "polls", "file": "("}, "missing"),
        ({"by": "polls", "cadence": "1 h"}, "unexpected keyword"),
    ],
)
def test_slots_that_contradict_themselves_are_refused(facts: dict[str, str], complaint: str) -> None:
    with pytest.raises(ContractError, match=r"e\.feed: ") as refused:
        Slots.read("e.feed", facts)
    assert complaint in str(refused.value)


def test_slots_that_are_lost_need_a_reason() -> None:
    with pytest.raises(ContractError, match="expected a reason why missing slots cannot be fetched again, got none"):
        replace(find_contract("environment.station_readings"), is_refetchable=False)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("46_KK01_20261120080500.txt", ("46_KK01", at("2026-11-20T08:05:00"))),
        ("46-KCN-1_20261120080500.txt", ("46-KCN-1", at("2026-11-20T08:05:00"))),
        ("46_KK01_20261399080500.txt", None),
        ("46_KK01.txt", None),
        ("renamed-46_KK01_2026112008.txt", None),
    ],
)
def test_a_station_file_tells_its_slot(name: str, told: tuple[str, datetime] | None) -> None:
    assert find_contract("environment.station_readings").slots.named_by(name) == told


def test_a_window_holds_the_files_whose_names_tell_its_slots_whenever_they_were_changed() -> None:
    contract = find_contract("environment.station_readings")
    whole = Window(at("2026-11-20T08:00:00"), at("2026-11-20T08:10:00"))
    narrow = Window(whole.start, whole.end, frozenset({("46_KK01", at("2026-11-20T08:05:00"))}))
    names = [
        f"46_KK0{station}_202611200{time}.txt" for station in (1, 2) for time in ("75959", "80000", "80530", "81000")
    ]
    names.append("no_time.txt")
    changed = at("2026-11-20T08:01:00")
    assert [name for name in names if belongs(contract, whole, name, changed)] == [
        "46_KK01_20261120080000.txt",
        "46_KK01_20261120080530.txt",
        "46_KK02_20261120080000.txt",
        "46_KK02_20261120080530.txt",
        "no_time.txt",
    ]
    assert [name for name in names if belongs(contract, narrow, name, changed)] == ["46_KK01_20261120080530.txt"]


def test_missing_slots_without_a_gap_are_one_stretch_up_to_a_length() -> None:
    hours = [0, 1, 2, 4, 5, 6, 7]
    slots = [
        Span("e", at("2026-11-20T00:00:00") + hour * HOUR, at("2026-11-20T01:00:00") + hour * HOUR) for hour in hours
    ]
    joined = [(span.start.hour, span.end.hour) for span in stretches(slots, 3 * HOUR)]
    assert joined == [(0, 3), (4, 7), (7, 8)]
    assert list(stretches([], HOUR)) == []
