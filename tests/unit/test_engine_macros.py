"""What the macros of an engine mean: each gives the same on DuckDB and, where a Trino is installed, on Trino."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import duckdb
import pytest
from rendering import Rendering

from core.settings import PROJECT
from lake.connection import install_extensions

Run = Callable[[str], list[Any]]

TEXTS = "(values (1, 'a;b'), (2, ''), (3, null)) as given (number, text)"
PAIRS = "(values (1, 5, 7), (2, 5, null), (3, null, 7), (4, null, null)) as given (number, one, other)"
ROWS = "(values (1, 10, true), (2, null, true), (3, 30, false), (null, 40, true)) as given (place, told, is_told)"
NUMBERS = "(values (1, 1), (2, 2), (3, null), (4, 4), (5, 10)) as given (number, told)"
NO_ROW = "(select 1 as number, 2 as told where 1 = 0) as given"
DOUBLES = (
    "(values (1, 0.25e0), (2, 0.15e0), (3, 2.5e0), (4, 1234567.891e0), (5, -3.35e0), (6, 96e0), (7, cast(null as double))) "
    "as given (number, told)"
)
FILES = (
    "(values (1, 'hanoi_20261120083000.txt'), (2, 'hanoi_20261320083000.txt'), (3, 'hanoi.txt'), (4, cast(null as varchar))) "
    "as given (number, name)"
)
FILE_TIME = "^(.+)_([0-9]{14})[.][tT][xX][tT]$"

CASES: dict[str, tuple[str, list[Any]]] = {
    "the greatest of what is known": (
        f"select {{{{ greatest_known('one', 'other') }}}} from {PAIRS} order by number",
        [7, 5, 7, None],
    ),
    "the least of what is known": (
        f"select {{{{ least_known('one', 'other') }}}} from {PAIRS} order by number",
        [5, 5, 7, None],
    ),
    "a share of whole numbers": (
        "select 100e0 * one / nullif(other, 0) from (values (1, 3), (1, 0)) as given (one, other) order by other desc",
        [100 / 3, None],
    ),
    "how often a number goes into another": (
        "select {{ whole_quotient('number', 3) }} from (values (7), (8), (9)) as given (number) order by number",
        [2, 2, 3],
    ),
    "the known value at the greatest": (f"select {{{{ value_at_greatest('told', 'place') }}}} from {ROWS}", [30]),
    "the known value at the greatest of some": (
        f"select {{{{ value_at_greatest('told', 'place', 'is_told') }}}} from {ROWS}",
        [10],
    ),
    "the known value at the least": (f"select {{{{ value_at_least('told', '-place') }}}} from {ROWS}", [30]),
    "the value at the greatest of nothing": (
        f"select {{{{ value_at_greatest('told', 'number') }}}} from {NO_ROW}",
        [None],
    ),
    "percentiles lie between": (
        f"select {{{{ percentile(0.9, 'told') }}}} from {NUMBERS}",
        [pytest.approx(8.2, abs=1e-9)],
    ),
    "a percentile of nothing known": (f"select {{{{ percentile(0.5, 'told') }}}} from {NO_ROW}", [None]),
    "the median of a window": (
        f"select {{{{ median_over('told', 'order by number rows between 2 preceding and 1 preceding') }}}} from {NUMBERS} order by number",
        [None, 1.0, 1.5, 2.0, 4.0],
    ),
    "no numbers where the last is before the first": ("select number from {{ numbers_from_to(5, 3) }}", []),
    "numbers from one to another": ("select number from {{ numbers_from_to(3, 5) }} order by number", [3, 4, 5]),
    "more numbers than one sequence may hold": ("select count(*) from {{ numbers_from_to(-7, 25000) }}", [25008]),
    "no days where the last is before the first": (
        "{{ days_from_to(\"cast('2026-11-20' as date)\", \"cast('2026-11-19' as date)\") }}",
        [],
    ),
    "no days where an end is unknown": ("{{ days_from_to('cast(null as date)', \"cast('2026-11-19' as date)\") }}", []),
    "days over a leap day": (
        "select local_date from ({{ days_from_to(\"cast('2028-02-28' as date)\", \"cast('2028-03-01' as date)\") }}) as days "
        "order by local_date",
        [date(2028, 2, 28), date(2028, 2, 29), date(2028, 3, 1)],
    ),
    "more days than one sequence may hold": (
        "select count(*) from ({{ days_from_to(\"cast('1990-01-01' as date)\", \"cast('2026-11-20' as date)\") }}) as days",
        [13473],
    ),
    "days after and between": (
        "select {{ days_between(\"cast('2026-11-20' as date)\", days_after(\"cast('2026-11-20' as date)\", 'number - 3')) }} "
        "from (values (1), (9)) as given (number) order by number",
        [-2, 6],
    ),
    "the ISO week of the turn of a year": (
        "select 1000 * {{ iso_year('day') }} + 10 * extract(week from day) + {{ iso_weekday('day') }} "
        "from (values (cast('2027-01-03' as date)), (cast('2027-01-04' as date))) as given (day) order by day",
        [2026 * 1000 + 530 + 7, 2027 * 1000 + 10 + 1],
    ),
    "a date of its parts": (
        "select {{ date_of('year', 2, 1) }} from (values (2026), (null)) as given (year) order by year",
        [date(2026, 2, 1), None],
    ),
    "numbers as text": (
        f"select {{{{ number_text('told', 1) }}}} from {DOUBLES} order by number",
        ["0,3", "0,2", "2,5", "1234567,9", "-3,4", "96,0", None],
    ),
    "numbers in groups of thousands": (
        f"select {{{{ grouped_number('told', 1) }}}} from {DOUBLES} order by number",
        ["0.3", "0.2", "2.5", "1,234,567.9", "-3.4", "96.0", None],
    ),
    "whole numbers in groups": (
        "select {{ grouped_number('told', 0) }} from (values (1.5e0), (2.5e0), (12345.6e0)) as given (told) order by told",
        ["2", "3", "12,346"],
    ),
    "whole numbers from text": (
        "select {{ whole_number('text') }} from (values (1, '07'), (2, 'x'), (3, '')) as given (number, text) order by number",
        [7, None, None],
    ),
    "part of a text, empty where it does not match": (
        f"select {{{{ part_matched('name', '{FILE_TIME}', 1) }}}} from {FILES} order by number",
        ["hanoi", "hanoi", "", None],
    ),
    "whether a text matches": (
        f"select {{{{ matches('name', '{FILE_TIME}') }}}} from {FILES} order by number",
        [True, True, False, None],
    ),
    "an instant from the digits of a name": (
        f"select {{{{ instant_of_digits(part_matched('name', '{FILE_TIME}', 2)) }}}} from {FILES} order by number",
        [datetime(2026, 11, 20, 1, 30, tzinfo=UTC), None, None, None],
    ),
    "an instant from the name of a page": (
        "select {{ instant_of_page_time('text') }} from (values ('20261120T013000Z'), ('20261120T993000Z')) as given (text) order by text",
        [datetime(2026, 11, 20, 1, 30, tzinfo=UTC), None],
    ),
    "a name without its dates": (
        "select {{ without_dates('text') }} from (values ('a_20261120_0800.txt'), ('a_20261120083000_20261121.txt')) as given (text) "
        "order by text",
        ["a_#_#.txt", "a_#_0800.txt"],
    ),
    "the parts of a text": (
        f"select cast(number as varchar) || parts.part from {TEXTS} cross join {{{{ parts_of('given.text', ';') }}}} order by 1",
        ["1a", "1b", "2"],
    ),
    "a sorted list, its members and their number": (
        f"select members.member + 100 * {{{{ members_in('told') }}}} "
        f"from (select {{{{ sorted_list('told', 'told > 1') }}}} as told from {NUMBERS}) as listed "
        "cross join {{ members_of('listed.told') }} order by 1",
        [302, 304, 310],
    ),
    "no list of nothing": (f"select {{{{ sorted_list('told') }}}} from {NO_ROW}", [None]),
    "a member beyond the end of a list": (
        f"select coalesce({{{{ member_at('told', 9) }}}}, -{{{{ member_at('told', 2) }}}}) "
        f"from (select {{{{ sorted_list('told', 'told > 1') }}}} as told from {NUMBERS}) as listed",
        [-4],
    ),
    "known texts in their order": (
        f"select {{{{ joined_texts('text', ', ', 'number < 9') }}}} from {TEXTS}",
        [", a;b"],
    ),
    "no text of nothing": (f"select {{{{ joined_texts('cast(told as varchar)', ', ') }}}} from {NO_ROW}", [None]),
    "the last that is known": (
        f"select {{{{ last_known('told', 'so_far') }}}} from {NUMBERS} window so_far as (order by number) order by number",
        [1, 2, 2, 4, 10],
    ),
    "JSON of numbers": (
        "select {{ json_text('array[array[105.80123e0, 21e0], array[0.5e0, -1e0]]') }}",
        ["[[105.80123,21.0],[0.5,-1.0]]"],
    ),
    "the members of a list in JSON and their values": (
        "select concat(json_value.text, json_value.number, coalesce(json_value.nothing, '-')) from (select "
        "{{ json_value('members.member', 'a') }} as text, {{ json_value('members.member', 'b') }} as number, "
        '{{ json_value(\'members.member\', \'c\') }} as nothing from (values (\'[{"a":"x","b":2},{"a":"y","b":3}]\')) as given (text) '
        "cross join {{ json_members('given.text') }}) as json_value order by 1",
        ["x2-", "y3-"],
    ),
    "no members of what is no list in JSON": (
        "select members.member from (values ('['), ('{}'), ('5'), (''), (cast(null as varchar))) as given (text) "
        "cross join {{ json_members('given.text') }}",
        [],
    ),
    "local time and back": (
        "select {{ instant_of_local_time(local_time_of(instant('2026-11-20T23:30:00.123456+00:00'), 'Asia/Ho_Chi_Minh'), 'UTC') }}",
        [datetime(2026, 11, 21, 6, 30, 0, 123456, tzinfo=UTC)],
    ),
    "the local date of an instant": (
        "select {{ local_date(instant('2026-11-20T17:30:00+00:00')) }}",
        [date(2026, 11, 21)],
    ),
    "the slot that holds an instant": (
        "select {{ time_slot(instant('2026-11-20T01:59:59.999999+00:00'), 60) }}",
        [datetime(2026, 11, 20, 1, tzinfo=UTC)],
    ),
    "the number, start and date of a local slot": (
        "select {{ date_of_local_slot(local_slot_number(instant('2026-11-19T17:00:00+00:00'), 120), 120) }} where "
        "{{ start_of_local_slot(local_slot_number(instant('2026-11-19T18:59:59+00:00'), 120), 120) }} "
        "= {{ instant('2026-11-19T17:00:00+00:00') }}",
        [date(2026, 11, 20)],
    ),
    "hours and minutes": (
        "select {{ hours_between(instant('2026-11-20T00:00:00+00:00'), minutes_after(instant('2026-11-20T00:00:00+00:00'), '45 + 45')) }}",
        [1.5],
    ),
    "nothing told is null as an instant": ("select cast(null as {{ instant_type() }})", [None]),
    "an index of the air is rounded half up, and exactly": (
        "select {{ vn_aqi_sub_index('told', 'step') }} from (values (1, 109.5e0), (2, 35e0), (3, 900e0)) as given (number, told) "
        "cross join (values (100, 150, 100, 150)) as step (index_low, index_high, concentration_low, concentration_high) "
        "where number <> 2 order by number",
        [110, 150],
    ),
}


def in_utc(value: Any) -> Any:
    """Return a value so that it can be compared: an instant in UTC."""
    return value.astimezone(UTC) if isinstance(value, datetime) else value


@pytest.fixture(params=["duckdb", "trino"], scope="module")
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run a query in which macros are called, on an engine, and return its one column."""
    macros = Rendering(PROJECT / "dbt_project", request.param)
    if request.param == "duckdb":
        folder = tmp_path_factory.mktemp("extensions")
        install_extensions(folder)
        connection = duckdb.connect(
            config={"extension_directory": str(folder), "autoinstall_known_extensions": "false"}
        )
        connection.execute("load icu; set TimeZone = 'UTC'")
        return lambda text: [in_utc(row[0]) for row in connection.execute(macros.render(text)).fetchall()]
    server = request.getfixturevalue("trino")
    return lambda text: [in_utc(row[0]) for row in server.execute(macros.render(text))]


@pytest.mark.parametrize("case", CASES)
def test_a_macro_means_the_same_on_each_engine(run: Run, case: str) -> None:
    text, expected = CASES[case]
    assert run(text) == expected
