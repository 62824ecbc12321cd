"""Losses that went unnoticed in other systems of this kind, replayed here: each is found, with its numbers, and blocks nothing."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.reference import Reference
from ingestion.collect.collect import collect
from ingestion.collect.connectors.base import Checkpoint
from ingestion.load.load import load_feed
from quality import steps

from .conftest import Lake
from .test_slots import READINGS, REQUESTS, Slot, empty_the_server, file_of, missing, publish

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1800)]

MORNING = datetime.fromisoformat("2026-11-20T08:00:00+07:00")
NOON = datetime.fromisoformat("2026-11-20T12:00:00+07:00")
FIVE, HOUR = timedelta(minutes=5), timedelta(hours=1)
LEVELS = "environment.river_levels"


def page(count: int, first: int) -> str:
    """Write a page of `count` citizens' requests."""
    return json.dumps(
        [
            {
                "service_request_id": f"PA-{number}",
                "status": "open",
                "service_code": "VSMT",
                "requested_datetime": MORNING.isoformat(),
                "ext": {"ma_xa": "19753", "ma_co_quan": "000.00.01.H57"},
            }
            for number in range(first, first + count)
        ]
    )


def poll(records: int) -> str:
    """Write a poll of the gauges."""
    rows = [f"46_TV01,Kim Long,Huong,1.5,{(MORNING + step * FIVE * 3).isoformat()},rising" for step in range(records)]
    return "\n".join(["station_id,station_name,river,value,timestamp,status", *rows]) + "\n"


def span_name(start: datetime, end: datetime) -> str:
    return "_".join(f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}" for moment in (start, end))


def test_the_losses_of_others_are_found(lake: Lake, tmp_path: Path) -> None:
    settings = lake.settings.model_copy(update={"now": NOON.astimezone(UTC)})
    stations = sorted(map(str, Reference().values_of("stations.station_id")))
    transit, renamed = stations[:11], stations[11]
    slots = [(station, MORNING + step * FIVE) for step in range(18) for station in transit]
    arrived = [slot for number, slot in enumerate(slots) if number % 10 not in (1, 4, 8)][:138]
    lost = set(slots) - set(arrived)
    assert (len(slots), len(arrived), len(lost)) == (198, 138, 60)
    spoken: list[Slot] = [(renamed, MORNING + step * FIVE) for step in range(18)]
    old = [file_of(slot) for slot in (*arrived, *spoken[:6])]
    new = [
        (name.replace(f"{renamed}_", f"tram-{renamed}-").replace(".txt", ".dat"), raw)
        for name, raw in map(file_of, spoken[6:])
    ]
    empty_the_server(settings, lake)
    lake.landing.write_checkpoint(lake.contracts[READINGS], Checkpoint().to_json())
    publish(settings, tmp_path / "sent", *old, *new)
    collect(settings, lake.contracts[READINGS])

    whole, short = (span_name(MORNING + hour * HOUR, MORNING + (hour + 1) * HOUR) for hour in (0, 1))
    for name, raw in (
        (f"requests_{whole}_p001.json", page(50, 0)),
        (f"requests_{whole}_p002.json", page(20, 50)),
        (f"requests_{short}_p001.json", page(50, 100)),
    ):
        lake.land(REQUESTS, name, raw)
    for hour, records in enumerate((12, 12, 12, 12, 12, 2, 0)):
        lake.land(LEVELS, f"river_levels_20261120_{hour:02d}0000.csv", poll(records))
    loaded = {feed: load_feed(settings, lake.contracts[feed]) for feed in (READINGS, REQUESTS, LEVELS)}
    assert {feed: len(rows) for feed, rows in loaded.items()} == {READINGS: 144, REQUESTS: 3, LEVELS: 7}

    steps.build_domain(settings, "quality", full_refresh=True)
    of_transit = {(station, moment) for station, moment in missing(lake, READINGS) if station in transit}
    assert {slot for slot in of_transit if slot[1] < MORNING + 18 * FIVE} == lost
    of_renamed = {moment for station, moment in missing(lake, READINGS) if station == renamed}
    assert min(of_renamed) == spoken[6][1]
    assert of_renamed >= {moment for _, moment in spoken[6:]}
    assert lake.query(
        "select findings.feed, kind, source_name, received_records, usual_records, pages, promised_pages "
        "from lake.quality.suspicious_deliveries as findings inner join lake.ledger.deliveries using (feed, delivery_id) "
        "order by all"
    ) == [
        (LEVELS, "empty", "river_levels_20261120_060000.csv", 0, 12, None, None),
        (LEVELS, "small", "river_levels_20261120_050000.csv", 2, 12, None, None),
        (REQUESTS, "pages_missing", f"requests_{short}_p001.json", 50, None, 1, 2),
    ]
