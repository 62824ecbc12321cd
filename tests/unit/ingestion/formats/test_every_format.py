"""What every wire format guarantees, whatever it is sent: one suite, run over all of them in all their shapes."""

import gzip
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.contract import TABLE, find_contract
from core.errors import DeliveryError
from core.table_forms import Container
from ingestion.formats import base, lines
from ingestion.formats.registry import FORMATS

Read = Callable[..., Any]
Case = Any


def test_every_registered_format_has_a_case(request: pytest.FixtureRequest) -> None:
    module = request.config.pluginmanager.get_plugin(str(request.path.parent / "conftest.py"))
    assert module is not None
    assert {case.format for case in module.CASES} == {TABLE, *FORMATS}
    read = {form.container for case in module.CASES for form in find_contract(case.feed).forms}
    assert read | module.WHOLE_DOCUMENTS == set(Container)


def test_every_record_is_read_once(case: Case, read: Read) -> None:
    delivered = read(case.format, case.feed, case.write(300))
    records = delivered.reading.records
    assert records.height == 300
    assert delivered.reasons == []
    assert sum(delivered.skipped.values()) == case.skipped
    assert records["_position"].to_list() == list(range(1 + case.skipped, 301 + case.skipped))
    assert len({str(row) for row in delivered.rows}) == 300
    if case.name == "giamdinhhs":
        assert all(case.piece(n)[6:] in raw for n, raw in enumerate(records["_raw"])), "each in a dossier of its own"
    elif not case.is_tree:
        assert records["_raw"].to_list() == [case.piece(number) for number in range(300)]


def test_an_empty_file_has_no_pieces(case: Case, read: Read) -> None:
    delivered = read(case.format, case.feed, b"")
    assert (delivered.pieces, delivered.rows, delivered.reasons) == ({0: 0}, [], [])
    assert set(delivered.contract.key) <= set(delivered.columns)


def test_deliveries_read_together_are_read_as_alone(case: Case, read: Read) -> None:
    contents = [case.write(7), b"", case.write(5, 100), case.write(7)]
    together = read(case.format, case.feed, *contents)
    for number, content in enumerate(contents):
        name = f"46_KCN_{number}_20261120080500.txt"
        alone = read(case.format, case.feed, content, names=[name]).reading
        for frame in ("records", "unreadable", "skipped"):
            mine = getattr(together.reading, frame).filter(getattr(together.reading, frame)["_delivery"] == number)
            assert mine.drop("_delivery").rows() == getattr(alone, frame).drop("_delivery").rows()


def test_a_file_cut_anywhere_keeps_its_complete_records(case: Case, read: Read) -> None:
    whole = case.write(12)
    rows = read(case.format, case.feed, whole).rows
    cuts = 0
    for end in range(1, len(whole), len(whole) // 30):
        try:
            cut = read(case.format, case.feed, whole[:end])
        except DeliveryError:
            assert case.name in ("open311_xml", "cap", "csv", "giamdinhhs", "case_lines", "data_values", "opendengue")
            continue
        cuts += 1
        complete = whole[len(case.before.encode()) : end].count(case.between.encode())
        assert cut.rows[:complete] == rows[:complete]
        assert len(cut.rows) <= complete + 1
    assert cuts > 20 or case.is_tree


def test_utf_16_is_refused(case: Case, read: Read) -> None:
    for encoding in ("utf-16-le", "utf-16-be"):
        with pytest.raises(DeliveryError) as caught:
            read(case.format, case.feed, f"\ufeff{case.write(3).decode()}".encode(encoding))
        assert caught.value.values["reason"] == "not_utf8"


def test_a_piece_in_another_encoding_costs_only_itself(case: Case, read: Read) -> None:
    content = case.write(5)
    piece = case.piece(2).encode()
    ill = content.replace(piece, piece[:20] + "nghiệp".encode("cp1258", "ignore") + b"\xff" + piece[20:])
    if case.is_tree:
        with pytest.raises(DeliveryError):
            read(case.format, case.feed, ill)
        return
    delivered = read(case.format, case.feed, ill)
    assert delivered.reasons == [(3 + case.skipped, "not_utf8", 4)]
    assert "\\xff" in delivered.reading.unreadable["_raw"][0]
    well = read(case.format, case.feed, content).rows
    assert delivered.rows == well[:2] + well[3:]


def test_a_byte_order_mark_changes_nothing(case: Case, read: Read) -> None:
    content = case.write(5)
    assert read(case.format, case.feed, b"\xef\xbb\xbf" + content).rows == read(case.format, case.feed, content).rows


@pytest.mark.parametrize("count", [5, 3000], ids=["few", "many"])
def test_line_endings_change_nothing(case: Case, read: Read, count: int) -> None:
    content = case.write(count)
    rows = read(case.format, case.feed, content).rows
    half = content.index(b"\n", len(content) // 2)
    mixed = content[:half].replace(b"\n", b"\r\n") + content[half:]
    for changed in (content.replace(b"\n", b"\r\n"), mixed, content.rstrip(b"\n"), content.rstrip(b"\n") + b"\r\n"):
        assert read(case.format, case.feed, changed).rows == rows


def test_a_hundred_thousand_records(case: Case, read: Read) -> None:
    delivered = read(case.format, case.feed, case.write(100_000))
    assert delivered.reading.records.height == 100_000
    assert delivered.reasons == []


def test_small_blocks_give_the_same_records(case: Case, read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    content = case.write(40)
    whole = read(case.format, case.feed, content)
    monkeypatch.setattr(base, "BLOCK_BYTES", 61)
    for many in (0, 1 << 20):
        monkeypatch.setattr(lines, "MANY_BYTES", many)
        assert read(case.format, case.feed, content).reading.records.equals(whole.reading.records)


def read_or_refuse(read: Read, case: Case, content: bytes) -> DeliveryError | None:
    """Read and check the balance, or return the refusal; any other error is raised."""
    try:
        read(case.format, case.feed, content)
    except DeliveryError as error:
        return error
    return None


HOSTILE = {
    "zeros": b"\0" * 5000,
    "newlines": b"\n" * 5000,
    "brackets": b"[" * 200_000,
    "braces": b'{"a":' * 50_000,
    "slashes": b"/" * 50_000,
    "commas": b"," * 50_000 + b"\n" + b"," * 7,
    "tabs": b"\t" * 50_000,
    "quotes": b'"' * 49_999,
    "entity bomb": b'<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;">]><service_requests><request>&c;</request></service_requests>',
    "file entity": b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><service_requests>&b;</service_requests>',
    "deep tree": b"<a>" * 100_000,
    "deep closed tree": b"<service_requests>" + b"<a>" * 20_000 + b"</a>" * 20_000 + b"</service_requests>",
    "long number": b'[{"lat":' + b"9" * 10_000 + b"}]",
    "lone surrogate": b'{"service_request_id":"\\ud800"}',
    "escaped zero": b'{"service_request_id":"\\u0000"}',
    "compressed": gzip.compress(b"a\n" * 1_000_000),
    "zlib as text": b"x\x01" + b"hello\n" * 20_000,
    "formula": b"=cmd|' /C calc'!A0,1\n@SUM(1)\t2\t3\t4\t5\n",
    "html": b"<html><body>502 Bad Gateway</body></html>",
    "fragments": b"!AIVDM,9,1,1,A,0,0*00\n" * 500,
    "tag block": b"\\" * 5000 + b"\n\\c:1*00\\\n\\g:1-2-3*" + b"00\\" * 3,
    "arabic digits": "//SR//DA/٢٠٢٦١١٢٠//TI/٠٢٠٠//ER//\n!AIVDM,١,١,,A,0,0*00".encode(),
    "far year": b"//SR//DA/99999999//TI/9999//LT/1e999//SP/nan//ER//",
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_bytes_are_refused_or_accounted_for(case: Case, read: Read, content: bytes) -> None:
    for placed in (content, case.write(2) + content):
        refusal = read_or_refuse(read, case, placed)
        assert refusal is None or len(str(refusal)) < 1000


def test_a_piece_without_end_is_cut_and_counted_once(case: Case, read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "PIECE_BYTES_LIMIT", 2000)
    monkeypatch.setattr(base, "BLOCK_BYTES", 700)
    piece = case.piece(2).encode()
    place = piece.index(b"2")
    content = case.write(4).replace(piece, piece[:place] + b"9" * 50_000 + piece[place:])
    delivered = read(case.format, case.feed, content)
    assert delivered.reasons == [(3 + case.skipped, "piece_too_long", 4)]
    assert len(delivered.reading.unreadable["_raw"][0]) <= 2700
    assert len(delivered.rows) == 3


def test_a_document_above_the_limit_is_refused(case: Case, read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "DOCUMENT_BYTES_LIMIT", 2000)
    monkeypatch.setattr(base, "BLOCK_BYTES", 500)
    content = case.write(200)
    is_document = not case.is_lines and case.name != "giamdinhhs"  # claims are cut one by one while they come
    if is_document or case.name in ("csv", "case_lines", "opendengue"):
        with pytest.raises(DeliveryError) as caught:
            read(case.format, case.feed, content)
        assert caught.value.values["reason"] == "document_too_large"
    else:
        assert len(read(case.format, case.feed, content).rows) == 200


def test_a_delivery_of_too_many_pieces_is_refused_whole(
    case: Case, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces = sum(read(case.format, case.feed, case.write(200)).pieces.values())
    monkeypatch.setattr(base, "PIECES_LIMIT", pieces)
    monkeypatch.setattr(base, "BLOCK_BYTES", 500)
    assert len(read(case.format, case.feed, case.write(200)).rows) == 200
    with pytest.raises(DeliveryError, match=f"up to {pieces} pieces") as caught:
        read(case.format, case.feed, case.write(202))
    assert caught.value.values["reason"] == "too_many_pieces"


Mutation = tuple[str, float, float, bytes]
MUTATIONS = st.lists(
    st.tuples(
        st.sampled_from(["drop", "double", "corrupt", "truncate", "swap", "insert"]),
        st.floats(0, 1),
        st.floats(0, 0.3),
        st.binary(min_size=1, max_size=6) | st.sampled_from([b"\n", b"\r", b"\\", b'"', b"//SR//", b"<", b"]", b"\0"]),
    ),
    min_size=1,
    max_size=4,
)


def mutate(content: bytes, mutations: list[Mutation]) -> bytes:
    """Do to a delivery what transfer, disks and people do."""
    for kind, place, share, noise in mutations:
        start = int(place * len(content))
        end = start + int(share * len(content)) + 1
        content = {
            "drop": content[:start] + content[end:],
            "double": content[:end] + content[start:],
            "corrupt": content[:start] + noise + content[start + len(noise) :],
            "truncate": content[:start],
            "swap": content[:start]
            + content[end : end + end - start]
            + content[start:end]
            + content[2 * end - start :],
            "insert": content[:start] + noise + content[start:],
        }[kind]
    return content


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mutations=MUTATIONS, count=st.integers(1, 12))
def test_no_mutation_loses_a_piece(case: Case, read: Read, mutations: list[Mutation], count: int) -> None:
    content = mutate(case.write(count), mutations)
    refusal = read_or_refuse(read, case, content)
    assert refusal is None or "reason" in refusal.values


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=300))
def test_no_bytes_at_all_lose_a_piece(case: Case, read: Read, content: bytes) -> None:
    refusal = read_or_refuse(read, case, content)
    assert refusal is None or "reason" in refusal.values
