"""Each kind of rule, on rows that keep it and rows that break it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from core.contract import Column, Contract, Rule, find_contract
from core.errors import ContractError
from core.reference import Reference
from core.slots import Slots, SlotsBy
from ingestion.load.checks import Checked, check

NOON = datetime(2026, 11, 20, 5, tzinfo=UTC)


@pytest.fixture
def reference(tmp_path: Path) -> Reference:
    (tmp_path / "stations.csv").write_text("station_id,height\n007,5\n008,9\n", encoding="utf-8")
    return Reference(tmp_path)


def column(name: str, **facts: object) -> Column:
    """Return a column of text with nothing declared but what is given."""
    plain = Column(
        name=name,
        wire_name=name,
        label_vi=name,
        description="",
        logical_type="string",
        physical_type="VARCHAR",
        is_required=False,
        is_key=name == "id",
        is_identifier=False,
        classification="open",
        timestamp_format=None,
        timestamp_zone=None,
        minimum=None,
        maximum=None,
        pattern=None,
        allowed=(),
        reference=None,
    )
    return replace(plain, **facts)  # type: ignore[arg-type]


def contract(*columns: Column, rules: tuple[Rule, ...] = ()) -> Contract:
    """Return a contract of these columns beside a key."""
    base = find_contract("environment.river_levels")
    key = column("id")
    event_at = column("event_at", logical_type="timestamp", physical_type="TIMESTAMPTZ", timestamp_format="iso8601")
    return replace(
        base,
        feed="environment.toy",
        columns=(key, event_at, *columns),
        rules=rules,
        event_time="event_at",
        version=None,
        object_column=None,
        slots=Slots(SlotsBy.UNKNOWN, reason="a toy"),
    )


def judge(promised: Contract, reference: Reference, **columns: list[str | None]) -> Checked:
    """Check rows of text."""
    rows = len(next(iter(columns.values())))
    frame = pl.DataFrame(
        {
            "_delivery": [0] * rows,
            "_position": list(range(1, rows + 1)),
            "_raw": ["raw"] * rows,
            "_record_count": [1] * rows,
            "received_at": [NOON] * rows,
            "id": [str(row) for row in range(rows)],
            **columns,
        }
    )
    return check(frame, promised, reference)


def failures(checked: Checked) -> list[tuple[int, str, int]]:
    """Return position, reason and group of what failed."""
    return [(row["_position"], row["reason"], row["error_group"]) for row in checked.failed.iter_rows(named=True)]


INTEGER = {"logical_type": "integer", "physical_type": "INTEGER"}
BIGINT = {"logical_type": "integer", "physical_type": "BIGINT"}
MONEY = {"logical_type": "number", "physical_type": "DECIMAL(18,2)"}


@pytest.mark.parametrize(
    ("promise", "good", "bad", "reason", "group"),
    [
        ({"is_required": True}, "x", "  ", "c_required", 1),
        ({}, "x  0", "x\0", "c_format", 4),
        ({"logical_type": "number", "physical_type": "DOUBLE"}, "-.5", "1,5", "c_format", 4),
        ({"logical_type": "number", "physical_type": "DOUBLE"}, "1e3", "nan", "c_format", 4),
        ({"logical_type": "number", "physical_type": "DOUBLE"}, "0", "inf", "c_format", 4),
        ({"logical_type": "integer", "physical_type": "INTEGER"}, "4.0", "4.5", "c_format", 4),
        ({"logical_type": "integer", "physical_type": "INTEGER"}, "7", "99999999999", "c_format", 4),
        ({"logical_type": "number", "physical_type": "DOUBLE", "minimum": 0, "maximum": 5}, "5", "5.01", "c_range", 2),
        ({"logical_type": "number", "physical_type": "DOUBLE", "minimum": 0}, "0", "-0.1", "c_range", 2),
        ({"pattern": r"^\d{5}$"}, "00123", "123", "c_pattern", 4),
        ({"allowed": ("a", "b")}, "a", "c", "c_allowed", 5),
        ({**BIGINT, "minimum": 2**53 + 1}, "9007199254740993", "9007199254740992", "c_range", 2),
        ({**BIGINT, "maximum": -(2**53) - 1}, "-9007199254740993", "-9007199254740992", "c_range", 2),
        ({**BIGINT, "allowed": ("9007199254740993",)}, "9007199254740993", "9007199254740992", "c_allowed", 5),
        (BIGINT, "9223372036854775807", "9223372036854775808", "c_format", 4),
        (BIGINT, "1e3", "9.007199254740993e15", "c_format", 4),
        ({**INTEGER, "allowed": ("1", "-2")}, "-2.0", "2", "c_allowed", 5),
        (
            {**MONEY, "minimum": Decimal("9007199254740993.02")},
            "9007199254740993.02",
            "9007199254740993.01",
            "c_range",
            2,
        ),
        ({**MONEY, "allowed": ("9007199254740993.02",)}, "9007199254740993.02", "9007199254740993.01", "c_allowed", 5),
        ({"timestamp_format": "yyyyMMddHHmmss"}, "20261120235959", "20261399000000", "c_date", 4),
        ({"timestamp_format": "yyyyMMddHHmmss"}, "20240229000000", "20260229000000", "c_date", 4),
        ({"timestamp_format": "yyyyMMddHHmmss"}, "20261120000000", "2026112000000", "c_date", 4),
        ({"timestamp_format": "yyyyMMdd"}, "20261120/20261121;20261122", "20261120/20261131;20261122", "c_date", 4),
        ({"timestamp_format": "yyyyMMdd"}, "20261120", "none", "c_date", 4),
        ({"reference": "stations.station_id"}, "007", "7", "c_reference", 5),
        (
            {"logical_type": "timestamp", "physical_type": "TIMESTAMPTZ", "timestamp_format": "iso8601"},
            "2026-11-20T07:00:00+07:00",
            "2026-11-20T07:00:00",
            "c_format",
            4,
        ),
        (
            {
                "logical_type": "timestamp",
                "physical_type": "TIMESTAMPTZ",
                "timestamp_format": "yyyyMMddHHmmss",
                "timestamp_zone": "Asia/Ho_Chi_Minh",
            },
            "20261120070000",
            "2026112007000",
            "c_format",
            4,
        ),
    ],
)
def test_a_broken_promise_is_named_with_its_group(
    reference: Reference, promise: dict[str, object], good: str, bad: str, reason: str, group: int
) -> None:
    checked = judge(contract(column("c", **promise)), reference, c=[good, bad])
    assert failures(checked) == [(2, reason, group)]
    assert checked.passed["_position"].to_list() == [1]


def test_a_missing_value_fails_only_the_rule_that_asks_for_it(reference: Reference) -> None:
    promised = contract(column("c", is_required=True, pattern=r"^\d$", allowed=("1",)))
    checked = judge(promised, reference, c=[None])
    assert checked.failed["failures"].to_list() == [[{"rule": "c_required", "column_name": "c", "error_group": 1}]]
    counts = {result.rule: (result.evaluated, result.failed) for result in checked.results}
    assert counts == {"event_at_format": (0, 0), "c_required": (1, 1), "c_pattern": (0, 0), "c_allowed": (0, 0)}


def test_every_failed_rule_is_kept_and_the_first_gives_the_reason(reference: Reference) -> None:
    checked = judge(contract(column("c", pattern=r"^\d$"), column("d", allowed=("1",))), reference, c=["x"], d=["x"])
    assert [failure["rule"] for failure in checked.failed["failures"].to_list()[0]] == ["c_pattern", "d_allowed"]
    assert failures(checked) == [(1, "c_pattern", 4)]


def test_a_code_of_another_form_is_looked_up_in_no_list(reference: Reference) -> None:
    promised = contract(column("c", pattern=r"^\d{3}$", allowed=("007",), reference="stations.station_id"))
    checked = judge(promised, reference, c=["7", "007", "999"])
    assert failures(checked) == [(1, "c_pattern", 4), (3, "c_allowed", 5)]
    counts = {result.rule: (result.evaluated, result.failed) for result in checked.results if result.column_name == "c"}
    assert counts == {"c_pattern": (3, 1), "c_allowed": (2, 1), "c_reference": (2, 1)}


def test_a_rule_that_does_not_block_leaves_its_name_as_a_warning(reference: Reference) -> None:
    rule = Rule("c_is_small", 2, is_blocking=False, expression="c < 10", description="")
    promised = contract(column("c", logical_type="number", physical_type="DOUBLE"), rules=(rule,))
    checked = judge(promised, reference, c=["1", "10", None])
    assert checked.passed["_warnings"].to_list() == [[], ["c_is_small"], []]
    assert checked.failed.height == 0
    assert [(result.evaluated, result.failed) for result in checked.results if result.rule == "c_is_small"] == [(2, 1)]


def test_a_rule_can_look_into_a_reference_list(reference: Reference) -> None:
    rule = Rule(
        "below_roof", 6, is_blocking=True, expression="c <= stations_height", description="", lookups=("stations",)
    )
    promised = contract(column("station_id"), column("c", logical_type="number", physical_type="DOUBLE"), rules=(rule,))
    checked = judge(promised, reference, station_id=["007", "008", "nowhere"], c=["6", "6", "6"])
    assert failures(checked) == [(1, "below_roof", 6)]


def test_a_column_the_format_does_not_deliver_counts_as_missing(reference: Reference) -> None:
    checked = judge(contract(column("c", is_required=True), column("d")), reference, d=["x"])
    assert failures(checked) == [(1, "c_required", 1)]


def test_text_is_normalised_and_not_rejected(reference: Reference) -> None:
    checked = judge(contract(column("c")), reference, c=["  Xã \u00a0 Tư ", "Ho\u0300a Bi\u0300nh"])
    assert checked.passed["c"].to_list() == ["Xã Tư", "Hòa Bình"]


def test_a_local_time_becomes_utc(reference: Reference) -> None:
    promised = contract(
        column(
            "c",
            logical_type="timestamp",
            physical_type="TIMESTAMPTZ",
            timestamp_format="yyyyMMddHHmmss",
            timestamp_zone="Asia/Ho_Chi_Minh",
        )
    )
    assert judge(promised, reference, c=["20261120080500"]).passed["c"].to_list() == [
        datetime(2026, 11, 20, 1, 5, tzinfo=UTC)
    ]


def test_a_reference_to_nothing_is_a_contract_error(reference: Reference) -> None:
    with pytest.raises(ContractError, match=r"expected a reference list dbt_project/seeds/nobody\.csv, got none"):
        judge(contract(column("c", reference="nobody.code")), reference, c=["x"])
    with pytest.raises(ContractError, match=r"expected a column of stations\.csv \(.*\), got code; "):
        judge(contract(column("c", reference="stations.code")), reference, c=["x"])


def test_a_rule_waits_until_every_value_that_it_looks_at_can_be_read(reference: Reference) -> None:
    number = {"logical_type": "number", "physical_type": "DOUBLE"}
    rule = Rule("c_or_d", 6, is_blocking=True, expression="c is not null and d > 1", description="")
    promised = contract(column("c", **number), column("d", **number), rules=(rule,))
    checked = judge(promised, reference, c=["x", None, "1", "1"], d=["5", "5", "0", "5"])
    assert failures(checked) == [(1, "c_format", 4), (2, "c_or_d", 6), (3, "c_or_d", 6)]
    assert [(result.evaluated, result.failed) for result in checked.results if result.rule == "c_or_d"] == [(3, 2)]


def test_a_failed_record_tells_its_object_and_time_where_it_can_be_believed(reference: Reference) -> None:
    promised = replace(
        contract(column("station", reference="stations.station_id"), column("c", pattern=r"^\d$")),
        object_column="station",
        slots=Slots(SlotsBy.OBJECT, "station", "event_at", lost="gone"),
    )
    on_time, ahead = "2026-11-20T12:05:00+07:00", "2026-11-20T12:05:01+07:00"
    checked = judge(
        promised,
        reference,
        station=["007", "009", "007", "007"],
        c=["x", "1", "x", "x"],
        event_at=[on_time, on_time, ahead, "noon"],
    )
    at = NOON + timedelta(minutes=5)
    assert checked.failed.select("object_id", "event_at", "slot_at").rows() == [
        ("007", at, at),
        (None, at, at),
        ("007", None, None),
        ("007", None, None),
    ]


def test_a_whole_number_comes_digit_for_digit(reference: Reference) -> None:
    texts: list[str | None] = ["9007199254740993", "+9007199254740993.0", "-123456789012345678", "007", "1e3", " 12 "]
    checked = judge(contract(column("c", **BIGINT)), reference, event_at=["2026-11-20T05:00:00Z"] * len(texts), c=texts)
    assert checked.passed["c"].to_list() == [9007199254740993, 9007199254740993, -123456789012345678, 7, 1000, 12]


def test_a_text_of_another_form_is_judged_by_its_pattern_and_not_as_a_date(reference: Reference) -> None:
    promised = contract(column("c", pattern="^\\d{8}$", timestamp_format="yyyyMMdd"))
    checked = judge(promised, reference, event_at=["2026-11-20T05:00:00Z"] * 3, c=["2026", "20261399", None])
    assert failures(checked) == [(1, "c_pattern", 4), (2, "c_date", 4)]
    (date,) = [result for result in checked.results if result.rule == "c_date"]
    assert (date.evaluated, date.failed) == (1, 1)


def test_a_rule_that_judges_an_identifier_counts_as_the_identifiers(reference: Reference) -> None:
    number = column("number", is_identifier=True)
    rule = Rule("number_is_long", 4, is_blocking=True, expression="length(number) = 3", description="", column="number")
    checked = judge(contract(number, rules=(rule,)), reference, number=["123", "12"])
    (result,) = [result for result in checked.results if result.rule == "number_is_long"]
    assert (result.column_name, result.is_identifier, result.evaluated, result.failed) == ("number", True, 2, 1)
    assert checked.failed["failures"].to_list() == [
        [{"rule": "number_is_long", "column_name": "number", "error_group": 4}]
    ]


def test_a_rule_of_a_column_that_the_contract_lacks_is_refused() -> None:
    rule = Rule("number_is_long", 4, is_blocking=True, expression="true", description="", column="number")
    with pytest.raises(ContractError, match="number"):
        contract(rules=(rule,))
