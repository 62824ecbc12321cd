"""Random deliveries of two feeds by seed: records that pass, repeat, contradict each other, or cannot be read."""

import json
from datetime import UTC, datetime, timedelta
from random import Random

LEVELS, REQUESTS = "environment.river_levels", "feedback.requests"
DOMAIN = "feedback"
NOON = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)
"""Noon in Huế, the current time of these tests."""

File = tuple[str, bytes]


def level_files(seed: int) -> list[File]:
    """Return three to six random polls of river gauges, without two different levels for one gauge and time."""
    draw = Random(f"levels {seed}")
    return [(f"poll_{number}.csv", _poll(draw, number)) for number in range(draw.randint(3, 6))]


def _poll(draw: Random, number: int) -> bytes:
    rows = ["station_id,station_name,river,value,timestamp,status"]
    for gauge in range(draw.randint(1, 4)):
        at = f"2026-11-20T{number:02}:{gauge:02}:00+07:00"
        level = draw.choice(["1.25", "0.4", "2", "", "high"])
        rows += [f"46_TV{gauge:02},Gauge,Hương,{level},{at},rising"] * draw.choice([1, 1, 2])
    return ("\n".join(rows) + "\n").encode()


def request_files(seed: int, first: int = 0) -> list[File]:
    """Return four to seven random answers of the feedback system, numbered from `first`; one is empty, one unreadable, one repeated."""
    draw = Random(f"requests {seed} {first}")
    files = [(f"requests_{first + number}.json", _answer(draw)) for number in range(draw.randint(2, 5))]
    again = draw.choice(files)
    files += [("empty.json", b""), (f"utf16_{first}.json", '[{"status":"open"}]'.encode("utf-16")), again]
    draw.shuffle(files)
    return files


def _answer(draw: Random) -> bytes:
    requests: list[object] = [_request(draw) for _ in range(draw.randint(1, 6))]
    requests.append(draw.choice(["no request", requests[0], {"status": "open"}]))
    return json.dumps(requests, ensure_ascii=False).encode()


def _request(draw: Random) -> dict[str, object]:
    """Return a random version of one of eight cases, so that versions supersede, repeat and contradict each other."""
    requested = NOON - timedelta(days=1)
    hours = draw.randint(0, 5)
    return {
        "service_request_id": f"PA-{draw.randint(1, 8)}",
        "status": "open" if hours < 3 else "closed",
        "status_notes": draw.choice(["Đã tiếp nhận", "Đang xử lý"]),
        "service_code": "VSMT",
        "description": "Rác tồn đọng",
        "requested_datetime": requested.isoformat(),
        "updated_datetime": (requested + timedelta(hours=hours)).isoformat(),
        "ext": {"ma_xa": "19753", "ma_co_quan": "000.00.01.H57"},
    }
