"""Our own warnings: valid by the standard's schema, and read by our own format as they were meant."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from re import fullmatch
from xml.etree import ElementTree

import duckdb
import pytest

from core.contract import find_contract
from core.errors import ConfigurationError
from ingestion.formats.base import Envelope, join_pieces
from ingestion.formats.registry import find_format, split_delivery
from reporting.cap import Warned, fire_warnings, write_cap

SCHEMA = Path(__file__).parents[3] / ".." / "shared" / "samples" / "alerts" / "cap12.xsd"
XSD = "{http://www.w3.org/2001/XMLSchema}"
SENT = datetime(2026, 4, 18, 6, 0, tzinfo=UTC)
WARNED = Warned(
    identifier="chay-rung-20260418-cap-4",
    sender="canhbao@hue.example",
    sent_at=SENT,
    category="Fire",
    event="Cháy rừng",
    urgency="Expected",
    severity="Severe",
    certainty="Likely",
    effective_at=SENT,
    expires_at=SENT + timedelta(hours=24),
    headline="Cấp IV < nguy hiểm & lan nhanh",
    communes=(("19753", "Phường Phú Xuân"), ("19789", "Phường Thuận Hoá")),
    risk_level=3,
)


def violations(
    element: ElementTree.Element, declared: ElementTree.Element, schema: ElementTree.Element
) -> Iterator[str]:
    """Yield what a document breaks of the schema: the constructs that the schema of CAP uses, and no others."""
    form = declared.find(f"{XSD}complexType/{XSD}sequence")
    if form is None:
        limits = declared.find(f"{XSD}simpleType/{XSD}restriction")
        patterns = [] if limits is None else [each.get("value", "") for each in limits.iter(f"{XSD}pattern")]
        values = [] if limits is None else [each.get("value") for each in limits.iter(f"{XSD}enumeration")]
        text = element.text or ""
        if len(element) or (values and text not in values) or not all(fullmatch(each, text) for each in patterns):
            yield f"{element.tag}: {text}"
        return
    children = list(element)
    for part in form.findall(f"{XSD}element"):
        name = part.get("name") or part.get("ref", "").removeprefix("cap:")
        inner = part if part.get("name") else schema.find(f"{XSD}element[@name='{name}']")
        most = part.get("maxOccurs", "1")
        count = 0
        while children and children[0].tag == f"{{urn:oasis:names:tc:emergency:cap:1.2}}{name}":
            assert inner is not None
            yield from violations(children.pop(0), inner, schema)
            count += 1
        if count < int(part.get("minOccurs", "1")) or (most != "unbounded" and count > int(most)):
            yield f"{element.tag}: {count} of {name}"
    yield from (f"{element.tag}: {child.tag} out of place" for child in children)


def violations_of(content: bytes) -> list[str]:
    if not SCHEMA.is_file():
        pytest.skip("the schema of CAP 1.2 is not on this machine")
    schema = ElementTree.parse(SCHEMA).getroot()
    declared = schema.find(f"{XSD}element[@name='alert']")
    assert declared is not None
    return list(violations(ElementTree.fromstring(content), declared, schema))


def test_a_warning_is_valid_by_the_schema() -> None:
    assert violations_of(write_cap(WARNED)) == []


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        (b"<severity>Severe", b"<severity>Cao"),
        (b"+07:00</sent>", b"Z</sent>"),
        (b"    <category>Fire</category>\n", b""),
        (b"    <category>Fire</category>\n    <event>", b"    <event>"),
        (b"<msgType>Alert</msgType>", b"<msgType>Alert</msgType><msgType>Alert</msgType>"),
        (b"<valueName>cap_do_rui_ro</valueName>", b"<name>cap_do_rui_ro</name>"),
    ],
)
def test_the_check_against_the_schema_sees_what_is_wrong(good: bytes, bad: bytes) -> None:
    content = write_cap(WARNED)
    assert good in content
    assert violations_of(content.replace(good, bad)) != []


def test_our_own_format_reads_a_warning_as_it_was_meant() -> None:
    contract, envelope = find_contract("warnings.messages"), Envelope("a.cap")
    blocks = [(1, pieces) for pieces in split_delivery(contract, BytesIO(write_cap(WARNED)), envelope)]
    (record,) = find_format(contract).read(join_pieces(blocks), contract, {1: envelope}).records.to_dicts()
    assert (record["identifier"], record["sender"]) == (WARNED.identifier, WARNED.sender)
    assert datetime.fromisoformat(record["sent_at"]) == WARNED.sent_at
    assert [area["units"] for area in json.loads(record["areas"])] == ["19753", "19789"]
    assert json.loads(record["areas"])[0] == {
        "info": 1,
        "language": "vi-VN",
        "categories": "Fire",
        "event": "Cháy rừng",
        "urgency": "Expected",
        "severity": "Severe",
        "certainty": "Likely",
        "effective": "20260418T060000Z",
        "expires": "20260419T060000Z",
        "risk_level": "3",
        "area": 1,
        "description": "Phường Phú Xuân",
        "units": "19753",
    }
    assert json.loads(record["texts"]) == [{"language": "vi-VN", "headline": WARNED.headline}]


@pytest.fixture
def marts() -> Iterator[duckdb.DuckDBPyConnection]:
    """A mart with the danger of the newest day and the day before it."""
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute("create schema forest")
        connection.execute("""
            create table forest.fire_danger_days as
            select * from (values
                ('1', 'Xã A', 4, 'Cấp IV', date '2026-04-18', true), ('2', 'Xã B', 5, 'Cấp V', date '2026-04-18', true),
                ('3', 'Xã C', 4, 'Cấp IV', date '2026-04-18', true), ('4', 'Xã D', 3, 'Cấp III', date '2026-04-18', true),
                ('5', 'Xã E', null, null, date '2026-04-18', true), ('4', 'Xã D', 5, 'Cấp V', date '2026-04-17', false)
            ) as days (commune_code, commune_name, level_number, level_label, local_date, is_latest),
            (values (timestamptz '2026-04-18 06:00:00+00', timestamptz '2026-04-20 07:00:00+00')) as times (observed_at, current_until_at)
        """)
        yield connection


def test_each_level_from_iv_on_is_one_warning_for_its_communes(marts: duckdb.DuckDBPyConnection) -> None:
    warnings = list(fire_warnings(marts, "canhbao@hue.example", SENT))
    assert [(one.identifier, one.severity, one.communes) for one in warnings] == [
        ("chay-rung-20260418-cap-4", "Severe", (("1", "Xã A"), ("3", "Xã C"))),
        ("chay-rung-20260418-cap-5", "Extreme", (("2", "Xã B"),)),
    ]
    assert all(violations_of(write_cap(one)) == [] for one in warnings)


def test_what_is_no_longer_current_is_no_warning(marts: duckdb.DuckDBPyConnection) -> None:
    assert list(fire_warnings(marts, "canhbao@hue.example", datetime(2026, 4, 20, 7, tzinfo=UTC))) == []


@pytest.mark.parametrize("sender", ["", "canh bao", "a,b", "a<b"])
def test_a_sender_that_no_reference_could_name_is_refused(marts: duckdb.DuckDBPyConnection, sender: str) -> None:
    with pytest.raises(ConfigurationError, match="sender"):
        list(fire_warnings(marts, sender, SENT))
