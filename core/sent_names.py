"""How the SFTP server stores files sent repeatedly under one name, and how the collector reads those names back.

The first `a.txt` is stored as `a.txt`, the next as `a.txt;2`, then `a.txt;3`: nothing sent is ever overwritten, and each file is a
delivery of its own under the name it was sent with.
"""

import re

_KEPT = re.compile(r"(?P<name>.+);(?P<number>[1-9][0-9]*)", re.DOTALL)


def kept_name(name: str, number: int) -> str:
    """Return the stored name of the file sent as `name` for the `number`th time, counting from 1."""
    return name if number == 1 else f"{name};{number}"


def sent_name(kept: str) -> tuple[str, int]:
    """Return the name a stored file was sent with, and how many times that name had been sent by then."""
    found = _KEPT.fullmatch(kept)
    return (found["name"], int(found["number"])) if found else (kept, 1)
