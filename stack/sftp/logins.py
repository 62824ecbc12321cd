"""How often a password may be wrong.

Counted by account and address: whoever guesses at an agency's password closes the door to himself, and not to the agency, which
comes from another address.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

WRONG = 5
WITHIN_SECONDS = 60.0
CLOSED_SECONDS = 300.0
"""After so many wrong passwords within so long, the right one is refused too, for so long."""


@dataclass
class WrongPasswords:
    """What was wrong lately. `clock` counts seconds, from anywhere."""

    clock: Callable[[], float]
    _wrong: dict[Hashable, list[float]] = field(default_factory=dict)
    _closed_until: dict[Hashable, float] = field(default_factory=dict)

    def is_closed(self, key: Hashable) -> bool:
        """Tell whether the door is closed, also to the right password."""
        return self._closed_until.get(key, float("-inf")) > self.clock()

    def count(self, key: Hashable) -> bool:
        """Count a wrong password; tell whether it was the last one allowed, so that the door closes."""
        now = self.clock()
        self._forget(now)
        self._wrong.setdefault(key, []).append(now)
        if len(self._wrong[key]) < WRONG:
            return False
        del self._wrong[key]
        self._closed_until[key] = now + CLOSED_SECONDS
        return True

    def _forget(self, now: float) -> None:
        recent = {key: [at for at in times if at > now - WITHIN_SECONDS] for key, times in self._wrong.items()}
        self._wrong = {key: times for key, times in recent.items() if times}
        self._closed_until = {key: until for key, until in self._closed_until.items() if until > now}
