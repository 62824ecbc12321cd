"""Column drift: the columns of a delivery that are not those of the contract, because one is new, missing, renamed or retyped.

A new column does no harm: it is reported, and its values stay in landing. They do not enter bronze, since nobody has decided yet
whether they name a person (`docs/privacy.md`). A column that is missing, or that another one replaces, or of which no value
can be read any more, is not a problem of single records: the delivery is set aside whole, before a row of it is written, and the message
names the expected column. In forms with a header, the format reports what the header lacks; in forms whose records name their members, a
column counts as missing if none of at least MANY records names it. A column counts as retyped if at least MANY records sent a value
and none of these could be read. Below that, a bad value is the fault of its record.

An unknown name can be a person's (a file whose header is its first record). It is kept in the ledger, which is private;
messages, receipts and commands other than `ioc ledger` show only its length, and marts number it.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from enum import StrEnum
from functools import lru_cache
from itertools import islice

import polars as pl

from core.contract import Contract
from core.errors import DeliveryError
from ingestion.formats.base import Reading, Shape
from ingestion.formats.headers import key_of
from ingestion.load.checks import Checked
from ingestion.load.privacy import LONG_NUMBER, MAIL_ADDRESS, MASK

MANY = 20
"""From this many records on, what all of them have in common is a property of the delivery."""

ALIKE, MUCH_ALIKE = 0.7, 0.8
"""From this share of common characters on, a new name counts as the new name of a missing required or of a missing optional column."""

NAME_LIMIT = 60
NAMES_LIMIT = 50
"""How much of a name, and how many names of one delivery, are reported: the sender decides both, and is not trusted."""


class Kind(StrEnum):
    """What happened to a column."""

    ADDED = "added"
    MISSING = "missing"
    RENAMED = "renamed"
    RETYPED = "retyped"


@dataclass(frozen=True)
class Change:
    """One column of one delivery that differs from the contract. Names are those on the wire; `records` is how many it affects."""

    kind: Kind
    column_name: str
    expected: str | None
    came: str | None
    records: int

    def withheld(self) -> "Change":
        """Return the change as it may be shown outside the ledger: an unknown name is replaced by its length."""
        if self.kind is Kind.ADDED:
            return replace(self, column_name=withheld_name(self.column_name), came=withheld_name(self.column_name))
        return replace(self, came=withheld_name(self.came)) if self.kind is Kind.RENAMED and self.came else self

    def told(self) -> str:
        """Return the change in a few words, for a table; unknown names are withheld."""
        told = self.withheld()
        sides = {Kind.RENAMED: f" to {told.came}", Kind.RETYPED: f" from {told.expected} to {told.came}"}
        return f"{told.kind.value} {told.column_name}{sides.get(told.kind, '')}"


class Drift:
    """Watches the deliveries of one load, block by block, since a large delivery comes in several."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._counts: pl.DataFrame | None = None

    def judge(self, reading: Reading, checked: Checked) -> tuple[dict[int, DeliveryError], dict[int, list[Change]]]:
        """Return, by delivery, the error that stops it, and what is only reported. If one is stopped, judge the others again without it."""
        counts = checked.counts
        if self._counts is not None:
            counts = pl.concat([self._counts, counts]).group_by("_delivery", maintain_order=True).sum()
        here = counts.join(checked.counts.select("_delivery"), on="_delivery", how="semi")
        told = dict(_named(reading, dict(here.select("_delivery", "records").iter_rows())))
        stopping: dict[int, list[Change]] = {}
        for number, change in (*self._lost(here, reading), *self._unread(here, reading)):
            stopping.setdefault(number, []).append(change)
        for number, changes in told.items():
            renamed = [change for change in changes if change.kind is Kind.RENAMED]
            if renamed or number in stopping:
                known = {change.came for change in stopping.get(number, ())}
                added = [change for change in changes if change.kind is Kind.ADDED and change.came not in known]
                stopping[number] = [*stopping.get(number, ()), *renamed, *added]
        if not stopping:
            self._counts = counts
        return (
            {number: stop(self._contract, number, changes) for number, changes in stopping.items()},
            {number: changes for number, changes in told.items() if number not in stopping},
        )

    def _lost(self, counts: pl.DataFrame, reading: Reading) -> Iterator[tuple[int, Change]]:
        """Yield required columns that no record names; a member that is there and empty is the fault of its records."""
        for column in self._contract.columns:
            if not column.is_required:
                continue
            silent = counts.filter((pl.col("records") >= MANY) & (pl.col(f"{column.name} sent") == 0))
            for number in silent["_delivery"]:
                shape = reading.shapes.get(number, Shape())
                wire = shape.members.get(column.name)
                mine = _texts(reading, number)
                if wire is not None and _naming(mine, wire) == 0:
                    came = _pairs((wire,), tuple(safe_names(shape.unknown)), ALIKE).get(wire)
                    yield number, Change(Kind.RENAMED if came else Kind.MISSING, wire, wire, came, len(mine))

    def _unread(self, counts: pl.DataFrame, reading: Reading) -> Iterator[tuple[int, Change]]:
        """Yield columns whose every value failed its cast, in deliveries with many of them."""
        for column in self._contract.columns:
            if column.logical_type == "string":
                continue
            sent, read = f"{column.name} sent", f"{column.name} read"
            bad = counts.filter((pl.col(sent) >= MANY) & (pl.col(read) == 0))
            for number, many in bad.select("_delivery", sent).iter_rows():
                members = reading.shapes.get(number, Shape()).members
                if members and column.name not in members:  # made of other members, which are judged themselves
                    continue
                came = _kind_of(reading.records.filter(pl.col("_delivery") == number)[column.name])
                yield number, Change(Kind.RETYPED, column.wire_name, column.physical_type, came, many)


def explained(error: DeliveryError, contract: Contract, records: int) -> DeliveryError:
    """Turn a format's `missing_column` into the error that says which column came in its place, if one did."""
    values = error.values
    missing, found, promised = (_names(values.get(name)) for name in ("missing", "found", "promised"))
    if values.get("reason") != "missing_column" or not missing:
        return error
    wires = {name.casefold() for name in promised}
    if not any(name.casefold() in wires for name in found):
        found = []  # no header at all: the cells may be a person's
    unknown = safe_names(name for name in found if name.casefold() not in wires)
    pairs = _pairs(tuple(missing), tuple(unknown), ALIKE)
    lost = [(Kind.RENAMED if wire in pairs else Kind.MISSING, wire) for wire in missing]
    changes = [Change(kind, wire, wire, pairs.get(wire), records) for kind, wire in lost]
    changes += [Change(Kind.ADDED, name, None, name, records) for name in unknown if name not in pairs.values()]
    return stop(contract, values.get("delivery"), changes)


def stop(contract: Contract, delivery: object, changes: list[Change]) -> DeliveryError:
    """Return the error that sets a delivery aside because of its columns; its message names the expected ones, the ledger both."""
    order = [Kind.RENAMED, Kind.MISSING, Kind.RETYPED]
    reason = next(kind for kind in order if any(change.kind is kind for change in changes))
    told = {
        Kind.RENAMED: lambda change: f"expected {change.expected}, got {change.withheld().came} in its place",
        Kind.MISSING: lambda change: f"expected {change.expected}, got no such column",
        Kind.RETYPED: lambda change: (
            f"expected {change.column_name} of type {change.expected}, got {change.came} in all {change.records} values"
        ),
    }
    words = "; ".join(told[change.kind](change) for change in changes if change.kind in told)
    return DeliveryError(
        f"{contract.feed}: {words}; nothing of the delivery was loaded: send it again in the agreed form, "
        "or agree on a new version of the contract",
        reason=f"{reason.value}_column",
        delivery=delivery,
        changes=changes,
    )


def changes_of(error: DeliveryError) -> list[Change]:
    """Return the changes that an error of `stop` carries; none for another error."""
    changes = error.values.get("changes")
    return [change for change in changes if isinstance(change, Change)] if isinstance(changes, list) else []


def joined(before: Iterable[Change], after: Iterable[Change]) -> list[Change]:
    """Merge the changes of two blocks of a delivery; the records of equal changes are added up."""
    together: dict[Change, int] = {}
    for change in (*before, *after):
        same = replace(change, records=0)
        together[same] = together.get(same, 0) + change.records
    return [replace(change, records=records) for change, records in together.items()]


def withheld_name(name: str) -> str:
    """Return what may be shown of a name that the sender chose, which can be a person's: its length."""
    return f"(a name of {len(name)} characters)"


def safe_names(names: Iterable[str]) -> list[str]:
    """Make names that the sender chose fit for a report: printable, short, few, without numbers or addresses of persons."""
    return list(dict.fromkeys(safe for name in islice(names, NAMES_LIMIT) if (safe := _safe_name(name))))


def _safe_name(name: str) -> str:
    plain = "".join(sign for sign in unicodedata.normalize("NFC", name) if sign.isprintable()).strip()
    return re.sub(f"{MAIL_ADDRESS}|{LONG_NUMBER}", MASK, plain)[:NAME_LIMIT]


def _names(value: object) -> list[str]:
    return [str(name) for name in value] if isinstance(value, list) else []


def _named(reading: Reading, records: Mapping[int, int]) -> Iterator[tuple[int, list[Change]]]:
    """Yield the name changes of each delivery: new names, and absent ones, paired if they are much alike."""
    for number, shape in reading.shapes.items():
        if not (shape.unknown or shape.absent):
            continue
        unknown = {_safe_name(name): name for name in shape.unknown[:NAMES_LIMIT] if _safe_name(name)}
        pairs = _pairs(shape.absent, tuple(unknown), MUCH_ALIKE)
        count = records.get(number, 0)
        lost = [(Kind.RENAMED if wire in pairs else Kind.MISSING, wire) for wire in shape.absent]
        changes = [Change(kind, wire, wire, pairs.get(wire), count) for kind, wire in lost]
        mine = _texts(reading, number) if shape.members and unknown else None
        changes += [
            Change(Kind.ADDED, safe, None, safe, count if mine is None else _naming(mine, name))
            for safe, name in unknown.items()
            if safe not in pairs.values()
        ]
        yield number, changes


def _texts(reading: Reading, number: int) -> pl.Series:
    return reading.records.filter(pl.col("_delivery") == number)["_raw"]


@lru_cache(maxsize=1_000)
def _pairs(missing: tuple[str, ...], unknown: tuple[str, ...], least: float) -> Mapping[str, str]:
    """Pair each missing name with the most similar new one, the best pair first, each new one once."""
    likeness = sorted(
        (-SequenceMatcher(None, key_of(wire), key_of(name)).ratio(), wire, name) for wire in missing for name in unknown
    )
    pairs: dict[str, str] = {}
    for ratio, wire, name in likeness:
        if -ratio >= least and wire not in pairs and name not in pairs.values():
            pairs[wire] = name
    return pairs


def _naming(raws: pl.Series, name: str) -> int:
    """Count the objects, JSON or XML, whose text contains a member's name."""
    return int(raws.str.contains(rf'["<]{re.escape(name)}["\s/>]').sum() or 0)


def _kind_of(values: pl.Series) -> str:
    """Return the kind of a column's values, without a value: the first type that fits nine of ten of them."""
    texts = values.cast(pl.String).drop_nulls()
    kinds = {
        "whole numbers": texts.str.contains(r"^\s*[+-]?\d+\s*$"),
        "numbers": texts.str.contains(r"^\s*[+-]?\d+(\.\d+)?([eE][+-]?\d+)?\s*$"),
        "numbers with a comma": texts.str.contains(r"^\s*[+-]?[\d.]+,\d+\s*$"),
        "truth values": texts.str.to_lowercase().is_in(["true", "false", "yes", "no", "x"]),
        "ISO dates or times": texts.str.contains(r"^\s*\d{4}-\d\d-\d\d"),
        "dates day/month/year": texts.str.contains(r"^\s*\d{1,2}[/.-]\d{1,2}[/.-]\d{4}"),
    }
    return next((kind for kind, fits in kinds.items() if fits.sum() >= 0.9 * len(texts)), "text")
