"""Write the results of the last long runs into docs/reliability.md, between its marks; its figures are never typed by hand.

A table without new results stays as it is, since the runs take hours and can be done one by one.

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
    """Return a Markdown table."""
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in [heads, ["---"] * len(heads), *lines])


def by(rows: Sequence[Row], name: str) -> dict[str, list[Row]]:
    """Group rows by one of their values."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[str(row[name])].append(row)
    return groups


def total(rows: Sequence[Row], name: str) -> int:
    """Sum a count over rows."""
    return sum(int(row.get(name, 0)) for row in rows)


def slowest(rows: Sequence[Row]) -> str:
    """Return the longest recovery in seconds."""
    return f"{max(float(row['seconds']) for row in rows):.2f}"


def kills(rows: Sequence[Row]) -> str:
    """One line per boundary: how often a process was killed there, and what was wrong after the same command ran again."""
    lines = [
        (f"`{boundary}`", len(those), *(total(those, name) for name in COUNTS), slowest(those))
        for boundary, those in sorted(by(rows, "boundary").items())
    ]
    return table(("killed at", "kills", *COUNTS, "slowest recovery, s"), lines)


def faults(rows: Sequence[Row], kind: str, recovery: str = "") -> str:
    """One line per fault, named by `kind`, with the slowest recovery under the heading `recovery` if given."""
    lines = [
        (what, len(those), *(total(those, name) for name in COUNTS[:3]), *([slowest(those)] if recovery else []))
        for what, those in by(rows, kind).items()
    ]
    return table(("fault", "runs", *COUNTS[:3], *([recovery] if recovery else [])), lines)


def figures(rows: Sequence[Row]) -> str:
    """The figures of one run, one per line."""
    return table(("figure", "measured"), [item for row in rows for item in row.items()])


def mutated(rows: Sequence[Row]) -> str:
    """One line per contract: how many mutated deliveries were loaded."""
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
    """One line per run of the demo, in order."""
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
    """Insert each measured table between its marks."""
    for name, make in TABLES.items():
        rows = read_rows(name)
        page = between_marks(page, name, make(rows) if rows else None)
    return page


def between_marks(page: str, name: str, content: str | None) -> str:
    """Return a page with what stands between the marks of a table replaced, if there is new content; exits where the marks are missing."""
    before, mark, rest = page.partition(f"<!-- measured: {name} -->\n")
    _, end, after = rest.partition(END)
    if not (mark and end):
        raise SystemExit(f"{page.splitlines()[0]}: expected marks for the table {name}, got none; add them")
    return page if content is None else f"{before}{mark}{content}\n{end}{after}"


if __name__ == "__main__":
    PAGE.write_text(write(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
