"""One request over HTTP, repeated with patience; only a proper answer is accepted.

429, 5xx and time-outs are retried, after as long as the server asks (`Retry-After`), up to a bound. Redirects are not followed. A secret
travels in a header and nowhere else: its value is checked before it is sent, because a library's error would quote it.
"""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

import httpx
from pydantic import SecretStr
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from core.errors import ConfigurationError, SourceAnswerError, SourceUnavailableError

ATTEMPTS = 5
LONGEST_WAIT_SECONDS = 60.0
"""A server that asks for a longer wait is left until the next run."""

PAGE_BYTES_LIMIT = 64 * 1024 * 1024
TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
REFUSED = frozenset({401, 403})
VISIBLE = re.compile(r"[\x21-\x7e]+")
"""The characters that a secret may have, to fit in a header."""


LINK = re.compile(r'<([^>]*)>((?:[^,"]|"[^"]*")*)')
"""One link of a header `Link`: its address, and its parameters as they stand."""

PARAMETER = re.compile(r';\s*([^\s=;,]+)(?:\s*=\s*(?:"([^"]*)"|([^\s;,"]*)))?')


class _TryAgainError(Exception):
    """The server asks us to wait, or failed for a moment; `seconds` is how long it asked for."""

    def __init__(self, reason: str, seconds: float | None = None) -> None:
        super().__init__(reason)
        self.reason, self.seconds = reason, seconds


@dataclass(frozen=True)
class Body:
    """The bytes of an answer, and the address of the next page in its header `Link`, if any."""

    content: bytes
    url: httpx.URL
    linked: str | None = None


@dataclass(frozen=True)
class Asker:
    """Sends requests to one source; client and wait function are passed in, so that a test controls both. `headers` hold the secret."""

    client: httpx.Client
    wait: Callable[[float], None] = time.sleep
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def get(self, feed: str, number: int, url: httpx.URL, query: Mapping[str, str] | None) -> Body:
        """Get page `number`; raise SourceUnavailableError if a later run can help, SourceAnswerError if none can."""
        retrying = Retrying(
            stop=stop_after_attempt(ATTEMPTS),
            wait=_seconds_to_wait,
            retry=retry_if_exception_type(_TryAgainError),
            sleep=self.wait,
            reraise=True,
        )
        try:
            return retrying(self._get, feed, url, query)
        except _TryAgainError as error:
            raise SourceUnavailableError(
                f"{feed}: expected page {number}, got {error.reason} in {ATTEMPTS} attempts; try again later",
                feed=feed,
                page=number,
                reason=error.reason,
            ) from error

    def _get(self, feed: str, url: httpx.URL, query: Mapping[str, str] | None) -> Body:
        """Get one body; raise _TryAgainError if another attempt can help."""
        body = bytearray()
        try:
            with self.client.stream("GET", url, params=query, headers=self.headers) as response:
                self._require_answer(feed, response)
                for block in response.iter_bytes():
                    body += block
                    if len(body) > PAGE_BYTES_LIMIT:
                        raise SourceAnswerError(
                            f"{feed}: expected a page up to {PAGE_BYTES_LIMIT} bytes, got more; ask for smaller pages",
                            feed=feed,
                        )
                return Body(bytes(body), response.url, next_link(response.headers.get("Link", "")))
        except httpx.TransportError as error:
            raise _TryAgainError(type(error).__name__) from error
        except httpx.DecodingError as error:
            raise SourceAnswerError(
                f"{feed}: expected an answer packed as its header says, got another; ask the agency", feed=feed
            ) from error

    def _require_answer(self, feed: str, response: httpx.Response) -> None:
        status = response.status_code
        if status in TRANSIENT:
            seconds = _retry_after(response)
            if seconds is not None and seconds > LONGEST_WAIT_SECONDS:
                raise SourceUnavailableError(
                    f"{feed}: expected an answer, got HTTP {status} with a request to wait {seconds:.0f} s; try again then",
                    feed=feed,
                    status=status,
                    seconds=seconds,
                )
            raise _TryAgainError(f"HTTP {status}", seconds)
        if status != httpx.codes.OK:
            if status in REFUSED:
                advice = "check the source's secret"
            elif response.has_redirect_location:
                advice = "no redirect is followed; set the address that it leads to, if the agency vouches for it"
            else:
                advice = "check path and parameters of the contract"
            raise SourceAnswerError(f"{feed}: expected HTTP 200, got {status}; {advice}", feed=feed, status=status)


def secret_headers(feed: str, name: str, secret: SecretStr | None, header: str | None) -> dict[str, str]:
    """Return the header that carries a secret: the one named, or `Authorization: Bearer`; raise ConfigurationError if it is not set."""
    variable = f"IOC_SOURCE_SECRETS__{name.upper()}"
    value = secret.get_secret_value().strip() if secret is not None else ""
    if not VISIBLE.fullmatch(value):
        found = "one with characters that no header may hold" if value else "none"
        raise ConfigurationError(f"{feed}: expected a secret {name}, got {found}; set {variable}", variable=variable)
    return {header: value} if header else {"Authorization": f"Bearer {value}"}


def next_link(header: str) -> str | None:
    """Return the address that a header `Link` calls the next one (RFC 8288)."""
    for address, parameters in LINK.findall(header):
        for name, quoted, plain in PARAMETER.findall(parameters):
            if name.lower() == "rel" and "next" in (quoted or plain).lower().split():
                return str(address)
    return None


def _seconds_to_wait(state: RetryCallState) -> float:
    """Return how long to wait: as long as the server asked, or twice as long each time: 0.5, 1, 2, 4 s."""
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
