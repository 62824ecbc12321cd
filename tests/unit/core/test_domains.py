"""The one list of domains."""

from dataclasses import replace
from pathlib import Path

import pytest

from core.contract import read_contracts
from core.domains import QUALITY, Domain, domain_names, read_domains, require_listed_domains
from core.errors import ContractError

ENTRY = "- {id: traffic, label_vi: Giao thông, label_en: Traffic, dashboards: [giao-thong]}\n"


def listed(folder: Path, entries: str) -> Path:
    path = folder / "domains.yaml"
    path.write_text(f"domains:\n{entries}", encoding="utf-8")
    return path


def test_domains_stand_in_the_order_of_the_file(tmp_path: Path) -> None:
    entries = ENTRY + ENTRY.replace("traffic", "tourism").replace("giao-thong", "du-lich")
    assert read_domains(listed(tmp_path, entries)) == (
        Domain("traffic", "Giao thông", "Traffic", ("giao-thong",)),
        Domain("tourism", "Giao thông", "Traffic", ("du-lich",)),
    )


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (ENTRY + ENTRY.replace("giao-thong", "khac"), "expected each name once, got traffic twice"),
        (ENTRY + ENTRY.replace("id: traffic", "id: roads"), "expected each name once, got giao-thong twice"),
        (ENTRY.replace("label_en: Traffic, ", ""), "expected entries of id, label_vi, label_en and dashboards"),
        (ENTRY.replace("id:", "owner: me, id:"), "expected entries of id, label_vi, label_en and dashboards"),
        ("- {id: [", "expected entries of id"),
    ],
)
def test_a_list_that_contradicts_itself_is_refused(tmp_path: Path, entries: str, message: str) -> None:
    with pytest.raises(ContractError, match=message):
        read_domains(listed(tmp_path, entries))


def test_every_contract_is_of_a_listed_domain_and_the_scores_come_last() -> None:
    contracts = read_contracts()
    require_listed_domains(contracts.values())
    assert domain_names()[-1] == QUALITY
    stray = replace(contracts["feedback.requests"], feed="tourism.stays", domain="tourism")
    with pytest.raises(ContractError, match=r"tourism\.stays: expected a domain of contracts/domains\.yaml"):
        require_listed_domains([*contracts.values(), stray])
