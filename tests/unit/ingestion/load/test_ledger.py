"""A ledger row balances, or says which side is short."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from core.errors import LedgerError
from ingestion.collect.landing import Delivery
from ingestion.load.ledger import LedgerRow, Status, summary

NOON = datetime(2026, 11, 20, 5, tzinfo=UTC)
ROW = LedgerRow(
    delivery=Delivery("d1", "environment.toy", "environment/toy/2026-11-20/x", "x.txt", NOON, 10),
    sha256="ab",
    load_id="l1",
    loaded_at=NOON,
    status=Status.LOADED,
    pieces=7,
    skipped_reasons={"blank_line": 2},
    received=5,
    accepted=3,
    duplicate=1,
    quarantined=1,
    first_event_at=NOON,
    last_event_at=NOON,
)


def test_a_balanced_row_passes() -> None:
    ROW.require_balance()


@pytest.mark.parametrize("door", ["accepted", "duplicate", "quarantined"])
def test_a_record_missing_at_a_door_is_refused_with_both_sides(door: str) -> None:
    with pytest.raises(LedgerError, match="got 4 at the doors") as caught:
        replace(ROW, **{door: getattr(ROW, door) - 1}).require_balance()
    assert caught.value.values == {"received": 5, "doors": 4}


def test_a_piece_that_nobody_accounts_for_is_refused() -> None:
    with pytest.raises(LedgerError, match=r"expected pieces 8 .* got 7"):
        replace(ROW, pieces=8).require_balance()


def test_a_summary_adds_up() -> None:
    assert summary([ROW, ROW]) == {
        "deliveries": 2,
        "pieces": 14,
        "skipped": 4,
        "received": 10,
        "accepted": 6,
        "duplicate": 2,
        "quarantined": 2,
    }
