"""The same models on Trino over Iceberg, from the same snapshot of the lake: every mart equal to DuckDB's.

A simulated day with faults is loaded and built by dbt on DuckDB; what builds read is copied (lake/copies.py), and dbt builds the same
models from it on Trino. DuckDB then compares the marts of both. `make test-scale` does so with every domain and writes the table of
docs/scale.md; without it, one domain is built, which divides, counts and ranks in most of the ways in which the engines differ.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from core.contract import find_contract
from core.domains import domain_names
from core.settings import PROJECT, Settings
from ingestion.collect.landing import Landing
from ingestion.load.load import load_feed
from ingestion.receipts.trace import find_delivery
from ingestion.repair.repair_request import Request, request_withdrawal
from lake import copies
from lake.connection import connected
from lake.copies import copy_to_iceberg
from quality.marts import keys_of
from stack.control import DATA_SERVICES, down, up
from tests.faults.report import between_marks, table
from tests.trino import StartTrino, deployed_catalogs, place_of_the_store
from transform.build import build
from transform.on_trino import build_on_trino

from .city import City, bring_in

pytestmark = [pytest.mark.stack, pytest.mark.timeout(3000)]

SMALL = ("education",)
WITHHELD = 5
WITHDRAWN_FROM = "education.attendance"
PAGE = PROJECT / "docs" / "scale.md"


@dataclass(frozen=True)
class Compared:
    """A mart of both engines: how many rows DuckDB's has, and how many only one of them has."""

    mart: str
    rows: int
    columns: int
    only_here: int
    only_there: int


@dataclass(frozen=True)
class Engines:
    """A day on both engines."""

    city: City
    domains: tuple[str, ...]
    on_trino: Settings

    def build(self) -> dict[str, tuple[int, int]]:
        """Build every domain on DuckDB, copy what it was built from, build it on Trino; return the models and tests of each domain."""
        with connected(self.city.settings) as connection:
            here = [build(connection, self.city.settings, domain) for domain in self.domains]
        assert sum(one.rows for one in copy_to_iceberg(self.city.settings)) > 1000
        there = [build_on_trino(self.on_trino, domain) for domain in self.domains]
        counts = {one.domain: (one.built, one.tested) for one in here}
        assert {one.domain: (one.built, one.tested) for one in there} == counts
        return counts

    def compare(self) -> list[Compared]:
        """Compare every mart."""
        marts = sorted(f"{domain}.{mart}" for domain in self.domains for mart in keys_of(domain))
        with copies.both(self.city.settings) as both:
            return [compare(both, mart) for mart in marts]

    def load_the_rest(self) -> None:
        """Land and load what was kept for later."""
        for one in self.city.withheld:
            one.land(self.city.settings)
        for contract in {one.contract.feed: one.contract for one in self.city.withheld}.values():
            load_feed(self.city.settings, contract)

    def withdraw(self, feed: str) -> None:
        """Withdraw the newest delivery of a feed that was loaded."""
        settings, contract = self.city.settings, find_contract(feed)
        with connected(settings) as connection:
            (name,) = connection.execute(
                "select max(source_name) from lake.ledger.deliveries where feed = ? and status = 'loaded' and accepted > 0",
                [feed],
            ).fetchone() or ("",)
            found = find_delivery(connection, contract, str(name))
        request = Request("Nguyễn Thị Sửa", settings.clock(), "gửi nhầm tệp")
        request_withdrawal(Landing(settings), contract, found.delivery, found.sha256, request)
        load_feed(settings, contract)


@contextmanager
def both_engines(
    settings: Settings, folder: Path, domains: tuple[str, ...], start_trino: StartTrino
) -> Iterator[Engines]:
    """Load a day whose last deliveries have not come yet, beside a Trino that reads its copies."""
    up(settings, DATA_SERVICES)
    try:
        city = bring_in(settings, folder, "demo", withhold=WITHHELD, domains=domains)
        server = start_trino(deployed_catalogs(), place_of_the_store(city.settings))
        on_trino = city.settings.model_copy(update={"trino_host": "127.0.0.1", "trino_port": server.port})
        yield Engines(city, domains, on_trino)
        server.stop()
    finally:
        down(settings)


def compare(both: duckdb.DuckDBPyConnection, mart: str) -> Compared:
    """Compare a mart of the lake with its copy on the other side: all columns of all rows, bit for bit."""
    columns = [(str(name), str(kind)) for name, kind, *_ in both.execute(f"describe lake.{mart}").fetchall()]
    there = [str(row[0]) for row in both.execute(f"describe scale.{mart}").fetchall()]
    assert sorted(there) == sorted(name for name, _ in columns), mart  # dbt puts them in the order of the contract

    def selected(catalog: str, names: Mapping[str, str]) -> str:
        return f"select {', '.join(names.values())} from {catalog}.{mart}"

    def count(first: str, second: str) -> int:
        row = both.execute(f"select count(*) from (({first}) except all ({second}))").fetchone()
        assert row is not None
        return int(row[0])

    shown = {name: f'"{name}"' if kind == "DOUBLE" else f'cast("{name}" as varchar)' for name, kind in columns}
    here, other = (selected(catalog, shown) for catalog in ("lake", "scale"))
    row = both.execute(f"select count(*) from lake.{mart}").fetchone()
    assert row is not None
    return Compared(mart, int(row[0]), len(columns), count(here, other), count(other, here))


def different(compared: list[Compared]) -> dict[str, tuple[int, int]]:
    """Return the marts that differ, with the rows that only DuckDB has and those that only Trino has."""
    return {one.mart: (one.only_here, one.only_there) for one in compared if one.only_here or one.only_there}


def write_table(compared: list[Compared], seconds: float) -> None:
    """Write the table of all marts into the page, between its marks."""
    lines = [(f"`{one.mart}`", one.rows, one.columns, one.only_here + one.only_there) for one in compared]
    heads = ("mart", "rows", "columns", "rows that differ")
    built = f"{len(compared)} marts; both engines built and tested them in {seconds:.0f} s on a shared machine of two cores."
    page = between_marks(PAGE.read_text(encoding="utf-8"), "marts", f"{built}\n\n{table(heads, lines)}")
    PAGE.write_text(page, encoding="utf-8")


def test_trino_builds_the_same_marts(
    new_settings: Callable[[], Settings],
    start_trino: StartTrino,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    """Takes some minutes: a day is built on both, continued with what came late and, with all domains, built again without a delivery."""
    is_whole = bool(request.config.getoption("--scale"))
    domains = tuple(domain_names()) if is_whole else SMALL
    settings = new_settings()
    with_catalog = settings.model_copy(update={"iceberg_port": settings.s3_port + 9})
    with both_engines(with_catalog, tmp_path, domains, start_trino) as engines:
        engines.build()
        first = engines.compare()
        assert different(first) == {}
        engines.load_the_rest()
        began = time.monotonic()
        engines.build()
        seconds = time.monotonic() - began
        continued = engines.compare()
        assert different(continued) == {}
        assert [one.rows for one in continued] != [one.rows for one in first]
        if is_whole:  # both build everything anew, as at first
            engines.withdraw(WITHDRAWN_FROM)
            engines.build()
            assert different(engines.compare()) == {}
    assert len(continued) >= (70 if is_whole else 8)
    assert sum(one.rows > 0 for one in continued) > len(continued) * 0.9
    if is_whole:
        write_table(continued, seconds)
