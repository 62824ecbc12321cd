"""Lines are cut the same whatever the block, and a broken line affects no other."""

import io
import tracemalloc

import polars as pl
import pytest

from core.errors import DeliveryError
from ingestion.formats import base, lines
from ingestion.formats.base import Pieces, join_pieces
from ingestion.formats.lines import gather, split_lines


def cut(content: bytes) -> list[tuple[int, str, str | None]]:
    frame = join_pieces([(0, block) for block in split_lines(io.BytesIO(content))])
    return frame.select("_position", "_raw", "_problem").rows()


@pytest.fixture(params=[1, 3, 64, 1 << 20], ids=lambda size: f"blocks of {size}")
def block_bytes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "BLOCK_BYTES", request.param)


@pytest.fixture(params=[0, 1 << 20], ids=["series", "lists"])
def many_bytes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MANY_BYTES", request.param)


@pytest.mark.usefixtures("block_bytes", "many_bytes")
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", []),
        (b"\n", [""]),
        (b"\n\n", ["", ""]),
        (b"a", ["a"]),
        (b"a\n", ["a"]),
        (b"a\r\nb\nc\r\n", ["a", "b", "c"]),
        (b"a\r", ["a"]),
        (b"a\r\r\n\r\n", ["a\r", ""]),
        (b"a\rb\n", ["a\rb"]),
        ("é\x85\u2028ộ\n\x0bx\x0c\n".encode(), ["é\x85\u2028ộ", "\x0bx\x0c"]),
        (b"\xef\xbb\xbfa\n\xef\xbb\xbfb", ["a", "\ufeffb"]),
    ],
)
def test_lines_end_at_lf_and_nowhere_else(content: bytes, expected: list[str]) -> None:
    if base.BLOCK_BYTES < 3 and content.startswith(b"\xef\xbb\xbf"):
        pytest.skip("a mark is looked for in the first block, which is never that small")
    assert cut(content) == [(position, line, None) for position, line in enumerate(expected, 1)]


@pytest.mark.usefixtures("block_bytes", "many_bytes")
def test_a_sick_line_is_sick_alone() -> None:
    assert cut(b"a\n\xe9t\xe9\r\nb\nx\0y\nc") == [
        (1, "a", None),
        (2, "\\xe9t\\xe9", "not_utf8"),
        (3, "b", None),
        (4, "x\\x00y", "nul_byte"),
        (5, "c", None),
    ]


@pytest.mark.usefixtures("many_bytes")
@pytest.mark.parametrize("size", [5, 17, 100, 4096])
def test_an_endless_line_is_one_cut_piece(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "BLOCK_BYTES", size)
    monkeypatch.setattr(base, "PIECE_BYTES_LIMIT", 50)
    found = cut(b"a\n" + b"9" * 1000 + b"\nb\n" + b"8" * 1000)
    assert [(position, problem) for position, _, problem in found] == [
        (1, None),
        (2, "piece_too_long"),
        (3, None),
        (4, "piece_too_long"),
    ]
    assert found[1][1] == "9" * 50


@pytest.mark.parametrize("most", [1, 2, 3, 7])
@pytest.mark.parametrize(
    "content", [b"\n" * 20, b"a" * 50 + b"\n" * 9, b"\n" * 9 + b"a" * 50 + b"\n", b"a\nbb\n" * 5 + b"c"]
)
def test_a_block_has_no_more_lines_than_it_may(content: bytes, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = cut(content)
    monkeypatch.setattr(base, "BLOCK_PIECES", most)
    assert cut(content) == whole
    assert max(len(block.raws) for block in split_lines(io.BytesIO(content))) <= most


class Newlines(io.RawIOBase):
    """A file of nothing but newlines, without an end."""

    def read(self, size: int = -1) -> bytes:
        return b"\n" * size


def test_newlines_without_end_are_refused_before_they_fill_the_memory() -> None:
    tracemalloc.start()
    with pytest.raises(DeliveryError, match="up to 5000000 pieces"):
        list(gather(split_lines(Newlines())))  # type: ignore[arg-type]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 6 * base.BLOCK_BYTES


class Endless(io.RawIOBase):
    """A gigabyte of one line, never held whole."""

    def __init__(self, size: int) -> None:
        self.left = size

    def read(self, size: int = -1) -> bytes:
        size = min(size, self.left)
        self.left -= size
        return b"9" * size


def test_a_line_of_a_gigabyte_does_not_fill_the_memory() -> None:
    tracemalloc.start()
    blocks = list(split_lines(Endless(1 << 30)))  # type: ignore[arg-type]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [(block.first_position, len(block.raws), dict(block.problems)) for block in blocks] == [
        (1, 1, {0: "piece_too_long"})
    ]
    assert peak < 6 * base.BLOCK_BYTES


def test_a_compressed_file_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MANY_BYTES", 0)
    assert cut(b"x\x01hello\nb\n") == [(1, "x\x01hello", None), (2, "b", None)]


def test_gathered_blocks_keep_positions_and_problems(monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = [Pieces(1, ["a", "b"], {1: "nul_byte"}), Pieces(3, pl.Series(["c"])), Pieces(4, ["d"], {0: "not_utf8"})]
    (one,) = gather(iter(blocks))
    assert (one.first_position, list(one.raws), dict(one.problems)) == (
        1,
        ["a", "b", "c", "d"],
        {1: "nul_byte", 3: "not_utf8"},
    )
    monkeypatch.setattr(base, "DOCUMENT_BYTES_LIMIT", 2)
    assert [(part.first_position, list(part.raws)) for part in gather(iter(blocks))] == [
        (1, ["a", "b", "c"]),
        (4, ["d"]),
    ]


def test_joined_pieces_keep_deliveries_positions_and_problems_apart() -> None:
    blocks = [
        (7, Pieces(1, ["a", "b"], {1: "not_utf8"})),
        (8, Pieces(1, [])),
        (9, Pieces(5, pl.Series("other", ["c", "d"]))),
        (9, Pieces(7, ["e"], {0: "nul_byte"})),
    ]
    frame = join_pieces(blocks)
    assert dict(frame.schema) == base.PIECES_SCHEMA
    assert frame.rows() == [
        (7, 1, "a", None),
        (7, 2, "b", "not_utf8"),
        (9, 5, "c", None),
        (9, 6, "d", None),
        (9, 7, "e", "nul_byte"),
    ]
    assert join_pieces([]).height == 0
