"""The golden sample of each feed: a delivery, and the rows that it must become.

`tests/golden/<domain>/<feed>/expected.json` names the delivery next to it, or holds its text as `content`.
"""

import json
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).parent / "golden"


def golden_sample(feed: str) -> tuple[str, bytes, dict[str, Any]]:
    """Return the name of a feed's delivery, its bytes, and what it must become."""
    folder = GOLDEN / feed.replace(".", "/")
    expected: dict[str, Any] = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    name, content = str(expected["delivery"]), expected.pop("content", None)
    return name, (folder / name).read_bytes() if content is None else str(content).encode(), expected
