"""The connectors against the services of the stack and the simulator: what was published comes out, byte for byte, once."""

from datetime import UTC, date, datetime
from pathlib import Path

import httpx
import paramiko
import pytest

from core.contract import Contract, find_contract, read_contracts
from core.errors import ServiceError, SourceAnswerError
from core.settings import Settings
from ingestion.collect.connectors.base import Arrival, Checkpoint, Connector
from ingestion.collect.connectors.http import Http
from ingestion.collect.connectors.registry import find_connector
from ingestion.collect.connectors.sftp import Sftp
from simulator.city import SimulatedDay, simulate
from simulator.faults import DEMO_FAULTS
from simulator.publish import SERVED, STATIONS, publish_to_folders, publish_to_sftp
from simulator.server import city_server
from stack.sftp.accounts import ensure_accounts

pytestmark = pytest.mark.stack

NOW = datetime(2026, 11, 20, 17, 10, tzinfo=UTC)


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> SimulatedDay:
    """A day whose stations sent only one hour, to keep the sending short."""
    simulated = simulate(date(2026, 11, 20), 46, DEMO_FAULTS, tmp_path_factory.mktemp("day"))
    for path in (simulated.folder / "environment").iterdir():
        if path.stem[-6:-4] != "08":
            path.unlink()
    return simulated


def contents(connector: Connector, contract: Contract, checkpoint: Checkpoint) -> dict[str, bytes]:
    arrivals: list[Arrival] = []
    for arrival in connector.collect(contract, checkpoint, None, lambda: NOW):
        checkpoint.remember(arrival)
        arrivals.append(arrival)
    return {a.source_name: a.content for a in arrivals if isinstance(a.content, bytes)}


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_published_station_files_come_byte_for_byte_and_only_once(stack_settings: Settings, day: SimulatedDay) -> None:
    sent = files(day.folder / "environment")
    told: list[tuple[int, int]] = []
    assert publish_to_sftp(day.folder, stack_settings, lambda done, total: told.append((done, total))) == len(sent)
    assert told[-1] == (len(sent), len(sent))
    contract, checkpoint = find_contract("environment.station_readings"), Checkpoint()
    connector = find_connector(contract, stack_settings)
    assert contents(connector, contract, checkpoint) == sent
    assert contents(connector, contract, Checkpoint.from_json(checkpoint.to_json())) == {}
    assert checkpoint.refused == []


def test_the_key_of_the_sftp_server_is_kept_and_another_password_refused(
    stack_settings: Settings, day: SimulatedDay
) -> None:
    publish_to_sftp(day.folder, stack_settings)
    contract = find_contract("environment.station_readings")
    connector = find_connector(contract, stack_settings)
    assert isinstance(connector, Sftp)
    contents(connector, contract, Checkpoint())
    known = paramiko.HostKeys(str(stack_settings.home_folder / "sftp" / "known_hosts"))
    assert list(known.keys()) == [f"[{stack_settings.sftp_host}]:{stack_settings.sftp_port}"]
    stranger = Sftp(connector.host, connector.port, connector.user, "guessed", connector.known_hosts)
    with pytest.raises(SourceAnswerError, match="to accept the login, got a refusal"):
        contents(stranger, contract, Checkpoint())


def test_publishing_without_a_server_says_so(day: SimulatedDay, tmp_path: Path) -> None:
    nobody = Settings.model_validate({"home": tmp_path, "sftp_port": 1, "sftp_password": "x"})
    ensure_accounts(nobody, read_contracts())
    with pytest.raises(ServiceError, match=r"sftp: expected 127\.0\.0\.1:1 to take \d+ files, got "):
        publish_to_sftp(day.folder, nobody)


@pytest.mark.parametrize(
    ("feed", "folder"),
    [
        ("fisheries.vms_positions", "vms"),
        ("fisheries.ais_messages", "ais"),
        ("environment.river_levels", "river_levels"),
        ("fisheries.vessels", "vessels"),
    ],
)
def test_published_logs_come_byte_for_byte_and_only_once(
    feed: str, folder: str, day: SimulatedDay, tmp_path: Path
) -> None:
    settings = Settings.model_validate({"home": tmp_path})
    dropped = [
        path.name for path in day.folder.iterdir() if path.is_dir() and path.name not in (STATIONS, "truth", *SERVED)
    ]
    sent = {name: files(day.folder / name) for name in dropped}
    assert publish_to_folders(day.folder, settings) == sum(map(len, sent.values()))
    contract, checkpoint = find_contract(feed), Checkpoint()
    connector = find_connector(contract, settings)
    assert contents(connector, contract, checkpoint) == sent[folder]
    assert contents(connector, contract, checkpoint) == {}


def test_the_whole_book_of_the_city_server_comes_in_pages(day: SimulatedDay) -> None:
    contract, checkpoint = find_contract("feedback.requests"), Checkpoint()
    with city_server(day.folder) as server, httpx.Client(timeout=10) as client:
        pages = contents(Http(client, {"feedback": server.url}), contract, checkpoint)
        text = b"".join(pages.values()).decode()
        assert contents(Http(client, {"feedback": server.url}), contract, checkpoint) == {}
    received = dict(day.truth["ledger"].select("feed", "received").rows())
    assert text.count('"service_request_id"') == received[contract.feed]
    assert checkpoint.window_end == NOW
