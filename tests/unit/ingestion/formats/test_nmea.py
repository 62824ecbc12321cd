"""AIS sentences: frames, receivers' times, fragments, and the content of the payload."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from pyais.encode import encode_dict

Read = Callable[..., Any]
Checksummed = Callable[..., str]
FEED = "fisheries.ais_messages"
FISHER = "!AIVDM,1,1,,A,18SJsfGP117gup09>M>4lSpuP000,0*4B"
FIRST = "!AIVDM,2,1,4,A,55O0W7`00001L@gCWGA2uItLth@DqtL5@F22220j1h742t0Ht0000000,0*08"
SECOND = "!AIVDM,2,2,4,A,000000000000000,2*20"


def heard(read: Read, *lines: str) -> list[tuple[datetime | None, str | None]]:
    rows = read("nmea", FEED, "\n".join(lines).encode()).rows
    return [(row.get("heard_at"), row.get("receiver_id")) for row in rows]


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        (
            "!AIVDM,1,1,,B,15NG6V0P01G?cFhE`R2IU?wn28R>,0*05",
            {
                "mmsi": "367380120",
                "message_type": 1,
                "latitude": 37.806948,
                "longitude": -122.404333,
                "speed_knots": 0.1,
            }
            | {"course_degrees": 245.2, "second": 59, "navigation_status_code": "0"},
        ),
        (
            FISHER,
            {"mmsi": "574012345", "message_type": 1, "latitude": 16.1234, "longitude": 108.3456, "speed_knots": 6.5}
            | {"course_degrees": 123.4, "heading_degrees": 124, "second": 30, "navigation_status_code": "7"},
        ),
        (
            "!AIVDO,1,1,,A,18SJsfOP?w<tSF0l4Q@>4?wqP000,0*01",
            {"mmsi": "574012345", "message_type": 1, "navigation_status_code": "15"},
        ),
        (
            f"{FIRST}\n{SECOND}",
            {"mmsi": "368060190", "message_type": 5, "vessel_name": "P/V_GOLDEN_GATE", "call_sign": "WDK4954"}
            | {"ship_type_code": "50"},
        ),
        (
            "!AIVDM,1,1,,B,402=481uaUcf;OQ55JS9ITi025Jp,0*2B",
            {"mmsi": "002311200", "message_type": 4, "latitude": 61.423605, "longitude": -6.754698, "second": 11},
        ),
    ],
    ids=["published", "fisher", "nothing available", "two fragments", "base station"],
)
def test_a_message_is_decoded(sentence: str, expected: dict[str, object], read: Read) -> None:
    (row,) = read("nmea", FEED, sentence.encode()).rows
    payload = "".join(line.split(",")[5] for line in sentence.split("\n"))
    fill = sentence.rsplit(",", maxsplit=1)[-1][0]
    assert row == {"payload": f"{payload}*{fill}"} | expected


def test_a_field_cut_by_a_short_payload_is_null(read: Read, checksummed: Checksummed) -> None:
    (row,) = read("nmea", FEED, checksummed("AIVDM,1,1,,A,18SJsfGP117gup,0").encode()).rows
    assert row == {
        "payload": "18SJsfGP117gup*0",
        "mmsi": "574012345",
        "message_type": 1,
        "navigation_status_code": "7",
        "speed_knots": 6.5,
    }


@pytest.mark.parametrize(
    "body", ["AIVDM,1,1,,A,18S,0", "AIVDM,1,1,,A,,0", "AIVDM,1,1,,A,18SJsf{}117gup,0", "AIVDM,1,1,,A,w8SJsfGP,0"]
)
def test_a_payload_that_is_no_message_is_unreadable(body: str, read: Read, checksummed: Checksummed) -> None:
    assert read("nmea", FEED, checksummed(body).encode()).reasons == [(1, "undecodable_payload", 4)]


@pytest.mark.parametrize("place", range(len(FISHER)))
def test_one_flipped_character_never_passes(place: int, read: Read) -> None:
    flipped = FISHER[:place] + ("0" if FISHER[place] != "0" else "1") + FISHER[place + 1 :]
    delivered = read("nmea", FEED, flipped.encode())
    assert delivered.rows == []
    assert [reason for _, reason, _ in delivered.reasons] in (["bad_checksum"], ["broken_sentence"])


def test_a_time_comes_from_tag_block_trailer_or_the_line_before(read: Read, checksummed: Checksummed) -> None:
    gatehouse = checksummed("PGHP,1,2026,11,20,1,5,7,250,574,,005741001,1,4B", "$")
    alone = checksummed("c:1795136700123,s:alone", "\\") + "\\"
    assert heard(read, checksummed("s:ST,c:1795136700", "\\") + "\\" + FISHER) == [(at(2026, 11, 20, 1, 5), "ST")]
    assert heard(read, FISHER + ",1795136700") == [(at(2026, 11, 20, 1, 5), None)]
    assert heard(read, FISHER + ",b003669794,1795136700") == [(at(2026, 11, 20, 1, 5), "b003669794")]
    assert heard(read, FISHER + ",d-109,S2105,t050056.00,T56.1,r003669946,1795136759,1795136700") == [
        (at(2026, 11, 20, 1, 5), "r003669946")
    ]
    assert heard(read, gatehouse, FISHER, FISHER) == [(at(2026, 11, 20, 1, 5, 7, 250_000), "005741001"), (None, None)]
    assert heard(read, alone, "", FISHER) == [(at(2026, 11, 20, 1, 5, 0, 123_000), "alone")]
    assert heard(read, gatehouse, FISHER + ",1795136700") == [(at(2026, 11, 20, 1, 5), "005741001")]


def test_an_announced_time_does_not_fall_on_the_wrong_sentence(read: Read, checksummed: Checksummed) -> None:
    gatehouse = checksummed("PGHP,1,2026,11,20,1,5,7,250,574,,005741001,1,4B", "$")
    assert heard(read, gatehouse, FISHER[:-1] + "0", FISHER) == [(None, None)]
    together = read("nmea", FEED, gatehouse.encode(), FISHER.encode())
    assert [row.get("heard_at") for row in together.rows] == [None], "nor on the next delivery"


def test_fragments_meet_in_order_with_others_between(read: Read, checksummed: Checksummed) -> None:
    other = [checksummed(line[1:-3].replace(",4,A,", ",5,B,")) for line in (FIRST, SECOND)]
    delivered = read("nmea", FEED, "\n".join([FIRST, FISHER, other[0], SECOND, other[1]]).encode())
    records = delivered.reading.records
    assert records.select("_position", "_record_count", "mmsi").rows() == [
        (1, 2, "368060190"),
        (2, 1, "574012345"),
        (3, 2, "368060190"),
    ]
    assert records["_raw"][0] == f"{FIRST}\n{SECOND}"


@pytest.mark.parametrize(
    ("lines", "orphans", "messages"),
    [
        ([FIRST], [1], 0),
        ([SECOND], [1], 0),
        ([SECOND, FIRST], [1, 2], 0),
        ([FIRST, FIRST, SECOND], [1], 1),
        ([FIRST, SECOND, SECOND], [3], 1),
    ],
    ids=["no end", "no beginning", "wrong order", "replaced", "retried"],
)
def test_a_fragment_without_its_siblings_is_an_orphan(
    lines: list[str], orphans: list[int], messages: int, read: Read
) -> None:
    delivered = read("nmea", FEED, "\n".join(lines).encode())
    assert delivered.reasons == [(position, "orphan_fragment", 4) for position in orphans]
    assert len(delivered.rows) == messages


def test_fragments_of_two_deliveries_never_meet(read: Read) -> None:
    delivered = read("nmea", FEED, FIRST.encode(), SECOND.encode())
    assert [reason for _, reason, _ in delivered.reasons] == ["orphan_fragment"] * 2


def test_groups_of_two_stations_do_not_mix(read: Read, checksummed: Checksummed) -> None:
    def tagged(group: str, line: str) -> str:
        return checksummed(f"g:{group},s:{group[-1]}", "\\") + "\\" + line

    lines = [tagged("1-2-7", FIRST), tagged("1-2-8", FIRST), tagged("2-2-7", SECOND), tagged("2-2-8", SECOND)]
    assert [receiver for _, receiver in heard(read, *lines)] == ["7", "8"]


def without_group(block: str) -> str:
    return ",".join(part for part in block.split(",") if part[0] not in "g12")


@pytest.mark.parametrize(
    "block",
    ["g:1-2-77,c:1795136700", "c:1795136700,g:1-2-77,s:ST", "c:1795136700,s:ST,g:1-2-77", "1G2:77,c:1795136700"],
)
def test_a_tag_block_may_be_stamped_before_it_is_grouped(block: str, read: Read, checksummed: Checksummed) -> None:
    stamp = checksummed(without_group(block), "\\")[-2:]
    assert stamp != checksummed(block, "\\")[-2:]
    assert [at for at, _ in heard(read, f"\\{block}*{stamp}\\{FISHER}")] == [at(2026, 11, 20, 1, 5)]
    wrong = f"{int(stamp, 16) ^ 0x11:02X}"
    assert read("nmea", FEED, f"\\{block}*{wrong}\\{FISHER}".encode()).reasons == [(1, "bad_checksum", 4)]


def test_only_a_group_may_be_left_out_of_a_tag_block(read: Read, checksummed: Checksummed) -> None:
    stamp = checksummed("c:1795136700", "\\")[-2:]
    line = f"\\s:ST,c:1795136700*{stamp}\\{FISHER}"
    assert read("nmea", FEED, line.encode()).reasons == [(1, "bad_checksum", 4)]


@pytest.mark.parametrize("talker", ["AI", "AB", "BS", "--", "B2", "04"])
@pytest.mark.parametrize("head", ["1,1,,A", "1,1,1,", "1,1,9,B", "1,1,,"])
@pytest.mark.parametrize("own", ["", ",", ",0", ",0,x,"])
def test_the_habits_of_receivers_do_not_hide_a_message(
    talker: str, head: str, own: str, read: Read, checksummed: Checksummed
) -> None:
    sentence = checksummed(f"{talker}VDM,{head},18SJsfGP117gup09>M>4lSpuP000,0{own}")
    (row,) = read("nmea", FEED, f"{sentence},1795136700".encode()).rows
    assert (row["mmsi"], row["heard_at"]) == ("574012345", at(2026, 11, 20, 1, 5))
    damaged = sentence.replace("VDM,1,1", "VDM,1,2") if not own else sentence.replace(f"{own}*", f"{own}0*")
    assert [reason for _, reason, _ in read("nmea", FEED, damaged.encode()).reasons] == ["bad_checksum"]


@pytest.mark.parametrize(
    "body",
    ["04HDM,182.1,M", "WIMWV,214.8,R,0.1,K,A", "IIVHW,,T,182.1,M,0.0,N,,", "B1XDR,C,19.5", "PGRME,15.0,M", "--TXT,1"],
)
@pytest.mark.parametrize("lead", ["$", "!"])
def test_sentences_of_other_talkers_are_skipped(body: str, lead: str, read: Read, checksummed: Checksummed) -> None:
    sentence = checksummed(body, lead)
    delivered = read("nmea", FEED, sentence.encode())
    assert (delivered.skipped, delivered.reasons) == ({"other_sentence": 1}, [])
    damaged = read("nmea", FEED, sentence.replace(",", ",9", 1).encode())
    assert damaged.reasons == [(1, "bad_checksum", 4)]


@pytest.mark.parametrize(
    ("identity", "number"),
    [
        ("000000000", 0),
        ("001193046", 1193046),
        ("002311200", 2311200),
        ("111574001", 111574001),
        ("970574001", 970574001),
    ],
)
def test_a_number_has_nine_digits_whoever_sends_it(
    identity: str, number: int, read: Read, checksummed: Checksummed
) -> None:
    lines = encode_dict({"type": 1, "mmsi": number, "lat": 16.5, "lon": 107.9}, talker_id="AI", sentence_type="VDM")
    (row,) = read("nmea", FEED, "\n".join(lines).encode()).rows
    assert (row["mmsi"], row["latitude"]) == (identity, 16.5)


def test_each_half_of_the_static_data_tells_its_own(read: Read) -> None:
    halves = [
        {"type": 24, "mmsi": "574000471", "partno": 0, "shipname": "SONG 71"},
        {"type": 24, "mmsi": "574000471", "partno": 1, "callsign": "XV71", "ship_type": 30},
        {"type": 24, "mmsi": "574000472", "partno": 1, "callsign": "XV72", "ship_type": 0},
        {"type": 24, "mmsi": "574000473", "partno": 0, "shipname": ""},
    ]
    lines = [encode_dict(half, talker_id="AI", sentence_type="VDM")[0] for half in halves]
    told = [
        {name: row[name] for name in ("vessel_name", "call_sign", "ship_type_code") if name in row}
        for row in read("nmea", FEED, "\n".join(lines).encode()).rows
    ]
    assert told == [
        {"vessel_name": "SONG 71"},
        {"call_sign": "XV71", "ship_type_code": "30"},
        {"call_sign": "XV72"},
        {},
    ]


def test_what_is_no_ais_sentence_is_skipped_or_unreadable(read: Read, checksummed: Checksummed) -> None:
    position = checksummed("GPGGA,010507,,,,,0", "$")
    tag = checksummed("c:1795136700", "\\") + "\\"
    lines = ["# remark", " ", position, "$PFOO,INVALID", tag, position[:-1] + "G", position[:-2] + "00", "hello"]
    lines += ["\\c:1795136700*00\\" + FISHER, "\\c:1795136700", "$PGHP,1,2026,13,1*" + "00", "!AIVDM,1,1,,A,18S"]
    lines += [checksummed("PGHP,1,2026,13,1,0,0,0,0", "$"), "$PGHP,1,2026,11,20,1,5,7,250"]
    delivered = read("nmea", FEED, "\n".join(lines).encode())
    assert delivered.rows == []
    assert delivered.skipped == {"blank_line": 1, "comment": 1, "other_sentence": 2, "tag_block": 1}
    assert [reason for _, reason, _ in delivered.reasons] == [
        "broken_sentence",
        "bad_checksum",
        "broken_sentence",
        "bad_checksum",
        "broken_tag_block",
        "bad_checksum",
        "broken_sentence",
        "broken_sentence",
        "broken_sentence",
    ]


SAMPLES = {
    # file: sentences, messages, unreadable by reason, skipped, how many have a time
    "dma_decode_encode_messages.txt": (646, 601, {}, {}, 0),
    "dma_retry_example.txt": (11, 6, {"orphan_fragment": 2}, {}, 0),
    "dma_small_cb_example.txt": (
        16,
        11,
        {"orphan_fragment": 1},
        {"blank_line": 5, "other_sentence": 1, "receiver_time": 4, "tag_block": 1},
        11,
    ),
    "dma_stream_example.txt": (4500, 4051, {}, {"receiver_time": 4051}, 4051),
    "kystverket_Ais1000Lines.nm4": (1000, 877, {}, {}, 877),
    "libais_tagblock.nmea": (5, 4, {}, {}, 4),
    "libais_test.aivdm": (263, 260, {"undecodable_payload": 1}, {"blank_line": 35, "comment": 47}, 260),
    "libais_typeexamples.nmea": (26, 26, {}, {}, 26),
}
"""The manifest counts 4,482 sentences and 4,033 messages of the stream: it leaves out the 18 of talker `--`."""


@pytest.mark.parametrize("name", SAMPLES)
def test_a_real_stream_is_accounted_for_to_the_sentence(
    name: str, read: Read, samples: Callable[[str], list[bytes]]
) -> None:
    sentences, messages, unreadable, skipped, timed = SAMPLES[name]
    delivered = read("nmea", FEED, *samples(f"ais/{name}"))
    assert len(delivered.rows) == messages
    assert Counter(reason for _, reason, _ in delivered.reasons) == unreadable
    assert delivered.skipped == skipped
    assert delivered.reading.records["_record_count"].sum() + sum(unreadable.values()) == sentences
    assert sum("heard_at" in row for row in delivered.rows) == timed


def test_the_real_stream_holds_its_types_and_its_fishing_vessels(
    read: Read, samples: Callable[[str], list[bytes]]
) -> None:
    rows = read("nmea", FEED, *samples("ais/dma_stream_example.txt")).rows
    types = {1: 2511, 2: 7, 3: 369, 4: 129, 5: 424, 6: 37, 7: 9, 8: 63, 9: 1, 15: 66, 16: 23, 17: 5, 18: 101}
    assert Counter(row["message_type"] for row in rows) == types | {20: 191, 21: 37, 23: 4, 24: 74}
    assert len({row["mmsi"] for row in rows if row.get("ship_type_code") == "30"}) == 48
    assert rows[0]["heard_at"] == at(2010, 6, 11, 11, 46, 11, 390_000)
