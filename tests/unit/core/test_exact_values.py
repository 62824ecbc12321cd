"""Numbers and enums of a contract are read exactly, or the contract is refused."""

from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from codegen.compatibility import Rise, differences, shape_of
from core.contract import CONTRACTS, Column, read_contract
from core.errors import ContractError
from core.exact_values import ExactLoader

ORIGINAL = (CONTRACTS / "environment" / "river_levels.odcs.yaml").read_text(encoding="utf-8")
BOUNDS = "        logicalTypeOptions: {minimum: -20, maximum: 200}\n        physicalType: DOUBLE\n"


def read(tmp_path: Path, physical_type: str, facts: str, logical_type: str = "integer") -> Column:
    """Read a contract whose level has another type and other options."""
    assert ORIGINAL.count(BOUNDS) == 1
    text = ORIGINAL.replace(BOUNDS, f"        physicalType: {physical_type}\n{facts}").replace(
        "logicalType: number", f"logicalType: {logical_type}", 1
    )
    path = tmp_path / "toy.odcs.yaml"
    path.write_text(text, encoding="utf-8")
    return read_contract(path).column("level_m")


def bounds(options: str) -> str:
    """Return YAML for the options of a column."""
    return f"        logicalTypeOptions: {{{options}}}\n"


def enum(*values: str) -> str:
    """Return YAML for the enum of a column, each value as written."""
    return "        enum:\n" + "".join(f"          - {{value: {value}}}\n" for value in values)


@pytest.mark.parametrize(
    ("physical_type", "options", "minimum", "maximum"),
    [
        ("BIGINT", "minimum: 9007199254740993, maximum: 9223372036854775807", 2**53 + 1, 2**63 - 1),
        ("INTEGER", "minimum: -2147483648", -(2**31), None),
        (
            '"DECIMAL(18,2)"',
            "minimum: 0.1, maximum: 9007199254740993.01",
            Decimal("0.1"),
            Decimal("9007199254740993.01"),
        ),
        ('"DECIMAL(18,2)"', "maximum: 9_007_199_254_740_993", None, 2**53 + 1),
        ("DOUBLE", "minimum: -0.5, maximum: 360", Decimal("-0.5"), 360),
    ],
)
def test_a_bound_is_read_digit_for_digit(
    tmp_path: Path, physical_type: str, options: str, minimum: object, maximum: object
) -> None:
    column = read(tmp_path, physical_type, bounds(options))
    assert (column.minimum, column.maximum) == (minimum, maximum)


@pytest.mark.parametrize(
    ("physical_type", "options"),
    [
        ("BIGINT", "minimum: 9.007199254740993e+15"),
        ("BIGINT", "maximum: 9223372036854775808"),
        ("INTEGER", "maximum: 2147483648"),
        ("INTEGER", "minimum: 0.5"),
        ("INTEGER", 'minimum: "1"'),
        ("INTEGER", "minimum: true"),
        ("INTEGER", "minimum: 5, maximum: 4"),
        ('"DECIMAL(18,2)"', "minimum: 0.001"),
        ('"DECIMAL(18,2)"', "maximum: 10000000000000000"),
        ('"DECIMAL(18,2)"', "maximum: .inf"),
        ("DOUBLE", "maximum: 9007199254740993"),
        ("VARCHAR", "minimum: 1"),
        ("DATE", "minimum: 20261120"),
    ],
)
def test_a_bound_that_its_column_cannot_hold_is_refused(tmp_path: Path, physical_type: str, options: str) -> None:
    with pytest.raises(ContractError, match=r"toy\.odcs\.yaml: column level_m: expected a (bound|minimum)"):
        read(tmp_path, physical_type, bounds(options), "string" if physical_type == "VARCHAR" else "integer")


@pytest.mark.parametrize(
    ("physical_type", "values", "expected"),
    [
        ("INTEGER", ("1", "-2", '"3"'), ("1", "-2", "3")),
        ("BIGINT", ("9007199254740993",), ("9007199254740993",)),
        ('"DECIMAL(18,2)"', ("0.10", "9007199254740993.01"), ("0.10", "9007199254740993.01")),
        ("VARCHAR", ('"01"', "abc"), ("01", "abc")),
    ],
)
def test_an_enum_is_read_exactly(
    tmp_path: Path, physical_type: str, values: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    assert read(tmp_path, physical_type, enum(*values)).allowed == expected


@pytest.mark.parametrize(
    ("physical_type", "value"),
    [
        ("VARCHAR", "01"),
        ("VARCHAR", "no"),
        ("VARCHAR", "1.0"),
        ("INTEGER", "1.0"),
        ("INTEGER", "true"),
        ("INTEGER", '"01"'),
        ("INTEGER", '"1e3"'),
        ("INTEGER", "2147483648"),
        ("BIGINT", "9223372036854775808"),
        ('"DECIMAL(18,2)"', "0.001"),
        ('"DECIMAL(18,2)"', '"x"'),
        ("DOUBLE", "0.5"),
        ("BOOLEAN", "true"),
        ("DATE", "2026-11-20"),
    ],
)
def test_an_entry_that_is_no_value_of_its_column_is_refused(tmp_path: Path, physical_type: str, value: str) -> None:
    with pytest.raises(ContractError, match=r"toy\.odcs\.yaml: column level_m: expected an enum of"):
        read(tmp_path, physical_type, enum(value))


@pytest.mark.parametrize("form", ["yyyyMMdd", "yyyyMMddHHmm", "yyyyMMddHHmmss"])
def test_the_dates_in_a_text_have_a_form(tmp_path: Path, form: str) -> None:
    assert read(tmp_path, "VARCHAR", bounds(f"format: {form}"), "string").timestamp_format == form


@pytest.mark.parametrize(
    ("form", "logical_type"),
    [
        ("yyyyMMDD", "string"),
        ("yyyy-MM-dd", "string"),
        ("HHmmss", "string"),
        ("yyyyMMddMM", "string"),
        ("YYYY", "timestamp"),
    ],
)
def test_a_form_of_dates_that_cannot_be_read_is_refused(tmp_path: Path, form: str, logical_type: str) -> None:
    physical_type = "VARCHAR" if logical_type == "string" else "TIMESTAMPTZ"
    with pytest.raises(ContractError, match=r"column level_m: expected a (date )?format of"):
        read(tmp_path, physical_type, bounds(f'format: "{form}"'), logical_type)


def test_a_decimal_bound_is_compared_and_written_digit_for_digit(tmp_path: Path) -> None:
    def shape(minimum: str) -> dict[str, object]:
        read(tmp_path, '"DECIMAL(18,2)"', bounds(f"minimum: {minimum}"), "number")
        return shape_of(read_contract(tmp_path / "toy.odcs.yaml"))

    before, after = shape("9007199254740993.01"), shape("9007199254740993.02")
    assert [difference.rise for difference in differences(before, after)] == [Rise.MAJOR]
    assert [difference.rise for difference in differences(after, before)] == [Rise.MINOR]


def test_yaml_keeps_what_is_no_decimal() -> None:
    assert yaml.load("[1, 0.10, 1e400, .inf, text]", ExactLoader) == [1, Decimal("0.10"), "1e400", float("inf"), "text"]
