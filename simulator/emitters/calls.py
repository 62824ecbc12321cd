"""The hotline's day: a CSV each quarter of an hour, with the records of the calls that ended in it; a quarter without any has no file.

Most call in office hours, few at night, which is no fault. What the menu resolves waits for nobody. No number and no agent is real.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random

from simulator.chance import chance
from simulator.emitters.file_records import write_records
from simulator.faults import CALLS, FaultKind, FaultProfile
from simulator.local_time import FUTURE, LOCAL, in_utc, midnight
from simulator.truth import Emission
from simulator.writer import Texts

QUARTER = timedelta(minutes=15)
CALLS_BY_HOUR = (2, 1, 1, 1, 1, 3, 8, 24, 44, 50, 46, 28, 16, 30, 44, 42, 34, 22, 12, 9, 7, 5, 4, 3)
OUTGOING_SHARE = 0.165
"""That of the hotline of Huế, 6,279 of 37,939 calls (press)."""

OUTCOMES = {"answered": 63, "ivr_resolved": 25, "abandoned": 8, "missed": 4}
MEAN_WAIT_SECONDS, MEAN_TALK_SECONDS = 9, 150
RATED_SHARE, RATINGS = 0.4, {5: 50, 4: 34, 3: 9, 2: 4, 1: 3}
SPOILT: dict[FaultKind | None, Texts] = {
    FaultKind.MISSING_VALUE: {"direction_code": ""},
    FaultKind.OUT_OF_RANGE: {"satisfaction_rating": "9"},
    FaultKind.UNKNOWN_CODE: {"outcome_code": "lost"},
}


@dataclass(frozen=True)
class Call:
    """One call of the hotline; what is None was not told."""

    call_id: str
    started_at: datetime
    ended_at: datetime
    direction_code: str
    outcome_code: str
    number: int
    wait_seconds: int | None
    talk_seconds: int
    rating: int | None

    @property
    def object_id(self) -> str:
        """The call."""
        return self.call_id

    @property
    def happened_at(self) -> datetime:
        """When it began."""
        return self.started_at

    @property
    def file_name(self) -> str:
        """The file of the quarter in which it ended, named by the end of that quarter."""
        start = midnight(self.ended_at.date())
        quarters = (self.ended_at - start) // QUARTER + 1
        return f"CDR_{start + quarters * QUARTER:%Y%m%d_%H%M%S}.csv"

    def record(self, fault: FaultKind | None) -> Texts:
        """Return the record of the file."""
        later = FUTURE if fault == FaultKind.FUTURE_TIME else timedelta()
        ended_at = self.started_at - timedelta(minutes=1) if fault == FaultKind.WRONG_ORDER else self.ended_at + later
        form = "%d/%m/%Y %H:%M" if fault == FaultKind.MALFORMED else "%Y-%m-%d %H:%M:%S"
        is_agents = self.outcome_code == "answered"
        texts: dict[str, str | None] = {
            "call_id": self.call_id,
            "started_at": f"{self.started_at + later:{form}}",
            "ended_at": f"{ended_at:%Y-%m-%d %H:%M:%S}",
            "direction_code": self.direction_code,
            "caller_hash": f"{self.number:016x}",
            "menu_branch_code": str(self.number % 4 + 1) if self.direction_code == "in" else None,
            "outcome_code": self.outcome_code,
            "wait_seconds": None if self.wait_seconds is None else str(self.wait_seconds),
            "talk_seconds": str(self.talk_seconds),
            "agent_id": f"DTV{self.number % 12 + 1:02}" if is_agents else None,
            "satisfaction_rating": None if self.rating is None else str(self.rating),
        }
        return {**texts, **SPOILT.get(fault, {})}

    def contradicted(self) -> "Call":
        """Return the call with another rating."""
        return replace(self, rating=1 if self.rating != 1 else 2)


def emit_calls(day: date, seed: int, profile: FaultProfile, folder: Path) -> Emission:
    """Write the day's files into a folder that the caller has made."""
    calls = sorted(_calls(day, chance(seed, CALLS)), key=lambda call: (call.ended_at, call.call_id))
    books, accepted = write_records(CALLS, calls, profile, chance(seed, f"{CALLS}/faults"), folder)
    rows: list[tuple[object, ...]] = [
        (
            call.call_id,
            in_utc(call.started_at),
            call.direction_code,
            call.outcome_code,
            call.wait_seconds,
            call.talk_seconds,
            call.rating,
        )
        for call in accepted
    ]
    return Emission(books, {"calls": rows})


def _calls(day: date, stream: Random) -> Iterator[Call]:
    """Yield the calls of a day; the last ones end before it does."""
    hours = [hour for hour, count in enumerate(CALLS_BY_HOUR) for _ in range(count)]
    for place, hour in enumerate(hours):
        started_at = (midnight(day) + timedelta(hours=hour, seconds=stream.randrange(2_400))).astimezone(LOCAL)
        direction = "out" if stream.random() < OUTGOING_SHARE else "in"
        outcome = stream.choices([*OUTCOMES], [*OUTCOMES.values()])[0] if direction == "in" else "answered"
        wait = int(min(stream.expovariate(1 / MEAN_WAIT_SECONDS), 180)) + 2 if outcome != "ivr_resolved" else None
        talk = int(min(stream.expovariate(1 / MEAN_TALK_SECONDS), 900)) + 5 if outcome == "answered" else 0
        is_rated = outcome in ("answered", "ivr_resolved") and stream.random() < RATED_SHARE
        yield Call(
            call_id=f"{day:%y%m%d}-{place:05}",
            started_at=started_at,
            ended_at=started_at + timedelta(seconds=(wait or 0) + talk + stream.randint(5, 60)),
            direction_code=direction,
            outcome_code=outcome,
            number=stream.getrandbits(60),
            wait_seconds=wait,
            talk_seconds=talk,
            rating=stream.choices([*RATINGS], [*RATINGS.values()])[0] if is_rated else None,
        )
