"""The cache of charts' answers, by release: what was computed from one release is never shown after the next.

Answers can then be kept for minutes, and a release is seen as soon as the check of lake/serving.py sees it. Without an answer from the
catalog, nothing is taken from the cache, and the query itself says what is wrong.
"""

from typing import Any  # Superset's own answers

from flask import g  # type: ignore[import-not-found, unused-ignore]
from flask_caching.backends.simplecache import SimpleCache  # type: ignore[import-not-found, unused-ignore]
from marts_dialect import newest_snapshot

from core.errors import ServiceError


class ReleaseCache(SimpleCache):  # type: ignore[misc, unused-ignore]
    """Superset looks for an answer and stores it in one request; it is stored under the release at which it was looked for.

    An answer computed just after the next release then stands under the earlier one, where it does no harm; the other way round, it
    would be shown as the next release's. An answer that was not looked for, when a page is refreshed by hand, is not stored.
    """

    def get(self, key: str) -> Any:
        """Return the answer for the newest release, or None."""
        try:
            g.looked_for = {**g.get("looked_for", {}), key: newest_snapshot()}
        except ServiceError:
            return None
        return super().get(f"{g.looked_for[key]} {key}")

    def set(self, key: str, value: Any, timeout: int | None = None) -> bool:
        """Store an answer under the release at which it was looked for; return whether it was."""
        snapshot = g.get("looked_for", {}).get(key)
        return snapshot is not None and bool(super().set(f"{snapshot} {key}", value, timeout))
