"""What keeps a page from being printed: a chart that failed, and one from before the release."""

import pytest

from core.errors import ServiceError
from reporting.browser import ShownChart
from reporting.pages import find_page
from reporting.printing import require_drawn, require_new

PAGE = find_page("moi-truong")


def test_a_chart_that_failed_is_named_with_its_error() -> None:
    good, bad = ShownChart("7", "", has_drawing=False), ShownChart("", "DB engine Error", has_drawing=False)
    require_drawn(PAGE, {"Số phản ánh": good})
    with pytest.raises(
        ServiceError, match="moi-truong: expected every chart to be drawn, got Quá hạn: DB engine Error; see"
    ):
        require_drawn(PAGE, {"Số phản ánh": good, "Quá hạn": bad})


def test_an_answer_from_the_cache_is_refused() -> None:
    require_new(PAGE, [{"is_cached": None}, {"is_cached": False}])
    with pytest.raises(
        ServiceError, match="expected every chart to be asked for anew, got 1 from Superset's cache"
    ) as caught:
        require_new(PAGE, [{"is_cached": None}, {"is_cached": True}])
    assert caught.value.values == {"cached": 1}
