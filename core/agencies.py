"""The agencies: the owners of the contracts, and the name that each has in keys, folders and accounts."""

from collections.abc import Mapping

from core.contract import Contract
from core.errors import ContractError, UnknownNameError
from core.text import slug_of


def agency_slug(owner: str) -> str:
    """Give the name of an agency as it stands in keys and folders: small Latin letters, digits and hyphens."""
    slug = slug_of(owner)
    if not slug:
        raise ContractError(f"{owner or 'a contract'}: an owner with a name of letters was promised (team.name)")
    return slug


def agencies(contracts: Mapping[str, Contract]) -> dict[str, list[Contract]]:
    """Give each agency's contracts by its slug; raise ContractError where two agencies would share one, and with it their receipts."""
    owned: dict[str, list[Contract]] = {}
    for contract in contracts.values():
        mine = owned.setdefault(agency_slug(contract.owner), [])
        if mine and mine[0].owner != contract.owner:
            raise ContractError(
                f"{contract.feed}: an owner with a key of its own was promised, {contract.owner} shares it with {mine[0].owner}; "
                "write the name in one way, or name the agencies apart"
            )
        mine.append(contract)
    return owned


def find_agency(name: str, contracts: Mapping[str, Contract]) -> list[Contract]:
    """Give the contracts of an agency by its name or slug; raise UnknownNameError with the agencies there are."""
    owned = agencies(contracts)
    found = [mine for slug, mine in owned.items() if name in (slug, mine[0].owner)]
    if not found:
        raise UnknownNameError(f"{name}: no such agency; there are {', '.join(sorted(owned))}", agency=name)
    return found[0]
