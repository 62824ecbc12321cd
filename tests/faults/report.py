"""Write what the last long run measured into docs/reliability.md, between its marks; figures come from there and from nowhere else.

python -m tests.faults.report
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from ingestion.settings import PROJECT
from tests.faults.boundaries import STEPS
from tests.faults.results import Row, read_rows

END = "<!-- end -->"
PAGE = PROJECT / "docs" / "reliability.md"
COUNTS = ("lost", "doubled", "unbalanced", "torn")


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Write a table in Markdown, or say that there is nothing to write."""
    rows = list(rows)
    if not rows:
        return "Not measured yet: `make test-faults`."
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


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


def kills() -> str:
    """A line a boundary: how often a process was killed there, and what was wrong after the same command ran again."""
    lines = [
        (step, f"`{boundary}`", len(rows), *(total(rows, name) for name in COUNTS), slowest(rows))
        for step in STEPS
        for boundary, rows in sorted(by(read_rows(f"kills_{step}"), "boundary").items())
    ]
    return table(("step", "killed at", "kills", *COUNTS, "slowest recovery, s"), lines)


def services() -> str:
    """A line a fault of a service."""
    lines = [
        (fault, len(rows), *(total(rows, name) for name in COUNTS[:3]), slowest(rows))
        for fault, rows in by(read_rows("services"), "fault").items()
    ]
    return table(("fault while a load ran", "runs", *COUNTS[:3], "slowest load afterwards, s"), lines)


def together() -> str:
    """A line for each pair of processes at once, and each clock."""
    lines = [
        (what, len(rows), *(total(rows, name) for name in COUNTS[:3]))
        for name, rows_of in (("what", read_rows("at_once")), ("clock", read_rows("clock")))
        for what, rows in by(rows_of, name).items()
    ]
    return table(("fault", "runs", *COUNTS[:3]), lines)


def readers() -> str:
    """The readers' figures, one a line."""
    return table(("figure", "measured"), [item for row in read_rows("readers") for item in row.items()])


def mutated() -> str:
    """A line a contract: how many mutated deliveries were loaded."""
    rows = read_rows("conservation")
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


TABLES = {"kills": kills, "services": services, "together": together, "readers": readers, "mutated": mutated}


def write(page: str) -> str:
    """Put each table between its marks."""
    for name, make in TABLES.items():
        before, mark, rest = page.partition(f"<!-- measured: {name} -->\n")
        _, end, after = rest.partition(END)
        if not (mark and end):
            raise SystemExit(f"docs/reliability.md: a place for the table {name} was promised, there is none")
        page = f"{before}{mark}{make()}\n{end}{after}"
    return page


if __name__ == "__main__":
    PAGE.write_text(write(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
