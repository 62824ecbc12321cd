"""No personal value of a delivery is found again in bronze, silver or marts, nor in a log or an error; only the quarantine may keep it.

Each feed joins with one small delivery that is full of recognisable values: accepted records and such that are refused.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from ingestion.privacy import pseudonym
from simulator.claim_files import list_file, message, summary_file

from .conftest import NOON, Lake
from .test_dbt import Warehouse

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]


@dataclass(frozen=True)
class Seeded:
    """A delivery with recognisable values; `pseudonymous` must stand in bronze as its hash, in the column given."""

    feed: str
    name: str
    content: bytes
    secrets: tuple[str, ...]
    pseudonymous: tuple[str, str]


def health_claims() -> Seeded:
    """Give claims of one person: a good one, one that breaks a rule, one whose files cannot be read, a check-in."""
    person = {
        "MA_BN": "BNKIN77001",
        "HO_TEN": "Tôn Nữ Kín Đáo",
        "SO_CCCD": "046199877001",
        "DIEN_THOAI": "0905877001",
        "MA_THE_BHYT": "GD4468770017700",
        "DIA_CHI": "Kiệt 77 đường Giả Lập, gọi 0905877001",
        "CHAN_DOAN_RV": "chẩn đoán kín",
    }
    claim = person | {
        "MA_LK": "LKKIN77001",
        "STT": 1,
        "MA_LOAI_KCB": "01",
        "MA_BENH_CHINH": "B20",
        "NGAY_VAO": "202611200800",
        "NGAY_RA": "202611200900",
        "NGAY_TTOAN": "202611200910",
        "SO_NGAY_DTRI": 0,
        "T_THUOC": 0,
        "T_TONGCHI_BV": 0,
        "T_TONGCHI_BH": 0,
        "T_BNCCT": 0,
        "T_BHTT": 0,
    }
    hiv = list_file("XML6", [{"MA_LK": "LKKIN77001", "NOI_DUNG": "hồ sơ HIV kín", "MA_HIV": "HIVKIN77001"}])
    tuberculosis = list_file("XML15", [{"MA_LK": "LKKIN77001", "NOI_DUNG": "hồ sơ lao kín", "MA_LAO": "LAOKIN77001"}])
    notes = list_file(
        "XML5", [{"MA_LK": "LKKIN77001", "STT": 1, "DIEN_BIEN_LS": "diễn biến kín", "NGUOI_THUC_HIEN": "BS Kín"}]
    )
    check_in = list_file("XML0", [person | {"MA_LK": "LKKIN77002", "STT": 1, "NGAY_VAO": "202611200800"}])
    dossiers = [
        [("XML1", summary_file(claim)), ("XML5", notes), ("XML6", hiv), ("XML15", tuberculosis)],
        [("XML1", summary_file(claim | {"MA_LK": "LKKIN77003", "NGAY_RA": "202611200700"}))],
        [("XML1", summary_file(claim)[:-9]), ("XML6", hiv)],
        [("XML0", check_in)],
    ]
    secrets = ("KIN77001", "KIN77002", "KIN77003", "Kín", "kín", "0461998770", "0905877001", "GD4468770017700")
    return Seeded(
        feed="health.claims",
        name="46001_20261120.xml",
        content=message("46001", "20261120", dossiers),
        secrets=secrets,
        pseudonymous=("citizen_number", "046199877001"),
    )


BUILDERS: list[Callable[[], Seeded]] = [health_claims]


@pytest.mark.parametrize("build", BUILDERS, ids=lambda build: str(build.__name__))
def test_no_personal_value_is_found_outside_the_quarantine(
    build: Callable[[], Seeded],
    lake: Lake,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    seeded = build()
    caplog.set_level(logging.DEBUG)
    lake.land(seeded.feed, seeded.name, seeded.content)
    (row,) = lake.load(seeded.feed)
    assert row.accepted > 0
    assert row.quarantined > 0
    column, value = seeded.pseudonymous
    table = f"lake.bronze.{seeded.feed.replace('.', '__')}"
    key = lake.settings.reveal("privacy_key").encode()
    held = lake.query(f"select distinct {column} from {table} where {column} is not null")
    assert held == [(pseudonym(value, key),)], "the record is there, and only its hash"
    warehouse = Warehouse(lake.settings, lake.connection, tmp_path)
    domain = seeded.feed.split(".")[0]
    options = ("--select", f"tag:{domain}", "--indirect-selection", "buildable", "--exclude-resource-type", "unit_test")
    statuses = warehouse.dbt("build", NOON, *options)
    assert {name: status for name, status in statuses.items() if status not in ("success", "pass")} == {}
    assert found_in_tables(lake, seeded.secrets) == []
    written = "\n".join(
        path.read_text(encoding="utf-8", errors="replace") for path in tmp_path.rglob("*") if path.is_file()
    )
    told = "".join(capfd.readouterr()) + caplog.text + written
    assert len(told) > 1000
    assert [secret for secret in seeded.secrets if secret in told] == []


def test_the_search_finds_what_it_looks_for(lake: Lake) -> None:
    seeded = health_claims()
    lake.land(seeded.feed, seeded.name, seeded.content)
    lake.load(seeded.feed)
    lake.connection.execute("update lake.bronze.health__claims set lines = 'Tôn Nữ Kín Đáo' where file_kind = 'XML5'")
    assert found_in_tables(lake, ("Kín",)) == [("lake.bronze.health__claims", "lines", "Kín")]


def found_in_tables(lake: Lake, secrets: tuple[str, ...]) -> list[tuple[str, str, str]]:
    """Name table, column and value of what is found in any text of lake or marts, lists and structs included, but in no quarantine."""
    columns = lake.query(
        """
        select table_catalog || '.' || table_schema || '.' || table_name, column_name
        from information_schema.columns
        where table_catalog in ('lake', 'marts') and table_schema <> 'quarantine'
            and (data_type like '%VARCHAR%' or data_type like '%JSON%')
        order by all
        """
    )
    assert len(columns) > 80
    found = []
    for table, column in columns:
        for secret in secrets:
            hits = lake.connection.execute(
                f'select count(*) from {table} where contains("{column}"::varchar, ?)', [secret]
            )
            if hits.fetchall() != [(0,)]:
                found.append((str(table), str(column), secret))
    return found
