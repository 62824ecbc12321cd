"""The registry's lists: the whole register as a CSV, one a month, the last one a day before the simulated day.

Each list is a new version of every vessel on it. Some licences were renewed between two lists. A few vessels that are at sea are on no
list, and a few on the list are never heard, one of them a boat too short to need a device: these are states of the world, not faults.
"""

from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from random import Random

from core.contract import find_contract
from simulator.chance import chance
from simulator.entities import Vessel
from simulator.faults import REGISTRY, FaultKind, FaultProfile, deal_faults
from simulator.local_time import in_utc, midnight
from simulator.truth import Books, Emission
from simulator.vessel_tracks import OPERATORS, Voyage
from simulator.writer import Texts, cut_rows, write_table

LISTED_BEFORE = (timedelta(days=31), timedelta(days=1))
"""When the lists were made, before the simulated day."""

GEARS = ("Lưới vây", "Lưới rê", "Câu", "Lưới chụp")
NEVER_HEARD = 4
BOAT_LENGTH_M = 12.5
"""Of the last vessel that is never heard: it has no device, and needs none."""

EXPIRED_IN_PORT = 3
RENEWED = 10
PROVINCE = "46"


@dataclass(frozen=True)
class Entry:
    """One vessel on one list: the columns of the contract, and the operator of its device."""

    vessel_id: str
    vessel_name: str
    mmsi: str
    call_sign: str
    length_m: str
    power_kw: int
    gear: str
    commune_code: str
    owner_hash: str
    licence_number: str
    licence_expires_date: date
    operator_code: str | None
    vms_device: str
    listed_at: date

    @property
    def record(self) -> Texts:
        """The record of the file."""
        sent = {name: str(value) for name, value in asdict(self).items() if name != "operator_code"}
        return {**sent, "province_code": PROVINCE}

    def row(self) -> tuple[object, ...]:
        """Return the row of the truth."""
        return (
            self.vessel_id,
            in_utc(midnight(self.listed_at)),
            self.vessel_name,
            self.mmsi,
            float(self.length_m),
            self.commune_code,
            self.licence_expires_date,
            self.operator_code,
        )


def emit_vessel_registry(voyages: list[Voyage], day: date, seed: int, profile: FaultProfile, folder: Path) -> Emission:
    """Write the lists into a folder that the caller has made; faults go into the last one."""
    newest = _entries(voyages, day, chance(seed, "vessels/registry"))
    renewed = [voyage.vessel.vessel_id for voyage in voyages if voyage.behaviour == "at_sea"][-RENEWED:]
    earlier = [
        replace(
            entry,
            listed_at=day - LISTED_BEFORE[0],
            licence_expires_date=day - timedelta(days=5) if entry.vessel_id in renewed else entry.licence_expires_date,
        )
        for entry in newest
    ]
    dealt = deal_faults(profile, REGISTRY, newest, lambda _, __: True, chance(seed, "vessels/faults"))
    books = Books(REGISTRY)
    rows = [entry.row() for entry in earlier]
    books.accept(len(earlier))
    sent: list[Entry] = []
    cut: list[int] = []
    name = _name(newest[0].listed_at)
    for index, entry in enumerate(newest):
        fault = dealt.get(index)
        if fault == FaultKind.MALFORMED and index % 2:
            cut.append(len(sent))
        sent += _sent(entry, fault, index)
        if fault in (None, FaultKind.DUPLICATE, FaultKind.CONFLICT):
            rows.append(entry.row())
            books.accept()
        if fault is not None:
            outcome = "duplicate" if fault == FaultKind.DUPLICATE else "quarantined"
            if outcome == "duplicate":
                books.repeat()
            else:
                books.quarantine(fault)
            books.note(fault, entry.vessel_id, in_utc(midnight(entry.listed_at)), name, outcome=outcome)
    for entries, broken in ((earlier, []), (sent, cut)):
        content = write_table(find_contract(REGISTRY), [entry.record for entry in entries])
        (folder / _name(entries[0].listed_at)).write_bytes(cut_rows(content, broken, 3))
        books.deliver()
    return Emission(books, {"vessel_registry": rows})


def _sent(entry: Entry, fault: FaultKind | None, index: int) -> list[Entry]:
    match fault:
        case FaultKind.DUPLICATE:
            return [entry, entry]
        case FaultKind.CONFLICT:
            return [entry, replace(entry, length_m=f"{float(entry.length_m) + 1:.1f}")]
        case FaultKind.MALFORMED:
            return [entry if index % 2 else replace(entry, mmsi=entry.mmsi[:-1])]
        case FaultKind.MISSING_VALUE:
            return [replace(entry, length_m="")]
        case FaultKind.OUT_OF_RANGE:
            return [replace(entry, length_m="0")]
        case FaultKind.UNKNOWN_CODE:
            return [replace(entry, commune_code="99999")]
        case _:
            return [entry]


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
                owner_hash=f"CT-{stream.randrange(10**8):08d}",
                licence_number=f"GP-46-{number:04d}",
                licence_expires_date=day + timedelta(days=days),
                operator_code=operator,
                vms_device=f"{operator}/{stream.randrange(10**6):06d}" if operator else "",
                listed_at=day - LISTED_BEFORE[1],
            )
        )
    return entries


def _name(listed: date) -> str:
    return f"vessels_{listed:%Y%m%d}.csv"
