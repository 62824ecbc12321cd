"""What a reader who has every figure of a domain before him can work out of what is hidden.

Hidden counts are unknown whole numbers; what marts say of each other are equations over them. A count is told where one number alone fits
all equations at once: that it is between 1 and 4 is what hiding says. Hidden parts of one total are told where together they are few. The
numbers that fit are found by whole-number programs (HiGHS). Equations that share no unknown are independent of each other, so that one
program answers one unknown in each group of them. That a rule hides the *next* larger cell and no other is not made use of.

A figure that is no sum of counts (a threshold, a flag) is not solved for its parts: it tells them where one of them is hidden (`Derived`).
A reader may keep an earlier release: `attack_releases` writes the equations of both, and that no count has become smaller.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property
from math import inf

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

LEAST = 5
"""Fewer persons than these are not shown: `least_cell` of dbt_project.yml."""

ROUNDED = 1e-6

Query = Callable[[str], pl.DataFrame]
Numbers = npt.NDArray[np.float64]
Columns = tuple[str, ...]
Term = str | tuple[str, Columns]
"""The name of a figure; with its key, where that has other names than the key of the identity."""


@dataclass(frozen=True)
class Figure:
    """A count of a mart, or of a relation of several: a cell for each row where `known` holds, hidden where the count is NULL.

    `key` names the columns that tell rows apart; all else is SQL. `least` and `most` bound a hidden cell, if the rule that hides does so.
    A public figure may be small, and is not known where it is NULL. `is_zero_public`: that there was nobody may be known.
    """

    relation: str
    count: str
    key: Columns
    known: str = "true"
    least: str = "0"
    most: str = "null"
    is_public: bool = False
    is_zero_public: bool = False


@dataclass(frozen=True)
class Sum:
    """The total of each key is the sum of all cells of the parts with that key, where the total and every part have one."""

    total: Term
    parts: Sequence[Term]
    by: Columns


@dataclass(frozen=True)
class AtMost:
    """A part is not more than its whole."""

    part: Term
    whole: Term
    by: Columns


@dataclass(frozen=True)
class Ratio:
    """What is shown is the part over the whole, times `factor`, rounded to so many decimals."""

    ratio: Term
    part: Term
    whole: Term
    by: Columns
    factor: float = 100
    decimals: int = 6


@dataclass(frozen=True)
class FewOrFewLeft:
    """A part of a known whole is hidden because it is few, or few are left, or the whole is few: macro `is_share_shown`."""

    part: Term
    whole: Term
    by: Columns


@dataclass(frozen=True)
class ZerosShown:
    """Zeros of a group are shown (macro `is_small_cell`), but for one beside ones alone, and those of five cells that together are few.

    A group whose key has a NULL hides by another rule.
    """

    part: Term
    by: Columns


@dataclass(frozen=True)
class Derived:
    """A figure that is shown tells each of the parts with its key that it is computed from, in whatever way."""

    figure: Term
    parts: Term
    by: Columns


Identity = Sum | AtMost | Ratio | FewOrFewLeft | ZerosShown | Derived


@dataclass(frozen=True, order=True)
class Told:
    """A count that must not be told: it is shown, can be worked out, or is that of hidden parts together."""

    figure: str
    how: str
    key: tuple[str, ...]
    count: int


def attack(figures: Mapping[str, Figure], identities: Sequence[Identity], query: Query) -> list[Told]:
    """Return every count that is told and must not be; `query` answers SQL on the marts."""
    system = _System()
    for name, figure in figures.items():
        system.read(name, figure, query)
    for identity in identities:
        system.add(identity)
    return sorted([*system.shown(), *system.worked_out(), *system.derived])


def attack_releases(
    figures: Mapping[str, Figure], identities: Sequence[Identity], earlier: Query, later: Query, growing: Sequence[str]
) -> list[Told]:
    """Return every count that two releases tell together, and neither of them alone.

    A count of the `growing` figures is in the later release what it was, or more: such is a past period unless it is corrected.
    """
    queries = {"earlier": earlier, "later": later}
    both = [_of_release(identity, release) for release in queries for identity in identities]
    grown = [AtMost(f"earlier {name}", f"later {name}", by=figures[name].key) for name in growing]

    def told(equations: Sequence[Identity]) -> set[Told]:
        system = _System()
        for release, query in queries.items():
            for name, figure in figures.items():
                system.read(f"{release} {name}", figure, query)
        for identity in equations:
            system.add(identity)
        return set(system.worked_out())

    return sorted(told([*both, *grown]) - told(both))


def _of_release(identity: Identity, release: str) -> Identity:
    """Return an identity over the figures of one release."""

    def renamed(term: Term) -> Term:
        return f"{release} {term}" if isinstance(term, str) else (f"{release} {term[0]}", term[1])

    match identity:
        case Sum():
            return replace(identity, total=renamed(identity.total), parts=[renamed(part) for part in identity.parts])
        case Ratio():
            ratio, part, whole = (renamed(term) for term in (identity.ratio, identity.part, identity.whole))
            return replace(identity, ratio=ratio, part=part, whole=whole)
        case AtMost() | FewOrFewLeft():
            return replace(identity, part=renamed(identity.part), whole=renamed(identity.whole))
        case ZerosShown():
            return replace(identity, part=renamed(identity.part))
        case Derived():
            return replace(identity, figure=renamed(identity.figure), parts=renamed(identity.parts))


def _terms(identity: Identity) -> Sequence[Term]:
    match identity:
        case Sum(total, parts):
            return [total, *parts]
        case Ratio(ratio, part, whole):
            return [ratio, part, whole]
        case AtMost(part, whole) | FewOrFewLeft(part, whole):
            return [part, whole]
        case Derived(figure, parts):
            return [figure, parts]
        case ZerosShown():
            return []


class _Kind(Enum):
    SECRET, PUBLIC, TOGETHER, CHOICE = range(4)


@dataclass(frozen=True)
class _Cell:
    figure: str
    key: tuple[str, ...]
    kind: _Kind
    count: float | None
    least: float
    most: float


@dataclass
class _System:
    """All cells, and the equations between them by the cells' places in the list."""

    cells: list[_Cell] = field(default_factory=list)
    equations: int = 0
    rows: dict[str, pl.DataFrame] = field(default_factory=dict)
    first: dict[str, int] = field(default_factory=dict)
    zero_public: set[str] = field(default_factory=set)
    derived: list[Told] = field(default_factory=list)

    @cached_property
    def program(self) -> "_Program":
        """The equations that have unknowns."""
        return _Program(self.cells)

    def read(self, name: str, figure: Figure, query: Query) -> None:
        """Make a cell of each row of a figure."""
        numbers = {"cell_count": figure.count, "cell_least": figure.least, "cell_most": figure.most}
        columns = ", ".join(f"cast({sql} as double) as {column}" for column, sql in numbers.items())
        rows = query(f"select *, {columns} from {figure.relation} where {figure.known}")
        assert rows.height, f"{name}: expected rows of {figure.relation} where {figure.known}, got none"
        told = rows.select(figure.key).n_unique()
        assert told == rows.height, f"{name}: expected a row for each {figure.key}, got {rows.height} for {told}"
        kind = _Kind.PUBLIC if figure.is_public else _Kind.SECRET
        self.zero_public |= {name} if figure.is_zero_public else set()
        self.rows[name] = rows = rows.filter(pl.col("cell_count").is_not_null() | (not figure.is_public))
        self.first[name] = len(self.cells)
        for row in rows.select(*numbers, *figure.key).iter_rows():
            count, least, most, *key = row
            self._new(name, key, kind, count, least, inf if most is None else most)

    def add(self, identity: Identity) -> None:
        """Write down the equations of an identity."""
        before = self.equations
        match identity:
            case Sum():
                self._add_sums(identity)
            case AtMost():
                for key, (part, whole) in self._pairs(identity.part, identity.whole, identity.by):
                    self._equate(identity.part, key, {whole: 1, part: -1}, 0, inf)
            case Ratio():
                self._add_ratios(identity)
            case FewOrFewLeft():
                for key, (part, whole) in self._pairs(identity.part, identity.whole, identity.by):
                    self._add_choice(identity.part, key, part, whole)
            case Derived():
                self._add_derived(identity)
            case ZerosShown():
                for key, group in self._grouped(identity.part, identity.by).items():
                    if None not in key:
                        self._add_zeros(identity.part, key, group)
        read = {term if isinstance(term, str) else term[0] for term in _terms(identity)}
        if read and all(self.rows[name].height for name in read):
            assert self.equations > before, f"{identity}: expected rows with the same key, got none; correct the keys"

    def shown(self) -> list[Told]:
        """Return the small counts that are shown."""
        return [
            Told(cell.figure, "shown", cell.key, int(cell.count))
            for cell in self.cells
            if cell.kind is _Kind.SECRET and cell.count is not None and 0 < cell.count < LEAST
        ]

    def worked_out(self) -> list[Told]:
        """Return the hidden counts that one number alone fits, and those of hidden parts together that are few."""
        pinned = [(self.cells[place], count) for place, count in self.program.pinned().items()]
        alone = [
            Told(cell.figure, "worked out", cell.key, count)
            for cell, count in pinned
            if cell.kind is _Kind.SECRET and (count or cell.figure not in self.zero_public)
        ]
        return alone + [
            Told(cell.figure, "together", cell.key, count)
            for cell, count in pinned
            if cell.kind is _Kind.TOGETHER and 0 < count < LEAST
        ]

    def _new(
        self,
        figure: str,
        key: Iterable[object],
        kind: _Kind,
        count: float | None = None,
        least: float = 0,
        most: float = inf,
    ) -> int:
        self.cells.append(_Cell(figure, tuple(map(str, key)), kind, count, least, most))
        return len(self.cells) - 1

    def _new_choice(self, most: int = 1) -> int:
        return self._new("", (), _Kind.CHOICE, most=most)

    def _equate(self, name: Term, key: Iterable[object], terms: Mapping[int, float], low: float, high: float) -> None:
        unknown = {}
        for place, factor in terms.items():
            count = self.cells[place].count
            if count is None:
                unknown[place] = factor
            else:
                low, high = low - factor * count, high - factor * count
        self.equations += 1
        if unknown:
            self.program.add(unknown, low, high)
        else:
            assert max(low, -high) <= ROUNDED, (
                f"{name} of {key}: expected the figures to agree, got them {max(low, -high):g} apart"
            )

    def _grouped(self, term: Term, by: Columns) -> dict[tuple[object, ...], list[int]]:
        name, columns = (term, by) if isinstance(term, str) else term
        groups = defaultdict(list)
        for place, key in enumerate(self.rows[name].select(columns).iter_rows(), self.first[name]):
            groups[key].append(place)
        return groups

    def _pairs(self, one: Term, other: Term, by: Columns) -> Iterable[tuple[tuple[object, ...], tuple[int, int]]]:
        ones, others = self._grouped(one, by), self._grouped(other, by)
        for key in ones.keys() & others.keys():
            ([first], [second]) = ones[key], others[key]
            yield key, (first, second)

    def _add_sums(self, identity: Sum) -> None:
        totals = self._grouped(identity.total, identity.by)
        parts = [self._grouped(part, identity.by) for part in identity.parts]
        for key in set(totals).intersection(*parts):
            [total] = totals[key]
            self._equate(identity.total, key, {total: 1} | {place: -1 for part in parts for place in part[key]}, 0, 0)
            for part in parts:
                hidden = [place for place in part[key] if self.cells[place].count is None]
                if len(hidden) > 1:
                    together = self._new(self.cells[hidden[0]].figure, key, _Kind.TOGETHER)
                    self._equate(identity.total, key, {together: 1} | dict.fromkeys(hidden, -1), 0, 0)

    def _add_ratios(self, identity: Ratio) -> None:
        ratios = self._grouped(identity.ratio, identity.by)
        for key, (part, whole) in self._pairs(identity.part, identity.whole, identity.by):
            for ratio in ratios.get(key, []):
                shown = self.cells[ratio].count
                if shown is not None:
                    slack = 0.5 * 10**-identity.decimals + 1e-9 * abs(shown)
                    self._equate(identity.ratio, key, {part: 1, whole: (slack - shown) / identity.factor}, 0, inf)
                    self._equate(identity.ratio, key, {part: 1, whole: (-slack - shown) / identity.factor}, -inf, 0)

    def _add_derived(self, identity: Derived) -> None:
        figures, parts = self._grouped(identity.figure, identity.by), self._grouped(identity.parts, identity.by)
        for key in figures.keys() & parts.keys():
            self.equations += 1
            is_shown = any(self.cells[place].count is not None for place in figures[key])
            hidden = [self.cells[place] for place in parts[key] if self.cells[place].count is None]
            if is_shown:
                self.derived += [Told(cell.figure, f"in {identity.figure}", cell.key, 0) for cell in hidden]

    def _add_choice(self, name: Term, key: Iterable[object], part: int, whole: int) -> None:
        all_of_it = self.cells[whole].count
        assert all_of_it is not None, f"{name} of {key}: expected a known whole, got NULL"
        self._equate(name, key, {part: 1}, 0, all_of_it)
        if self.cells[part].count is None and all_of_it >= LEAST:
            left_few = self._new_choice()
            self._equate(name, key, {part: 1, left_few: -all_of_it}, -inf, LEAST - 1)
            self._equate(name, key, {part: 1, left_few: -(all_of_it - LEAST + 1)}, 0, inf)
            self._equate(name, key, {part: 1}, 1, all_of_it - 1)

    def _add_zeros(self, name: Term, key: Iterable[object], group: Sequence[int]) -> None:
        hidden = [place for place in group if self.cells[place].count is None]
        is_all_few = len(hidden) == LEAST and not any(self.cells[place].count for place in group)
        if len(hidden) < LEAST:
            for place in hidden:
                self._equate(name, key, {place: 1}, 1, inf)
            return
        few, ones = self._new_choice(most=int(is_all_few)), self._new_choice()
        empty = {place: self._new_choice() for place in hidden}
        self._equate(name, key, {few: 1, ones: 1}, 0, 1)
        self._equate(name, key, {few: len(hidden), ones: 1} | dict.fromkeys(empty.values(), -1), 0, inf)
        self._equate(
            name, key, {few: self.program.largest} | dict.fromkeys(hidden, 1), -inf, LEAST - 1 + self.program.largest
        )
        for place, is_empty in empty.items():
            self._equate(name, key, {place: 1, is_empty: 1}, 1, inf)
            self._equate(name, key, {place: 1, ones: self.program.largest}, -inf, 1 + self.program.largest)


class _Program:
    """A whole-number program: a column for each unknown cell, a row for each equation that has one."""

    def __init__(self, cells: Sequence[_Cell]) -> None:
        self.cells = cells
        self.columns: dict[int, int] = {}
        self.entries: list[tuple[int, int, float]] = []
        self.limits: list[tuple[float, float]] = []

    def add(self, terms: Mapping[int, float], low: float, high: float) -> None:
        """Add an equation of unknown cells."""
        for place, factor in terms.items():
            self.entries.append((len(self.limits), self.columns.setdefault(place, len(self.columns)), factor))
        self.limits.append((low, high))

    def pinned(self) -> dict[int, int]:
        """Return the unknowns that one number alone fits: ask for the lowest and the highest of one in each group at a time."""
        if not self.columns:
            return {}
        places = [*self.columns]
        lowest = highest = self._solve(np.zeros(len(places)))
        is_open = np.array([self.cells[place].kind is not _Kind.CHOICE for place in places])
        pinned: dict[int, int] = {}
        while is_open.any():
            asked = np.flatnonzero(is_open)
            asked = asked[np.unique(self.groups[asked], return_index=True)[1]]
            aim = np.zeros(len(places))
            aim[asked] = 1
            for found in (self._solve(aim), self._solve(-aim)):
                lowest, highest = np.fmin(lowest, found), np.fmax(highest, found)
            pinned |= {places[column]: int(lowest[column]) for column in asked if lowest[column] == highest[column]}
            is_open &= lowest == highest
            is_open[asked] = False
        return pinned

    @cached_property
    def largest(self) -> float:
        """More than any hidden count can be, since every total that matters is shown."""
        return 10 + 2 * max(cell.count or 0 for cell in self.cells)

    @cached_property
    def bounds(self) -> tuple[Numbers, Numbers]:
        """The least and the most of each column."""
        cells = [self.cells[place] for place in self.columns]
        return np.array([cell.least for cell in cells]), np.array([min(cell.most, self.largest) for cell in cells])

    @cached_property
    def matrix(self) -> csr_array:
        """The factors, a row for each equation."""
        rows, columns, factors = (np.array(values) for values in zip(*self.entries, strict=True))
        return csr_array((factors, (rows, columns)), shape=(len(self.limits), len(self.columns)))

    @cached_property
    def groups(self) -> Numbers:
        """The group of each column: columns of two groups share no equation."""
        factors = abs(self.matrix)
        return np.asarray(connected_components(factors.T @ factors, directed=False)[1])

    def _solve(self, aim: Numbers) -> Numbers:
        """Make the aim as small as it can be in the groups it names, or find any counts that fit where it names none; NaN elsewhere."""
        is_in = np.isin(self.groups, self.groups[aim != 0]) if aim.any() else np.ones(len(aim), dtype=bool)
        columns = np.flatnonzero(is_in)
        rows = np.flatnonzero(abs(self.matrix) @ is_in)
        limits = np.array(self.limits)[rows]
        least, most = self.bounds
        answer = milp(
            aim[columns],
            integrality=np.ones(len(columns)),
            bounds=Bounds(least[columns], most[columns]),
            constraints=LinearConstraint(self.matrix[rows][:, columns], limits[:, 0], limits[:, 1]),
        )
        assert answer.x is not None, (
            f"figures: expected counts that fit all identities, got {answer.message}; correct the identities"
        )
        counts = np.full(len(aim), np.nan)
        counts[columns] = np.round(answer.x)
        return counts
