"""Writers that run alongside maintenance, each in a process of its own; their rows can be computed from how often they wrote.

Loads and publications are the project's own. A build is replaced by similar statements under the project's own lock:
`build_candidate` creates a table and changes it.
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event
from random import Random
from time import monotonic, sleep

import duckdb

from core.contract import find_contract
from core.settings import Settings
from ingestion.collect.landing import Landing
from ingestion.load.load import load_feed
from lake.connection import connected
from lake.lock import exclusive
from lake.maintenance import tidy
from lake.publication import Publication, Source, publish_rows
from lake.snapshots import newest_snapshot
from tests.faults.deliveries import LEVELS, NOON, REQUESTS

DOMAIN = "maintained"
MARTS = {"many": 200, "few": 40}
"""Marts and their numbers of keys: in one, more rows change at a time than are inlined in the catalog; in the other, fewer."""

CANDIDATE = "lake.candidates.cases"
RECORDS = (25, 3)
"""Records per file, alternating: enough for a data file, and few enough to be inlined in the catalog."""

PAUSE_SECONDS = 0.2
"""The pause between two rounds of maintenance, long enough for a writer to take its turn."""

Rows = Counter[tuple[object, ...]]


@dataclass
class Work:
    """The work of one process: `shown` has the version of each publication; `seconds` is its longest round, waiting included."""

    name: str
    rounds: int = 0
    shown: list[int] = field(default_factory=list)
    expired: int = 0
    errors: list[str] = field(default_factory=list)
    seconds: float = 0.0


def _repeat(work: Work, stop: Event, works: "Queue[Work]", act: Callable[[int], None]) -> None:
    """Repeat `act` until stopped; an error ends the work and is reported, because nothing here may fail."""
    while not stop.is_set() and not work.errors:
        began = monotonic()
        try:
            act(work.rounds)
        except Exception as error:  # noqa: BLE001  any error is counted, and fails the test
            work.errors.append(f"{type(error).__name__}: {error}")
        else:
            work.rounds += 1
        work.seconds = max(work.seconds, monotonic() - began)
    works.put(work)


def load(settings: Settings, feed: str, stop: Event, works: "Queue[Work]") -> None:
    """Land a file and load it, repeatedly."""
    contract, landing = find_contract(feed), Landing(settings)

    def act(number: int) -> None:
        landing.land(contract, f"file_{number}", FILES[feed](number), settings.clock())
        (row,) = load_feed(settings, contract)
        assert row.accepted == RECORDS[number % 2], row

    _repeat(Work(feed), stop, works, act)


def _keys(number: int) -> range:
    """Return the keys of the records of a file; no two files share any."""
    return range(number * 100, number * 100 + RECORDS[number % 2])


def _levels(number: int) -> bytes:
    times = [(NOON - timedelta(hours=30) + timedelta(milliseconds=key)).isoformat() for key in _keys(number)]
    rows = [f"46_TV01,Kim Long,Hương,1.5,{time},rising" for time in times]
    return "\n".join(["station_id,station_name,river,value,timestamp,status", *rows, ""]).encode()


def _requests(number: int) -> bytes:
    at = (NOON - timedelta(days=1)).isoformat()
    return json.dumps(
        [
            {
                "service_request_id": f"PA-{key}",
                "status": "open",
                "service_code": "VSMT",
                "description": "Rác tồn đọng",
                "requested_datetime": at,
                "updated_datetime": at,
                "ext": {"ma_xa": "19753", "ma_co_quan": "000.00.01.H57"},
            }
            for key in _keys(number)
        ]
    ).encode()


FILES = {LEVELS: _levels, REQUESTS: _requests}
KEYS = {
    LEVELS: f"select date_diff('milliseconds', timestamptz '{NOON - timedelta(hours=30)}', measured_at) as key, 1 as value "
    f"from lake.bronze.{find_contract(LEVELS).table}",
    REQUESTS: "select substr(service_request_id, 4)::bigint as key, 1 as value "
    f"from lake.bronze.{find_contract(REQUESTS).table}",
}
"""SQL for the keys in bronze."""


def loaded_rows(rounds: int) -> Rows:
    """Return the rows that this many loads of a feed must have written."""
    return Counter((key, 1) for number in range(rounds) for key in _keys(number))


def version_query(version: int, keys: int) -> str:
    """Return SQL for the rows of a version: one key in thirteen is missing, and one value in seven is new."""
    return f"select range as key, ({version} + range) // 7 as value from range({keys}) where (range * 31 + {version}) % 13 <> 0"


def version_rows(version: int, keys: int) -> Rows:
    """Return the rows of a version."""
    return Counter((key, (version + key) // 7) for key in range(keys) if (key * 31 + version) % 13)


def build(settings: Settings, stop: Event, works: "Queue[Work]") -> None:
    """Build a candidate repeatedly."""
    with connected(settings) as connection:
        _repeat(Work("build"), stop, works, lambda number: build_candidate(connection, settings, number))


def build_candidate(connection: duckdb.DuckDBPyConnection, settings: Settings, version: int) -> None:
    """Write a version of a lake table like dbt: recreated every tenth time, changed by key otherwise, each statement one commit."""
    with exclusive(settings, "build"):
        connection.execute("create schema if not exists lake.candidates")
        if version % 10 == 0:
            connection.execute(f"create or replace table {CANDIDATE} as {version_query(version, 100)}")
            return
        connection.execute(f"create or replace temp table wanted as {version_query(version, 100)}")
        connection.execute(f"delete from {CANDIDATE} where key in (select key from wanted)")
        connection.execute(f"insert into {CANDIDATE} from wanted")
        connection.execute(f"delete from {CANDIDATE} where key not in (select key from wanted)")


def publish(settings: Settings, stop: Event, works: "Queue[Work]") -> None:
    """Publish version after version, with release times ten minutes apart; every fifth time, roll back to an older one."""
    work = Work("publish")

    def act(number: int) -> None:
        is_rollback = number % 5 == 4
        version = Random(number).randrange(number) if is_rollback else number
        at = settings.model_copy(update={"now": NOON + timedelta(minutes=10 * number)})
        publish_version(connection, at, version, "rollback" if is_rollback else "publish")
        work.shown.append(version)

    with connected(settings) as connection:
        connection.execute(f"create schema if not exists lake.{DOMAIN}")
        _repeat(work, stop, works, act)


def publish_version(connection: duckdb.DuckDBPyConnection, settings: Settings, version: int, action: str) -> None:
    """Publish a version of a domain's marts: differences are merged and deleted by key, in one transaction."""
    with exclusive(settings, "release"):
        for mart, keys in MARTS.items():
            connection.execute(f"create or replace table lake.{DOMAIN}.{mart} as {version_query(version, keys)}")
        snapshot = newest_snapshot(connection)
        publish_rows(
            connection,
            Publication(
                domain=DOMAIN,
                source=Source("lake", snapshot),
                keys=dict.fromkeys(MARTS, ("key",)),
                lake_snapshot=snapshot,
                suite="",
                action=action,
                reason="",
                scores={},
                last_event_at=None,
                published_at=settings.clock(),
            ),
        )


def maintain(settings: Settings, stop: Event, works: "Queue[Work]") -> None:
    """Run maintenance repeatedly by the real clock without a grace period, so that unneeded snapshots and files go at once."""
    real = settings.model_copy(update={"now": None})
    work = Work("maintenance")

    def act(_: int) -> None:
        sleep(PAUSE_SECONDS)
        work.expired += sum(tidy(real, timedelta(0)).values())

    _repeat(work, stop, works, act)
