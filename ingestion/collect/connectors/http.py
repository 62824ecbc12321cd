"""Lists fetched over HTTP, as the contract declares them (docs/http.md): one window of time after another, page by page.

The address of a source is a setting, by feed or by domain (`IOC_SOURCE_URLS`), and so is its secret, by name (`IOC_SOURCE_SECRETS`).
The checkpoint moves with the last page of a window. The contract says how far the first collection reaches back (`history_days`), how
long a window is (`window_days`) and how far each overlaps the one before, for items that appear late (`overlap_minutes`; duplicates are
recognised). A list that cannot be filtered by time is fetched whole, as one window.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx
from pydantic import SecretStr

from core.contract import Contract
from core.errors import ConfigurationError
from ingestion.collect.connectors.base import Arrival, Checkpoint, Clock, Window
from ingestion.collect.connectors.http_options import HttpOptions, read_options
from ingestion.collect.connectors.http_pages import Pages
from ingestion.collect.connectors.http_requests import Asker, secret_headers


@dataclass(frozen=True)
class Http:
    """Sources by feed or domain; the client and the wait function are passed in, so that a test controls both."""

    client: httpx.Client
    urls: Mapping[str, str]
    secrets: Mapping[str, SecretStr] = field(default_factory=dict)
    wait: Callable[[float], None] = time.sleep

    def collect(
        self, contract: Contract, checkpoint: Checkpoint, window: Window | None, clock: Clock
    ) -> Iterator[Arrival]:
        """Yield every page of every window since the checkpoint; with a window, only its pages, and the checkpoint stays as it is."""
        options = read_options(contract)
        headers = {}
        if options.secret is not None:
            name, header = options.secret, options.secret_header
            headers = secret_headers(contract.feed, name, self.secrets.get(name), header)
        asker = Asker(self.client, self.wait, headers)
        pages = Pages(contract.feed, options, self._address(contract, options), asker)
        now = clock().astimezone(UTC).replace(microsecond=0)
        for span in [window] if window else _windows(options, checkpoint, now):
            yield from _arrivals(contract, pages, span, None if window else span.end)

    def _address(self, contract: Contract, options: HttpOptions) -> httpx.URL:
        """Return the address of the list; raise ConfigurationError if none is set, or if it is not a plain address."""
        names = (contract.feed, contract.table, contract.domain)
        base = next((self.urls[name] for name in names if name in self.urls), None)
        if base is None:
            raise ConfigurationError(
                f"{contract.feed}: expected an address of it or of {contract.domain} in IOC_SOURCE_URLS, got those of "
                f"{', '.join(sorted(self.urls)) or 'none'}; set IOC_SOURCE_URLS__{contract.domain.upper()}",
                variable="IOC_SOURCE_URLS",
            )
        try:
            url = httpx.URL(f"{base.rstrip('/')}/{options.path}" if options.path else base)
            is_plain = (
                url.scheme in ("http", "https") and bool(url.host) and not (url.userinfo or url.query or url.fragment)
            )
        except httpx.InvalidURL:
            is_plain = False
        if not is_plain:
            raise ConfigurationError(
                f"{contract.feed}: expected an address http(s)://host/path in IOC_SOURCE_URLS, got another form; user, password and "
                "query do not belong in it, a secret has a name of its own",
                variable="IOC_SOURCE_URLS",
            )
        return url


def _arrivals(contract: Contract, pages: Pages, span: Window, end: datetime | None) -> Iterator[Arrival]:
    """Yield the pages of a window; the last of them carries `end`."""
    options = pages.options
    query = {name: str(value) for name, value in options.query.items()}
    if options.window is not None:
        query |= options.window.query(span.start, span.end)
    name = f"{options.list_name or contract.feed.rpartition('.')[2]}_{_span_name(span)}"
    with ExitStack() as opened:
        readings = pages.readings(query, opened)
        held = {item for page in readings[-1].pages for item in page.items}
        for number, reading in enumerate(readings, 1):
            is_last = number == len(readings)
            for page in reading.pages:
                if is_last or not held.issuperset(page.items):
                    held.update(page.items)
                    again = "" if is_last else f"_reading{number}"
                    is_end = is_last and page is reading.pages[-1]
                    yield Arrival(
                        f"{name}_p{page.number:03d}{again}.{options.representation}",
                        reading.content_of(page),
                        window_end=end if is_end else None,
                    )


def _windows(options: HttpOptions, checkpoint: Checkpoint, now: datetime) -> Iterator[Window]:
    """Yield the windows since the last one; the whole history again if the last one ends in the future, as our clock was ahead then."""
    overlap = timedelta(minutes=options.overlap_minutes)
    if checkpoint.window_end is None or checkpoint.window_end - now > overlap:
        start = now - timedelta(days=options.history_days)
    elif now <= checkpoint.window_end:
        return
    else:
        start = checkpoint.window_end - overlap
    step = timedelta(days=options.window_days) if options.window is not None else now - start
    while start < now:
        end = min(start + step, now)
        yield Window(start, end)
        start = end


def _span_name(span: Window) -> str:
    return "_".join(moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ") for moment in (span.start, span.end))
