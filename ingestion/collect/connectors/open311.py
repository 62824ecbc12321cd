"""Citizens' requests from an Open311 server (GeoReport v2), page by page; how a window is paged stands in `pages.py`.

`GET requests.json?start_date=&end_date=&page=&page_size=`, times ISO 8601 with offset. Contract options: those of `pages.py`, and
`representation` (json or xml).
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx
from defusedxml.ElementTree import fromstring

from core.contract import Contract
from ingestion.collect.connectors.base import Arrival, Checkpoint, Clock, Window
from ingestion.collect.connectors.pages import Listing, Pager


@dataclass(frozen=True)
class Open311:
    """An Open311 server below `url`; the client and the way to wait are given, so that a test decides both."""

    client: httpx.Client
    url: str
    wait: Callable[[float], None] = time.sleep

    def collect(
        self, contract: Contract, checkpoint: Checkpoint, window: Window | None, clock: Clock
    ) -> Iterator[Arrival]:
        """Yield every page of every window since the checkpoint; with a window given, of that one, and leave the checkpoint."""
        representation = str(contract.option("representation", "json"))
        listing = Listing(
            name="requests",
            url=f"{self.url}/requests.{representation}",
            representation=representation,
            window_query=_window_query,
            items_of=_json_requests if representation == "json" else _xml_requests,
        )
        yield from Pager(self.client, self.wait).collect(contract, listing, checkpoint, window, clock)


def _window_query(span: Window) -> dict[str, str]:
    return {"start_date": span.start.isoformat(), "end_date": span.end.isoformat()}


def _json_requests(content: bytes) -> tuple[tuple[str, str], ...]:
    items = json.loads(content)
    if not isinstance(items, list):
        raise TypeError("no list")
    return tuple((str(item.get("service_request_id")), str(item.get("updated_datetime"))) for item in items)


def _xml_requests(content: bytes) -> tuple[tuple[str, str], ...]:
    root = fromstring(content)
    if root.tag != "service_requests":
        raise TypeError("no service_requests")
    return tuple(
        (item.findtext("service_request_id", ""), item.findtext("updated_datetime", ""))
        for item in root.findall("request")
    )
