"""The domains: those of the contracts, and the one of the scores."""

from collections.abc import Mapping

from core.contract import Contract

QUALITY = "quality"
"""The domain of the scores: built like the others, from the ledger of all of them."""


def domains_of(contracts: Mapping[str, Contract]) -> tuple[str, ...]:
    """Return the domains of contracts, each once and in their order, the scores last; none where there is no contract."""
    found = dict.fromkeys(contract.domain for contract in contracts.values())
    return (*found, QUALITY) if found else ()
