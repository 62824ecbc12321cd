"""Position messages in the North Atlantic Format."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

Read = Callable[..., Any]
FEED = "fisheries.vms_positions"


def fields(read: Read, body: str) -> dict[str, str]:
    (row,) = read("naf", FEED, f"//SR//DA/20261120//TI/0200//{body}//ER//".encode()).rows
    return {name: value for name, value in row.items() if name not in ("fixed_at", "position_step_degrees")}


def test_the_published_message_is_read(read: Read) -> None:
    content = (
        b"//SR//AD/FRA//FR/GBR//RD/20201006//RT/2141//FS/GBR//RC/MGXR6//IR/GBROOC21250//DA/20201006//TI/1625"
        b"//LT/53.254//LG/.940//SP/96//CO/8//TM/POS//ER//"
    )
    assert read("naf", FEED, content).rows == [
        {
            "vessel_id": "GBROOC21250",
            "fixed_at": "2020-10-06T16:25:00Z",
            "message_type_code": "POS",
            "latitude": "53.254",
            "longitude": "0.94",
            "position_step_degrees": "0.001000000000",
            "speed_knots": "9.6",
            "course_degrees": "8.0",
            "call_sign": "MGXR6",
            "internal_reference": "GBROOC21250",
            "flag_code": "GBR",
            "other_fields": '{"AD": "FRA", "FR": "GBR", "RD": "20201006", "RT": "2141"}',
        }
    ]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("LT/+53.267//LG/-011.733", {"latitude": "53.267", "longitude": "-11.733"}),
        ("LA/N4533//LO/W04411", {"latitude": "45.55", "longitude": "-44.18333333333333"}),
        ("LT///LG/12.214", {"longitude": "12.214"}),
        ("LT/LOL//LG/12,2", {"latitude": "LOL", "longitude": "12,2"}),
        ("LA/N4563", {"latitude": "N4563"}),
        ("SP/020//CO/000", {"speed_knots": "2.0", "course_degrees": "0.0"}),
        ("SP/6x", {"speed_knots": "6x"}),
        ("FS/X", {}),
        ("NA/A/B", {"vessel_name": "A/B"}),
        ("TM/POS//TM/MAN", {"message_type_code": "POS"}),
        ("TM/ACK", {"message_type_code": "ACK"}),
        (
            "RC/C//IR/I//XR/X",
            {"vessel_id": "X", "call_sign": "C", "internal_reference": "I", "external_registration": "X"},
        ),
        ("RC/C//IR/I", {"vessel_id": "I", "call_sign": "C", "internal_reference": "I"}),
        ("RC/C//XR/", {"vessel_id": "C", "call_sign": "C"}),
        ("AC/FIS//TEST", {"other_fields": '{"AC": "FIS", "TEST": null}'}),
    ],
)
def test_a_field_becomes_its_column(body: str, expected: dict[str, str], read: Read) -> None:
    assert fields(read, body) == expected


@pytest.mark.parametrize(
    ("line", "reason", "group"),
    [
        ("//SR//TM/POS//DA/20261120//ER//", "missing_date_or_time", 1),
        ("//SR//TM/POS//DA/20261120//TI///ER//", "missing_date_or_time", 1),
        ("//SR//TM/POS//TI/0200//ER//", "missing_date_or_time", 1),
        ("//SR//DA/20210431//TI/0200//ER//", "bad_date_or_time", 4),
        ("//SR//DA/20210430//TI/2400//ER//", "bad_date_or_time", 4),
        ("//SR//DA/20210430//TI/200//ER//", "bad_date_or_time", 4),
        ("//SR//DA/20210430//TI/0200//ER/", "no_end_of_record", 4),
        ("SR//DA/20210430//TI/0200//ER//", "no_start_of_record", 4),
        ("//SR//DA/20210430//TI/0200//ER////SR//DA/20210430//TI/0200//ER//", "several_messages", 4),
    ],
)
def test_a_message_without_frame_or_time_is_unreadable(line: str, reason: str, group: int, read: Read) -> None:
    delivered = read("naf", FEED, f"\n{line}\n".encode())
    assert delivered.reasons == [(2, reason, group)]
    assert delivered.skipped == {"blank_line": 1}


def test_the_sixteen_real_messages(read: Read, samples: Callable[[str], list[bytes]]) -> None:
    delivered = read("naf", FEED, *samples("vms/naf_messages_monitorfish.txt"))
    assert delivered.pieces == {0: 16}
    assert delivered.reasons == [(5, "missing_date_or_time", 1), (16, "bad_date_or_time", 4)]
    assert Counter(row["message_type_code"] for row in delivered.rows) == {"POS": 12, "MAN": 1, "ACK": 1}
    assert delivered.rows[8]["latitude"] == "53.267"
    assert [row["vessel_id"] for row in delivered.rows[9:11]] == ["FLBO", "FLBO"]
    assert "speed_knots" not in delivered.rows[10]


@pytest.mark.parametrize(
    ("position", "step"),
    [
        ("LT/+16.123//LG/+108.345", 0.001),
        ("LT/+16.12345//LG/+108.34567", 0.00001),
        ("LT/16.1//LG/108.345", 0.001),  # a device that cuts trailing zeros
        ("LT/16.1//LG/108.3", 0.1),
        ("LT/16//LG/108", 1.0),
        ("LA/N1607//LO/E10821", 1 / 60),
        ("LT///LA/N1607//LO/E10821", 1 / 60),
        ("LT/LOL//LG/12,2", None),
    ],
)
def test_a_position_tells_the_step_it_is_written_in(position: str, step: float | None, read: Read) -> None:
    (row,) = read("naf", FEED, f"//SR//DA/20261120//TI/0200//{position}//ER//".encode()).rows
    told = row.get("position_step_degrees")
    assert (told and float(told)) == (step and pytest.approx(step))
