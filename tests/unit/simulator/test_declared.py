"""A feed without an emitter is simulated from its contract: what is sent is read as the counts and the truth say."""

import io
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx
import polars as pl
import pytest

from core.contract import Contract, find_contract, read_contracts
from core.errors import ConfigurationError
from core.reference import Reference
from core.table_forms import Container, Form
from ingestion.collect.connectors.base import Checkpoint
from ingestion.collect.connectors.http import Http
from ingestion.formats.base import Envelope, join_pieces
from ingestion.formats.registry import find_format, split_delivery
from ingestion.load.checks import check
from simulator import server
from simulator.declared import declared_contracts, emit_declared
from simulator.faults import DEMO_FAULTS, NO_FAULTS, FaultKind
from simulator.truth import Emission

DAY = date(2026, 11, 20)
NIGHT = datetime(2026, 11, 20, 17, tzinfo=UTC)
GAUGES = find_contract("environment.river_levels")
WIRE = {column.name: column.wire_name for column in GAUGES.columns}
GAUGE = GAUGES.column("gauge_id")
COMMUNES = replace(
    GAUGE, name="commune_code", wire_name="xa", is_key=False, reference="communes.commune_code", pattern=None
)
FORMS = {
    "csv": Form(Container.CSV, columns={**WIRE, "commune_code": "xa"}),
    "json": Form(Container.JSON, columns={**WIRE, "commune_code": "at.xa"}, records=("data",)),
    "xlsx": Form(Container.XLSX, columns={**WIRE, "commune_code": "Xã"}, needs_file_time=True),
    "zip": Form(Container.ZIP, columns={**WIRE, "commune_code": "xa"}, member="spots.csv"),
}
SPOTS = replace(GAUGES, feed="environment.hot_spots", columns=(*GAUGES.columns, COMMUNES), cadence=timedelta(hours=3))


def spots(form: str) -> Contract:
    return replace(SPOTS, forms=(FORMS[form],))


def read(contract: Contract, folder: Path) -> tuple[pl.DataFrame, Counter[int], int]:
    """Read every file; return the accepted records once each, what is quarantined by error group, and the duplicates."""
    paths = sorted(folder.iterdir())
    blocks, envelopes = [], {number: Envelope(path.name) for number, path in enumerate(paths)}
    for number, path in enumerate(paths):
        blocks += [
            (number, pieces) for pieces in split_delivery(contract, io.BytesIO(path.read_bytes()), envelopes[number])
        ]
    reading = find_format(contract).read(join_pieces(blocks), contract, envelopes)
    received = pl.lit(NIGHT).cast(pl.Datetime("us", "UTC")).alias("received_at")
    checked = check(reading.records.with_columns(received), contract, Reference())
    groups = Counter([*reading.unreadable["error_group"].to_list(), *checked.failed["error_group"].to_list()])
    accepted = checked.passed.select(contract.column_names).unique(maintain_order=True)
    return accepted, groups, checked.passed.height - accepted.height


def emit(contract: Contract, folder: Path, seed: int = 1, faults: bool = True) -> Emission:
    folder.mkdir()
    return emit_declared(contract, DAY, seed, DEMO_FAULTS if faults else NO_FAULTS, folder)


@pytest.mark.parametrize("form", FORMS)
def test_what_is_sent_is_read_as_the_books_and_the_truth_say(form: str, tmp_path: Path) -> None:
    contract = spots(form)
    emission = emit(contract, tmp_path / "day")
    accepted, groups, repeated = read(contract, tmp_path / "day")
    _, deliveries, received, right, twice, wrong = emission.books.ledger_row()
    truth = emission.tables[contract.table]
    assert accepted.sort(contract.key).equals(truth.select(accepted.columns).sort(contract.key))
    assert groups == emission.books.quarantined
    assert (accepted.height, repeated, groups.total()) == (right, twice, wrong)
    assert received == right + twice + wrong > 20
    assert deliveries == 8
    kinds = {fault.fault for fault in emission.books.faults}
    assert kinds >= {FaultKind.MISSING_SLOT, FaultKind.DUPLICATE, FaultKind.UNKNOWN_CODE, FaultKind.MISSING_VALUE}
    assert (FaultKind.MALFORMED in kinds) == (form == "csv")


def test_the_faulty_day_is_the_good_day_but_for_what_its_faults_destroyed(tmp_path: Path) -> None:
    contract = spots("csv")
    faulty, good = emit(contract, tmp_path / "faulty"), emit(contract, tmp_path / "good", faults=False)
    left = good.tables[contract.table].join(faulty.tables[contract.table], on=contract.key, how="anti")
    gone = [
        (fault.object_id, fault.event_at)
        for fault in faulty.books.faults
        if fault.outcome in ("quarantined", "missing")
    ]
    assert sorted(left.select("gauge_id", pl.col("measured_at") - contract.cadence / 4).rows()) == sorted(gone)
    assert (
        faulty.tables[contract.table].join(good.tables[contract.table], on=contract.column_names, how="anti").is_empty()
    )
    assert good.books.faults == []


def test_joined_times_and_places_are_written_as_they_are_read_and_what_the_form_lacks_is_left_out(
    tmp_path: Path,
) -> None:
    contract = find_contract("forest.hotspots")
    emission = emit(contract, tmp_path / "day")
    accepted, groups, repeated = read(contract, tmp_path / "day")
    truth = emission.tables[contract.table]
    assert accepted.sort(contract.key).equals(truth.select(accepted.columns).sort(contract.key))
    assert (groups, repeated) == (emission.books.quarantined, emission.books.ledger_row()[4])
    assert (tmp_path / "day" / "forest__hotspots_20261120_000000.csv").read_text().splitlines()[1].count(",1745,") == 1
    assert truth["acquired_at"].min() == datetime(2026, 11, 19, 17, 45, tzinfo=UTC)
    assert truth["confidence_percent"].null_count() == truth.height > 20
    assert truth["latitude"].is_between(16, 17).all()


def test_a_day_is_told_without_its_time(tmp_path: Path) -> None:
    contract = find_contract("forest.weather")
    truth = emit(contract, tmp_path / "day").tables[contract.table]
    assert truth["observed_at"].unique().to_list() == [datetime(2026, 11, 19, 17, tzinfo=UTC)]
    accepted, _, _ = read(contract, tmp_path / "day")
    assert accepted.sort(contract.key).equals(truth.select(accepted.columns).sort(contract.key))


def test_a_column_that_sql_makes_cannot_be_made_up(tmp_path: Path) -> None:
    contract = spots("csv")
    form = replace(
        contract.forms[0],
        columns={name: path for name, path in WIRE.items() if name != "river_name"} | {"commune_code": "xa"},
        derived={"river_name": "upper(record.river)"},
        sources=("river",),
    )
    with pytest.raises(ConfigurationError, match="expected river_name in a column of its own"):
        emit(replace(contract, forms=(form,)), tmp_path / "day")


@pytest.mark.parametrize("form", FORMS)
def test_the_same_seed_gives_the_same_bytes(form: str, tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        emit(spots(form), tmp_path / name, seed)
    bytes_of = {name: [path.read_bytes() for path in sorted((tmp_path / name).iterdir())] for name in "abc"}
    assert bytes_of["a"] == bytes_of["b"] != bytes_of["c"]


def test_a_pattern_alone_cannot_be_made_up(tmp_path: Path) -> None:
    contract = spots("csv")
    odd = replace(contract.columns[1], pattern=r"^\d{12}$", is_required=True, name="pass", wire_name="pass")
    with pytest.raises(ConfigurationError, match="expected a reference list or an enum for pass"):
        emit(replace(contract, columns=(*contract.columns, odd)), tmp_path / "day")


def test_feeds_with_an_emitter_of_their_own_are_not_made_twice() -> None:
    assert [contract.feed for contract in declared_contracts(read_contracts())] == ["forest.hotspots", "forest.weather"]
    assert declared_contracts({SPOTS.feed: SPOTS}) == [SPOTS]


@pytest.mark.parametrize("form", ["iso8601", "epoch", "yyyy-MM-dd HH:mm:ss"])
def test_a_list_over_http_is_told_page_by_page_as_its_contract_asks(form: str, tmp_path: Path) -> None:
    options = {
        "path": "spots",
        "window": {"from": "since", "to": "until", "form": form},
        "paging": {"by": "page", "parameter": "p", "size": 7, "size_parameter": "n"},
    }
    contract = replace(spots("json"), connector="http", connector_options=tuple(options.items()))
    emission = emit(contract, tmp_path / contract.table)
    with (
        pytest.MonkeyPatch.context() as patch,
        httpx.Client(trust_env=False) as client,
    ):
        patch.setattr(server, "read_contracts", lambda: {contract.feed: contract})
        with server.city_server(tmp_path) as city:
            base = city.url.removesuffix(server.PATH)
            connector = Http(client, {contract.feed: f"{base}/{contract.table}"}, wait=lambda _: None)
            arrivals = list(connector.collect(contract, Checkpoint(), None, lambda: NIGHT + timedelta(hours=1)))
    landed = tmp_path / "landed"
    landed.mkdir()
    for number, arrival in enumerate(arrivals):
        content = arrival.content if isinstance(arrival.content, bytes) else arrival.content.read()
        (landed / f"{number:03}").write_bytes(content)
    accepted, groups, _ = read(contract, landed)
    truth = emission.tables[contract.table]
    assert accepted.sort(contract.key).equals(truth.select(accepted.columns).sort(contract.key))
    assert set(groups) == set(emission.books.quarantined)
    assert len(arrivals) > truth.height // 7
