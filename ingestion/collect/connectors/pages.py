"""Lists that come page by page over HTTP, a window of time after the other: what all such sources share.

The last page is the one with fewer items than a page holds, and it counts; an empty one too, since it proves that the list ended.
Servers misbehave in known ways, and each has its answer here:

* the same page again: the server ignores `page`; paging on would never end;
* items that leave the window while we page, so that others slide onto pages already read and would be lost: a window whose
  first page is full is read a second time, and again until two readings agree; what only an earlier one held is kept too;
* 429, 5xx and time-outs are tried again, as late as the server asks (`Retry-After`), up to a bound;
* a page of HTML with 200 OK is no answer; an empty list is one, and is landed, so that the ledger shows that we asked.

Contract options: `page_size`, `window_days`, `history_days` (10, how far the first collection reaches back), `overlap_minutes` (60, how far
each later one does, for items that appear late; repetitions are recognised).
"""

import hashlib
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from os import SEEK_END
from tempfile import SpooledTemporaryFile
from xml.etree.ElementTree import ParseError

import httpx
from defusedxml.common import DefusedXmlException
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from core.contract import Contract
from core.errors import SourceAnswerError, SourceUnavailableError
from ingestion.collect.connectors.base import Arrival, Checkpoint, Clock, Window

CONNECT_SECONDS, READ_SECONDS = 10.0, 30.0
ATTEMPTS = 5
LONGEST_WAIT_SECONDS = 60.0
"""A server that asks for more patience than this is left until the next run."""

READINGS = 4
"""How often a window is read before we give up that two readings agree."""

READING_BYTES = 16 * 1024 * 1024
"""A reading of a window above this many bytes waits on disk."""

PAGES_LIMIT = 10_000
PAGE_BYTES_LIMIT = 64 * 1024 * 1024
TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
NO_LIST = (ValueError, TypeError, AttributeError, ParseError, DefusedXmlException)
"""What `items_of` raises where an answer is no list."""


@dataclass(frozen=True)
class Listing:
    """One list of a source: its name, address and representation, how a window is asked for, how an answer is read.

    `items_of` gives each item of a page as something that tells it, in its version, from every other; it raises one of NO_LIST
    for what is no list, and SourceAnswerError for an answer that refuses.
    """

    name: str
    url: str
    representation: str
    window_query: Callable[[Window], Mapping[str, str]]
    items_of: Callable[[bytes], tuple[Hashable, ...]]


@dataclass(frozen=True)
class _Page:
    number: int
    start: int
    size: int
    digest: bytes
    items: tuple[Hashable, ...]


class _Reading:
    """The pages of one reading of a window; their bytes wait on disk where they are many."""

    def __init__(self) -> None:
        self._spool = SpooledTemporaryFile(max_size=READING_BYTES)  # noqa: SIM115  # closed by its window
        self.pages: list[_Page] = []

    def add(self, content: bytes, items: tuple[Hashable, ...]) -> None:
        """Put a page behind the others."""
        start = self._spool.seek(0, SEEK_END)
        self._spool.write(content)
        digest = hashlib.sha256(content).digest()
        self.pages.append(_Page(len(self.pages) + 1, start, len(content), digest, items))

    def content_of(self, page: _Page) -> bytes:
        """Give the bytes of a page."""
        self._spool.seek(page.start)
        return self._spool.read(page.size)

    def items(self) -> list[tuple[Hashable, ...]]:
        """Give the items page by page: two readings with the same ones agree."""
        return [page.items for page in self.pages]

    def close(self) -> None:
        """Let go of the bytes."""
        self._spool.close()


class _TryAgainError(Exception):
    """The server asks for patience, or stumbled; `seconds` is what it asked for."""

    def __init__(self, reason: str, seconds: float | None = None) -> None:
        super().__init__(reason)
        self.reason, self.seconds = reason, seconds


@dataclass(frozen=True)
class Pager:
    """Reads lists with one client; the client and the way to wait are given, so that a test decides both."""

    client: httpx.Client
    wait: Callable[[float], None] = time.sleep

    def collect(
        self, contract: Contract, listing: Listing, checkpoint: Checkpoint, window: Window | None, clock: Clock
    ) -> Iterator[Arrival]:
        """Yield every page of every window since the checkpoint; with a window given, of that one, and leave the checkpoint."""
        now = clock().astimezone(UTC).replace(microsecond=0)
        for span in [window] if window else _windows(contract, checkpoint, now):
            yield from self._pages(contract, listing, span, None if window else span.end)

    def _pages(self, contract: Contract, listing: Listing, span: Window, end: datetime | None) -> Iterator[Arrival]:
        """Yield the pages of a window; the last of them tells `end`."""
        with ExitStack() as opened:
            readings = [self._read(contract, listing, span, opened)]
            if len(readings[0].pages[0].items) >= int(contract.option("page_size")):
                while len(readings) < 2 or readings[-1].items() != readings[-2].items():
                    if len(readings) == READINGS:
                        raise SourceUnavailableError(
                            f"{contract.feed}: a list of {listing.name} that stands still was promised, {READINGS} readings of one "
                            "window differ; try again later",
                            feed=contract.feed,
                        )
                    readings.append(self._read(contract, listing, span, opened))
            held = {item for page in readings[-1].pages for item in page.items}
            for number, reading in enumerate(readings, 1):
                is_last = number == len(readings)
                for page in reading.pages:
                    if is_last or not held.issuperset(page.items):
                        held.update(page.items)
                        again = "" if is_last else f"_reading{number}"
                        name = f"{listing.name}_{_span_name(span)}_p{page.number:03d}{again}.{listing.representation}"
                        is_end = is_last and page is reading.pages[-1]
                        yield Arrival(name, reading.content_of(page), window_end=end if is_end else None)

    def _read(self, contract: Contract, listing: Listing, span: Window, opened: ExitStack) -> _Reading:
        """Read all pages of a window."""
        size = int(contract.option("page_size"))
        reading = _Reading()
        opened.callback(reading.close)
        for number in range(1, PAGES_LIMIT + 1):
            content, items = self._page(contract, listing, span, number, size)
            before = reading.pages[-1].digest if reading.pages else None
            reading.add(content, items)
            if items and reading.pages[-1].digest == before:
                raise SourceAnswerError(
                    f"{contract.feed}: page {number} was promised, page {number - 1} came again; the server ignores `page`",
                    feed=contract.feed,
                    page=number,
                )
            if len(items) < size:
                return reading
        raise SourceAnswerError(
            f"{contract.feed}: an end was promised, {PAGES_LIMIT} full pages came", feed=contract.feed
        )

    def _page(
        self, contract: Contract, listing: Listing, span: Window, number: int, size: int
    ) -> tuple[bytes, tuple[Hashable, ...]]:
        query = {**listing.window_query(span), "page": str(number), "page_size": str(size)}
        retrying = Retrying(
            stop=stop_after_attempt(ATTEMPTS),
            wait=_seconds_to_wait,
            retry=retry_if_exception_type(_TryAgainError),
            sleep=self.wait,
            reraise=True,
        )
        try:
            content = retrying(self._get, contract.feed, listing.url, query)
        except _TryAgainError as error:
            raise SourceUnavailableError(
                f"{contract.feed}: page {number} was promised, {error.reason} after {ATTEMPTS} attempts or more patience than we "
                "have; try again later",
                feed=contract.feed,
                page=number,
                reason=error.reason,
            ) from error
        try:
            items = listing.items_of(content)
        except NO_LIST as error:
            raise SourceAnswerError(
                f"{contract.feed}: a {listing.representation} list of {listing.name} was promised, {_look(content)} came as page {number}",
                feed=contract.feed,
                page=number,
            ) from error
        return content, items

    def _get(self, feed: str, url: str, query: dict[str, str]) -> bytes:
        """Get one body; raise _TryAgainError where another attempt can help."""
        body = bytearray()
        try:
            with self.client.stream("GET", url, params=query) as response:
                if response.status_code in TRANSIENT:
                    seconds = _retry_after(response)
                    if seconds is not None and seconds > LONGEST_WAIT_SECONDS:
                        raise SourceUnavailableError(
                            f"{feed}: an answer was promised, HTTP {response.status_code} asks for {seconds:.0f} s of patience; "
                            "try again then",
                            feed=feed,
                            status=response.status_code,
                            seconds=seconds,
                        )
                    raise _TryAgainError(f"HTTP {response.status_code}", seconds)
                if response.status_code != httpx.codes.OK:
                    raise SourceAnswerError(
                        f"{feed}: HTTP 200 was promised, {response.status_code} came",
                        feed=feed,
                        status=response.status_code,
                    )
                for block in response.iter_bytes():
                    body += block
                    if len(body) > PAGE_BYTES_LIMIT:
                        raise SourceAnswerError(
                            f"{feed}: a page up to {PAGE_BYTES_LIMIT} bytes was promised, more came", feed=feed
                        )
        except httpx.TransportError as error:
            raise _TryAgainError(type(error).__name__) from error
        return bytes(body)


def _windows(contract: Contract, checkpoint: Checkpoint, now: datetime) -> Iterator[Window]:
    """Give the windows since the last one; all the history again where the last one ends in the future, as our clock was ahead then."""
    overlap = timedelta(minutes=int(contract.option("overlap_minutes", 60)))
    if checkpoint.window_end is None or checkpoint.window_end - now > overlap:
        start = now - timedelta(days=int(contract.option("history_days", 10)))
    elif now <= checkpoint.window_end:
        return
    else:
        start = checkpoint.window_end - overlap
    step = timedelta(days=int(contract.option("window_days")))
    while start < now:
        end = min(start + step, now)
        yield Window(start, end)
        start = end


def _seconds_to_wait(state: RetryCallState) -> float:
    """Wait as long as the server asked, or twice as long each time: 0.5, 1, 2, 4 s."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, _TryAgainError) and error.seconds is not None:
        return error.seconds
    return float(2 ** (state.attempt_number - 2))


def _retry_after(response: httpx.Response) -> float | None:
    """Read `Retry-After`: seconds, or a date, which is compared with the server's own `Date`."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        wanted, told = parsedate_to_datetime(text), parsedate_to_datetime(response.headers.get("Date", ""))
    except ValueError:
        return None
    seconds: float = (wanted - told).total_seconds()
    return max(seconds, 0.0)


def _look(content: bytes) -> str:
    start = content.lstrip()[:15].lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "a page of HTML"
    return f"{len(content)} bytes of something else"


def _span_name(span: Window) -> str:
    return "_".join(moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ") for moment in (span.start, span.end))
