"""The rules of the vessel registry, each on a row that breaks it alone."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from core.contract import find_contract
from core.reference import Reference
from ingestion.load.checks import Checked, check
from ingestion.load.privacy import protect

NOON = datetime(2026, 11, 20, 5, tzinfo=UTC)
GOOD = {
    "vessel_id": "TTH-90234-TS",
    "listed_at": "2026-11-19",
    "mmsi": "574012345",
    "length_m": "18.4",
    "province_code": "46",
    "commune_code": "19753",
    "owner_hash": "c-0001",
    "licence_number": "GP-46-0001",
    "licence_expires_date": "2027-03-31",
    "vms_device": "VMS-A/000123",
}


def judge(**changed: str | None) -> Checked:
    """Judge one row of the registry that differs from a good one."""
    row = {"_delivery": 0, "_position": 1, "_raw": "", "_record_count": 1, "received_at": NOON, **GOOD, **changed}
    return check(pl.DataFrame([row]), find_contract("fisheries.vessels"), Reference())


def test_a_good_row_passes_with_its_types() -> None:
    (row,) = judge().passed.to_dicts()
    assert (row["listed_at"], row["licence_expires_date"], row["length_m"], row["_warnings"]) == (
        datetime(2026, 11, 18, 17, tzinfo=UTC),
        date(2027, 3, 31),
        18.4,
        [],
    )


@pytest.mark.parametrize(
    ("column", "value", "rule", "group"),
    [
        ("vessel_id", None, "vessel_id_required", 1),
        ("listed_at", None, "listed_at_required", 1),
        ("listed_at", "19/11/2026", "listed_at_format", 4),
        ("listed_at", "2036-11-19", "not_from_the_future", 6),
        ("mmsi", "57401234", "mmsi_pattern", 4),
        ("mmsi", "5740123456", "mmsi_pattern", 4),
        ("length_m", None, "length_m_required", 1),
        ("length_m", "0", "length_is_positive", 2),
        ("length_m", "-18.4", "length_is_positive", 2),
        ("length_m", "1840", "length_m_range", 2),
        ("licence_expires_date", "31/03/2027", "licence_expires_date_format", 4),
        ("licence_expires_date", "2027-02-30", "licence_expires_date_format", 4),
        ("commune_code", "99999", "commune_code_reference", 5),
        ("commune_code", "1975", "commune_code_pattern", 4),
    ],
)
def test_a_broken_promise_keeps_a_vessel_out_of_the_registry(
    column: str, value: str | None, rule: str, group: int
) -> None:
    checked = judge(**{column: value})
    assert checked.passed.is_empty()
    assert checked.failed.select("reason", "error_group").row(0) == (rule, group)


@pytest.mark.parametrize(
    ("changed", "warning"),
    [
        ({"vessel_id": "TTH-9023-TS"}, "vessel_number_is_usual"),
        ({"vessel_id": "90234"}, "vessel_number_is_usual"),
        ({"vms_device": "000123"}, "device_names_its_operator"),
        ({"licence_number": None}, "licence_number_and_date_come_together"),
        ({"mmsi": "000000000"}, "mmsi_is_a_ships"),
        ({"mmsi": "001193046"}, "mmsi_is_a_ships"),
        ({"mmsi": "005741001"}, "mmsi_is_a_ships"),
        ({"mmsi": "970574001"}, "mmsi_is_a_ships"),
        ({"mmsi": "222222222"}, "mmsi_is_a_ships"),
    ],
)
def test_what_is_unverified_or_incomplete_only_warns(changed: dict[str, str | None], warning: str) -> None:
    assert judge(**changed).passed["_warnings"].to_list() == [[warning]]


def test_the_owner_becomes_a_hash_and_nothing_else_does() -> None:
    contract = find_contract("fisheries.vessels")
    passed = judge().passed
    protected = protect(passed, contract, "a key of this test")
    changed = [name for name in contract.column_names if not passed[name].equals(protected[name], null_equal=True)]
    assert changed == ["owner_hash"]
    assert "c-0001" not in protected["owner_hash"].item()
