"""One delivery of each wire format, and a reader that checks the balance after every read."""

import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from operator import xor
from pathlib import Path

import polars as pl
import pytest

from core.contract import Contract, find_contract
from core.table_forms import Container
from ingestion.formats.base import (
    SKIPPED_SCHEMA,
    UNREADABLE_SCHEMA,
    Envelope,
    Pieces,
    Reading,
    join_pieces,
)
from ingestion.formats.registry import find_format
from simulator.claim_files import file_element, list_file

ARMOUR = "0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVW`abcdefghijklmnopqrstuvw"
SAMPLES = Path(__file__).parents[4] / ".." / "shared" / "samples"
META = ["_delivery", "_position", "_raw", "_record_count"]


@dataclass(frozen=True)
class Delivered:
    """The result of some deliveries."""

    pieces: dict[int, int]
    reading: Reading
    contract: Contract

    @cached_property
    def rows(self) -> list[dict[str, object]]:
        """Records without their raw text, in the order of the contract's columns, only those that hold something."""
        frame = self.reading.records.select(*(name for name in self.contract.column_names if name in self.columns))
        return [{name: value for name, value in row.items() if value is not None} for row in frame.to_dicts()]

    @property
    def columns(self) -> list[str]:
        return self.reading.records.columns

    @property
    def reasons(self) -> list[tuple[int, str, int]]:
        """Unreadable pieces: position, reason, error group."""
        frame = self.reading.unreadable.sort("_delivery", "_position")
        return frame.select("_position", "reason", "error_group").rows()

    @property
    def skipped(self) -> dict[str, int]:
        """Pieces skipped, by reason, over all deliveries."""
        frame = self.reading.skipped.group_by("reason").agg(pl.col("pieces").sum()).sort("reason")
        return dict(frame.iter_rows())


Read = Callable[..., Delivered]


def read_deliveries(format_name: str, feed: str, *contents: bytes, names: Sequence[str] | None = None) -> Delivered:
    """Split and read deliveries together, and require that no piece was lost."""
    contract = replace(find_contract(feed), format=format_name)
    wire = find_format(contract)
    envelopes = {
        number: Envelope(names[number] if names else f"46_KCN_{number}_20261120080500.txt")
        for number in range(len(contents))
    }
    blocks: list[tuple[int, Pieces]] = []
    for number, content in enumerate(contents):
        position = 1
        for pieces in wire.split(io.BytesIO(content), envelopes[number]):
            assert pieces.first_position == position
            position += len(pieces.raws)
            blocks.append((number, pieces))
    reading = wire.read(join_pieces(blocks), contract, envelopes)
    met = {number: sum(len(pieces.raws) for owner, pieces in blocks if owner == number) for number in envelopes}
    _require_balance(met, reading, contract)
    return Delivered(met, reading, contract)


def _require_balance(met: dict[int, int], reading: Reading, contract: Contract) -> None:
    assert dict(reading.unreadable.schema) == UNREADABLE_SCHEMA
    assert dict(reading.skipped.schema) == SKIPPED_SCHEMA
    assert reading.records.columns[:4] == META or set(META) <= set(reading.records.columns)
    assert set(reading.records.columns) - set(META) <= set(contract.column_names)
    named = dict.fromkeys(met, 0)
    for frame, count in (
        (reading.records, "_record_count"),
        (reading.unreadable.with_columns(pl.lit(1).alias("one")), "one"),
        (reading.skipped, "pieces"),
    ):
        for number, total in frame.group_by("_delivery").agg(pl.col(count).sum()).iter_rows():
            named[number] += total
    assert named == met
    positions = pl.concat([reading.records.select(META[:2]), reading.unreadable.select(META[:2])])
    assert not positions.is_duplicated().any()
    assert reading.unreadable["error_group"].is_between(1, 8).all()


@pytest.fixture
def read() -> Read:
    return read_deliveries


@pytest.fixture(scope="session")
def samples() -> Callable[[str], list[bytes]]:
    """A function that reads real samples by pattern, in order of their names; without samples the test is skipped."""

    def open_samples(pattern: str) -> list[bytes]:
        if not SAMPLES.is_dir():
            pytest.skip("the real samples are not on this machine")
        return [path.read_bytes() for path in sorted(SAMPLES.glob(pattern))]

    return open_samples


def sentence(body: str, start: str = "!") -> str:
    """Append the checksum to an NMEA sentence."""
    return f"{start}{body}*{reduce(xor, body.encode(), 0):02X}"


def _tt10(number: int) -> str:
    return f"PM10\t{number}.5\tug/m3\t20261120{number // 3600 % 24:02}{number // 60 % 60:02}{number % 60:02}\t00"


def _csv(number: int) -> str:
    return f"G{number},Gauge {number},2026-11-20T08:00:00Z,{number / 100}"


def _request(number: int) -> str:
    request = {
        "service_request_id": f"PAHT-{number}",
        "status": "open",
        "description": "Rác tồn đọng đầu hẻm",
        "requested_datetime": "2026-11-20T07:42:10+07:00",
        "lat": 16.4637,
        "long": "107.5909",
        "ext": {"ma_xa": "19753", "hai_long": 4},
    }
    return json.dumps(request, ensure_ascii=False)


def _request_xml(number: int) -> str:
    return (
        f"<request><service_request_id>PAHT-{number}</service_request_id><status>open</status>"
        "<description>Rác tồn đọng đầu hẻm</description><updated_datetime/></request>"
    )


def _alert(number: int) -> str:
    return (
        f'<entry><alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>CB-{number}</identifier><sender>ioc</sender>'
        "<sent>2026-11-20T08:10:00+07:00</sent><status>Actual</status><msgType>Alert</msgType><scope>Public</scope></alert></entry>"
    )


def _claim(number: int) -> str:
    """Write a claim with one file, a check-in, on one line."""
    return f"<HOSO>{file_element('XML0', list_file('XML0', [{'MA_LK': f'LK{number}', 'NGAY_VAO': '202611200800'}]))}</HOSO>"


def _naf(number: int) -> str:
    return f"//SR//TM/POS//NA/QNA {number} TS//XR/QNA-{number}-TS//DA/20261120//TI/0200//LT/+16.123//LG/.5//SP/65//ER//"


def _nmea(number: int) -> str:
    digits = "".join(ARMOUR[number >> shift & 63] for shift in (18, 12, 6, 0))
    return sentence(f"AIVDM,1,1,,B,15{digits}P01G?cFhE`R2IU?wn28R>,0")


def _case_line(number: int) -> str:
    return f"SXH-{number},A91,2026-11-18,2026-11-20 08:00,19753,{number % 90},1,xac_dinh,khoi"


def _data_value(number: int) -> str:
    return (
        f'{{"dataElement":"A91_MAC","period":"2026W47","orgUnit":"{number:05}","categoryOptionCombo":"default",'
        '"value":"12","comment":"Phường Phú Xuân"}'
    )


def _dengue_line(number: int) -> str:
    return f'"VIET NAM","HA NOI CITY",NA,"VNM","1994-01-01","1994-01-31",{number},"Total","Admin1","Month","TYCHO-1"'


def _dossier(number: int) -> str:
    dossier = {
        "MaHoSo": f"000.00.01.H57-261120-{number}",
        "TenTTHC": "Đăng ký biến động đất đai",
        "NgayNopHoSo": "20261120081500",
        "HoSoCoThanhPhanSoHoa": 1,
        "TaiLieuNop": [{"DuocSoHoa": "1"}, {"DuocSoHoa": 0}],
        "TienTrinh": [{"ThoiDiemXuLy": "20261120093000"}],
    }
    return json.dumps(dossier, ensure_ascii=False)


def _eve_alert(number: int) -> str:
    alert = {"action": "allowed", "gid": 1, "signature_id": 2001219, "signature": "Quét cổng SSH", "severity": 2}
    event = {"timestamp": "2026-11-20T08:00:01.221126+0700", "flow_id": number, "event_type": "alert", "alert": alert}
    return json.dumps(event | {"src_ip": "222.186.56.46", "dest_ip": "192.168.0.2"}, ensure_ascii=False)


def _cef_alert(number: int) -> str:
    return (
        f"<14>1 2026-11-20T08:00:03+07:00 fw-bien cef - - - CEF:0|Hãng|FW|6.1|url|Lọc URL|8|act=Blocked src=10.1.1.9 "
        f"externalId={number}"
    )


@dataclass(frozen=True)
class Case:
    """A wire format in one of its shapes: how a piece is written, what surrounds and separates the pieces."""

    name: str
    format: str
    feed: str
    piece: Callable[[int], str]
    before: str = ""
    between: str = "\n"
    after: str = "\n"
    skipped: int = 0

    @property
    def is_lines(self) -> bool:
        return self.name not in (
            "open311_array",
            "open311_xml",
            "cap",
            "giamdinhhs",
            "data_values",
            "one_stop_array",
            "one_stop_answer",
            "eve_array",
        )

    @property
    def is_tree(self) -> bool:
        """Whether a delivery is an XML tree, of which nothing can be read if a part is broken."""
        return self.name in ("open311_xml", "cap")

    def write(self, count: int, first: int = 0) -> bytes:
        """Write a delivery of `count` records."""
        pieces = self.between.join(map(self.piece, range(first, first + count)))
        return f"{self.before}{pieces}{self.after}".encode()


CASES = [
    Case("tt10", "tt10", "environment.station_readings", _tt10),
    Case("csv", "table", "environment.river_levels", _csv, "station_id,station_name,timestamp,value\n", skipped=1),
    Case(
        "case_lines",
        "table",
        "health.disease_cases",
        _case_line,
        "ma_ca,icd10,ngay_khoi_phat,ngay_bao_cao,ma_xa,tuoi,gioi,phan_loai,ket_qua\n",
        skipped=1,
    ),
    Case(
        "data_values",
        "table",
        "health.disease_cases",
        _data_value,
        '{"dataSet":"BTN","dataValues":[\n',
        ",\n",
        "\n]}\n",
        1,
    ),
    Case(
        "opendengue",
        "table",
        "health.disease_cases",
        _dengue_line,
        "adm_0_name,adm_1_name,adm_2_name,ISO_A0,calendar_start_date,calendar_end_date,dengue_total,"
        "case_definition_standardised,S_res,T_res,UUID\n",
        skipped=1,
    ),
    Case("open311_lines", "table", "feedback.requests", _request),
    Case("open311_array", "table", "feedback.requests", _request, "[\n", ",\n", "\n]\n"),
    Case(
        "open311_xml",
        "table",
        "feedback.requests",
        _request_xml,
        "<service_requests>\n",
        "\n",
        "\n</service_requests>",
    ),
    Case(
        "cap",
        "cap",
        "warnings.messages",
        _alert,
        '<feed xmlns="http://www.w3.org/2005/Atom">\n',
        "\n",
        "\n</feed>",
    ),
    Case(
        "giamdinhhs",
        "giamdinhhs",
        "health.claims",
        _claim,
        "<GIAMDINHHS><THONGTINDONVI><MACSKCB>46001</MACSKCB></THONGTINDONVI>"
        "<THONGTINHOSO><NGAYLAP>20261120</NGAYLAP><DANHSACHHOSO>\n",
        "\n",
        "\n</DANHSACHHOSO></THONGTINHOSO><CHUKYDONVI/></GIAMDINHHS>\n",
        skipped=1,
    ),
    Case("one_stop_lines", "table", "public_services.dossiers", _dossier),
    Case("one_stop_array", "table", "public_services.dossiers", _dossier, "[\n", ",\n", "\n]\n"),
    Case(
        "one_stop_answer",
        "table",
        "public_services.dossiers",
        _dossier,
        '{"error_code":0,"message":"","data":[\n',
        ",\n",
        "\n]}\n",
    ),
    Case("eve_lines", "alert_log", "cyber.alerts", _eve_alert),
    Case("eve_array", "alert_log", "cyber.alerts", _eve_alert, "[\n", ",\n", "\n]\n"),
    Case("cef", "alert_log", "cyber.alerts", _cef_alert),
    Case("naf", "naf", "fisheries.vms_positions", _naf),
    Case("nmea", "nmea", "fisheries.ais_messages", _nmea),
]


WHOLE_DOCUMENTS = {Container.XLSX, Container.ZIP}
"""Zip archives, which no byte can be taken out of: their suite is test_school_exports.py."""


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def case(request: pytest.FixtureRequest) -> Case:
    chosen: Case = request.param
    return chosen


@pytest.fixture
def checksummed() -> Callable[..., str]:
    return sentence
