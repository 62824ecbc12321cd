"""The result of a person's query is printed, whatever its types: as a table, and as JSON that any parser accepts."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import duckdb
import duckdb_extensions
import pytest

from cli.output import show
from cli.rows import INTEGERS, rows_of_any_type

with duckdb.connect() as _opened:
    EVERY_TYPE = _opened.sql("select * from test_all_types()").columns
"""The columns of DuckDB's own `test_all_types()`: least value, greatest value, NULL."""

DUCKS = "🦆🦆🦆🦆🦆🦆"

LEAST_AND_GREATEST: dict[str, tuple[object, object]] = {
    "bool": (False, True),
    "hugeint": (-(2**127), 2**127 - 1),
    "uhugeint": (0, 2**128 - 1),
    "ubigint": (0, 2**64 - 1),
    "date": ("5877642-06-25 (BC)", "5881580-07-10"),
    "time": ("00:00:00", "24:00:00"),
    "timestamp": ("290309-12-22 (BC) 00:00:00", "294247-01-10T04:00:54.775806"),
    "timestamp_ns": ("1677-09-22T00:00:00", "2262-04-11T23:47:16.854775806"),
    "time_tz": ("00:00:00+15:59:59", "24:00:00-15:59:59"),
    "double": (-1.7976931348623157e308, 1.7976931348623157e308),
    "dec38_10": ("-9999999999999999999999999999.9999999999", "9999999999999999999999999999.9999999999"),
    "uuid": ("00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
    "interval": ("00:00:00", "83 years 3 months 999 days 00:16:39.999999"),
    "varchar": (DUCKS, "goo\0se"),
    "blob": (r"thisisalongblob\x00withnullbytes", r"\x00\x00\x00a"),
    "bit": ("0010001001011100010101011010111", "10101"),
    "small_enum": ("DUCK_DUCK_ENUM", "GOOSE"),
    "int_array": ([], [42, 999, None, None, -42]),
    "double_array": ([], [42.0, "NaN", "Infinity", "-Infinity", None, -42.0]),
    "date_array": ([], ["1970-01-01", "infinity", "-infinity", None, "2022-05-12"]),
    "timestamptz_array": (
        [],
        ["1970-01-01T00:00:00+00:00", "infinity", "-infinity", None, "2022-05-12T23:23:45+00:00"],
    ),
    "struct": ({"a": None, "b": None}, {"a": 42, "b": DUCKS}),
    "array_of_structs": ([], [{"a": None, "b": None}, {"a": 42, "b": DUCKS}, None]),
    "map": ({}, {"key1": DUCKS, "key2": "goose"}),
    "union": ("Frank", "5"),
    "fixed_int_array": ([None, 2, 3], [4, 5, 6]),
}


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    folder: Path = tmp_path_factory.mktemp("extensions")
    with duckdb.connect(config={"extension_directory": str(folder)}) as opened:
        duckdb_extensions.import_extension("icu", con=opened)
        opened.execute("load icu; set TimeZone = 'UTC'")
        yield opened


def printed_json(
    connection: duckdb.DuckDBPyConnection, query: str, capsys: pytest.CaptureFixture[str]
) -> list[dict[str, object]]:
    """Print the result of a query as JSON, and parse it strictly by the standard."""

    def refuse(constant: str) -> NoReturn:
        raise AssertionError(f"{constant} is not JSON")

    show(rows_of_any_type(connection.sql(query), as_json=True), "", as_json=True)
    rows: list[dict[str, object]] = json.loads(capsys.readouterr().out, parse_constant=refuse)
    return rows


def printed_table(connection: duckdb.DuckDBPyConnection, query: str, capsys: pytest.CaptureFixture[str]) -> str:
    show(rows_of_any_type(connection.sql(query), as_json=False), "", as_json=False)
    return capsys.readouterr().out


def test_duckdb_has_so_many_types() -> None:
    assert len(EVERY_TYPE) == 56
    assert set(LEAST_AND_GREATEST) <= set(EVERY_TYPE)


@pytest.mark.parametrize("column", EVERY_TYPE)
def test_every_type_is_printed(
    connection: duckdb.DuckDBPyConnection, column: str, capsys: pytest.CaptureFixture[str]
) -> None:
    query = f'select "{column}" from test_all_types()'
    values = [row[column] for row in printed_json(connection, query, capsys)]
    assert values[2] is None
    assert tuple(values[:2]) == LEAST_AND_GREATEST.get(column, tuple(values[:2]))
    if connection.sql(query).types[0].id in INTEGERS:
        assert all(isinstance(value, int) for value in values[:2])
    assert printed_table(connection, query, capsys).splitlines()[-1].strip() == "-"


def test_all_types_are_printed_at_once(
    connection: duckdb.DuckDBPyConnection, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = printed_json(connection, "select * from test_all_types()", capsys)
    assert [list(row) for row in rows] == [EVERY_TYPE] * 3
    assert set(rows[2].values()) == {None}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("timestamptz '2026-11-20 12:00:00+07'", "2026-11-20T05:00:00+00:00"),
        ("timestamptz '0044-03-15 (BC) 00:00:00+00'", "0044-03-15 (BC) 00:00:00+00:00"),
        ("timetz '12:00:00.5+07'", "12:00:00.5+07:00"),
        ("timetz '12:00:00+05:30'", "12:00:00+05:30"),
        ("timestamp '-infinity'", "-infinity"),
        ("'nan'::float", "NaN"),
        ("'2026-11-20 12:00:00+07'", "2026-11-20 12:00:00+07"),
        ("map {timestamptz '2026-11-20 05:00:00+00': 1.50}", {"2026-11-20T05:00:00+00:00": "1.50"}),
        ("map {[1, 2]: {'a': 'inf'::double}}", {"[1, 2]": {"a": "Infinity"}}),
        ("{'a \"b\"': [time '12:00', null]}", {'a "b"': ["12:00:00", None]}),
        ("row(1, 2)", "(1, 2)"),
        ("[union_value(a := 1)]", ["1"]),
        ("""'{"a": 1}'::json""", '{"a": 1}'),
        ("42::variant", "42"),
        ("null", None),
        ("null::struct(a blob)", None),
    ],
)
def test_a_value_that_json_cannot_hold_is_text(
    connection: duckdb.DuckDBPyConnection, expression: str, expected: object, capsys: pytest.CaptureFixture[str]
) -> None:
    assert printed_json(connection, f"select {expression} as value", capsys) == [{"value": expected}]
    assert "value" in printed_table(connection, f"select {expression} as value", capsys)


def test_columns_of_one_name_are_told_apart(
    connection: duckdb.DuckDBPyConnection, capsys: pytest.CaptureFixture[str]
) -> None:
    query = "select 1 as a, 2 as a, 3 as a_2, 4 as a"
    assert printed_json(connection, query, capsys) == [{"a": 1, "a_3": 2, "a_2": 3, "a_4": 4}]


@pytest.mark.parametrize("text", ["[/]", "[bold]", "[/red] thick", "[link=x]y[/link]"])
def test_a_table_shows_text_as_it_stands(
    connection: duckdb.DuckDBPyConnection, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert text in printed_table(connection, f"select '{text}' as value", capsys)
    assert text in printed_table(connection, f"""select 1 as "{text}" """, capsys)


@pytest.mark.parametrize("number", ["0.04::double", "0.04::decimal(4,2)", "'0.04'"])
def test_a_table_shows_the_whole_of_a_number(
    connection: duckdb.DuckDBPyConnection, number: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "0.04" in printed_table(connection, f"select {number} as value", capsys)


@pytest.mark.parametrize(
    "statement", ["explain select 1", "describe select 1", "summarize select 1 as a", "from range(1)"]
)
def test_a_statement_that_is_no_select_is_printed_too(
    connection: duckdb.DuckDBPyConnection, statement: str, capsys: pytest.CaptureFixture[str]
) -> None:
    columns = connection.sql(statement).columns
    assert [list(row) for row in printed_json(connection, statement, capsys)] == [columns]
    assert columns[0] in printed_table(connection, statement, capsys)
