"""Collect: ask a feed's source for what is new, and land it.

The order makes a crash harmless: first the deliveries, then the checkpoint that speaks of them. A crash between the two fetches the
same bytes again, which the load recognises as duplicate deliveries. Where a source breaks off in the middle, what came before is
landed and remembered, and the error goes on to whoever decides about retries.
"""

from dataclasses import dataclass
from datetime import timedelta

from ingestion.connectors.base import Arrival, Checkpoint, Refusal, Window
from ingestion.connectors.registry import find_connector
from ingestion.contract import Contract
from ingestion.errors import SourceError
from ingestion.landing import Delivery, Landing
from ingestion.settings import Settings
from lake.lock import exclusive


@dataclass(frozen=True)
class Collected:
    """What one collection landed, and the files it refused, each with its reason (a hostile name, a link out of the folder)."""

    deliveries: tuple[Delivery, ...]
    refused: tuple[Refusal, ...]


LAND_TOGETHER = 512
"""How many arrivals are landed at once, and at most fetched again after a crash."""


def collect(settings: Settings, contract: Contract, window: Window | None = None) -> Collected:
    """Land what is new at the source, or all of a window; give the deliveries and the refusals.

    Raises SourceUnavailableError where a retry can help and SourceAnswerError where it cannot, after landing what came.
    """
    landing = Landing(settings)
    with exclusive(settings, f"collect {contract.feed}"):
        checkpoint = Checkpoint.from_json(landing.read_checkpoint(contract))
        arrivals = find_connector(contract, settings).collect(contract, checkpoint, window, settings.clock)
        landed: list[Delivery] = []
        waiting: list[Arrival] = []

        def land_waiting() -> None:
            pairs = [(arrival.source_name, arrival.content) for arrival in waiting]
            received_at = settings.clock() + timedelta(microseconds=len(landed))
            landed.extend(landing.land_many(contract, pairs, received_at))
            waiting.clear()

        try:
            for arrival in arrivals:
                waiting.append(arrival)
                if len(waiting) >= LAND_TOGETHER or not isinstance(arrival.content, bytes):
                    land_waiting()
        except SourceError:
            land_waiting()
            landing.write_checkpoint(contract, checkpoint.to_json())
            raise
        land_waiting()
        landing.write_checkpoint(contract, checkpoint.to_json())
    return Collected(tuple(landed), tuple(checkpoint.refused))
