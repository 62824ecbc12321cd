"""A hostile file harms only itself: it is refused or accounted for, reads none of our files, calls nobody, and uses few resources."""

import resource
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import psutil
import pytest

from core.contract import TABLE
from core.errors import DeliveryError
from tests.security.hostile_files import FILES
from tests.unit.ingestion.formats.conftest import CASES, read_deliveries

LEAST = 70
MOST_BYTES = 2 * 1024**3
MOST_SECONDS = 60
OF_A_FILE_OF_OURS = "root:x:0"

ZIPS = {
    "education.attendance": "ChuyenCan_202611201700.xlsx",
    "education.students": "HocSinh_469900101_20261115.xlsx",
}
FEEDS = {case.feed: case.format for case in CASES} | dict.fromkeys(ZIPS, TABLE)


@pytest.fixture(scope="module")
def listener() -> Iterator[tuple[str, list[str]]]:
    """The address of a server, and the requests it has received."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
        server.shutdown()
        thread.join()


def test_there_are_enough_of_them() -> None:
    assert len(FILES) >= LEAST


@pytest.mark.parametrize("name", FILES)
def test_a_hostile_file_is_refused_or_accounted_for(listener: tuple[str, list[str]], name: str) -> None:
    address, asked = listener
    content = FILES[name](address)
    before = psutil.Process().memory_info().rss
    for feed, form in FEEDS.items():
        began = time.monotonic()
        try:
            delivered = read_deliveries(form, feed, content, names=[ZIPS.get(feed, "46_KCN_1_20261120080500.txt")])
            told = str(delivered.rows) + str(delivered.reading.unreadable["_raw"].to_list())
        except DeliveryError as error:
            told = str(error)
            assert len(told) < 1000
        assert OF_A_FILE_OF_OURS not in told, feed
        assert time.monotonic() - began < MOST_SECONDS, feed
    assert asked == []
    assert psutil.Process().memory_info().rss - before < MOST_BYTES
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 < 2 * MOST_BYTES
