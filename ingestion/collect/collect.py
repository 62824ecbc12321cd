"""Collect: ask a feed's source for what is new, and land it.

The order makes a crash harmless: first a group of deliveries is landed, then the checkpoint that covers them is saved, then the next
group follows. After a crash the last group is fetched once more, and the load recognises its deliveries as duplicates. When a source
breaks off in the middle, what arrived before is landed and remembered, and the error goes on to whoever decides about retries. Small
arrivals are gathered in memory up to `IOC_COLLECT_BYTES`; a large one is streamed and landed on its own, so that it is read only once.
Collections of a feed take turns; they write to landing only, so that maintenance of the catalogs need not wait for a slow source.
"""

from dataclasses import dataclass
from datetime import timedelta

from core.contract import Contract
from core.errors import SourceChangedError, SourceError
from core.settings import Settings
from ingestion.collect.connectors.base import Arrival, Checkpoint, Refusal, Window
from ingestion.collect.connectors.files import CHANGED
from ingestion.collect.connectors.registry import find_connector
from ingestion.collect.landing import Delivery, Landing
from lake.lock import exclusive


@dataclass(frozen=True)
class Collected:
    """What one collection landed, and the files that it saw and left, each with its reason."""

    deliveries: tuple[Delivery, ...]
    refused: tuple[Refusal, ...]


LAND_TOGETHER = 512
"""How many arrivals are landed at once, and at most fetched again after a crash."""


def collect(settings: Settings, contract: Contract, window: Window | None = None) -> Collected:
    """Land what is new at the source, or everything in a window; return the deliveries and the refusals.

    Raises SourceUnavailableError where a retry can help and SourceAnswerError where it cannot, after landing what came.
    """
    landing = Landing(settings)
    with exclusive(settings, f"collect {contract.feed}", is_writer=False):
        checkpoint = Checkpoint.from_json(landing.read_checkpoint(contract))
        lander = _Lander(settings, contract, landing, checkpoint)
        try:
            for arrival in find_connector(contract, settings).collect(contract, checkpoint, window, settings.clock):
                lander.take(arrival)
        except SourceError:
            lander.finish()
            raise
        lander.finish()
    return Collected(tuple(lander.landed), tuple(checkpoint.refused))


class _Lander:
    """Lands arrivals in their order, a group at a time, and remembers each group once it is landed."""

    def __init__(self, settings: Settings, contract: Contract, landing: Landing, checkpoint: Checkpoint) -> None:
        self._settings, self._contract, self._landing, self._checkpoint = settings, contract, landing, checkpoint
        self._waiting: list[Arrival] = []
        self._bytes = 0
        self.landed: list[Delivery] = []

    def take(self, arrival: Arrival) -> None:
        """Let a small arrival wait for others; land a stream, after what waits."""
        if not isinstance(arrival.content, bytes):
            with arrival.content:
                self._land_waiting()
                self._land_stream(arrival)
            return
        if len(self._waiting) >= LAND_TOGETHER or self._bytes + len(arrival.content) > self._settings.collect_bytes:
            self._land_waiting()
        self._waiting.append(arrival)
        self._bytes += len(arrival.content)

    def finish(self) -> None:
        """Land what waits, and save the checkpoint also where nothing does: it may have forgotten something."""
        self._land_waiting()
        self._save()

    def _land_waiting(self) -> None:
        group, self._waiting, self._bytes = self._waiting, [], 0
        if group:
            self._land(group)

    def _land_stream(self, arrival: Arrival) -> None:
        try:
            self._land([arrival])
        except SourceChangedError:
            self._checkpoint.refuse(arrival.source_name, CHANGED)

    def _land(self, group: list[Arrival]) -> None:
        pairs = [(arrival.source_name, arrival.content) for arrival in group]
        received_at = self._settings.clock() + timedelta(microseconds=len(self.landed))
        self.landed.extend(self._landing.land_many(self._contract, pairs, received_at))
        for arrival in group:
            self._checkpoint.remember(arrival)
        self._save()

    def _save(self) -> None:
        self._landing.write_checkpoint(self._contract, self._checkpoint.to_json())
