"""The registry's lists: the whole register as a CSV, one a month, the last one a day before the simulated day.

Each list is a new version of every vessel on it. Some licences were renewed between two lists. A few vessels that are at sea are on no
list, and a few on the list are never heard, one of them a boat too short to need a device: these are states of the world, not faults.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from random import Random

from simulator.chance import chance
from simulator.entities import Vessel
from simulator.faults import REGISTRY, FaultKind, FaultProfile, deal_faults
from simulator.local_time import in_utc, midnight
from simulator.truth import Books, Emission
from simulator.vessel_tracks import OPERATORS, Voyage

HEADER = (
    "so_dang_ky,ten_tau,mmsi,call_sign,chieu_dai_m,cong_suat_kw,nghe,ma_tinh,ma_xa,chu_tau_hash,"
    "gp_khai_thac_so,gp_het_han,thiet_bi_vms,ngay_lap"
)
LISTED_BEFORE = (timedelta(days=31), timedelta(days=1))
"""When the lists were made, before the simulated day."""

GEARS = ("Lưới vây", "Lưới rê", "Câu", "Lưới chụp")
NEVER_HEARD = 4
BOAT_LENGTH_M = 12.5
"""Of the last vessel that is never heard: it has no device, and needs none."""

EXPIRED_IN_PORT = 3
RENEWED = 10


@dataclass(frozen=True)
class Entry:
    """One vessel on one list."""

    vessel_id: str
    vessel_name: str
    mmsi: str
    call_sign: str
    length_m: str
    power_kw: int
    gear: str
    commune_code: str
    owner: str
    licence_number: str
    licence_expires: date
    operator_code: str | None
    device: str
    listed: date

    @property
    def text(self) -> str:
        """The line of the file."""
        return (
            f"{self.vessel_id},{self.vessel_name},{self.mmsi},{self.call_sign},{self.length_m},{self.power_kw},{self.gear},46,"
            f"{self.commune_code},{self.owner},{self.licence_number},{self.licence_expires},{self.device},{self.listed}"
        )

    def row(self) -> tuple[object, ...]:
        """Return the row of the truth."""
        return (
            self.vessel_id,
            in_utc(midnight(self.listed)),
            self.vessel_name,
            self.mmsi,
            float(self.length_m),
            self.commune_code,
            self.licence_expires,
            self.operator_code,
        )


def emit_vessel_registry(voyages: list[Voyage], day: date, seed: int, profile: FaultProfile, folder: Path) -> Emission:
    """Write the lists into a folder that the caller has made; faults go into the last one."""
    newest = _entries(voyages, day, chance(seed, "vessels/registry"))
    renewed = [voyage.vessel.vessel_id for voyage in voyages if voyage.behaviour == "at_sea"][-RENEWED:]
    earlier = [
        replace(
            entry,
            listed=day - LISTED_BEFORE[0],
            licence_expires=day - timedelta(days=5) if entry.vessel_id in renewed else entry.licence_expires,
        )
        for entry in newest
    ]
    dealt = deal_faults(profile, REGISTRY, newest, lambda _, __: True, chance(seed, "vessels/faults"))
    books = Books(REGISTRY)
    rows = [entry.row() for entry in earlier]
    books.accept(len(earlier))
    lines: list[str] = []
    name = _name(newest[0].listed)
    for index, entry in enumerate(newest):
        fault = dealt.get(index)
        lines.extend(_lines(entry, fault, index))
        if fault in (None, FaultKind.DUPLICATE, FaultKind.CONFLICT):
            rows.append(entry.row())
            books.accept()
        if fault is not None:
            outcome = "duplicate" if fault == FaultKind.DUPLICATE else "quarantined"
            if outcome == "duplicate":
                books.repeat()
            else:
                books.quarantine(fault)
            books.note(fault, entry.vessel_id, in_utc(midnight(entry.listed)), name, outcome=outcome)
    for listed, texts in ((earlier[0].listed, [entry.text for entry in earlier]), (newest[0].listed, lines)):
        content = "".join(f"{line}\r\n" for line in (HEADER, *texts))
        (folder / _name(listed)).write_bytes(content.encode())
        books.deliver()
    return Emission(books, {"vessel_registry": rows})


def _lines(entry: Entry, fault: FaultKind | None, index: int) -> list[str]:
    match fault:
        case FaultKind.DUPLICATE:
            return [entry.text, entry.text]
        case FaultKind.CONFLICT:
            return [entry.text, replace(entry, length_m=f"{float(entry.length_m) + 1:.1f}").text]
        case FaultKind.MALFORMED:
            return [entry.text.rsplit(",", 3)[0] if index % 2 else replace(entry, mmsi=entry.mmsi[:-1]).text]
        case FaultKind.MISSING_VALUE:
            return [replace(entry, length_m="").text]
        case FaultKind.OUT_OF_RANGE:
            return [replace(entry, length_m="0").text]
        case FaultKind.UNKNOWN_CODE:
            return [replace(entry, commune_code="99999").text]
        case _:
            return [entry.text]


def _entries(voyages: list[Voyage], day: date, stream: Random) -> list[Entry]:
    in_port = [voyage.vessel.vessel_id for voyage in voyages if voyage.behaviour == "in_port"]
    expired = {*in_port[:EXPIRED_IN_PORT], *(v.vessel.vessel_id for v in voyages if v.behaviour == "expired")}
    identities: list[tuple[Vessel, str | None]] = [
        (vessel, voyage.operator_code)
        for voyage in voyages
        if voyage.behaviour != "unlisted"
        for vessel in (voyage.vessel,)
    ]
    identities += [
        (
            replace(
                voyages[n].vessel,
                vessel_id=f"TTH-8000{n}-TS",
                vessel_name=f"TTH 8000{n} TS",
                mmsi=f"57402000{n}",
                call_sign=f"XVZZ{n}",
                length_m=BOAT_LENGTH_M if n == NEVER_HEARD else voyages[n].vessel.length_m,
            ),
            None if n == NEVER_HEARD else OPERATORS[n % len(OPERATORS)],
        )
        for n in range(1, NEVER_HEARD + 1)
    ]
    entries = []
    for number, (vessel, operator) in enumerate(identities, 1):
        days = -stream.randint(10, 200) if vessel.vessel_id in expired else stream.randint(40, 700)
        entries.append(
            Entry(
                vessel_id=vessel.vessel_id,
                vessel_name=vessel.vessel_name,
                mmsi=vessel.mmsi,
                call_sign=vessel.call_sign,
                length_m=f"{vessel.length_m:.1f}",
                power_kw=stream.randrange(90, 800, 10),
                gear=stream.choice(GEARS),
                commune_code=vessel.commune_code,
                owner=f"CT-{stream.randrange(10**8):08d}",
                licence_number=f"GP-46-{number:04d}",
                licence_expires=day + timedelta(days=days),
                operator_code=operator,
                device=f"{operator}/{stream.randrange(10**6):06d}" if operator else "",
                listed=day - LISTED_BEFORE[1],
            )
        )
    return entries


def _name(listed: date) -> str:
    return f"vessels_{listed:%Y%m%d}.csv"
