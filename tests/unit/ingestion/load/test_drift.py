"""What happens to a delivery whose columns are not the contract's."""

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime

import polars as pl
import pytest

from core.contract import Contract, find_contract
from core.errors import DeliveryError
from core.reference import Reference
from ingestion.formats.base import Envelope, join_pieces
from ingestion.formats.registry import find_format
from ingestion.load.checks import check
from ingestion.load.drift import MANY, Change, Drift, Kind, changes_of, explained

LEVELS, DOSSIERS, REQUESTS = "environment.river_levels", "public_services.dossiers", "feedback.requests"
NOON = datetime(2026, 11, 20, 5, tzinfo=UTC)


class Watched:
    """A drift of one contract, and what it finds in deliveries."""

    def __init__(self, feed: str) -> None:
        self.contract: Contract = find_contract(feed)
        self._drift = Drift(self.contract)

    def find(self, *contents: str) -> tuple[dict[int, DeliveryError], dict[int, list[Change]]]:
        wire, blocks = find_format(self.contract), []
        envelopes = {number: Envelope("x.csv") for number in range(len(contents))}
        for number, content in enumerate(contents):
            blocks += [(number, block) for block in wire.split(io.BytesIO(content.encode()), envelopes[number])]
        reading = wire.read(join_pieces(blocks), self.contract, envelopes)
        records = reading.records.with_columns(pl.lit(NOON).cast(pl.Datetime("us", "UTC")).alias("received_at"))
        return self._drift.judge(reading, check(records, self.contract, Reference()))


def levels(value: Callable[[int], object], count: int = MANY, header: str = "station_id,timestamp,value") -> str:
    return "\n".join([header, *(f"G{number},2026-11-20T01:00:00Z,{value(number)}" for number in range(count))])


def dossiers(change: Callable[[dict[str, object]], object], count: int = MANY) -> str:
    """Make dossiers, one a line, after a change of each."""
    made = []
    for number in range(count):
        dossier: dict[str, object] = {
            "MaHoSo": f"H57.2-261120-{number:04}",
            "MaTTHC": "1.012766",
            "KenhThucHien": "1",
            "NgayNopHoSo": "20261120080000",
            "TrangThaiHoSo": "1",
            "DonViXuLy": "000.00.02.H57",
        }
        change(dossier)
        made.append(json.dumps(dossier, ensure_ascii=False))
    return "\n".join(made)


def rename(before: str, after: str) -> Callable[[dict[str, object]], object]:
    return lambda dossier: dossier.update({after: dossier.pop(before)})


def test_promised_columns_in_another_order_are_no_drift() -> None:
    stopped, told = Watched(DOSSIERS).find(
        dossiers(lambda _: None), dossiers(lambda d: d.update(dict(reversed(d.items()))))
    )
    assert (stopped, told) == ({}, {})


@pytest.mark.parametrize(
    ("feed", "content", "change"),
    [
        (
            LEVELS, levels(lambda n: f"{n},1", header="station_id,timestamp,value,cảm biến"),
            Change(Kind.ADDED, "cảm biến", None, "cảm biến", MANY),
        ),
        (
            DOSSIERS, dossiers(lambda d: d.update(MaDinhDanh="x")),
            Change(Kind.ADDED, "MaDinhDanh", None, "MaDinhDanh", MANY),
        ),
        (
            REQUESTS,
            json.dumps([{"service_request_id": str(n), "ext": {"ma_co_quan": "x"}, "photo": 1} for n in range(3)]),
            Change(Kind.ADDED, "photo", None, "photo", 3),
        ),
        (
            REQUESTS,
            "<service_requests><request><service_request_id>1</service_request_id><status>open</status><photo/></request></service_requests>",
            Change(Kind.ADDED, "photo", None, "photo", 1),
        ),
    ],
)  # fmt: skip
def test_a_new_column_is_told_and_stops_nothing(feed: str, content: str, change: Change) -> None:
    stopped, told = Watched(feed).find(content)
    assert stopped == {}
    assert [found for found in told[0] if found.kind is not Kind.MISSING] == [change]


@pytest.mark.parametrize(
    ("feed", "content", "reason", "message", "change"),
    [
        (
            DOSSIERS, dossiers(rename("NgayNopHoSo", "NgayNop")), "renamed_column",
            "expected NgayNopHoSo, got (a name of 7 characters) in its place",
            Change(Kind.RENAMED, "NgayNopHoSo", "NgayNopHoSo", "NgayNop", MANY),
        ),
        (
            DOSSIERS, dossiers(lambda d: d.pop("DonViXuLy")), "missing_column",
            "expected DonViXuLy, got no such column",
            Change(Kind.MISSING, "DonViXuLy", "DonViXuLy", None, MANY),
        ),
        (
            DOSSIERS, dossiers(lambda d: d.update(NgayNopHoSo="20/11/2026")), "retyped_column",
            f"expected NgayNopHoSo of type TIMESTAMPTZ, got dates day/month/year in all {MANY} values",
            Change(Kind.RETYPED, "NgayNopHoSo", "TIMESTAMPTZ", "dates day/month/year", MANY),
        ),
        (
            LEVELS, levels(lambda n: f'"{n},5"'), "retyped_column",
            f"expected value of type DOUBLE, got numbers with a comma in all {MANY} values",
            Change(Kind.RETYPED, "value", "DOUBLE", "numbers with a comma", MANY),
        ),
        (
            LEVELS, levels(lambda n: f"{n},cao", header="station_id,timestamp,value,statusxx"), "renamed_column",
            "expected status, got (a name of 8 characters) in its place",
            Change(Kind.RENAMED, "status", "status", "statusxx", MANY),
        ),
    ],
)  # fmt: skip
def test_a_column_that_is_missing_renamed_or_retyped_stops_the_delivery(
    feed: str, content: str, reason: str, message: str, change: Change
) -> None:
    well = levels(str) if feed == LEVELS else dossiers(lambda _: None)
    stopped, told = Watched(feed).find(content, well)
    assert list(stopped) == [0]
    assert 0 not in told
    assert stopped[0].values["reason"] == reason
    assert message in str(stopped[0])
    assert changes_of(stopped[0]) == [change]


@pytest.mark.parametrize(
    ("feed", "content"),
    [
        (DOSSIERS, dossiers(lambda d: d.pop("DonViXuLy"), MANY - 1)),
        (DOSSIERS, dossiers(lambda d: d.update(DonViXuLy=""))),
        (DOSSIERS, dossiers(lambda d: d.update(NgayNopHoSo="20/11/2026"), MANY - 1)),
        (DOSSIERS, dossiers(lambda d: d.update(NgayNopHoSo="20/11/2026")) + "\n" + dossiers(lambda _: None, 1)),
        (LEVELS, levels(lambda n: "?" if n else "0.5")),
        (LEVELS, levels(lambda _: "")),
    ],
)
def test_bad_values_of_few_records_or_of_not_all_are_the_fault_of_the_records(feed: str, content: str) -> None:
    assert Watched(feed).find(content)[0] == {}


def test_a_large_delivery_is_judged_over_all_its_blocks() -> None:
    watched = Watched(DOSSIERS)
    assert watched.find(dossiers(lambda _: None))[0] == {}
    assert watched.find(dossiers(lambda d: d.update(NgayNopHoSo="20/11/2026")))[0] == {}


def test_a_delivery_judged_again_without_its_sibling_is_counted_once() -> None:
    watched = Watched(DOSSIERS)
    few = dossiers(lambda d: d.update(NgayNopHoSo="20/11/2026"), MANY // 2)
    assert list(watched.find(few, dossiers(lambda d: d.pop("DonViXuLy")))[0]) == [1]
    assert watched.find(few)[0] == {}


@pytest.mark.parametrize(
    ("header", "reason", "changes"),
    [
        (
            "station_id,timestmps,value",
            "renamed_column",
            [Change(Kind.RENAMED, "timestamp", "timestamp", "timestmps", 7)],
        ),
        (
            "station_id,timestamp,level,0912345678",
            "missing_column",
            [
                Change(Kind.MISSING, "value", "value", None, 7),
                Change(Kind.ADDED, "level", None, "level", 7),
                Change(Kind.ADDED, "***", None, "***", 7),
            ],
        ),
        (
            "Nguyễn Thị Kín,2026-11-20,1.5",
            "missing_column",
            [Change(Kind.MISSING, name, name, None, 7) for name in ("station_id", "timestamp", "value")],
        ),
    ],
)
def test_a_header_without_a_required_column_names_both_sides_and_no_person(
    header: str, reason: str, changes: list[Change]
) -> None:
    with pytest.raises(DeliveryError) as caught:
        Watched(LEVELS).find(f"{header}\n")
    error = explained(caught.value, find_contract(LEVELS), 7)
    assert error.values["reason"] == reason
    assert changes_of(error) == changes
    assert "Kín" not in str(error)
    assert "0912" not in str(error)


@pytest.mark.parametrize(
    ("change", "withheld", "told"),
    [
        (
            Change(Kind.ADDED, "Tôn Nữ Kín", None, "Tôn Nữ Kín", 3),
            Change(Kind.ADDED, "(a name of 10 characters)", None, "(a name of 10 characters)", 3),
            "added (a name of 10 characters)",
        ),
        (
            Change(Kind.RENAMED, "HoTen", "HoTen", "Ho Ten Kin", 3),
            Change(Kind.RENAMED, "HoTen", "HoTen", "(a name of 10 characters)", 3),
            "renamed HoTen to (a name of 10 characters)",
        ),
        (Change(Kind.MISSING, "HoTen", "HoTen", None, 3), None, "missing HoTen"),
        (Change(Kind.RETYPED, "value", "DOUBLE", "text", 3), None, "retyped value from DOUBLE to text"),
    ],
)
def test_a_name_that_nobody_promised_is_withheld(change: Change, withheld: Change | None, told: str) -> None:
    assert change.withheld() == (withheld or change)
    assert change.told() == told


def test_another_error_stays_what_it_is() -> None:
    error = DeliveryError("x", reason="not_utf8")
    assert explained(error, find_contract(LEVELS), 1) is error
