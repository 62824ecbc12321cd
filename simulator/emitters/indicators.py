"""Indicators of threats: one bundle of STIX 2.1 a day, at the hour when it came; a day begins with those of four days before.

Two in three are a single address or domain name of the invented attackers, the others networks or files, which are not compared with
alerts. Some have ended, some are taken back by a later version.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from uuid import UUID

from simulator.chance import chance
from simulator.emitters.file_records import write_records
from simulator.faults import INDICATORS, FaultKind, FaultProfile
from simulator.local_time import FUTURE, in_utc, midnight
from simulator.truth import Emission
from simulator.writer import Texts

DAYS, INDICATORS_A_DAY = 5, 18
REVOKED_SHARE, ENDED_SHARE = 0.12, 0.2


@dataclass(frozen=True)
class Indicator:
    """One version of an indicator; `observable` is what is compared with alerts, if anything is."""

    indicator_id: str
    modified_at: datetime
    pattern: str
    observable: str | None
    valid_from: datetime
    valid_until: datetime | None
    is_revoked: bool
    bundle_at: datetime

    @property
    def object_id(self) -> str:
        """The indicator."""
        return self.indicator_id

    @property
    def happened_at(self) -> datetime:
        """When the version was made."""
        return self.modified_at

    @property
    def file_name(self) -> str:
        """The bundle that has it."""
        return f"stix_{self.bundle_at:%Y%m%d_%H%M}.json"

    def record(self, fault: FaultKind | None) -> Texts:
        """Return the object of the bundle."""
        modified_at = self.modified_at + (FUTURE if fault == FaultKind.FUTURE_TIME else timedelta())
        ends = self.valid_from - timedelta(days=1) if fault == FaultKind.WRONG_ORDER else self.valid_until
        return {
            "type": "indicator",
            "indicator_id": self.indicator_id,
            "modified_at": f"{self.modified_at:%d/%m/%Y}" if fault == FaultKind.MALFORMED else _stix_time(modified_at),
            "indicator_name": f"Dấu hiệu {self.indicator_id[-4:]}",
            "pattern": None if fault == FaultKind.MISSING_VALUE else self.pattern,
            "pattern_type": "stix",
            "valid_from": _stix_time(self.valid_from),
            "valid_until": _stix_time(ends) if ends else None,
            "is_revoked": "true" if self.is_revoked else None,
        }

    def contradicted(self) -> "Indicator":
        """Return the version with another beginning."""
        return replace(self, valid_from=self.valid_from - timedelta(hours=1))


def emit_indicators(day: date, seed: int, profile: FaultProfile, folder: Path) -> Emission:
    """Write the day's files into a folder that the caller has made."""
    versions = list(_versions(day, chance(seed, INDICATORS)))
    books, accepted = write_records(INDICATORS, versions, profile, chance(seed, f"{INDICATORS}/faults"), folder)
    rows: list[tuple[object, ...]] = [
        (
            version.indicator_id,
            in_utc(version.modified_at),
            version.observable,
            in_utc(version.valid_from),
            in_utc(version.valid_until) if version.valid_until else None,
            version.is_revoked,
        )
        for version in accepted
    ]
    return Emission(books, {"threat_indicators": rows})


def _versions(day: date, stream: Random) -> Iterator[Indicator]:
    for number in range(DAYS * INDICATORS_A_DAY):
        at = midnight(day) - timedelta(days=DAYS - 1 - number // INDICATORS_A_DAY) + timedelta(hours=6, seconds=number)
        pattern, observable = _pattern(number, stream)
        ended = at + timedelta(hours=stream.randrange(6, 40)) if stream.random() < ENDED_SHARE else None
        first = Indicator(
            indicator_id=f"indicator--{UUID(int=stream.getrandbits(128), version=4)}",
            modified_at=at,
            pattern=pattern,
            observable=observable,
            valid_from=at - timedelta(hours=stream.randrange(48)),
            valid_until=ended,
            is_revoked=False,
            bundle_at=midnight(day) + timedelta(hours=7),
        )
        yield first
        if stream.random() < REVOKED_SHARE:
            yield replace(
                first,
                modified_at=at + timedelta(hours=3),
                is_revoked=True,
                bundle_at=midnight(day) + timedelta(hours=12),
            )


def _pattern(number: int, stream: Random) -> tuple[str, str | None]:
    match number % 6:
        case 0:
            return f"[ipv4-addr:value = '203.0.113.{stream.randrange(256)}/32']", None
        case 1:
            return f"[file:hashes.'SHA-256' = '{stream.getrandbits(256):064x}']", None
        case 2 | 3:
            address = f"203.0.113.{stream.randrange(1, 90)}"
            return f"[ipv4-addr:value = '{address}']", address
        case _:
            host = f"xau-{stream.randrange(60)}.example"
            return f"[domain-name:value = '{host.title()}']", host


def _stix_time(moment: datetime) -> str:
    return f"{in_utc(moment):%Y-%m-%dT%H:%M:%S}.000Z"
