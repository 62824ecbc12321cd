"""Agencies: the owners of the contracts, and the slug each has in keys, folders and accounts."""

from collections.abc import Mapping

from core.contract import Contract
from core.errors import ContractError
from core.names import unknown_name
from core.text import slug_of


def agency_slug(owner: str) -> str:
    """Return the slug of an agency for keys and folders: lower-case Latin letters, digits and hyphens."""
    slug = slug_of(owner)
    if not slug:
        raise ContractError(
            f"{owner or 'a contract'}: expected an owner whose name has letters or digits, got none; set team.name"
        )
    return slug


def agencies(contracts: Mapping[str, Contract]) -> dict[str, list[Contract]]:
    """Return each agency's contracts by slug; raise ContractError if two agencies share a slug, since they would share receipts too."""
    owned: dict[str, list[Contract]] = {}
    for contract in contracts.values():
        mine = owned.setdefault(agency_slug(contract.owner), [])
        if mine and mine[0].owner != contract.owner:
            raise ContractError(
                f"{contract.feed}: expected an owner with a slug of its own, got {contract.owner}, which shares one with {mine[0].owner}; "
                "spell the name the same way, or give the agencies different names"
            )
        mine.append(contract)
    return owned


def find_agency(name: str, contracts: Mapping[str, Contract]) -> list[Contract]:
    """Return the contracts of an agency, found by name or slug; raise UnknownNameError listing the known agencies."""
    owned = agencies(contracts)
    found = [mine for slug, mine in owned.items() if name in (slug, mine[0].owner)]
    if not found:
        raise unknown_name(name, "agency", sorted(owned))
    return found[0]
