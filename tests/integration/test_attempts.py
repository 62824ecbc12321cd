"""A delivery that brings its loads down is found by what they recorded, and set aside; other causes blame no delivery."""

import io
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import duckdb
import polars as pl
import psycopg
import pytest

from core.errors import (
    ConfigurationError,
    DiskFullError,
    LedgerError,
    ServiceError,
)
from core.settings import PROJECT
from ingestion.collect.landing import BUCKET, Landing
from ingestion.load.attempts import Attempts, is_to_blame
from ingestion.load.checks import check
from ingestion.load.ledger import LedgerRow
from ingestion.repair.quarantine import Selection, find_records
from ingestion.repair.repair import AsIs
from ingestion.repair.repair_request import Request, request_repair

from .conftest import NOON, Lake

pytestmark = pytest.mark.stack

FEED = "environment.station_readings"
LINE = "PM10\t62.4\tug/m3\t2026112008{:02}00\t00\r\n"
POISON = "PM10\t6.66\tug/m3\t20261120080500\t00\r\n"
VICTIM = """
import os, signal, sys
from unittest.mock import patch
from ingestion.load import checks
from core.contract import find_contract
from ingestion.load.load import load_feed
from ingestion.repair.replay import replay_feed
from core.settings import Settings

def die_of_poison(records, *rest):
    if records["_raw"].str.contains("6.66").any():
        os.kill(os.getpid(), signal.SIGKILL)
    return checks.check(records, *rest)

with patch("ingestion.load.load.check", die_of_poison):
    {"load": load_feed, "replay": replay_feed}[sys.argv[1]](Settings(), find_contract(sys.argv[2]))
"""


def name(station: int) -> str:
    """Return the name of a station's file."""
    return f"46_KK{station:02}_20261120080500.txt"


def run_victim(lake: Lake, step: str = "load") -> int:
    """Run a step in a process that the poison kills; return its exit status."""
    environment = lake.settings.child_environment()
    return subprocess.run(
        [sys.executable, "-c", VICTIM, step, FEED], env=environment, cwd=PROJECT, check=False
    ).returncode


def fates(rows: list[LedgerRow]) -> dict[str, tuple[str, int, int]]:
    """Return status, accepted and quarantined by name."""
    return {row.delivery.source_name: (row.status.value, row.accepted, row.quarantined) for row in rows}


def in_ledger(lake: Lake) -> list[tuple[object, ...]]:
    """Return name and status of what is loaded, in the order received."""
    return lake.query("select source_name, status from lake.ledger.deliveries order by received_at")


@pytest.fixture
def poisoned(lake: Lake) -> Lake:
    """A lake with three deliveries to load, the second of which kills."""
    lake.land(FEED, name(1), LINE.format(5))
    lake.land(FEED, name(2), POISON, minute=1)
    lake.land(FEED, name(3), LINE.format(5), minute=2)
    return lake


def test_a_delivery_that_killed_two_loads_is_set_aside_and_its_siblings_load(poisoned: Lake) -> None:
    assert run_victim(poisoned) == -signal.SIGKILL
    assert in_ledger(poisoned) == []
    assert run_victim(poisoned) == -signal.SIGKILL
    assert in_ledger(poisoned) == [(name(1), "loaded")]
    assert fates(poisoned.load(FEED)) == {name(2): ("unreadable", 0, 1), name(3): ("loaded", 1, 0)}
    assert poisoned.query("select reason, error_group, position from lake.quarantine.records") == [
        ("load_failed_twice", 4, 0)
    ]
    assert poisoned.query(
        "select count(*) from lake.ledger.deliveries where pieces <> received + skipped "
        "or received <> accepted + duplicate + quarantined"
    ) == [(0,)]
    assert poisoned.load(FEED) == []
    assert poisoned.landing.read_attempts(f"load/{FEED}") is None


def test_a_delivery_beside_the_killer_is_blamed_once_and_loads(poisoned: Lake) -> None:
    assert run_victim(poisoned) == -signal.SIGKILL
    rows = poisoned.load(FEED)
    assert fates(rows) == {name(number): ("loaded", 1, 0) for number in (1, 2, 3)}
    assert len({row.load_id for row in rows}) == 3


def test_a_replay_that_killed_twice_leaves_its_record_in_quarantine_and_others_are_replayed(poisoned: Lake) -> None:
    poisoned.land(FEED, "46_KK04_20261120080500.txt", "PM10\tx\tug/m3\t20261120080500\t00\r\n", minute=3)
    assert [run_victim(poisoned) for _ in range(2)] == [-signal.SIGKILL] * 2
    poisoned.load(FEED)
    contract = poisoned.contracts[FEED]
    records = find_records(poisoned.connection, FEED, Selection())
    assert [record.reason for record in records] == ["load_failed_twice", "value_format"]
    asked = request_repair(poisoned.landing, contract, records, AsIs(), Request("Ai đó", NOON, "more memory"))
    assert [run_victim(poisoned, "replay") for _ in range(2)] == [-signal.SIGKILL] * 2
    rows = poisoned.replay(FEED)
    assert {row.delivery.delivery_id for row in rows} <= {one.delivery_id for one in asked}
    assert {(row.received, row.quarantined) for row in rows} == {(1, 1)}
    assert poisoned.replay(FEED) == []
    still_open = find_records(poisoned.connection, FEED, Selection())
    assert sorted(record.reason for record in still_open) == ["load_failed_twice", "value_format"]
    assert poisoned.query("select count(*) from lake.quarantine.repairs") == [(2,)]


def fail(error: BaseException) -> Callable[..., Any]:
    """Return a check that fails on the poison."""

    def failing(records: pl.DataFrame, *rest: Any) -> Any:
        if records["_raw"].str.contains("6.66").any():
            raise error
        return check(records, *rest)

    return failing


@pytest.mark.parametrize("error", [ServiceError("lake: lost"), KeyboardInterrupt(), ConfigurationError("a key: none")])
def test_what_is_no_deliverys_fault_blames_none(
    poisoned: Lake, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("ingestion.load.load.check", fail(error))
        for _ in range(3):
            with pytest.raises(type(error)):
                poisoned.load(FEED)
    rows = poisoned.load(FEED)
    assert fates(rows) == {name(number): ("loaded", 1, 0) for number in (1, 2, 3)}
    assert len({row.load_id for row in rows}) == 1


def test_an_error_of_the_delivery_blames_it_like_a_kill(poisoned: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingestion.load.load.check", fail(LedgerError("it cannot be told")))
    for _ in range(2):
        with pytest.raises(LedgerError):
            poisoned.load(FEED)
    assert fates(poisoned.load(FEED)) == {name(2): ("unreadable", 0, 1), name(3): ("loaded", 1, 0)}


def test_bytes_that_were_changed_in_landing_do_not_block_their_siblings_for_good(poisoned: Lake) -> None:
    key = next(
        one.object_key for one in poisoned.landing.deliveries(poisoned.contracts[FEED]) if "KK02" in one.object_key
    )
    poisoned.landing._client.put_object(BUCKET, key, io.BytesIO(b"forged"), 6)
    for _ in range(2):
        with pytest.raises(LedgerError, match="as landed, got"):
            poisoned.load(FEED)
    assert fates(poisoned.load(FEED)) == {name(2): ("unreadable", 0, 1), name(3): ("loaded", 1, 0)}


def test_an_object_store_that_is_lost_in_a_load_blames_none(poisoned: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    write = Landing.write_attempts
    for _ in range(3):
        with monkeypatch.context() as patch:
            written: list[str] = []

            def write_once(self: Landing, key: str, content: bytes, written: list[str] = written) -> None:
                if written:
                    raise ServiceError("the object store: lost")
                written.append(key)
                write(self, key, content)

            patch.setattr(Landing, "write_attempts", write_once)
            patch.setattr("ingestion.load.load.check", fail(ServiceError("the object store: lost")))
            with pytest.raises(ServiceError):
                poisoned.load(FEED)
    rows = poisoned.load(FEED)
    assert fates(rows) == {name(number): ("loaded", 1, 0) for number in (1, 2, 3)}
    assert len({row.load_id for row in rows}) == 1
    assert list((poisoned.settings.home_folder / "attempts").iterdir()) == []


def test_what_was_written_down_by_nobody_of_ours_is_refused(poisoned: Lake) -> None:
    poisoned.landing.write_attempts(f"load/{FEED}", b"[]")
    with pytest.raises(ConfigurationError, match="remove the object"):
        poisoned.load(FEED)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (duckdb.OutOfMemoryException(), True),
        (duckdb.InternalException(), True),
        (pl.exceptions.PanicException(), True),
        (LedgerError("x"), True),
        (duckdb.IOException(), False),
        (duckdb.Error(), False),
        (psycopg.OperationalError(), False),
        (DiskFullError("x"), False),
        (OSError(28, "no space left"), False),
        (SystemExit(), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_who_is_to_blame(error: BaseException, *, expected: bool) -> None:
    assert is_to_blame(error) is expected


def test_many_that_brought_a_load_down_are_tried_in_groups_until_the_one_to_blame_is_alone(lake: Lake) -> None:
    contract = lake.contracts[FEED]
    told = []
    for together in (1000, 50, 2, 1):
        attempts = Attempts(lake.settings, lake.landing, contract)
        told.append((attempts.most_together("d0", 5000), attempts.is_condemned("d0")))
        with pytest.raises(LedgerError), attempts.of(f"d{number}" for number in range(together)):
            raise LedgerError("one of them")
    last = Attempts(lake.settings, lake.landing, contract)
    assert told == [(5000, False), (50, False), (2, False), (1, False)]
    assert [(last.most_together(one, 5000), last.is_condemned(one)) for one in ("d0", "d1", "d49", "d999", "new")] == [
        (1, True),
        (1, False),
        (2, False),
        (50, False),
        (5000, False),
    ]
