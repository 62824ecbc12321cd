"""Documents are bounded before they cost memory: by their members, their tags and their nesting."""

import io
import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import DeliveryError
from core.table_forms import Container, Form
from ingestion.formats import base, documents
from ingestion.formats.base import Pieces
from ingestion.formats.documents import array_pieces
from ingestion.formats.documents import xml_pieces as pieces_at
from ingestion.formats.table.json_documents import split_json

ANSWER = Form(Container.JSON, records=("data",))


def member_pieces(document: bytes, _: str) -> Pieces:
    (pieces,) = split_json(io.BytesIO(), document, ANSWER)
    return pieces


def xml_pieces(document: bytes, root: str) -> Pieces:
    return pieces_at(document, (root, "a"))


VALUES = st.recursive(
    st.none() | st.integers() | st.text(alphabet='"\\\\,[]{}:aé\n', max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(alphabet='"\\\\,[]{}', max_size=3), inner, max_size=4)
    ),
    max_leaves=20,
)


@settings(deadline=None)
@given(
    st.lists(VALUES, min_size=1) | st.dictionaries(st.text(max_size=3), VALUES, min_size=1),
    st.booleans(),
    st.sampled_from([1, 7, 4096]),
)
def test_members_are_counted_by_their_commas(document: object, is_escaped: bool, scan_bytes: int) -> None:
    text = json.dumps(document, ensure_ascii=is_escaped).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(documents, "SCAN_BYTES", scan_bytes)
        assert documents._count_members(text) == len(document)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "cut",
    [
        lambda many: array_pieces(b"[" + many + b"]"),
        lambda many: array_pieces(b"[" + many),
        lambda many: member_pieces(b'{"data": [' + many + b"]}", "data"),
        lambda many: member_pieces(b'{"data": [' + many, "data"),
        lambda many: member_pieces(
            b'{"data": [], ' + many.replace(b"1,", b'"a":1,').replace(b",1", b',"b":1') + b"}", "data"
        ),
        lambda many: xml_pieces(b"<root>" + many.replace(b"1", b"<a/>").replace(b",", b"") + b"</root>", "root"),
    ],
    ids=["array", "broken array", "member", "broken member", "object", "xml"],
)
def test_too_many_members_are_refused(cut: Callable[[bytes], Pieces], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "PIECES_LIMIT", 20)
    cut(b"1," * 18 + b"1")
    with pytest.raises(DeliveryError, match="up to 20 pieces") as caught:
        cut(b"1," * 21 + b"1")
    assert caught.value.values["reason"] == "too_many_pieces"


def test_records_of_many_members_are_not_many_records(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "PIECES_LIMIT", 20)
    record = json.dumps({key: [1, 2, 3] for key in "abcdefghij"}).encode()
    assert len(array_pieces(b"[" + b",".join([record] * 20) + b"]").raws) == 20
    assert len(member_pieces(b'{"data": [' + b",".join([record] * 20) + b"]}", "data").raws) == 20


def test_too_many_tags_are_refused_before_they_are_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "TAGS_LIMIT", 10)
    assert len(xml_pieces(b"<root>" + b"<a/>" * 8 + b"</root>", "root").raws) == 8
    with pytest.raises(DeliveryError, match="up to 10 tags"):
        xml_pieces(b"<root>" + b"<a/>" * 9 + b"</root>", "root")


@pytest.mark.parametrize(
    "cut",
    [
        lambda deep: array_pieces(b"[" * deep + b"]" * deep),
        lambda deep: member_pieces(b'{"data": ' + b"[" * deep + b"]" * deep + b"}", "data"),
        lambda deep: xml_pieces(b"<root>" + b"<a>" * deep + b"</a>" * deep + b"</root>", "root"),
    ],
    ids=["array", "member", "xml"],
)
def test_what_is_nested_too_deeply_is_refused_by_that_name(cut: Callable[[int], Pieces]) -> None:
    assert len(cut(50).raws) == 1
    with pytest.raises(DeliveryError, match="nested") as caught:
        cut(100_000)
    assert caught.value.values["reason"] == "nested_too_deeply"
