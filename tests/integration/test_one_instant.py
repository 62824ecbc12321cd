"""A build sees one instant: loads of every feed commit between its models and its tests, and change nothing in it.

Takes a city of its own and two builds a domain, minutes: what is loaded here in the middle of builds is no use to other tests. `make test`
does so with one domain and the feeds of a few, `make test-faults` with all of both.
"""

import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest

from core.domains import domain_names
from core.settings import Settings
from ingestion.load.load import load_feed
from lake.connection import connected
from quality.marts import keys_of
from quality.steps import build_domain
from stack.control import DATA_SERVICES, down, up
from tests.long_run import a_few
from transform import build, warm

from .city import City, Withheld, bring_in
from .warehouse import Tables, changes

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1800)]

BY_DEFAULT = ("quality",)
"""The one that reads the ledger of every feed."""

THAT_SEND = ("environment", "feedback", "fisheries")
"""The domains whose feeds are loaded meanwhile in the smaller run."""

AT_ONCE = 3
"""This many deliveries are landed and loaded after each model."""


@pytest.fixture(scope="module")
def city(
    new_settings: Callable[[], Settings], tmp_path_factory: pytest.TempPathFactory, is_long: bool
) -> Iterator[City]:
    """A day of which the last deliveries of each feed have not come yet."""
    settings = new_settings()
    try:
        up(settings, DATA_SERVICES)
        domains = None if is_long else THAT_SEND
        yield bring_in(settings, tmp_path_factory.mktemp("day") / "day", "demo", withhold=80, domains=domains)
    finally:
        down(settings)


def marts(connection: duckdb.DuckDBPyConnection, built: build.Build) -> Tables:
    """Return the candidates of a build, whole and in one order."""
    return {
        mart: connection.execute(
            f"select * from lake.{built.domain}.{mart} at (version => {built.written}) order by all"
        ).fetchall()
        for mart in keys_of(built.domain)
    }


def load_after_each_model(
    settings: Settings, folder: Path, building: Future[build.Build], later: list[Withheld], domain: str
) -> set[str]:
    """Land and load some of what was kept for later after each model, the domain's own first; return the feeds that were loaded."""
    loaded: set[str] = set()
    seen: set[Path] = set()
    later.sort(key=lambda one: one.contract.domain == domain)
    while not building.done():
        for done in {*folder.glob("*.done")} - seen:
            seen.add(done)
            share = [later.pop() for _ in range(min(len(later), AT_ONCE))]
            for one in share:
                one.land(settings)
            for contract in {one.contract.feed: one.contract for one in share}.values():
                assert load_feed(settings, contract)
                loaded.add(contract.feed)
            done.with_suffix(".go").touch()
        time.sleep(0.05)
    return loaded


@pytest.mark.parametrize("domain", a_few(domain_names(), BY_DEFAULT))
def test_loads_in_the_middle_of_a_build_change_nothing_and_its_instant_gives_the_same_marts_again(
    city: City, domain: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paused = [sys.executable, "-m", "tests.integration.dbt_paused", str(tmp_path)]
    with connected(city.settings) as connection:
        build.load_reference_lists(connection, city.settings)
        with monkeypatch.context() as patches, ThreadPoolExecutor(1) as pool:
            patches.setattr(build, "dbt_process", lambda: paused)
            patches.setattr(warm, "ask", lambda *_: None)
            building = pool.submit(build_domain, city.settings, domain)
            loaded = load_after_each_model(city.settings, tmp_path, building, city.withheld, domain)
        disturbed = building.result()
        newest = connection.execute("select max(snapshot_id) from lake.ledger.deliveries").fetchone()
        assert newest is not None
        assert newest[0] > disturbed.snapshot_id
        assert loaded
        monkeypatch.setattr(build, "newest_snapshot", lambda _: disturbed.snapshot_id)
        again = build_domain(city.settings, domain, full_refresh=True)
        monkeypatch.undo()
        row = connection.execute("select id from lake.current_snapshot()").fetchone()
        assert row is not None
        whole = build.Build(domain, again.snapshot_id, int(row[0]), again.code, again.built, again.tested)
        before, after = marts(connection, disturbed), marts(connection, whole)
        assert changes(before, after) == {}
