"""The city's servers in one process: citizens' requests and dossiers, with the bad habits of real servers on demand.

`GET /open311/v2/requests.json` (or `.xml`; GeoReport v2) with `start_date`, `end_date` (excluded), `page` (from 1) and `page_size` (50)
lists the versions that were changed in the window and are visible by now; `GET /public-services/v1/dossiers` with `from` and `to` does so
for dossiers, in an answer `{error_code, message, data}`; a feed without an emitter is served at `/<domain>__<feed>/<path>`, as its contract
asks for it. `python -m simulator.server --folder DAY --port 18090` runs it; the day may be simulated later, or again: a book is read again
when it has changed. `GET /health` answers 200 as soon as the server listens.
"""

import argparse
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit
from xml.etree.ElementTree import Element, SubElement, tostring
from zoneinfo import ZoneInfo

from core.contract import ISO, Contract, c_pattern, read_contracts
from core.table_forms import Container
from simulator.declared import BOOK, ENTRY, declared_contracts
from simulator.emitters import one_stop, open311
from simulator.writer import Texts, write_table

PATH = "/open311/v2"
PUBLIC_SERVICES_PATH = "/public-services/v1"
PAGE_SIZE = 50
SILENCE_SECONDS = 60
HTML = b"<!DOCTYPE html><html><body>Bao tri he thong</body></html>"


class Habit(StrEnum):
    """What the server does instead of answering properly."""

    GOOD = "good"
    TOO_MANY_REQUESTS = "too_many_requests"
    SERVER_ERROR = "server_error"
    TIME_OUT = "time_out"
    EMPTY = "empty"
    HTML_PAGE = "html_page"
    REPEATED_PAGE = "repeated_page"
    SHRINKING = "shrinking"
    BROKEN_OFF = "broken_off"
    REFUSING = "refusing"


Row = Mapping[str, object]
LOCAL = "Asia/Ho_Chi_Minh"
ALWAYS = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))


@dataclass
class _Book:
    """What one list serves: its file in a simulated day, the key of a version in an entry, the window's names, how a page is written."""

    path: Path
    entry_key: str
    window_names: tuple[str, str] | None
    body: Callable[[list[Row], str], bytes]
    page_names: tuple[str, str] = ("page", "page_size")
    moment: Callable[[str], datetime] = datetime.fromisoformat
    read_at: float = 0.0
    read: list[dict[str, Any]] = field(default_factory=list)

    def entries(self) -> list[dict[str, Any]]:
        """Return the entries, read again if the book has changed."""
        changed = self.path.stat().st_mtime if self.path.exists() else 0.0
        if changed != self.read_at:
            self.read_at = changed
            self.read = json.loads(self.path.read_text(encoding="utf-8")) if changed else []
        return self.read


@dataclass
class Behaviour:
    """A habit, and for how many of the next requests it holds; SHRINKING counts readings of page 1, each losing the first request."""

    habit: Habit = Habit.GOOD
    times: int = 1_000_000
    retry_after: str = "0"

    def strikes(self) -> bool:
        """Whether it holds for this request, which is counted."""
        self.times -= 1
        return self.habit != Habit.GOOD and self.times >= 0


class CityServer:
    """A running server of feedback and dossiers. `behaviour` may be set at any time; `asked` lists the paths and queries received."""

    def __init__(self, folder: Path, port: int, host: str, clock: Callable[[], datetime] | None) -> None:
        self.behaviour = Behaviour()
        self.asked: list[str] = []
        self._clock = clock
        requests = _Book(folder / "feedback" / open311.FILE, "request", ("start_date", "end_date"), _body)
        dossiers = _Book(folder / "public_services" / one_stop.FILE, "dossier", ("from", "to"), _answer)
        self._books = {
            f"{PATH}/requests.json": requests,
            f"{PATH}/requests.xml": requests,
            f"{PUBLIC_SERVICES_PATH}/dossiers": dossiers,
        }
        for contract in declared_contracts(read_contracts()):
            if contract.connector == "http":
                path, book = _declared_book(contract, folder)
                self._books[path] = book
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._gone = 0
        self._http = ThreadingHTTPServer((host, port), _handler(self))
        self._http.daemon_threads = True
        self.url = f"http://{host}:{self._http.server_port}{PATH}"
        self.public_services_url = f"http://{host}:{self._http.server_port}{PUBLIC_SERVICES_PATH}"

    def serve(self) -> None:
        """Answer until `stop`."""
        self._http.serve_forever(poll_interval=0.05)

    def stop(self) -> None:
        """End `serve`, and every request that waits for a time-out."""
        self._stopping.set()
        self._http.shutdown()
        self._http.server_close()

    def answer(self, target: str) -> tuple[HTTPStatus, dict[str, str], bytes]:
        """Return status, headers and body for one path and query."""
        parts = urlsplit(target)
        if parts.path == "/health":
            return HTTPStatus.OK, {}, b"ok"
        if parts.path not in self._books:
            return HTTPStatus.NOT_FOUND, {}, b""
        book, representation = self._books[parts.path], "xml" if parts.path.endswith(".xml") else "json"
        with self._lock:
            self.asked.append(target)
            answer = self._list(book, {key: values[0] for key, values in parse_qs(parts.query).items()}, representation)
        if answer[0] == HTTPStatus.GATEWAY_TIMEOUT:
            self._stopping.wait(SILENCE_SECONDS)
        return answer

    def _list(
        self, book: _Book, query: dict[str, str], representation: str
    ) -> tuple[HTTPStatus, dict[str, str], bytes]:
        try:
            start, end = (book.moment(query[name]) for name in book.window_names) if book.window_names else ALWAYS
            page, size = (
                int(query.get(name, default))
                for name, default in zip(book.page_names, ("1", str(PAGE_SIZE)), strict=True)
            )
            found = self._found(book, start, end)
        except (KeyError, ValueError, TypeError):
            return (
                HTTPStatus.BAD_REQUEST,
                {},
                f"{', '.join(book.window_names or ())} with offset, {' and '.join(book.page_names)}".encode(),
            )
        habit = self.behaviour.habit
        if habit == Habit.SHRINKING:
            found = found[self._gone :]
            if page == 1 and self.behaviour.strikes():
                self._gone += 1
        elif self.behaviour.strikes():
            if habit == Habit.REPEATED_PAGE:
                page = 1
            elif habit == Habit.EMPTY:
                found = []
            else:
                return self._misbehave(habit)
        rows = found[(page - 1) * size : page * size]
        return (
            HTTPStatus.OK,
            {"Content-Type": f"application/{representation}; charset=utf-8"},
            book.body(rows, representation),
        )

    def _misbehave(self, habit: Habit) -> tuple[HTTPStatus, dict[str, str], bytes]:
        headers = {"Retry-After": self.behaviour.retry_after}
        if habit == Habit.TOO_MANY_REQUESTS:
            return HTTPStatus.TOO_MANY_REQUESTS, headers, b""
        if habit == Habit.SERVER_ERROR:
            return HTTPStatus.INTERNAL_SERVER_ERROR, {}, b""
        if habit == Habit.HTML_PAGE:
            return HTTPStatus.OK, {"Content-Type": "text/html"}, HTML
        if habit == Habit.REFUSING:
            return (
                HTTPStatus.OK,
                {"Content-Type": "application/json"},
                b'{"error_code": 1001, "message": "...", "data": []}',
            )
        if habit == Habit.BROKEN_OFF:
            return HTTPStatus.OK, {"Content-Length": "100000"}, b"[{"
        return HTTPStatus.GATEWAY_TIMEOUT, {}, b""

    def _found(self, book: _Book, start: datetime, end: datetime) -> list[Row]:
        now = self._clock() if self._clock else None
        found = []
        for entry in book.entries():
            changed_at, visible_at = (datetime.fromisoformat(entry[name]) for name in ("changed_at", "visible_at"))
            if start <= changed_at < end and (now is None or visible_at <= now):
                found.append(entry[book.entry_key])
        return found


@contextmanager
def city_server(
    folder: Path, port: int = 0, host: str = "127.0.0.1", clock: Callable[[], datetime] | None = None
) -> Iterator[CityServer]:
    """Serve a simulated day in a thread; port 0 draws a free one, and without a clock every version is visible."""
    server = CityServer(folder, port, host, clock)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join()


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until the process ends."""
    parser = argparse.ArgumentParser(prog="python -m simulator.server", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="the folder of a simulated day")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    chosen = parser.parse_args(arguments)
    CityServer(chosen.folder, chosen.port, chosen.host, None).serve()


def _declared_book(contract: Contract, folder: Path) -> tuple[str, _Book]:
    """Return the path at which the server serves a declared feed, and its book, with the window and paging that its contract uses."""
    options: Mapping[str, Any] = dict(contract.connector_options)
    window, paging = options.get("window"), options.get("paging", {})
    form = next(form for form in contract.forms if form.container != Container.CSV)
    book = _Book(
        folder / contract.table / BOOK,
        ENTRY,
        (window["from"], window["to"]) if window else None,
        lambda rows, _: write_table(contract, cast("list[Texts]", rows), form),
        (str(paging.get("parameter", "page")), str(paging.get("size_parameter", "page_size"))),
        partial(_moment, form=(window or {}).get("form", ISO), zone=(window or {}).get("zone", LOCAL)),
    )
    return f"/{contract.table}/{options.get('path', '')}", book


def _moment(text: str, form: str, zone: str) -> datetime:
    """Read a moment in the form of a window's parameter."""
    if form == ISO:
        return datetime.fromisoformat(text)
    if form.startswith("epoch"):
        return datetime.fromtimestamp(int(text) / (1000 if form == "epoch_ms" else 1), UTC)
    return datetime.strptime(text, c_pattern(form)).replace(tzinfo=ZoneInfo(zone))


def _answer(rows: list[Row], representation: str) -> bytes:  # noqa: ARG001  it has but one
    return json.dumps({"error_code": 0, "message": "", "data": rows}, ensure_ascii=False).encode()


def _body(rows: list[Row], representation: str) -> bytes:
    if representation == "json":
        return json.dumps(rows, ensure_ascii=False).encode()
    root = Element("service_requests")
    for row in rows:
        _add(SubElement(root, "request"), dict(row))
    document: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _add(parent: Element, values: dict[str, object]) -> None:
    for key, value in values.items():
        element = SubElement(parent, key)
        if isinstance(value, dict):
            _add(element, value)
        elif value is not None:
            element.text = str(value)


def _handler(server: CityServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, headers, body = server.answer(self.path)
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            try:
                self.wfile.write(body)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True  # the client gave up waiting, as it may
            if headers.get("Content-Length"):
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name in the library
            pass

    return Handler


if __name__ == "__main__":
    main()
