"""Records from a system that answers `{error_code, message, data: [...]}`, page by page; how a window is paged stands in `pages.py`.

`GET <url>/<path>?from=&to=&page=&page_size=`, the window by the time of change, ISO 8601 with offset, its end excluded. An `error_code`
other than 0 is a source that refuses: an error, never an empty answer. Its message is not repeated, since it may quote a record.
Contract options: those of `pages.py`, and `path` (the list below the address). An address belongs to a domain.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import httpx

from core.contract import Contract
from core.errors import ContractError, SourceAnswerError
from ingestion.collect.connectors.base import Arrival, Checkpoint, Clock, Window
from ingestion.collect.connectors.pages import Listing, Pager


@dataclass(frozen=True)
class PagedJson:
    """Systems by the domain they serve; the client and the way to wait are given, so that a test decides both."""

    client: httpx.Client
    urls: Mapping[str, str]
    wait: Callable[[float], None] = time.sleep

    def collect(
        self, contract: Contract, checkpoint: Checkpoint, window: Window | None, clock: Clock
    ) -> Iterator[Arrival]:
        """Yield every page of every window since the checkpoint; with a window given, of that one, and leave the checkpoint."""
        if contract.domain not in self.urls:
            raise ContractError(
                f"{contract.feed}: an address of {contract.domain} was promised, there are those of {', '.join(self.urls)}"
            )
        path = str(contract.option("path"))
        listing = Listing(
            name=path.rpartition("/")[2],
            url=f"{self.urls[contract.domain]}/{path}",
            representation="json",
            window_query=_window_query,
            items_of=lambda content: _items(contract.feed, content),
        )
        yield from Pager(self.client, self.wait).collect(contract, listing, checkpoint, window, clock)


def _window_query(span: Window) -> dict[str, str]:
    return {"from": span.start.isoformat(), "to": span.end.isoformat()}


def _items(feed: str, content: bytes) -> tuple[str, ...]:
    """Give a digest of each record; raise SourceAnswerError where the source refuses, TypeError where there is no list."""
    answer = json.loads(content)
    if not isinstance(answer, dict):
        raise TypeError("no answer")
    code = str(answer.get("error_code"))
    if code != "0":
        shown = code if code.isalnum() and len(code) <= 10 else "another one"
        raise SourceAnswerError(
            f"{feed}: an answer with error_code 0 was promised, {shown} came; ask the agency why it refuses",
            feed=feed,
            error_code=shown,
        )
    if not isinstance(answer.get("data"), list):
        raise TypeError("no data")
    return tuple(hashlib.sha256(json.dumps(item, sort_keys=True).encode()).hexdigest() for item in answer["data"])
