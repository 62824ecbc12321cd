"""Incidents of public order: a JSON file each quarter of an hour with the versions written in it; a day begins with those of before.

An incident comes when it is reported, when somebody reached it and when it is done with. Whether and when somebody reached it is not
always written down. Some kinds are rare, most happen in a few communes.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random

from simulator.chance import chance
from simulator.emitters.file_records import write_records
from simulator.entities import City
from simulator.faults import INCIDENTS, FaultKind, FaultProfile
from simulator.local_time import FUTURE, LOCAL, in_utc, midnight
from simulator.truth import Emission
from simulator.writer import Texts

QUARTER = timedelta(minutes=15)
DAYS, INCIDENTS_A_DAY = 14, 40
KINDS = {
    "trom_cap": 18, "lua_dao_mang": 12, "gay_roi": 9, "tieng_on": 16, "lan_chiem": 13, "chay_no": 3, "cuop": 2.5, "danh_nhau": 8,
    "bao_luc_gia_dinh": 6, "xam_hai_tre_em": 0.8, "mat_tich": 1.6, "ma_tuy": 5, "khac": 5,
}  # fmt: skip
SEVERITIES = {1: 60, 2: 28, 3: 10, 4: 2}
OCCURRED_KNOWN_SHARE, RESPONSE_KNOWN_SHARE, DONE_SHARE = 0.9, 0.88, 0.9
MEAN_RESPONSE_MINUTES, MEAN_HOURS_TO_DONE = 14, 20
SPOILT: dict[FaultKind | None, Texts] = {
    FaultKind.MISSING_VALUE: {"severity": None},
    FaultKind.OUT_OF_RANGE: {"severity": "9"},
    FaultKind.UNKNOWN_CODE: {"kind_code": "loai_la"},
}


@dataclass(frozen=True)
class Version:
    """One version of an incident; what is None was not told. It is exported on a day, or with the backlog at its beginning."""

    incident_id: str
    updated_at: datetime
    kind_code: str
    commune_code: str
    occurred_at: datetime | None
    reported_at: datetime
    first_response_at: datetime | None
    status_code: str
    severity: int
    export_day: date

    @property
    def object_id(self) -> str:
        """The incident."""
        return self.incident_id

    @property
    def happened_at(self) -> datetime:
        """When the version was written."""
        return self.updated_at

    @property
    def file_name(self) -> str:
        """The file of the quarter in which it was written, named by the end of that quarter."""
        start = midnight(self.export_day)
        quarters = max((self.updated_at - start) // QUARTER + 1, 0)
        return f"ANTT_{start + quarters * QUARTER:%Y%m%d_%H%M%S}.json"

    def record(self, fault: FaultKind | None) -> Texts:
        """Return the record of the file."""
        written_at = self.updated_at + (FUTURE if fault == FaultKind.FUTURE_TIME else timedelta())
        is_wrong = fault == FaultKind.WRONG_ORDER
        occurred_at = self.reported_at + timedelta(minutes=1) if is_wrong else self.occurred_at
        is_malformed = fault == FaultKind.MALFORMED
        texts: dict[str, str | None] = {
            "incident_id": self.incident_id,
            "updated_at": written_at.isoformat(),
            "kind_code": self.kind_code,
            "commune_code": self.commune_code,
            "occurred_at": occurred_at.isoformat() if occurred_at else None,
            "reported_at": f"{self.reported_at:%d/%m/%Y %H:%M}" if is_malformed else self.reported_at.isoformat(),
            "first_response_at": self.first_response_at.isoformat() if self.first_response_at else None,
            "status_code": self.status_code,
            "severity": str(self.severity),
        }
        return {**texts, **SPOILT.get(fault, {})}

    def contradicted(self) -> "Version":
        """Return the version with another severity."""
        return replace(self, severity=self.severity % 4 + 1)


def emit_incidents(city: City, day: date, seed: int, profile: FaultProfile, folder: Path) -> Emission:
    """Write the day's files into a folder that the caller has made."""
    ends_at = midnight(day) + timedelta(days=1)
    stream = chance(seed, INCIDENTS)
    every = (version for started in _reported(city, day, stream) for version in _versions(started, stream))
    versions = sorted(
        (version for version in every if version.updated_at < ends_at),
        key=lambda version: (version.updated_at, version.incident_id),
    )
    books, accepted = write_records(INCIDENTS, versions, profile, chance(seed, f"{INCIDENTS}/faults"), folder)
    rows: list[tuple[object, ...]] = [
        (
            version.incident_id,
            in_utc(version.updated_at),
            version.kind_code,
            version.commune_code,
            in_utc(version.reported_at),
            in_utc(version.first_response_at) if version.first_response_at else None,
            version.status_code,
            version.severity,
        )
        for version in accepted
    ]
    return Emission(books, {"incident_versions": rows})


def _reported(city: City, day: date, stream: Random) -> Iterator[Version]:
    """Yield the first version of each incident."""
    weights = [1 / (1 + place) for place, _ in enumerate(city.communes)]
    for days_before in reversed(range(DAYS)):
        local_day = day - timedelta(days=days_before)
        for place in range(INCIDENTS_A_DAY):
            reported_at = (midnight(local_day) + timedelta(seconds=stream.randrange(86_400))).astimezone(LOCAL)
            is_known = stream.random() < OCCURRED_KNOWN_SHARE
            occurred_at = reported_at - timedelta(minutes=int(min(stream.expovariate(1 / 40), 600)))
            yield Version(
                incident_id=f"VV-{local_day:%y%m%d}-{place:03}",
                updated_at=reported_at,
                kind_code=stream.choices([*KINDS], [*KINDS.values()])[0],
                commune_code=stream.choices(city.communes, weights)[0].commune_code,
                occurred_at=occurred_at if is_known else None,
                reported_at=reported_at,
                first_response_at=None,
                status_code="moi_tiep_nhan",
                severity=stream.choices([*SEVERITIES], [*SEVERITIES.values()])[0],
                export_day=day,
            )


def _versions(reported: Version, stream: Random) -> Iterator[Version]:
    """Yield the versions of an incident, the first one among them."""
    yield reported
    minutes = 2 + int(min(stream.expovariate(1 / MEAN_RESPONSE_MINUTES), 240))
    reached_at = reported.reported_at + timedelta(minutes=minutes)
    is_told = stream.random() < RESPONSE_KNOWN_SHARE
    reached = replace(
        reported, updated_at=reached_at, first_response_at=reached_at if is_told else None, status_code="dang_xu_ly"
    )
    yield reached
    if stream.random() < DONE_SHARE:
        hours = min(stream.expovariate(1 / MEAN_HOURS_TO_DONE), 200)
        yield replace(reached, updated_at=reached_at + timedelta(minutes=1 + int(60 * hours)), status_code="da_xu_ly")
