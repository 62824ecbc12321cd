"""What is special about dossiers: three shapes, a version derived from moments, lists that become counts, an answer that refuses."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from core.errors import DeliveryError

FEED = "public_services.dossiers"
Read = Callable[..., Any]


def rows_of(read: Read, *dossiers: object) -> list[dict[str, object]]:
    content = "\n".join(json.dumps(dossier) for dossier in dossiers).encode()
    rows: list[dict[str, object]] = read("table", FEED, content).rows
    return rows


def test_an_answer_an_array_and_lines_tell_the_same(read: Read) -> None:
    dossiers = [{"MaHoSo": f"H57.1-{number}", "TrangThaiHoSo": number} for number in (1, 2, 3)]
    lines = rows_of(read, *dossiers)
    array = read("table", FEED, json.dumps(dossiers, indent=1).encode()).rows
    answer = {"error_code": 0, "message": '"data":[', "data": dossiers}
    for shape in (answer, dict(reversed(answer.items())), {"data": dossiers}):
        assert read("table", FEED, json.dumps(shape, indent=1).encode()).rows == lines
    assert array == lines
    assert [row["dossier_id"] for row in lines] == ["H57.1-1", "H57.1-2", "H57.1-3"]


def test_an_empty_answer_has_no_pieces(read: Read) -> None:
    assert read("table", FEED, b'{"error_code":"0","message":"","data":[]}').pieces == {0: 0}


@pytest.mark.parametrize("code", ["1", '"1001"', "-1", '"E7"'])
def test_an_answer_that_refuses_is_no_empty_answer(code: str, read: Read) -> None:
    with pytest.raises(DeliveryError, match="expected an answer with error_code 0") as caught:
        read("table", FEED, f'{{"error_code":{code},"message":"0905123456 bị từ chối","data":[]}}'.encode())
    assert caught.value.values["reason"] == "source_refused"
    assert "0905" not in str(caught.value)


def test_an_answer_that_breaks_off_before_its_list_is_one_unreadable_piece(read: Read) -> None:
    delivered = read("table", FEED, b'{"error_code":0,"mess')
    assert (delivered.rows, delivered.reasons) == ([], [(1, "truncated", 4)])


@pytest.mark.parametrize("content", [b'{"error_code":0,"data":"none"}', b'{"data":null}', b'{"data":{}}'])
def test_an_answer_without_a_list_is_refused_whole(content: bytes, read: Read) -> None:
    with pytest.raises(DeliveryError, match="one list data") as caught:
        read("table", FEED, content)
    assert caught.value.values["reason"] == "no_list"


def test_text_after_the_list_of_a_broken_answer_is_kept(read: Read) -> None:
    delivered = read("table", FEED, b'{"data":[{"MaHoSo":"a"}], oops')
    assert delivered.rows == [{"dossier_id": "a"}]
    assert delivered.reasons == [(2, "trailing_text", 4)]


def test_a_key_that_is_no_utf8_beside_the_list_harms_no_dossier(read: Read) -> None:
    delivered = read("table", FEED, b'{"error_code":0,"\x80":1,"data":[{"MaHoSo":"HS-1"}]}')
    assert ([row["dossier_id"] for row in delivered.rows], delivered.reasons) == (["HS-1"], [])


def test_the_version_is_the_latest_moment_of_any_part(read: Read) -> None:
    base = {"NgayNopHoSo": "20261101080000", "NgayTiepNhan": "20261101090000", "NgayHenTra": "20261231170000"}
    rows = rows_of(
        read,
        base,
        base | {"NgayKetThucXuLy": "20261103080000", "NgayTra": "20261102080000"},
        base | {"NgayTuChoi": "20261104080000"},
        base | {"TienTrinh": [{"ThoiDiemXuLy": "20261106080000"}, {"ThoiDiemXuLy": "20261105080000"}]},
        base | {"DanhSachHoSoBoSung": [{"NgayBoSung": "20261107080000", "NgayHenTraMoi": "20270101080000"}]},
        {"NgayHenTra": "20261231170000"},
    )
    assert [row.get("changed_at") for row in rows] == [
        "20261101090000",
        "20261103080000",
        "20261104080000",
        "20261106080000",
        "20261107080000",
        None,
    ]


def test_lists_become_counts_and_a_list_that_was_not_sent_is_unknown(read: Read) -> None:
    parts = [
        {"DuocSoHoa": 1, "DuocTaiSuDung": 1},
        {"DuocSoHoa": "3"},
        {"DuocSoHoa": 0, "DuocTaiSuDung": 1},
        {"DuocSoHoa": 1},
    ]
    known, none, unknown = rows_of(
        read, {"TaiLieuNop": parts, "DanhSachGiayToKetQua": ["a", {}]}, {"TaiLieuNop": []}, {"TaiLieuNop": "nhiều"}
    )
    assert known == {
        "component_count": "4",
        "digitised_component_count": "3",
        "reused_component_count": "2",
        "result_paper_count": "2",
    }
    assert none == dict.fromkeys(list(known)[:3], "0")
    assert unknown == {}


def test_a_flag_that_no_component_carries_is_unknown(read: Read) -> None:
    silent, first, second = rows_of(
        read,
        {"TaiLieuNop": [{"Ten": "Đơn"}, {}]},
        {"TaiLieuNop": [{"DuocSoHoa": 1}, {}]},
        {"TaiLieuNop": [{"DuocSoHoa": 0}, {"DuocSoHoa": 1, "DuocTaiSuDung": 0}]},
    )
    assert silent == {"component_count": "2"}
    assert first == {"component_count": "2", "digitised_component_count": "1"}
    assert second == {"component_count": "2", "digitised_component_count": "1", "reused_component_count": "0"}


def test_fees_are_summed_exactly_and_a_fee_that_is_no_number_is_shown(read: Read) -> None:
    fees = [[{"Gia": 0.1}, {"Gia": "0.2"}], [], [{"Gia": 50000}, {"Gia": "miễn"}], [{"Gia": ""}]]
    rows = rows_of(read, *({"DanhSachLePhi": entry} for entry in fees))
    assert [row.get("fee_amount") for row in rows] == ["0.30", "0", "miễn", "0"]


def test_every_version_of_the_due_date_is_kept(read: Read) -> None:
    changes = [
        {"NgayBoSung": "1", "NgayHenTraTruoc": "2", "NgayHenTraMoi": "3"},
        {"NgayBoSung": "4", "NgayHenTraTruoc": "3", "NgayHenTraMoi": "5"},
    ]
    changed, unchanged = rows_of(
        read, {"MaHoSo": "a", "DanhSachHoSoBoSung": changes}, {"MaHoSo": "b", "DanhSachHoSoBoSung": []}
    )
    assert changed["due_changes"] == "1/2/3;4/3/5"
    assert "due_changes" not in unchanged


def test_the_first_identity_counts_and_the_papers_stand_in_for_none(read: Read) -> None:
    rows = rows_of(
        read,
        {"DinhDanhCHS": [{"LoaiDinhDanh": 1, "SoDinhDanh": "046"}, {"SoDinhDanh": "047"}], "SoGiayToChuHoSo": "048"},
        {"DinhDanhCHS": [], "SoGiayToChuHoSo": "048"},
    )
    assert [row["identity_number"] for row in rows] == ["046", "048"]
    assert [row.get("identity_type_code") for row in rows] == ["1", None]
