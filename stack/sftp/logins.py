"""The limit on wrong passwords.

They are counted by account and address, so that whoever guesses an agency's password locks out only themselves, and not the agency,
which logs in from another address.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

WRONG = 5
WITHIN_SECONDS = 60.0
CLOSED_SECONDS = 300.0
"""After WRONG wrong passwords within WITHIN_SECONDS, even the right one is refused for CLOSED_SECONDS."""


@dataclass
class WrongPasswords:
    """Recent wrong passwords. `clock` returns seconds from any starting point."""

    clock: Callable[[], float]
    _wrong: dict[Hashable, list[float]] = field(default_factory=dict)
    _closed_until: dict[Hashable, float] = field(default_factory=dict)

    def is_closed(self, key: Hashable) -> bool:
        """Whether log-ins are refused, even with the right password."""
        return self._closed_until.get(key, float("-inf")) > self.clock()

    def count(self, key: Hashable) -> bool:
        """Count a wrong password; return whether it was the last one allowed, so that log-ins are refused from now on."""
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
