"""Names of files that were sent more than once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.sent_names import kept_name, sent_name


@pytest.mark.parametrize(
    ("kept", "sent"),
    [
        ("a.txt", ("a.txt", 1)),
        ("a.txt;2", ("a.txt", 2)),
        ("a.txt;10", ("a.txt", 10)),
        ("a.txt;02", ("a.txt;02", 1)),
        ("a.txt;", ("a.txt;", 1)),
        (";2", (";2", 1)),
        ("a;2.txt", ("a;2.txt", 1)),
        ("a;٢", ("a;٢", 1)),
    ],
)
def test_only_a_number_at_the_end_is_the_servers(kept: str, sent: tuple[str, int]) -> None:
    assert sent_name(kept) == sent


@given(st.text(min_size=1), st.integers(2, 10**6))
def test_a_kept_name_tells_the_name_and_the_time(name: str, number: int) -> None:
    assert sent_name(kept_name(name, number)) == (name, number)
