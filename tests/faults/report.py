"""Write what the last long runs measured into docs/reliability.md, between its marks; figures come from there and from nowhere else.

A table of which nothing was measured since stays as it is: the runs take hours, and can be made one by one.

python -m tests.faults.report
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from core.settings import PROJECT
from tests.faults.boundaries import STEPS
from tests.faults.results import Row, read_rows

END = "<!-- end -->"
PAGE = PROJECT / "docs" / "reliability.md"
COUNTS = ("lost", "doubled", "unbalanced", "torn")


def table(heads: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    """Write a table in Markdown."""
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in [heads, ["---"] * len(heads), *lines])


def by(rows: Sequence[Row], name: str) -> dict[str, list[Row]]:
    """Group rows by one of their values."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[str(row[name])].append(row)
    return groups


def total(rows: Sequence[Row], name: str) -> int:
    """Add a count up."""
    return sum(int(row.get(name, 0)) for row in rows)


def slowest(rows: Sequence[Row]) -> str:
    """Give the longest recovery in seconds."""
    return f"{max(float(row['seconds']) for row in rows):.2f}"


def kills(rows: Sequence[Row]) -> str:
    """A line a boundary: how often a process was killed there, and what was wrong after the same command ran again."""
    lines = [
        (f"`{boundary}`", len(those), *(total(those, name) for name in COUNTS), slowest(those))
        for boundary, those in sorted(by(rows, "boundary").items())
    ]
    return table(("killed at", "kills", *COUNTS, "slowest recovery, s"), lines)


def faults(rows: Sequence[Row], kind: str, recovery: str = "") -> str:
    """A line a fault, named by `kind`; with the slowest recovery, under a head of its own, where it was measured."""
    lines = [
        (what, len(those), *(total(those, name) for name in COUNTS[:3]), *([slowest(those)] if recovery else []))
        for what, those in by(rows, kind).items()
    ]
    return table(("fault", "runs", *COUNTS[:3], *([recovery] if recovery else [])), lines)


def figures(rows: Sequence[Row]) -> str:
    """The figures of one run, one a line."""
    return table(("figure", "measured"), [item for row in rows for item in row.items()])


def mutated(rows: Sequence[Row]) -> str:
    """A line a contract: how many mutated deliveries were loaded."""
    lines = [
        (
            f"`{row['feed']}`",
            row["deliveries"],
            row["received"],
            row["accepted"],
            row["duplicate"],
            row["quarantined"],
            row["faults"],
        )
        for row in rows
    ]
    heads = ("feed", "deliveries", "records received", "accepted", "duplicate", "quarantined", "lost or invented")
    return table(heads, lines)


def demos(rows: Sequence[Row]) -> str:
    """A line a run of the demo, in the order of the runs."""
    lines = [(row["run"], row["machine"], row["load"], row["seconds"], row["outcome"]) for row in rows]
    return table(("run", "machine", "load average", "seconds", "outcome"), lines)


TABLES: Mapping[str, Callable[[Sequence[Row]], str]] = {
    **{f"kills_{step}": kills for step in (*STEPS, "levels")},
    "demo": demos,
    "services": partial(faults, kind="fault", recovery="slowest repetition, s"),
    "at_once": partial(faults, kind="what"),
    "clock": partial(faults, kind="clock"),
    "readers": figures,
    "maintenance": figures,
    "conservation": mutated,
}


def write(page: str) -> str:
    """Put each table that was measured between its marks."""
    for name, make in TABLES.items():
        before, mark, rest = page.partition(f"<!-- measured: {name} -->\n")
        _, end, after = rest.partition(END)
        if not (mark and end):
            raise SystemExit(f"docs/reliability.md: a place for the table {name} was promised, there is none")
        if rows := read_rows(name):
            page = f"{before}{mark}{make(rows)}\n{end}{after}"
    return page


if __name__ == "__main__":
    PAGE.write_text(write(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
