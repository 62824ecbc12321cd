"""Where a piece is found in its sender's own terms."""

import pytest

from ingestion.formats.places import place_of, ranges, told_places


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        ('workbook/ChuyenCan!8\t["469900101"]', "ChuyenCan!8"),
        ("workbook+1904+hidden/Lớp 6! cũ!12\t[]", "Lớp 6! cũ!12"),
        ("zip/users.csv!12\tu1,active", "users.csv!12"),
        ("PM10\t62.4\tug/m3", None),
        ("workbook/ChuyenCan!8", None),
        ("", None),
    ],
)
def test_a_place_is_what_a_piece_begins_with(raw: str, place: str | None) -> None:
    assert place_of(raw) == place


def test_numbers_are_told_as_ranges() -> None:
    assert ranges([7, 1, 2, 3, 3]) == "1-3,7"


def test_places_are_told_by_sheet() -> None:
    raws = [f"workbook/{place}\t" for place in ("A!8", "B!3", "A!9", "A!12")]
    assert told_places([*raws, "PM10\t62.4"]) == "A!8-9,12; B!3"
    assert told_places(["PM10\t62.4", ""]) is None
