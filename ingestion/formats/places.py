"""Where a piece is found in its sender's own terms: sheet and row of a workbook, file and line of an archive.

The ledger counts the pieces of a delivery from 1, but nobody finds piece 4 in Excel. In formats whose deliveries have rows or lines of
their own, a piece's text begins with its place, `workbook/ChuyenCan!8` or `zip/users.csv!12`, and a tab.
"""

import re
from collections.abc import Iterable

PLACE = r"^(?:workbook(?:\+\w+)*|zip)/([^\t]*)!(\d+)\t"


def place_of(raw: str) -> str | None:
    """Return the place that a piece's text begins with: `ChuyenCan!8`."""
    found = re.match(PLACE, raw)
    return f"{found[1]}!{found[2]}" if found else None


def ranges(numbers: Iterable[int]) -> str:
    """Write numbers as ranges: 1-3,7."""
    spans: list[list[int]] = []
    for number in sorted(set(numbers)):
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in spans)


def told_places(raws: Iterable[str]) -> str | None:
    """Write the places at the beginning of texts as ranges, sheet by sheet: `ChuyenCan!8-9,12; Khoi7!3`; None if there are none."""
    numbers: dict[str, list[int]] = {}
    for raw in raws:
        if found := re.match(PLACE, raw):
            numbers.setdefault(found[1], []).append(int(found[2]))
    return "; ".join(f"{name}!{ranges(each)}" for name, each in numbers.items()) or None
