"""What people thought of the handling of their finished dossiers: a CSV a day, exported at 17:00, with the ratings since the one before.

Most who had a dossier finished rate it within three days, and some think again. Nobody is named. A day on which nobody rated has no file.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from random import Random

from simulator.chance import chance
from simulator.emitters.file_records import write_records
from simulator.emitters.one_stop import dossier_versions
from simulator.entities import City
from simulator.faults import RATINGS, FaultKind, FaultProfile
from simulator.local_time import FUTURE, LOCAL, in_utc
from simulator.truth import Emission
from simulator.writer import Texts

EXPORTED_AT = time(17)
RATED_SHARE, RATED_AGAIN_SHARE = 0.75, 0.05
WEIGHTS = {"5": 55, "4": 30, "3": 8, "2": 4, "1": 3}
SPOILT = {FaultKind.MISSING_VALUE: "", FaultKind.OUT_OF_RANGE: "9"}


@dataclass(frozen=True)
class Rating:
    """One rating of a dossier."""

    dossier_id: str
    agency_code: str
    rated_at: datetime
    rating: str

    @property
    def object_id(self) -> str:
        """The dossier."""
        return self.dossier_id

    @property
    def happened_at(self) -> datetime:
        """When it was rated."""
        return self.rated_at

    @property
    def file_name(self) -> str:
        """The export that has it."""
        return f"HaiLong_{self.export_date:%Y%m%d}.csv"

    @property
    def export_date(self) -> date:
        """The day whose export has it."""
        return self.rated_at.date() + timedelta(days=int(self.rated_at.timetz().replace(tzinfo=None) > EXPORTED_AT))

    def record(self, fault: FaultKind | None) -> Texts:
        """Return the record of the file."""
        rated_at = self.rated_at + (FUTURE if fault == FaultKind.FUTURE_TIME else timedelta())
        is_unknown = fault == FaultKind.UNKNOWN_CODE
        return {
            "dossier_id": self.dossier_id,
            "agency_code": self.agency_code.replace(".H57", ".H75") if is_unknown else self.agency_code,
            "rated_at": f"{rated_at:%d/%m/%Y %H:%M}" if fault == FaultKind.MALFORMED else f"{rated_at:%Y%m%d%H%M%S}",
            "rating": self.rating if fault is None else SPOILT.get(fault, self.rating),
        }

    def contradicted(self) -> "Rating":
        """Return another rating by the same person at the same time."""
        return replace(self, rating="1" if self.rating != "1" else "2")


def emit_ratings(city: City, day: date, seed: int, profile: FaultProfile, folder: Path) -> Emission:
    """Write the exports up to the day's own into a folder that the caller has made."""
    ratings = sorted(
        (
            rating
            for rating in _ratings(city, day, seed, chance(seed, "public_services/ratings"))
            if rating.export_date <= day
        ),
        key=lambda rating: (rating.rated_at, rating.dossier_id),
    )
    books, accepted = write_records(RATINGS, ratings, profile, chance(seed, "public_services/ratings/faults"), folder)
    rows: list[tuple[object, ...]] = [
        (rating.dossier_id, rating.agency_code, in_utc(rating.rated_at), int(rating.rating)) for rating in accepted
    ]
    return Emission(books, {"dossier_ratings": rows})


def _ratings(city: City, day: date, seed: int, stream: Random) -> Iterator[Rating]:
    for version in dossier_versions(city, day, seed):
        if version.status != "9" or stream.random() > RATED_SHARE:
            continue
        rated_at = _later(version.changed_at, stream)
        first = Rating(version.dossier.dossier_id, version.dossier.agency.agency_code, rated_at, _drawn(stream))
        yield first
        if stream.random() < RATED_AGAIN_SHARE:
            yield replace(first, rated_at=_later(rated_at, stream), rating=_drawn(stream))


def _later(moment: datetime, stream: Random) -> datetime:
    return (moment + timedelta(minutes=stream.randint(10, 4_000))).astimezone(LOCAL).replace(microsecond=0)


def _drawn(stream: Random) -> str:
    return stream.choices([*WEIGHTS], [*WEIGHTS.values()])[0]
