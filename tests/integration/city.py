"""A simulated day, brought through the sources into bronze as the agencies and our collectors would."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date
from pathlib import Path

import duckdb
import polars as pl

from cli.startup import prepare_tables
from core.contract import Contract, read_contracts
from core.settings import Settings
from ingestion.collect.collect import collect
from ingestion.collect.landing import BUCKET, Landing
from ingestion.load.load import load_feed
from simulator.city import simulate
from simulator.compare import compare
from simulator.declared import declared_urls
from simulator.faults import fault_profile
from simulator.publish import publish_to_folders, publish_to_sftp
from simulator.server import city_server

DAY = date(2026, 11, 20)
SEED = 46


@dataclass(frozen=True)
class City:
    """A stack that holds one simulated day, collected and loaded; its clock is at the end of the day."""

    settings: Settings
    folder: Path
    truth: dict[str, pl.DataFrame]
    withheld: list["Withheld"]

    def differences(self, connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[str, ...]]:
        """Compare every mart with the truth; the connection knows the marts as `<domain>.<mart>`."""
        compared = compare(self.truth, lambda sql: connection.execute(sql).pl(), self.settings.clock())
        assert len(compared) >= 11
        assert all(one.rows > 0 for one in compared)
        return {one.mart: one.differences[:3] for one in compared if one.differences}


@dataclass(frozen=True)
class Withheld:
    """A delivery that was collected and taken out of landing again, to arrive later."""

    contract: Contract
    source_name: str
    content: bytes

    def land(self, settings: Settings) -> None:
        """Land it now."""
        Landing(settings).land(self.contract, self.source_name, self.content, settings.clock())


def bring_in(
    settings: Settings, folder: Path, faults: str, withhold: int = 0, domains: Collection[str] | None = None
) -> City:
    """Simulate, serve, collect and load a day, of all domains or of some.

    The last deliveries of each feed, up to `withhold` of them, are kept for later.
    """
    withheld = []
    written = simulate(DAY, SEED, fault_profile(faults), folder)
    with city_server(folder) as server:
        settings = settings.model_copy(
            update={
                "now": written.ends_at.astimezone(UTC),
                "source_urls": {
                    "feedback": server.url,
                    "public_services": server.public_services_url,
                    **declared_urls(server.url),
                },
            }
        )
        prepare_tables(settings)
        publish_to_sftp(folder, settings)
        publish_to_folders(folder, settings)
        for contract in read_contracts().values():
            if domains is not None and contract.domain not in domains:
                continue
            collect(settings, contract)
            withheld += _take_back(settings, contract, withhold)
            load_feed(settings, contract)
    return City(settings, folder, dict(written.truth), withheld)


def _take_back(settings: Settings, contract: Contract, count: int) -> list[Withheld]:
    landing = Landing(settings)
    taken = []
    for delivery in [*landing.deliveries(contract)][1:][-count:] if count else []:
        with landing.read(delivery).stream as stream:
            taken.append(Withheld(contract, delivery.source_name, stream.read()))
        landing._client.remove_object(BUCKET, delivery.object_key)
    return taken
