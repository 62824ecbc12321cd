"""Slots on real sources: what was knocked out is listed, recapture fetches exactly that, however old, late data lands in its own day."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from core.agencies import agency_slug
from core.domains import QUALITY
from core.errors import SourceAnswerError
from core.reference import Reference
from core.settings import Settings
from ingestion.collect.collect import collect
from ingestion.collect.connectors.base import Checkpoint
from ingestion.collect.recapture import Attempt, recapture
from ingestion.load.load import load_feed
from quality import steps
from quality.marts import keys_of
from simulator.publish import publish_to_sftp
from simulator.server import Behaviour, CityServer, Habit, city_server
from tests.publishing import publish_candidates

from .conftest import Lake
from .warehouse import Warehouse

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1800)]

READINGS, REQUESTS = "environment.station_readings", "feedback.requests"
EVENING = datetime.fromisoformat("2026-11-19T23:45:00+07:00")
SLOTS = ("path:models/staging", "int_slots_received", "slot_days", "missing_slots")
"""The models about slots, with the staging views below: each run of dbt makes its own."""

NIGHT = datetime.fromisoformat("2026-11-20T00:30:00+07:00")
LONG_AGO = datetime.fromisoformat("2025-10-16T08:00:00+07:00")
FIVE, QUARTER, HOUR = timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1)
Slot = tuple[str, datetime]
COLUMNS = "feed, object_id, local_date, expected_slots, received_slots, late_slots, awaited_slots, missing_slots"


def stations() -> list[str]:
    """Return every station of the register."""
    return sorted(map(str, Reference().values_of("stations.station_id")))


def file_of(slot: Slot, parameter: str = "PM2,5") -> tuple[str, bytes]:
    """Return name and bytes of a station's file for a slot."""
    station, moment = slot
    stamp = f"{moment:%Y%m%d%H%M%S}"
    return f"{station}_{stamp}.txt", f"{parameter}\t38.1\tug/m3\t{stamp}\t00\n".encode()


def publish(settings: Settings, folder: Path, *files: tuple[str, bytes]) -> None:
    """Put files where the stations' loggers push them."""
    (folder / "environment").mkdir(parents=True)
    for name, content in files:
        (folder / "environment" / name).write_bytes(content)
    publish_to_sftp(folder, settings)


def empty_the_server(settings: Settings, lake: Lake) -> None:
    """Remove what other tests pushed."""
    folder = settings.home_folder / "sftp" / "agencies" / agency_slug(lake.contracts[READINGS].owner) / "environment"
    for path in folder.iterdir():
        path.unlink()


def landed(lake: Lake, feed: str) -> list[str]:
    """Return the names of what landing holds of a feed."""
    return [delivery.source_name for delivery in lake.landing.deliveries(lake.contracts[feed])]


def asked(attempts: list[Attempt]) -> list[tuple[Slot, str]]:
    """Return slot and outcome of attempts at single slots."""
    return [((one.span.object_id, one.span.start), one.outcome.value) for one in attempts]


def missing(lake: Lake, feed: str) -> set[Slot]:
    """Return the missing slots of a feed."""
    rows = lake.connection.execute(
        "select object_id, slot_start_at from lake.quality.missing_slots where feed = ?", [feed]
    ).fetchall()
    return {(str(name), moment) for name, moment in rows}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[CityServer]:
    """Serve one citizen's request, changed 400 days ago."""
    changed = LONG_AGO + 90 * timedelta(minutes=1)
    request = {
        "service_request_id": "PA-OLD",
        "status": "open",
        "service_code": "VSMT",
        "requested_datetime": changed.isoformat(),
        "updated_datetime": changed.isoformat(),
        "ext": {"ma_xa": "19753", "ma_co_quan": "000.00.01.H57"},
    }
    book = tmp_path / "city" / "feedback" / "requests.json"
    book.parent.mkdir(parents=True)
    entry = {"request": request, "changed_at": changed.isoformat(), "visible_at": changed.isoformat()}
    book.write_text(json.dumps([entry]), encoding="utf-8")
    with city_server(tmp_path / "city") as running:
        yield running


def test_recapture_fetches_exactly_the_missing_slots_and_late_data_fills_its_own_day(
    lake: Lake, server: CityServer, tmp_path: Path
) -> None:
    settings = lake.settings.model_copy(update={"now": NIGHT.astimezone(UTC), "source_urls": {"feedback": server.url}})
    readings = lake.contracts[READINGS]
    empty_the_server(settings, lake)
    lake.landing.write_checkpoint(readings, Checkpoint().to_json())
    senders = stations()
    every = [(station, EVENING + step * FIVE) for step in range(6) for station in senders]
    out = [
        (senders[1], EVENING),
        (senders[4], EVENING),
        (senders[2], EVENING + FIVE),
        (senders[2], EVENING + 2 * FIVE),
        (senders[1], EVENING + 3 * FIVE),
        (senders[3], EVENING + 4 * FIVE),
        (senders[3], EVENING + 5 * FIVE),
    ]
    lost, garbage = out[5], (senders[0], EVENING + 3 * FIVE)
    sent = [file_of(slot, "KHONG_CO" if slot == garbage else "PM2,5") for slot in every if slot not in out]
    publish(settings, tmp_path / "sent", *sent)
    collect(settings, readings)
    load_feed(settings, readings)
    ask_for_feedback(lake, settings)

    steps.build_domain(settings, "quality", full_refresh=True)
    warehouse = Warehouse(settings, lake.connection)
    warehouse.build_models(NIGHT, "--full-refresh", "--select", "+station_uptime_days")
    release_scores(lake)
    assert missing(lake, READINGS) == set(out)
    assert lake.query(
        f"select {COLUMNS} from lake.quality.slot_days where object_id = '{senders[0]}' order by all"
    ) == [
        (READINGS, senders[0], EVENING.date(), 3, 3, 3, 0, 0),
        # the third was due at 00:30, a few microseconds before it came
        (READINGS, senders[0], NIGHT.date(), 6, 3, 3, 3, 0),
    ]
    before = days(lake)

    publish(settings, tmp_path / "restored", *(file_of(slot) for slot in out if slot != lost))
    known = landed(lake, READINGS)
    first = recapture(settings, readings, limit=4)
    assert asked(first) == [(slot, "found") for slot in out[:4]]
    assert sorted(set(landed(lake, READINGS)) - set(known)) == sorted(file_of(slot)[0] for slot in out[:4])
    warehouse.build_models(NIGHT, "--select", "+station_uptime_days", *SLOTS)
    release_scores(lake)
    assert missing(lake, READINGS) == set(out[4:])
    changed = {mart: {row[1] for row in after ^ before[mart]} for mart, after in days(lake).items()}
    assert changed == {"slot_days": {EVENING.date()}, "station_uptime_days": {EVENING.date()}}

    second = recapture(settings, readings)
    assert asked(second) == [(slot, "empty" if slot == lost else "found") for slot in out[4:]]
    assert len(landed(lake, READINGS)) == len(known) + len(out) - 1
    assert recapture(settings, readings) == []
    warehouse.build_models(NIGHT, "--select", *SLOTS)
    release_scores(lake)
    assert lake.query(
        "select object_id, slot_start_at, recapture_attempts, last_outcome, is_refetchable, lost_reason "
        f"from lake.quality.missing_slots where feed = '{READINGS}'"
    ) == [(*lost, 1, "empty", True, None)]

    for waited, due in ((59, 0), (60, 1), (119, 0), (180, 1)):
        later = settings.model_copy(update={"now": NIGHT + waited * timedelta(minutes=1)})
        assert [one.outcome.value for one in recapture(later, readings)] == ["empty"] * due, waited
    recapture_an_old_window(lake, settings, server)


def release_scores(lake: Lake) -> None:
    """Publish the scores as they were built: recapture asks for what the release says is missing."""
    publish_candidates(lake.connection, QUALITY, NIGHT, keys_of(QUALITY))


def ask_for_feedback(lake: Lake, settings: Settings) -> None:
    """Poll 400 days ago and now, with a hole of two hours then, and one of all the days between."""
    contract = lake.contracts[REQUESTS]
    lake.landing.write_checkpoint(contract, Checkpoint().to_json())
    for stands, now in ((None, LONG_AGO), (LONG_AGO + 3 * HOUR, LONG_AGO + 4 * HOUR), (NIGHT - HOUR / 2, NIGHT)):
        if stands is not None:
            lake.landing.write_checkpoint(contract, Checkpoint(window_end=stands).to_json())
        at = settings.model_copy(update={"now": now})
        collect(at, contract)
        load_feed(at, contract)


def recapture_an_old_window(lake: Lake, settings: Settings, server: CityServer) -> None:
    """See a refusal recorded, the two hours of 400 days ago fetched in one window once it is over, and the rest stay listed."""
    contract = lake.contracts[REQUESTS]
    resumed = NIGHT - HOUR - HOUR / 2
    hole = [LONG_AGO + step * QUARTER for step in range(8)]
    between = (resumed - LONG_AGO - 4 * HOUR) // QUARTER
    listed = sorted(moment for _, moment in missing(lake, REQUESTS))
    assert (listed[:8], len(listed)) == (hole, 8 + between)
    server.behaviour = Behaviour(Habit.HTML_PAGE, times=1)
    with pytest.raises(SourceAnswerError, match="got a page of HTML"):
        recapture(settings, contract, limit=12)
    assert lake.query(
        f"select window_start_at, window_end_at, outcome from lake.ledger.recaptures where feed = '{REQUESTS}' order by all"
    ) == [
        (LONG_AGO, LONG_AGO + 2 * HOUR, "failed"),
        (LONG_AGO + 4 * HOUR, LONG_AGO + 5 * HOUR, "empty"),
    ]
    server.asked.clear()
    later = settings.model_copy(update={"now": NIGHT + HOUR})
    assert [(one.span.start, one.span.end, one.outcome.value) for one in recapture(later, contract, limit=8)] == [
        (LONG_AGO, LONG_AGO + 2 * HOUR, "found")
    ]
    assert {window_of(query) for query in server.asked} == {(LONG_AGO, LONG_AGO + 2 * HOUR)}
    assert lake.query("select service_request_id from lake.bronze.feedback__requests") == [("PA-OLD",)]
    Warehouse(settings, lake.connection).build_models(NIGHT, "--select", *SLOTS)
    left = sorted(moment for _, moment in missing(lake, REQUESTS))
    assert (left[0], len(left)) == (LONG_AGO + 5 * HOUR, between - 4)


def window_of(target: str) -> tuple[datetime, datetime]:
    """Read the window out of what the server was asked."""
    query = parse_qs(urlsplit(target).query)
    return datetime.fromisoformat(query["start_date"][0]), datetime.fromisoformat(query["end_date"][0])


def days(lake: Lake) -> dict[str, set[tuple[object, ...]]]:
    """Return the rows of the marts by day, without the catalog's version; the day comes second."""
    return {
        "slot_days": set(
            lake.query(f"select object_id, local_date, {COLUMNS} from lake.quality.slot_days where feed = '{READINGS}'")
        ),
        "station_uptime_days": set(
            lake.query(
                "select station_id, local_date, expected_slots, received_slots, valid_slots, missing_slots, last_reading_at "
                "from lake.environment.station_uptime_days"
            )
        ),
    }
