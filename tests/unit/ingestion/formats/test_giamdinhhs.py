"""Claims: inner files are read alone, judged with their siblings, and cannot be used to attack the reader."""

from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest

from core.errors import DeliveryError
from ingestion.formats import base
from simulator.claim_files import Dossier, list_file, message, summary_file

Read = Callable[..., Any]
FEED = "health.claims"
CLAIM = {"MA_LK": "A", "STT": 1, "NGAY_VAO": "202611200800", "NGAY_RA": "202611200900", "T_THUOC": "30.50"}
LINES = [{"MA_LK": "A", "STT": 1, "THANH_TIEN_BV": "10.25"}, {"MA_LK": "A", "STT": 2, "THANH_TIEN_BV": "20.25"}]


def send(read: Read, *dossiers: Dossier, declared: int | None = None) -> Any:
    return read("giamdinhhs", FEED, message("46001", "20261120", dossiers, declared))


def medicines(lines: list[dict[str, object]] = LINES) -> tuple[str, str]:
    return "XML2", list_file("XML2", lines)


def row_of(delivered: Any, kind: str = "XML1") -> dict[str, object]:
    (row,) = [row for row in delivered.rows if row["file_kind"] == kind]
    return dict(row)


def test_sums_of_the_lines_stand_beside_the_claim_exactly(read: Read) -> None:
    claim = row_of(send(read, [("XML1", summary_file(CLAIM)), medicines()]))
    assert (claim["medicine_lines_vnd"], claim["service_lines_vnd"]) == ("30.50", "0")


@pytest.mark.parametrize(
    ("sibling", "reason"),
    [
        (("XML2", b"PD94b!"), "bad_base64"),
        (("XML2", b"PD9"), "bad_base64"),
        (("XML2", b"/////w=="), "not_utf8"),
        (("XML2", "<CHITIEU_CHITIET_THUOC><a>"), "not_xml"),
        (("XML2", "<THUOC/>"), "another_root"),
        (("XML2", "<CHITIEU_CHITIET_THUOC><KHAC/></CHITIEU_CHITIET_THUOC>"), "another_structure"),
        (("", "<a/>"), "not_a_file"),
        (("XML2", '<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><a>&c;</a>'), "not_xml"),
        (("XML2", '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]><a>&b;</a>'), "not_xml"),
        (("XML2", '<!DOCTYPE a SYSTEM "http://127.0.0.1:1/a.dtd"><a/>'), "not_xml"),
        (("XML2", "<CHITIEU_CHITIET_THUOC>&undeclared;</CHITIEU_CHITIET_THUOC>"), "not_xml"),
    ],
)
def test_an_unreadable_file_is_alone_and_its_sum_is_not_judged(
    sibling: tuple[str, str | bytes], reason: str, read: Read
) -> None:
    delivered = send(read, [("XML1", summary_file(CLAIM)), sibling, ("XML5", list_file("XML5", []))])
    assert delivered.reasons == [(3, reason, 4)]
    assert {row["file_kind"] for row in delivered.rows} == {"XML1", "XML5"}
    assert "medicine_lines_vnd" not in row_of(delivered)
    assert delivered.reading.unreadable["_raw"][0].startswith('<HOSO MACSKCB="46001" NGAYLAP="20261120" STT="1"><FILE')


def test_an_entity_declared_in_utf_16_or_by_an_encoding_is_not_read(read: Read) -> None:
    body = '<!DOCTYPE a [<!ENTITY b "x">]><TONG_HOP><MA_LK>&b;</MA_LK></TONG_HOP>'
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-7", "cp037"):
        attack = f'<?xml version="1.0" encoding="{encoding[:6]}"?>{body}'.encode(encoding)
        delivered = send(read, [("XML1", b64encode(attack))])
        assert delivered.rows == []
        assert delivered.reasons[0][1] in ("not_utf8", "not_xml")


@pytest.mark.parametrize("place", ["before", "after"])
def test_a_doctype_in_the_wrapper_refuses_the_delivery(place: str, read: Read) -> None:
    whole = message("46001", "20261120", [[("XML1", summary_file(CLAIM))]])
    doctype = b'<!DOCTYPE GIAMDINHHS [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    mark = b"\n<GIAMDINHHS>" if place == "before" else b"<GIAMDINHHS>"
    with pytest.raises(DeliveryError) as caught:
        read("giamdinhhs", FEED, whole.replace(mark, doctype + mark if place == "before" else mark + doctype))
    assert caught.value.values["reason"] == "not_xml"


def test_children_without_a_readable_claim_or_of_another_one_are_strays(read: Read) -> None:
    others = [{**line, "MA_LK": "B"} for line in LINES]
    delivered = send(
        read,
        [medicines()],
        [("XML1", b"!"), medicines()],
        [("XML1", summary_file(CLAIM)), medicines(others)],
        [("XML1", summary_file(CLAIM)), medicines([LINES[0], others[1]])],
        [("XML1", summary_file(CLAIM)), medicines()],
    )
    strays = [row["stray_line_count"] for row in delivered.rows if row["file_kind"] == "XML2"]
    assert strays == ["2", "2", "2", "1", "0"]
    sums = [row.get("medicine_lines_vnd") for row in delivered.rows if row["file_kind"] == "XML1"]
    assert sums == [None, None, "30.50"], "lines of another claim tell nothing of this one"


def test_restricted_kinds_give_whose_they_are_and_how_many_lines_and_nothing_else(read: Read) -> None:
    hiv = {"MA_LK": "A", "NGAYKD_HIV": "20200101", "HO_TEN": "Nguyễn Văn Kín", "NGAY_YL": "x", "THANH_TIEN_BV": "5"}
    for kind in ("XML6", "XML15"):
        row = row_of(send(read, [("XML1", summary_file(CLAIM)), (kind, list_file(kind, [hiv, hiv]))]), kind)
        assert set(row) == {
            "facility_code",
            "claim_id",
            "file_kind",
            "created_at",
            "sending_id",
            "line_count",
            "stray_line_count",
            "repeated_line_count",
        }
        assert (row["claim_id"], row["line_count"], row["repeated_line_count"]) == ("A", "2", "1")


def test_a_wrong_number_of_dossiers_is_told_and_costs_nothing(read: Read) -> None:
    delivered = send(read, [("XML1", summary_file(CLAIM))], declared=3)
    assert len(delivered.rows) == 1
    assert delivered.reasons == [(3, "claim_count_differs", 6)]
    assert delivered.reading.unreadable["_raw"].to_list() == ["<SOLUONGHOSO>3</SOLUONGHOSO><!-- 1 HOSO -->"]


def test_an_equal_dossier_has_the_same_version_and_any_change_in_it_another(read: Read) -> None:
    first = [("XML1", summary_file(CLAIM)), medicines()]
    changed = [("XML1", summary_file(CLAIM)), medicines(LINES[:1])]
    delivered = send(read, first, first, changed)
    versions = [row["sending_id"] for row in delivered.rows if row["file_kind"] == "XML1"]
    assert versions[0] == versions[1] != versions[2], "the claim alone is unchanged, the dossier is not"


def test_a_damaged_dossier_costs_its_own_files_only(read: Read) -> None:
    good = [("XML1", summary_file(CLAIM)), medicines()]
    whole = message("46001", "20261120", [good, good, good])
    first, second, third = [place for place in range(len(whole)) if whole.startswith(b"</HOSO>", place)]
    unclosed = whole[:second] + whole[second + len(b"</HOSO>") :]
    assert len(read("giamdinhhs", FEED, unclosed).rows) == 6, "the next dossier begins all the same"
    cut = read("giamdinhhs", FEED, whole[: first - 40] + whole[first:])
    assert [reason for _, reason, _ in cut.reasons] == ["stray_text"]
    assert len(cut.rows) == 5
    stray = read("giamdinhhs", FEED, whole[: third + 7] + b"<!-- ghi chu --> rac " + whole[third + 7 :])
    assert [reason for _, reason, _ in stray.reasons] == ["stray_text"]
    assert stray.skipped == {"comment": 1, "head": 1}


def test_lines_are_counted_where_they_break_a_promise(read: Read) -> None:
    lines = [
        {"MA_LK": "A", "STT": 2, "THANH_TIEN_BV": "1", "NGAY_YL": "202611200900", "NGAY_TH_YL": "202611200800"},
        {"MA_LK": "A", "STT": 3, "THANH_TIEN_BV": "nan", "NGAY_YL": "20261120", "NGAY_TH_YL": "202611200800"},
        {"MA_LK": "A", "STT": 4, "NGAY_YL": "202611200800"},
    ]
    row = row_of(send(read, [("XML1", summary_file(CLAIM)), medicines(lines)]), "XML2")
    counts = ("first_line_number", "ill_timed_line_count", "early_line_count", "unpriced_line_count", "line_count")
    assert [row[name] for name in counts] == ["2", "1", "1", "2", "3"]
    assert "lines_amount_vnd" not in row


TWICE: list[dict[str, object]] = [
    {"MA_LK": "A", "STT": 1},
    {"MA_LK": "A", "STT": "01", "SO_LUONG": 2},
    {"MA_LK": "A", "STT": 2},
]


@pytest.mark.parametrize("kind", ["XML0", "XML2", "XML3", "XML4", "XML5", "XML6", "XML7", "XML15"])
def test_a_number_that_comes_again_is_counted_in_every_kind_of_file(read: Read, kind: str) -> None:
    for lines, count in (
        (TWICE, "1"),
        (TWICE[1:], "0"),
        ([*TWICE, *TWICE], "4"),
        ([{"MA_LK": "A"}, {"MA_LK": "A"}], "1"),
    ):
        row = row_of(send(read, [("XML1", summary_file(CLAIM)), (kind, list_file(kind, lines))]), kind)
        assert row["repeated_line_count"] == count
    others = [{"MA_LK": "A", "STT": 1}, {"MA_LK": "B", "STT": 1}]
    row = row_of(send(read, [("XML1", summary_file(CLAIM)), (kind, list_file(kind, others))]), kind)
    assert row["repeated_line_count"] == "0", "another claim numbers its own lines"


def test_lines_and_files_that_come_twice_are_summed_once(read: Read) -> None:
    doubled = medicines([*LINES, {**LINES[0], "STT": "01"}, LINES[1]])
    for files in ([doubled], [medicines(), medicines()], [doubled, doubled]):
        claim = row_of(send(read, [("XML1", summary_file(CLAIM)), *files]))
        assert claim["medicine_lines_vnd"] == "30.50", "the total of a claim whose lines came once is right"
    different = medicines([{**LINES[0], "THANH_TIEN_BV": "1"}])
    claim = row_of(send(read, [("XML1", summary_file(CLAIM)), medicines(), different]))
    assert claim["medicine_lines_vnd"] == "31.50"


def services(**times: str) -> tuple[str, str]:
    return "XML3", list_file("XML3", [{"MA_LK": "A", "STT": 1, "MA_DICH_VU": "03.1", "THANH_TIEN_BV": "1", **times}])


@pytest.mark.parametrize(
    ("times", "disordered"),
    [
        ({"NGAY_YL": "202611200900", "NGAY_TH_YL": "202611200930", "NGAY_KQ": "202611200930"}, "0"),
        ({"NGAY_YL": "202611200900", "NGAY_TH_YL": "202611200930", "NGAY_KQ": "202611200929"}, "1"),
        ({"NGAY_YL": "202611200900", "NGAY_KQ": "202611200859"}, "1"),
        ({"NGAY_TH_YL": "202611200930", "NGAY_KQ": "20261119"}, "0"),
        ({"NGAY_KQ": "202611200859"}, "0"),
    ],
)
def test_a_result_older_than_its_order_or_execution_is_counted(
    read: Read, times: dict[str, str], disordered: str
) -> None:
    supply = ("XML3", list_file("XML3", [{"MA_LK": "A", "STT": 1, "MA_VAT_TU": "N1", "THANH_TIEN_BV": "1", **times}]))
    for file in (supply, services(**times)):
        row = row_of(send(read, [("XML1", summary_file(CLAIM)), file]), "XML3")
        assert row["disordered_line_count"] == disordered


@pytest.mark.parametrize(("result", "disordered"), [("202611200930", "0"), ("202611200929", "1")])
def test_a_result_of_its_own_file_is_held_against_the_service_it_belongs_to(
    read: Read, result: str, disordered: str
) -> None:
    found = {"MA_LK": "A", "STT": 1, "MA_DICH_VU": "03.1", "NGAY_KQ": result}
    other = {**found, "STT": 2, "MA_DICH_VU": "03.2", "NGAY_KQ": "202611200900"}
    service = services(NGAY_YL="202611200900", NGAY_TH_YL="202611200930")
    again = services(NGAY_YL="202611201000", NGAY_TH_YL="202611201030")
    files = [("XML1", summary_file(CLAIM)), service, again, ("XML4", list_file("XML4", [found, other]))]
    assert row_of(send(read, files), "XML4")["disordered_line_count"] == disordered


@pytest.mark.parametrize(
    ("kind", "line", "count"),
    [
        ("XML2", {"NGAY_YL": "202611200759", "THANH_TIEN_BV": "1"}, "1"),
        ("XML3", {"NGAY_TH_YL": "202611200759", "THANH_TIEN_BV": "1"}, "1"),
        ("XML4", {"NGAY_KQ": "202611190900"}, "1"),
        ("XML5", {"THOI_DIEM_DBLS": "202611200759"}, "1"),
        ("XML5", {"THOI_DIEM_DBLS": "202611200800"}, "0"),
    ],
)
def test_what_is_older_than_the_admission_is_counted(
    read: Read, kind: str, line: dict[str, object], count: str
) -> None:
    lines = [{"MA_LK": "A", "STT": 1, **line}]
    row = row_of(send(read, [("XML1", summary_file(CLAIM)), (kind, list_file(kind, lines))]), kind)
    assert row["before_admission_line_count"] == count


def test_a_certificate_that_ends_before_it_begins_is_counted(read: Read) -> None:
    for left, count in (("202611200700", "1"), ("202611200900", "0")):
        lines = [{"MA_LK": "A", "NGAY_VAO": "202611200800", "NGAY_RA": left}]
        row = row_of(send(read, [("XML1", summary_file(CLAIM)), ("XML7", list_file("XML7", lines))]), "XML7")
        assert row["disordered_line_count"] == count


def test_amounts_that_are_not_quantity_times_price_are_counted_and_insured_amounts_summed(read: Read) -> None:
    prices = [("10", "10000.05", "100000.50"), ("3", "3333.33", "10000"), ("2", "100", "300"), ("x", "1", "5")]
    lines: list[dict[str, object]] = [
        {"MA_LK": "A", "STT": number, "SO_LUONG": many, "DON_GIA": price, "THANH_TIEN_BV": sold, "THANH_TIEN_BH": 4}
        for number, (many, price, sold) in enumerate(prices, 1)
    ]
    delivered = send(read, [("XML1", summary_file(CLAIM)), medicines(lines)])
    assert row_of(delivered, "XML2")["misreckoned_line_count"] == "1"
    assert row_of(delivered)["insured_lines_vnd"] == "16"
    del lines[0]["THANH_TIEN_BH"]
    assert "insured_lines_vnd" not in row_of(send(read, [("XML1", summary_file(CLAIM)), medicines(lines)]))


@pytest.mark.parametrize(
    ("time", "count"),
    [("202611200900", "0"), ("202402290000", "0"), ("202613990000", "1"), ("202602290000", "1"), ("202611202400", "1")],
)
def test_a_time_of_a_line_must_be_one_that_the_calendar_has(read: Read, time: str, count: str) -> None:
    lines = [{"MA_LK": "A", "STT": 1, "THANH_TIEN_BV": "1", "NGAY_YL": time}]
    row = row_of(send(read, [("XML1", summary_file(CLAIM)), medicines(lines)]), "XML2")
    assert row["ill_timed_line_count"] == count


def test_mandatory_fields_that_are_empty_are_named(read: Read) -> None:
    row = row_of(send(read, [("XML1", summary_file({**CLAIM, "NGAY_RA": " "}))]))
    assert row["missing_fields"] == "MA_LOAI_KCB, MA_BENH_CHINH, NGAY_RA, T_TONGCHI_BV, T_TONGCHI_BH, T_BHTT"


def test_line_breaks_in_base64_and_sections_of_characters_are_read(read: Read) -> None:
    encoded = b64encode(summary_file(CLAIM).encode())
    wrapped = b"\r\n".join(encoded[place : place + 76] for place in range(0, len(encoded), 76))
    escaped = wrapped.replace(b"\r", b"&#xD;")
    for text in (wrapped, escaped, b"<![CDATA[" + wrapped + b"]]>"):
        assert row_of(send(read, [("XML1", text)]))["medicine_vnd"] == "30.50"


def test_a_dossier_of_too_many_files_is_refused(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingestion.formats.giamdinhhs_wrapper.FILES_LIMIT", 3)
    files = [("XML1", summary_file(CLAIM))]
    assert len(send(read, files * 3, files * 3).rows) == 6
    with pytest.raises(DeliveryError, match="up to 3 files") as caught:
        send(read, files * 4)
    assert caught.value.values["reason"] == "too_many_pieces"


def test_an_empty_dossier_is_counted_as_skipped(read: Read) -> None:
    delivered = send(read, [], [("XML1", summary_file(CLAIM))])
    assert (len(delivered.rows), delivered.skipped) == (1, {"empty_dossier": 1, "head": 1})


def test_a_message_without_dossiers_has_a_head_only(read: Read) -> None:
    delivered = send(read)
    assert (delivered.rows, delivered.reasons, delivered.skipped) == ([], [], {"head": 1})
    assert send(read, declared=2).reasons == [(2, "claim_count_differs", 6)]


def test_many_dossiers_pass_in_small_blocks_without_being_held(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    dossiers = [[("XML1", summary_file({**CLAIM, "MA_LK": str(number)}))] for number in range(300)]
    whole = message("46001", "20261120", dossiers)
    monkeypatch.setattr(base, "BLOCK_BYTES", 4096)
    monkeypatch.setattr(base, "DOCUMENT_BYTES_LIMIT", 10_000)
    delivered = read("giamdinhhs", FEED, whole)
    assert len(delivered.rows) == 300
    assert delivered.reasons == []
