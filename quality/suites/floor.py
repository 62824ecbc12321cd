"""The floor of every suite, from the contracts and from what the marts declare: no domain needs a suite of its own to be audited.

    each mart       has rows and did not shrink, except lists of findings, which may be empty (`meta.may_be_empty`); keys are unique
    each feed       is live, in the mart that holds its newest event (`meta.newest_events`)
    each register   of a feed's expected objects is covered by the marts that are kept by object

A mart may also be empty, with a warning, as long as none of the feeds that it is made of has ever sent a record while another of its domain
has: who begins with some of the feeds sees what they tell.

A check by hand in `quality/suites/<domain>.py` with the same mart and words replaces the one made here.
"""

from quality.marts import Mart, feeds_of, marts_of
from quality.suites.check import (
    AuditFacts,
    Check,
    Severity,
    covers,
    has_no_rows,
    has_not_shrunk,
    is_fresh,
    is_not_empty,
)


def floor(domain: str, facts: AuditFacts) -> list[Check]:
    """Return the checks that follow from the marts and contracts of a domain."""
    return [check for mart in marts_of(domain) for check in _of_mart(mart, domain, facts)]


def _of_mart(mart: Mart, domain: str, facts: AuditFacts) -> list[Check]:
    filled = (
        []
        if mart.may_be_empty
        else [is_not_empty(mart.name, _of_emptiness(mart, domain, facts)), *has_not_shrunk(mart.name, facts)]
    )
    fresh = [
        is_fresh(mart.name, event.column, facts, event.feed, event.only)
        for event in mart.newest_events
        if event.feed is not None
    ]
    return [*filled, *_unique(mart), *fresh, *_covered(mart, domain, facts)]


def _of_emptiness(mart: Mart, domain: str, facts: AuditFacts) -> Severity:
    sending = facts.sending_feeds
    of_domain = {feed for feed, contract in facts.contracts.items() if contract.domain == domain}
    feeds = feeds_of(mart.name, facts.contracts)
    return "warning" if feeds and feeds.isdisjoint(sending) and not of_domain.isdisjoint(sending) else "critical"


def _unique(mart: Mart) -> list[Check]:
    if not mart.key:
        return []
    key = ", ".join(mart.key)
    query = f"select {key} from {{batch}} group by {key} having count(*) > 1"
    return [has_no_rows(mart.name, "every key is unique", query, 3, "critical")]


def _covered(mart: Mart, domain: str, facts: AuditFacts) -> list[Check]:
    registers = {
        contract.expected_objects
        for contract in facts.contracts.values()
        if contract.domain == domain and contract.expected_objects
    }
    kept_by = {register.partition(".")[2]: register for register in sorted(registers)}
    return [
        covers(mart.name, column, facts.objects_of(kept_by[column]), "warning")
        for column in mart.key
        if column in kept_by and not mart.may_be_empty
    ]
