"""Feeds as command arguments, and the contracts they name."""

from collections.abc import Iterable
from typing import Annotated

import typer

from core.contract import Contract, find_contract, read_contracts

OneFeed = Annotated[str, typer.Argument(help="A feed like environment.station_readings.")]
AnyFeed = Annotated[str | None, typer.Argument(help="A feed like environment.station_readings; all feeds if omitted.")]
Feeds = Annotated[
    list[str] | None, typer.Argument(help="Feeds like environment.station_readings; all feeds if omitted.")
]


def chosen_feeds(names: Iterable[str] | None) -> list[Contract]:
    """Return the named contracts, or all; raises UnknownNameError listing the known feeds."""
    return [find_contract(name) for name in names] if names else list(read_contracts().values())


def require_known(feed: str | None) -> None:
    """Raise UnknownNameError if a feed is given but does not exist."""
    if feed is not None:
        find_contract(feed)


def feed_of(contract: Contract) -> str:
    """Return the feed that a contract describes."""
    return contract.feed
