"""What to tell a person who typed a name that nothing has."""

from collections.abc import Iterable
from difflib import get_close_matches

from core.errors import UnknownNameError

ALIKE = 0.7
"""From here on, by the ratio of difflib, a known name is taken for the one that was meant."""


def unknown_name(name: str, kind: str, known: Iterable[str], hint: str = "") -> UnknownNameError:
    """Return the error for a name that no `kind` (feed, domain, agency) has: with the hint, or the closest name, or else all of them.

    The name is kept as the value of that kind.
    """
    names = list(known)
    closest = get_close_matches(name, names, n=1, cutoff=ALIKE)
    meant = f"did you mean {closest[0]}?" if closest else ""
    listed = f"there are {', '.join(names)}"
    return UnknownNameError(f"{name}: no such {kind}; {hint or meant or listed}", **{kind: name})
