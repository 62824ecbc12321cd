"""A delivery that was landed by mistake is withdrawn: everything is as if it had never come, except the ledger, which says so."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from typer.testing import CliRunner, Result

from cli.verbs import app
from core.settings import PROJECT
from ingestion.load.ledger import LedgerRow
from ingestion.receipts.receipt_store import ReceiptStore
from ingestion.receipts.receipts import find_receipt
from ingestion.receipts.trace import find_delivery
from ingestion.repair.quarantine import Selection, find_records
from ingestion.repair.repair import make_repair
from ingestion.repair.repair_request import Request, request_repair, request_withdrawal
from lake.counts import count_tables, require_agreement
from quality import levels, steps

from .conftest import NOON, Lake
from .warehouse import Warehouse

pytestmark = pytest.mark.stack

LEVELS = "environment.river_levels"
HEADER = "station_id,station_name,river,value,timestamp,status\n"
WHY = "sent for another province"


def line(gauge: str, level: str, hour: int = 8) -> str:
    return f"{gauge},Kim Long,Hương,{level},2026-11-20T{hour:02d}:00:00+07:00,stable\n"


def at(lake: Lake, minute: int) -> Lake:
    """Set the clock to some minutes after noon."""
    return replace(lake, settings=lake.settings.model_copy(update={"now": NOON + timedelta(minutes=minute)}))


def take_in(lake: Lake, minute: int, *files: tuple[str, str]) -> list[LedgerRow]:
    """Land files, and load them, some minutes after noon."""
    for second, (name, text) in enumerate(reversed(files)):  # the last one a second earlier than the one before
        received_at = NOON + timedelta(minutes=minute, seconds=second)
        lake.landing.land(lake.contracts[LEVELS], name, (HEADER + text).encode(), received_at)
    return at(lake, minute + 1).load(LEVELS)


def repair(lake: Lake, minute: int, name: str) -> None:
    """Repair what is open in files of one name, and replay."""
    records = [one for one in find_records(lake.connection, LEVELS, Selection()) if one.source_name == name]
    named = make_repair("convert_unit", {"column": "level_m", "factor": "0.001"})
    request = Request("somebody", NOON + timedelta(minutes=minute), "the logger was set to millimetres")
    request_repair(lake.landing, lake.contracts[LEVELS], records, named, request)
    at(lake, minute).replay(LEVELS)


def story(lake: Lake, *, with_mistake: bool) -> None:
    """Land deliveries before, with and after a mistake that they repeat, contradict and outlive."""
    take_in(lake, 0, ("before.csv", line("46_TV01", "0.5") + line("46_TV02", "1.25")))
    mistake = (
        line("46_TV01", "0.5")  # known before
        + line("46_TV03", "2.5")  # repeated later
        + line("46_TV01", "0.7", 9)  # contradicted later
        + line("46_TV02", "9.9", 9)  # its own alone
        + line("46_TV02", "12400", 10)  # refused, and repaired
        + line("46_TV03", "99999", 10)  # refused, and left
    )
    files = [("sibling.csv", line("46_TV02", "1.5", 7) + line("46_TV03", "88888", 7))]
    take_in(lake, 10, *([("mistake.csv", mistake)] if with_mistake else []), *files)
    if with_mistake:
        repair(lake, 20, "mistake.csv")
    take_in(lake, 30, ("repeats.csv", line("46_TV03", "2.5") + line("46_TV03", "2.5") + line("46_TV02", "1.25")))
    take_in(lake, 40, ("contradicts.csv", line("46_TV01", "0.8", 9)))
    take_in(lake, 45, ("apart.csv", line("46_TV03", "3.5", 11)))
    take_in(lake, 50, ("repaired.csv", line("46_TV02", "12400", 10)))
    repair(lake, 60, "repaired.csv")


def books(lake: Lake) -> dict[str, list[tuple[object, ...]]]:
    """Return every table of the feed by the names of files: ids differ from one run to the other."""
    named = "(select delivery_id, source_name from lake.ledger.deliveries)"
    return {
        "bronze": lake.query(
            "select bronze.* exclude (_delivery_id, _load_id), coalesce(sent.source_name, names.source_name) "
            f"from lake.bronze.environment__river_levels as bronze left join {named} as names on _delivery_id = names.delivery_id "
            "left join lake.quarantine.repairs as repairs on repairs.repair_id = _delivery_id "
            f"left join {named} as sent on repairs.delivery_id = sent.delivery_id order by all"
        ),
        "quarantine": lake.query(
            f"select source_name, records.* exclude (delivery_id, load_id) from lake.quarantine.records as records "
            f"inner join {named} using (delivery_id) order by all"
        ),
        "repairs": lake.query(
            f"select source_name, position, repair, outcome, replayed_at from lake.quarantine.repairs inner join {named} "
            "using (delivery_id) order by all"
        ),
        "ledger": lake.query(
            "select source_name, status, loaded_at, pieces, skipped_reasons, received, accepted, duplicate, quarantined, first_event_at, "
            "last_event_at from lake.ledger.deliveries where status <> 'withdrawn' and source_name <> 'withdraw.json' "
            "and not contains(skipped_reasons, 'withdrawn') order by all"
        ),
        "rules": lake.query("select rule, evaluated, failed, loaded_at from lake.ledger.rule_results order by all"),
        "objects": lake.query("select * exclude (load_id) from lake.ledger.object_results order by all"),
        "drift": lake.query("select column_name, kind, records from lake.ledger.drift order by all"),
    }


def books_add_up(lake: Lake) -> bool:
    """Whether each row balances, each table holds what the ledger says, and quarantined = open + replayed."""
    require_agreement(count_tables(lake.connection, with_a_ledger=True), "after a withdrawal")
    (unbalanced,) = lake.query(
        "select count(*) from lake.ledger.deliveries where received <> accepted + duplicate + quarantined or pieces <> received + skipped"
    )[0]
    replayed = lake.query(
        "select sum(record_count) from lake.quarantine.records semi join lake.quarantine.repairs using (feed, delivery_id, position)"
    )
    return unbalanced == 0 and replayed == lake.query(
        "select sum(received) filter (status = 'replayed' and received > 0) from lake.ledger.deliveries"
    )


def ask(lake: Lake, minute: int = 90, name: str = "mistake.csv") -> None:
    """Ask for the withdrawal of a file, and apply it."""
    found = find_delivery(lake.connection, lake.contracts[LEVELS], name)
    request = Request("Nguyễn Thị Sửa", NOON + timedelta(minutes=minute), WHY)
    request_withdrawal(lake.landing, lake.contracts[LEVELS], found.delivery, found.sha256, request)
    at(lake, minute).replay(LEVELS)


def test_withdrawn_equals_never_landed(lake: Lake) -> None:
    story(lake, with_mistake=False)
    never_landed = books(lake)
    lake.empty()
    story(lake, with_mistake=True)
    assert {name: rows for name, rows in books(lake).items() if rows == never_landed[name]} == {"drift": []}
    (sent,) = lake.query("select object_key, delivery_id from lake.ledger.deliveries where source_name = 'mistake.csv'")
    ask(lake)
    assert books(lake) == never_landed
    assert books_add_up(lake)
    assert lake.query(
        "select withdrawn_by, withdrawn_at, why, status, accepted, duplicate, quarantined from lake.ledger.withdrawals"
    ) == [("Nguyễn Thị Sửa", NOON + timedelta(minutes=90), WHY, "loaded", 3, 1, 2)]
    assert lake.query(
        "select object_key, delivery_id, status, pieces, skipped, received, skipped_reasons from lake.ledger.deliveries "
        "where source_name = 'mistake.csv'"
    ) == [
        (
            *sent,
            "withdrawn",
            7,
            7,
            0,
            '{"header": 1, "withdrawn_accepted": 3, "withdrawn_duplicate": 1, "withdrawn_quarantined": 2}',
        )
    ]
    assert "mistake.csv" in [one.source_name for one in lake.landing.deliveries(lake.contracts[LEVELS])]


def test_a_second_withdrawal_changes_nothing_and_one_of_each_leaves_nothing(lake: Lake) -> None:
    story(lake, with_mistake=True)
    ask(lake)
    once = books(lake), lake.query("from lake.ledger.withdrawals")
    ask(lake, 100)
    assert (books(lake), lake.query("from lake.ledger.withdrawals")) == once
    for number, name in enumerate(
        ("contradicts.csv", "before.csv", "repaired.csv", "sibling.csv", "repeats.csv", "apart.csv")
    ):
        ask(lake, 110 + number, name)
        assert books_add_up(lake), name
    left = {name: rows for name, rows in books(lake).items() if name != "ledger"}
    assert left == {name: [] for name in left}


@pytest.mark.parametrize("text", ["", "no,such,header\n1,2,3\n", line("46_TV01", "99999")])
def test_a_delivery_of_which_nothing_passed_is_withdrawn_too(lake: Lake, text: str) -> None:
    raw = text if text.startswith("no") else HEADER + text if text else ""
    lake.land(LEVELS, "mistake.csv", raw)
    lake.load(LEVELS)
    ask(lake)
    left = {name: rows for name, rows in books(lake).items() if name != "ledger"}
    assert left == {name: [] for name in left}
    assert lake.query("select status, received from lake.ledger.deliveries where source_name = 'mistake.csv'") == [
        ("withdrawn", 0)
    ]
    assert books_add_up(lake) or not lake.query("from lake.quarantine.repairs")


def test_the_same_file_again_is_known_and_not_loaded(lake: Lake) -> None:
    story(lake, with_mistake=True)
    ask(lake)
    before = books(lake)["bronze"]
    (text,) = [one for one in lake.landing.deliveries(lake.contracts[LEVELS]) if one.source_name == "mistake.csv"]
    with lake.landing.read(text).stream as stream:
        lake.landing.land(lake.contracts[LEVELS], "mistake.csv", stream.read(), NOON + timedelta(minutes=120))
    (row,) = lake.load(LEVELS)
    assert row.status.value == "duplicate_delivery"
    assert books(lake)["bronze"] == before


def test_what_was_closed_as_sent_again_by_the_mistake_is_open_again(lake: Lake) -> None:
    take_in(lake, 0, ("first.csv", line("46_TV02", "12400")))
    take_in(lake, 10, ("mistake.csv", line("46_TV02", "12.4")))
    records = find_records(lake.connection, LEVELS, Selection())
    sent = find_delivery(lake.connection, lake.contracts[LEVELS], "mistake.csv").delivery.delivery_id
    request = Request("somebody", NOON + timedelta(minutes=20), "sent again")
    request_repair(lake.landing, lake.contracts[LEVELS], records, make_repair("resent", {"resent_in": sent}), request)
    at(lake, 20).replay(LEVELS)
    assert find_records(lake.connection, LEVELS, Selection()) == []
    ask(lake)
    assert [(one.position, one.reason) for one in find_records(lake.connection, LEVELS, Selection())] == [
        (2, "not_resent")
    ]
    assert books_add_up(lake)


KILLED: dict[str, bool] = {
    "ingestion.repair.repair_request._land after": True,
    "ingestion.repair.replay.Replayer._documents after": True,
    "ingestion.repair.withdrawal.Withdrawer._take_away after": True,
    "ingestion.load.load.Loader.repeat after": True,
    "ingestion.repair.withdrawal.Withdrawer._row_of after": True,
    "ingestion.receipts.receipt_store.ReceiptStore.issue_again before": False,
}
"""Where the command is killed, and whether the tables are then as they were before; the smaller run takes the last two."""

VICTIM = """
import os, signal, sys
from importlib import import_module
from cli.verbs import app
*path, name = sys.argv[1].split(".")
owner = getattr(import_module(".".join(path[:-1])), path[-1]) if path[-1][0].isupper() else import_module(".".join(path))
real = getattr(owner, name)
def die(*arguments, **options):
    if sys.argv[2] == "after":
        real(*arguments, **options)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(owner, name, die)
app(sys.argv[3:])
"""


def test_a_kill_anywhere_leaves_all_or_nothing_and_saying_it_again_ends_it(lake: Lake, is_long: bool) -> None:
    """Runs the scenario once for each boundary, and starts the command twice: some 10 s each."""
    story(lake, with_mistake=False)
    never_landed = books(lake)
    for boundary, is_before in [*KILLED.items()][0 if is_long else -2 :]:
        lake.empty()
        story(lake, with_mistake=True)
        before = books(lake)
        command = ["withdraw", LEVELS, "mistake.csv", "--why", WHY]
        environment = lake.settings.child_environment(IOC_NOW=(NOON + timedelta(minutes=90)).isoformat())
        finished = subprocess.run(
            [sys.executable, "-c", VICTIM, *boundary.split(), *command],
            cwd=PROJECT,
            env=environment,
            check=False,
            capture_output=True,
        )
        assert finished.returncode == -signal.SIGKILL, (boundary, finished.stderr)
        assert books(lake) == (before if is_before else never_landed), boundary
        assert books_add_up(lake), boundary
        again = subprocess.run(
            [sys.executable, "-c", "from cli.verbs import app; app()", *command, "--json"],
            cwd=PROJECT,
            env=environment,
            check=True,
            capture_output=True,
        )
        (row,) = json.loads(again.stdout)
        assert (row["source_name"], row["accepted"], row["why"]) == ("mistake.csv", 3, WHY), boundary
        assert books(lake) == never_landed, boundary
        contract = lake.contracts[LEVELS]
        for (delivery_id,) in lake.query("select delivery_id from lake.ledger.deliveries where status <> 'replayed'"):
            receipt = find_receipt(lake.connection, lake.contracts, str(delivery_id))
            assert ReceiptStore(lake.settings).find(contract, receipt) == receipt.at_load().line(), boundary


@pytest.fixture
def ioc(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    for name, value in lake.settings.child_environment(IOC_NOW=(NOON + timedelta(minutes=90)).isoformat()).items():
        monkeypatch.setenv(name, value)
    return lambda *arguments: CliRunner().invoke(app, list(arguments))


def test_ledger_trace_and_receipt_say_it(lake: Lake, ioc: Callable[..., Result]) -> None:
    story(lake, with_mistake=True)
    withdrawn = ioc("withdraw", LEVELS, "mistake.csv", "--why", WHY, "--by", "Nguyễn Thị Sửa", "--json")
    (row,) = json.loads(withdrawn.stdout)
    (entry,) = [one for one in json.loads(ioc("ledger", LEVELS, "--json").stdout) if one["withdrawn_by"]]
    assert (entry["source_name"], entry["status"], entry["withdrawn_by"], entry["withdrawn_why"]) == (
        "mistake.csv",
        "withdrawn",
        "Nguyễn Thị Sửa",
        WHY,
    )
    assert "withdrawn" in ioc("ledger", LEVELS).stdout
    way = json.loads(ioc("trace", LEVELS, "mistake.csv", "3", "--json").stdout)
    assert (way["door"], way["reason"]) == ("withdrawn", WHY)
    way = json.loads(ioc("trace", LEVELS, "repeats.csv", "2", "--json").stdout)
    assert (way["door"], way["state"]) == ("accepted", "current")
    receipt = json.loads(ioc("receipt", row["delivery_id"], "--json").stdout)
    assert (receipt["status"], receipt["withdrawn"]["why"], receipt["is_balanced"], receipt["stored"]["is"]) == (
        "withdrawn",
        WHY,
        True,
        "equal",
    )
    assert "Nguyễn" not in json.dumps(receipt, ensure_ascii=False)
    assert f"Withdrawn at 2026-11-20 06:30:00 UTC: {WHY}" in ioc("receipt", row["delivery_id"]).stdout


def test_a_withdrawal_of_something_else_is_refused_and_says_what_there_is(
    lake: Lake, ioc: Callable[..., Result]
) -> None:
    story(lake, with_mistake=True)
    before = books(lake)
    for arguments, told in (
        (("environment.noise", "mistake.csv", "--why", WHY), "no such feed"),
        ((LEVELS, "another.csv", "--why", WHY), "in the ledger, got none"),
        ((LEVELS, "repair-20261120", "--why", WHY), "in the ledger, got none"),
        ((LEVELS, "mistake.csv", "--why", " "), "a person and a reason, got an empty one"),
    ):
        refused = ioc("withdraw", *arguments)
        assert refused.exit_code == 1, arguments
        assert told in " ".join(refused.stderr.split()), arguments
    assert ioc("withdraw", LEVELS, "mistake.csv").exit_code == 2
    assert "ioc withdraw" in ioc("quarantine", "repair", LEVELS, "withdraw", "--why", WHY).stderr
    assert books(lake) == before
    assert lake.query("from lake.ledger.withdrawals") == []


def test_marts_are_built_whole_without_it(lake: Lake) -> None:
    """Builds a domain three times with dbt: some 60 s."""
    marts = ("environment.river_levels", "quality.ledger_totals")

    def figures() -> list[list[tuple[object, ...]]]:
        Warehouse(settings, lake.connection).build_models(NOON, "--full-refresh", "--select", "+ledger_totals")
        return [
            lake.query(
                f"select * exclude (last_loaded_at) from lake.{mart} where feed = '{LEVELS}'"
                if "quality" in mart
                else f"select * exclude (source_version) from lake.{mart} order by all"
            )
            for mart in marts
        ]

    story(lake, with_mistake=True)
    settings = at(lake, 80).settings
    steps.build_domain(settings, "environment", full_refresh=True)
    assert levels.level_of(lake.connection, "environment", settings.clock()).due is not levels.Step.BUILD
    with_mistake = figures()
    ask(lake)
    assert levels.level_of(lake.connection, "environment", settings.clock()).due is levels.Step.BUILD
    steps.build_domain(settings, "environment")
    without = figures()
    lake.empty()
    story(lake, with_mistake=False)
    steps.build_domain(settings, "environment", full_refresh=True)
    assert figures() == without
    assert [one != other for one, other in zip(without, with_mistake, strict=True)] == [True, True]
