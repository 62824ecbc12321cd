"""Which pages can be printed, and what a mistyped one is answered."""

import pytest

from core.errors import UnknownNameError
from core.settings import PROJECT
from reporting.pages import find_page, page_slugs


def test_every_dashboard_file_is_a_page_and_is_found_with_its_title() -> None:
    files = sorted(path.stem for path in (PROJECT / "superset" / "dashboards").glob("*.yaml"))
    assert len(files) >= 8
    assert sorted(page_slugs()) == files
    assert [find_page(slug).slug for slug in page_slugs()] == list(page_slugs())
    assert (find_page("moi-truong").title, find_page("moi-truong").domain) == ("Môi trường", "environment")
    assert [slug for slug in page_slugs() if find_page(slug).is_over_all] == ["tong-quan", "dien-thoai"]


@pytest.mark.parametrize(
    ("typed", "hint"),
    [("moi-trung", "did you mean moi-truong?"), ("Phan-Anh", "did you mean phan-anh?"), ("x", "correct it")],
)
def test_a_mistyped_page_is_told_what_it_may_have_meant_and_all_pages(typed: str, hint: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        find_page(typed)
    assert str(caught.value) == f'report: expected a page of {", ".join(page_slugs())}, got "{typed}"; {hint}'
