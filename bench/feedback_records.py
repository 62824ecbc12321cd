"""One million feedback requests as newline JSON, from landed bytes to committed bronze. Aim: 200,000 records/s, at most 2 GB."""

import io
import json
from datetime import UTC, datetime, timedelta
from random import Random

from bench.figure import Figure
from bench.json_lines import measure_lines
from core.reference import Reference

RECORDS = 1_000_000
NOW = datetime(2026, 11, 20, tzinfo=UTC)


def measure() -> Figure:
    """Measure the load of what `lines` makes."""
    return measure_lines("feedback.requests", lines(Reference()), RECORDS, NOW, most_gigabytes=2.0)


def lines(reference: Reference) -> bytes:
    """Make the input: each request at its own minute, of agencies and communes that exist."""
    chance = Random(46)
    agencies = reference.values_of("agencies.agency_code").sort().to_list()
    communes = reference.values_of("communes.commune_code").sort().to_list()
    buffer = io.BytesIO()
    for number in range(RECORDS):
        moment = NOW - timedelta(seconds=30 * number + 3600)
        request = {
            "service_request_id": f"PAHT-2026-{number:07d}",
            "status": "closed",
            "service_code": "VSMT",
            "service_name": "Vệ sinh môi trường",
            "description": "Rác tồn đọng đầu hẻm, đề nghị thu gom",
            "agency_responsible": "UBND phường",
            "requested_datetime": (moment - timedelta(hours=5)).isoformat(),
            "updated_datetime": moment.isoformat(),
            "expected_datetime": (moment + timedelta(days=7)).isoformat(),
            "lat": 16.4 + chance.random() / 10,
            "long": 107.5 + chance.random() / 10,
            "ext": {"ma_co_quan": chance.choice(agencies), "ma_xa": chance.choice(communes), "luong": "co_thoi_gian"},
        }
        buffer.write(json.dumps(request, ensure_ascii=False).encode())
        buffer.write(b"\n")
    return buffer.getvalue()


if __name__ == "__main__":
    print(measure().row())
