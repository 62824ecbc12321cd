"""Lists as other systems page them: however a server cuts its pages, every item arrives, or the collection fails with an error."""

import json
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from traceback import format_exception
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from pydantic import SecretStr

from core.contract import Contract, find_contract
from core.errors import ConfigurationError, ContractError, SourceAnswerError, SourceUnavailableError
from core.settings import Settings
from ingestion.collect.connectors import http_pages
from ingestion.collect.connectors.base import Arrival, Checkpoint, Window
from ingestion.collect.connectors.http import Http
from ingestion.collect.connectors.http_options import WindowQuery, read_options
from ingestion.collect.connectors.http_requests import next_link

END = datetime(2026, 11, 20, 17, tzinfo=UTC)
DAY = Window(END - timedelta(days=1), END)
PAGE = {"by": "page", "parameter": "page", "size": 50, "size_parameter": "page_size"}
OFFSET = {"by": "offset", "parameter": "start", "size": 50, "size_parameter": "limit"}
SECRET = "s3cret"
REQUESTS = find_contract("feedback.requests")
TOKEN = {"by": "token", "parameter": "cursor", "next": "$.meta.cursor"}

Query = Mapping[str, str]
Answer = tuple[int, dict[str, str], bytes]


@dataclass
class Source:
    """A server that answers by `answer`; `asked` holds path, query and headers of each request."""

    answer: Callable[[str, Query], Answer]
    port: int = 0
    asked: list[tuple[str, dict[str, str], dict[str, str]]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def serving(answer: Callable[[str, Query], Answer]) -> Iterator[Source]:
    source = Source(answer)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = dict(parse_qsl(parts.query, keep_blank_values=True))
            source.asked.append((parts.path, query, dict(self.headers)))
            status, headers, body = source.answer(parts.path, query)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  the base class names it
            """Say nothing: a test's output is its own."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        source.port = server.server_port
        thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02), daemon=True)
        thread.start()
        try:
            yield source
        finally:
            server.shutdown()
            thread.join()


def items(count: int) -> list[dict[str, object]]:
    return [{"id": f"T{number:03d}", "vehicles": number} for number in range(count)]


def answered(document: object, **headers: str) -> Answer:
    return 200, {"Content-Type": "application/json", **headers}, json.dumps(document).encode()


def declared(**options: object) -> Contract:
    """Declare a feed of a domain that no setting knows, with options of its connector."""
    contract = replace(REQUESTS, feed="traffic.counts", domain="traffic")
    return replace(contract, connector_options=tuple({"path": "v2/counts", **options}.items()))


def collect(source: Source, contract: Contract, secrets: Mapping[str, SecretStr] | None = None) -> list[Arrival]:
    def never(seconds: float) -> None:
        pytest.fail(f"waited {seconds} s where no retry can help")

    with httpx.Client(timeout=5) as client:
        connector = Http(client, {"traffic": source.url}, secrets or {}, never)
        return list(connector.collect(contract, Checkpoint(), DAY, lambda: END))


def ids(arrivals: list[Arrival], at: str | None = None) -> list[str]:
    found: list[str] = []
    for arrival in arrivals:
        assert isinstance(arrival.content, bytes)
        document = json.loads(arrival.content)
        found += [item["id"] for item in (document[at] if at else document)]
    return found


def cut(rows: list[Any], start: int, size: int, cap: int) -> list[Any]:
    return rows[start : start + min(size, cap)]


@pytest.mark.parametrize("count", [0, 1, 19, 20, 21, 40, 45, 50, 51, 120])
@pytest.mark.parametrize("cap", [7, 20, 50])
@pytest.mark.parametrize("counts_by", ["what it gives", "what it is asked for"])
def test_all_items_come_whatever_a_server_gives_a_page(count: int, cap: int, counts_by: str) -> None:
    def answer(_: str, query: Query) -> Answer:
        size = int(query["page_size"])
        step = size if counts_by == "what it is asked for" else min(size, cap)
        return answered(cut(items(count), (int(query["page"]) - 1) * step, size, cap))

    with serving(answer) as source:
        assert ids(collect(source, declared(paging=PAGE))) == [item["id"] for item in items(count)]


@pytest.mark.parametrize("feed", ["feedback.requests", "public_services.dossiers"])
def test_the_feeds_of_the_project_lose_nothing_to_short_pages(feed: str) -> None:
    contract = find_contract(feed)

    def wrap(rows: list[Any]) -> object:
        return rows if feed == "feedback.requests" else {"error_code": 0, "data": rows}

    with (
        serving(lambda _, query: answered(wrap(cut(items(45), (int(query["page"]) - 1) * 20, 20, 20)))) as source,
        httpx.Client(timeout=5) as client,
    ):
        connector = Http(client, {contract.domain: source.url})
        arrivals = list(connector.collect(contract, Checkpoint(), DAY, lambda: END))
    at = None if feed == "feedback.requests" else "data"
    assert ids(arrivals, at) == [item["id"] for item in items(45)]
    assert arrivals[-1].source_name.endswith("_p003.json")


@pytest.mark.parametrize("cap", [7, 50])
def test_an_offset_counts_what_came(cap: int) -> None:
    with serving(lambda _, query: answered(cut(items(45), int(query["start"]), int(query["limit"]), cap))) as source:
        assert ids(collect(source, declared(paging=OFFSET))) == [item["id"] for item in items(45)]


def test_a_first_page_of_nought_is_asked_for_where_it_is_declared() -> None:
    with serving(lambda _, query: answered(cut(items(30), int(query["page"]) * 20, 20, 20))) as source:
        contract = declared(paging={"by": "page", "parameter": "page", "first": 0})
        assert ids(collect(source, contract)) == [item["id"] for item in items(30)]
    assert [query["page"] for _, query, _ in source.asked] == ["0", "1", "2"] * 2


def test_a_declared_total_ends_the_list_without_a_further_question() -> None:
    def answer(_: str, query: Query) -> Answer:
        return answered({"total": "45", "rows": cut(items(45), (int(query["page"]) - 1) * 20, 20, 20)})

    with serving(answer) as source:
        contract = declared(items="$.rows", paging={**PAGE, "size": 20, "total": "$.total"})
        assert ids(collect(source, contract), "rows") == [item["id"] for item in items(45)]
    assert [query["page"] for _, query, _ in source.asked] == ["1", "2", "3"] * 2


@pytest.mark.parametrize(
    ("paging", "said"),
    [({**PAGE, "total": "$.total"}, {"total": 46}), ({"by": "none", "more": "$.more"}, {"more": True})],
)
def test_a_list_that_ends_before_it_says_so_is_an_error(paging: dict[str, Any], said: dict[str, Any]) -> None:
    def answer(_: str, query: Query) -> Answer:
        return answered({"rows": cut(items(45), (int(query.get("page", "1")) - 1) * 50, 50, 50), **said})

    with (
        serving(answer) as source,
        pytest.raises(SourceUnavailableError, match=r"expected (46 items|more items), as page \d says, got 45"),
    ):
        collect(source, declared(items="$.rows", paging=paging))


def test_a_page_that_says_there_is_no_more_is_the_last() -> None:
    def answer(_: str, query: Query) -> Answer:
        page = int(query["page"])
        return answered({"more": page < 3, "rows": cut(items(45), (page - 1) * 20, 20, 20)})

    with serving(answer) as source:
        contract = declared(items="$.rows", paging={"by": "page", "parameter": "page", "more": "$.more"})
        assert ids(collect(source, contract), "rows") == [item["id"] for item in items(45)]
    assert [query["page"] for _, query, _ in source.asked] == ["1", "2", "3"] * 2


@pytest.mark.parametrize(("count", "clamps"), [(5, False), (50, False), (45, True)])
def test_a_server_that_gives_the_same_page_again_is_noticed(count: int, clamps: bool) -> None:
    stamps = iter(range(1000))

    def answer(_: str, query: Query) -> Answer:
        start = min(int(query["page"]) - 1, 2) * 20 if clamps else 0
        return answered({"at": next(stamps), "rows": cut(items(count), start, 20 if clamps else 50, 50)})

    with serving(answer) as source, pytest.raises(SourceAnswerError, match=r"got those of page \d again"):
        collect(source, declared(items="$.rows", paging=PAGE))


def test_pages_are_bounded_in_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_pages, "PAGES_LIMIT", 4)
    with (
        serving(lambda _, query: answered([{"id": query["page"]}])) as source,
        pytest.raises(SourceAnswerError, match="expected an end of the list, got 4 pages"),
    ):
        collect(source, declared(paging={"by": "page", "parameter": "page"}))
    assert len(source.asked) == 4


def test_a_token_leads_on_past_an_empty_page_until_there_is_none() -> None:
    tokens = {"": ("a b&c", 0), "a b&c": ("empty", 20), "empty": ("last", 40), "last": (None, 40)}

    def answer(_: str, query: Query) -> Answer:
        cursor = query.get("cursor", "")
        following, start = tokens[cursor]
        rows = [] if cursor == "empty" else cut(items(45), start, 20, 20)
        return answered({"meta": {"cursor": following}, "rows": rows})

    with serving(answer) as source:
        contract = declared(items="$.rows", query={"format": "full"}, paging=TOKEN)
        assert ids(collect(source, contract), "rows") == [item["id"] for item in items(45)]
    assert {query["format"] for _, query, _ in source.asked} == {"full"}


def test_a_token_that_came_before_is_an_error() -> None:
    numbers = iter(range(100))
    with (
        serving(lambda *_: answered({"meta": {"cursor": "x"}, "rows": [{"id": next(numbers)}]})) as source,
        pytest.raises(SourceAnswerError, match="expected page 2 to lead on"),
    ):
        collect(source, declared(items="$.rows", paging=TOKEN))


@pytest.mark.parametrize("place", ["header", "document"])
@pytest.mark.parametrize("form", ["whole", "relative"])
def test_a_link_leads_on_until_there_is_none(place: str, form: str) -> None:
    def answer(path: str, query: Query) -> Answer:
        page = int(query.get("p", "1"))
        at = source.url if form == "whole" else ""
        link = f"{at}/v2/counts?p={page + 1}&at=a;b" if page < 3 else None
        rows = cut(items(45), (page - 1) * 20, 20, 20)
        if place == "document":
            return answered({"links": {"next": link}, "rows": rows})
        mixed = f'<{at}/v2/counts?p=1>; title="a, b=c"; rel="first"' + (f", <{link}>; Rel=next" if link else "")
        return answered({"rows": rows}, Link=mixed)

    following = {"next": "$.links.next"} if place == "document" else {}
    with serving(answer) as source:
        contract = declared(items="$.rows", query={"format": "full"}, paging={"by": "link", **following})
        assert ids(collect(source, contract), "rows") == [item["id"] for item in items(45)]
    assert [query.get("p") for _, query, _ in source.asked] == [None, "2", "3"] * 2
    assert [query.get("format") for _, query, _ in source.asked] == ["full", None, None] * 2


@pytest.mark.parametrize(
    ("header", "address"),
    [
        ('<a>; rel="prev next"; title="x"', "a"),
        ('<a>; title="rel=next, <b>; rel=last"; rel=next', "a"),
        ("<a>; rel=NEXT", "a"),
        ("<a;b?c>; rel=last", None),
        ('<a>; title="next"', None),
        ("", None),
    ],
)
def test_a_header_of_links_is_read_as_it_is_meant(header: str, address: str | None) -> None:
    assert next_link(header) == address


@pytest.mark.parametrize("form", ["another host", "another scheme", "another port", "a password in it"])
def test_a_link_to_another_source_is_refused_and_gets_no_secret(form: str) -> None:
    with serving(lambda *_: answered({"rows": items(1)})) as stranger:

        def answer(*_: object) -> Answer:
            link = {
                "another host": f"http://localhost:{source.port}/",
                "another scheme": f"https://127.0.0.1:{source.port}/",
                "another port": f"{stranger.url}/v2/counts",
                "a password in it": f"http://a:b@127.0.0.1:{source.port}/",
            }[form]
            return answered({"next": link, "rows": items(1)})

        contract = declared(items="$.rows", secret="counts", paging={"by": "link", "next": "$.next"})
        with (
            serving(answer) as source,
            pytest.raises(SourceAnswerError, match=r"expected a link to http://127\.0\.0\.1"),
        ):
            collect(source, contract, {"counts": SecretStr("s3cret")})
        assert len(source.asked) == 1
    assert stranger.asked == []


@pytest.mark.parametrize(
    ("header", "name", "value"), [(None, "Authorization", f"Bearer {SECRET}"), ("X-Api-Key", "X-Api-Key", SECRET)]
)
def test_a_secret_is_sent_in_a_header_and_stands_nowhere_else(
    header: str | None, name: str, value: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    contract = declared(paging=PAGE, secret="counts", **({"secret_header": header} if header else {}))
    secrets = {"counts": SecretStr(f" {SECRET}\n")}
    with serving(lambda *_: answered([])) as source:
        arrivals = collect(source, contract, secrets)
    assert [headers[name] for *_, headers in source.asked] == [value]
    with serving(lambda *_: (401, {}, b"no")) as source, pytest.raises(SourceAnswerError) as caught:
        collect(source, contract, secrets)
    assert "got 401; check the source's secret" in str(caught.value)
    traceback = "".join(format_exception(caught.value))
    assert SECRET not in f"{traceback} {arrivals} {source.asked[0][:2]} {caplog.text}"


@pytest.mark.parametrize("secret", [None, "", "two\nlines", "mật khẩu", "a b"])
def test_a_secret_that_is_not_there_or_fits_no_header_is_named_and_not_shown(secret: str | None) -> None:
    secrets = {} if secret is None else {"counts": SecretStr(secret)}
    with (
        serving(lambda *_: answered([])) as source,
        pytest.raises(ConfigurationError, match="set IOC_SOURCE_SECRETS__COUNTS") as caught,
    ):
        collect(source, declared(secret="counts"), secrets)
    assert source.asked == []
    assert not secret or secret not in str(caught.value)


def test_sources_and_secrets_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IOC_SOURCE_URLS", '{"feedback": "http://a"}')
    monkeypatch.setenv("IOC_SOURCE_URLS__TRAFFIC", "http://b")
    monkeypatch.setenv("IOC_SOURCE_URLS__TRAFFIC__COUNTS", "http://c")
    monkeypatch.setenv("IOC_SOURCE_SECRETS__TRAFFIC_API", "s3cret")
    settings = Settings()
    assert settings.source_urls == {
        "feedback": "http://a",
        "public_services": "http://127.0.0.1:18090/public-services/v1",
        "traffic": "http://b",
        "traffic__counts": "http://c",
    }
    assert settings.source_secrets["traffic_api"].get_secret_value() == "s3cret"
    assert "s3cret" not in repr(settings)
    plain = settings.service_environment(settings.home_folder)
    assert "s3cret" not in str(
        {name: value for name, value in plain.items() if name != "IOC_SOURCE_SECRETS__TRAFFIC_API"}
    )
    assert json.loads(plain["IOC_SOURCE_URLS"]) == settings.source_urls
    told = settings.service_environment(settings.home_folder, ("source_secrets",))
    assert json.loads(told["IOC_SOURCE_SECRETS"]) == {"traffic_api": "s3cret"}


@pytest.mark.parametrize(
    "address", ["ftp://a", "a.vn/v1", "http://user:pw@a", "http://a?key=1", "http://", "http://a#b"]
)
def test_an_address_of_another_form_is_refused_and_not_shown(address: str) -> None:
    with httpx.Client() as client, pytest.raises(ConfigurationError, match="got another form") as caught:
        list(Http(client, {"traffic": address}).collect(declared(), Checkpoint(), DAY, lambda: END))
    assert address not in str(caught.value)


def test_the_address_of_a_feed_goes_before_that_of_its_domain() -> None:
    contract = declared(paging=PAGE)
    with serving(lambda *_: answered([])) as one, serving(lambda *_: answered([])) as other, httpx.Client() as client:
        for name in ("traffic.counts", "traffic__counts"):
            list(
                Http(client, {"traffic": other.url, name: one.url + "/"}).collect(
                    contract, Checkpoint(), DAY, lambda: END
                )
            )
    assert ([path for path, *_ in one.asked], other.asked) == (["/v2/counts"] * 2, [])


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_no_redirect_is_followed(status: int) -> None:
    with (
        serving(lambda *_: answered([])) as other,
        serving(lambda *_: (status, {"Location": f"{other.url}/v2/counts"}, b"")) as source,
        pytest.raises(SourceAnswerError, match=f"expected HTTP 200, got {status}; no redirect is followed"),
    ):
        collect(source, declared())
    assert other.asked == []


@pytest.mark.parametrize(
    ("form", "start", "end"),
    [
        ("iso8601", "2026-11-19T17:00:00+00:00", "2026-11-20T17:00:01+00:00"),
        ("epoch", "1795107600", "1795194001"),
        ("epoch_ms", "1795107600000", "1795194001000"),
        ("yyyy-MM-ddTHH:mm:ss", "2026-11-20T00:00:00", "2026-11-21T00:00:01"),
        ("yyyyMMddHHmm", "202611200000", "202611210001"),
        ("dd/MM/yyyy", "20/11/2026", "22/11/2026"),
    ],
)
def test_a_window_is_written_as_declared_and_never_shorter(form: str, start: str, end: str) -> None:
    window = WindowQuery.model_validate({"from": "from", "to": "to", "form": form})
    assert window.query(DAY.start, DAY.end + timedelta(seconds=1)) == {"from": start, "to": end}


def test_a_day_that_ends_at_midnight_is_written_as_the_next_day() -> None:
    window = WindowQuery.model_validate({"from": "from", "to": "to", "form": "yyyyMMdd"})
    assert window.query(DAY.start, DAY.end) == {"from": "20261120", "to": "20261121"}


def test_a_list_without_a_window_is_fetched_whole_once() -> None:
    checkpoint = Checkpoint()
    with serving(lambda *_: answered(items(3))) as source, httpx.Client() as client:
        connector = Http(client, {"traffic": source.url})
        (arrival,) = connector.collect(declared(query={"kind": "list"}), checkpoint, None, lambda: END)
    assert [query for _, query, _ in source.asked] == [{"kind": "list"}]
    assert (arrival.source_name, arrival.window_end) == ("counts_20261110T170000Z_20261120T170000Z_p001.json", END)


def test_a_table_is_paged_by_its_lines() -> None:
    def answer(_: str, query: Query) -> Answer:
        lines = [b"id,vehicles", *(f"{n},1".encode() for n in cut(list(range(45)), int(query["start"]), 20, 20)), b""]
        return 200, {"Content-Type": "text/csv"}, b"\r\n".join(lines)

    contract = declared(representation="csv", paging=OFFSET)
    with serving(answer) as source:
        arrivals = collect(source, contract)
    assert b"".join(bytes(a.content) for a in arrivals if isinstance(a.content, bytes)).count(b",1\r\n") == 45
    for body in (b"", b"<html>", b'{"error": 1}'):
        with serving(lambda *_, body=body: (200, {}, body)) as source, pytest.raises(SourceAnswerError):
            collect(source, contract)


def test_elements_of_a_namespace_are_found() -> None:
    body = b'<a:list xmlns:a="urn:x"><a:head><a:total>2</a:total></a:head><a:row>1</a:row> <a:row>2</a:row></a:list>'
    contract = declared(representation="xml", items="list/row", paging={"by": "none", "total": "list/head/total"})
    with serving(lambda *_: (200, {}, body)) as source:
        assert [arrival.content for arrival in collect(source, contract)] == [body]
    with (
        serving(lambda *_: (200, {}, body.replace(b">2</a:total", b">3</a:total"))) as source,
        pytest.raises(SourceUnavailableError, match="expected 3 items"),
    ):
        collect(source, contract)


@pytest.mark.parametrize("fine", [[0, "200"], [True]])
def test_a_code_that_means_fine_is_declared(fine: list[object]) -> None:
    contract = declared(items="$.rows", error={"at": "$.status.code", "fine": fine})
    for code in fine:
        with serving(lambda *_, code=code: answered({"status": {"code": code}, "rows": []})) as source:
            assert len(collect(source, contract)) == 1
    refusals: tuple[dict[str, object], ...] = ({"status": {"code": 7}, "rows": []}, {"rows": []})
    for document in refusals:
        with (
            serving(lambda *_, document=document: answered(document)) as source,
            pytest.raises(SourceAnswerError, match=r"got (7|none); ask the agency"),
        ):
            collect(source, contract)


def test_a_hostile_depth_is_no_list() -> None:
    with (
        serving(lambda *_: (200, {}, b"[" * 200_000)) as source,
        pytest.raises(SourceAnswerError, match="a JSON list of 200000 bytes"),
    ):
        collect(source, declared())


@pytest.mark.parametrize(
    "options",
    [
        {"pages": 3},
        {"path": "/v2/counts"},
        {"path": "counts?key=1"},
        {"path": "../counts"},
        {"path": "http://a/b"},
        {"representation": "xlsx"},
        {"items": "rows"},
        {"items": "$.rows[0]"},
        {"representation": "xml", "items": "$"},
        {"representation": "csv", "items": "$.rows"},
        {"window": {"from": "from"}},
        {"window": {"from": "from", "to": "to", "form": "HH:mm"}},
        {"window": {"from": "from", "to": "to", "form": "iso"}},
        {"window": {"from": "from", "to": "to", "zone": "Hue"}},
        {"window": {"from": "from", "to": "page"}, "paging": PAGE},
        {"query": {"page": 1}, "paging": PAGE},
        {"paging": {"by": "page"}},
        {"paging": {"by": "none", "parameter": "page"}},
        {"paging": {"by": "offset", "parameter": "start", "first": 1}},
        {"paging": {"by": "page", "parameter": "page", "size": 50}},
        {"paging": {"by": "page", "parameter": "page", "next": "$.next"}},
        {"paging": {"by": "token", "parameter": "cursor"}},
        {"secret_header": "X-Api-Key"},
        {"secret": "counts", "secret_header": "X Key"},
        {"error": {"at": "$.code"}},
        {"error": {"at": "$.code", "fine": []}},
        {"window_days": 0},
    ],
)
def test_options_that_contradict_themselves_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ContractError, match=r"traffic\.counts: expected options of connector http"):
        read_options(declared(**options))
