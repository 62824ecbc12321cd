"""AIS: the format against pyais decoding alone. Aim: at most 1.5 times the time.

The input is made with pyais: position reports with tag blocks, and two-sentence static messages among them.
"""

import io
import time
from random import Random

from pyais import encode_dict
from pyais.stream import IterMessages

from bench.figure import Figure
from core.contract import Contract, find_contract
from ingestion.formats.base import Envelope, join_pieces
from ingestion.formats.nmea import Nmea

MESSAGES = 60_000
ROUNDS = 3


def measure() -> Figure:
    """Take the best of three rounds of each, in turn."""
    lines = list(sentences())
    contract = find_contract("fisheries.ais_messages")
    tagged = "\n".join(lines).encode()
    bare = [line.rsplit("\\", 1)[-1].encode() for line in lines]
    ours, alone = [], []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        decoded = sum(1 for message in IterMessages(bare) if message.decode())
        alone.append(time.perf_counter() - began)
        began = time.perf_counter()
        records = read(tagged, contract)
        ours.append(time.perf_counter() - began)
        assert records == decoded == MESSAGES, (records, decoded)
    ratio = min(ours) / min(alone)
    return Figure(
        f"AIS, {MESSAGES:,} messages, bytes to records",
        f"{MESSAGES / min(ours):,.0f} messages/s, {ratio:.2f} × the time of pyais",
        "≤ 1.5 ×",
        ratio <= 1.5,
        f"pyais alone {MESSAGES / min(alone):,.0f} messages/s",
    )


def read(content: bytes, contract: Contract) -> int:
    """Count the records the format reads."""
    envelope, form = Envelope("log.nmea"), Nmea()
    blocks = [(0, pieces) for pieces in form.split(io.BytesIO(content), envelope)]
    return form.read(join_pieces(blocks), contract, {0: envelope}).records.height


def sentences() -> list[str]:
    """Encode the messages; one in ten is a static message of two sentences."""
    chance = Random(46)
    made: list[str] = []
    for number in range(MESSAGES):
        mmsi = 574_000_000 + chance.randrange(2_000)
        tag = tag_block(1_780_000_000 + number)
        if number % 10 == 0:
            fields = {"type": 5, "mmsi": mmsi, "callsign": "XVAB1", "shipname": f"HUE {mmsi % 10_000}", "ship_type": 30}
        else:
            fields = {
                "type": 1,
                "mmsi": mmsi,
                "lat": 16 + chance.random(),
                "lon": 108 + chance.random(),
                "speed": chance.randrange(100) / 10,
                "course": chance.randrange(3600) / 10,
                "status": 7,
            }
        made += [
            f"{tag}{line}"
            for line in encode_dict(fields, talker_id="AI", sentence_type="VDM", seq_id=number // 10 % 10)
        ]
    return made


def tag_block(epoch: int) -> str:
    """Make a tag block with a time and its checksum."""
    body = f"s:hue,c:{epoch}"
    checksum = 0
    for character in body:
        checksum ^= ord(character)
    return f"\\{body}*{checksum:02X}\\"


if __name__ == "__main__":
    print(measure().row())
