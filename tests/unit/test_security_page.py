"""docs/asvs.md has a row for every requirement of the standard's levels 1 and 2, names files that exist, and counts correctly."""

import re
from collections import Counter

from core.settings import PROJECT

TEXT = (PROJECT / "docs" / "asvs.md").read_text(encoding="utf-8")
STATES = ("met", "not met", "not applicable")
SECTIONS = (
    "1.1:2 1.2:9 1.3:11 1.4:3 1.5:2 2.1:3 2.2:3 2.3:4 2.4:1 3.2:2 3.3:4 3.4:6 3.5:5 3.7:2 4.1:3 4.2:1 4.3:2 4.4:4 5.1:1 5.2:3 5.3:2 5.4:3 "
    "6.1:3 6.2:12 6.3:4 6.4:4 6.5:5 6.6:3 6.8:4 7.1:3 7.2:4 7.3:2 7.4:5 7.5:2 7.6:2 8.1:2 8.2:3 8.3:1 8.4:1 9.1:3 9.2:4 "
    "10.1:2 10.2:2 10.3:4 10.4:11 10.5:5 10.6:2 10.7:3 11.1:2 11.2:3 11.3:3 11.4:4 11.5:1 11.6:1 12.1:3 12.2:2 12.3:4 "
    "13.1:1 13.2:5 13.3:2 13.4:5 14.1:2 14.2:4 14.3:3 15.1:3 15.2:3 15.3:7 16.1:1 16.2:5 16.3:4 16.4:3 16.5:3 17.1:1 17.2:4 17.3:2"
)
"""Sections of ASVS 5.0.0 and how many requirements of levels 1 and 2 each has; these are the first of their section."""

Row = tuple[str, str, str, str]


def rows() -> list[Row]:
    """Read the requirements: number, text, state, reason."""
    found = [tuple(cell.strip() for cell in line.strip("|").split(" | ")) for line in TEXT.splitlines()]
    return [(row[0], row[1], row[2], row[3]) for row in found if re.fullmatch(r"\d+\.\d+\.\d+", row[0])]


def test_every_point_has_one_row_in_the_standards_order() -> None:
    lengths = (section.split(":") for section in SECTIONS.split())
    expected = [f"{section}.{number}" for section, length in lengths for number in range(1, int(length) + 1)]
    assert len(expected) == 253
    assert [point for point, *_ in rows()] == expected


def test_every_row_says_what_is_asked_has_a_state_and_its_reason() -> None:
    assert [row for row in rows() if row[2] not in STATES or not row[1] or len(row[3]) < 10] == []


def test_what_is_met_names_where() -> None:
    """If a requirement is met because nothing of ours prevents it, the row says so instead."""
    assert [row[0] for row in rows() if row[2] == "met" and "`" not in row[3]] == ["6.2.7"]


def test_every_file_that_is_named_is_there() -> None:
    named = set(re.findall(r"`([^`\s]*/[^`\s]*)`", TEXT))
    assert len(named) > 50
    assert sorted(path for path in named if not (PROJECT / path).exists()) == []


def test_the_counts_at_the_top_are_those_of_the_rows() -> None:
    counted = Counter((point.split(".")[0], state) for point, _, state, _ in rows())
    told = re.findall(r"^\| V(\d+) [^|]+ \| (\d+) \| (\d+) \| (\d+) \|$", TEXT, re.MULTILINE)
    assert {
        (chapter, state): int(number)
        for chapter, *numbers in told
        for state, number in zip(STATES, numbers, strict=True)
    } == {(chapter, state): counted[chapter, state] for chapter in map(str, range(1, 18)) for state in STATES}
    total = re.search(r"^\| all \| (\d+) \| (\d+) \| (\d+) \|$", TEXT, re.MULTILINE)
    assert total is not None
    assert tuple(map(int, total.groups())) == tuple(
        sum(counted[key] for key in counted if key[1] == state) for state in STATES
    )
