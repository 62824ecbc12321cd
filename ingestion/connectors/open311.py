"""Citizens' requests from an Open311 server (GeoReport v2), page by page, a window of time after the other.

`GET requests.json?start_date=&end_date=&page=&page_size=`, times ISO 8601 with offset. The last page is the one with fewer
requests than a page holds, and it counts. Servers misbehave in known ways, and each has its answer here:

* the same page again: the server ignores `page`; paging on would never end;
* requests that leave the window while we page, so that others slide onto pages already read and would be lost: a window whose
  first page is full is read a second time, and again until two readings agree; what only an earlier one held is kept too;
* 429, 5xx and time-outs are tried again, as late as the server asks (`Retry-After`), up to a bound;
* a page of HTML with 200 OK is no answer; an empty list is one, and is landed, so that the ledger shows that we asked.

Contract options: `page_size`, `window_days`, `history_days` (10, how far the first collection reaches back), `overlap_minutes` (60, how far
each later one does, for requests that appear late; repetitions are recognised), `representation` (json or xml).
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from xml.etree.ElementTree import ParseError

import httpx
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from ingestion.connectors.base import Arrival, Checkpoint, Clock, Window
from ingestion.contract import Contract
from ingestion.errors import SourceAnswerError, SourceUnavailableError

CONNECT_SECONDS, READ_SECONDS = 10.0, 30.0
ATTEMPTS = 5
LONGEST_WAIT_SECONDS = 60.0
"""A server that asks for more patience than this is left until the next run."""

READINGS = 4
"""How often a window is read before we give up that two readings agree."""

PAGES_LIMIT = 10_000
PAGE_BYTES_LIMIT = 64 * 1024 * 1024
TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True)
class _Page:
    """One page: its bytes, and the (id, version) of each request on it."""

    number: int
    content: bytes
    requests: tuple[tuple[str, str], ...]


class _TryAgainError(Exception):
    """The server asks for patience, or stumbled; `seconds` is what it asked for."""

    def __init__(self, reason: str, seconds: float | None = None) -> None:
        super().__init__(reason)
        self.reason, self.seconds = reason, seconds


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
        now = clock().astimezone(UTC).replace(microsecond=0)
        for span in [window] if window else _windows(contract, checkpoint, now):
            yield from self._pages(contract, span)
            if window is None:
                checkpoint.window_end = span.end

    def _pages(self, contract: Contract, span: Window) -> Iterator[Arrival]:
        representation = str(contract.option("representation", "json"))
        readings = [self._read(contract, span)]
        if len(readings[0][0].requests) >= int(contract.option("page_size")):
            while len(readings) < 2 or _content_of(readings[-1]) != _content_of(readings[-2]):
                if len(readings) == READINGS:
                    raise SourceUnavailableError(
                        f"{contract.feed}: a list of requests that stands still was promised, {READINGS} readings of one "
                        "window differ; try again later",
                        feed=contract.feed,
                    )
                readings.append(self._read(contract, span))
        held = {request for page in readings[-1] for request in page.requests}
        for number, reading in enumerate(readings, 1):
            is_last = number == len(readings)
            for page in reading:
                if is_last or not held.issuperset(page.requests):
                    held.update(page.requests)
                    again = "" if is_last else f"_reading{number}"
                    yield Arrival(
                        f"requests_{_span_name(span)}_p{page.number:03d}{again}.{representation}", page.content
                    )

    def _read(self, contract: Contract, span: Window) -> list[_Page]:
        """Read all pages of a window."""
        size = int(contract.option("page_size"))
        pages: list[_Page] = []
        for number in range(1, PAGES_LIMIT + 1):
            page = self._page(contract, span, number, size)
            if not page.requests and pages:
                return pages
            if pages and page.content == pages[-1].content:
                raise SourceAnswerError(
                    f"{contract.feed}: page {number} was promised, page {number - 1} came again; the server ignores `page`",
                    feed=contract.feed,
                    page=number,
                )
            pages.append(page)
            if len(page.requests) < size:
                return pages
        raise SourceAnswerError(
            f"{contract.feed}: an end was promised, {PAGES_LIMIT} full pages came", feed=contract.feed
        )

    def _page(self, contract: Contract, span: Window, number: int, size: int) -> _Page:
        representation = str(contract.option("representation", "json"))
        query = {
            "start_date": span.start.isoformat(),
            "end_date": span.end.isoformat(),
            "page": str(number),
            "page_size": str(size),
        }
        retrying = Retrying(
            stop=stop_after_attempt(ATTEMPTS),
            wait=_seconds_to_wait,
            retry=retry_if_exception_type(_TryAgainError),
            sleep=self.wait,
            reraise=True,
        )
        try:
            content = retrying(self._get, contract.feed, f"{self.url}/requests.{representation}", query)
        except _TryAgainError as error:
            raise SourceUnavailableError(
                f"{contract.feed}: page {number} was promised, {error.reason} after {ATTEMPTS} attempts or more patience than we "
                "have; try again later",
                feed=contract.feed,
                page=number,
                reason=error.reason,
            ) from error
        try:
            requests = _json_requests(content) if representation == "json" else _xml_requests(content)
        except (ValueError, TypeError, AttributeError, ParseError, DefusedXmlException) as error:
            raise SourceAnswerError(
                f"{contract.feed}: a {representation} list of requests was promised, {_look(content)} came as page {number}",
                feed=contract.feed,
                page=number,
            ) from error
        return _Page(number, content, requests)

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
    if checkpoint.window_end is None:
        start = now - timedelta(days=int(contract.option("history_days", 10)))
    elif now <= checkpoint.window_end:
        return
    else:
        start = checkpoint.window_end - timedelta(minutes=int(contract.option("overlap_minutes", 60)))
    step = timedelta(days=int(contract.option("window_days")))
    while start < now:
        end = min(start + step, now)
        yield Window(start, end)
        start = end


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


def _content_of(pages: list[_Page]) -> list[tuple[tuple[str, str], ...]]:
    return [page.requests for page in pages]


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
