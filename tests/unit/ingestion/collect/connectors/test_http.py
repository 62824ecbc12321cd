"""The HTTP connector as `feedback.requests` declares it, against the simulator's server and each of its bad habits."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import SpooledTemporaryFile

import httpx
import pytest

from core.contract import Contract, find_contract
from core.errors import SourceAnswerError, SourceError, SourceUnavailableError
from ingestion.collect.connectors.base import Arrival, Checkpoint, Window
from ingestion.collect.connectors.http import Http
from simulator.server import Behaviour, CityServer, Habit, city_server

END = datetime(2026, 11, 20, 17, tzinfo=UTC)
DAY = Window(END - timedelta(days=1), END)
REQUESTS = 120
"""On one day: two full pages of 50 and a third of 20."""


@pytest.fixture
def contract() -> Contract:
    return find_contract("feedback.requests")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[CityServer]:
    entries = []
    for number in range(REQUESTS):
        moment = (DAY.start + timedelta(minutes=number)).isoformat()
        request = {"service_request_id": f"R{number:03d}", "updated_datetime": moment, "ext": {}}
        entries.append({"changed_at": moment, "visible_at": moment, "request": request})
    (tmp_path / "feedback").mkdir()
    (tmp_path / "feedback" / "requests.json").write_text(json.dumps(entries))
    with city_server(tmp_path) as running:
        yield running


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def connector(server: CityServer, waits: list[float]) -> Iterator[Http]:
    with httpx.Client(timeout=0.5) as client:
        yield Http(client, {"feedback": server.url}, wait=waits.append)


Collect = Callable[[Window | None], list[Arrival]]


@pytest.fixture
def collect(connector: Http, contract: Contract) -> Collect:
    return lambda window: list(connector.collect(contract, Checkpoint(), window, lambda: END))


XML: dict[str, object] = {
    "path": "requests.xml",
    "representation": "xml",
    "items": "service_requests/request",
}


def declared(contract: Contract, **options: object) -> Contract:
    """Change some of the options that a contract declares."""
    return replace(contract, connector_options=tuple((dict(contract.connector_options) | options).items()))


def ids(arrivals: list[Arrival]) -> list[str]:
    return [
        row["service_request_id"]
        for arrival in arrivals
        if isinstance(arrival.content, bytes)
        for row in json.loads(arrival.content)
    ]


def never(seconds: float) -> None:
    pytest.fail(f"waited {seconds} s where no retry can help")


EVERYTHING = [f"R{number:03d}" for number in range(REQUESTS)]


def test_all_pages_come_the_last_included(collect: Collect) -> None:
    arrivals = collect(DAY)
    assert [arrival.source_name for arrival in arrivals] == [
        f"requests_20261119T170000Z_20261120T170000Z_p{number:03d}.json" for number in (1, 2, 3)
    ]
    assert ids(arrivals) == EVERYTHING


def test_a_last_page_that_is_full_ends_with_the_empty_one_after_it(collect: Collect) -> None:
    arrivals = collect(Window(DAY.start, DAY.start + timedelta(minutes=100)))
    assert [len(ids([arrival])) for arrival in arrivals] == [50, 50, 0]


def test_xml_pages_are_counted_too(connector: Http, contract: Contract) -> None:
    arrivals = list(connector.collect(declared(contract, **XML), Checkpoint(), DAY, lambda: END))
    assert [arrival.source_name[-8:] for arrival in arrivals] == ["p001.xml", "p002.xml", "p003.xml"]
    assert [
        bytes(arrival.content).count(b"<request>") for arrival in arrivals if isinstance(arrival.content, bytes)
    ] == [
        50,
        50,
        20,
    ]


def test_an_empty_window_is_one_arrival(collect: Collect, server: CityServer) -> None:
    server.behaviour = Behaviour(Habit.EMPTY)
    assert [(arrival.source_name, arrival.content) for arrival in collect(DAY)] == [
        ("requests_20261119T170000Z_20261120T170000Z_p001.json", b"[]")
    ]


def remembered(checkpoint: Checkpoint, arrivals: Iterable[Arrival]) -> Iterator[Arrival]:
    """Do what the caller of a connector does with each arrival, except landing it."""
    for arrival in arrivals:
        checkpoint.remember(arrival)
        yield arrival


def test_the_first_collection_reaches_back_and_the_next_goes_on_with_an_overlap(
    connector: Http, contract: Contract, server: CityServer
) -> None:
    checkpoint = Checkpoint()
    arrivals = list(remembered(checkpoint, connector.collect(contract, checkpoint, None, lambda: END)))
    assert len({arrival.source_name.rsplit("_", 1)[0] for arrival in arrivals}) == 10
    assert ids(arrivals) == EVERYTHING
    assert checkpoint.window_end == END
    later = END + timedelta(minutes=15)
    checkpoint = Checkpoint.from_json(checkpoint.to_json())
    last = list(remembered(checkpoint, connector.collect(contract, checkpoint, None, lambda: later)))
    assert [arrival.source_name for arrival in last] == ["requests_20261120T160000Z_20261120T171500Z_p001.json"]
    assert list(connector.collect(contract, checkpoint, None, lambda: later)) == []


def test_a_clock_that_was_ahead_is_answered_by_all_the_history_again(connector: Http, contract: Contract) -> None:
    ahead = Checkpoint(window_end=END + timedelta(days=3))
    first = [arrival.source_name for arrival in connector.collect(contract, Checkpoint(), None, lambda: END)]
    again = list(remembered(ahead, connector.collect(contract, ahead, None, lambda: END)))
    assert [arrival.source_name for arrival in again] == first
    assert ahead.window_end == END
    soon = Checkpoint(window_end=END + timedelta(minutes=30))
    assert list(connector.collect(contract, soon, None, lambda: END)) == []


def test_the_checkpoint_moves_with_the_last_page_of_a_window(connector: Http, contract: Contract) -> None:
    checkpoint = Checkpoint(window_end=DAY.start + timedelta(hours=1))
    arrivals = list(connector.collect(contract, checkpoint, None, lambda: END))
    assert checkpoint.window_end == DAY.start + timedelta(hours=1)
    assert [arrival.window_end for arrival in arrivals] == [None, None, END]


def test_pages_that_wait_on_disk_come_as_they_were(collect: Collect, monkeypatch: pytest.MonkeyPatch) -> None:
    in_memory = [(arrival.source_name, arrival.content) for arrival in collect(DAY)]
    rolled: list[object] = []
    monkeypatch.setattr("ingestion.collect.connectors.http_pages.READING_BYTES", 1)
    roll = SpooledTemporaryFile.rollover

    def roll_and_tell(spool: SpooledTemporaryFile[bytes]) -> None:
        rolled.append(spool)
        roll(spool)

    monkeypatch.setattr(SpooledTemporaryFile, "rollover", roll_and_tell)
    assert [(arrival.source_name, arrival.content) for arrival in collect(DAY)] == in_memory
    assert len(rolled) == 2  # a window whose first page is full is read twice


def test_a_window_given_leaves_the_checkpoint(connector: Http, contract: Contract) -> None:
    later = END + timedelta(days=3)
    checkpoint = Checkpoint(window_end=later)
    arrivals = list(remembered(checkpoint, connector.collect(contract, checkpoint, DAY, lambda: later)))
    assert ids(arrivals) == EVERYTHING
    assert checkpoint.window_end == later


@pytest.mark.parametrize("habit", [Habit.TOO_MANY_REQUESTS, Habit.SERVER_ERROR, Habit.TIME_OUT, Habit.BROKEN_OFF])
def test_a_passing_failure_is_tried_again(
    habit: Habit, collect: Collect, server: CityServer, waits: list[float]
) -> None:
    server.behaviour = Behaviour(habit, times=2, retry_after="7")
    assert ids(collect(DAY)) == EVERYTHING
    assert waits == ([7.0, 7.0] if habit == Habit.TOO_MANY_REQUESTS else [0.5, 1.0])


@pytest.mark.parametrize(
    ("habit", "reason"),
    [
        (Habit.TOO_MANY_REQUESTS, "HTTP 429"),
        (Habit.SERVER_ERROR, "HTTP 500"),
        (Habit.TIME_OUT, "ReadTimeout"),
        (Habit.BROKEN_OFF, "RemoteProtocolError"),
    ],
)
def test_a_lasting_failure_ends_after_five_attempts(
    habit: Habit, reason: str, collect: Collect, server: CityServer, waits: list[float]
) -> None:
    server.behaviour = Behaviour(habit, retry_after="3")
    with pytest.raises(SourceUnavailableError, match=f"expected page 1, got {reason}") as caught:
        collect(DAY)
    assert caught.value.values["reason"] == reason
    assert len(server.asked) == 5
    assert len(waits) == 4
    assert "start_date" not in str(caught.value)


def test_a_server_that_asks_for_much_patience_is_left_at_once(
    collect: Collect, server: CityServer, waits: list[float]
) -> None:
    server.behaviour = Behaviour(Habit.TOO_MANY_REQUESTS, retry_after="3600")
    with pytest.raises(SourceUnavailableError, match="with a request to wait 3600 s") as caught:
        collect(DAY)
    assert (caught.value.values["seconds"], waits, len(server.asked)) == (3600, [], 1)


def test_a_date_in_retry_after_is_understood(collect: Collect, server: CityServer) -> None:
    server.behaviour = Behaviour(Habit.TOO_MANY_REQUESTS, retry_after="Fri, 20 Nov 2099 08:00:00 GMT")
    with pytest.raises(SourceUnavailableError, match=r"with a request to wait \d{9,} s"):
        collect(DAY)


@pytest.mark.parametrize(
    ("habit", "message"),
    [
        (Habit.HTML_PAGE, r"expected a list \(json, \$\) as page 1, got a page of HTML"),
        (Habit.REPEATED_PAGE, "expected page 2 to hold other items, got those of page 1 again"),
    ],
)
def test_an_answer_against_the_protocol_is_refused(
    habit: Habit, message: str, collect: Collect, server: CityServer, waits: list[float]
) -> None:
    server.behaviour = Behaviour(habit)
    with pytest.raises(SourceAnswerError, match=message) as caught:
        collect(DAY)
    assert not caught.value.is_retryable
    assert waits == []


def test_a_list_that_shrinks_while_it_is_paged_loses_nothing(collect: Collect, server: CityServer) -> None:
    server.behaviour = Behaviour(Habit.SHRINKING, times=1)
    arrivals = collect(DAY)
    assert set(ids(arrivals)) == set(EVERYTHING)
    assert [arrival.source_name.rsplit("Z_", 1)[1] for arrival in arrivals] == [
        "p001_reading1.json",
        "p001.json",
        "p002.json",
        "p003.json",
    ]


def test_a_list_that_never_stands_still_can_be_tried_later(collect: Collect, server: CityServer) -> None:
    server.behaviour = Behaviour(Habit.SHRINKING)
    with pytest.raises(SourceUnavailableError, match="4 readings of one window that differ"):
        collect(DAY)


def test_nothing_is_yielded_of_a_window_that_fails(connector: Http, contract: Contract, server: CityServer) -> None:
    checkpoint = Checkpoint()
    arrivals = connector.collect(contract, checkpoint, None, lambda: END)
    taken = [next(arrivals), next(arrivals)]
    for arrival in taken:
        checkpoint.remember(arrival)
    server.behaviour = Behaviour(Habit.HTML_PAGE)
    with pytest.raises(SourceError):
        next(arrivals)
    assert [arrival.content for arrival in taken] == [b"[]", b"[]"]
    assert checkpoint.window_end == END - timedelta(days=8)


@pytest.mark.parametrize(
    ("content", "representation"),
    [
        (b'{"error": "no"}', "json"),
        (b"[1, 2]", "json"),
        (b'[{"service_request_id": "R1"', "json"),
        (b"<services/>", "xml"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><service_requests>&b;</service_requests>', "xml"),
    ],
)
def test_a_body_that_is_no_list_of_requests_is_refused(content: bytes, representation: str, contract: Contract) -> None:
    chosen = XML if representation == "xml" else {}
    answer = httpx.MockTransport(lambda _: httpx.Response(200, content=content))
    with httpx.Client(transport=answer) as client:
        connector = Http(client, {"feedback": "http://feedback.test"}, wait=never)
        with pytest.raises(
            SourceAnswerError, match=f"as page 1, got (XML|a JSON object|a JSON list) of {len(content)} bytes"
        ):
            list(connector.collect(declared(contract, **chosen), Checkpoint(), DAY, lambda: END))


@pytest.mark.parametrize("status", [301, 400, 401, 404])
def test_another_status_is_refused_without_a_retry(status: int, contract: Contract) -> None:
    answer = httpx.MockTransport(lambda _: httpx.Response(status))
    with httpx.Client(transport=answer) as client:
        connector = Http(client, {"feedback": "http://feedback.test"}, wait=never)
        with pytest.raises(SourceAnswerError, match=f"expected HTTP 200, got {status}"):
            list(connector.collect(contract, Checkpoint(), DAY, lambda: END))


def test_an_endless_page_is_cut(contract: Contract, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingestion.collect.connectors.http_requests.PAGE_BYTES_LIMIT", 1000)

    def endless() -> Iterator[bytes]:
        while True:
            yield b"[" * 100

    answer = httpx.MockTransport(lambda _: httpx.Response(200, content=endless()))
    with httpx.Client(transport=answer) as client:
        connector = Http(client, {"feedback": "http://feedback.test"}, wait=never)
        with pytest.raises(SourceAnswerError, match="expected a page up to 1000 bytes, got more"):
            list(connector.collect(contract, Checkpoint(), DAY, lambda: END))
