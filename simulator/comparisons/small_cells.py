"""Which counts must be hidden, worked out by trial: from the smallest on, until the hidden ones reveal nobody."""

from collections.abc import Collection

LEAST = 5
"""A count of fewer persons is not shown."""


def hidden(counts: dict[str, int]) -> set[str]:
    """Return the cells of a group that must be hidden; counting them must not tell that each holds one."""
    if not any(0 < count < LEAST for count in counts.values()):
        return set()
    found: list[str] = []
    for name in sorted((name for name in counts if counts[name]), key=lambda name: (counts[name], name)):
        is_enough = len(found) >= 2 and sum(counts[each] for each in found) >= LEAST and counts[found[-1]] > 1
        if counts[name] < LEAST or not is_enough:
            found.append(name)
    if counts[found[-1]] == 1 or sum(counts.values()) < LEAST:
        found += sorted(name for name in counts if counts[name] == 0)[: max(LEAST - len(found), 1)]
    return set(found)


def to_judge(cells: Collection[int]) -> int:
    """Add up the cells of a group; one where all hold one to four and most hold one, for which the total would stand."""
    is_telling = bool(cells) and min(cells) > 0 and max(cells) < LEAST and sum(cells) < 2 * len(cells)
    return 1 if is_telling else sum(cells)
