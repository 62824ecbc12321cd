"""A delivery's kind is recognised by its first bytes; a kind that the feed does not take is one refusal, which says what to send."""

import gzip
import io
import json
import zipfile
from typing import BinaryIO, cast

import pytest

from core.contract import find_contract, read_contracts
from core.errors import DeliveryError
from ingestion.formats import first_look
from ingestion.formats.base import Envelope
from ingestion.formats.first_look import WORDS, Kind, kind_of
from ingestion.formats.registry import split_delivery

NMEA = b"!AIVDM,1,1,,B,15NG6V0P01G?cFhE`R2IU?wn28R>,0*05\n"
NAF = b"//SR//TM/POS//NA/QNA 1 TS//ER//\n"
TT10 = "PM10\t1.5\tµg/m³\t20261120080500\t00\n".encode()
CSV = b"station_id,timestamp,value\nG1,2026-11-20T08:00:00Z,1\n"
REQUESTS = b'[{"service_request_id":"A"}]'
ENVELOPE = Envelope("46_KK01_20261120080500.txt")


def zipped(name: str = "a.csv") -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(name, "a,b\n")
    return packed.getvalue()


STRANGERS: dict[Kind, bytes] = {
    Kind.XLS: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\n\0" * 4_000,
    Kind.PDF: b"%PDF-1.7\n1 0 obj\n<<>>\n" * 500,
    Kind.HTML: b"\xef\xbb\xbf <!DOCTYPE HTML>\n<html><head></head>\n" + b"<tr><td>1</td></tr>\n" * 900,
    Kind.UTF_16: "\ufeffstation_id,timestamp\nG1,2026\n".encode("utf-16-le") * 90,
    Kind.ZIP: zipped(),
    Kind.RAR: b"Rar!\x1a\x07\x00" + b"\n" * 900,
    Kind.SEVEN_ZIP: b"7z\xbc\xaf\x27\x1c" + b"\n" * 900,
    Kind.BZIP2: b"BZh91AY&SY" + b"\n" * 900,
    Kind.XZ: b"\xfd7zXZ\x00" + b"\n" * 900,
    Kind.ZSTD: b"\x28\xb5\x2f\xfd" + b"\n" * 900,
    Kind.RTF: b"{\\rtf1\\ansi\n" + b"\\par a\n" * 900,
    Kind.IMAGE: b"\x89PNG\r\n\x1a\n" + b"\n" * 900,
    Kind.PARQUET: b"PAR1" + b"\n" * 900,
    Kind.SQLITE: b"SQLite format 3\x00" + b"\n" * 900,
    Kind.XML_SHEET: b'<?xml version="1.0"?>\n<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet">\n</Workbook>',
    Kind.NOUGHTS: b"\0" * 9_000,
}
TEXTS = {
    "environment.river_levels": CSV,
    "environment.station_readings": TT10,
    "feedback.requests": REQUESTS,
    "fisheries.ais_messages": NMEA,
    "fisheries.vms_positions": NAF,
}


def pieces_of(feed: str, content: bytes) -> list[str]:
    contract = find_contract(feed)
    return [raw for block in split_delivery(contract, io.BytesIO(content), ENVELOPE) for raw in block.raws]


def refusal(feed: str, content: bytes) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        pieces_of(feed, content)
    return caught.value


def test_every_kind_has_words_and_every_stranger_is_known_as_what_it_is() -> None:
    assert set(WORDS) == set(Kind)
    assert {kind: kind_of(content[:8192]) for kind, content in STRANGERS.items()} == {kind: kind for kind in STRANGERS}


@pytest.mark.parametrize("kind", STRANGERS)
@pytest.mark.parametrize("feed", sorted(read_contracts()))
def test_a_stranger_is_one_refused_delivery_that_says_what_it_is(feed: str, kind: Kind) -> None:
    if kind is Kind.ZIP and feed.startswith("education."):
        pytest.skip("a zip archive is what these feeds read")
    error = refusal(feed, STRANGERS[kind])
    what, advice = WORDS[kind]
    assert str(error).startswith(f"{feed}: expected ")
    assert str(error).endswith(f"got {what}; {advice}")


@pytest.mark.parametrize(
    ("feed", "content", "kind"),
    [
        ("environment.river_levels", REQUESTS, Kind.JSON),
        ("environment.river_levels", json.dumps(json.loads(REQUESTS), indent=1).encode(), Kind.JSON),
        ("environment.river_levels", b"<a>1</a>", Kind.XML),
        ("feedback.requests", CSV, Kind.TEXT),
        ("health.claims", CSV, Kind.TEXT),
        ("health.claims", REQUESTS, Kind.JSON),
        ("fisheries.ais_messages", REQUESTS, Kind.JSON),
        ("fisheries.vms_positions", b"<a>1</a>", Kind.XML),
        ("education.students", CSV, Kind.TEXT),
    ],
)
def test_the_form_of_another_feed_is_one_refused_delivery(feed: str, content: bytes, kind: Kind) -> None:
    assert refusal(feed, content).values["kind"] == kind


@pytest.mark.parametrize("feed", TEXTS)
def test_gzip_of_a_promised_form_is_unpacked(feed: str) -> None:
    content = TEXTS[feed]
    assert pieces_of(feed, gzip.compress(content)) == pieces_of(feed, content) != []


def test_gzip_of_gzip_of_a_stranger_or_of_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    feed = "fisheries.ais_messages"
    assert pieces_of(feed, gzip.compress(b"")) == []
    assert refusal(feed, gzip.compress(gzip.compress(NMEA))).values["reason"] == "broken_archive"
    assert refusal(feed, gzip.compress(STRANGERS[Kind.PDF])).values["kind"] == Kind.PDF
    assert refusal(feed, gzip.compress(NMEA * 3_000)[:-9]).values["reason"] == "broken_archive"
    assert refusal(feed, b"\x1f\x8b" + b"\n" * 99).values["reason"] == "broken_archive"
    monkeypatch.setattr(first_look, "GZIP_BYTES_LIMIT", len(NMEA) * 999)
    assert refusal(feed, gzip.compress(NMEA * 1_000)).values["reason"] == "archive_too_large"
    assert len(pieces_of(feed, gzip.compress(NMEA * 999))) == 999


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", ["station_id,timestamp,value\n", "Mã trường;Tên trường\n"])
def test_utf_16_is_known_without_its_mark(encoding: str, text: str) -> None:
    assert kind_of((text * 20).encode(encoding)) is Kind.UTF_16
    assert kind_of((text * 20).encode()) is Kind.TEXT


def test_json_lines_below_a_bad_first_line_are_lines() -> None:
    assert pieces_of("feedback.requests", b'oops\n{"service_request_id":"A"}\n') == [
        "oops",
        '{"service_request_id":"A"}',
    ]


def test_a_beginning_that_was_looked_at_is_read_again() -> None:
    content = bytes(range(256)) * 100
    stream = first_look.Peeked(cast("BinaryIO", io.BytesIO(content[9:])), content[:9])
    assert stream.read(4) + stream.read(10) + stream.read() == content
    assert stream.read(1) == b""
