"""On a day without faults the rules find what the fleet was made to do, and nothing else."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from simulator.city import SimulatedDay
from simulator.comparisons.fisheries import alerts, fleet_of, last_seen, slot_days
from simulator.comparisons.fishing_rules import (
    Position,
    Registered,
    boundary_events,
    expired_at_sea,
    read_places,
    teleports,
)


def planned(day: SimulatedDay, event: str) -> set[str]:
    """Return the vessels that were made to do something."""
    return {f"vms:{one}" for one in day.truth["vessel_events"].filter(pl.col("event") == event)["vessel_id"]}


@pytest.fixture(scope="module")
def found(good_day: SimulatedDay) -> dict[str, set[str]]:
    """Return the subjects of the findings by kind; of AIS only what satellite does not report."""
    frame = alerts(fleet_of(good_day.truth, good_day.ends_at.astimezone(UTC)))
    kinds = frame.group_by("kind_code").agg(pl.col("subject_code")).rows()
    return {kind: set(subjects) for kind, subjects in kinds}


def test_each_planned_event_is_found_and_no_other(good_day: SimulatedDay, found: dict[str, set[str]]) -> None:
    unknown = found.pop("unknown_vessel")
    assert {subject for subject in unknown if subject.startswith("vms:")} == planned(good_day, "unknown_vessel")
    assert found == {
        "teleport": planned(good_day, "teleport"),
        "speed_outlier": planned(good_day, "speed_outlier"),
        "licence_expired_at_sea": planned(good_day, "licence_expired_at_sea"),
        "across_boundary": planned(good_day, "across_boundary"),
        "near_boundary": planned(good_day, "near_boundary") | planned(good_day, "across_boundary"),
        "silent_10d": planned(good_day, "lost_at_sea"),
        "silent_6h": planned(good_day, "silent_at_sea"),
        "operator_silent": {"VMS-GL3"},
    }


def test_the_vessels_of_the_silent_operator_are_unknown_and_not_silent(good_day: SimulatedDay) -> None:
    seen = last_seen(fleet_of(good_day.truth, good_day.ends_at.astimezone(UTC)))
    of_operator = [one.removeprefix("vms:") for one in planned(good_day, "operator_silent")]
    states = seen.filter((pl.col("source_code") == "vms") & pl.col("vessel_id").is_in(of_operator))["status_code"]
    assert dict(states.value_counts().rows()) == {"unknown": 20, "in_port": 6}


def test_a_vessel_has_at_most_twelve_slots_a_day_and_a_lost_one_misses_them_all(good_day: SimulatedDay) -> None:
    days = slot_days(fleet_of(good_day.truth, good_day.ends_at.astimezone(UTC)))
    assert days["at_sea_slots"].max() == 12
    lost = [one.removeprefix("vms:") for one in planned(good_day, "lost_at_sea")]
    last = days.filter(pl.col("vessel_id").is_in(lost) & (pl.col("local_date") == date(2026, 11, 20)))
    assert last["missed_slots"].to_list() == [12, 12, 12]


def positions(*places: tuple[float, float]) -> list[Position]:
    start = datetime(2026, 11, 20, tzinfo=UTC)
    return [Position(start + timedelta(hours=n), *place, None) for n, place in enumerate(places)]


def test_one_stray_position_crosses_no_boundary_and_is_one_jump() -> None:
    stray = positions((16.5, 108.0), (19.5, 108.0), (16.5, 108.0), (16.5, 108.01))
    assert boundary_events(stray, read_places()) == []
    assert [times for times, _ in teleports(stray)] == [(stray[0].at, stray[2].at)]


def test_the_line_speaks_of_those_alone_who_came_within_its_reach() -> None:
    denmark = [(55.9, 11.2), (55.9, 11.3), (55.9, 11.4)]
    assert boundary_events(positions(*denmark), read_places()) == []
    beyond = positions((16.5, 108.0), *denmark)
    assert [(zone, start) for zone, start, _, _ in boundary_events(beyond, read_places())] == [("across", beyond[1].at)]


def test_a_licence_renewed_later_was_none_before() -> None:
    def listed(day: int, expires: date) -> Registered:
        return Registered("A", "574000001", 18.0, "19753", expires, "X", datetime(2026, 11, day, tzinfo=UTC))

    lists = [listed(1, date(2026, 11, 15)), listed(19, date(2027, 11, 15))]
    fixes = [Position(datetime(2026, 11, day, 5, tzinfo=UTC), 16.5, 108.5, None) for day in (15, 17, 18, 19)]
    assert expired_at_sea(fixes, lists, read_places()) == [((fixes[1].at, fixes[3].at), 3.0)]


def test_a_boat_too_short_for_a_device_is_not_silent(good_day: SimulatedDay) -> None:
    seen = last_seen(fleet_of(good_day.truth, good_day.ends_at.astimezone(UTC)))
    states = seen.filter(pl.col("last_fix_at").is_null()).group_by("status_code", "is_obliged").len()
    assert sorted(states.rows()) == [("never_heard", True, 3), ("not_obliged", False, 1)]
