"""Closures out of DATEX II, and flows in both forms of NGSI-LD."""

import json
from collections.abc import Callable
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import pytest

from core.errors import DeliveryError

CLOSURES, FLOWS = "traffic.closures", "traffic.flows"
SITUATIONS = ("datex2_Datex2_*.xml", "datex2_Roadwork.xml", "datex2_TrafficSituation*.xml", "datex2_roadworks_*.xml")
TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"


def datex(*records: str) -> bytes:
    return (
        '<d2LogicalModel xmlns="http://datex2.eu/schema/2/2_0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><payloadPublication>'
        f'<situation id="S">{"".join(records)}</situation></payloadPublication></d2LogicalModel>'
    ).encode()


def record(kind: str, *members: str) -> str:
    version = "<situationRecordVersionTime>T</situationRecordVersionTime>"
    return f'<situationRecord xsi:type="{kind}">{version}{"".join(members)}</situationRecord>'


CLOSING = record(
    "RoadOrCarriagewayOrLaneManagement",
    "<roadOrCarriagewayOrLaneManagementType>roadClosed</roadOrCarriagewayOrLaneManagementType>",
)


def test_the_cause_of_the_closure_itself_counts_before_what_is_told_beside_it(read: Callable[..., Any]) -> None:
    beside = record("EnvironmentalObstruction", "<environmentalObstructionType>flooding</environmentalObstructionType>")
    own = CLOSING.replace("</situationRecord>", "<cause><causeType>accident</causeType></cause></situationRecord>")
    rows = read("table", CLOSURES, datex(beside, CLOSING), datex(beside, own), datex(CLOSING)).rows
    assert [row.get("cause_code") for row in rows] == ["flooding", "accident", None]


def test_the_type_of_a_record_may_have_a_prefix_and_is_not_taken_for_one_that_it_ends_with(
    read: Callable[..., Any],
) -> None:
    name = "RoadOrCarriagewayOrLaneManagement"
    delivered = read(
        "table", CLOSURES, datex(CLOSING.replace(name, f"d2:{name}")), datex(CLOSING.replace(name, f"No{name}"))
    )
    assert (len(delivered.rows), delivered.skipped) == (1, {"no_closure": 1})


def test_every_real_situation_is_a_closure_or_skipped_as_none(
    read: Callable[..., Any], samples: Callable[[str], list[bytes]]
) -> None:
    contents = [content for pattern in SITUATIONS for content in samples(f"traffic/{pattern}")]
    told = [closure for content in contents for closure in closures_in(content)]
    closures = [closure for closure in told if closure is not None]
    delivered = read("table", CLOSURES, *contents)
    names = ("situation_id", "version_at", "management_code", "status_code", "starts_at", "ends_at")
    assert [tuple(row.get(name) for name in names) for row in delivered.rows] == closures
    assert len(closures) == 8
    assert (delivered.reasons, delivered.skipped["no_closure"]) == ([], len(told) - len(closures))


def closures_in(content: bytes) -> list[tuple[str | None, ...] | None]:
    """Read a publication again, by hand: for each situation its first closure, or None."""
    found: list[tuple[str | None, ...] | None] = []
    for situation in fromstring(content).iterfind(".//{*}situation"):
        closing = [one for one in situation if str(one.get(TYPE)) == "RoadOrCarriagewayOrLaneManagement"]
        found.append(_closure(situation, closing[0]) if closing else None)
    return found


def _closure(situation: Element, one: Element) -> tuple[str | None, ...]:
    names = ("situationRecordVersionTime", "roadOrCarriagewayOrLaneManagementType", "validityStatus")
    times = ("overallStartTime", "overallEndTime")
    return (situation.get("id"), *(one.findtext(f".//{{*}}{name}") for name in (*names, *times)))


def test_a_message_that_wraps_a_publication_is_refused_whole(
    read: Callable[..., Any], samples: Callable[[str], list[bytes]]
) -> None:
    contents = samples("traffic/datex2_TrafficIncidentIms*.xml")
    for content in contents:
        with pytest.raises(DeliveryError) as caught:
            read("table", CLOSURES, content)
        assert caught.value.values["reason"] == "another_root"


def test_a_flow_is_read_with_a_property_round_each_value_and_without(read: Callable[..., Any]) -> None:
    plain = {
        "refRoadSegment": "CAU-TT",
        "laneId": 2,
        "vehicleType": "car",
        "dateObservedFrom": "2026-11-20T01:00:00Z",
        "dateObservedTo": "2026-11-20T01:05:00Z",
        "intensity": 7,
        "averageVehicleSpeed": 31.5,
        "occupancy": 0.25,
        "congested": True,
    }
    normal: dict[str, object] = {name: {"type": "Property", "value": value} for name, value in plain.items()}
    normal["refRoadSegment"] = {"type": "Relationship", "object": "CAU-TT"}
    one, other = read("table", FLOWS, json.dumps([plain]).encode(), json.dumps([normal]).encode()).rows
    assert one == other
    assert (one["section_code"], one["vehicles"], one["is_congested"]) == ("CAU-TT", "7", "true")
