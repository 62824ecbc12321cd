"""What a contract can declare of a table beyond what today's feeds need: glued files, other headers, other notations, paths, XML."""

import io
import json
from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from core.contract import Contract, find_contract
from core.errors import ContractError, DeliveryError
from core.table_forms import Container, Form, Logic, read_forms
from ingestion.formats.base import Envelope, Reading, join_pieces
from ingestion.formats.registry import find_format
from ingestion.load.casts import cast
from simulator.writer import write_table

GAUGES = find_contract("environment.river_levels")
WIRE = {column.name: column.wire_name for column in GAUGES.columns}
PLAIN = Form(Container.CSV, columns=WIRE)
HEADER = "station_id,timestamp,value"
ROWS = ["G1,2026-11-20T08:00:00Z,1.5", "G2,2026-11-20T08:00:00Z,2.5"]


def declared(form: Form, **changes: Any) -> Contract:
    return replace(GAUGES, forms=(replace(form, **changes),))


def reading_of(contract: Contract, content: bytes, name: str = "a.csv") -> Reading:
    wire, envelopes = find_format(contract), {0: Envelope(name)}
    blocks = [(0, pieces) for pieces in wire.split(io.BytesIO(content), envelopes[0])]
    reading = wire.read(join_pieces(blocks), contract, envelopes)
    pieces = sum(len(block.raws) for _, block in blocks)
    assert pieces == reading.records.height + reading.unreadable.height + int(reading.skipped["pieces"].sum() or 0)
    return reading


def rows_of(contract: Contract, content: bytes | str) -> list[tuple[object, ...]]:
    records = reading_of(contract, content.encode() if isinstance(content, str) else content).records
    return records.select("gauge_id", "level_m").rows()


WHOLE = [("G1", "1.5"), ("G2", "2.5")]


@pytest.mark.parametrize(
    "content",
    [
        f"{HEADER}\n{ROWS[0]}\n\ufeff{HEADER}\n{ROWS[1]}\n",
        f"{HEADER}\n{ROWS[0]}\n\ufeff{ROWS[1]}\n",
        f"{HEADER}\n{ROWS[0]}\n{HEADER.upper()}\n{ROWS[1]}\n",
        f"{HEADER}\n{ROWS[0]}\nvalue,timestamp,station_id\n2.5,2026-11-20T08:00:00Z,G2\n",
        f"{HEADER}\n{ROWS[0]}\nriver,value,station_id,timestamp\nHương,2.5,G2,2026-11-20T08:00:00Z\n",
        f"{HEADER}\n{ROWS[0]}\n\ufeffstation_id;timestamp;value\nG2;2026-11-20T08:00:00Z;2.5\n",
        f"Mực nước ngày 20/11\n\n{HEADER}\n" + "\n".join(ROWS),
        f"sep=,\n{HEADER}\n" + "\n".join(ROWS),
        "Station ID;TIMESTAMP;Value\n" + "\n".join(ROWS).replace(",", ";"),
        "stations_id,timestamp,value\n" + "\n".join(ROWS),
    ],
    ids=[
        "a mark and a heading", "a mark alone", "a heading in capitals", "columns in another order", "a further column",
        "another separator", "a title above", "a line for Excel", "other spelling", "a slip of the pen",
    ],
)  # fmt: skip
def test_files_glued_together_and_headers_as_people_write_them_are_read(content: str) -> None:
    assert rows_of(declared(PLAIN), content) == WHOLE
    assert reading_of(declared(PLAIN), content.encode()).unreadable.is_empty()


def test_a_row_that_quotes_the_names_of_the_columns_is_a_row() -> None:
    content = f'{HEADER},station_name\n{ROWS[0]},"station_id, timestamp and value"\n{ROWS[1]},b\n'
    assert rows_of(declared(PLAIN), content) == WHOLE


def test_a_header_may_have_other_names() -> None:
    contract = declared(PLAIN, aliases={"station_id": ("Mã trạm", "ma_tram"), "value": ("Mực nước (m)",)})
    for header in ("Mã trạm,timestamp,Mực nước (m)", "MA_TRAM,timestamp,MUC NUOC (M)", HEADER):
        assert rows_of(contract, f"{header}\n" + "\n".join(ROWS)) == WHOLE


def test_a_column_under_two_of_its_names_is_refused() -> None:
    contract = declared(PLAIN, aliases={"value": ("Mực nước",)})
    with pytest.raises(DeliveryError, match="value twice") as caught:
        rows_of(contract, "station_id,timestamp,value,Mực nước\nG1,2026-11-20T08:00:00Z,1.5,2.5\n")
    assert caught.value.values["reason"] == "column_twice"


@pytest.mark.parametrize(
    ("sent", "is_rounded"),
    [
        ("4.69900101E8", True),
        ("4,69900101E+08", True),
        ("4E+08", True),
        (" 4.6e8 ", True),
        ("6E1", False),
        ("E4.6", False),
    ],
)
def test_a_code_in_e_notation_is_not_believed(sent: str, is_rounded: bool) -> None:
    reading = reading_of(declared(PLAIN), f'{HEADER}\n"{sent}",2026-11-20T08:00:00Z,1E2\n{ROWS[0]}\n'.encode())
    assert reading.records["gauge_id"].to_list() == [*([] if is_rounded else [sent]), "G1"]
    assert (
        reading.unreadable.select("_position", "reason", "error_group").rows()
        == [(2, "gauge_id_rounded", 4)] * is_rounded
    )


def test_records_of_something_else_are_skipped_before_others_are_refused() -> None:
    contract = declared(
        PLAIN,
        skip={"not_a_gauge": "record.station_id like 'R%'"},
        refuse={"no_value": "record.value is null", "no_time": "record.timestamp is null"},
        error_groups={"no_value": 1},
    )
    content = f"{HEADER}\nR1,,\n{ROWS[0]}\nG2,2026-11-20T08:00:00Z,\nG3,,1\nR4.6,4.6E8,1\n"
    reading = reading_of(contract, content.encode())
    assert reading.records["gauge_id"].to_list() == ["G1"]
    assert reading.unreadable.select("_position", "reason", "error_group").rows() == [
        (4, "no_value", 1),
        (5, "no_time", 4),
    ]
    assert dict(reading.skipped.select("reason", "pieces").rows()) == {"header": 1, "not_a_gauge": 2}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1258"])
def test_text_is_read_in_the_declared_encoding(encoding: str) -> None:
    contract = declared(PLAIN, encoding="utf-8" if encoding == "utf-8-sig" else encoding)
    content = f"{HEADER},river\n{ROWS[0]},Hương đẹp\n".encode(encoding) if encoding != "cp1258" else None
    content = content or f"{HEADER},river\n{ROWS[0]},Hương đe\u0323p\n".encode("cp1258")
    records = reading_of(contract, content).records
    read = records.select(cast(pl.col("river_name"), GAUGES.column("river_name"), pl.String(), is_tidy=False)).item()
    assert read == "Hương đẹp"


def test_the_old_vietnamese_fonts_are_read_by_their_table() -> None:
    content = f"{HEADER},river\n{ROWS[0]},".encode() + b"S\xabng H\xad\xacng \xae\xd1p \xb8n \xa7\xb5\n"
    records = reading_of(declared(PLAIN, encoding="tcvn3"), content).records
    assert records["river_name"].item() == "Sông Hương đẹp án Đà"


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("1.250,5", "1250.5"), ("0,75", "0.75"), ("1250", "1250"), ("1.250", "1250"), ("-1.250.000,25", "-1250000.25"),
        ("12.50", None), ("1,250.5", None), ("1.25", None), ("1.2500", None), ("", None),
    ],
)  # fmt: skip
def test_numbers_are_read_in_the_declared_writing(sent: str, expected: str | None) -> None:
    contract = declared(PLAIN, decimal_mark=",", thousands_mark=".")
    records = reading_of(contract, f"station_id;timestamp;value\nG1;t;{sent}\n".encode()).records
    read = records.select(cast(pl.col("level_m"), GAUGES.column("level_m"), pl.String(), is_tidy=True)).item()
    assert read == (None if expected is None else float(expected))


@pytest.mark.parametrize(
    ("kind", "sent", "expected"),
    [
        ("DECIMAL(18,2)", "50.000", None), ("DECIMAL(18,2)", "1.250.000", None), ("DECIMAL(18,2)", "50000", "50000.00"),
        ("DECIMAL(18,2)", "50000.00", "50000.00"), ("DECIMAL(18,2)", "50.0", "50.00"), ("DECIMAL(18,2)", "1000.000", "1000.00"),
        ("DECIMAL(18,2)", "0.000", "0.00"), ("INTEGER", "50.000", None), ("INTEGER", "-1.500", None), ("INTEGER", "50.0", "50"),
        ("BIGINT", "1.000.000", None), ("DOUBLE", "1.250", "1.25"),
    ],
)  # fmt: skip
def test_a_point_every_three_digits_is_no_decimal_point(kind: str, sent: str, expected: str | None) -> None:
    column = replace(GAUGES.column("level_m"), physical_type=kind)
    read = pl.DataFrame({"a": [sent]}).select(cast(pl.col("a"), column, pl.String(), is_tidy=True)).item()
    assert (None if read is None else str(read)) == expected


PATHS = {"gauge_id": "gauge.id", "measured_at": "at", "level_m": "levels.now"}
NESTED = {"gauge": {"id": "G1"}, "at": "2026-11-20T08:00:00Z", "levels": {"now": 1.5}}
JSON = Form(Container.JSON, item="gauge", records=("result", "items"), columns={**WIRE, **PATHS})


@pytest.mark.parametrize(
    "document",
    [
        {"result": {"items": [NESTED]}},
        {"ok": True, "result": {"count": 1, "items": [NESTED]}},
        [NESTED],
        NESTED,
    ],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_records_stand_at_a_path_in_a_list_or_alone(document: object, indent: int | None) -> None:
    assert rows_of(declared(JSON), json.dumps(document, indent=indent)) == [("G1", "1.5")]


def test_a_list_that_broke_off_below_a_path_keeps_its_whole_records() -> None:
    whole = json.dumps({"result": {"items": [NESTED, NESTED]}})
    reading = reading_of(declared(JSON), whole[: whole.rindex('"at"')].encode())
    assert (reading.records.height, reading.unreadable["reason"].to_list()) == (1, ["truncated"])


def test_columns_are_made_of_lists_by_sql_of_the_contract() -> None:
    wire = {
        "gauge_id": "id",
        "level_m": "level_m",
        **{name: wire for name, wire in WIRE.items() if name not in ("gauge_id", "level_m")},
    }
    logic = {"level_m": Logic("list_max(list_transform(record.levels, lambda one: one.m))", ("levels[].m",))}
    (form,) = read_forms("a", [{"container": "json"}], wire, logic)
    contract = replace(GAUGES, forms=(form,))
    assert rows_of(contract, '{"id":"G1","levels":[{"m":"1"},{"m":"1.5"}]}') == [("G1", "1.5")]
    assert rows_of(contract, '{"id":"G1","levels":[]}\n{"id":"G2"}') == [("G1", None), ("G2", None)]
    twice = reading_of(contract, b'{"id":"G1","levels":[{"m":"1","m":"2"}]}')
    assert twice.unreadable["reason"].to_list() == ["name_twice"]


TIMED = {
    "joined": {"measured_at": ["day", "time"]},
    "digits": {"time": "4"},
    "columns": {"gauge_id": "id", "level_m": "m"},
}
IN_PARTS = {
    "730": "2026-11-20 0730",
    "5": "2026-11-20 0005",
    "0618": "2026-11-20 0618",
    " 12 ": "2026-11-20 0012",
    "12345": "2026-11-20 12345",
    "7:30": "2026-11-20 7:30",
    "": None,
}


@pytest.mark.parametrize("container", ["csv", "json", "xml", "xlsx"])
def test_a_column_is_joined_from_a_date_and_a_time_without_its_zeros(container: str) -> None:
    (form,) = read_forms("a", [{"container": container, "item": "row", "records": "rows/row", **TIMED}], WIRE, {})
    contract = replace(GAUGES, forms=(form,))
    rows = [{"gauge_id": "G", "level_m": "1", "day": "2026-11-20", "time": time or None} for time in IN_PARTS]
    reading = reading_of(contract, write_table(contract, rows, replace(form, digits={})))
    assert reading.records["measured_at"].to_list() == list(IN_PARTS.values())
    whole = [{"gauge_id": "G", "level_m": "1", "measured_at": "2026-11-20 0005"}]
    sent = write_table(contract, whole)
    assert b"0005" not in sent
    assert reading_of(contract, sent).records["measured_at"].to_list() == ["2026-11-20 0005"]


def test_a_file_without_a_part_of_a_required_column_is_refused() -> None:
    (form,) = read_forms("a", [{"container": "csv", **TIMED}], WIRE, {})
    with pytest.raises(DeliveryError, match=r"expected a header with id, .*day, time, got 3 columns \(time missing\)"):
        rows_of(replace(GAUGES, forms=(form,)), "id,m,day\nG1,1,2026-11-20\n")


def test_sql_of_a_contract_reads_no_file() -> None:
    (form,) = read_forms(
        "a", [{"container": "json"}], WIRE, {"level_m": Logic("(select 1 from read_text('/etc/hostname'))", ())}
    )
    with pytest.raises(Exception, match="disabled"):
        rows_of(replace(GAUGES, forms=(form,)), '{"station_id":"G1"}')


XML = Form(
    Container.XML,
    item="gauge",
    records=("feed", "body", "gauge"),
    columns={**WIRE, "gauge_id": "@id", "level_m": "level.m"},
    known=("note",),
)


def test_xml_records_stand_at_a_path_whatever_their_namespaces() -> None:
    content = (
        '<f:feed xmlns:f="urn:f" xmlns="urn:g"><f:head/><body><note/><gauge id="G1"><level><m>1.5</m></level></gauge>'
        '<gauge id="G2"><f:level><m>2.5</m></f:level></gauge><other/></body></f:feed>'
    )
    assert rows_of(declared(XML), content) == WHOLE
    reading = reading_of(declared(XML), content.encode())
    assert reading.unreadable["reason"].to_list() == ["not_a_gauge"]
    assert reading.skipped.select("reason", "pieces").rows() == [("beside_the_records", 1)]


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"container": "xls"}, "expected a container of csv, json, xml, xlsx, zip, got xls"),
        ({"container": "csv", "separator": ";"}, "expected the options of a form, got separator"),
        ({"container": "csv", "columns": {"gauge": "id"}}, "expected columns of the contract, got gauge"),
        ({"container": "csv", "encoding": "klingon"}, "expected tcvn3 or an encoding that Python knows, got klingon"),
        ({"container": "json", "error": {"path": "code"}}, "expected `error` with path and fine, got path"),
        ({"container": "csv", "joined": {"measured_at": "day"}}, "expected `joined` as a mapping of lists of texts"),
        ({"container": "csv", "joined": {"at": ["day", "time"]}}, "expected columns of the contract, got at"),
        ({"container": "json", "requires": "id"}, "expected `requires` as a list of texts"),
        ({"container": "zip"}, "expected `member` and a mapping `members` of a zip form alone"),
        (
            {"container": "csv", "members": {"a.csv": {}}},
            "expected `member` and a mapping `members` of a zip form alone",
        ),
        ("csv", "expected a mapping, got str"),
    ],
)
def test_a_declaration_that_says_nothing_sensible_is_refused(form: object, message: str) -> None:
    with pytest.raises(ContractError, match=message):
        read_forms("a.odcs.yaml", [form], WIRE, {})


def test_two_forms_of_a_container_need_something_to_tell_them_apart() -> None:
    with pytest.raises(ContractError, match="expected `when` in all csv forms but one"):
        read_forms("a.odcs.yaml", [{"container": "csv"}, {"container": "csv"}], WIRE, {})


def test_a_file_without_its_columns_names_them() -> None:
    with pytest.raises(
        DeliveryError,
        match=r"expected a header with station_id, .*got 2 columns \(station_id, timestamp, value missing\)",
    ):
        rows_of(declared(PLAIN), "a,b\n1,2\n")


ANSWERS = Form(Container.JSON, text_of="d", records=("Data",), error_path=("Success",), error_fine="true", columns=WIRE)
ANSWER = {"Success": True, "Data": [{"station_id": "G1", "value": 1.5}, {"station_id": "G2", "value": "2.5"}]}


@pytest.mark.parametrize("indent", [None, 1])
def test_a_document_may_be_the_text_of_a_member(indent: int | None) -> None:
    text = json.dumps(ANSWER, indent=indent)
    assert rows_of(declared(ANSWERS), json.dumps({"more": 1, "d": text}, indent=indent)) == WHOLE
    assert rows_of(declared(ANSWERS), b"") == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (json.dumps(ANSWER), "no_text_inside"),
        (json.dumps({"d": ANSWER}), "no_text_inside"),
        (json.dumps({"d": json.dumps(ANSWER)})[:-9], "no_text_inside"),
        ('["d"]', "no_text_inside"),
        (json.dumps({"d": json.dumps(ANSWER | {"Success": False})}), "source_refused"),
        (json.dumps({"d": json.dumps({"Success": True, "Rows": []})}), "no_list"),
    ],
    ids=["not packed", "an object", "broken off", "a list", "a refusal", "another list"],
)
def test_an_answer_without_its_document_inside_is_refused_whole(content: str, reason: str) -> None:
    with pytest.raises(DeliveryError) as caught:
        rows_of(declared(ANSWERS), content)
    assert caught.value.values["reason"] == reason


def test_a_document_inside_that_broke_off_keeps_its_whole_records() -> None:
    content = json.dumps({"d": json.dumps(ANSWER)[:-20]})
    reading = reading_of(declared(ANSWERS), content.encode())
    assert reading.records.select("gauge_id", "level_m").rows() == WHOLE[:1]
    assert reading.unreadable["reason"].to_list() == ["truncated"]


def test_json_may_take_its_time_from_the_name_of_the_file() -> None:
    columns = {name: path for name, path in WIRE.items() if name != "measured_at"}
    form = replace(ANSWERS, columns=columns, derived={"measured_at": "file_time"}, needs_file_time=True)
    content = json.dumps({"d": json.dumps(ANSWER)}).encode()
    read = reading_of(declared(form), content, "poll_20261120_081500.json").records
    assert read["measured_at"].to_list() == ["2026-11-20T08:15:00+07:00"] * 2
    with pytest.raises(DeliveryError) as caught:
        reading_of(declared(form), content, "poll.json")
    assert caught.value.values["reason"] == "file_name_without_date"
