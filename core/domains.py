"""The domains of `contracts/domains.yaml`, in file order, and the overview above them.

The quality domain is built from the ledger of all the others.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from core.errors import ContractError, UnknownNameError
from core.names import unknown_name
from core.settings import PROJECT

if TYPE_CHECKING:
    from core.contract import Contract

DOMAINS = PROJECT / "contracts" / "domains.yaml"
QUALITY = "quality"
"""The domain of the scores: it has marts but no feed."""
OVERVIEW = "overview"
"""The schema of the views over all domains (lake/overview.py): neither feeds nor builds are in it."""


@dataclass(frozen=True)
class Domain:
    """A domain: its id (also the name of its schema), its labels, and the slugs of its dashboards, the main one first."""

    id: str
    label_vi: str
    label_en: str
    dashboards: tuple[str, ...]


@cache
def read_domains(path: Path = DOMAINS) -> tuple[Domain, ...]:
    """Return the domains; raises what `read_shown_domains` does."""
    return tuple(domain for domain in read_shown_domains(path) if domain.id != OVERVIEW)


@cache
def read_shown_domains(path: Path = DOMAINS) -> tuple[Domain, ...]:
    """Read the overview, if the file has one, and the list of domains: everything that has pages, in the order in which leaders read it.

    Raises ContractError if an entry is malformed, or an id or a dashboard is listed twice.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        above = [{"id": OVERVIEW, **content[OVERVIEW]}] if OVERVIEW in content else []
        entries = [*above, *content["domains"]]
        domains = tuple(Domain(**{**entry, "dashboards": tuple(entry["dashboards"])}) for entry in entries)
    except (yaml.YAMLError, TypeError, KeyError) as error:
        raise ContractError(
            f"{path.name}: expected entries of id, label_vi, label_en and dashboards, got {error}; complete the entry"
        ) from error
    for names in ([one.id for one in domains], [slug for one in domains for slug in one.dashboards]):
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ContractError(f"{path.name}: expected each name once, got {', '.join(twice)} twice; delete one")
    return domains


def domain_names() -> tuple[str, ...]:
    """Return the ids of all domains in their order."""
    return tuple(domain.id for domain in read_domains())


def unknown_domain(name: str) -> UnknownNameError:
    """Return the error for a name that no domain has."""
    domain = name.partition(".")[0]
    hint = f"did you mean {domain}, the domain of that feed?" if "." in name and domain in domain_names() else ""
    return unknown_name(name, "domain", domain_names(), hint)


def require_listed_domains(contracts: Iterable["Contract"]) -> None:
    """Raise ContractError naming every contract whose domain is not in the list."""
    known = domain_names()
    wrong = [
        f"{contract.feed}: expected a domain of contracts/domains.yaml ({', '.join(known)}), got {contract.domain}; add it there"
        for contract in contracts
        if contract.domain not in known
    ]
    if wrong:
        raise ContractError("\n".join(wrong))
