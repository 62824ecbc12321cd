"""Names of files that were sent more than once under the same name, as the SFTP server keeps them and the collector reads them.

The first `a.txt` is kept as `a.txt`, the next as `a.txt;2`, then `a.txt;3`: nothing that was sent is ever overwritten, and each is a
delivery of its own, of the name that it was sent under.
"""

import re

_KEPT = re.compile(r"(?P<name>.+);(?P<number>[1-9][0-9]*)", re.DOTALL)


def kept_name(name: str, number: int) -> str:
    """Return the name under which the file is kept that was sent as `name` for the `number`th time, from 1."""
    return name if number == 1 else f"{name};{number}"


def sent_name(kept: str) -> tuple[str, int]:
    """Return the name that a file was sent under, and for which time."""
    found = _KEPT.fullmatch(kept)
    return (found["name"], int(found["number"])) if found else (kept, 1)
