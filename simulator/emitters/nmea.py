"""The shore receivers' day: hourly logs of AIS sentences with tag blocks (NMEA 0183, ITU-R M.1371).

Class A vessels send message 1 every ten minutes and message 5 (two sentences) every two hours, class B vessels 18 and 24. The tag
block carries the receiver and its time, the only time available. One message in fifty has no position: 91, 181, 102.3, 360 and 511.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import reduce
from pathlib import Path
from random import Random

from pyais.encode import encode_dict

from simulator.chance import chance
from simulator.faults import AIS, FaultKind, FaultProfile, deal_faults
from simulator.local_time import FUTURE, LOCAL, in_utc, midnight
from simulator.truth import Books, Emission
from simulator.vessel_tracks import Fix, Voyage

POSITION_EVERY = timedelta(minutes=10)
STATICS_EVERY = timedelta(hours=2)
FISHING, UNDER_WAY, MOORED = 7, 0, 5
SHIP_TYPE_FISHING = 30
NO_HEADING = 511
RECEIVERS = ("HUE01", "HUE02")
TWO_SENTENCES = 5

Fields = dict[str, str | int | float | bytes | bool]
"""A message as pyais encodes it."""


@dataclass(frozen=True)
class Message:
    """One message heard: its sentences without tag blocks, and its row of the truth."""

    mmsi: str
    message_type: int
    heard_at: datetime
    receiver: str
    group: int
    sentences: tuple[str, ...]
    row: tuple[object, ...]

    def lines(self, heard_at: datetime) -> list[str]:
        """Return the lines of the log: a tag block and a sentence each."""
        parts = len(self.sentences)
        seconds = int(heard_at.timestamp())
        blocks = [
            (f"g:{part}-{parts}-{self.group}," if parts > 1 else "") + f"s:{self.receiver},c:{seconds}"
            for part in range(1, parts + 1)
        ]
        return [
            f"\\{block}*{_checksum(block):02X}\\{sentence}"
            for block, sentence in zip(blocks, self.sentences, strict=True)
        ]


def emit_ais(voyages: list[Voyage], day: date, seed: int, profile: FaultProfile, folder: Path) -> Emission:
    """Write the day's logs into a folder that the caller has made."""
    stream = chance(seed, "ais/messages")
    messages = [message for voyage in voyages if voyage.vessel.ais_class for message in _messages(voyage, day, stream)]
    messages.sort(key=lambda message: (message.heard_at, message.mmsi, message.sentences))
    faults = chance(seed, "ais/faults")
    dealt = deal_faults(profile, AIS, messages, _can_have, faults)
    books = Books(AIS)
    rows: dict[str, list[tuple[object, ...]]] = {"ais_positions": [], "ais_statics": []}
    files: dict[int, list[str]] = {hour: [] for hour in range(24)}
    for index, message in enumerate(messages):
        fault = dealt.get(index)
        hour = message.heard_at.astimezone(LOCAL).hour
        if fault == FaultKind.LATE:
            hour += faults.randint(1, 3)
        lines = _lines(message, fault)
        files[hour].extend(lines)
        sentences = len(message.sentences)
        if fault is None or fault in (FaultKind.LATE, FaultKind.DUPLICATE):
            rows["ais_positions" if message.message_type in (1, 18) else "ais_statics"].append(message.row)
            books.accept(sentences)
        if fault is not None:
            outcome, records = _enter(books, fault, sentences)
            books.note(
                fault, message.mmsi, in_utc(message.heard_at), _name(day, hour), outcome=outcome, records=records
            )
    for hour, lines in files.items():
        (folder / _name(day, hour)).write_text("".join(f"{line}\r\n" for line in lines), encoding="ascii", newline="")
        books.deliver()
    return Emission(books, rows)


def _enter(books: Books, fault: FaultKind, sentences: int) -> tuple[str, int]:
    match fault:
        case FaultKind.MISSING_SLOT:
            return "missing", 0
        case FaultKind.LATE:
            return "accepted", sentences
        case FaultKind.DUPLICATE:
            books.repeat(sentences)
            return "duplicate", sentences
        case FaultKind.ORPHAN_FRAGMENT:
            books.quarantine(fault)
            return "quarantined", 1
        case _:
            books.quarantine(fault, sentences)
            return "quarantined", sentences


def _lines(message: Message, fault: FaultKind | None) -> list[str]:
    lines = message.lines(message.heard_at)
    match fault:
        case FaultKind.MISSING_SLOT:
            return []
        case FaultKind.DUPLICATE:
            return [*lines, *lines]
        case FaultKind.ORPHAN_FRAGMENT:
            return lines[:1]
        case FaultKind.FUTURE_TIME:
            return message.lines(message.heard_at + FUTURE)
        case FaultKind.BAD_CHECKSUM:
            wrong = int(lines[0][-2:], 16) ^ 0x11
            return [f"{lines[0][:-2]}{wrong:02X}"]
        case _:
            return lines


def _messages(voyage: Voyage, day: date, stream: Random) -> list[Message]:
    start = midnight(day)
    first = start + timedelta(seconds=stream.randrange(600))
    in_port = voyage.behaviour == "in_port"
    step = 3 * POSITION_EVERY if in_port else POSITION_EVERY
    messages = []
    moment, next_statics, group = first, first, stream.randrange(1000)
    while moment < start + timedelta(days=1):
        heard_at = moment + timedelta(seconds=stream.randrange(5))
        has_position = stream.random() > 0.02
        if heard_at < start + timedelta(days=1) and not voyage.is_silent(heard_at):
            messages.append(_position(voyage, heard_at, has_position=has_position))
            if moment >= next_statics:
                group += 1
                messages.extend(_statics(voyage, heard_at + timedelta(seconds=1), group))
                next_statics = moment + STATICS_EVERY
        moment += step
    return [message for message in messages if message.heard_at < start + timedelta(days=1)]


def _position(voyage: Voyage, heard_at: datetime, *, has_position: bool) -> Message:
    vessel, fix = voyage.vessel, voyage.trip.fix(heard_at)
    kind = 1 if vessel.ais_class == "A" else 18
    latitude, longitude = round(fix.latitude, 5), round(fix.longitude, 5)
    speed, course = round(fix.speed_knots, 1), round(fix.course_degrees, 1) % 360
    sent = (latitude, longitude, speed, course) if has_position else (91, 181, 102.3, 360)
    fields: Fields = {
        "type": kind,
        "mmsi": vessel.mmsi,
        "lat": sent[0],
        "lon": sent[1],
        "speed": sent[2],
        "course": sent[3],
        "heading": round(course) % 360 if has_position and kind == 1 else NO_HEADING,
        "second": heard_at.second,
        "accuracy": True,
    }
    if kind == 1:
        fields |= {"status": _status(fix), "turn": 0}
    row = (
        vessel.mmsi,
        in_utc(heard_at),
        kind,
        *((latitude, longitude, speed, course) if has_position else (None,) * 4),
    )
    return _message(voyage, heard_at, 0, fields, row)


def _statics(voyage: Voyage, heard_at: datetime, group: int) -> list[Message]:
    vessel = voyage.vessel
    name: Fields = {"mmsi": vessel.mmsi, "shipname": vessel.vessel_name}
    sign: Fields = {
        "mmsi": vessel.mmsi,
        "callsign": vessel.call_sign,
        "ship_type": SHIP_TYPE_FISHING,
    }
    moment, fishing = in_utc(heard_at), str(SHIP_TYPE_FISHING)
    if vessel.ais_class == "A":
        row = (vessel.mmsi, moment, TWO_SENTENCES, vessel.vessel_name, vessel.call_sign, fishing)
        fields = {**name, **sign, "type": TWO_SENTENCES, "destination": "NGU TRUONG", "draught": 2.5}
        return [_message(voyage, heard_at, group, fields, row)]
    part_a = (vessel.mmsi, moment, 24, vessel.vessel_name, None, None)
    part_b = (vessel.mmsi, moment, 24, None, vessel.call_sign, fishing)
    return [
        _message(voyage, heard_at, group, {**name, "type": 24, "partno": 0}, part_a),
        _message(voyage, heard_at, group, {**sign, "type": 24, "partno": 1}, part_b),
    ]


def _message(voyage: Voyage, heard_at: datetime, group: int, fields: Fields, row: tuple[object, ...]) -> Message:
    vessel = voyage.vessel
    channel = "AB"[int(vessel.mmsi) % 2]
    sentences = encode_dict(fields, talker_id="AI", sentence_type="VDM", radio_channel=channel, seq_id=group % 10)
    receiver = RECEIVERS[int(vessel.mmsi) // 2 % len(RECEIVERS)]
    return Message(vessel.mmsi, int(fields["type"]), heard_at, receiver, group, tuple(sentences), row)


def _status(fix: Fix) -> int:
    if fix.is_fishing:
        return FISHING
    return UNDER_WAY if fix.speed_knots else MOORED


def _can_have(message: Message, fault: FaultKind) -> bool:
    if fault == FaultKind.ORPHAN_FRAGMENT:
        return len(message.sentences) > 1
    if fault == FaultKind.BAD_CHECKSUM:
        return len(message.sentences) == 1
    return fault != FaultKind.LATE or message.heard_at.astimezone(LOCAL).hour < 20


def _checksum(text: str) -> int:
    return reduce(lambda total, character: total ^ ord(character), text, 0)


def _name(day: date, hour: int) -> str:
    return f"ais_{day:%Y%m%d}_{hour:02d}.nmea"
