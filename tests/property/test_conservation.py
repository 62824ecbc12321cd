"""Nothing is lost and nothing is invented, whatever happens to a delivery on its way, and whichever is withdrawn: every contract, through
the real load."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.contract import Contract, read_contracts
from core.reference import Reference
from core.settings import Settings
from ingestion.collect.landing import Landing
from ingestion.load.ledger import LedgerRow, summary
from ingestion.load.load import Loader
from ingestion.repair.repair_request import Request, request_withdrawal
from ingestion.repair.replay import Replayer
from lake.connection import connected
from lake.counts import count_tables, require_agreement
from lake.tables import create_tables
from tests.faults.results import Results
from tests.golden_samples import golden_sample
from tests.property.conservation import Books, holds, meet, texts_of
from tests.property.mutations import KINDS, MUTATIONS, Mutation, mutate

pytestmark = [pytest.mark.stack, pytest.mark.timeout(3600)]

CONTRACTS = read_contracts()
RECEIVED = datetime(2026, 11, 21, 17, 0, tzinfo=UTC)
"""Later than anything in the golden deliveries."""

SIBLINGS = 4
FEW = 2
"""How many examples of SIBLINGS mutated deliveries and their whole one each contract gets: in the long run so many for each seed."""


@pytest.fixture(scope="module")
def loader(stack_settings: Settings) -> Iterator[tuple[Loader, Landing, Books]]:
    """A loader, the landing zone it loads from, and an independent reader of the tables."""
    chosen = stack_settings.model_copy(update={"now": RECEIVED})
    landing = Landing(chosen)
    with connected(chosen) as connection:
        create_tables(connection, CONTRACTS)
        books = Books(connection, chosen.reveal("privacy_key"))
        yield Loader(chosen, connection, landing, Reference()), landing, books


def golden(contract: Contract) -> tuple[str, bytes]:
    """Return the name and the bytes of a feed's golden delivery."""
    name, content, _ = golden_sample(contract.feed)
    return name, content


def test_all_contracts_are_here() -> None:
    assert len(CONTRACTS) >= 13
    assert len(KINDS) == 12


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=list(CONTRACTS))
def test_no_mutation_of_any_delivery_loses_or_invents_a_record(
    contract: Contract, loader: tuple[Loader, Landing, Books], stack_settings: Settings, seeds: int, results: Results
) -> None:
    load, landing, books = loader
    replayer = Replayer(stack_settings.model_copy(update={"now": RECEIVED}), books.connection, landing, Reference())
    rows: list[LedgerRow] = []
    found: list[object] = []
    name, whole = golden(contract)

    @settings(
        max_examples=FEW * max(seeds, 1),
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        siblings=st.lists(MUTATIONS, min_size=SIBLINGS, max_size=SIBLINGS),
        mistake=st.none() | st.integers(0, SIBLINGS),
    )
    def nothing_is_lost(siblings: list[list[Mutation]], mistake: int | None) -> None:
        contents = [whole, *(mutate(whole, mutations, contract) for mutations in siblings)]
        landed = [landing.land(contract, name, content, RECEIVED) for content in contents]
        rows.extend(load.load_new(contract))
        if mistake is not None:
            digest = hashlib.sha256(contents[mistake]).hexdigest()
            request_withdrawal(landing, contract, landed[mistake], digest, Request("somebody", RECEIVED, "by mistake"))
            replayer.replay_new(contract)
            require_agreement(count_tables(books.connection, with_a_ledger=True), "after a withdrawal")
        faults = {
            number: wrong
            for number, (delivery, content) in enumerate(zip(landed, contents, strict=True))
            if (wrong := books.faults(contract, delivery, content, meet(content, name, contract)))
        }
        in_silver = books.silver_faults(contract)
        found.extend([*faults.values(), *in_silver])
        assert faults == {}
        assert in_silver == []

    try:
        nothing_is_lost()
    finally:
        results.add("conservation", {"feed": contract.feed, **summary(rows), "faults": len(found)})
    assert sum(row.accepted + row.duplicate for row in rows) > 0, (
        "nothing passed: this golden delivery tries one door only"
    )


def test_a_text_that_was_not_landed_is_not_found_again() -> None:
    texts = texts_of(b"a,b\nc,\xff\n")
    assert holds(texts, "c,\\xff")
    assert holds(texts, "a,b\nc,\\xff")
    assert not holds(texts, "a,c")
    assert not holds(texts, "a,b\nd")
