"""Judge the candidate marts of a build, as of the snapshot in which it ended.

Nothing passes by absence: a verdict without a check fails, a check that could not be evaluated counts as a failed critical
check whatever its severity (a renamed column, a mart that does not exist), and so does a missing result.
"""

import hashlib
import importlib
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from typing import Any

import duckdb

from core.contract import read_contracts
from core.domains import domain_names, unknown_domain
from core.reference import Reference
from core.settings import PROJECT
from lake.snapshots import newest_snapshot, tables_of
from quality.marts import MARTS, keys_of
from quality.suites.check import AuditFacts, Check, great_expectations, in_utc
from quality.suites.floor import floor
from quality.verdicts import CheckResult, Verdict
from transform.build import Build

SUITES_FOLDER = PROJECT / "quality" / "suites"
CONTRACTS_FOLDER = PROJECT / "contracts"

NAMES_SHOWN = 20
NAMED_PROBLEM = re.compile(
    r'column "\w+" in BatchData does not exist|Referenced column "\w+" not found'
    r'|Table with name "?[\w.]+"? does not exist|No snapshot found at version \d+'
)
KIND_OF_ERROR = re.compile(r"\w+(Exception|Error)\b")


def audit(connection: duckdb.DuckDBPyConnection, built: Build, clock: datetime) -> Verdict:
    """Run a domain's suite on the candidates of a build.

    Reads through a cursor of `connection` and changes neither lake nor marts. Raises UnknownNameError for a domain that is not listed.
    """
    domain = built.domain
    if domain not in domain_names():
        raise unknown_domain(domain)
    marts = tuple(keys_of(domain))
    released_rows = _released_rows(connection, domain, marts)
    sending = _sending_feeds(connection, built.snapshot_id)
    checks = checks_of(domain, AuditFacts(clock, read_contracts(), Reference(), released_rows, sending))
    results = run_checks(connection, domain, built.written, checks)
    return judge(built, clock, (*results, *_strangers(connection, domain, built.written, marts)))


def checks_of(domain: str, facts: AuditFacts) -> list[Check]:
    """Return the checks of a domain: its floor, and those written by hand, which replace floor checks of the same mart and words."""
    by_hand = _checks_by_hand(domain, facts)
    replaced = {(check.mart, check.says) for check in by_hand}
    return [*(check for check in floor(domain, facts) if (check.mart, check.says) not in replaced), *by_hand]


def _checks_by_hand(domain: str, facts: AuditFacts) -> list[Check]:
    """Return the checks of `quality/suites/<domain>.py`; none if there is no such file."""
    if not (SUITES_FOLDER / f"{domain}.py").exists():
        return []
    checks: list[Check] = importlib.import_module(f"quality.suites.{domain}").expectations(facts)
    return checks


def judge(built: Build, clock: datetime, results: tuple[CheckResult, ...]) -> Verdict:
    """Return the verdict: it passes if there are checks and no critical one failed."""
    passed = bool(results) and all(result.passed for result in results if result.severity == "critical")
    return Verdict(built.domain, built.snapshot_id, suite_digest(built.domain), passed, clock, results)


@cache
def suite_digest(domain: str) -> str:
    """Return the digest of a domain's checks: the suites' files, what marts declare, and the contracts they read."""
    digest = hashlib.sha256(domain.encode())
    declared = (*sorted((MARTS / domain).glob("_*__models.yml")), *sorted(CONTRACTS_FOLDER.rglob("*.odcs.yaml")))
    for path in (*sorted(SUITES_FOLDER.glob("*.py")), *declared):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _strangers(
    connection: duckdb.DuckDBPyConnection, domain: str, snapshot_id: int, marts: tuple[str, ...]
) -> tuple[CheckResult, ...]:
    """Fail each table of the schema that is not a mart of the suite: a release would show it, and nobody judged it."""
    return tuple(
        CheckResult(table, "the table is a mart of the suite", 5, "critical", False, "no mart of it", "a mart of it")
        for table in tables_of(connection, "lake", domain, snapshot_id)
        if table not in marts
    )


def run_checks(
    connection: duckdb.DuckDBPyConnection, domain: str, snapshot_id: int, checks: list[Check]
) -> tuple[CheckResult, ...]:
    """Evaluate checks on the marts as of a snapshot; return one result per check, mart by mart."""
    by_mart: dict[str, list[Check]] = defaultdict(list)
    for check in checks:
        by_mart[check.mart].append(check)
    library = great_expectations()
    from quality import dialect  # noqa: PLC0415  SQLAlchemy is only needed here

    dialect.register()
    context = library.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    engine_options = dialect.engine_options(connection)
    source = context.data_sources.add_sql(
        domain, connection_string=dialect.URL, kwargs=engine_options, create_temp_table=False
    )
    try:
        results: list[CheckResult] = []
        for mart, of_mart in by_mart.items():
            with _copied(connection, domain, mart, snapshot_id) as query:
                asset = source.add_query_asset(mart, query=query)
                batch = asset.add_batch_definition_whole_table(mart).get_batch()
                results.extend(_run_on_batch(library, batch, of_mart))
        return tuple(results)
    finally:
        source.get_execution_engine().close()


@contextmanager
def _copied(connection: duckdb.DuckDBPyConnection, domain: str, mart: str, snapshot_id: int) -> Iterator[str]:
    """Read a mart once, and yield the query of that copy: some eight queries follow, each of which takes 20 ms in the lake and 1 ms here.

    A mart that cannot be read is queried where it should be, so that each of its checks tells why.
    """
    there, copy = _as_of("*", domain, mart, snapshot_id), f'memory.main."audited {domain}"'
    try:
        connection.execute(f"create or replace table {copy} as {there}")
    except duckdb.Error:
        yield there
        return
    try:
        yield f"select * from {copy}"
    finally:
        connection.execute(f"drop table {copy}")


def _run_on_batch(library: Any, batch: Any, checks: list[Check]) -> list[CheckResult]:
    """Validate in one go, so that checks share their queries; results come in any order and are matched by number."""
    suite = library.ExpectationSuite(name=checks[0].mart)
    for number, check in enumerate(checks):
        check.expectation.meta = {"number": number}
        suite.add_expectation(check.expectation)
    answers = {answer.expectation_config.meta["number"]: answer for answer in batch.validate(suite).results}
    return [_result(check, answers.get(number)) for number, check in enumerate(checks)]


def _result(check: Check, answer: Any) -> CheckResult:
    problem = "no result came back" if answer is None else _exception(answer.exception_info or {})
    return CheckResult(
        mart=check.mart,
        expectation=check.says,
        error_group=check.error_group,
        severity=check.severity if problem is None else "critical",
        passed=problem is None and bool(answer.success),
        observed=problem or _observed(dict(answer.result)),
        expected=check.expected,
    )


def _exception(info: Mapping[str, Any]) -> str | None:
    """Return why a check could not be evaluated; None if it could. An error's text may hold values: only names leave this function."""
    for entry in [info] if "raised_exception" in info else info.values():
        if entry["raised_exception"]:
            message = str(entry["exception_message"])
            found = NAMED_PROBLEM.search(message) or KIND_OF_ERROR.search(message)
            return f"not evaluated: {found[0] if found else 'error'}"
    return None


def _observed(result: Mapping[str, Any]) -> str:
    if "partial_missing_list" in result:
        names = [str(name) for name in result["partial_missing_list"][:NAMES_SHOWN]]
        more = ", …" if result["missing_count"] > len(names) else ""
        return f"{result['missing_count']} missing{': ' if names else ''}{', '.join(names)}{more}"
    if "unexpected_count" in result:
        return f"{result['unexpected_count'] or 0} of {result['element_count']} rows failing"
    observed = result.get("observed_value")
    if isinstance(observed, datetime):
        return in_utc(observed)
    if isinstance(observed, float):
        return format(observed, ".6g")
    if observed is None:
        return "nothing"
    return "1 row" if observed == 1 else f"{observed} rows"


def _released_rows(connection: duckdb.DuckDBPyConnection, domain: str, marts: tuple[str, ...]) -> dict[str, int]:
    """Count the rows of each mart in the release in force; a mart that was never released is absent."""
    released = tables_of(connection, "marts", domain, newest_snapshot(connection, "marts"))
    rows: dict[str, int] = {}
    for mart in marts:
        if mart in released:
            found = connection.execute(f'select count(*) from marts."{domain}"."{mart}"').fetchone()
            rows[mart] = int(found[0]) if found else 0
    return rows


def _sending_feeds(connection: duckdb.DuckDBPyConnection, snapshot_id: int) -> frozenset[str]:
    """Return the feeds of which the lake that a build saw held an accepted record, at any time; none if it held no ledger."""
    query = f"select distinct feed from lake.ledger.deliveries at (version => {int(snapshot_id)}) where accepted > 0"
    try:
        return frozenset(str(feed) for (feed,) in connection.execute(query).fetchall())
    except duckdb.Error:  # a snapshot without a ledger, or none: the checks of the marts say so
        return frozenset()


def _as_of(what: str, domain: str, mart: str, snapshot_id: int) -> str:
    """Write the query; domain and mart are names known here, the snapshot is a number."""
    return f'select {what} from lake."{domain}"."{mart}" at (version => {int(snapshot_id)})'
