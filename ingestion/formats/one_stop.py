"""Dossiers of a one-stop system (`HoSo`, with its steps in `TienTrinh`): an answer, a bare JSON array, or one JSON object a line.

An answer is `{"error_code": 0, "message": ..., "data": [...]}`; which of the three a delivery is, its beginning tells. A piece is one
dossier, the exact text of it. An answer or array that ends in the middle gives all its complete dossiers, and one unreadable piece
for the rest; an answer with another error code is refused whole.

The wire has no version. The version of a dossier is the latest moment that any part of it tells of what has happened; what is
promised for the future (`NgayHenTra`) is none. Lists become counts, sums and the text of the due dates; numbers may come as numbers
or as text; a key that stands twice counts once, the first time. What is not in DIRECT or DERIVED (who handled a step, what a component is
called) stays in landing.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import BinaryIO

import duckdb
import polars as pl

from core.contract import Contract
from core.errors import DeliveryError
from ingestion.formats import base
from ingestion.formats.base import Envelope, Pieces, Reading
from ingestion.formats.documents import array_pieces, member_pieces, read_document
from ingestion.formats.lines import IS_BLANK, as_unreadable, empty_as_null, set_aside, split_lines, without_mark
from ingestion.formats.members import member_shapes

IS_ANSWER = re.compile(rb'\s*\{\s*"(error_code|message|data)"\s*:')
ERROR_CODE = re.compile(rb'"error_code"\s*:\s*"?(-?\w+)')

LISTS: Mapping[str, tuple[str, ...]] = {
    "DinhDanhCHS": ("LoaiDinhDanh", "SoDinhDanh"),
    "TaiLieuNop": ("DuocSoHoa", "DuocTaiSuDung"),
    "DanhSachLePhi": ("Gia",),
    "DanhSachHoSoBoSung": ("NgayBoSung", "NgayHenTraTruoc", "NgayHenTraMoi"),
    "TienTrinh": ("ThoiDiemXuLy",),
}
"""Lists of objects within a dossier, and what is read of each object."""

FEW = 1_000
"""Below this many dossiers a second thread costs more than it saves."""

PAPERS = "DanhSachGiayToKetQua"
MOMENTS = ("NgayNopHoSo", "NgayTiepNhan", "NgayKetThucXuLy", "NgayTra", "NgayTuChoi")
"""Moments of a dossier that lie in its past."""

KNOWN = (*LISTS, PAPERS, "SoGiayToChuHoSo", "MaDoiTuong", "ThongTinTra", "HinhThuc", "DSKetNoiCSDL")
"""Keys of a dossier that are no columns, and no surprise."""

DERIVED: Mapping[str, str] = {
    "identity_type_code": "dossier.DinhDanhCHS[1].LoaiDinhDanh",
    "identity_number": "coalesce(nullif(dossier.DinhDanhCHS[1].SoDinhDanh, ''), dossier.SoGiayToChuHoSo)",
    "component_count": "len(dossier.TaiLieuNop)",
    "digitised_component_count": "len(list_filter(dossier.TaiLieuNop, lambda part: part.DuocSoHoa not in ('', '0')))",
    "reused_component_count": """len(list_filter(dossier.TaiLieuNop, lambda part:
        part.DuocSoHoa not in ('', '0') and (part.DuocTaiSuDung = '1' or part.DuocSoHoa in ('2', '3'))))""",
    "fee_amount": """coalesce(
        list_filter(dossier.DanhSachLePhi, lambda fee: fee.Gia <> '' and try_cast(fee.Gia as decimal(18, 2)) is null)[1].Gia,
        list_sum(list_transform(dossier.DanhSachLePhi, lambda fee: try_cast(fee.Gia as decimal(18, 2))))::varchar,
        if(dossier.DanhSachLePhi is null, null, '0'))""",
    "result_paper_count": f"len(dossier.{PAPERS})",
    "due_changes": """list_aggregate(list_transform(dossier.DanhSachHoSoBoSung, lambda supplement:
        concat_ws('/', supplement.NgayBoSung, supplement.NgayHenTraTruoc, supplement.NgayHenTraMoi)), 'string_agg', ';')""",
    "step_count": "len(dossier.TienTrinh)",
    "last_step_at": "list_max(list_transform(dossier.TienTrinh, lambda step: step.ThoiDiemXuLy))",
    "changed_at": f"""greatest({", ".join(f"nullif(dossier.{name}, '')" for name in MOMENTS)},
        list_max(list_transform(dossier.TienTrinh, lambda step: step.ThoiDiemXuLy)),
        list_max(list_transform(dossier.DanhSachHoSoBoSung, lambda supplement: supplement.NgayBoSung)))""",
}
"""Columns that are made of more than one key, as SQL over `dossier`. Times are yyyyMMddHHmmss, so that the latest is the greatest text."""


class OneStop:
    """Dossiers as an answer, an array or JSON lines."""

    def split(self, content: BinaryIO, envelope: Envelope) -> Iterator[Pieces]:  # noqa: ARG002
        """Cut a delivery into dossiers; raise DeliveryError for an answer that refuses, or a document too large."""
        beginning = without_mark(content.read(base.BLOCK_BYTES))
        if beginning.lstrip()[:1] == b"[":
            yield array_pieces(read_document(content, beginning))
        elif IS_ANSWER.match(beginning):
            document = read_document(content, beginning)
            _refuse_an_error(document)
            yield member_pieces(document, "data")
        else:
            yield from split_lines(content, beginning)

    def read(self, pieces: pl.DataFrame, contract: Contract, envelopes: Mapping[int, Envelope]) -> Reading:  # noqa: ARG002
        """Read dossiers; `changed_at` is the latest of their moments."""
        readable, unreadable, skipped = set_aside(
            pieces,
            {"blank_line": IS_BLANK},
            {
                "not_a_dossier": ~pl.col("_raw").str.strip_chars_start().str.starts_with("{"),
                "nul_byte": pl.col("_raw").str.contains("\\u0000", literal=True),
            },
        )
        parsed = _parse(readable, contract)
        records = parsed.filter("is_read").select(
            "_delivery",
            "_position",
            "_raw",
            pl.lit(1, dtype=pl.Int64).alias("_record_count"),
            *(empty_as_null(pl.col(name)).alias(name) for name in contract.column_names),
        )
        broken = parsed.filter(~pl.col("is_read")).with_columns(pl.lit("not_json").alias("reason"))
        shapes = member_shapes(readable, _direct(contract), KNOWN)
        return Reading(records, pl.concat([unreadable, as_unreadable(broken)]), skipped, shapes)


def _refuse_an_error(document: bytes) -> None:
    found = ERROR_CODE.search(document)
    if found and found[1] != b"0":
        raise DeliveryError(
            f"delivery: an answer with error_code 0 was promised, {found[1][:10].decode(errors='replace')} came",
            reason="source_refused",
        )


def columns_of(contract: Contract) -> dict[str, str]:
    """Write each column of the contract as SQL over `dossier`, which has the structure of `structure_of`."""
    direct = {name: f'dossier."{key}"' for name, key in _direct(contract).items()}
    columns = {**direct, **DERIVED}
    return {name: f"({columns[name]})::varchar" for name in contract.column_names}


def structure_of(contract: Contract) -> str:
    """Write what is read of a dossier, as DuckDB's `json_transform` wants it: a key that is no column and no list is passed over."""
    structure = {
        **dict.fromkeys((*_direct(contract).values(), *MOMENTS, "SoGiayToChuHoSo"), "VARCHAR"),
        **{name: [dict.fromkeys(keys, "VARCHAR")] for name, keys in LISTS.items()},
        PAPERS: ["JSON"],
    }
    return json.dumps(structure)


def _direct(contract: Contract) -> dict[str, str]:
    return {column.name: column.wire_name for column in contract.columns if column.name not in DERIVED}


def _parse(pieces: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Add `is_read` and the contract's columns, as text; a text that is no JSON has `is_read` false."""
    shown = ", ".join(f'{column} as "{name}"' for name, column in columns_of(contract).items())
    with duckdb.connect(config={"threads": 1} if pieces.height < FEW else {}) as connection:
        connection.register("texts", pieces.select("_raw"))
        query = f"""
            with dossiers as (select try(json_transform(_raw, $structure)) as dossier from texts)
            select dossier is not null as is_read, {shown} from dossiers
        """  # noqa: S608  keys and columns of the contract
        return pieces.hstack(connection.execute(query, {"structure": structure_of(contract)}).pl())
