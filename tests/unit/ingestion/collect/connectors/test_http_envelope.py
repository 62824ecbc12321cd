"""The HTTP connector as `public_services.dossiers` declares it: answers `{error_code, message, data}`, by the simulator's server."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from core.contract import Contract, find_contract
from core.errors import ConfigurationError, SourceAnswerError, SourceUnavailableError
from ingestion.collect.connectors.base import Arrival, Checkpoint, Window
from ingestion.collect.connectors.http import Http
from simulator.server import Behaviour, CityServer, Habit, city_server

END = datetime(2026, 11, 20, 17, tzinfo=UTC)
WEEK = Window(END - timedelta(days=7), END)
DOSSIERS = 1_210
"""In one week: two full pages of 500 and a third of 210."""


@pytest.fixture
def contract() -> Contract:
    return find_contract("public_services.dossiers")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[CityServer]:
    entries = []
    for number in range(DOSSIERS):
        moment = (WEEK.start + timedelta(minutes=number)).isoformat()
        entries.append({"changed_at": moment, "visible_at": moment, "dossier": {"MaHoSo": f"H{number:04d}"}})
    (tmp_path / "public_services").mkdir()
    (tmp_path / "public_services" / "dossiers.json").write_text(json.dumps(entries))
    with city_server(tmp_path) as running:
        yield running


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def connector(server: CityServer, waits: list[float]) -> Iterator[Http]:
    with httpx.Client(timeout=2) as client:
        yield Http(client, {"public_services": server.public_services_url}, wait=waits.append)


Collect = Callable[[Window | None], list[Arrival]]


@pytest.fixture
def collect(connector: Http, contract: Contract) -> Collect:
    return lambda window: list(connector.collect(contract, Checkpoint(), window, lambda: END))


def ids(arrivals: list[Arrival]) -> list[str]:
    return [
        row["MaHoSo"]
        for arrival in arrivals
        if isinstance(arrival.content, bytes)
        for row in json.loads(arrival.content)["data"]
    ]


EVERYTHING = [f"H{number:04d}" for number in range(DOSSIERS)]


def test_all_pages_come_the_last_included(collect: Collect) -> None:
    arrivals = collect(WEEK)
    assert [arrival.source_name for arrival in arrivals] == [
        f"dossiers_20261113T170000Z_20261120T170000Z_p{number:03d}.json" for number in (1, 2, 3)
    ]
    assert ids(arrivals) == EVERYTHING


def test_the_first_collection_reaches_back_as_far_as_the_contract_says(
    connector: Http, contract: Contract, server: CityServer
) -> None:
    checkpoint = Checkpoint()
    arrivals = list(connector.collect(contract, checkpoint, None, lambda: END))
    assert sorted(ids(arrivals)) == EVERYTHING
    assert arrivals[-1].window_end == END
    windows = {asked.split("&page=")[0] for asked in server.asked}
    assert len(windows) == 15  # a hundred days, seven at a time
    assert min(windows).startswith("/public-services/v1/dossiers?from=2026-08-12T17%3A00%3A00%2B00%3A00&to=2026-08-19")


def test_a_source_that_refuses_is_an_error_and_no_empty_answer(collect: Collect, server: CityServer) -> None:
    server.behaviour = Behaviour(Habit.REFUSING)
    with pytest.raises(SourceAnswerError, match="with error code 0, got 1001") as caught:
        collect(WEEK)
    assert caught.value.values == {"feed": "public_services.dossiers", "error_code": "1001"}


def test_an_empty_list_is_an_answer(collect: Collect, server: CityServer) -> None:
    server.behaviour = Behaviour(Habit.EMPTY)
    arrivals = collect(WEEK)
    assert len(arrivals) == 1
    assert ids(arrivals) == []


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"error_code":0}', b'{"error_code":0,"data":{}}', b"<html>", b""])
def test_what_is_no_answer_is_refused(body: bytes, contract: Contract) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=body))
    with httpx.Client(transport=transport) as client, pytest.raises(SourceAnswerError) as caught:
        list(Http(client, {"public_services": "http://one-stop"}).collect(contract, Checkpoint(), WEEK, lambda: END))
    assert body.decode() not in str(caught.value) or not body


def test_an_error_code_that_could_quote_a_record_is_not_repeated(contract: Contract) -> None:
    answer = {"error_code": "Nguyễn Văn Giả Định 046099000001", "message": "", "data": []}
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=answer))
    with httpx.Client(transport=transport) as client, pytest.raises(SourceAnswerError) as caught:
        list(Http(client, {"public_services": "http://x"}).collect(contract, Checkpoint(), WEEK, lambda: END))
    assert "046099000001" not in str(caught.value)


def test_too_many_requests_are_waited_for_as_asked(collect: Collect, server: CityServer, waits: list[float]) -> None:
    server.behaviour = Behaviour(Habit.TOO_MANY_REQUESTS, times=2, retry_after="7")
    assert ids(collect(WEEK)) == EVERYTHING
    assert waits == [7, 7]


def test_a_server_that_stays_ill_can_be_tried_later(collect: Collect, server: CityServer) -> None:
    server.behaviour = Behaviour(Habit.SERVER_ERROR)
    with pytest.raises(SourceUnavailableError, match="HTTP 500"):
        collect(WEEK)


def test_a_repeated_page_is_noticed(collect: Collect, server: CityServer) -> None:
    server.behaviour = Behaviour(Habit.REPEATED_PAGE)
    with pytest.raises(SourceAnswerError, match="those of page 1 again"):
        collect(WEEK)


def test_a_list_that_shrinks_while_it_is_paged_loses_nothing(collect: Collect, server: CityServer) -> None:
    server.behaviour = Behaviour(Habit.SHRINKING, times=2)
    assert set(ids(collect(WEEK))) == set(EVERYTHING)


def test_a_domain_without_an_address_is_told(connector: Http, contract: Contract) -> None:
    other = replace(connector, urls={"land": "http://x"})
    with pytest.raises(
        ConfigurationError, match="address of it or of public_services in IOC_SOURCE_URLS, got those of land"
    ):
        list(other.collect(contract, Checkpoint(), WEEK, lambda: END))
