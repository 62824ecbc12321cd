"""A list that is served page by page: every page of one window, read again until two readings agree.

A list has ended when a page is empty, or when an answer says so: the declared total is reached, or there is no more, no token, no next
link. A page shorter than requested proves nothing, since a server may return less than it is asked for. Servers misbehave in known
ways, and each is handled here:

* fewer items per page than requested, while offsets count from the requested size: from the second page on, the size of the first page
  is requested, so that no item falls between two pages;
* the same page again: the server ignores the parameter, and paging on would never end;
* items that leave the window while we page, so that others move onto pages already read and would be lost: a window of several
  pages is read a second time, and again until two readings agree; what only an earlier reading held is kept too;
* a page of HTML with 200 OK is not an answer; an empty list is one, and is landed, so that the ledger shows that we asked.
"""

import hashlib
from contextlib import ExitStack
from dataclasses import dataclass
from os import SEEK_END
from tempfile import SpooledTemporaryFile

import httpx

from core.errors import SourceAnswerError, SourceUnavailableError
from ingestion.collect.connectors.http_answers import NOT_A_LIST, Answer, read_answer
from ingestion.collect.connectors.http_options import HttpOptions, PagingBy
from ingestion.collect.connectors.http_requests import Asker, Body

READINGS = 4
"""How often a window is read before we give up waiting for two readings that agree."""

READING_BYTES = 16 * 1024 * 1024
"""A reading of a window larger than this many bytes is held on disk."""

PAGES_LIMIT = 10_000


@dataclass(frozen=True)
class Page:
    """One page of a reading; `start` and `size` locate its bytes."""

    number: int
    start: int
    size: int
    items: tuple[bytes, ...]


class Reading:
    """The pages of one reading of a window; their bytes are held on disk if there are many."""

    def __init__(self) -> None:
        self._spool = SpooledTemporaryFile(max_size=READING_BYTES)  # noqa: SIM115  closed by its window
        self.pages: list[Page] = []

    def add(self, content: bytes, items: tuple[bytes, ...]) -> None:
        """Append a page."""
        start = self._spool.seek(0, SEEK_END)
        self._spool.write(content)
        self.pages.append(Page(len(self.pages) + 1, start, len(content), items))

    def drop_last(self) -> None:
        """Remove the last page."""
        self.pages.pop()

    def content_of(self, page: Page) -> bytes:
        """Return the bytes of a page."""
        self._spool.seek(page.start)
        return self._spool.read(page.size)

    @property
    def items(self) -> list[tuple[bytes, ...]]:
        """The items page by page: two readings with equal items agree."""
        return [page.items for page in self.pages]

    @property
    def count(self) -> int:
        """How many items there are so far."""
        return sum(len(page.items) for page in self.pages)

    def close(self) -> None:
        """Release the bytes."""
        self._spool.close()


@dataclass(frozen=True)
class Pages:
    """Pages of one list, at one address."""

    feed: str
    options: HttpOptions
    url: httpx.URL
    asker: Asker

    def readings(self, query: dict[str, str], opened: ExitStack) -> list[Reading]:
        """Read a window until two readings agree, once if it is a single page; `opened` releases their bytes."""
        readings = [self._read(query, opened)]
        if len(readings[0].pages) > 1:
            while len(readings) < 2 or readings[-1].items != readings[-2].items:
                if len(readings) == READINGS:
                    raise SourceUnavailableError(
                        f"{self.feed}: expected a list that stops changing, got {READINGS} readings of one window that differ; "
                        "try again later",
                        feed=self.feed,
                    )
                readings.append(self._read(query, opened))
        return readings

    def _read(self, query: dict[str, str], opened: ExitStack) -> Reading:
        """Read all pages of a window. An empty last page is kept only if a full page, or no page at all, came before it."""
        reading = Reading()
        opened.callback(reading.close)
        seen: dict[bytes, int] = {}
        asked: set[str] = set()
        step: _Step | None = _Step(self.url, {**query, **self._first(), **self._size(None)})
        while step is not None:
            number = len(reading.pages) + 1
            if number > PAGES_LIMIT:
                raise SourceAnswerError(
                    f"{self.feed}: expected an end of the list, got {PAGES_LIMIT} pages; ask for a shorter window or larger pages",
                    feed=self.feed,
                )
            body = self.asker.get(self.feed, number, step.url, step.query)
            answer = self._answer(body.content, number)
            reading.add(body.content, answer.items)
            if answer.items:
                before = seen.setdefault(hashlib.sha256(b"".join(answer.items)).digest(), number)
                if before != number:
                    raise SourceAnswerError(
                        f"{self.feed}: expected page {number} to hold other items, got those of page {before} again; the source "
                        "ignores the paging that the contract declares, or its list has no end",
                        feed=self.feed,
                        page=number,
                    )
            step = self._next(query, reading, answer, body, asked)
        full = self.options.size_that_goes_on
        if (
            len(reading.pages) > 1
            and not reading.pages[-1].items
            and (full is None or len(reading.pages[-2].items) < full)
        ):
            reading.drop_last()
        return reading

    def _answer(self, content: bytes, number: int) -> Answer:
        try:
            return read_answer(self.feed, self.options, content)
        except NOT_A_LIST as error:
            raise SourceAnswerError(
                f"{self.feed}: expected a list ({self.options.representation}, {self.options.items}) as page {number}, got "
                f"{_look(content)}; ask the agency, or correct the contract's options",
                feed=self.feed,
                page=number,
            ) from error

    def _next(
        self, query: dict[str, str], reading: Reading, answer: Answer, body: Body, asked: set[str]
    ) -> "_Step | None":
        """Return what to ask for next, None at the end; raise SourceUnavailableError if the list ends too early."""
        paging = self.options.paging
        linked = paging.by is PagingBy.LINK and paging.next is None
        following = body.linked if linked else answer.next
        is_last = {
            PagingBy.NONE: True,
            PagingBy.PAGE: not answer.items,
            PagingBy.OFFSET: not answer.items,
            PagingBy.TOKEN: following is None,
            PagingBy.LINK: following is None,
        }[paging.by]
        says_more = bool(answer.more) or (answer.total is not None and reading.count < answer.total)
        if is_last and says_more:
            told = f"{answer.total} items" if answer.total is not None else "more items"
            raise SourceUnavailableError(
                f"{self.feed}: expected {told}, as page {len(reading.pages)} says, got {reading.count}; try again later, and ask "
                "the agency if it stays so",
                feed=self.feed,
                items=reading.count,
            )
        says_end = answer.more is False or (answer.total is not None and answer.more is None and not says_more)
        if is_last or (says_end and following is None):
            return None
        if following is not None:
            if following in asked:
                raise SourceAnswerError(
                    f"{self.feed}: expected page {len(reading.pages)} to lead on, got what led to an earlier page; ask the agency",
                    feed=self.feed,
                    page=len(reading.pages),
                )
            asked.add(following)
        if paging.by is PagingBy.LINK:
            return _Step(self._same_source(body.url, str(following)), None)
        first = len(reading.pages[0].items)
        place = {
            PagingBy.PAGE: str((1 if paging.first is None else paging.first) + len(reading.pages)),
            PagingBy.OFFSET: str(reading.count),
        }.get(paging.by, str(following))
        return _Step(self.url, {**query, str(paging.parameter): place, **self._size(first)})

    def _first(self) -> dict[str, str]:
        paging = self.options.paging
        first = {PagingBy.PAGE: str(1 if paging.first is None else paging.first), PagingBy.OFFSET: "0"}
        return {str(paging.parameter): first[paging.by]} if paging.by in first else {}

    def _size(self, given: int | None) -> dict[str, str]:
        """Return the page size to request: by page number at most what the first page held, if that was less than requested."""
        paging = self.options.paging
        if paging.size is None or paging.size_parameter is None:
            return {}
        is_less = paging.by is PagingBy.PAGE and given is not None and 0 < given < paging.size
        return {paging.size_parameter: str(given if is_less else paging.size)}

    def _same_source(self, at: httpx.URL, link: str) -> httpx.URL:
        """Return the address of a link; raise SourceAnswerError if it leads to another source, which would receive our secret."""
        try:
            target = at.join(link)
        except (httpx.InvalidURL, ValueError) as error:
            raise SourceAnswerError(
                f"{self.feed}: expected a link to the next page, got no address", feed=self.feed
            ) from error
        if (target.scheme, target.host, target.port) != (
            self.url.scheme,
            self.url.host,
            self.url.port,
        ) or target.userinfo:
            raise SourceAnswerError(
                f"{self.feed}: expected a link to {self.url.scheme}://{self.url.host}, got one to {target.scheme}://{target.host}; "
                "set the address that the source gives itself, if the agency vouches for it",
                feed=self.feed,
            )
        return target


@dataclass(frozen=True)
class _Step:
    """The next request; a link carries its own query."""

    url: httpx.URL
    query: dict[str, str] | None


def _look(content: bytes) -> str:
    start = content.lstrip()[:15].lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "a page of HTML"
    kind = (
        {b"{": "a JSON object", b"[": "a JSON list", b"<": "XML"}.get(start[:1], "something else")
        if start
        else "nothing"
    )
    return f"{kind} of {len(content)} bytes"
