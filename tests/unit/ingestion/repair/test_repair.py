"""The named repairs: what each changes, what it leaves alone, and what it refuses before anything is written."""

import unicodedata
from collections.abc import Mapping, Sequence

import polars as pl
import pytest

from core.contract import find_contract
from core.errors import ConfigurationError, ContractError, UnknownNameError
from core.reference import Reference
from core.text import HIGH_HALF, decode_escaped_tcvn3, decode_misread_tcvn3, decode_tcvn3
from ingestion.formats.lines import cut_piece
from ingestion.repair.repair import REPAIRS, make_repair

REFERENCE = Reference()
SENTENCE = "Đường Lê Lợi: cống hở trước số nhà, nguy hiểm cho người đi xe đạp ở ngã ba, tỷ lệ ngập ước chừng nửa mét"


def mended(name: str, rows: Mapping[str, Sequence[object]], **arguments: object) -> dict[str, list[object]]:
    """Return columns after a repair."""
    return make_repair(name, arguments).mend(pl.DataFrame(rows), REFERENCE).to_dict(as_series=False)


def in_tcvn3(text: str) -> bytes:
    """Write text in TCVN3, as an old system would."""
    codes = {character: 0x80 + index for index, character in reversed(list(enumerate(HIGH_HALF)))}
    return bytes(ord(sign) if ord(sign) < 0x80 else codes[sign] for sign in unicodedata.normalize("NFC", text))


def test_as_is_and_resent_change_nothing() -> None:
    assert mended("as_is", {"code": ["1", None]}) == {"code": ["1", None]}
    assert mended("resent", {"code": ["1", None]}, resent_in="d") == {"code": ["1", None]}


def test_pad_code_puts_zeros_before_digits_and_leaves_the_rest() -> None:
    codes = ["4828", " 4828", "04828", "123456", "48a", "", None]
    assert mended("pad_code", {"code": codes, "other": codes}, column="code", width=5) == {
        "code": ["04828", "04828", "04828", "123456", "48a", "", None],
        "other": codes,
    }
    assert mended("pad_code", {"code": [7, None]}, column="code", width=2) == {"code": ["07", None]}


def test_swap_coordinates_exchanges_two_columns() -> None:
    rows: dict[str, list[object]] = {"latitude": ["107.59", None], "longitude": ["16.46", "16.4"]}
    assert mended("swap_coordinates", rows) == {"latitude": ["16.46", "16.4"], "longitude": ["107.59", None]}
    named: dict[str, list[object]] = {"lat": [107.59], "long": [16.46]}
    assert mended("swap_coordinates", named, latitude="lat", longitude="long") == {"lat": [16.46], "long": [107.59]}


def test_map_commune_maps_merged_communes_and_refuses_to_choose_for_a_split_one() -> None:
    codes = ["20899", " 20482 ", "20485", "05221", "98001", "99999", None]
    assert mended("map_commune", {"commune_code": codes}) == {
        "commune_code": ["20900", "20485", "20485", "05221", "99001", "99999", None]
    }


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            {"unit_column": "unit", "from_unit": "mg/m³", "to_unit": "ug/m3", "factor": "1000"},
            {"value": ["62.4", "5", "0.0001"], "unit": ["ug/m3", "ug/m3", "mg/m3"]},
        ),
        (
            {"unit_column": "unit", "from_unit": "mg/m3", "to_unit": "ug/m3"},
            {"value": ["0.0624", "5", "0.1"], "unit": ["mg/m³", "ug/m3", "ug/m3"]},
        ),
        ({"factor": "10"}, {"value": ["0.624", "50", "0.001"], "unit": ["mg/m³", "ug/m3", "mg/m3"]}),
    ],
)
def test_convert_unit_multiplies_as_decimals_where_the_unit_is_meant(
    arguments: dict[str, str], expected: dict[str, list[str]]
) -> None:
    rows: dict[str, list[object]] = {"value": ["0.0624", "5", "0.0001"], "unit": ["mg/m³", "ug/m3", "mg/m3"]}
    assert mended("convert_unit", rows, column="value", **arguments) == expected


def test_convert_unit_leaves_what_is_no_number() -> None:
    values = ["8x2", "nan", "1e999999", None, "1200", 0.5]
    frame = pl.DataFrame({"value": pl.Series([str(v) if v is not None else None for v in values])})
    repaired = make_repair("convert_unit", {"column": "value", "factor": 100}).mend(frame, REFERENCE)
    assert repaired["value"].to_list() == ["8x2", "nan", "1e999999", None, "120000", "50"]


def test_tcvn3_bytes_become_unicode() -> None:
    assert decode_tcvn3(b"Tr\xc7n V\xa8n A") == "Trần Văn A"
    assert decode_tcvn3(in_tcvn3(SENTENCE)) == SENTENCE
    assert decode_tcvn3(b"a\xb5 e\xb3") == "aà é"


def test_tcvn3_is_read_out_of_a_piece_that_was_no_utf8() -> None:
    raw, problem = cut_piece(in_tcvn3(SENTENCE))
    assert problem == "not_utf8"
    assert decode_escaped_tcvn3(raw) == SENTENCE
    pair = b"\xc6\xa1 \xe9"  # two of the bytes are UTF-8 by chance, which the piece then shows as a letter
    assert decode_escaped_tcvn3(cut_piece(pair)[0]) == decode_tcvn3(pair)


def test_tcvn3_is_read_out_of_text_that_was_taken_for_latin_1() -> None:
    assert decode_misread_tcvn3("TrÇn V¨n A") == "Trần Văn A"
    assert decode_misread_tcvn3("Trần Văn A") == "Trần Văn A"
    rows: dict[str, list[object]] = {"name": ["TrÇn V¨n A", "Lê", None], "other": ["TrÇn", "x", "y"]}
    assert mended("decode_tcvn3", rows, column="name") == {
        "name": ["Trần Văn A", "Lờ", None],
        "other": ["TrÇn", "x", "y"],
    }
    assert mended("decode_tcvn3", rows) == rows
    assert make_repair("decode_tcvn3", {"column": "name"}).mend_text("x") is None


def test_every_repair_is_described_and_the_registry_holds_eight() -> None:
    assert list(REPAIRS) == [
        "as_is",
        "pad_code",
        "decode_tcvn3",
        "swap_coordinates",
        "map_commune",
        "convert_unit",
        "resent",
        "withdraw",
    ]
    assert all(repair.__doc__ for repair in REPAIRS.values())


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("pad_zeros", {}, "pad_zeros: expected a repair of as_is, pad_code, decode_tcvn3"),
        ("pad_code", {"column": "x"}, "pad_code: expected column, width, got column \\(width: Field required"),
        ("pad_code", {"column": "x", "width": "0"}, "width: Input should be greater than or equal to 1"),
        ("resent", {}, "resent: expected resent_in, got none"),
        ("as_is", {"column": "x"}, "as_is: expected no arguments, got column"),
        ("convert_unit", {"column": "x"}, "from_unit and to_unit are needed"),
        ("convert_unit", {"column": "x", "unit_column": "u", "factor": "2"}, "from_unit and to_unit are needed"),
        ("convert_unit", {"column": "x", "factor": "nan"}, "factor: Input should be"),
    ],
)
def test_an_unknown_repair_or_argument_is_named(name: str, arguments: dict[str, object], message: str) -> None:
    with pytest.raises((UnknownNameError, ConfigurationError), match=message):
        make_repair(name, arguments)


def test_a_repair_that_does_not_fit_the_contract_names_both_sides() -> None:
    contract = find_contract("environment.station_readings")
    with pytest.raises(
        ContractError, match=r"expected a column of the contract \(station_id, .*status_code\), got latitude"
    ):
        make_repair("swap_coordinates", {}).require(contract, REFERENCE)
    units = {"column": "value", "unit_column": "unit", "from_unit": "mg/m3", "to_unit": "hPa"}
    with pytest.raises(
        ConfigurationError, match=r"expected two units of one kind in units\.csv, got mg/m3 and hPa; name a factor"
    ):
        make_repair("convert_unit", units).require(contract, REFERENCE)
    make_repair("convert_unit", {**units, "factor": "1"}).require(contract, REFERENCE)
