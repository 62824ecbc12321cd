"""The figures of a drawn chart as text: Vietnamese numbers and local times, the newest rows of a series, and what was left off."""

import pytest

from reporting.appendix import COLUMNS, ROWS, Figures, figures_of, text_of

HOUR = 3_600_000
NINE = 1_773_133_200_000
"""09:00 on 10 March 2026, written as Superset writes local times."""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0, "0"),
        (100, "100"),
        (1234, "1.234"),
        (1234.5, "1.234,5"),
        (-0.126, "-0,13"),
        (1e21, "1.000.000.000.000.000.000.000"),
        (True, "có"),
        ("Trạm Phú Hội", "Trạm Phú Hội"),
    ],
)
def test_a_value_is_written_as_vietnamese_readers_expect_it(value: object, text: str) -> None:
    assert text_of(value) == text


def over_time(*times: object) -> list[str]:
    answer = {"colnames": ["at"], "coltypes": [2], "data": [{"at": time} for time in times]}
    return [row[0] for row in figures_of("T", "D", answer, {}).rows]


def test_times_are_local_and_a_column_of_days_has_no_hours() -> None:
    assert over_time(NINE, NINE - 9 * HOUR, None) == ["09:00 10/03/2026", "00:00 10/03/2026", "–"]
    assert over_time(NINE - 9 * HOUR, None, "2026") == ["10/03/2026", "–", "2026"]


def test_a_series_keeps_its_newest_rows_and_says_what_was_left_off() -> None:
    answer = {
        "colnames": ["hour_at", "vn_aqi_mean"],
        "coltypes": [2, 0],
        "data": [{"hour_at": NINE + hour * HOUR, "vn_aqi_mean": hour} for hour in range(ROWS + 2)],
    }
    figures = figures_of("Diễn biến", "theo giờ", answer, {"vn_aqi_mean": "VN_AQI trung bình"})
    assert figures.columns == ("hour_at", "VN_AQI trung bình")
    assert (figures.rows[0], len(figures.rows)) == (("11:00 10/03/2026", "2"), ROWS)
    assert figures.cut == f"Chỉ in {ROWS} dòng mới nhất trong {ROWS + 2}; xem đủ trên trang."


def test_any_other_chart_keeps_its_first_rows_and_columns() -> None:
    names = [f"Trạm {number}" for number in range(COLUMNS + 1)]
    row = dict.fromkeys(names, 1)
    answer = {"colnames": names, "coltypes": [0] * len(names), "data": [row | {"Trạm 0": n} for n in range(ROWS + 1)]}
    figures = figures_of("Trạm", "", answer, {})
    assert figures.columns == tuple(names[:COLUMNS])
    assert [row[0] for row in figures.rows] == [str(n) for n in range(ROWS)]
    assert (
        figures.cut
        == f"Chỉ in {ROWS} dòng đầu trong {ROWS + 1} và {COLUMNS} cột đầu trong {COLUMNS + 1}; xem đủ trên trang."
    )


def test_a_short_chart_is_whole_without_the_shares_that_superset_adds() -> None:
    answer = {"colnames": ["a", "a__contribution"], "coltypes": [1, 0], "data": [{"a": "x", "a__contribution": 1}]}
    assert figures_of("T", "D", answer, {}) == Figures("T", "D", ("a",), (("x",),), "")


def test_a_map_names_each_place_once_with_what_it_tells_of_it() -> None:
    island = {"shape": "[[107.5, 16.4]]", "place_name": "Xã A", "areas": "95,0", "level": 1}
    answer = {
        "colnames": [*island],
        "coltypes": [1, 1, 1, 0],
        "data": [island, island | {"shape": "[[107.6, 16.5]]"}, island | {"place_name": "Xã B", "areas": None}],
    }
    figures = figures_of("Bản đồ", "", answer, {"place_name": "Tên", "areas": "Đúng hạn (%)"}, ["place_name", "areas"])
    assert figures.columns == ("Tên", "Đúng hạn (%)")
    assert figures.rows == (("Xã A", "95,0"), ("Xã B", "–"))
