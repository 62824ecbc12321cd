"""Feeds as commands take them: their arguments, and the contracts that a person names by them."""

from collections.abc import Iterable
from typing import Annotated

import typer

from core.contract import Contract, find_contract, read_contracts

OneFeed = Annotated[str, typer.Argument(help="A feed like environment.station_readings.")]
AnyFeed = Annotated[
    str | None, typer.Argument(help="A feed like environment.station_readings; all where none is named.")
]
Feeds = Annotated[
    list[str] | None, typer.Argument(help="Feeds like environment.station_readings; all where none is named.")
]


def chosen_feeds(names: Iterable[str] | None) -> list[Contract]:
    """Give the contracts named, or all; raises UnknownNameError with those that exist."""
    return [find_contract(name) for name in names] if names else list(read_contracts().values())


def require_known(feed: str | None) -> None:
    """Raise UnknownNameError where a feed is named and there is none of that name."""
    if feed is not None:
        find_contract(feed)


def feed_of(contract: Contract) -> str:
    """Return the feed that a contract describes."""
    return contract.feed
