"""The Open311 server over a simulated day: windows, pages, both representations, what is visible when."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import polars as pl
import pytest
from defusedxml.ElementTree import fromstring

from simulator.city import SimulatedDay
from simulator.server import CityServer, city_server


@pytest.fixture(scope="module")
def server(faulty_day: SimulatedDay) -> Iterator[CityServer]:
    with city_server(faulty_day.folder) as running:
        yield running


def window(day: SimulatedDay, **more: str) -> dict[str, str]:
    start = day.ends_at - timedelta(days=1)
    return {"start_date": start.isoformat(), "end_date": day.ends_at.isoformat(), **more}


def entries(day: SimulatedDay) -> list[dict[str, str]]:
    listed: list[dict[str, str]] = json.loads((day.folder / "feedback" / "requests.json").read_bytes())
    return listed


def test_pages_of_a_window_hold_every_version_of_it_in_order(server: CityServer, faulty_day: SimulatedDay) -> None:
    start = (faulty_day.ends_at - timedelta(days=1)).isoformat()
    expected = [entry["request"] for entry in entries(faulty_day) if entry["changed_at"] >= start]
    pages, page = [], 1
    while rows := httpx.get(f"{server.url}/requests.json", params=window(faulty_day, page=str(page))).json():
        pages.append(rows)
        page += 1
    assert [row for rows in pages for row in rows] == expected
    assert {len(rows) for rows in pages[:-1]} == {50}
    assert len(expected) > 100


def test_the_last_page_is_included_and_the_one_after_is_empty(server: CityServer, faulty_day: SimulatedDay) -> None:
    everything = {
        "start_date": "2026-01-01T00:00:00+07:00",
        "end_date": "2027-01-01T00:00:00+07:00",
        "page_size": "1000",
    }
    total = faulty_day.truth["ledger"].filter(pl.col("feed") == "feedback.requests")["received"].item()
    sizes = [
        len(
            httpx.get(
                f"{server.url}/requests.json", params={**everything, "page_size": "100", "page": str(page)}
            ).json()
        )
        for page in range(1, -(-total // 100) + 2)
    ]
    assert sizes == [100] * (total // 100) + [total % 100, 0]


def test_xml_tells_the_same_requests_as_json(server: CityServer, faulty_day: SimulatedDay) -> None:
    rows = httpx.get(f"{server.url}/requests.json", params=window(faulty_day)).json()
    root = fromstring(httpx.get(f"{server.url}/requests.xml", params=window(faulty_day)).content)
    told = [
        (item.findtext("service_request_id"), item.findtext("lat"), item.findtext("ext/ma_co_quan") or None)
        for item in root.findall("request")
    ]
    assert told == [(row["service_request_id"], str(row["lat"]), row["ext"]["ma_co_quan"]) for row in rows]


def test_a_version_can_be_seen_only_when_it_is_there(faulty_day: SimulatedDay) -> None:
    now = faulty_day.ends_at - timedelta(hours=12)
    with city_server(faulty_day.folder, clock=lambda: now) as server:
        rows = httpx.get(f"{server.url}/requests.json", params=window(faulty_day, page_size="1000")).json()
    start = (faulty_day.ends_at - timedelta(days=1)).isoformat()
    visible = [
        e["request"] for e in entries(faulty_day) if e["changed_at"] >= start and e["visible_at"] <= now.isoformat()
    ]
    assert rows == visible
    assert 0 < len(visible) < len([e for e in entries(faulty_day) if e["changed_at"] >= start])


def test_health_answers_before_there_is_a_day_and_the_day_is_read_when_it_comes(
    faulty_day: SimulatedDay, tmp_path: Path
) -> None:
    with city_server(tmp_path) as server:
        assert httpx.get(server.url.replace("/open311/v2", "/health")).status_code == 200
        assert httpx.get(f"{server.url}/requests.json", params=window(faulty_day)).json() == []
        (tmp_path / "feedback").mkdir()
        (tmp_path / "feedback" / "requests.json").write_bytes(
            (faulty_day.folder / "feedback" / "requests.json").read_bytes()
        )
        assert len(httpx.get(f"{server.url}/requests.json", params=window(faulty_day)).json()) == 50


@pytest.mark.parametrize(
    ("path", "status"),
    [("requests.json", 400), ("requests.csv", 404), ("services.json", 404), ("../../etc/passwd", 404)],
)
def test_what_is_no_question_gets_a_plain_refusal(path: str, status: int, server: CityServer) -> None:
    assert httpx.get(f"{server.url}/{path}").status_code == status
