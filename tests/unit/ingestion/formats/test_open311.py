"""Service requests as JSON array, JSON lines and XML."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from core.errors import DeliveryError

Read = Callable[..., Any]
FEED = "feedback.requests"
REQUEST = {
    "service_request_id": "PAHT-1",
    "status": "closed",
    "requested_datetime": "2026-11-20T07:42:10+07:00",
    "updated_datetime": "2026-11-21T16:05:00+07:00",
    "lat": 16.4637,
    "long": "107.5909",
    "ext": {"ma_xa": "00123", "ma_co_quan": "H57", "luong": "co_thoi_gian", "kenh": "app", "hai_long": 4},
}
ROW = {
    "service_request_id": "PAHT-1",
    "version_at": "2026-11-21T16:05:00+07:00",
    "status": "closed",
    "agency_code": "H57",
    "commune_code": "00123",
    "requested_at": "2026-11-20T07:42:10+07:00",
    "updated_at": "2026-11-21T16:05:00+07:00",
    "latitude": "16.4637",
    "longitude": "107.5909",
    "flow_code": "co_thoi_gian",
    "channel_code": "app",
    "satisfaction_rating": "4",
}
XML = """<?xml version="1.0" encoding="utf-8"?><service_requests><request><service_request_id>PAHT-1</service_request_id>
<status>closed</status><requested_datetime>2026-11-20T07:42:10+07:00</requested_datetime><description/>
<updated_datetime>2026-11-21T16:05:00+07:00</updated_datetime><lat>16.4637</lat><long>107.5909</long><ext><ma_xa>00123</ma_xa>
<ma_co_quan>H57</ma_co_quan><luong>co_thoi_gian</luong><kenh>app</kenh><hai_long>4</hai_long></ext></request></service_requests>"""


@pytest.mark.parametrize(
    "content",
    [json.dumps([REQUEST]), json.dumps(REQUEST), json.dumps([REQUEST], indent=2), f" \n{json.dumps([REQUEST])}\n", XML],
    ids=["array", "line", "indented array", "space around", "xml"],
)
def test_a_request_is_the_same_in_every_shape(content: str, read: Read) -> None:
    assert read("table", FEED, content.encode()).rows == [ROW]


def test_the_raw_text_of_a_json_request_is_exact(read: Read) -> None:
    content = '[ {"lat" : 1.50,\n "long": 2, "description":"\\u0110\\u00e0 N\u1eb5ng"} ,{"a":1e2}]'
    records = read("table", FEED, content.encode()).reading.records
    assert records["_raw"].to_list() == [
        '{"lat" : 1.50,\n "long": 2, "description":"\\u0110\\u00e0 N\u1eb5ng"}',
        '{"a":1e2}',
    ]
    assert records["latitude"].to_list() == ["1.5", None]
    assert records["description"].to_list() == ["Đà Nẵng", None]


def test_a_request_never_updated_has_the_version_of_its_request(read: Read) -> None:
    requests = [{**REQUEST, "updated_datetime": value} for value in ("", None)]
    rows = read("table", FEED, json.dumps(requests).encode()).rows
    assert [row["version_at"] for row in rows] == ["2026-11-20T07:42:10+07:00"] * 2
    assert not any("updated_at" in row for row in rows)


def test_an_empty_answer_has_no_pieces(read: Read) -> None:
    assert read("table", FEED, b"[]", b" [ ] \n", b"<service_requests/>").pieces == {0: 0, 1: 0, 2: 0}


@pytest.mark.parametrize(
    ("tail", "rest", "reason"),
    [
        (b',{"service_request_id":"PAHT-2","st', ',{"service_request_id":"PAHT-2","st', "truncated"),
        (b",", ",", "truncated"),
        (b"", "", "truncated"),
        (b"] <html>502</html>", "<html>502</html>", "trailing_text"),
        (b' {"a":1}]', '{"a":1}]', "truncated"),
    ],
)
def test_a_broken_array_keeps_its_complete_requests(tail: bytes, rest: str, reason: str, read: Read) -> None:
    delivered = read("table", FEED, b"[" + json.dumps(REQUEST).encode() + tail)
    assert delivered.rows == [ROW]
    assert delivered.reasons == [(2, reason, 4)]
    assert delivered.reading.unreadable["_raw"].to_list() == [rest]


def test_lines_that_are_no_json_objects_stand_alone(read: Read) -> None:
    lines = [json.dumps(REQUEST), '{"a":', "[1]", "null", "", "<request", json.dumps(REQUEST), '{"status":"\\u0000"}']
    delivered = read("table", FEED, "\n".join(lines).encode())
    assert delivered.rows == [ROW, ROW]
    assert delivered.reasons == [
        (2, "not_json", 4),
        (3, "not_a_request", 4),
        (4, "not_a_request", 4),
        (6, "not_a_request", 4),
        (8, "nul_byte", 4),
    ]
    assert delivered.skipped == {"blank_line": 1}


def test_numbers_come_as_text(read: Read) -> None:
    content = b'{"service_request_id":101005420892,"status":"open","lat":"x","long":-1e2,"ext":"none"}'
    assert read("table", FEED, content).rows == [
        {"service_request_id": "101005420892", "status": "open", "latitude": "x", "longitude": "-100.0"}
    ]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ('"service_request_id":true', "service_request_id_no_text"),
        ('"service_request_id":{"a":1}', "service_request_id_no_text"),
        ('"service_request_id":[7]', "service_request_id_no_text"),
        ('"service_request_id":1e5', "service_request_id_rounded"),
        ('"service_request_id":123456789012345678901234', None),
        ('"service_request_id":"a","description":["Rác"]', "description_no_text"),
        ('"service_request_id":"a","description":"[Hỏi] true {x}"', None),
        ('"service_request_id":"a","description":"true"', None),
        ('"service_request_id":"a","ext":{"ma_xa":false}', "commune_code_no_text"),
        ('"service_request_id":"a","status":"open","status":"closed"', "name_twice"),
        ('"service_request_id":"a","ext":{"kenh":"app","kenh":"web"}', "name_twice"),
        ('"service_request_id":"a","zipcode":1,"zipcode":2', "name_twice"),
    ],
)
def test_a_value_that_is_no_text_or_stands_twice_is_not_taken(change: str, reason: str | None, read: Read) -> None:
    delivered = read("table", FEED, f'{{{change},"requested_datetime":"2026-11-20T08:00:00+07:00"}}'.encode())
    assert delivered.reasons == ([(1, reason, 4)] if reason else [])
    assert len(delivered.rows) == (reason is None)


def wrapped(requests: object, indent: int | None) -> bytes:
    return json.dumps(requests, indent=indent).encode()


@pytest.mark.parametrize("indent", [None, 1], ids=["on one line", "over many lines"])
@pytest.mark.parametrize("name", ["requests", "service_requests", "data"])
def test_requests_wrapped_otherwise_are_one_refused_delivery(name: str, indent: int | None, read: Read) -> None:
    with pytest.raises(DeliveryError, match="a list of 3 under another name; send the list itself") as caught:
        read("table", FEED, wrapped({"count": 3, name: [REQUEST] * 3}, indent))
    assert caught.value.values["reason"] == "wrapped_otherwise"


@pytest.mark.parametrize("indent", [None, 1], ids=["on one line", "over many lines"])
def test_a_lone_request_is_a_request(indent: int | None, read: Read) -> None:
    assert read("table", FEED, wrapped({**REQUEST, "extra": [{"a": 1}]}, indent)).rows == [ROW]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'<!DOCTYPE a [<!ENTITY x "y">]><service_requests>&x;</service_requests>', "not_xml"),
        (b'<!DOCTYPE service_requests SYSTEM "http://127.0.0.1/x.dtd"><service_requests/>', "not_xml"),
        (b"<service_requests><request>", "not_xml"),
        (b"<errors><error><code>400</code></error></errors>", "another_root"),
    ],
)
def test_xml_attacks_and_other_documents_are_refused(content: bytes, reason: str, read: Read) -> None:
    with pytest.raises(DeliveryError) as caught:
        read("table", FEED, content)
    assert caught.value.values["reason"] == reason


def test_the_real_answers_are_read_whole(read: Read, samples: Callable[[str], list[bytes]]) -> None:
    (chicago,) = samples("open311/open311status_service_requests.json")
    (many,) = samples("open311/open311status_requests_many.xml")
    (single,) = samples("open311/open311status_requests_single.xml")
    delivered = read("table", FEED, chicago, many, single)
    assert delivered.pieces == {0: 2, 1: 2, 2: 1}
    assert delivered.reasons == []
    by_delivery = delivered.reading.records.select("_delivery", "service_request_id", "version_at", "latitude").rows()
    assert by_delivery == [
        (0, "14-01100669", "2014-07-12T11:08:21-05:00", "41.858724777757864"),
        (0, "14-01100627", "2014-07-12T11:08:20-05:00", "41.759712056258536"),
        (1, "101005420892", "2018-07-30T00:01:00-04:00", "43.691104288"),
        (1, "101005420894", "2018-07-30T00:01:00-04:00", "43.695823056"),
        (2, "101005420892", "2018-07-30T00:01:00-04:00", "43.691104288"),
    ]


def test_a_list_of_services_is_no_list_of_requests(read: Read, samples: Callable[[str], list[bytes]]) -> None:
    (services,) = samples("open311/open311status_services_giessen.xml")
    with pytest.raises(DeliveryError, match="expected XML with the root service_requests, got another"):
        read("table", FEED, services)
