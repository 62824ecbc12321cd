"""No personal value of a delivery is found again in bronze, silver or marts, nor in a log or an error; only the quarantine may keep it.

Unknown names of columns and files stay in the ledger, and in what silver compares of it.

Each feed with personal or restricted columns joins with one small delivery of `persons.py`. What Airflow and Superset keep is searched in
`test_whole_stack.py`.
"""

import logging
from itertools import groupby
from operator import itemgetter

import pytest

from core.contract import read_contracts

from .conftest import NOON, Lake
from .persons import BUILDERS, Seeded, health_claims, pseudonym, strange_names
from .warehouse import Warehouse

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1800)]


PLACES_OF_NAMES = {
    ("lake.ledger.deliveries", "object_key"),
    ("lake.ledger.deliveries", "source_name"),
    ("lake.ledger.drift", "column_name"),
    ("lake.ledger.drift", "came"),
    ("lake.silver.int_answers", "source_name"),
    ("lake.silver.int_answers", "comparable"),
}
"""Where the name of a file, and of an unknown column, may appear: in the lake, which only the pipeline reads."""


def test_every_feed_with_personal_or_restricted_columns_is_seeded() -> None:
    private = {
        contract.feed
        for contract in read_contracts().values()
        if any(column.classification in ("personal", "restricted") for column in contract.columns)
    }
    assert {build().feed for build in BUILDERS} == private


def test_no_personal_value_is_found_outside_the_quarantine(
    lake: Lake, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    every = [*(build() for build in BUILDERS), strange_names()]
    secrets = tuple(secret for seeded in every for secret in seeded.secrets)
    for seeded in every:
        lake.land(seeded.feed, seeded.name, seeded.content)
        (row,) = lake.load(seeded.feed)
        assert (row.accepted > 0, row.quarantined > 0) == (True, True), seeded.feed
        assert _held(lake, seeded) == _hashed(lake, seeded), "the record is there, and only its hash"
    warehouse = Warehouse(lake.settings, lake.connection)
    warehouse.build_untested(NOON)
    assert {(table, column) for table, column, _ in found_in_tables(lake, secrets)} == PLACES_OF_NAMES
    assert lake.query("select column_name, came from lake.quality.schema_drift where kind = 'added'") == [("#1", "#1")]
    written = "\n".join(
        path.read_text(encoding="utf-8", errors="replace") for path in warehouse.folder.rglob("*") if path.is_file()
    )
    told = "".join(capfd.readouterr()) + caplog.text + written
    assert len(told) > 1000
    assert [secret for secret in secrets if secret in told] == []


def test_the_search_finds_what_it_looks_for(lake: Lake) -> None:
    seeded = health_claims()
    lake.land(seeded.feed, seeded.name, seeded.content)
    lake.load(seeded.feed)
    lake.connection.execute("update lake.bronze.health__claims set lines = 'Tôn Nữ Kín Đáo' where file_kind = 'XML5'")
    assert found_in_tables(lake, ("Kín Đáo",)) == [("lake.bronze.health__claims", "lines", "Kín Đáo")]


def _held(lake: Lake, seeded: Seeded) -> list[tuple[object, ...]]:
    if not seeded.pseudonymous:
        return []
    column = seeded.pseudonymous[0]
    table = f"lake.bronze.{seeded.feed.replace('.', '__')}"
    return lake.query(f"select distinct {column} from {table} where {column} is not null")


def _hashed(lake: Lake, seeded: Seeded) -> list[tuple[object, ...]]:
    if not seeded.pseudonymous:
        return []
    return [(pseudonym(seeded.pseudonymous[1], lake.settings.reveal("privacy_key")),)]


def found_in_tables(lake: Lake, secrets: tuple[str, ...]) -> list[tuple[str, str, str]]:
    """Return table, column and value of what is found in any text of lake or marts, lists and structs included, except the quarantine."""
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
    for table, pairs in groupby(columns, key=itemgetter(0)):
        names = [str(column) for _, column in pairs]
        texts = ", ".join(f'cast("{name}" as varchar)' for name in names)
        for row in lake.query(f"select {texts} from {table}"):
            found += [
                (str(table), name, secret)
                for name, text in zip(names, row, strict=True)
                for secret in secrets
                if secret in str(text)
            ]
    return found
