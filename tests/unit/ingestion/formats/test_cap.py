"""Warnings in CAP: which messages are read, what is taken of them, and by which door every file of other systems leaves."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import polars as pl
import pytest

from core.contract import find_contract
from core.errors import DeliveryError
from core.reference import Reference
from ingestion.formats.cap_message import AREAS_LIMIT
from ingestion.load.checks import Checked, check
from tests.unit.ingestion.formats.conftest import SAMPLES, Read

FEED = "warnings.messages"
CONTRACT = find_contract(FEED)
CAP = "urn:oasis:names:tc:emergency:cap:1.2"
FOLDER = SAMPLES / "alerts"

DOORS: dict[str, list[str] | str] = {
    "43b080713727.cap": ["accepted"],
    "KAR0-0306112239-SW.cap": ["cap_1_1"],
    "amber.rss": ["no_alert_inside"],
    "bushfire.edxlde": ["accepted"] * 7,
    "cap12.xsd": "another_root",
    "cap_australia.cap": ["accepted"],
    "cap_canada.cap": ["accepted"],
    "cap_canada_errors.cap": ["update_or_cancel_with_references"],
    "cap_canada_signed.cap": ["accepted"],
    "cap_earthquake-iso8859-1.cap": ["accepted"],
    "cap_earthquake.cap": ["cap_1_1"],
    "cap_earthquake_signed.cap": ["cap_1_1"],
    "cap_invalid.cap": ["scope_code_required"],
    "cap_no_optional_fields.cap": ["cap_1_1"],
    "cap_noaa_errors.cap": ["cap_1_1"],
    "cap_wcatwc-warning.cap": ["accepted"],
    "cap_weather.cap": ["cap_1_1"],
    "cap_xee.cap": "not_xml",
    "earthquake.atom": ["cap_1_1"],
    "thunderstorm.cap": ["accepted"],
}
"""The door of each message of a real file, in their order, or why the file is refused whole."""

INFO = (
    "<category>Geo</category><event>Sạt lở đất</event><urgency>Immediate</urgency><severity>Severe</severity><certainty>Likely</certainty>"
    "<onset>2026-11-20T12:00:00+07:00</onset><expires>2026-11-20T20:00:00+07:00</expires>"
)
AREA = "<area><areaDesc>Xã Trà My</areaDesc>{}</area>"


def message(head: str = "", info: str = INFO, area: str = "", namespace: str = CAP) -> str:
    """Write a message: the first of repeated elements is that of `head`."""
    elements = {
        "identifier": "IOC-1",
        "sender": "ioc@example.vn",
        "sent": "2026-11-20T08:10:00+07:00",
        "status": "Actual",
        "msgType": "Alert",
        "scope": "Public",
    }
    usual = "".join(f"<{name}>{text}</{name}>" for name, text in elements.items() if f"<{name}>" not in head)
    return f'<alert xmlns="{namespace}">{head}{usual}<info>{info}{area}</info></alert>'


def checked(records: pl.DataFrame) -> Checked:
    received = pl.lit(datetime(2026, 11, 21, tzinfo=UTC)).cast(pl.Datetime("us", "UTC")).alias("received_at")
    return check(records.with_columns(received), CONTRACT, Reference())


def reasons(read: Read, text: str) -> list[str]:
    """Return why a message is refused, all of it."""
    failed = checked(read("cap", FEED, text.encode()).reading.records).failed
    return [failure["rule"] for row in failed["failures"] for failure in row]


def test_every_real_file_leaves_by_a_named_door(read: Read) -> None:
    if not FOLDER.is_dir():
        pytest.skip("the real samples of warnings are not on this machine")
    assert {path.name: doors_of(read, path) for path in FOLDER.iterdir()} == DOORS


def doors_of(read: Read, path: Path) -> list[str] | str:
    try:
        reading = read("cap", FEED, path.read_bytes()).reading
    except DeliveryError as error:
        return str(error.values["reason"])
    result = checked(reading.records)
    doors = dict.fromkeys(result.passed["_position"], "accepted")
    doors |= dict(result.failed.select("_position", "reason").iter_rows())
    doors |= dict(reading.unreadable.select("_position", "reason").iter_rows())
    return [doors[position] for position in sorted(doors)]


def test_what_is_taken_of_a_real_file_is_what_stands_in_it(read: Read) -> None:
    if not FOLDER.is_dir():
        pytest.skip("the real samples of warnings are not on this machine")
    compared = 0
    for path in sorted(FOLDER.iterdir()):
        if "accepted" not in DOORS[path.name]:
            continue
        rows = checked(read("cap", FEED, path.read_bytes()).reading.records).passed.to_dicts()
        alerts = list(ElementTree.parse(path).getroot().iter(f"{{{CAP}}}alert"))
        assert len(rows) == len(alerts)
        for row, alert in zip(rows, alerts, strict=True):
            assert {
                name: row[name] for name in ("identifier", "sender", "status_code", "message_type_code", "scope_code")
            } == {
                "identifier": text_of(alert, "identifier"),
                "sender": text_of(alert, "sender"),
                "status_code": text_of(alert, "status"),
                "message_type_code": text_of(alert, "msgType"),
                "scope_code": text_of(alert, "scope"),
            }
            assert row["sent_at"] == datetime.fromisoformat(text_of(alert, "sent") or "")
            assert (row["referenced_messages"] or "").split() == (text_of(alert, "references") or "").split()
            areas = json.loads(row["areas"])
            assert [meant_of(*pair) for pair in pairs_of(alert)] == [
                {
                    name: area.get(name)
                    for name in ("event", "severity", "language", "expires", "description", "polygons", "circles")
                }
                for area in areas
            ]
            told = [text_of(info, "headline") for info in alert.findall(f"{{{CAP}}}info")]
            assert [tidy(text.get("headline")) for text in json.loads(row["texts"])] == [tidy(text) for text in told]
            compared += len(areas)
    assert compared >= 14


def tidy(text: str | None) -> str | None:
    return text and " ".join(text.split())


def text_of(element: ElementTree.Element, name: str) -> str | None:
    return (element.findtext(f"{{{CAP}}}{name}") or "").strip() or None


def pairs_of(alert: ElementTree.Element) -> list[tuple[ElementTree.Element, ElementTree.Element | None]]:
    pairs: list[tuple[ElementTree.Element, ElementTree.Element | None]] = []
    for info in alert.findall(f"{{{CAP}}}info"):
        pairs += [(info, area) for area in info.findall(f"{{{CAP}}}area")] or [(info, None)]
    return pairs


def meant_of(info: ElementTree.Element, area: ElementTree.Element | None) -> dict[str, str | None]:
    def joined(name: str) -> str | None:
        shapes = [] if area is None else area.findall(f"{{{CAP}}}{name}")
        return ";".join(" ".join((shape.text or "").split()) for shape in shapes) or None

    expires = text_of(info, "expires")
    return {
        "event": tidy(text_of(info, "event")),
        "severity": text_of(info, "severity"),
        "language": text_of(info, "language"),
        "expires": f"{datetime.fromisoformat(expires).astimezone(UTC):%Y%m%dT%H%M%SZ}" if expires else None,
        "description": None if area is None else text_of(area, "areaDesc"),
        "polygons": joined("polygon"),
        "circles": joined("circle"),
    }


def test_a_good_message_passes(read: Read) -> None:
    polygon = "<polygon>15.35,108.2 15.36,108.25 15.3,108.25 15.35,108.2</polygon><circle>15.3,108.2 5.5</circle>"
    assert reasons(read, message(area=AREA.format(polygon))) == []
    assert reasons(read, message(info=INFO.replace("<expires>2026-11-20T20:00:00+07:00</expires>", ""))) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (message("<status>Real</status>"), ["status_code_allowed"]),
        (message("<msgType>New</msgType>"), ["message_type_code_allowed"]),
        (message("<scope></scope>"), ["scope_code_required"]),
        (message("<sent>2026-11-20T08:10:00</sent>"), ["sent_at_format"]),
        (message("<sent>2026-11-31T08:10:00+07:00</sent>"), ["sent_at_format"]),
        (message("<msgType>Update</msgType>"), ["update_or_cancel_with_references"]),
        (message("<msgType>Cancel</msgType><references> </references>"), ["update_or_cancel_with_references"]),
        (message("<msgType>Cancel</msgType><references>IOC-0</references>"), ["references_in_three_parts"]),
        (message(info=INFO.replace("Severe", "Cao")), ["codes_are_listed"]),
        (message(info=INFO.replace("<category>Geo</category>", "")), ["infos_are_complete"]),
        (message(info=INFO.replace("20:00:00+07:00", "20:00:00")), ["times_are_instants"]),
        (message(info=INFO.replace("20T20:00:00", "20T08:10:00")), ["expires_after_it_was_sent"]),
        (message(area=AREA.format("<polygon>15.3,108.2 15.4,108.2 15.4,108.3</polygon>")), ["polygons_are_closed"]),
        (message(area=AREA.format("<polygon>15.3,108.2 x 15.4,108.2 15.3,108.2</polygon>")), ["polygons_are_closed"]),
        (
            message(area=AREA.format("<polygon>108.2,15.3 108.3,15.3 108.3,15.4 108.2,15.3</polygon>")),
            ["shapes_are_on_earth"],
        ),
        (message(area=AREA.format("<circle>15.3,108.2</circle>")), ["circles_have_a_radius"]),
        (message(area="<area><areaDesc/></area>"), ["infos_are_complete"]),
        (
            message("<sent>2026-11-21T07:05:01+07:00</sent>", info=INFO.replace("20T20", "23T20")),
            ["not_from_the_future"],
        ),
    ],
)
def test_a_bad_message_is_refused_for_its_reason(read: Read, text: str, expected: list[str]) -> None:
    assert reasons(read, text) == expected


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        (message("<sent>2026-11-20T01:10:00Z</sent>"), "times_with_an_offset"),
        (
            message(info=f"{INFO}<parameter><valueName>cap_do_rui_ro</valueName><value>12</value></parameter>"),
            "risk_level_from_1_to_5",
        ),
    ],
)
def test_what_is_clear_though_wrong_is_accepted_and_told(read: Read, text: str, warning: str) -> None:
    passed = checked(read("cap", FEED, text.encode()).reading.records).passed
    assert passed["_warnings"].to_list() == [[warning]]
    assert "risk_level" not in json.loads(passed["areas"][0])[0]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (message(namespace="urn:oasis:names:tc:emergency:cap:1.1"), "cap_1_1"),
        (message(namespace="http://www.incident.com/cap/1.0"), "cap_1_0"),
        (message(namespace="urn:other"), "no_cap_namespace"),
        (message("<status>Actual</status><status>Test</status>"), "repeated_element"),
        (message(area=AREA.format("") * (AREAS_LIMIT + 1)), f"more_than_{AREAS_LIMIT}_areas"),
    ],
)
def test_what_is_no_message_of_cap_1_2_is_unreadable_with_its_reason(read: Read, text: str, reason: str) -> None:
    assert read("cap", FEED, text.encode()).reasons == [(1, reason, 4)]


def test_an_info_is_listed_with_each_of_its_areas(read: Read) -> None:
    coded = AREA.format("<geocode><valueName>ma_dvhc</valueName><value>20900</value></geocode>")
    risk = "<parameter><valueName>cap_do_rui_ro</valueName><value>2</value></parameter>"
    delivered = read("cap", FEED, message(info=INFO + risk, area=coded + AREA.format("")).encode())
    areas = json.loads(str(delivered.rows[0]["areas"]))
    assert [(area["info"], area["area"], area.get("units"), area["risk_level"]) for area in areas] == [
        (1, 1, "20900", "2"),
        (1, 2, None, "2"),
    ]
    assert {area["onset"] for area in areas} == {"20261120T050000Z"}


def test_a_lone_message_is_kept_as_it_was_sent(read: Read) -> None:
    sent = f"<?xml version='1.0' encoding='ISO-8859-1'?>\n<!-- a -->\n{message(info=INFO.replace('Sạt lở đất', 'Usulután'))}\n"
    records = read("cap", FEED, sent.encode("iso-8859-1")).reading.records
    assert records["_raw"].to_list() == [sent[sent.index("<alert") :].rstrip()]
    assert "Usulután" in records["areas"][0]


@pytest.mark.parametrize("wrapper", ["feed", "rss"])
def test_a_feed_without_entries_is_an_empty_delivery(read: Read, wrapper: str) -> None:
    assert read("cap", FEED, f"<{wrapper}></{wrapper}>".encode()).pieces == {0: 0}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<alerts/>", "another_root"),
        (b'<!DOCTYPE alert [<!ENTITY a "b">]>' + message().encode(), "not_xml"),
        (b"<feed>" + b"<a>" * 20_000 + b"</a>" * 20_000 + b"</feed>", "nested_too_deeply"),
    ],
)
def test_a_delivery_that_cannot_be_cut_is_refused_whole(
    read: Callable[..., object], content: bytes, reason: str
) -> None:
    with pytest.raises(DeliveryError) as caught:
        read("cap", FEED, content)
    assert caught.value.values["reason"] == reason
